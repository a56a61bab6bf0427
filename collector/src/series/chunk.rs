//! The bytes of a closed chunk: one host's samples of about an hour, column by column.
//!
//! ```text
//! version u8 | catalogue id 16 | rows u32 | columns u32 | raw bytes u32 | CRC-32 of all the rest u32 | zstd( raw )
//! raw = times, then each column:   times  first, then change of change, signed varints
//!       0                          nothing was ever measured
//!       1 value                    the same value in every row
//!       2 length, changes          a value in every row, each as its change from the one before
//!       3 length, bits, changes    a bit for each row says whether it has a value
//! ```
//! Numbers of fixed width are little endian. The version leads, so that later versions may shape the rest anew.
//! Decoding is total: no bytes make it panic or take memory beyond the bounds named here. It must not know where chunks
//! are kept, nor what the columns mean.

use super::varint::{self, Reader};

/// The version that this code writes.
pub const VERSION: u8 = 1;
/// Rows of one chunk: more are split over several.
pub const ROWS_MAX: usize = 4_096;
/// Columns of one chunk, as many as a report may have.
pub const COLUMNS_MAX: usize = 4_096;
/// Values of one chunk, rows times columns.
pub const CELLS_MAX: usize = 1 << 20;
/// Bytes that a chunk may unpack to.
pub const RAW_BYTES_MAX: usize = 16 << 20;
/// How hard zstd tries. Best for chunks of an hour, where 9 gains 1 % for four times the work.
const ZSTD_LEVEL: i32 = 3;
const HEADER_BYTES: usize = 33;
const CRC_AT: std::ops::Range<usize> = 29..33;

const EMPTY: u8 = 0;
const CONSTANT: u8 = 1;
const FULL: u8 = 2;
const SPARSE: u8 = 3;

/// Bytes that are not a whole chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DamagedChunk {
    /// Shorter than a header.
    #[error("chunk ends within its header")]
    Short,
    /// Written by a later version.
    #[error("chunk version {0}, known is {VERSION}")]
    Version(u8),
    /// Bits have changed since it was written.
    #[error("chunk does not match its checksum")]
    Checksum,
    /// A count or length beyond what a chunk may have.
    #[error("chunk: {0} out of bounds")]
    Bound(&'static str),
    /// The packed part does not unpack to what the header says.
    #[error("chunk does not unpack")]
    Packed,
    /// The unpacked part ends early or has more than it should.
    #[error("chunk: {0} cannot be read")]
    Raw(&'static str),
}

/// One column's values, a place for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cells {
    /// No row has a value; also a column that was not asked for.
    Empty,
    /// Every row has this value.
    Constant(i64),
    /// A value, or none, for each row.
    Each(Vec<Option<i64>>),
}

impl Cells {
    /// The value in a row.
    pub fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::Empty => None,
            Self::Constant(value) => Some(*value),
            Self::Each(values) => values.get(row).copied().flatten(),
        }
    }
}

/// A chunk, unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Id of the catalogue that says what the columns are.
    pub catalogue: [u8; 16],
    /// Time of each row, milliseconds since 1970.
    pub times_ms: Vec<i64>,
    /// A place for each of the catalogue's columns.
    pub columns: Vec<Cells>,
}

/// How many rows of so many columns one chunk may have.
pub fn rows_max(columns: usize) -> usize {
    (CELLS_MAX / columns.max(1)).clamp(1, ROWS_MAX)
}

