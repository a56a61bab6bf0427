//! When to send what, and what to do with each answer: a state machine without sockets. Pure: `now` comes in, commands
//! come out. It never sees a report; it only counts those that wait.
//!
//! Two lanes share one request in flight: the newest reports at every interval, history whenever something older waits.
//! Every failure is resent, because an answer that was lost may still have been a yes.

use noise::Noise;
use pace::Pace;
use std::time::{Duration, Instant};

pub mod addresses;
pub mod history;
pub mod identity;
pub mod noise;
pub mod pace;
pub mod post;
pub mod proxy;
pub(crate) mod remembered;
#[cfg(test)]
mod tests;
pub mod trust;

/// Pause after a first failure: an answer that was lost, mostly.
const BACKOFF_MIN: Duration = Duration::from_secs(2);
/// Longest that a connection may take to come about, where there are few addresses.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for an answer to an empty body. A connection that a cut left for dead is noticed by it, however much was
/// said on it.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest pause before another address is tried.
const DETOUR_PAUSE: Duration = Duration::from_secs(1);
/// Pauses after the second failure and further ones are a quarter of this and any part of the rest: agents that lost their
/// collector at the same moment come back to it one by one. With the time that a request may take to fail it is how late
/// what is current can be after a link is back: within a minute.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// The first send of an agent that starts again is any part of this late: power comes back to many at once.
const START_SPREAD: Duration = Duration::from_secs(30);
/// Longest pause that the collector may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// Pause while the collector refuses this agent as such: a person has to act.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);
/// Pause while an operator has not accepted this agent: whoever installs it may be waiting beside it.
const ACCEPTANCE_PAUSE: Duration = Duration::from_secs(60);
/// Pause before a policy or a certificate is asked for again after a failure.
const ERRAND_PAUSE: Duration = Duration::from_secs(300);
/// Reports in the first batch after a failure: the current state, quick even on a slow link.
pub(crate) const LIVE_REPORTS: usize = 16;
/// Reports in a batch of history, at least and at most; in between it follows what the link can carry.
const HISTORY_REPORTS: (usize, usize) = (16, 512);
/// A report that comes this much before a send is due takes it along.
const SLACK: Duration = Duration::from_secs(2);

/// Which reports to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The newest.
    Live,
    /// What the collector asked for, then the newest gap first.
    History,
}

/// What to do next. Each is answered by exactly one `handle_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Send a batch: answered by [`Uplink::handle_ack`] or [`Uplink::handle_failure`].
    Send {
        /// Which reports.
        lane: Lane,
        /// How many at most.
        reports_max: usize,
    },
    /// Fetch the policy: answered by [`Uplink::handle_policy`] or [`Uplink::handle_failure`].
    FetchPolicy,
    /// Renew the certificate: answered by [`Uplink::handle_renewed`] or [`Uplink::handle_failure`].
    Renew,
}

/// What an ack came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Reports that it settled.
    pub settled: u64,
    /// Reports that still wait.
    pub pending: u64,
    /// Version of the policy in force.
    pub policy: u64,
    /// Pause that the collector asks for before more history.
    pub pause: Option<Duration>,
    /// Bytes a minute that history may take of the site's uplink; none: no bound.
    pub share: Option<u32>,
    /// The batch was full of what was measured just now, and more of that may wait.
    pub is_live_left: bool,
}

/// Why a request came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or one that is not the collector's.
    Unreachable,
    /// The collector asks to come back later.
    Busy {
        /// When, if it says so.
        retry_after: Option<Duration>,
    },
    /// The certificate has expired: renewing is all that it is good for.
    Expired,
    /// The batch as a whole was refused: it may be too large, or one report spoils it.
    Batch {
        /// Whether it held a single report, which is now given up.
        was_single: bool,
    },
    /// This agent is refused until a person acts.
    Refused(Refusal),
}

