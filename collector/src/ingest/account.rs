//! What one agent may have of the collector at once and how fast, over all its connections: so that none takes it from
//! the others.
//!
//! Every certificate has an account: connections, requests under way, and work that it owes time for. Work is counted in
//! bytes, after decompression; an account may run ahead of its rate for as long as thirty days of history need little
//! patience. An agent that heeds the pauses that acks ask for is never refused. Those without a certificate share one
//! account. Pure but for its counters: takes the time.

use crate::model::agent::AgentId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Connections of one agent; a further one ends the oldest, which a cut may have left for dead.
const CONNECTIONS_MAX: usize = 4;
/// Connections of all who have no certificate: machines that enrol.
const STRANGERS_MAX: usize = 1_024;
/// Requests of one agent under way; an agent has one, and one more may be of a connection that was cut.
const REQUESTS_MAX: u32 = 2;
/// Bytes a second that an agent may send for ever: 30 days of reports of a hundred columns take three minutes.
const BYTES_PER_S: u64 = 1 << 20;
/// What a request counts for besides its body.
pub(super) const REQUEST_BYTES: u64 = 1 << 10;
/// What a connection counts for: its handshake costs as much as ten reports.
const CONNECTION_BYTES: u64 = 16 << 10;
/// How far ahead of its rate an agent may run before it is refused: 16 MiB at once.
const AHEAD_MAX_US: u64 = 16_000_000;
/// How far ahead it may run before acks ask it to wait with history; what is current still has the rest.
const AHEAD_GENTLE_US: u64 = 12_000_000;
const SECOND_US: u64 = 1_000_000;
/// Accounts below which it is not worth looking for those that are settled.
const SWEEP_MIN: usize = 1_024;

/// The agent has too much under way, or runs too far ahead; says in how many seconds it may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch {
    pub(super) retry_s: u64,
}

/// One agent's account.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// When everything that it sent would have come at its rate, microseconds.
    paid_until_us: AtomicU64,
    requests: AtomicU32,
    /// Its connections, oldest first.
    connections: Mutex<VecDeque<Arc<Notify>>>,
}

impl Account {
    /// Begins a request, if the agent may have one now.
    pub(super) fn begin(self: &Arc<Self>, now_us: u64) -> Result<Turn, TooMuch> {
        let ahead_us = self.ahead_us(now_us);
        if ahead_us > AHEAD_MAX_US {
            return Err(TooMuch { retry_s: (ahead_us - AHEAD_MAX_US).div_ceil(SECOND_US) });
        }
        let turn = Turn(Arc::clone(self));
        if self.requests.fetch_add(1, Ordering::Relaxed) >= REQUESTS_MAX {
            return Err(TooMuch { retry_s: 1 });
        }
        Ok(turn)
    }

    /// So many bytes were worked on.
    pub(super) fn charge(&self, bytes: u64, now_us: u64) {
        let took_us = bytes.saturating_mul(SECOND_US) / BYTES_PER_S;
        let next = |paid_us: u64| Some(paid_us.max(now_us).saturating_add(took_us));
        // It always has a next value.
        let _ = self.paid_until_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// How long an agent is asked to wait before more history.
    pub(super) fn pause(&self, now_us: u64) -> Option<Duration> {
        let ahead_us = self.ahead_us(now_us);
        (ahead_us > AHEAD_GENTLE_US).then(|| Duration::from_micros(ahead_us - AHEAD_GENTLE_US))
    }

    fn ahead_us(&self, now_us: u64) -> u64 {
        self.paid_until_us.load(Ordering::Relaxed).saturating_sub(now_us)
    }

    fn connections(&self) -> MutexGuard<'_, VecDeque<Arc<Notify>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection; whether an older one had to go for it.
    fn open(&self, connections_max: usize) -> (Arc<Notify>, bool) {
        let end = Arc::new(Notify::new());
        let mut connections = self.connections();
        connections.push_back(Arc::clone(&end));
        let oldest = (connections.len() > connections_max).then(|| connections.pop_front()).flatten();
        if let Some(oldest) = &oldest {
            oldest.notify_one();
        }
        (end, oldest.is_some())
    }

    fn is_settled(&self, now_us: u64) -> bool {
        self.ahead_us(now_us) == 0 && self.connections().is_empty()
    }
}

/// A request under way; ends with this value.
#[derive(Debug)]
pub(super) struct Turn(Arc<Account>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection in its account; leaves it with this value.
#[derive(Debug)]
pub(super) struct Seat {
    /// Whose it is.
    pub(super) account: Arc<Account>,
    /// Told when the connection has to go for a newer one.
    pub(super) end: Arc<Notify>,
    /// Whether an older one had to go for this one.
    pub(super) has_replaced: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.account.connections().retain(|end| !Arc::ptr_eq(end, &self.end));
    }
}

/// The accounts of everyone who is connected, or owes time.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    agents: Mutex<Agents>,
    strangers: Arc<Account>,
}

