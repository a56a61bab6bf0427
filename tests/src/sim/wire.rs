//! What history takes of the site's uplink: every batch of it as it leaves, and whether that was within the terms. Knows
//! nothing of how agents come to send it.

use super::terms::Terms;
use anyhow::{Result, ensure};
use std::time::Duration;
use tokio::time::Instant;
use tram_agent::uplink::pace::wire_bytes;
use tram_proto::encoding;
use tram_proto::report::{Batch, Report};

const MINUTE: Duration = Duration::from_secs(60);
/// What a collector calls live is no older: two send intervals.
const LIVE_MS: u64 = 120_000;
/// What an agent may be wrong by about the time: the slowest answer, sent again.
const DOUBT_MS: i64 = 30_000;

/// Batches of history that left: when, and their bytes on the wire.
#[derive(Debug, Default)]
pub(super) struct Wire {
    left: Vec<(Instant, u64)>,
    /// What left when history may not.
    out_of_hours: Vec<i64>,
}

impl Wire {
    /// A batch leaves at a time, milliseconds since 1970.
    pub(super) fn note(&mut self, body: &[u8], terms: &Terms, at_ms: i64) {
        if (terms.budget.is_none() && terms.closed.is_none()) || !is_history(body) {
            return;
        }
        self.left.push((Instant::now(), wire_bytes(encoding::compress(body).len())));
        if terms.is_closed(at_ms, DOUBT_MS) {
            self.out_of_hours.push(at_ms);
        }
    }

    /// Whether all of it was within the terms.
    pub(super) fn check(&self, terms: &Terms) -> Result<()> {
        ensure!(self.out_of_hours.is_empty(), "history left outside its hours at {:?} ms", self.out_of_hours);
        let Some(budget) = terms.budget else { return Ok(()) };
        for (place, (begin, _)) in self.left.iter().enumerate() {
            let within = self.left.iter().skip(place).take_while(|(when, _)| *when < *begin + MINUTE);
            let bytes: u64 = within.map(|(_, bytes)| bytes).sum();
            ensure!(bytes <= u64::from(budget), "{bytes} bytes of history left in one minute, of {budget}");
        }
        Ok(())
    }

    /// Bytes that left.
    pub(super) fn bytes(&self) -> u64 {
        self.left.iter().map(|(_, bytes)| bytes).sum()
    }
}

/// Whether a batch carries anything that is not live.
fn is_history(body: &[u8]) -> bool {
    let Ok(batch) = Batch::decode(body) else { return false };
    let is_old = |report: Report| {
        let is_of_now = report.boot == batch.sent.boot && report.aggregate.is_none();
        !is_of_now || batch.sent.boot_ms.saturating_sub(report.boot_ms) > LIVE_MS
    };
    batch.reports.iter().any(|framed| Report::decode(framed.1.get().as_bytes()).is_ok_and(is_old))
}
