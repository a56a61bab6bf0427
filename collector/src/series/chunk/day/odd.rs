//! The few places of a column where something plain does not hold, and what is missing there.
//!
//! Pure. `count | each: places since the last one, what is to be added`. It must not know what is added to what.

use crate::series::varint::{self, Reader};

/// Appends places, rising, and what is to be added there.
pub(super) fn put(bytes: &mut Vec<u8>, odd: &[(usize, i64)]) {
    varint::put(bytes, odd.len() as u64);
    let mut next = 0;
    for (place, more) in odd {
        varint::put(bytes, (place - next) as u64);
        varint::put_signed(bytes, *more);
        next = place + 1;
    }
}

/// Adds to numbers what is to be added.
pub(super) fn add(reader: &mut Reader<'_>, numbers: &mut [i64]) -> Option<()> {
    let count = usize::try_from(reader.number()?).ok()?;
    let mut next = 0_usize;
    for _ in 0..count {
        let place = next.checked_add(usize::try_from(reader.number()?).ok()?)?;
        let number = numbers.get_mut(place)?;
        *number = number.wrapping_add(reader.signed()?);
        next = place + 1;
    }
    Some(())
}

/// Reads over them.
pub(super) fn skip(reader: &mut Reader<'_>) -> Option<()> {
    let count = reader.number()?;
    (0..count).try_for_each(|_| reader.number().and(reader.signed()).map(|_| ()))
}