#[derive(Debug, Default)]
struct Agents {
    accounts: HashMap<AgentId, Arc<Account>>,
    /// With so many it is looked for those that are settled: twice as many as there were left the last time.
    sweep_at: usize,
}

impl Accounts {
    /// A connection of this agent has come about; none: of somebody without a certificate.
    pub(super) fn open(&self, agent: Option<AgentId>, now_us: u64) -> Seat {
        let Some(agent) = agent else {
            let account = Arc::clone(&self.strangers);
            let (end, has_replaced) = account.open(STRANGERS_MAX);
            return Seat { account, end, has_replaced };
        };
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if agents.accounts.len() >= agents.sweep_at.max(SWEEP_MIN) {
            agents.accounts.retain(|_, account| !account.is_settled(now_us));
            agents.sweep_at = 2 * agents.accounts.len();
        }
        let account = Arc::clone(agents.accounts.entry(agent).or_default());
        // While the map is held, so that an account with a connection is never taken for settled.
        let (end, has_replaced) = account.open(CONNECTIONS_MAX);
        drop(agents);
        account.charge(CONNECTION_BYTES, now_us);
        Seat { account, end, has_replaced }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: Option<AgentId> = Some(AgentId([7; 16]));
    const NOW_US: u64 = 1_000 * SECOND_US;

    #[test]
    fn a_further_connection_ends_the_oldest_and_one_that_ended_makes_room() {
        let accounts = Accounts::default();
        let mut seats: VecDeque<Seat> = (0..CONNECTIONS_MAX).map(|_| accounts.open(AGENT, NOW_US)).collect();
        assert!(seats.iter().all(|seat| !seat.has_replaced));
        drop(seats.pop_back());
        assert!(!accounts.open(AGENT, NOW_US).has_replaced);
        seats.push_back(accounts.open(AGENT, NOW_US));
        let newest = accounts.open(AGENT, NOW_US);
        assert!(newest.has_replaced);
        assert!(!accounts.open(Some(AgentId([8; 16])), NOW_US).has_replaced, "another agent's");
        let told = |seat: &Seat| {
            let notified = std::pin::pin!(seat.end.notified());
            notified.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
        };
        assert_eq!(seats.iter().map(told).collect::<Vec<_>>(), [true, false, false, false]);
    }

    #[test]
    fn requests_at_once_are_bounded_and_each_that_ends_lets_another_begin() {
        let seat = Accounts::default().open(AGENT, NOW_US);
        let turns: Vec<Turn> = (0..REQUESTS_MAX).map(|_| seat.account.begin(NOW_US).unwrap()).collect();
        assert_eq!(seat.account.begin(NOW_US).unwrap_err(), TooMuch { retry_s: 1 });
        drop(turns);
        assert!(seat.account.begin(NOW_US).is_ok());
    }

    #[test]
    fn who_heeds_pauses_is_never_refused_and_who_does_not_waits_as_told() {
        let accounts = Accounts::default();
        let account = Arc::clone(&accounts.open(AGENT, NOW_US).account);
        let mut now_us = NOW_US;
        for _ in 0..100 {
            drop(account.begin(now_us).unwrap());
            account.charge(1 << 20, now_us);
            now_us += account.pause(now_us).map_or(0, |pause| pause.as_micros() as u64);
        }
        assert!(now_us > NOW_US + 80 * SECOND_US, "a hundred MiB at one a second, but for the first");
        while account.begin(now_us).is_ok() {
            account.charge(1 << 20, now_us);
        }
        let refused = account.begin(now_us).unwrap_err();
        assert!(account.begin(now_us + (refused.retry_s - 1) * SECOND_US / 2).is_err());
        assert!(account.begin(now_us + refused.retry_s * SECOND_US).is_ok());
        // Connecting anew is no way out.
        assert!(accounts.open(AGENT, now_us).account.begin(now_us).is_err());
    }

    #[test]
    fn settled_accounts_of_those_who_left_are_forgotten() {
        let accounts = Accounts::default();
        let agent = |number: u32| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_le_bytes());
            Some(AgentId(id))
        };
        for number in 0..100_000 {
            drop(accounts.open(agent(number), NOW_US + u64::from(number) * SECOND_US));
        }
        let kept = accounts.agents.lock().unwrap().accounts.len();
        assert!(kept <= SWEEP_MIN + 1, "{kept}");
    }
}
