//! Sets of sequence numbers as sorted, disjoint, inclusive ranges.

use crate::id::Seq;
use serde::{Deserialize, Serialize};

/// A set of sequence numbers, kept as ranges `[first, last]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<(Seq, Seq)>);

impl Ranges {
    /// The empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The ranges, ascending.
    pub fn as_slice(&self) -> &[(Seq, Seq)] {
        &self.0
    }

    /// How many ranges there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers are in it.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether `seq` is in it.
    pub fn contains(&self, seq: Seq) -> bool {
        let place = self.0.partition_point(|(_, last)| *last < seq);
        self.0.get(place).is_some_and(|(first, _)| *first <= seq)
    }

    /// Adds one number; false when it was in already.
    pub fn insert(&mut self, seq: Seq) -> bool {
        if self.contains(seq) {
            return false;
        }
        self.insert_range(seq, seq);
        true
    }

    /// Adds every number from `first` to `last`; nothing when `last` is below `first`.
    pub fn insert_range(&mut self, first: Seq, last: Seq) {
        if last < first {
            return;
        }
        let from = self.0.partition_point(|(_, end)| end.saturating_add(1) < first);
        let to = self.0.partition_point(|(start, _)| *start <= last.saturating_add(1));
        let touched = self.0.get(from..to).unwrap_or(&[]);
        let first = touched.first().map_or(first, |(start, _)| first.min(*start));
        let last = touched.last().map_or(last, |(_, end)| last.max(*end));
        self.0.splice(from..to.max(from), [(first, last)]);
    }

    /// How many of the numbers from `first` to `last` are in it.
    pub fn count_within(&self, first: Seq, last: Seq) -> u64 {
        let from = self.0.partition_point(|(_, end)| *end < first);
        let touched = self.0.get(from..).unwrap_or_default().iter().take_while(|(start, _)| *start <= last);
        touched.map(|(start, end)| last.min(*end) - first.max(*start) + 1).sum()
    }

    /// Whether adding the numbers from `first` to `last` would need another range.
    pub fn would_split(&self, first: Seq, last: Seq) -> bool {
        let near =
            |(start, end): &(Seq, Seq)| *start <= last.saturating_add(1) && first <= end.saturating_add(1);
        !self.0.iter().any(near)
    }

    /// The lowest gap at or above `floor` and below the highest number, inclusive.
    pub fn first_gap(&self, floor: Seq) -> Option<(Seq, Seq)> {
        let mut next = floor;
        for (first, last) in &self.0 {
            if next < *first {
                return Some((next, first - 1));
            }
            next = next.max(last.saturating_add(1));
        }
        None
    }

    /// Fills everything below `floor` and returns how many numbers were missing there.
    pub fn close_below(&mut self, floor: Seq) -> u64 {
        if floor <= 1 {
            return 0;
        }
        let before = self.count();
        let outside = self
            .0
            .iter()
            .filter(|(_, last)| *last >= floor)
            .map(|(first, last)| last - (*first).max(floor) + 1);
        let kept_above: u64 = outside.sum();
        self.insert_range(1, floor - 1);
        (floor - 1) - (before - kept_above)
    }
}

impl FromIterator<Seq> for Ranges {
    fn from_iter<I: IntoIterator<Item = Seq>>(numbers: I) -> Self {
        let mut ranges = Self::new();
        for seq in numbers {
            ranges.insert(seq);
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn gaps_and_closing() {
        let mut ranges: Ranges = [3, 4, 7, 9].into_iter().collect();
        assert_eq!(ranges.as_slice(), [(3, 4), (7, 7), (9, 9)]);
        assert_eq!(ranges.first_gap(1), Some((1, 2)));
        assert_eq!(ranges.first_gap(3), Some((5, 6)));
        assert_eq!(ranges.close_below(8), 4);
        assert_eq!(ranges.as_slice(), [(1, 7), (9, 9)]);
        assert_eq!(ranges.close_below(8), 0);
        assert!(ranges.would_split(11, 12));
        assert!(!ranges.would_split(10, 12));
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(numbers in proptest::collection::vec(1_u64..60, 0..80), floor in 1_u64..70) {
            let mut ranges = Ranges::new();
            let mut plain = BTreeSet::new();
            for seq in numbers {
                prop_assert_eq!(ranges.insert(seq), plain.insert(seq));
            }
            let missing = (1..floor).filter(|seq| !plain.contains(seq)).count() as u64;
            prop_assert_eq!(ranges.close_below(floor), missing);
            plain.extend(1..floor);
            prop_assert_eq!(ranges.count(), plain.len() as u64);
            for seq in 0..70 {
                prop_assert_eq!(ranges.contains(seq), plain.contains(&seq));
                let within = plain.range(seq..=seq + 9).count() as u64;
                prop_assert_eq!(ranges.count_within(seq, seq + 9), within);
            }
            let parts = ranges.as_slice();
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }
}
