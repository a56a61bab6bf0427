//! The uplink under all sorts of answers.

use super::*;
use crate::clock::{Clock as _, SystemClock};
use crate::spool::ledger::Ledger;
use proptest::prelude::*;
use std::collections::BTreeSet;
use tram_proto::id::Seq;

const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(60);

fn uplink() -> (Uplink, Instant) {
    let now = SystemClock.monotonic();
    (Uplink::new(INTERVAL, 0, 1, now), now)
}

fn sends(lane: Lane) -> impl Fn(Option<Command>) -> bool {
    move |command| matches!(command, Some(Command::Send { lane: found, .. }) if found == lane)
}

#[test]
fn the_first_report_goes_at_once_and_the_next_after_the_interval() {
    let (mut uplink, now) = uplink();
    assert_eq!(uplink.next_command(), None);
    uplink.handle_report(1, now);
    assert!(sends(Lane::Live)(uplink.next_command()));
    assert_eq!(uplink.next_command(), None, "one request at a time");
    uplink.handle_ack(Progress { settled: 1, ..Progress::default() }, now);
    uplink.handle_report(1, now + 15 * SECOND);
    assert_eq!(uplink.next_command(), None);
    assert_eq!(uplink.poll_timeout(), Some(now + INTERVAL));
    uplink.handle_report(4, now + 59 * SECOND);
    assert!(sends(Lane::Live)(uplink.next_command()), "a report just before the send goes along");
}

#[test]
fn after_an_outage_live_goes_first_and_history_follows_at_once() {
    let (mut uplink, mut now) = uplink();
    uplink.handle_report(1, now);
    for _ in 0..20 {
        assert!(sends(Lane::Live)(uplink.next_command()));
        uplink.handle_failure(Failure::Unreachable, 2_000, now);
        let due = uplink.poll_timeout().unwrap();
        assert!(due > now && due <= now + BACKOFF_MAX, "{:?}", due - now);
        now = due;
        uplink.handle_timeout(now);
    }
    assert_eq!(uplink.next_command(), Some(Command::Send { lane: Lane::Live, reports_max: LIVE_REPORTS }));
    uplink.handle_ack(Progress { settled: 16, pending: 1_984, ..Progress::default() }, now);
    assert!(sends(Lane::History)(uplink.next_command()));
    let pause = Some(5 * SECOND);
    uplink.handle_ack(Progress { settled: 64, pending: 1_920, pause, ..Progress::default() }, now);
    assert_eq!(uplink.next_command(), None);
    assert_eq!(uplink.poll_timeout(), Some(now + 5 * SECOND), "the collector asked for a pause");
}

#[test]
fn history_waits_for_its_hours_and_live_does_not() {
    let (mut uplink, now) = uplink();
    uplink.handle_report(1, now);
    uplink.handle_hours(Some(3_600 * SECOND), now);
    assert!(uplink.is_live_only() && sends(Lane::Live)(uplink.next_command()));
    uplink.handle_ack(Progress { settled: 1, pending: 500, ..Progress::default() }, now);
    assert_eq!(uplink.next_command(), None);
    assert_eq!(uplink.poll_timeout(), Some(now + INTERVAL), "the next live send");
    uplink.handle_timeout(now + INTERVAL);
    assert!(sends(Lane::Live)(uplink.next_command()));
    uplink.handle_nothing_to_send(500, now + INTERVAL);
    assert_eq!(uplink.backlog(), 500, "nothing new, and the old still waits");
    uplink.handle_hours(None, now + INTERVAL);
    assert_eq!(uplink.poll_timeout(), Some(now + 2 * INTERVAL), "hours that never begin");
    uplink.handle_hours(Some(Duration::ZERO), now + INTERVAL);
    assert!(sends(Lane::History)(uplink.next_command()));
}

