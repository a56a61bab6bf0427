//! The body of a chunk of up to a day: each column packed by itself, so that one can be read without the rest.
//!
//! ```text
//! pco header | times  | each column:
//!       0                             nothing was ever measured
//!       1 value                       the same value in every row
//!       2 length, packed              a value in every row, by pco
//!       3 length, runs, value         the same value in some rows
//!       4 length, runs, packed        a value in some rows, by pco
//!       5 length, members, column     what is left of a sum when the members are taken away
//!       6 length, first, step, odd    the same step from row to row but for some          see [`changes`]
//!       7 length, unit, odd, column   multiples of a unit but for some                    see [`unit`]
//!       8 length, product, odd        others multiplied but for some                      see [`product`]
//!       9 length, runs, column        a value in some rows, in another form
//!      10 length, coded               a value in every row, few of them                   see [`coded`]
//! ```
//! Times are a column like any other. Runs are lengths of rows without a value and with one, in turn. 6 and more came
//! with version 3. It must not know what stands before the body.

mod changes;
mod coded;
mod odd;
mod pack;
mod product;
mod unit;
mod unpack;

pub(super) use pack::pack;
pub(super) use unpack::unpack;

use crate::series::varint::Reader;

const EMPTY: u8 = 0;
const CONSTANT: u8 = 1;
const FULL: u8 = 2;
const CONSTANT_IN_SOME: u8 = 3;
const SOME: u8 = 4;
const REST: u8 = 5;
const CHANGES: u8 = 6;
const MULTIPLES: u8 = 7;
const PRODUCT: u8 = 8;
const IN_SOME: u8 = 9;
const CODED: u8 = 10;

/// A column's tag and what follows it, in the body.
#[derive(Debug, Clone, Copy)]
struct Section<'a> {
    tag: u8,
    value: i64,
    bytes: &'a [u8],
}

impl<'a> Section<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let tag = reader.byte()?;
        match tag {
            EMPTY => Some(Self { tag, value: 0, bytes: &[] }),
            CONSTANT => Some(Self { tag, value: reader.signed()?, bytes: &[] }),
            FULL..=CODED => {
                let length = usize::try_from(reader.number()?).ok()?;
                Some(Self { tag, value: 0, bytes: reader.take(length)? })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
