//! Forty hosts of one site that were cut off together and come back together, behind one budget: the agents' own delivery
//! and the collector's own core, in fair weather.

use super::center::Center;
use super::machine::Machine;
use super::post::{Net, Weather};
use super::terms::Terms;
use super::{Order, START_MS, identities, live, lock, settle_up, tell_all};
use crate::fleet::dice::Dice;
use anyhow::{Result, ensure};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::sleep;
use tram_collector::model::agent::AgentId;

/// Hosts of the site.
const HOSTS: usize = 40;
/// How long they are cut off.
const AWAY: Duration = Duration::from_secs(4 * 3_600);
/// How long after the return the newest state of each must be there.
const CURRENT_WITHIN: Duration = Duration::from_secs(60);
/// What all of them may take, as a multiple of what the budget would allow at least; and what comes on top once.
const TAKES_MAX: u32 = 4;
const TAKES_MORE: Duration = Duration::from_secs(900);
const LOOK: Duration = Duration::from_secs(30);

/// What became of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// Bytes on the wire that all its history took.
    pub bytes: u64,
    /// Minutes after the return at which each host had delivered all of it.
    pub done_minutes: Vec<u64>,
}

/// Runs it under a budget, in bytes a minute, in a folder that is gone afterwards.
pub fn forty_behind_one_budget(budget: u32) -> Result<Crowd> {
    let shared = Path::new("/dev/shm");
    let root = if shared.is_dir() { tempfile::tempdir_in(shared)? } else { tempfile::tempdir()? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    LocalSet::new().block_on(&runtime, crowd(budget, root.path()))
}

async fn crowd(budget: u32, root: &Path) -> Result<Crowd> {
    let terms = Terms {
        spool_bytes_max: 64 << 20,
        sample_interval: Duration::from_secs(60),
        budget: Some(budget),
        closed: None,
    };
    let identities = identities()?.get(..HOSTS).unwrap_or_default();
    let agents: Vec<AgentId> = identities.iter().map(|identity| AgentId(identity.agent.0)).collect();
    let center = Center::new(&root.join("center"), &agents, START_MS, terms.budget)?;
    let net = Net::new(center, HOSTS, Dice::new(40, "net"), START_MS, terms.clone());
    let net = Arc::new(Mutex::new(net));
    lock(&net).weather = Weather { delay_s: 0.3, ..Weather::default() };
    let (mut orders, mut lives) = (Vec::new(), Vec::new());
    for (number, identity) in identities.iter().enumerate() {
        let dice = Dice::new(40, &format!("host{number}"));
        let machine = Machine::new(number, root.join(format!("host{number}")), &net, dice, identity, &terms)?;
        let (sender, receiver) = mpsc::unbounded_channel();
        orders.push(sender);
        lives.push(tokio::task::spawn_local(live(machine, receiver)));
    }
    sleep(Duration::from_secs(300)).await;
    lock(&net).cut.fill(true);
    sleep(AWAY).await;
    lock(&net).cut.fill(false);
    let back_ms = lock(&net).now_ms();
    sleep(CURRENT_WITHIN).await;
    for host in 0..HOSTS {
        let at_ms = lock(&net).center.host(host).map_or(0, |host| host.at_ms);
        ensure!(
            at_ms > back_ms - 120_000,
            "host {host}: {} s old a minute after the return",
            (back_ms - at_ms) / 1_000
        );
    }
    let done_minutes = wait(&net, back_ms, budget).await?;
    tell_all(&orders, Order::Rest);
    sleep(Duration::from_secs(180)).await;
    tell_all(&orders, Order::End);
    for life in lives {
        let machine = life.await??;
        let (pending, dropped) = (machine.pending(), machine.dropped());
        ensure!((pending, dropped) == (0, 0), "{pending} reports wait, {dropped} were dropped");
    }
    let mut net = lock(&net);
    settle_up(&mut net, &terms, &[0; HOSTS])?;
    Ok(Crowd { bytes: net.wire.bytes(), done_minutes })
}

/// Waits until every host's oldest gap is filled; says after how many minutes each one's was.
async fn wait(net: &Arc<Mutex<Net>>, back_ms: i64, budget: u32) -> Result<Vec<u64>> {
    let mut done: Vec<Option<u64>> = vec![None; HOSTS];
    loop {
        {
            let net = lock(net);
            let minute = u64::try_from((net.now_ms() - back_ms) / 60_000).unwrap_or(0);
            for (host, done) in done.iter_mut().enumerate() {
                let known = net.center.host(host);
                let is_whole = known
                    .is_some_and(|host| host.spools.iter().all(|spool| spool.seen.as_slice().len() == 1));
                if is_whole {
                    done.get_or_insert(minute);
                }
            }
            let least = Duration::from_secs(60 * net.wire.bytes().div_ceil(budget.into()));
            let late = Duration::from_secs(60 * minute) > least * TAKES_MAX + TAKES_MORE;
            let waiting = done.iter().filter(|done| done.is_none()).count();
            ensure!(!late, "{waiting} hosts still have history after {minute} minutes");
            if waiting == 0 {
                return Ok(done.into_iter().flatten().collect());
            }
        }
        sleep(LOOK).await;
    }
}