/// Packs rows, given as times and as the columns' values, which must be as many. None when there are more rows or
/// columns than a chunk may have.
pub fn encode(catalogue: [u8; 16], times_ms: &[i64], columns: &[Vec<Option<i64>>]) -> Option<Vec<u8>> {
    let ragged = columns.iter().any(|values| values.len() != times_ms.len());
    if ragged || columns.len() > COLUMNS_MAX || times_ms.len() > rows_max(columns.len()) {
        return None;
    }
    let mut raw = Vec::with_capacity(times_ms.len() * (columns.len() + 2) * 2);
    put_times(&mut raw, times_ms);
    columns.iter().for_each(|values| put_column(&mut raw, values));
    if raw.len() > RAW_BYTES_MAX {
        return None;
    }
    let packed = zstd::bulk::compress(&raw, ZSTD_LEVEL).ok()?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + packed.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&catalogue);
    for number in [times_ms.len(), columns.len(), raw.len()] {
        bytes.extend_from_slice(&(number as u32).to_le_bytes());
    }
    let crc = checksum(&bytes, &packed);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(&packed);
    Some(bytes)
}

/// Unpacks a chunk's times and those columns that are wanted; the others come back empty.
pub fn decode(bytes: &[u8], wanted: impl Fn(usize) -> bool) -> Result<Chunk, DamagedChunk> {
    let header = Header::read(bytes)?;
    let raw = zstd::bulk::decompress(header.packed, header.raw_bytes).map_err(|_| DamagedChunk::Packed)?;
    if raw.len() != header.raw_bytes {
        return Err(DamagedChunk::Packed);
    }
    let mut reader = Reader::new(&raw);
    let times_ms = times(&mut reader, header.rows).ok_or(DamagedChunk::Raw("times"))?;
    let columns = (0..header.columns)
        .map(|place| column(&mut reader, header.rows, wanted(place)).ok_or(DamagedChunk::Raw("a column")))
        .collect::<Result<Vec<Cells>, DamagedChunk>>()?;
    if !reader.is_empty() {
        return Err(DamagedChunk::Raw("its end"));
    }
    Ok(Chunk { catalogue: header.catalogue, times_ms, columns })
}

struct Header<'a> {
    catalogue: [u8; 16],
    rows: usize,
    columns: usize,
    raw_bytes: usize,
    packed: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads and checks what stands before the packed part: version, checksum, then each bound.
    fn read(bytes: &'a [u8]) -> Result<Self, DamagedChunk> {
        let version = *bytes.first().ok_or(DamagedChunk::Short)?;
        if version != VERSION {
            return Err(DamagedChunk::Version(version));
        }
        let (head, packed) = bytes.split_at_checked(HEADER_BYTES).ok_or(DamagedChunk::Short)?;
        let before_crc = head.get(..CRC_AT.start).ok_or(DamagedChunk::Short)?;
        if number(head, CRC_AT.start)? != checksum(before_crc, packed) {
            return Err(DamagedChunk::Checksum);
        }
        let catalogue = head.get(1..17).and_then(|id| id.try_into().ok()).ok_or(DamagedChunk::Short)?;
        let bounded = |at: usize, max: usize, what: &'static str| {
            let number = number(head, at)? as usize;
            if number <= max { Ok(number) } else { Err(DamagedChunk::Bound(what)) }
        };
        let columns = bounded(21, COLUMNS_MAX, "columns")?;
        Ok(Self {
            catalogue,
            rows: bounded(17, rows_max(columns), "rows")?,
            columns,
            raw_bytes: bounded(25, RAW_BYTES_MAX, "raw bytes")?,
            packed,
        })
    }
}

fn number(head: &[u8], at: usize) -> Result<u32, DamagedChunk> {
    let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).ok_or(DamagedChunk::Short)?;
    Ok(u32::from_le_bytes(bytes))
}

fn checksum(head: &[u8], packed: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(packed);
    hasher.finalize()
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
            let bits = if tag == SPARSE { Some(body.take(rows.div_ceil(8))?) } else { None };
            let values = each(&mut body, rows, bits)?;
            body.is_empty().then_some(Cells::Each(values))
        }
        _ => None,
    }
}

fn each(body: &mut Reader<'_>, rows: usize, bits: Option<&[u8]>) -> Option<Vec<Option<i64>>> {
    let present =
        |row: usize| bits.is_none_or(|bits| bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1));
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

const _: () = assert!(COLUMNS_MAX <= CELLS_MAX);

#[cfg(test)]
mod tests;
