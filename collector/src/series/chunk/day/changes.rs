//! A column that goes on by the same step nearly always: times, totals that stand still, settings.
//!
//! Pure. `first | step | odd steps`. It must not know what packs the others.

use super::odd;
use crate::series::varint::{self, Reader};

/// A step in so many may be odd: with more of them other forms are smaller.
const ODD_ONE_IN: usize = 3;

/// The bytes of such a column; none where it is not one.
pub(super) fn pack(values: &[i64]) -> Option<Vec<u8>> {
    let (first, rest) = values.split_first()?;
    let steps: Vec<i64> =
        values.iter().zip(rest).map(|(before, value)| value.wrapping_sub(*before)).collect();
    let step = usual(&steps)?;
    let odd: Vec<(usize, i64)> = steps
        .iter()
        .enumerate()
        .filter(|(_, other)| **other != step)
        .map(|(place, other)| (place, other.wrapping_sub(step)))
        .collect();
    if odd.len() > steps.len() / ODD_ONE_IN {
        return None;
    }
    let mut bytes = Vec::new();
    varint::put_signed(&mut bytes, *first);
    varint::put_signed(&mut bytes, step);
    odd::put(&mut bytes, &odd);
    Some(bytes)
}

/// So many values of such a column.
pub(super) fn unpack(bytes: &[u8], count: usize) -> Option<Vec<i64>> {
    let mut reader = Reader::new(bytes);
    let (first, step) = (reader.signed()?, reader.signed()?);
    let mut values = vec![step; count];
    let (start, steps) = values.split_first_mut()?;
    *start = first;
    odd::add(&mut reader, steps)?;
    let mut value = 0_i64;
    for next in &mut values {
        value = value.wrapping_add(*next);
        *next = value;
    }
    reader.is_empty().then_some(values)
}

/// The step of more than half of all, if there is one: whoever is left when others cancel each other out.
fn usual(steps: &[i64]) -> Option<i64> {
    let (mut step, mut lead) = (*steps.first()?, 0_usize);
    for other in steps {
        if *other == step {
            lead += 1;
        } else if lead == 0 {
            (step, lead) = (*other, 1);
        } else {
            lead -= 1;
        }
    }
    Some(step)
}
