//! The bytes of a closed chunk: one host's samples, column by column.
//!
//! ```text
//! version u8 | catalogue id 16 | rows u32 | columns u32 | raw bytes u32 | CRC-32 of all the rest u32 | body
//! ```
//! Numbers of fixed width are little endian. The version leads and says how the body is made: [`hour`] or [`day`].
//! Decoding is total: no bytes make it panic or take memory beyond the bounds named here. It must not know where chunks
//! are kept, nor what the columns mean.

mod day;
mod hour;

/// A chunk of about an hour, as it is closed.
pub const HOUR_VERSION: u8 = 1;
/// A chunk of up to a day, as it is kept.
pub const DAY_VERSION: u8 = 3;
/// The same of earlier releases, with fewer forms of a column.
const FIRST_DAY_VERSION: u8 = 2;
/// Rows of one chunk of an hour: more are split over several.
pub const ROWS_MAX: usize = 4_096;
/// Rows of one chunk of a day: one every three seconds.
pub const DAY_ROWS_MAX: usize = 32_768;
/// Columns of one chunk: six figures and more of each of the columns that a report may have.
pub const COLUMNS_MAX: usize = 32_768;
/// Values of one chunk of an hour, rows times columns.
pub const CELLS_MAX: usize = 1 << 20;
/// Values of one chunk of a day.
pub const DAY_CELLS_MAX: usize = 1 << 22;
const HEADER_BYTES: usize = 33;
const CRC_AT: std::ops::Range<usize> = 29..33;

/// Bytes that are not a whole chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DamagedChunk {
    /// Shorter than a header.
    #[error("chunk ends within its header")]
    Short,
    /// Written by a later version.
    #[error("chunk version {0}, known are up to {DAY_VERSION}")]
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
    /// A value for each row.
    Full(Vec<i64>),
    /// A value, or none, for each row.
    Each(Vec<Option<i64>>),
}

impl Cells {
    /// The value in a row.
    pub fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::Empty => None,
            Self::Constant(value) => Some(*value),
            Self::Full(values) => values.get(row).copied(),
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

/// How many rows of so many columns one chunk of an hour may have.
pub fn rows_max(columns: usize) -> usize {
    (CELLS_MAX / columns.max(1)).clamp(1, ROWS_MAX)
}

/// How many rows of so many columns one chunk of a day may have.
pub fn day_rows_max(columns: usize) -> usize {
    (DAY_CELLS_MAX / columns.max(1)).clamp(1, DAY_ROWS_MAX)
}

/// Packs about an hour's rows, given as times and as the columns' values, which must be as many. None when there are
/// more rows or columns than a chunk may have.
pub fn encode(catalogue: [u8; 16], times_ms: &[i64], columns: &[Vec<Option<i64>>]) -> Option<Vec<u8>> {
    if is_ragged(times_ms, columns) || times_ms.len() > rows_max(columns.len()) {
        return None;
    }
    let (raw_bytes, body) = hour::pack(times_ms, columns)?;
    Some(sealed(HOUR_VERSION, catalogue, [times_ms.len(), columns.len(), raw_bytes], &body))
}

/// Packs up to a day's rows, slower and smaller. Columns of a group are measured to add up to about the same in every
/// row: one of them can be worked out from the others. What else makes one of another is found in the values.
pub fn encode_day(
    catalogue: [u8; 16],
    times_ms: &[i64],
    columns: &[Vec<Option<i64>>],
    groups: &[Vec<usize>],
) -> Option<Vec<u8>> {
    if is_ragged(times_ms, columns) || times_ms.len() > day_rows_max(columns.len()) {
        return None;
    }
    let body = day::pack(times_ms, columns, groups)?;
    Some(sealed(DAY_VERSION, catalogue, [times_ms.len(), columns.len(), body.len()], &body))
}

/// Unpacks a chunk's times and those columns that are wanted; the others come back empty.
pub fn decode(bytes: &[u8], wanted: impl Fn(usize) -> bool) -> Result<Chunk, DamagedChunk> {
    let header = Header::read(bytes)?;
    let shape = (header.rows, header.columns);
    let (times_ms, columns) = if header.version == HOUR_VERSION {
        hour::unpack(header.body, header.raw_bytes, shape, &wanted)?
    } else {
        day::unpack(header.body, shape, &wanted)?
    };
    Ok(Chunk { catalogue: header.catalogue, times_ms, columns })
}

fn is_ragged(times_ms: &[i64], columns: &[Vec<Option<i64>>]) -> bool {
    columns.len() > COLUMNS_MAX || columns.iter().any(|values| values.len() != times_ms.len())
}

fn sealed(version: u8, catalogue: [u8; 16], numbers: [usize; 3], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.push(version);
    bytes.extend_from_slice(&catalogue);
    numbers.iter().for_each(|number| bytes.extend_from_slice(&(*number as u32).to_le_bytes()));
    let crc = checksum(&bytes, body);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

struct Header<'a> {
    version: u8,
    catalogue: [u8; 16],
    rows: usize,
    columns: usize,
    raw_bytes: usize,
    body: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads and checks what stands before the body: version, checksum, then each bound.
    fn read(bytes: &'a [u8]) -> Result<Self, DamagedChunk> {
        let version = *bytes.first().ok_or(DamagedChunk::Short)?;
        if ![HOUR_VERSION, FIRST_DAY_VERSION, DAY_VERSION].contains(&version) {
            return Err(DamagedChunk::Version(version));
        }
        let (head, body) = bytes.split_at_checked(HEADER_BYTES).ok_or(DamagedChunk::Short)?;
        let before_crc = head.get(..CRC_AT.start).ok_or(DamagedChunk::Short)?;
        if number(head, CRC_AT.start)? != checksum(before_crc, body) {
            return Err(DamagedChunk::Checksum);
        }
        let catalogue = head.get(1..17).and_then(|id| id.try_into().ok()).ok_or(DamagedChunk::Short)?;
        let bounded = |at: usize, max: usize, what: &'static str| {
            let number = number(head, at)? as usize;
            if number <= max { Ok(number) } else { Err(DamagedChunk::Bound(what)) }
        };
        let columns = bounded(21, COLUMNS_MAX, "columns")?;
        let rows = if version == HOUR_VERSION { rows_max(columns) } else { day_rows_max(columns) };
        Ok(Self {
            version,
            catalogue,
            rows: bounded(17, rows, "rows")?,
            columns,
            raw_bytes: bounded(25, hour::RAW_BYTES_MAX, "raw bytes")?,
            body,
        })
    }
}

fn number(head: &[u8], at: usize) -> Result<u32, DamagedChunk> {
    let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).ok_or(DamagedChunk::Short)?;
    Ok(u32::from_le_bytes(bytes))
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}

const _: () = assert!(COLUMNS_MAX <= CELLS_MAX);

#[cfg(test)]
mod tests;
