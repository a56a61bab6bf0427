//! The body of a chunk of about an hour: varints, packed by zstd. Best up to some 120 rows.
//!
//! ```text
//! zstd( times, then each column )   times  first, then change of change, signed varints
//!       0                           nothing was ever measured
//!       1 value                     the same value in every row
//!       2 length, changes           a value in every row, each as its change from the one before
//!       3 length, bits, changes     a bit for each row says whether it has a value
//! ```
//! It must not know what stands before the body.

use super::{Cells, DamagedChunk};
use crate::series::varint::{self, Reader};
use std::cell::RefCell;
use zstd::bulk::Decompressor;

/// Bytes that a body may unpack to.
pub(super) const RAW_BYTES_MAX: usize = 16 << 20;
/// How hard zstd tries. Best for chunks of an hour, where 9 gains 1 % for four times the work.
const ZSTD_LEVEL: i32 = 3;

const EMPTY: u8 = 0;
const CONSTANT: u8 = 1;
const FULL: u8 = 2;
const SPARSE: u8 = 3;

/// The bytes that rows unpack to, and their packed form.
pub(super) fn pack(times_ms: &[i64], columns: &[Vec<Option<i64>>]) -> Option<(usize, Vec<u8>)> {
    let mut raw = Vec::with_capacity(times_ms.len() * (columns.len() + 2) * 2);
    put_times(&mut raw, times_ms);
    columns.iter().for_each(|values| put_column(&mut raw, values));
    if raw.len() > RAW_BYTES_MAX {
        return None;
    }
    Some((raw.len(), zstd::bulk::compress(&raw, ZSTD_LEVEL).ok()?))
}

/// Times and columns of a body.
pub(super) fn unpack(
    packed: &[u8],
    raw_bytes: usize,
    (rows, columns): (usize, usize),
    wanted: &dyn Fn(usize) -> bool,
) -> Result<(Vec<i64>, Vec<Cells>), DamagedChunk> {
    let raw = unzstd(packed, raw_bytes).filter(|raw| raw.len() == raw_bytes).ok_or(DamagedChunk::Packed)?;
    let mut reader = Reader::new(&raw);
    let times_ms = times(&mut reader, rows).ok_or(DamagedChunk::Raw("times"))?;
    let columns = (0..columns)
        .map(|place| column(&mut reader, rows, wanted(place)).ok_or(DamagedChunk::Raw("a column")))
        .collect::<Result<Vec<Cells>, DamagedChunk>>()?;
    if !reader.is_empty() {
        return Err(DamagedChunk::Raw("its end"));
    }
    Ok((times_ms, columns))
}

thread_local! {
    /// A day that is not merged is two dozen bodies, and a decompressor takes as long to make as a body to read.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn unzstd(packed: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let made = kept.take().map_or_else(Decompressor::new, Ok).ok()?;
        kept.insert(made).decompress(packed, bytes_max).ok()
    })
}

fn put_times(raw: &mut Vec<u8>, times_ms: &[i64]) {
    let (mut before, mut step) = (0_i64, 0_i64);
    for time in times_ms {
        let next = time.wrapping_sub(before);
        varint::put_signed(raw, next.wrapping_sub(step));
        // The first step is the time itself; the second is not like it.
        step = if before == 0 { 0 } else { next };
        before = *time;
    }
}

fn times(reader: &mut Reader<'_>, rows: usize) -> Option<Vec<i64>> {
    let (mut before, mut step) = (0_i64, 0_i64);
    let mut times = Vec::with_capacity(rows);
    for _ in 0..rows {
        let next = reader.signed()?.wrapping_add(step);
        let time = before.wrapping_add(next);
        step = if before == 0 { 0 } else { next };
        before = time;
        times.push(time);
    }
    Some(times)
}

fn put_column(raw: &mut Vec<u8>, values: &[Option<i64>]) {
    let Some(first) = values.iter().flatten().next() else {
        return raw.push(EMPTY);
    };
    if values.iter().all(|value| value.as_ref() == Some(first)) {
        raw.push(CONSTANT);
        return varint::put_signed(raw, *first);
    }
    let mut body = Vec::with_capacity(values.len() * 2);
    let sparse = values.contains(&None);
    if sparse {
        let bits = |rows: &[Option<i64>]| {
            rows.iter().rev().fold(0, |bits, row| (bits << 1) | u8::from(row.is_some()))
        };
        body.extend(values.chunks(8).map(bits));
    }
    let mut before = 0_i64;
    for value in values.iter().flatten() {
        varint::put_signed(&mut body, value.wrapping_sub(before));
        before = *value;
    }
    raw.push(if sparse { SPARSE } else { FULL });
    varint::put(raw, body.len() as u64);
    raw.extend_from_slice(&body);
}

fn column(reader: &mut Reader<'_>, rows: usize, wanted: bool) -> Option<Cells> {
    let tag = reader.byte()?;
    match tag {
        EMPTY => Some(Cells::Empty),
        CONSTANT => {
            let value = reader.signed()?;
            Some(if wanted { Cells::Constant(value) } else { Cells::Empty })
        }
        FULL | SPARSE => {
            let length = usize::try_from(reader.number()?).ok()?;
            let mut body = Reader::new(reader.take(length)?);
            if !wanted {
                return Some(Cells::Empty);
            }
            let cells = if tag == SPARSE {
                let bits = body.take(rows.div_ceil(8))?;
                Cells::Each(each(&mut body, rows, bits)?)
            } else {
                Cells::Full(full(&mut body, rows)?)
            };
            body.is_empty().then_some(cells)
        }
        _ => None,
    }
}

fn full(body: &mut Reader<'_>, rows: usize) -> Option<Vec<i64>> {
    let mut before = 0_i64;
    let mut values = Vec::with_capacity(rows);
    for _ in 0..rows {
        before = before.wrapping_add(body.signed()?);
        values.push(before);
    }
    Some(values)
}

fn each(body: &mut Reader<'_>, rows: usize, bits: &[u8]) -> Option<Vec<Option<i64>>> {
    let present = |row: usize| bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1);
    let mut before = 0_i64;
    let mut values = Vec::with_capacity(rows);
    for row in 0..rows {
        values.push(if present(row) {
            before = before.wrapping_add(body.signed()?);
            Some(before)
        } else {
            None
        });
    }
    Some(values)
}