#[test]
fn history_waits_for_its_share_and_after_a_failure_for_the_next_answer() {
    let (mut uplink, start) = uplink();
    let now = start + INTERVAL;
    uplink.handle_report(1, now);
    uplink.next_command();
    let answer = Progress { settled: 1, pending: 500, share: Some(10_000), ..Progress::default() };
    uplink.handle_ack(answer, now);
    assert!(uplink.is_live_only() && sends(Lane::History)(uplink.next_command()));
    uplink.handle_departure(10_000);
    uplink.handle_ack(answer, now + SECOND);
    assert_eq!(uplink.next_command(), None, "all of the minute's share is spent");
    assert_eq!(uplink.poll_timeout(), Some(now + INTERVAL), "the newest do not wait for it");
    uplink.handle_timeout(now + 61 * SECOND);
    assert!(sends(Lane::Live)(uplink.next_command()));
    uplink.handle_failure(Failure::Unreachable, 504, now + 61 * SECOND);
    let due = uplink.poll_timeout().unwrap();
    uplink.handle_timeout(due);
    assert!(sends(Lane::Live)(uplink.next_command()), "only an answer renews the share");
    uplink.handle_ack(Progress { settled: 4, ..answer }, due);
    assert!(sends(Lane::History)(uplink.next_command()));
    uplink.handle_no_room(due);
    uplink.handle_ack(Progress { settled: 4, share: Some(0), ..answer }, due);
    assert_eq!((uplink.next_command(), uplink.poll_timeout()), (None, Some(due + INTERVAL)));
}

#[test]
fn what_is_new_and_did_not_fit_one_batch_follows_at_once() {
    let (mut uplink, now) = uplink();
    uplink.handle_report(40, now);
    uplink.handle_hours(None, now);
    uplink.next_command();
    uplink.handle_ack(Progress { settled: 16, pending: 24, is_live_left: true, ..Progress::default() }, now);
    assert!(sends(Lane::Live)(uplink.next_command()));
}

#[test]
fn a_busy_collector_is_left_alone_as_long_as_it_asks() {
    let (mut uplink, now) = uplink();
    uplink.handle_report(1, now);
    uplink.next_command();
    uplink.handle_failure(Failure::Busy { retry_after: Some(120 * SECOND) }, 1, now);
    let wait = uplink.poll_timeout().unwrap() - now;
    assert!(wait >= 120 * SECOND && wait <= 140 * SECOND, "{wait:?}");
}

#[test]
fn an_expired_certificate_is_renewed_before_anything_is_sent() {
    let (mut uplink, now) = uplink();
    uplink.handle_report(1, now);
    uplink.next_command();
    uplink.handle_failure(Failure::Expired, 1, now);
    assert_eq!(uplink.next_command(), Some(Command::Renew));
    uplink.handle_renewed(now);
    assert!(sends(Lane::Live)(uplink.next_command()));
}

#[test]
fn a_failed_renewal_does_not_keep_reports_from_being_sent() {
    let (mut uplink, now) = uplink();
    uplink.handle_report(1, now);
    uplink.handle_renewal_due(now);
    assert_eq!(uplink.next_command(), Some(Command::Renew));
    uplink.handle_failure(Failure::Unreachable, 1, now);
    let due = uplink.poll_timeout().unwrap();
    assert!(due < now + ERRAND_PAUSE / 2);
    uplink.handle_timeout(due);
    assert!(sends(Lane::Live)(uplink.next_command()));
}

#[test]
fn another_policy_is_fetched_once() {
    let (mut uplink, now) = uplink();
    uplink.handle_report(1, now);
    uplink.next_command();
    uplink.handle_ack(Progress { settled: 1, policy: 3, ..Progress::default() }, now);
    assert_eq!(uplink.next_command(), Some(Command::FetchPolicy));
    uplink.handle_policy(3, now);
    assert_eq!(uplink.next_command(), None);
}

#[test]
fn a_policy_that_changes_again_is_fetched_after_the_next_send() {
    let (mut uplink, mut now) = uplink();
    let mut fetched = Vec::new();
    for policy in 1..4 {
        uplink.handle_report(1, now);
        now = uplink.poll_timeout().unwrap();
        uplink.handle_timeout(now);
        assert!(sends(Lane::Live)(uplink.next_command()));
        uplink.handle_ack(Progress { settled: 1, policy, ..Progress::default() }, now);
        now = uplink.poll_timeout().unwrap();
        uplink.handle_timeout(now);
        fetched.push(uplink.next_command());
        uplink.handle_policy(policy, now);
    }
    assert_eq!(fetched, vec![Some(Command::FetchPolicy); 3]);
}