/// Why an agent is refused as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its certificate was revoked.
    Revoked,
    /// The collector does not know it, or keeps it in quarantine until an operator accepts it.
    Unknown,
    /// Its certificate was replaced by a newer one: this is a copy of the agent.
    Clone,
    /// It is not the agent that its certificate names.
    WrongAgent,
}

/// How things stand with the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Nothing was tried yet.
    #[default]
    Untried,
    /// The last request was answered.
    Fine,
    /// The last one failed in this way.
    Failing(Failure),
}

/// The state machine.
#[derive(Debug)]
pub struct Uplink {
    send_interval: Duration,
    now: Instant,
    in_flight: Option<Command>,
    /// Reports that wait, as far as known.
    pending: u64,
    /// Of them, those that were there at the last ack and are not settled: history.
    backlog: u64,
    next_live: Instant,
    /// Something urgent came after the newest were sent last.
    is_urgent: bool,
    next_history: Instant,
    /// When the hours begin in which history may be sent; past while they last, none when they never do.
    hours_begin: Option<Instant>,
    pace: Pace,
    blocked_until: Instant,
    failures: u32,
    history_reports: usize,
    policy_held: u64,
    policy_wanted: bool,
    renewal_due: bool,
    next_errand: Instant,
    standing: Standing,
    noise: Noise,
}

impl Uplink {
    /// A machine whose first send is due at once. `seed` makes pauses differ between agents.
    pub fn new(send_interval: Duration, policy_held: u64, seed: u64, now: Instant) -> Self {
        Self {
            send_interval,
            now,
            in_flight: None,
            pending: 0,
            backlog: 0,
            next_live: now,
            is_urgent: false,
            next_history: now,
            hours_begin: Some(now),
            pace: Pace::new(None, false, now),
            blocked_until: now,
            failures: 0,
            history_reports: HISTORY_REPORTS.0 * 4,
            policy_held,
            policy_wanted: false,
            renewal_due: false,
            next_errand: now,
            standing: Standing::Untried,
            noise: Noise::new(seed),
        }
    }

    /// The agent was in contact before it was started: the first send may wait a little.
    pub fn handle_restart(&mut self, now: Instant) {
        self.now = now;
        self.next_live = now + self.noise.part(START_SPREAD.min(self.send_interval));
    }

    /// How things stand.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Failures since the last answer.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The spool holds `pending` reports: one was added, or it was just opened.
    pub fn handle_report(&mut self, pending: u64, now: Instant) {
        self.now = now;
        self.pending = pending;
        if self.next_live <= now + SLACK {
            self.next_live = now;
        }
    }

    /// The policy asks for another interval.
    pub fn handle_interval(&mut self, send_interval: Duration, now: Instant) {
        self.now = now;
        self.next_live = self.next_live.min(now + send_interval);
        self.send_interval = send_interval;
    }

    /// The hours in which history may be sent begin in so long; zero while they last, none when they never do. They end
    /// without notice: to be called before each command.
    pub fn handle_hours(&mut self, begin_in: Option<Duration>, now: Instant) {
        self.now = now;
        self.hours_begin = begin_in.map(|wait| now + wait);
    }

    /// What binds history from the start: this host's own limit in bytes a minute, and whether its site had a budget
    /// when the agent stopped.
    pub fn handle_limit(&mut self, limit: Option<u64>, was_bounded: bool, now: Instant) {
        self.now = now;
        self.pace = Pace::new(limit, was_bounded, now);
    }

    /// Whether sends of the newest carry only what was measured just now, because history has hours or a share.
    pub fn is_live_only(&self) -> bool {
        self.is_out_of_hours() || self.pace.is_bounded()
    }

    fn is_out_of_hours(&self) -> bool {
        self.hours_begin.is_none_or(|begin| self.now < begin)
    }

    /// How much history may go.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// The batch of history that was commanded sets off, and takes so much on the wire.
    pub fn handle_departure(&mut self, bytes: u64) {
        self.pace.handle_departure(bytes);
    }

