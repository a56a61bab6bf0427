//! How a site's budget for history is lent to its agents. Pure: who asks and when comes in, a share comes out. Knows
//! nothing of sites' settings or of the wire.
//!
//! A share is lent from one answer to the next; it is void when none follows within a few send intervals, on both sides.
//! What an agent gave up, or may still have spent, is lent to nobody for a minute: so in no minute do all agents together
//! take more than the budget, however they come and go. Where a budget is too small for all at once, they take turns.

use crate::model::agent::AgentId;
use crate::model::report::BootId;
use std::collections::BTreeMap;

/// What a share is for, milliseconds.
const MINUTE_MS: i64 = 60_000;
/// Send intervals without an answer after which a share is lent to others. Agents hold it for less.
const LENT_INTERVALS: i64 = 3;
/// Least budget but nothing, and least share that is worth a turn, bytes a minute: below, a batch is little more than its
/// envelope.
pub const BYTES_MIN: u32 = 4_096;
/// How long a turn lasts, milliseconds.
const TURN_MS: i64 = 300_000;
/// Beyond a send interval and a minute after a start: what may pass between an answer and its being heard.
const SLACK_MS: i64 = 5_000;

/// An agent's request, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Whose.
    pub agent: AgentId,
    /// Whether history waits there that may go now.
    pub waits: bool,
    /// When it was sent, by the host's own clock: its boot, and milliseconds of that.
    pub sent: (BootId, u64),
}

/// An agent that asked not long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Borrower {
    share: u32,
    /// What it had before and may have spent, and until when that counts.
    before: (u32, i64),
    waits: bool,
    /// Since when it has a share, or none.
    since_ms: i64,
    asked_ms: i64,
    sent: (BootId, u64),
}

impl Borrower {
    /// What it may take within a minute around now.
    fn holds(&self, now_ms: i64) -> u32 {
        let (before, until_ms) = self.before;
        if now_ms < until_ms { self.share.max(before) } else { self.share }
    }
}

/// A site's agents and what is lent to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lending {
    borrowers: BTreeMap<AgentId, Borrower>,
    /// Nothing is lent before: shares of before a start may still be out.
    from_ms: i64,
    interval_ms: i64,
}

impl Lending {
    /// Of a site whose budget holds from now on, and whose agents send at an interval.
    pub fn new(interval_ms: i64, now_ms: i64) -> Self {
        let from_ms = now_ms + interval_ms + MINUTE_MS + SLACK_MS;
        Self { borrowers: BTreeMap::new(), from_ms, interval_ms }
    }

    /// What an agent that asks may take, bytes a minute, until its next answer.
    pub fn lend(&mut self, budget: u32, ask: Ask, now_ms: i64) -> u32 {
        let lent_ms = self.interval_ms * LENT_INTERVALS;
        self.borrowers.retain(|_, one| now_ms - one.asked_ms < lent_ms + MINUTE_MS);
        let known = self.borrowers.get(&ask.agent);
        if let Some(later) = known.filter(|one| one.sent.0 == ask.sent.0 && ask.sent.1 < one.sent.1) {
            // A request that was overtaken by a later one: its answer is heard by nobody.
            return later.share;
        }
        let mut one = known.cloned().unwrap_or(Borrower {
            share: 0,
            before: (0, now_ms),
            waits: false,
            since_ms: now_ms,
            asked_ms: now_ms,
            sent: ask.sent,
        });
        (one.asked_ms, one.sent) = (now_ms, ask.sent);
        one.since_ms = if ask.waits && !one.waits && one.share == 0 { now_ms } else { one.since_ms };
        one.waits = ask.waits;
        self.borrowers.remove(&ask.agent);
        let others: u64 = self.borrowers.values().map(|other| u64::from(other.holds(now_ms))).sum();
        let left = u64::from(budget).saturating_sub(others);
        let left = if now_ms < self.from_ms { 0 } else { u32::try_from(left).unwrap_or(u32::MAX) };
        let share = self.fair(budget, left, (ask.agent, &one), now_ms).min(left);
        if share < one.share {
            one.before = (one.holds(now_ms), now_ms + MINUTE_MS);
        }
        if (share == 0) != (one.share == 0) {
            one.since_ms = now_ms;
        }
        one.share = share;
        self.borrowers.insert(ask.agent, one);
        share
    }

    /// What would be fair towards the others that wait.
    fn fair(&self, budget: u32, left: u32, (agent, one): (AgentId, &Borrower), now_ms: i64) -> u32 {
        if !one.waits {
            return 0;
        }
        let lent_ms = self.interval_ms * LENT_INTERVALS;
        let others =
            || self.borrowers.iter().filter(|(_, other)| other.waits && now_ms - other.asked_ms < lent_ms);
        let waiting = u32::try_from(others().count() + 1).unwrap_or(u32::MAX);
        let turns = (budget / BYTES_MIN).max(1);
        if waiting <= turns {
            return budget / waiting;
        }
        let share = budget / turns;
        let mut without = others().filter(|(_, other)| other.share == 0);
        if one.share > 0 {
            let is_over = now_ms - one.since_ms >= TURN_MS.max(lent_ms) && without.next().is_some();
            return if is_over { 0 } else { share };
        }
        // Who has waited for longer comes before.
        let before = without.filter(|(id, other)| (other.since_ms, **id) < (one.since_ms, agent)).count();
        let free = usize::try_from(left.checked_div(share).unwrap_or(0)).unwrap_or(usize::MAX);
        if before < free { share } else { 0 }
    }
}

#[cfg(test)]
mod tests;
