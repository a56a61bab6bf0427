//! Which numbers the spool holds, which of them are settled or may have been sent, and what to send next. Pure; knows
//! nothing of bytes.
//!
//! Most numbers are a report each. An aggregate stands for several that follow each other; they are held, sent, settled
//! and dropped together, and what is counted as waiting is reports, not numbers.

use crate::uplink::Lane;
use std::collections::BTreeMap;
use tram_proto::id::Seq;
use tram_proto::ranges::Ranges;

/// Ranges of numbers that may have been sent which are told from each other; beyond, the nearest ones count as one.
const SENT_RANGES_MAX: usize = 256;

/// Numbers held and settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    held: Ranges,
    /// Always a part of `held`.
    settled: Ranges,
    /// Numbers that are not settled and may be on the collector's disk for all that is known: their bytes never change.
    sent: Ranges,
    /// Aggregates held: the first of their numbers by the last.
    aggregates: BTreeMap<Seq, Seq>,
    /// The gap that the collector asked to have filled first.
    wanted: Option<(Seq, Seq)>,
}

impl Ledger {
    /// Takes in a report that is on disk and stands for the numbers from `first` to `seq`, its own.
    pub(crate) fn hold(&mut self, first: Seq, seq: Seq) {
        self.held.insert_range(first, seq);
        self.settled = without(&self.settled, first, seq);
        self.forget_aggregates(first, seq);
        if first < seq {
            self.aggregates.insert(seq, first);
        }
    }

    /// Forgets what is no longer on disk; returns how many reports that were measured were never settled.
    pub(crate) fn drop_range(&mut self, first: Seq, last: Seq) -> u64 {
        if last < first {
            return 0;
        }
        let (first, last) = self.whole(first, last);
        let before = self.unsettled();
        self.held = without(&self.held, first, last);
        self.settled = without(&self.settled, first, last);
        self.sent = without(&self.sent, first, last);
        self.forget_aggregates(first, last);
        before - self.unsettled()
    }

    /// Marks as settled what of `numbers` is held; returns how many reports were not settled before.
    pub(crate) fn settle(&mut self, numbers: &Ranges) -> u64 {
        let before = self.pending();
        for (first, last) in numbers.as_slice() {
            for (held_first, held_last) in self.held.as_slice() {
                self.settled.insert_range(*first.max(held_first), *last.min(held_last));
            }
        }
        self.sent = ranges_of(difference(&self.sent, &self.settled));
        before.saturating_sub(self.pending())
    }

    /// Marks the report numbered `seq` as settled; returns how many numbers it stands for, 0 when it was before.
    pub(crate) fn settle_one(&mut self, seq: Seq) -> u64 {
        let (first, seq) = self.whole(seq, seq);
        let before = self.unsettled();
        self.settle(&ranges_of(vec![(first, seq)]));
        before - self.unsettled()
    }

    /// The collector lacks these: sends again what of them is held, before other history. What of them was settled has
    /// been sent. Returns what of them is not held and will never come.
    pub(crate) fn want(&mut self, first: Seq, last: Seq) -> Vec<(Seq, Seq)> {
        let asked = ranges_of(vec![(first, last)]);
        let gone = difference(&asked, &self.held);
        let any = gone != [(first, last)];
        self.wanted = any.then_some((first, last));
        if any {
            let (first, last) = self.whole(first, last);
            for (start, end) in self.settled.as_slice() {
                self.sent.insert_range(*start.max(&first), *end.min(&last));
            }
            self.settled = without(&self.settled, first, last);
        }
        gone
    }

    /// Notes that these numbers, first and last of each report, may have been sent.
    pub(crate) fn mark_sent(&mut self, reports: &[(Seq, Seq)]) {
        reports.iter().for_each(|(first, last)| self.sent.insert_range(*first, *last));
        self.sent = ranges_of(difference(&self.sent, &self.settled));
        bound(&mut self.sent);
    }

    /// Notes that these numbers certainly were not sent after all.
    pub(crate) fn unmark_sent(&mut self, reports: &[(Seq, Seq)]) {
        reports.iter().for_each(|(first, last)| self.sent = without(&self.sent, *first, *last));
    }

    /// Numbers that may have been sent and are not settled.
    pub(crate) fn sent(&self) -> &Ranges {
        &self.sent
    }

    /// Puts what was known to be sent in place of what is.
    pub(crate) fn set_sent(&mut self, sent: Ranges) {
        self.sent = sent;
        self.mark_sent(&[]);
    }

    /// Whether the bytes of this report may still be given up for fewer: it is held, and nobody can have it.
    pub(crate) fn is_thinnable(&self, seq: Seq) -> bool {
        self.held.contains(seq) && !self.settled.contains(seq) && !self.sent.contains(seq)
    }

    /// Whether this report is held and not settled.
    pub(crate) fn is_pending(&self, seq: Seq) -> bool {
        self.held.contains(seq) && !self.settled.contains(seq)
    }