    /// Not even one report of history fits into what is left of the share; it is tried again when more is.
    pub fn handle_no_room(&mut self, now: Instant) {
        self.land(now);
        self.pace.handle_no_room();
    }

    /// Reports that are history, as far as known.
    pub fn backlog(&self) -> u64 {
        self.backlog
    }

    /// The certificate should be renewed.
    pub fn handle_renewal_due(&mut self, now: Instant) {
        self.now = now;
        self.renewal_due = true;
    }

    /// What waits is worth sending before its time, and what is on its way may not have it.
    pub fn handle_urgent(&mut self, now: Instant) {
        self.now = now;
        self.next_live = now;
        self.is_urgent = true;
    }

    /// The agent is about to stop: one more send, now.
    pub fn handle_flush(&mut self, now: Instant) {
        self.now = now;
        self.next_live = now;
        self.is_urgent = true;
        self.blocked_until = now;
        self.backlog = 0;
    }

    /// A batch was answered.
    pub fn handle_ack(&mut self, progress: Progress, now: Instant) {
        let lane = self.land(now);
        self.pace.handle_share(progress.share, self.send_interval, now);
        self.pending = progress.pending;
        self.backlog = progress.pending;
        self.policy_wanted = progress.policy != self.policy_held;
        if progress.settled == 0 {
            // Nothing of it was taken: asking again at once would only repeat that.
            return self.back_off(None);
        }
        self.succeed();
        if lane == Some(Lane::Live) {
            let is_due = self.is_urgent || progress.is_live_left;
            self.next_live = if is_due { now } else { now + self.send_interval };
        } else {
            self.history_reports = (self.history_reports * 2).min(HISTORY_REPORTS.1);
        }
        self.next_history = now + progress.pause.unwrap_or_default().min(RETRY_AFTER_MAX);
    }

    /// There was nothing to send after all; `pending` reports wait.
    pub fn handle_nothing_to_send(&mut self, pending: u64, now: Instant) {
        let lane = self.land(now);
        self.pending = pending;
        // What waits for its hours goes on waiting.
        self.backlog = if lane == Some(Lane::Live) { self.backlog.min(pending) } else { 0 };
        self.is_urgent = false;
        self.next_live = now + self.send_interval;
    }

    /// The policy has come; `version` is what it says of itself.
    pub fn handle_policy(&mut self, version: u64, now: Instant) {
        self.land(now);
        self.succeed();
        self.policy_held = version;
        self.policy_wanted = false;
        // Two collectors that do not agree yet cost one request a send.
        self.next_errand = now + self.send_interval;
    }

    /// Version of the policy that came last.
    pub fn policy_held(&self) -> u64 {
        self.policy_held
    }

    /// The certificate was renewed.
    pub fn handle_renewed(&mut self, now: Instant) {
        self.land(now);
        self.succeed();
        self.renewal_due = false;
        self.next_errand = now;
    }

    /// What was commanded came to nothing; `pending` reports wait.
    pub fn handle_failure(&mut self, failure: Failure, pending: u64, now: Instant) {
        let command = self.in_flight;
        let lane = self.land(now);
        self.pending = pending;
        self.standing = Standing::Failing(failure);
        self.fall_silent();
        if matches!(command, Some(Command::FetchPolicy | Command::Renew)) {
            self.next_errand = now + self.noise.jittered(ERRAND_PAUSE);
        }
        if lane == Some(Lane::History) {
            self.history_reports = (self.history_reports / 2).max(HISTORY_REPORTS.0);
        }
        match failure {
            Failure::Unreachable => self.back_off(None),
            Failure::Busy { retry_after } => self.back_off(retry_after),
            Failure::Refused(Refusal::Unknown) => self.back_off(Some(ACCEPTANCE_PAUSE)),
            Failure::Refused(Refusal::Revoked | Refusal::Clone | Refusal::WrongAgent) => {
                self.back_off(Some(REFUSED_PAUSE));
            }
            Failure::Batch { was_single: true } => self.back_off(None),
            Failure::Batch { was_single: false } => {
                self.back_off(None);
                self.history_reports = 1;
            }
            Failure::Expired if command == Some(Command::Renew) => self.back_off(Some(REFUSED_PAUSE)),
            Failure::Expired => {
                self.renewal_due = true;
                self.next_errand = now;
            }
        }
    }

