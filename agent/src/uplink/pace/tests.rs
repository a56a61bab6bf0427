//! The pace under shares that come and go.

use super::*;
use crate::clock::{Clock as _, SystemClock};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// A pace that has been running for a while.
fn pace(share: u32) -> (Pace, Instant) {
    let start = SystemClock.monotonic();
    let mut pace = Pace::new(None, true, start);
    let now = start + MINUTE;
    pace.handle_share(Some(share), MINUTE, now);
    (pace, now)
}

fn send(pace: &mut Pace, bytes: u64, at: Instant) {
    pace.handle_departure(bytes);
    pace.handle_landing(at);
}

#[test]
fn what_was_spent_is_free_again_a_minute_after_its_answer() {
    let (mut pace, now) = pace(20_000);
    assert_eq!((pace.allowance(now), pace.ready_at(now)), (Some(20_000), Some(now)));
    send(&mut pace, 15_000, now + 10 * SECOND);
    assert_eq!(pace.allowance(now + 69 * SECOND), Some(5_000));
    assert_eq!(pace.ready_at(now + 20 * SECOND), Some(now + 70 * SECOND), "5 kB are not worth it");
    assert_eq!(pace.allowance(now + 70 * SECOND), Some(20_000));
}

#[test]
fn a_share_of_nothing_and_one_that_was_not_renewed_send_nothing() {
    let (mut pace, now) = pace(0);
    assert_eq!((pace.allowance(now), pace.ready_at(now)), (Some(0), None));
    pace.handle_share(Some(9_000), MINUTE, now);
    assert_eq!(pace.ready_at(now), Some(now));
    assert_eq!(pace.ready_at(now + 150 * SECOND), None, "lent for two and a half intervals");
    pace.handle_share(Some(9_000), MINUTE, now);
    pace.handle_silence();
    assert_eq!((pace.allowance(now), pace.is_bounded()), (Some(0), true));
    pace.handle_share(None, MINUTE, now);
    pace.handle_silence();
    assert_eq!((pace.allowance(now), pace.ready_at(now)), (None, Some(now)));
}

#[test]
fn the_hosts_own_limit_binds_too() {
    let start = SystemClock.monotonic();
    let mut pace = Pace::new(Some(5_000), false, start);
    assert_eq!((pace.allowance(start), pace.ready_at(start)), (Some(0), Some(start + MINUTE)));
    let now = start + MINUTE;
    assert_eq!(pace.allowance(now), Some(5_000));
    pace.handle_share(Some(7_000), MINUTE, now);
    assert_eq!(pace.allowance(now), Some(5_000));
    pace.handle_share(Some(3_000), MINUTE, now);
    assert_eq!(pace.allowance(now), Some(3_000));
}

#[test]
fn a_report_larger_than_a_share_goes_alone_and_takes_as_many_minutes() {
    let (mut pace, now) = pace(5_000);
    send(&mut pace, 1_000, now);
    pace.handle_no_room();
    assert_eq!(pace.ready_at(now), Some(now + MINUTE), "only when all of it is free");
    send(&mut pace, 12_000, now + MINUTE);
    pace.handle_share(Some(5_000), 2 * MINUTE, now + MINUTE);
    assert_eq!(pace.ready_at(now + MINUTE), Some(now + 3 * MINUTE), "three shares, three minutes");
}

proptest! {
    #[test]
    fn no_minute_ever_has_more_than_the_largest_share_in_it(
        steps in proptest::collection::vec((0_u64..40, 0_u64..20, proptest::option::weighted(0.9, 2_000_u32..30_000), 1_u64..100), 1..60)
    ) {
        let (mut pace, mut now) = pace(10_000);
        let mut largest = 10_000;
        let mut sent: Vec<(Instant, Instant, u64)> = Vec::new();
        for (wait, takes, share, part) in steps {
            now += SECOND * wait as u32;
            let bytes = pace.allowance(now).unwrap() * part / 100;
            pace.handle_departure(bytes);
            let departed = now;
            now += SECOND * takes as u32;
            pace.handle_landing(now);
            sent.push((departed, now, bytes));
            match share {
                Some(share) => {
                    largest = largest.max(u64::from(share));
                    pace.handle_share(Some(share), MINUTE, now);
                }
                None => drop(pace.handle_silence().then_some(())),
            }
        }
        // Whenever in their flights the bytes were on the line.
        for (begin, ..) in &sent {
            let end = *begin + MINUTE;
            let within = sent.iter().filter(|(departed, landed, _)| landed >= begin && *departed < end && departed >= begin);
            prop_assert!(within.map(|(.., bytes)| bytes).sum::<u64>() <= largest);
        }
        for (_, end, _) in &sent {
            let begin = *end - MINUTE;
            let within = sent.iter().filter(|(_, landed, _)| *landed > begin && landed <= end);
            prop_assert!(within.map(|(.., bytes)| bytes).sum::<u64>() <= largest);
        }
    }
}
