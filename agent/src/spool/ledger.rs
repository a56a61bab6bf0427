//! Which numbers the spool holds, which of them are settled, and what to send next. Pure; knows nothing of bytes.

use crate::uplink::Lane;
use tram_proto::id::Seq;
use tram_proto::ranges::Ranges;

/// Numbers held and settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    held: Ranges,
    /// Always a part of `held`.
    settled: Ranges,
    /// The gap that the collector asked to have filled first.
    wanted: Option<(Seq, Seq)>,
}

impl Ledger {
    /// Takes in a report that is on disk.
    pub(crate) fn hold(&mut self, seq: Seq) {
        self.held.insert(seq);
        self.settled = without(&self.settled, seq, seq);
    }

    /// Forgets what is no longer on disk; returns how many of them were never settled.
    pub(crate) fn drop_range(&mut self, first: Seq, last: Seq) -> u64 {
        let before = self.pending();
        self.held = without(&self.held, first, last);
        self.settled = without(&self.settled, first, last);
        before - self.pending()
    }

    /// Marks as settled what of `numbers` is held; returns how many were not settled before.
    pub(crate) fn settle(&mut self, numbers: &Ranges) -> u64 {
        let before = self.settled.count();
        for (first, last) in numbers.as_slice() {
            for (held_first, held_last) in self.held.as_slice() {
                self.settled.insert_range(*first.max(held_first), *last.min(held_last));
            }
        }
        self.settled.count() - before
    }

    /// The collector lacks these: sends again what of them is held, before other history.
    pub(crate) fn want(&mut self, first: Seq, last: Seq) {
        let held = difference(&self.held, &Ranges::new());
        let any = held.iter().any(|(held_first, held_last)| *held_first <= last && first <= *held_last);
        self.wanted = any.then_some((first, last));
        if any {
            self.settled = without(&self.settled, first, last);
        }
    }

    /// Up to `count_max` numbers to send, the most urgent first.
    pub(crate) fn select(&self, lane: Lane, count_max: usize) -> Vec<Seq> {
        let gaps = difference(&self.held, &self.settled);
        let newest_first = gaps.iter().rev().flat_map(|(first, last)| (*first..=*last).rev());
        match (lane, self.wanted) {
            (Lane::Live, _) | (Lane::History, None) => newest_first.take(count_max).collect(),
            (Lane::History, Some((first, last))) => {
                let wanted = newest_first.clone().filter(|seq| (first..=last).contains(seq));
                let others = newest_first.filter(|seq| !(first..=last).contains(seq));
                wanted.chain(others).take(count_max).collect()
            }
        }
    }

    /// How many are held and not settled.
    pub(crate) fn pending(&self) -> u64 {
        self.held.count() - self.settled.count()
    }

    /// Whether every number from `first` to `last` that is held is settled.
    pub(crate) fn is_settled(&self, first: Seq, last: Seq) -> bool {
        let gaps = difference(&self.held, &self.settled);
        !gaps.iter().any(|(gap_first, gap_last)| *gap_first <= last && first <= *gap_last)
    }

    /// The lowest number held.
    pub(crate) fn floor(&self) -> Option<Seq> {
        self.held.as_slice().first().map(|(first, _)| *first)
    }

    /// The highest number held.
    pub(crate) fn highest(&self) -> Option<Seq> {
        self.held.as_slice().last().map(|(_, last)| *last)
    }

    /// Numbers held and settled.
    pub(crate) fn settled(&self) -> &Ranges {
        &self.settled
    }
}

/// `numbers` less everything from `first` to `last`.
fn without(numbers: &Ranges, first: Seq, last: Seq) -> Ranges {
    let mut cut = Ranges::new();
    cut.insert_range(first, last);
    let mut left = Ranges::new();
    for (first, last) in difference(numbers, &cut) {
        left.insert_range(first, last);
    }
    left
}

/// The parts of `numbers` that are not in `taken`, ascending.
fn difference(numbers: &Ranges, taken: &Ranges) -> Vec<(Seq, Seq)> {
    let mut parts = Vec::new();
    for (first, last) in numbers.as_slice() {
        let mut next = *first;
        let taken = taken.as_slice();
        let from = taken.partition_point(|(_, taken_last)| *taken_last < next);
        for (taken_first, taken_last) in taken.get(from..).unwrap_or_default() {
            if taken_first > last {
                break;
            }
            if next < *taken_first {
                parts.push((next, taken_first - 1));
            }
            next = next.max(taken_last.saturating_add(1));
        }
        if next <= *last {
            parts.push((next, *last));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn ledger(held: std::ops::RangeInclusive<Seq>, settled: &[Seq]) -> Ledger {
        let mut ledger = Ledger::default();
        held.for_each(|seq| ledger.hold(seq));
        ledger.settle(&settled.iter().copied().collect());
        ledger
    }

    #[test]
    fn newest_gap_goes_first_and_what_is_wanted_before_it() {
        let mut ledger = ledger(1..=10, &[4, 5, 9]);
        assert_eq!(ledger.select(Lane::History, 4), [10, 8, 7, 6]);
        ledger.want(2, 4);
        assert_eq!(ledger.select(Lane::History, 5), [4, 3, 2, 10, 8]);
        assert_eq!(ledger.select(Lane::Live, 2), [10, 8]);
    }

    #[test]
    fn a_gap_that_is_no_longer_held_is_not_waited_for() {
        let mut ledger = ledger(5..=8, &[]);
        ledger.want(1, 4);
        assert_eq!(ledger.select(Lane::History, 2), [8, 7]);
    }

    proptest! {
        #[test]
        fn agrees_with_plain_sets(steps in proptest::collection::vec((0_u8..4, 1_u64..40, 0_u64..6), 0..60)) {
            let mut ledger = Ledger::default();
            let (mut held, mut settled) = (BTreeSet::new(), BTreeSet::new());
            for (what, first, more) in steps {
                let last = first + more;
                match what {
                    0 => (first..=last).for_each(|seq| {
                        ledger.hold(seq);
                        held.insert(seq);
                        settled.remove(&seq);
                    }),
                    1 => {
                        let numbers: Ranges = (first..=last).collect();
                        let fresh = (first..=last).filter(|seq| held.contains(seq) && settled.insert(*seq));
                        let fresh = fresh.count() as u64;
                        prop_assert_eq!(ledger.settle(&numbers), fresh);
                    }
                    2 => {
                        let lost = held.iter().filter(|seq| (first..=last).contains(*seq) && !settled.contains(*seq));
                        let lost = lost.count() as u64;
                        prop_assert_eq!(ledger.drop_range(first, last), lost);
                        held.retain(|seq| !(first..=last).contains(seq));
                        settled.retain(|seq| !(first..=last).contains(seq));
                    }
                    _ => {
                        ledger.want(first, last);
                        settled.retain(|seq| !(first..=last).contains(seq));
                    }
                }
                let pending: Vec<Seq> = held.iter().rev().filter(|seq| !settled.contains(seq)).copied().collect();
                prop_assert_eq!(ledger.pending(), pending.len() as u64);
                prop_assert_eq!(ledger.select(Lane::Live, usize::MAX), pending.clone());
                let mut history = ledger.select(Lane::History, usize::MAX);
                history.sort_unstable_by(|a, b| b.cmp(a));
                prop_assert_eq!(history, pending);
                prop_assert_eq!(ledger.floor(), held.first().copied());
            }
        }
    }
}