#[test]
fn a_spoiled_batch_shrinks_until_the_report_that_spoils_it_is_alone() {
    let (mut uplink, mut now) = uplink();
    uplink.handle_report(100, now);
    uplink.next_command();
    uplink.handle_failure(Failure::Batch { was_single: false }, 100, now);
    now = uplink.poll_timeout().unwrap();
    uplink.handle_timeout(now);
    assert_eq!(uplink.next_command(), Some(Command::Send { lane: Lane::Live, reports_max: 1 }));
}

#[test]
fn last_words_ignore_pauses() {
    let (mut uplink, now) = uplink();
    uplink.handle_report(1, now);
    uplink.next_command();
    uplink.handle_failure(Failure::Busy { retry_after: Some(600 * SECOND) }, 2, now);
    uplink.handle_flush(now);
    assert!(sends(Lane::Live)(uplink.next_command()));
}

#[test]
fn what_becomes_urgent_while_a_send_is_on_its_way_follows_at_once() {
    let (mut uplink, now) = uplink();
    uplink.handle_report(1, now);
    uplink.next_command();
    uplink.handle_report(2, now);
    uplink.handle_urgent(now);
    uplink.handle_ack(Progress { settled: 1, pending: 1, ..Progress::default() }, now + SECOND);
    assert!(sends(Lane::Live)(uplink.next_command()));
    uplink.handle_ack(Progress { settled: 1, ..Progress::default() }, now + 2 * SECOND);
    uplink.handle_report(1, now + 15 * SECOND);
    assert_eq!(uplink.next_command(), None);
}

/// What a collector may answer.
#[derive(Debug, Clone)]
enum Reply {
    Ack { share: u8, policy: u64 },
    Fail(Failure),
    LostAfterCommit,
}

fn reply() -> impl Strategy<Value = Reply> {
    let failure = prop_oneof![
        Just(Failure::Unreachable),
        Just(Failure::Busy { retry_after: Some(SECOND) }),
        Just(Failure::Expired),
        Just(Failure::Batch { was_single: false }),
        Just(Failure::Refused(Refusal::Unknown)),
    ];
    prop_oneof![
        (0_u8..=4, 0_u64..3).prop_map(|(share, policy)| Reply::Ack { share, policy }),
        failure.prop_map(Reply::Fail),
        Just(Reply::LostAfterCommit),
    ]
}

/// A host, its uplink, and a collector that answers as told; afterwards it always says yes.
struct World {
    uplink: Uplink,
    ledger: Ledger,
    durable: BTreeSet<Seq>,
    next: Seq,
    now: Instant,
}

impl World {
    fn add(&mut self, count: u64) {
        for _ in 0..count {
            self.ledger.hold(self.next, self.next);
            self.next += 1;
        }
        self.uplink.handle_report(self.ledger.pending(), self.now);
    }

    /// Carries out one command; false when nothing will ever happen again by itself.
    fn turn(&mut self, reply: &Reply) -> bool {
        let Some(command) = self.uplink.next_command() else {
            let Some(due) = self.uplink.poll_timeout() else { return false };
            self.now = self.now.max(due);
            self.uplink.handle_timeout(self.now);
            return true;
        };
        assert_eq!(self.uplink.poll_timeout(), None);
        match (command, reply) {
            (_, Reply::Fail(failure)) => {
                self.uplink.handle_failure(*failure, self.ledger.pending(), self.now);
            }
            (Command::FetchPolicy, Reply::Ack { policy, .. }) => self.uplink.handle_policy(*policy, self.now),
            (Command::Renew, Reply::Ack { .. }) => self.uplink.handle_renewed(self.now),
            (Command::Send { lane, reports_max }, Reply::Ack { share, policy }) => {
                let sent = self.ledger.select(lane, reports_max);
                let taken = sent.len() * usize::from(*share) / 4;
                let durable: Vec<Seq> = sent.into_iter().take(taken).collect();
                self.durable.extend(&durable);
                let settled = self.ledger.settle(&durable.into_iter().collect());
                let pending = self.ledger.pending();
                let progress = Progress { settled, pending, policy: *policy, ..Progress::default() };
                self.uplink.handle_ack(progress, self.now);
            }
            (Command::Send { lane, reports_max }, Reply::LostAfterCommit) => {
                self.durable.extend(self.ledger.select(lane, reports_max));
                self.uplink.handle_failure(Failure::Unreachable, self.ledger.pending(), self.now);
            }
            (Command::FetchPolicy | Command::Renew, Reply::LostAfterCommit) => {
                self.uplink.handle_failure(Failure::Unreachable, self.ledger.pending(), self.now);
            }
        }
        true
    }
}

