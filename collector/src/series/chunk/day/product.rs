//! Columns that are others multiplied: what a processor does in megahertz is its share of what it could do.
//!
//! Pure. Finds, for a column, one that it is proportional to, or one and a second that moves little, so that
//! `value = one * second * whole / parts`, rounded, in nearly every row. It must not know how columns are packed.

use super::unit::ratio;
use crate::series::varint::{self, Reader};

/// Rows that are looked at before all are.
const SAMPLE: usize = 8;
/// A row in so many may be otherwise.
const ODD_ONE_IN: usize = 6;
/// The second column moves by at most this share of itself.
const MOVES_ONE_IN: f64 = 16.0;
/// The largest number in a fraction.
const FRACTION_MAX: i128 = 1 << 40;

/// What makes a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Product {
    pub(super) one: usize,
    pub(super) second: Option<usize>,
    whole: i64,
    parts: i64,
}

impl Product {
    /// The value that two make.
    pub(super) fn of(&self, one: i64, second: i64) -> Option<i64> {
        let both = i128::from(one).checked_mul(second.into())?;
        ratio(both.checked_mul(self.whole.into())?, self.parts.into())
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        varint::put(bytes, self.one as u64);
        varint::put(bytes, self.second.map_or(0, |second| second as u64 + 1));
        varint::put_signed(bytes, self.whole);
        varint::put_signed(bytes, self.parts);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (one, second) = (usize::try_from(reader.number()?).ok()?, reader.number()?);
        let second = second.checked_sub(1).map(usize::try_from).transpose().ok()?;
        Some(Self { one, second, whole: reader.signed()?, parts: reader.signed()? })
    }
}

/// A column that others may be made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Other<'a> {
    pub(super) place: usize,
    pub(super) numbers: &'a [i64],
    is_slow: bool,
}

impl<'a> Other<'a> {
    pub(super) fn new(place: usize, numbers: &'a [i64]) -> Self {
        Self { place, numbers, is_slow: is_slow(numbers) }
    }
}

/// What makes these values of others, and the rows in which it makes something else, with what is missing there.
pub(super) fn find(values: &[i64], others: &[Other<'_>]) -> Option<(Product, Vec<(usize, i64)>)> {
    // The largest value tells a fraction best.
    let best = (0..values.len()).max_by_key(|row| values.get(*row).map(|value| value.unsigned_abs()))?;
    for one in others.iter().filter(|one| goes_along(values, one.numbers, best)) {
        let slow = others.iter().filter(|second| second.is_slow && second.place != one.place);
        for second in std::iter::once(None).chain(slow.map(Some)) {
            let at = |row: usize| second.map_or(Some(1), |second| second.numbers.get(row).copied());
            let both = i128::from(*one.numbers.get(best)?) * i128::from(at(best)?);
            let Some((whole, parts)) = fraction(i128::from(*values.get(best)?), both) else { continue };
            let product = Product { one: one.place, second: second.map(|second| second.place), whole, parts };
            if let Some(odd) = odd(&product, values, one.numbers, &at) {
                return Some((product, odd));
            }
        }
    }
    None
}

fn odd(
    product: &Product,
    values: &[i64],
    ones: &[i64],
    second: &dyn Fn(usize) -> Option<i64>,
) -> Option<Vec<(usize, i64)>> {
    let mut odd = Vec::new();
    for (row, (value, one)) in values.iter().zip(ones).enumerate() {
        let made = product.of(*one, second(row)?)?;
        if made != *value {
            odd.push((row, value.checked_sub(made)?));
            if odd.len() > values.len() / ODD_ONE_IN {
                return None;
            }
        }
    }
    Some(odd)
}

/// Whether values are about proportional to others, by some rows.
fn goes_along(values: &[i64], others: &[i64], best: usize) -> bool {
    let (Some(value), Some(other)) = (values.get(best), others.get(best)) else { return false };
    if *value == 0 || *other == 0 || values.len() != others.len() {
        return false;
    }
    let share = *value as f64 / *other as f64;
    let mut wrong = 0;
    for (value, other) in values.iter().zip(others).step_by((values.len() / SAMPLE).max(1)) {
        let (value, made) = (*value as f64, *other as f64 * share);
        wrong += usize::from((value - made).abs() > value.abs() / MOVES_ONE_IN + 1.0);
        if wrong > 1 {
            return false;
        }
    }
    true
}

/// Whether a column moves, and only a little.
fn is_slow(values: &[i64]) -> bool {
    let (Some(least), Some(greatest)) = (values.iter().min(), values.iter().max()) else { return false };
    let moves = greatest.abs_diff(*least) as f64;
    moves > 0.0 && moves < least.unsigned_abs().min(greatest.unsigned_abs()) as f64 / MOVES_ONE_IN
}

/// The simplest fraction that makes a value of a number, rounded.
fn fraction(value: i128, of: i128) -> Option<(i64, i64)> {
    let sign = if (value < 0) == (of < 0) { 1 } else { -1 };
    let (value, of) = (value.checked_abs()?, of.checked_abs()?);
    let below = (2 * value - 1, of.checked_mul(2)?);
    let above = (2 * value + 1, below.1);
    let (whole, parts) = simplest(below, above, 0)?;
    let is_small = whole > 0 && whole <= FRACTION_MAX && parts <= FRACTION_MAX;
    is_small.then(|| Some((i64::try_from(sign * whole).ok()?, i64::try_from(parts).ok()?)))?
}

/// The fraction with the smallest denominator that lies between two, by continued fractions.
fn simplest(below: (i128, i128), above: (i128, i128), depth: u32) -> Option<(i128, i128)> {
    if below.1 == 0 || above.1 == 0 || depth > 64 {
        return None;
    }
    let whole = below.0 / below.1;
    if (whole + 1) * above.1 < above.0 {
        return Some((whole + 1, 1));
    }
    // Both lie between the same whole numbers: what is left of them, upside down.
    let (rest, parts) = (above.0 - whole * above.1, below.0 - whole * below.1);
    if parts == 0 {
        // From a whole number on: the next simple fraction above it.
        let many = above.1 / rest + 1;
        return Some((whole * many + 1, many));
    }
    let (parts, whole_of) = simplest((above.1, rest), (below.1, parts), depth + 1)?;
    Some((whole * parts + whole_of, parts))
}
