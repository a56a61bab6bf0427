//! An aggregate: what is left of several reports of one boot when there was no room for each. It is a report itself, of
//! which this is the part that says how many it stands for and what their values came to.
//!
//! A report's number is the last of those that it stands for, so the numbers it replaces are `seq + 1 - count` to `seq`.
//! Of a level it keeps the least and greatest value, their sum and count, and the last; of a running total, which never
//! falls within an aggregate, the first and the last.

use crate::bounded;
use crate::encoding::WireError;
use crate::id::Seq;
use crate::limits;
use serde::{Deserialize, Serialize};

/// What several reports came to. Each list has a place for each of the catalogue's columns; a null beside a value means
/// that this is as the last value: the least and the greatest, or the sum of as many.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Aggregate {
    /// Reports that it stands for.
    #[serde(rename = "n")]
    pub count: u32,
    /// Milliseconds of `CLOCK_BOOTTIME` of the first of them.
    #[serde(rename = "since")]
    pub since_boot_ms: u64,
    /// Milliseconds that they were gathered by.
    #[serde(rename = "step")]
    pub step_ms: u64,
    /// How many of them had a value.
    #[serde(rename = "cnt", deserialize_with = "bounded::list::<_, _, { limits::COLUMNS_MAX }>")]
    pub counts: Vec<u32>,
    /// The least value; of a running total the first.
    #[serde(deserialize_with = "bounded::list::<_, _, { limits::COLUMNS_MAX }>")]
    pub min: Vec<Option<i64>>,
    /// The greatest.
    #[serde(deserialize_with = "bounded::list::<_, _, { limits::COLUMNS_MAX }>")]
    pub max: Vec<Option<i64>>,
    /// The sum of all values; of a running total it means nothing and is null.
    #[serde(deserialize_with = "bounded::list::<_, _, { limits::COLUMNS_MAX }>")]
    pub sum: Vec<Option<i64>>,
}

/// What one column's values came to, in the catalogue's scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathered {
    /// How many values there were; never 0.
    pub count: u32,
    /// The least; of a running total the first.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    /// The sum; of a running total meaningless.
    pub sum: i64,
    /// The last.
    pub last: i64,
}

impl Aggregate {
    /// The first of the numbers that it stands for when it is numbered `seq`; none when there cannot be so many.
    pub fn first(&self, seq: Seq) -> Option<Seq> {
        seq.checked_sub(u64::from(self.count)).filter(|_| self.count > 0).map(|before| before + 1)
    }

    /// What a column's values came to; `last` is the report's own value there. None where there never was one.
    pub fn gathered(&self, column: usize, last: Option<i64>) -> Option<Gathered> {
        let last = last?;
        let count = self.counts.get(column).copied()?;
        let or_last = |list: &[Option<i64>]| list.get(column).copied().flatten().unwrap_or(last);
        let sum = self.sum.get(column).copied().flatten();
        // Beyond its bounds it can only be a running total's, where it means nothing.
        let sum = sum.unwrap_or_else(|| last.saturating_mul(i64::from(count)));
        Some(Gathered { count, min: or_last(&self.min), max: or_last(&self.max), sum, last })
    }

    /// Whether it can be of a report measured at `boot_ms` with these values.
    pub(crate) fn check(&self, boot_ms: u64, values: &[Option<i64>]) -> Result<(), WireError> {
        if !(1..=limits::AGGREGATED_MAX).contains(&self.count) {
            return Err(WireError::Bound("agg.n: outside 1 to 4096"));
        }
        let length_ms = boot_ms.checked_sub(self.since_boot_ms);
        let is_placed = length_ms.is_some_and(|length_ms| length_ms <= self.step_ms);
        if !is_placed || self.step_ms > limits::AGGREGATE_STEP_MS_MAX {
            return Err(WireError::Bound("agg: longer than its step, or than a day"));
        }
        let columns = values.len();
        let lengths = [self.counts.len(), self.min.len(), self.max.len(), self.sum.len()];
        if lengths.iter().any(|length| *length != columns) {
            return Err(WireError::Bound("agg: a list of another length than the values"));
        }
        let is_sound = |(column, last): (usize, &Option<i64>)| self.is_sound(column, *last);
        if values.iter().enumerate().all(is_sound) {
            Ok(())
        } else {
            Err(WireError::Bound("agg: figures of a column that contradict each other"))
        }
    }

    fn is_sound(&self, column: usize, last: Option<i64>) -> bool {
        let count = self.counts.get(column).copied().unwrap_or(0);
        if last.is_none() {
            let given = [&self.min, &self.max, &self.sum];
            return count == 0 && given.iter().all(|list| list.get(column).is_none_or(Option::is_none));
        }
        let Some(Gathered { min, max, sum, last, .. }) = self.gathered(column, last) else { return false };
        let (least, greatest) = (i128::from(min) * i128::from(count), i128::from(max) * i128::from(count));
        (1..=self.count).contains(&count)
            && [min, max].iter().all(|value| value.unsigned_abs() <= limits::VALUE_ABS_MAX.unsigned_abs())
            && (min..=max).contains(&last)
            // The sum of a running total is not kept: then it is that of the last, which is the greatest.
            && (least..=greatest).contains(&i128::from(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aggregate() -> Aggregate {
        Aggregate {
            count: 20,
            since_boot_ms: 15_000,
            step_ms: 300_000,
            counts: vec![20, 19, 0],
            min: vec![Some(-5), None, None],
            max: vec![Some(9), None, None],
            sum: vec![Some(40), None, None],
        }
    }

    const VALUES: [Option<i64>; 3] = [Some(7), Some(100), None];

    fn check(change: impl FnOnce(&mut Aggregate)) -> Result<(), WireError> {
        let mut changed = aggregate();
        change(&mut changed);
        changed.check(300_000, &VALUES)
    }

    #[test]
    fn its_number_is_the_last_of_those_that_it_stands_for() {
        assert_eq!(aggregate().first(120), Some(101));
        assert_eq!(aggregate().first(20), Some(1));
        assert_eq!(aggregate().first(19), None);
        assert_eq!(Aggregate::default().first(5), None);
    }

    #[test]
    fn what_is_not_said_is_as_the_last_value() {
        let of = |column: usize| aggregate().gathered(column, VALUES[column]);
        assert_eq!(of(0), Some(Gathered { count: 20, min: -5, max: 9, sum: 40, last: 7 }));
        assert_eq!(of(1), Some(Gathered { count: 19, min: 100, max: 100, sum: 1_900, last: 100 }));
        assert_eq!(of(2), None);
        let huge = Aggregate { counts: vec![4_000], ..aggregate() };
        assert_eq!(huge.gathered(1, None), None);
        assert!(huge.gathered(0, Some(limits::VALUE_ABS_MAX)).is_some(), "a running total may be as large");
    }

    #[test]
    fn figures_that_contradict_each_other_are_refused() {
        assert_eq!(check(|_| {}), Ok(()));
        let wrong: [fn(&mut Aggregate); 12] = [
            |one| one.count = 0,
            |one| one.count = limits::AGGREGATED_MAX + 1,
            |one| one.since_boot_ms = 300_001,
            |one| one.step_ms = 1,
            |one| one.step_ms = u64::MAX,
            |one| one.counts[1] = 0,
            |one| one.counts[1] = 21,
            |one| one.counts[2] = 1,
            |one| one.min[0] = Some(8),
            |one| one.max[0] = Some(6),
            |one| one.sum[0] = Some(181),
            |one| one.sum.truncate(2),
        ];
        for (place, change) in wrong.into_iter().enumerate() {
            assert!(check(change).is_err(), "{place}");
        }
    }
}