proptest! {
    #[test]
    fn whatever_is_answered_every_report_arrives_in_the_end(
        turns in proptest::collection::vec((0_u64..40, reply()), 1..80)
    ) {
        let (uplink, now) = uplink();
        let mut world = World { uplink, ledger: Ledger::default(), durable: BTreeSet::new(), next: 1, now };
        for (count, reply) in turns {
            world.add(count);
            world.turn(&reply);
            let pending = world.ledger.pending();
            let lost = (1..world.next).filter(|seq| !world.ledger.is_settled(*seq, *seq)).count() as u64;
            prop_assert_eq!(pending, lost);
        }
        let yes = Reply::Ack { share: 4, policy: 0 };
        for _ in 0..2_000 {
            if !world.turn(&yes) {
                break;
            }
        }
        prop_assert_eq!(world.ledger.pending(), 0);
        prop_assert_eq!(world.durable, (1..world.next).collect::<BTreeSet<Seq>>());
    }
}

/// Agents whose collector is away, where a try in vain takes so long: the second of its return in which each is heard
/// again.
fn seconds_of_return(agents: u64, away: u64, are_in_step: bool, in_vain: Duration) -> Vec<u64> {
    let start = SystemClock.monotonic();
    let times = (start, start + Duration::from_secs(away), in_vain);
    (0..agents).map(|seed| second_of_return(seed, times, are_in_step)).collect()
}

fn second_of_return(
    seed: u64,
    (start, back, in_vain): (Instant, Instant, Duration),
    are_in_step: bool,
) -> u64 {
    let phase = if are_in_step { Duration::ZERO } else { Duration::from_millis(seed * 7_919 % 60_000) };
    let mut now = start + phase;
    let mut uplink = Uplink::new(INTERVAL, 0, seed, now);
    uplink.handle_report(1, now);
    loop {
        if uplink.next_command().is_some() {
            if now >= back {
                return (now - back).as_secs();
            }
            now += in_vain;
            uplink.handle_failure(Failure::Unreachable, 1, now);
        }
        now = uplink.poll_timeout().unwrap();
        uplink.handle_timeout(now);
    }
}

/// Share of the fleet that comes in the busiest second, in percent, and the last second in which any comes.
fn busiest(seconds: &[u64]) -> (u64, u64) {
    let last = seconds.iter().copied().max().unwrap_or(0);
    let most = (0..=last).map(|second| seconds.iter().filter(|found| **found == second).count()).max();
    (100 * most.unwrap_or(0) as u64 / seconds.len() as u64, last)
}

#[test]
fn two_thousand_agents_come_back_one_by_one() {
    for away in [10, 60, 300, 3_600] {
        for are_in_step in [false, true] {
            let (share, _) = busiest(&seconds_of_return(2_000, away, are_in_step, Duration::ZERO));
            assert!(share <= 6, "{share} % in one second after {away} s, in step: {are_in_step}");
            // Where the link loses what is sent, a connection is given up only after a while.
            let (_, last) = busiest(&seconds_of_return(2_000, away, are_in_step, CONNECT_TIMEOUT));
            // The connection and the answer over a poor line take some of the minute that is promised. Who was not due
            // while the collector was away has not noticed, and comes in its time.
            let most = if away < INTERVAL.as_secs() { 50 } else { 45 };
            assert!(last <= most, "live again only after {last} s");
        }
    }
}

#[test]
fn two_thousand_agents_that_start_at_once_report_one_by_one() {
    let start = SystemClock.monotonic();
    let first = |seed| {
        let mut uplink = Uplink::new(INTERVAL, 0, seed, start);
        uplink.handle_restart(start);
        uplink.handle_report(1, start);
        (uplink.poll_timeout().unwrap() - start).as_secs()
    };
    let (share, last) = busiest(&(0..2_000).map(first).collect::<Vec<_>>());
    assert!(share <= 12 && last <= START_SPREAD.as_secs(), "{share} %, {last} s");
}
