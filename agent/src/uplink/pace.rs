//! How much history may go: the share of its site's uplink that the collector gives this agent, bound by the host's own
//! limit. Pure; knows nothing of what is sent.
//!
//! A share holds for every minute, not for the mean of several: what was spent counts until a minute after the answer
//! came, however slowly the line carried it. A share is lent until the next answers: while none come it is void, because
//! the collector gives it to others.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a share is for.
const MINUTE: Duration = Duration::from_secs(60);
/// Send intervals for which a share holds that no further answer renews. The collector lends it for longer.
const LENT_INTERVALS_HALVES: u32 = 5;
/// A batch of history is put off until it may take this much, or all of the share: small ones are mostly envelope.
const WORTH_BYTES: u64 = 16 << 10;
/// What a request and its answer take besides the body: heads, the ack, records of TLS.
const ENVELOPE_BYTES: u64 = 1_024;
/// What the body takes besides itself, one part in so many: heads of packets both ways, and what a line of 5 % loss has
/// sent again.
const PACKETS_PART: u64 = 8;
/// Spendings that are told from each other.
const SPENT_MAX: usize = 64;

/// Bytes on the wire, both ways, that a body of so many comes to on a connection that is there.
pub fn wire_bytes(body: usize) -> u64 {
    let body = body as u64;
    ENVELOPE_BYTES + body + body / PACKETS_PART
}

/// What the collector said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    /// No bound.
    All,
    /// So many bytes a minute, until then.
    Lent { bytes: u64, until: Instant },
    /// There is a bound, and how much of it is this agent's is not known any more, or not yet.
    Void,
}

/// How much history may go, and what went.
#[derive(Debug)]
pub struct Pace {
    limit: Option<u64>,
    share: Share,
    /// Nothing goes before: what was spent before a restart is not known.
    quiet_until: Instant,
    /// When the answer came, and what it and its request took.
    spent: VecDeque<(Instant, u64)>,
    on_its_way: u64,
    /// A single report did not fit into what was left.
    wants_all: bool,
}

impl Pace {
    /// Of an agent that has just started, with its own limit in bytes a minute. Whether its site had a budget when it
    /// stopped is remembered by the caller.
    pub fn new(limit: Option<u64>, was_bounded: bool, now: Instant) -> Self {
        let share = if was_bounded { Share::Void } else { Share::All };
        let quiet_until = now + MINUTE;
        Self { limit, share, quiet_until, spent: VecDeque::new(), on_its_way: 0, wants_all: false }
    }

    /// An answer says what this agent's share is; none: there is no bound.
    pub(super) fn handle_share(&mut self, share: Option<u32>, send_interval: Duration, now: Instant) {
        self.share = match share {
            None => Share::All,
            Some(bytes) => {
                let until = now + send_interval * LENT_INTERVALS_HALVES / 2;
                Share::Lent { bytes: bytes.into(), until }
            }
        };
    }

    /// No answer came: what the collector said before may not hold any more. Whether that leaves nothing.
    pub(super) fn handle_silence(&mut self) -> bool {
        let is_void = self.share != Share::All;
        if is_void {
            self.share = Share::Void;
        }
        is_void
    }

    /// A batch of history sets off.
    pub(super) fn handle_departure(&mut self, bytes: u64) {
        self.on_its_way = bytes;
        self.wants_all = false;
    }

    /// Its answer has come, or nothing will.
    pub(super) fn handle_landing(&mut self, now: Instant) {
        let bytes = std::mem::take(&mut self.on_its_way);
        if bytes == 0 || !self.is_bounded() {
            return;
        }
        while self.spent.front().is_some_and(|(when, _)| *when + MINUTE <= now) {
            self.spent.pop_front();
        }
        let is_full = self.spent.len() >= SPENT_MAX;
        match self.spent.back_mut().filter(|_| is_full) {
            Some((when, sum)) => (*when, *sum) = (now, *sum + bytes),
            None => self.spent.push_back((now, bytes)),
        }
        // What is more than a whole share takes as many minutes as it has shares.
        if let Some(share) = self.share_bytes(now).filter(|share| (1..bytes).contains(share)) {
            let minutes = u32::try_from(bytes.div_ceil(share) - 1).unwrap_or(u32::MAX);
            self.quiet_until = self.quiet_until.max(now + MINUTE.saturating_mul(minutes.min(1_440)));
        }
    }

    /// A single report needs more than what is left.
    pub(super) fn handle_no_room(&mut self) {
        self.wants_all = true;
    }

    /// Whether the site has a budget, as far as known.
    pub fn is_shared(&self) -> bool {
        self.share != Share::All
    }

    /// Whether there is any bound.
    pub fn is_bounded(&self) -> bool {
        self.share != Share::All || self.limit.is_some()
    }

    /// Bytes a minute; none: no bound.
    pub fn share_bytes(&self, now: Instant) -> Option<u64> {
        let lent = match self.share {
            Share::All => None,
            Share::Lent { bytes, until } => Some(if now < until { bytes } else { 0 }),
            Share::Void => Some(0),
        };
        [lent, self.limit].into_iter().flatten().min()
    }

    /// Bytes on the wire that the next batch may take; none: no bound.
    pub fn allowance(&self, now: Instant) -> Option<u64> {
        let share = self.share_bytes(now)?;
        if now < self.quiet_until {
            return Some(0);
        }
        let spent = self.spent.iter().filter(|(when, _)| now < *when + MINUTE).map(|(_, bytes)| bytes);
        Some(share.saturating_sub(spent.sum()))
    }

    /// Whether all of a minute's share may go.
    pub fn is_untouched(&self, now: Instant) -> bool {
        self.allowance(now) == self.share_bytes(now)
    }

    /// When another batch is worth it; none: not before another answer.
    pub(super) fn ready_at(&self, now: Instant) -> Option<Instant> {
        let Some(share) = self.share_bytes(now) else { return Some(now) };
        if share == 0 {
            return None;
        }
        let worth = if self.wants_all { share } else { share.min(WORTH_BYTES) };
        let mut ends = self.spent.iter().map(|(when, _)| *when + MINUTE);
        let mut when = now.max(self.quiet_until);
        while self.allowance(when).is_some_and(|bytes| bytes < worth) {
            // Past the last of them all of the share is free, unless it is void then.
            when = ends.find(|end| *end > when)?;
        }
        Some(when)
    }
}

#[cfg(test)]
mod tests;