    /// Of the numbers from `first` to `last` keeps those that these reports stand for, each given as first and last; they
    /// may be fewer than before and stand for more. Returns how many that were never settled are gone.
    pub(crate) fn keep(&mut self, first: Seq, last: Seq, reports: &[(Seq, Seq)]) -> u64 {
        let within = |(start, end): &&(Seq, Seq)| first <= *start && *end <= last;
        let kept = ranges_of(reports.iter().filter(within).copied().collect());
        let before = self.unsettled();
        for (start, end) in difference(&ranges_of(vec![(first, last)]), &kept) {
            self.held = without(&self.held, start, end);
            self.settled = without(&self.settled, start, end);
            self.sent = without(&self.sent, start, end);
        }
        self.forget_aggregates(first, last);
        let aggregates = reports.iter().filter(within).filter(|(start, end)| start < end);
        self.aggregates.extend(aggregates.map(|(start, end)| (*end, *start)));
        before - self.unsettled()
    }

    /// Which of the numbers from `first` to `last` are neither held nor `answered` for.
    pub(crate) fn missing(&self, first: Seq, last: Seq, answered: &Ranges) -> Vec<(Seq, Seq)> {
        difference(&ranges_of(difference(&ranges_of(vec![(first, last)]), &self.held)), answered)
    }

    /// Up to `count_max` reports to send, the most urgent first.
    pub(crate) fn select(&self, lane: Lane, count_max: usize) -> Vec<Seq> {
        let gaps = difference(&self.held, &self.settled);
        let newest_first = gaps.iter().rev().flat_map(|(first, last)| self.reports_down(*first, *last));
        match (lane, self.wanted) {
            (Lane::Live, _) | (Lane::History, None) => newest_first.take(count_max).collect(),
            (Lane::History, Some((first, last))) => {
                let wanted = newest_first.clone().filter(|seq| (first..=last).contains(seq));
                let others = newest_first.filter(|seq| !(first..=last).contains(seq));
                wanted.chain(others).take(count_max).collect()
            }
        }
    }

    /// The numbers that the report numbered `seq` stands for: the first, and its own.
    pub(crate) fn span_of(&self, seq: Seq) -> (Seq, Seq) {
        (self.aggregates.get(&seq).copied().unwrap_or(seq), seq)
    }

    /// How many reports are held and not settled.
    pub(crate) fn pending(&self) -> u64 {
        let more = |(last, first): (&Seq, &Seq)| if self.settled.contains(*last) { 0 } else { last - first };
        self.unsettled() - self.aggregates.iter().map(more).sum::<u64>()
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

    /// The lowest number that is held and not settled.
    pub(crate) fn oldest_pending(&self) -> Option<Seq> {
        difference(&self.held, &self.settled).first().map(|(first, _)| *first)
    }

    /// How many are held, settled or not.
    pub(crate) fn held(&self) -> u64 {
        self.held.count()
    }

    /// The highest number held.
    pub(crate) fn highest(&self) -> Option<Seq> {
        self.held.as_slice().last().map(|(_, last)| *last)
    }

    /// Numbers held and settled.
    pub(crate) fn settled(&self) -> &Ranges {
        &self.settled
    }

    /// Numbers held and not settled.
    fn unsettled(&self) -> u64 {
        self.held.count() - self.settled.count()
    }

    /// Reports with numbers from `first` to `last`, newest first.
    fn reports_down(&self, first: Seq, last: Seq) -> impl Iterator<Item = Seq> + Clone + '_ {
        let mut next = Some(last);
        std::iter::from_fn(move || {
            let (start, seq) = self.whole(next?, next?);
            next = start.checked_sub(1).filter(|below| first <= *below);
            Some(seq)
        })
    }

    /// These numbers, and the rest of the aggregates that they are a part of.
    fn whole(&self, first: Seq, last: Seq) -> (Seq, Seq) {
        let around = |seq: Seq| {
            let found = self.aggregates.range(seq..).next().map(|(last, first)| (*first, *last));
            found.filter(|(first, _)| *first <= seq).unwrap_or((seq, seq))
        };
        (around(first).0, around(last).1)
    }

    fn forget_aggregates(&mut self, first: Seq, last: Seq) {
        while let Some((end, _)) = self.aggregates.range(first..=last).next() {
            let end = *end;
            self.aggregates.remove(&end);
        }
    }
}

/// Closes the smallest gaps until there are few enough ranges. More numbers count as sent then: their detail stays.
fn bound(sent: &mut Ranges) {
    while sent.len() > SENT_RANGES_MAX {
        let parts = sent.as_slice();
        let gaps =
            parts.iter().zip(parts.iter().skip(1)).map(|((_, end), (start, _))| (start - end, *end, *start));
        let Some((_, end, start)) = gaps.min() else { return };
        sent.insert_range(end, start);
    }
}

pub(super) fn ranges_of(parts: Vec<(Seq, Seq)>) -> Ranges {
    let mut ranges = Ranges::new();
    parts.into_iter().for_each(|(first, last)| ranges.insert_range(first, last));
    ranges
}

/// `numbers` less everything from `first` to `last`.
fn without(numbers: &Ranges, first: Seq, last: Seq) -> Ranges {
    ranges_of(difference(numbers, &ranges_of(vec![(first, last)])))
}

/// The parts of `numbers` that are not in `taken`, ascending.
pub(super) fn difference(numbers: &Ranges, taken: &Ranges) -> Vec<(Seq, Seq)> {
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
mod tests;
