//! The ledger beside plain sets.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn ledger(held: std::ops::RangeInclusive<Seq>, settled: &[Seq]) -> Ledger {
    let mut ledger = Ledger::default();
    held.for_each(|seq| ledger.hold(seq, seq));
    ledger.settle(&settled.iter().copied().collect());
    ledger
}

#[test]
fn newest_gap_goes_first_and_what_is_wanted_before_it() {
    let mut ledger = ledger(1..=10, &[4, 5, 9]);
    assert_eq!(ledger.select(Lane::History, 4), [10, 8, 7, 6]);
    assert_eq!(ledger.want(2, 4), []);
    assert_eq!(ledger.select(Lane::History, 5), [4, 3, 2, 10, 8]);
    assert_eq!(ledger.select(Lane::Live, 2), [10, 8]);
}

#[test]
fn a_gap_that_is_no_longer_held_is_not_waited_for_and_named_as_gone() {
    let mut ledger = ledger(5..=8, &[]);
    assert_eq!(ledger.want(1, 4), [(1, 4)]);
    assert_eq!(ledger.select(Lane::History, 2), [8, 7]);
    assert_eq!(ledger.want(3, 6), [(3, 4)]);
    assert_eq!(ledger.select(Lane::History, 3), [6, 5, 8]);
}

#[test]
fn an_aggregate_is_one_report_of_many_numbers() {
    let mut ledger = ledger(1..=30, &[]);
    ledger.hold(1, 20);
    assert_eq!((ledger.pending(), ledger.select(Lane::Live, usize::MAX).len()), (11, 11));
    assert_eq!(ledger.select(Lane::Live, usize::MAX).last(), Some(&20));
    assert_eq!(ledger.span_of(20), (1, 20));
    assert_eq!(ledger.settle(&(1..=20).collect()), 1);
    assert_eq!(ledger.want(5, 6), []);
    assert_eq!(ledger.pending(), 11, "a part of it is wanted, so all of it is sent again");
    assert!(!ledger.is_thinnable(3), "it was sent once");
    assert_eq!(ledger.settle_one(20), 20);
    assert_eq!(ledger.settle_one(20), 0);
    assert_eq!(ledger.drop_range(7, 21), 1, "21 alone was not settled");
    assert_eq!((ledger.floor(), ledger.pending()), (Some(22), 9));
}

#[test]
fn what_may_have_been_sent_is_not_thinned_until_it_is_known_not_to_have_been() {
    let mut ledger = ledger(1..=10, &[2]);
    ledger.mark_sent(&[(1, 1), (2, 2), (5, 6)]);
    let thinnable = |ledger: &Ledger| (1..=11).filter(|seq| ledger.is_thinnable(*seq)).collect::<Vec<_>>();
    assert_eq!(thinnable(&ledger), [3, 4, 7, 8, 9, 10]);
    ledger.unmark_sent(&[(5, 6)]);
    assert_eq!(thinnable(&ledger), [3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(ledger.sent().as_slice(), [(1, 1)]);
}

#[test]
fn what_may_have_been_sent_is_kept_in_few_ranges_and_never_forgotten() {
    let mut ledger = ledger(1..=5_000, &[]);
    let sent: Vec<Seq> = (1..1_000).map(|place| place * 5).collect();
    sent.iter().for_each(|seq| ledger.mark_sent(&[(*seq, *seq)]));
    assert!(ledger.sent().len() <= SENT_RANGES_MAX);
    assert!(sent.iter().all(|seq| !ledger.is_thinnable(*seq)));
    assert!(ledger.is_thinnable(4_999));
}

proptest! {
    #[test]
    fn agrees_with_plain_sets(steps in proptest::collection::vec((0_u8..5, 1_u64..40, 0_u64..6), 0..60)) {
        let mut ledger = Ledger::default();
        // Reports by the numbers that they stand for.
        let (mut held, mut settled) = (BTreeSet::<(Seq, Seq)>::new(), BTreeSet::<(Seq, Seq)>::new());
        for (what, first, more) in steps {
            let last = first + more;
            let touched = |(start, end): &(Seq, Seq)| *start <= last && first <= *end;
            let waiting = |held: &BTreeSet<(Seq, Seq)>, settled: &BTreeSet<(Seq, Seq)>| {
                held.difference(settled).copied().collect::<Vec<_>>()
            };
            let before = waiting(&held, &settled);
            match what {
                0 => {
                    for seq in first..=last {
                        if !held.iter().any(|(start, end)| (*start..=*end).contains(&seq)) {
                            ledger.hold(seq, seq);
                            held.insert((seq, seq));
                        }
                    }
                }
                1 => {
                    let numbers: Ranges = held.iter().filter(|report| touched(report)).flat_map(|(start, end)| *start..=*end).collect();
                    settled.extend(held.iter().filter(|report| touched(report)));
                    let fresh = (before.len() - waiting(&held, &settled).len()) as u64;
                    prop_assert_eq!(ledger.settle(&numbers), fresh);
                }
                2 => {
                    let lost: u64 = before.iter().filter(|report| touched(report)).map(|(start, end)| end - start + 1).sum();
                    prop_assert_eq!(ledger.drop_range(first, last), lost);
                    held.retain(|report| !touched(report));
                    settled.retain(|report| !touched(report));
                }
                3 => {
                    ledger.want(first, last);
                    settled.retain(|report| !touched(report));
                }
                _ => {
                    // Reports that follow each other and wait become one.
                    let parts: Vec<(Seq, Seq)> = before.iter().filter(|report| touched(report)).copied().collect();
                    let follow = parts.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0);
                    if let ([(start, _), .., (_, end)], true) = (parts.as_slice(), follow) {
                        ledger.hold(*start, *end);
                        held.retain(|report| !parts.contains(report));
                        held.insert((*start, *end));
                    }
                }
            }
            let pending: Vec<Seq> = waiting(&held, &settled).iter().rev().map(|(_, end)| *end).collect();
            prop_assert_eq!(ledger.pending(), pending.len() as u64);
            prop_assert_eq!(ledger.select(Lane::Live, usize::MAX), pending.clone());
            let mut history = ledger.select(Lane::History, usize::MAX);
            history.sort_unstable_by(|a, b| b.cmp(a));
            prop_assert_eq!(history, pending);
            prop_assert_eq!(ledger.floor(), held.first().map(|(start, _)| *start));
        }
    }
}