    /// One of the collector's addresses was silent and there is another to try: soon, and not as a further failure.
    pub fn handle_detour(&mut self, pending: u64, now: Instant) {
        self.land(now);
        self.pending = pending;
        self.standing = Standing::Failing(Failure::Unreachable);
        self.fall_silent();
        self.blocked_until = now + self.noise.jittered(DETOUR_PAUSE);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
    }

    /// When to call [`Self::handle_timeout`] next; none while a command is in flight or nothing is due ever.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.in_flight.is_some() {
            return None;
        }
        let errand = (self.renewal_due || self.policy_wanted).then_some(self.next_errand);
        let live = (self.pending > 0).then_some(self.next_live);
        let history = self.hours_begin.zip(self.pace.ready_at(self.now)).filter(|_| self.backlog > 0);
        let history = history.map(|(begin, ready)| begin.max(ready).max(self.next_history));
        let due = [errand, live, history].into_iter().flatten().min()?;
        Some(due.max(self.blocked_until))
    }

    /// What to do now.
    pub fn next_command(&mut self) -> Option<Command> {
        if self.in_flight.is_some() || self.now < self.blocked_until {
            return None;
        }
        let errands_due = self.now >= self.next_errand;
        let is_live_due = self.pending > 0 && self.now >= self.next_live;
        let is_history_due = self.backlog > 0 && self.now >= self.next_history && self.may_send_history();
        let single = matches!(self.standing, Standing::Failing(Failure::Batch { .. }));
        self.in_flight = if self.renewal_due && errands_due {
            Some(Command::Renew)
        } else if is_live_due {
            self.is_urgent = false;
            let reports_max = if single { self.history_reports } else { LIVE_REPORTS };
            Some(Command::Send { lane: Lane::Live, reports_max })
        } else if self.policy_wanted && errands_due {
            Some(Command::FetchPolicy)
        } else if is_history_due {
            Some(Command::Send { lane: Lane::History, reports_max: self.history_reports })
        } else {
            None
        };
        self.in_flight
    }

    /// Whether a command is being carried out.
    pub fn is_busy(&self) -> bool {
        self.in_flight.is_some()
    }

    fn may_send_history(&self) -> bool {
        !self.is_out_of_hours() && self.pace.ready_at(self.now).is_some_and(|ready| ready <= self.now)
    }

    /// A share that is not certain any more comes with the next answer, and that with the newest reports.
    fn fall_silent(&mut self) {
        if self.pace.handle_silence() {
            self.next_live = self.next_live.min(self.now);
        }
    }

    fn land(&mut self, now: Instant) -> Option<Lane> {
        self.now = now;
        self.pace.handle_landing(now);
        match self.in_flight.take() {
            Some(Command::Send { lane, .. }) => Some(lane),
            Some(Command::FetchPolicy | Command::Renew) | None => None,
        }
    }

    fn succeed(&mut self) {
        self.failures = 0;
        self.blocked_until = self.now;
        self.standing = Standing::Fine;
    }

    /// Nothing is sent for a while: as long as the collector asks, but at least what the failures so far demand.
    fn back_off(&mut self, asked: Option<Duration>) {
        let demanded = match self.failures {
            0 => self.noise.jittered(BACKOFF_MIN),
            _ => BACKOFF_MAX / 4 + self.noise.part(BACKOFF_MAX / 4 * 3),
        };
        self.failures = self.failures.saturating_add(1);
        let pause = demanded.max(BACKOFF_MIN / 2).max(asked.unwrap_or_default().min(RETRY_AFTER_MAX));
        let pause = if asked.is_some() { pause + self.noise.jittered(pause) / 10 } else { pause };
        self.blocked_until = self.now + pause;
    }
}
