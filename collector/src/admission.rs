//! Admission: whether a numbered report is new, a copy or a fork, and what the collector lacks of a spool.
//!
//! Pure. Knows numbers and checksums; what the reports say, and when they were measured, it never sees.

use crate::model::arrival::SpoolId;
use tram_proto::limits;
use tram_proto::ranges::Ranges;

/// What the collector has of one spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// Its id.
    pub id: SpoolId,
    /// Numbers that are on disk or will never come.
    pub seen: Ranges,
    /// Numbers that the agent gave up before they came.
    pub lost: u64,
    /// CRC-32 of the reports with the highest numbers, ascending by number.
    pub checksums: Vec<(u64, u32)>,
    /// When it was last sent from, milliseconds since 1970.
    pub used_ms: i64,
}

/// What a numbered report is to a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not seen yet.
    New,
    /// On disk already, with the same bytes.
    Copy,
    /// Its number was taken too long ago for its bytes to be compared.
    OldCopy,
    /// Its number is taken by other bytes.
    Fork,
    /// Not seen yet, and taking it would leave more gaps than are kept.
    TooManyGaps,
    /// It stands for several numbers, and some of them are on disk by themselves or in another aggregate.
    Overlap,
}

impl Spool {
    /// A spool that nothing is known of.
    pub const fn new(id: SpoolId, now_ms: i64) -> Self {
        Self { id, seen: Ranges::new(), lost: 0, checksums: Vec::new(), used_ms: now_ms }
    }

    /// What the report with this checksum is that stands for the numbers from `first` to `seq`, its own, which most
    /// reports are alone. It is taken whole or refused whole. Changes nothing.
    pub fn standing(&self, first: u64, seq: u64, crc: u32) -> Standing {
        let seen = self.seen.count_within(first, seq);
        if seen == 0 {
            return if self.has_room(first, seq) { Standing::New } else { Standing::TooManyGaps };
        }
        let known = self.checksums.iter().find(|(number, _)| *number == seq).map(|(_, kept)| *kept);
        match (known, first == seq) {
            (Some(kept), _) if kept == crc => Standing::Copy,
            (Some(_), true) => Standing::Fork,
            (None, _) if seen == seq - first + 1 => Standing::OldCopy,
            // Not a sign of a fork: its agent may have forgotten, when power went, that one of them was sent already.
            (Some(_) | None, _) => Standing::Overlap,
        }
    }

    /// Marks the numbers that a report stands for as seen.
    pub fn admit(&mut self, first: u64, seq: u64, crc: u32) {
        self.seen.insert_range(first, seq);
        let place = self.checksums.partition_point(|(number, _)| *number < seq);
        if self.checksums.len() < limits::CRCS_PER_SPOOL {
            self.checksums.insert(place, (seq, crc));
        } else if place > 0 {
            // The lowest makes room, so everything below the place moves down by one.
            self.checksums.copy_within(1..place, 0);
            if let Some(slot) = self.checksums.get_mut(place - 1) {
                *slot = (seq, crc);
            }
        }
    }

    /// Closes everything below the lowest number that the agent still holds; gaps there are lost.
    pub fn close_below(&mut self, floor: u64) {
        self.lost = self.lost.saturating_add(self.seen.close_below(floor));
    }

    /// Closes numbers, first and last, that will never come and that are asked for in vain otherwise. Says whether that
    /// changed anything.
    pub fn close(&mut self, first: u64, last: u64) -> bool {
        let missing = (last - first + 1).saturating_sub(self.seen.count_within(first, last));
        if missing == 0 || !self.has_room(first, last) {
            return false;
        }
        self.seen.insert_range(first, last);
        self.lost = self.lost.saturating_add(missing);
        true
    }

    /// Whether these numbers can be marked within the bound of ranges.
    fn has_room(&self, first: u64, last: u64) -> bool {
        self.seen.len() < limits::RANGES_PER_SPOOL_MAX || !self.seen.would_split(first, last)
    }

    /// The newest gap at or above `floor`: what the agent should send (again) first.
    pub fn newest_gap(&self, floor: u64) -> Option<(u64, u64)> {
        let gap = match self.seen.as_slice() {
            [.., (_, below), (above, _)] => (below + 1, above - 1),
            [(first, _)] if *first > 1 => (1, first - 1),
            _ => return None,
        };
        let from = gap.0.max(floor);
        (from <= gap.1).then_some((from, gap.1))
    }
}

