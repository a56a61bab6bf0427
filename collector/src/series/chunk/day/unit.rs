//! Columns that count something, though they do not say it: `0.733333333`, `0.8` and `0.866666667` are 11, 12 and 13
//! fifteenths, the mean of fifteen whole numbers, rounded.
//!
//! Pure. Finds the unit of which most values are a rounded multiple. It must not know how multiples are packed.

use crate::series::varint::{self, Reader};

/// The most parts that a one is looked for to be divided into, and the most digits behind the point.
const PARTS_MAX: u64 = 360;
const DIGITS_MAX: u32 = 9;
/// What is looked at of a column to find its unit.
const SAMPLE: usize = 48;
/// Below this a multiple is near every number.
const LEAST: f64 = 6.0;
/// What a value costs that is no multiple, in bits beside its own.
const ODD_BITS: f64 = 14.0;
/// A value in so many may be no multiple.
const ODD_ONE_IN: usize = 6;

/// A step of so many parts of so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    whole: u64,
    parts: u64,
}

/// A column as multiples of its unit, and what is missing where that is not exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) unit: Unit,
    pub(super) counts: Vec<i64>,
    pub(super) odd: Vec<(usize, i64)>,
}

impl Unit {
    /// A multiple, rounded, halves away from zero.
    pub(super) fn times(self, count: i64) -> Option<i64> {
        if let (Ok(whole), Ok(parts)) = (i64::try_from(self.whole), i64::try_from(self.parts))
            && let Some(twice) = count.checked_mul(whole).and_then(|many| many.checked_mul(2))
            && let Some(twice) = twice.checked_add(if count < 0 { -parts } else { parts })
        {
            return twice.checked_div(parts.checked_mul(2)?);
        }
        ratio(i128::from(count).checked_mul(self.whole.into())?, self.parts.into())
    }

    fn nearest(self, value: i64) -> Option<i64> {
        ratio(i128::from(value).checked_mul(self.parts.into())?, self.whole.into())
    }

    pub(super) fn put(self, bytes: &mut Vec<u8>) {
        varint::put(bytes, self.whole);
        varint::put(bytes, self.parts);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { whole: reader.number()?, parts: reader.number()? })
    }

    fn size(self) -> f64 {
        self.whole as f64 / self.parts as f64
    }
}

/// A fraction, rounded, halves away from zero; none where it is no number of a column.
pub(super) fn ratio(above: i128, below: i128) -> Option<i64> {
    let twice = above.checked_mul(2)?.checked_add(if above < 0 { -below } else { below })?;
    i64::try_from(twice.checked_div(below.checked_mul(2)?)?).ok()
}

/// The column in its unit; none where it has none.
pub(super) fn find(values: &[i64]) -> Option<Counted> {
    let unit = likely(&sample(values))?;
    let counts = values.iter().map(|value| unit.nearest(*value)).collect::<Option<Vec<i64>>>()?;
    let mut odd = Vec::new();
    for (place, (value, count)) in values.iter().zip(&counts).enumerate() {
        let back = unit.times(*count)?;
        if back != *value {
            odd.push((place, value.checked_sub(back)?));
        }
    }
    if odd.len() > values.len() / ODD_ONE_IN {
        return None;
    }
    Some(coarser(Counted { unit, counts, odd }))
}

/// Counts that are all multiples of a number are counts of so much more.
fn coarser(counted: Counted) -> Counted {
    let all = counted.counts.iter().fold(0, |all, count| common(all, count.unsigned_abs()));
    let (Some(whole), Ok(by)) = (counted.unit.whole.checked_mul(all), i64::try_from(all)) else {
        return counted;
    };
    if by < 2 {
        return counted;
    }
    let unit = Unit { whole, ..counted.unit };
    // A half is rounded alike: each multiple is the same fraction as before.
    Counted { unit, counts: counted.counts.iter().map(|count| count / by).collect(), ..counted }
}

fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

/// Some values of all over the column, no two alike, and none that is a multiple of everything.
fn sample(values: &[i64]) -> Vec<f64> {
    let mut sample: Vec<i64> = values
        .iter()
        .step_by((values.len() / (4 * SAMPLE)).max(1))
        .copied()
        .filter(|value| *value != 0)
        .collect();
    sample.sort_unstable();
    sample.dedup();
    let each = sample.len().div_ceil(SAMPLE).max(1);
    sample.into_iter().step_by(each).map(|value| value as f64).collect()
}

/// The unit that would save most.
fn likely(sample: &[f64]) -> Option<Unit> {
    let most = sample.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let mut best: Option<(f64, Unit)> = None;
    for digits in 0..=DIGITS_MAX {
        for parts in 1..=PARTS_MAX {
            let unit = Unit { whole: 10_u64.pow(digits), parts };
            let size = unit.size();
            // What divides a whole number of times pco finds by itself.
            if size < LEAST || size > most || unit.whole.is_multiple_of(parts) {
                continue;
            }
            let Some(saved) = saved_bits(sample, size) else { continue };
            if best.is_none_or(|(most, _)| saved > most) {
                best = Some((saved, unit));
            }
        }
    }
    best.filter(|(saved, _)| *saved > 0.0).map(|(_, unit)| unit)
}

/// What a unit of a size saves; none where too many values are no multiples.
fn saved_bits(sample: &[f64], size: f64) -> Option<f64> {
    let bits = size.log2();
    let (mut odd, mut saved) = (0, 0.0);
    for value in sample {
        let count = (value / size).round();
        if ((count * size).round() - value).abs() < 0.5 {
            saved += bits;
        } else {
            odd += 1;
            saved -= bits + ODD_BITS;
            if odd > 1 + sample.len() / ODD_ONE_IN {
                return None;
            }
        }
    }
    Some(saved)
}
