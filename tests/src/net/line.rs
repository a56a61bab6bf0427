//! A poor line between gateway and internet: so many bits a second, so much later, so many packets lost. Packets pass
//! through this process, over a TUN device at each end, so that no kernel module is needed. A seed decides what is lost.

use super::Namespace;
use anyhow::{Context, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tun_rs::{AsyncDevice, DeviceBuilder};

/// The device at either end.
const DEVICE: &str = "line0";
/// How long a packet may wait for its turn; what would wait longer is dropped, as modems with full buffers do.
const QUEUE: Duration = Duration::from_secs(2);
/// Packets under way in one direction.
const PACKETS_MAX: usize = 4_096;
/// Longer than any packet that a TUN device hands over.
const PACKET_BYTES_MAX: usize = 65_536;
const SEED: u64 = 0x5eed_0f7a_11e5;

/// What a line is like, in each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Kilobits a second; 0: as many as come.
    pub kilobits: u32,
    /// Milliseconds that each packet takes longer.
    pub delay_ms: u32,
    /// Percent of packets that are lost, at random.
    pub loss_percent: u8,
}

/// A line in service. Dropping it removes it.
pub(super) struct Running {
    _tasks: JoinSet<()>,
}

impl Running {
    /// Puts the line in service; routes are not changed.
    pub(super) fn start(line: Line, ends: [&Namespace; 2], runtime: &Handle) -> Result<Self> {
        let [near, far] = [device(ends[0], runtime)?, device(ends[1], runtime)?];
        let mut tasks = JoinSet::new();
        for (from, to, seed) in [(near.clone(), far.clone(), SEED), (far, near, SEED + 1)] {
            let (sender, receiver) = mpsc::channel(PACKETS_MAX);
            tasks.spawn_on(take(line, from, sender, seed), runtime);
            tasks.spawn_on(deliver(receiver, to), runtime);
        }
        Ok(Self { _tasks: tasks })
    }

    /// What leads over the line, as arguments of `ip route`.
    pub(super) const fn device() -> &'static str {
        DEVICE
    }
}

fn device(namespace: &Namespace, runtime: &Handle) -> Result<Arc<AsyncDevice>> {
    let build = || {
        let _inside = runtime.enter();
        DeviceBuilder::new().name(DEVICE).build_async()
    };
    let device = namespace.enter(build)?.context("a poor line needs /dev/net/tun")?;
    namespace.run("ip", &["link", "set", DEVICE, "up"])?;
    Ok(Arc::new(device))
}

/// Takes packets in: loses some, and says of the others when they arrive.
async fn take(line: Line, from: Arc<AsyncDevice>, sender: mpsc::Sender<(Instant, Vec<u8>)>, seed: u64) {
    let mut packet = vec![0; PACKET_BYTES_MAX];
    let mut dice = seed;
    let mut is_free_at = Instant::now();
    while let Ok(length) = from.recv(&mut packet).await {
        let bytes = packet.get(..length).unwrap_or_default();
        let now = Instant::now();
        is_free_at = is_free_at.max(now);
        let is_full = is_free_at - now > QUEUE;
        if is_full || roll(&mut dice) < u64::from(line.loss_percent) {
            continue;
        }
        let bits = length as u64 * 8;
        if let Some(took_us) = (bits * 1_000).checked_div(u64::from(line.kilobits)) {
            is_free_at += Duration::from_micros(took_us);
        }
        let due = is_free_at + Duration::from_millis(line.delay_ms.into());
        // No room: lost, like what a full buffer drops.
        sender.try_send((due, bytes.to_vec())).ok();
    }
}

async fn deliver(mut receiver: mpsc::Receiver<(Instant, Vec<u8>)>, to: Arc<AsyncDevice>) {
    while let Some((due, packet)) = receiver.recv().await {
        tokio::time::sleep_until(due).await;
        if to.send(&packet).await.is_err() {
            return;
        }
    }
}

/// 0 to 99, by xorshift.
fn roll(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dice_are_fair_enough() {
        let mut state = SEED;
        let lost = (0..10_000).filter(|_| roll(&mut state) < 5).count();
        assert!((400..600).contains(&lost), "{lost}");
    }
}