/// The place of a spool among those of its agent, made if need be; the one longest unused makes room.
pub fn spool_of(spools: &mut Vec<Spool>, id: SpoolId, now_ms: i64) -> usize {
    if let Some(place) = spools.iter().position(|spool| spool.id == id) {
        return place;
    }
    if spools.len() >= limits::SPOOLS_PER_AGENT_MAX {
        let oldest = spools.iter().enumerate().min_by_key(|(_, spool)| spool.used_ms).map(|(place, _)| place);
        if let Some(oldest) = oldest {
            spools.remove(oldest);
        }
    }
    spools.push(Spool::new(id, now_ms));
    spools.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn spool(numbers: &[u64]) -> Spool {
        let mut spool = Spool::new(SpoolId([1; 8]), 0);
        numbers.iter().for_each(|seq| spool.admit(*seq, *seq, *seq as u32));
        spool
    }

    #[test]
    fn a_repeated_number_with_other_bytes_is_a_fork() {
        let spool = spool(&[1, 2, 3]);
        assert_eq!(spool.standing(3, 3, 3), Standing::Copy);
        assert_eq!(spool.standing(3, 3, 99), Standing::Fork);
        assert_eq!(spool.standing(4, 4, 4), Standing::New);
    }

    #[test]
    fn an_aggregate_is_taken_whole_or_refused_whole() {
        let mut spool = spool(&[1, 2, 30]);
        assert_eq!(spool.standing(2, 21, 7), Standing::Overlap, "2 is there by itself");
        assert_eq!(spool.standing(11, 30, 7), Standing::Overlap, "30 is, and its bytes are known: no fork");
        assert_eq!(spool.standing(3, 22, 7), Standing::New);
        spool.admit(3, 22, 7);
        assert_eq!(spool.seen.as_slice(), [(1, 22), (30, 30)]);
        assert_eq!(spool.standing(3, 22, 7), Standing::Copy);
        assert_eq!(spool.standing(3, 22, 8), Standing::Overlap);
        assert_eq!(spool.standing(13, 32, 8), Standing::Overlap);
        assert_eq!(
            spool.standing(10, 10, 8),
            Standing::OldCopy,
            "a part of it is no longer told from a copy"
        );
        assert_eq!(spool.standing(3, 21, 8), Standing::OldCopy);
        assert_eq!(spool.standing(22, 22, 8), Standing::Fork);
    }

    #[test]
    fn numbers_that_will_never_come_are_asked_for_no_more() {
        let mut spool = spool(&[1, 5, 9]);
        assert!(spool.close(6, 8));
        assert!(!spool.close(6, 9));
        assert_eq!((spool.newest_gap(1), spool.lost), (Some((2, 4)), 3));
    }

    #[test]
    fn the_floor_closes_gaps_and_counts_them_as_lost() {
        let mut spool = spool(&[3, 4, 7]);
        spool.close_below(7);
        assert_eq!(spool.lost, 4);
        assert_eq!(spool.standing(5, 5, 5), Standing::OldCopy);
        spool.close_below(7);
        assert_eq!(spool.lost, 4);
    }

    #[test]
    fn past_the_range_bound_only_numbers_that_need_no_new_range_are_taken() {
        let numbers: Vec<u64> =
            (0..limits::RANGES_PER_SPOOL_MAX as u64).map(|place| 10 + 2 * place).collect();
        let spool = spool(&numbers);
        let last = *numbers.last().unwrap();
        assert_eq!(spool.standing(last + 2, last + 2, 0), Standing::TooManyGaps);
        assert_eq!(spool.standing(last + 1, last + 1, 0), Standing::New);
        assert_eq!(spool.standing(last + 2, last + 9, 0), Standing::TooManyGaps);
        assert_eq!(spool.standing(last + 1, last + 9, 0), Standing::New);
        assert_eq!(spool.newest_gap(1), Some((last - 1, last - 1)));
    }

    #[test]
    fn the_newest_gap_is_named_and_never_lies_below_the_floor() {
        assert_eq!(spool(&[]).newest_gap(1), None);
        assert_eq!(spool(&[1, 2]).newest_gap(1), None);
        assert_eq!(spool(&[5]).newest_gap(1), Some((1, 4)));
        assert_eq!(spool(&[1, 5, 9]).newest_gap(1), Some((6, 8)));
        assert_eq!(spool(&[1, 5, 9]).newest_gap(8), Some((8, 8)));
        assert_eq!(spool(&[1, 5, 9]).newest_gap(9), None);
    }

    #[test]
    fn the_spool_longest_unused_makes_room() {
        let mut spools = Vec::new();
        for number in 0..6_u8 {
            spool_of(&mut spools, SpoolId([number; 8]), i64::from(number));
        }
        assert_eq!(spools.len(), limits::SPOOLS_PER_AGENT_MAX);
        assert!(spools.iter().all(|spool| spool.id.0[0] >= 2));
    }

    proptest! {
        #[test]
        fn whatever_comes_in_whatever_order_is_new_exactly_once(
            arrivals in proptest::collection::vec((1_u64..120, 0_u64..8, 0_u32..2), 0..300)
        ) {
            let mut spool = Spool::new(SpoolId([1; 8]), 0);
            let (mut plain, mut covered) = (BTreeMap::<u64, u32>::new(), BTreeSet::new());
            for (seq, more, crc) in arrivals {
                // Most reports stand for themselves alone.
                let first = seq.saturating_sub(more.saturating_sub(4)).max(1);
                let known = (first..=seq).filter(|number| covered.contains(number)).count() as u64;
                match spool.standing(first, seq, crc) {
                    Standing::New => {
                        prop_assert_eq!(known, 0);
                        plain.insert(seq, crc);
                        covered.extend(first..=seq);
                        spool.admit(first, seq, crc);
                    }
                    Standing::Copy => prop_assert_eq!(plain.get(&seq), Some(&crc)),
                    Standing::OldCopy => prop_assert_eq!(known, seq - first + 1),
                    Standing::Fork => prop_assert_ne!(plain[&seq], crc),
                    Standing::TooManyGaps => prop_assert_eq!(known, 0),
                    Standing::Overlap => prop_assert!(known > 0 && first < seq),
                }
                prop_assert_eq!(spool.seen.count(), covered.len() as u64);
                prop_assert!(spool.seen.len() <= limits::RANGES_PER_SPOOL_MAX);
            }
            let highest: Vec<(u64, u32)> = plain.iter().rev().take(limits::CRCS_PER_SPOOL)
                .map(|(seq, crc)| (*seq, *crc)).collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(&spool.checksums, &highest);
            // Every copy with other bytes among the last ones is told from a fork.
            for (seq, crc) in highest {
                prop_assert_eq!(spool.standing(seq, seq, crc ^ 1), Standing::Fork);
            }
        }
    }
}
