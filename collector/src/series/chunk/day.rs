//! The body of a chunk of up to a day: each column packed by itself with pco, so that one can be read without the rest.
//!
//! ```text
//! pco header | times  | each column:
//!       0                             nothing was ever measured
//!       1 value                       the same value in every row
//!       2 length, packed              a value in every row
//!       3 length, runs, value         the same value in some rows
//!       4 length, runs, packed        a value in some rows
//!       5 length, members, column     what is left of a sum when the members are taken away
//! ```
//! Times are a column like any other. Runs are lengths of rows without a value and with one, in turn. It must not know
//! what stands before the body.

use super::{Cells, DamagedChunk};
use crate::series::varint::{self, Reader};
use pco::ChunkConfig;
use pco::wrapped::{FileCompressor, FileDecompressor};

/// How hard pco tries; 12 gains nothing.
const LEVEL: usize = 8;
/// Most bytes that pco's own header takes.
const HEADER_BYTES_MAX: usize = 8;

const EMPTY: u8 = 0;
const CONSTANT: u8 = 1;
const FULL: u8 = 2;
const CONSTANT_IN_SOME: u8 = 3;
const SOME: u8 = 4;
const REST: u8 = 5;

/// The body that times and columns make. A group whose columns add up to about the same in every row loses the one
/// that costs most, if its rest costs less.
pub(super) fn pack(times_ms: &[i64], columns: &[Vec<Option<i64>>], groups: &[Vec<usize>]) -> Option<Vec<u8>> {
    let compressor = FileCompressor::default();
    let mut body = Vec::new();
    compressor.write_header(&mut body).ok()?;
    let times: Vec<Option<i64>> = times_ms.iter().map(|time| Some(*time)).collect();
    put(&mut body, &section(&compressor, &times)?);
    let mut sections =
        columns.iter().map(|values| section(&compressor, values)).collect::<Option<Vec<_>>>()?;
    for group in groups {
        replace_by_rest(&compressor, &mut sections, columns, group);
    }
    sections.iter().for_each(|section| put(&mut body, section));
    Some(body)
}

/// Times and columns of a body.
pub(super) fn unpack(
    body: &[u8],
    (rows, columns): (usize, usize),
    wanted: &dyn Fn(usize) -> bool,
) -> Result<(Vec<i64>, Vec<Cells>), DamagedChunk> {
    let (decompressor, rest) = FileDecompressor::new(body).map_err(|_| DamagedChunk::Packed)?;
    if body.len() - rest.len() > HEADER_BYTES_MAX {
        return Err(DamagedChunk::Packed);
    }
    let mut reader = Reader::new(rest);
    let times = Section::read(&mut reader).ok_or(DamagedChunk::Raw("times"))?;
    let sections = (0..columns)
        .map(|_| Section::read(&mut reader).ok_or(DamagedChunk::Raw("a column")))
        .collect::<Result<Vec<_>, DamagedChunk>>()?;
    if !reader.is_empty() {
        return Err(DamagedChunk::Raw("its end"));
    }
    let unpacking = Unpacking { decompressor, rows, sections };
    let times_ms = match unpacking.plain(times) {
        Some(Cells::Full(times_ms)) => times_ms,
        Some(Cells::Constant(time_ms)) => vec![time_ms; rows],
        Some(Cells::Empty) if rows == 0 => Vec::new(),
        Some(Cells::Empty | Cells::Each(_)) | None => return Err(DamagedChunk::Raw("times")),
    };
    let column = |place: usize| {
        if wanted(place) {
            unpacking.column(place).ok_or(DamagedChunk::Raw("a column"))
        } else {
            Ok(Cells::Empty)
        }
    };
    Ok((times_ms, (0..columns).map(column).collect::<Result<_, _>>()?))
}

/// A column's tag and what follows it.
#[derive(Debug, Clone)]
struct Packed {
    tag: u8,
    bytes: Vec<u8>,
}

fn put(body: &mut Vec<u8>, section: &Packed) {
    body.push(section.tag);
    if ![EMPTY, CONSTANT].contains(&section.tag) {
        varint::put(body, section.bytes.len() as u64);
    }
    body.extend_from_slice(&section.bytes);
}

fn section(compressor: &FileCompressor, values: &[Option<i64>]) -> Option<Packed> {
    let present: Vec<i64> = values.iter().copied().flatten().collect();
    let Some(first) = present.first() else { return Some(Packed { tag: EMPTY, bytes: Vec::new() }) };
    let is_constant = present.iter().all(|value| value == first);
    let is_full = present.len() == values.len();
    let mut bytes = Vec::new();
    if !is_full {
        put_runs(&mut bytes, values);
    }
    if is_constant {
        varint::put_signed(&mut bytes, *first);
    } else {
        compress(compressor, &present, &mut bytes)?;
    }
    let tag = match (is_full, is_constant) {
        (true, true) => CONSTANT,
        (true, false) => FULL,
        (false, true) => CONSTANT_IN_SOME,
        (false, false) => SOME,
    };
    Some(Packed { tag, bytes })
}

fn compress(compressor: &FileCompressor, values: &[i64], to: &mut Vec<u8>) -> Option<()> {
    let config = ChunkConfig::default().with_compression_level(LEVEL);
    let mut chunk = compressor.chunk_compressor(values, &config).ok()?;
    chunk.write_meta(&mut *to).ok()?;
    chunk.write_page(0, to).ok()?;
    Some(())
}

/// Lengths of rows without and with a value, in turn; what follows the last is like it to the end.
fn put_runs(bytes: &mut Vec<u8>, values: &[Option<i64>]) {
    let runs = values.chunk_by(|a, b| a.is_some() == b.is_some());
    let starts_present = values.first().is_some_and(Option::is_some);
    let lengths: Vec<usize> = starts_present.then_some(0).into_iter().chain(runs.map(<[_]>::len)).collect();
    varint::put(bytes, lengths.len() as u64);
    lengths.iter().for_each(|length| varint::put(bytes, *length as u64));
}

/// Puts, in place of the costliest column of a group, what is left of the group's sum, if that is smaller.
fn replace_by_rest(
    compressor: &FileCompressor,
    sections: &mut [Packed],
    columns: &[Vec<Option<i64>>],
    group: &[usize],
) {
    let is_whole =
        |place: &usize| sections.get(*place).is_some_and(|section| [CONSTANT, FULL].contains(&section.tag));
    if group.len() < 2 || !group.iter().all(is_whole) {
        return;
    }
    let size = |place: &usize| sections.get(*place).map_or(0, |section| section.bytes.len());
    let Some(costliest) = group.iter().copied().max_by_key(|place| size(place)) else { return };
    let rows = columns.get(costliest).map_or(0, Vec::len);
    let mut sums = vec![0_i64; rows];
    for values in group.iter().filter_map(|place| columns.get(*place)) {
        let pairs = sums.iter_mut().zip(values.iter().copied().flatten());
        pairs.for_each(|(sum, value)| *sum = sum.wrapping_add(value));
    }
    // Worth a try only where the sum moves less than its part: looking costs far less than packing.
    if spread(&sums) >= spread_of(columns.get(costliest)) {
        return;
    }
    let sums: Vec<Option<i64>> = sums.into_iter().map(Some).collect();
    let Some(sum) = section(compressor, &sums) else { return };
    let members: Vec<usize> = group.iter().copied().filter(|place| *place != costliest).collect();
    let mut bytes = Vec::new();
    varint::put(&mut bytes, members.len() as u64);
    members.iter().for_each(|place| varint::put(&mut bytes, *place as u64));
    put(&mut bytes, &sum);
    if let Some(section) = sections.get_mut(costliest).filter(|section| bytes.len() < section.bytes.len()) {
        *section = Packed { tag: REST, bytes };
    }
}

/// How far neighbours lie apart, all together.
fn spread(values: &[i64]) -> u128 {
    let pairs = values.iter().zip(values.iter().skip(1));
    pairs.map(|(a, b)| u128::from(a.abs_diff(*b))).sum()
}

fn spread_of(values: Option<&Vec<Option<i64>>>) -> u128 {
    let values: Vec<i64> = values.into_iter().flatten().copied().flatten().collect();
    spread(&values)
}

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
            FULL | CONSTANT_IN_SOME | SOME | REST => {
                let length = usize::try_from(reader.number()?).ok()?;
                Some(Self { tag, value: 0, bytes: reader.take(length)? })
            }
            _ => None,
        }
    }
}

struct Unpacking<'a> {
    decompressor: FileDecompressor,
    rows: usize,
    sections: Vec<Section<'a>>,
}

impl Unpacking<'_> {
    fn column(&self, place: usize) -> Option<Cells> {
        let section = *self.sections.get(place)?;
        if section.tag == REST { self.rest(section) } else { self.plain(section) }
    }

    /// A column that needs no other.
    fn plain(&self, section: Section<'_>) -> Option<Cells> {
        match section.tag {
            EMPTY => Some(Cells::Empty),
            CONSTANT => Some(Cells::Constant(section.value)),
            FULL => Some(Cells::Full(self.decompress(section.bytes, self.rows)?)),
            CONSTANT_IN_SOME | SOME => {
                let mut reader = Reader::new(section.bytes);
                let (presence, count) = runs(&mut reader, self.rows)?;
                let values = if section.tag == SOME {
                    self.decompress(reader.rest(), count)?
                } else {
                    let value = reader.signed()?;
                    reader.is_empty().then(|| vec![value; count])?
                };
                let mut values = values.into_iter();
                let pick = |is_there| if is_there { values.next() } else { None };
                Some(Cells::Each(presence.into_iter().map(pick).collect()))
            }
            _ => None,
        }
    }

    /// What is left of a sum when its other members are taken away.
    fn rest(&self, section: Section<'_>) -> Option<Cells> {
        let mut reader = Reader::new(section.bytes);
        let count = usize::try_from(reader.number()?).ok().filter(|count| *count < self.sections.len())?;
        let members = (0..count).map(|_| reader.number()).collect::<Option<Vec<_>>>()?;
        let sum = Section::read(&mut reader)?;
        let mut left = self.whole(sum)?;
        for place in members {
            let member = *self.sections.get(usize::try_from(place).ok()?)?;
            let values = self.whole(member)?;
            left.iter_mut().zip(values).for_each(|(left, value)| *left = left.wrapping_sub(value));
        }
        reader.is_empty().then_some(Cells::Full(left))
    }

    fn whole(&self, section: Section<'_>) -> Option<Vec<i64>> {
        match self.plain(section)? {
            Cells::Full(values) => Some(values),
            Cells::Constant(value) => Some(vec![value; self.rows]),
            Cells::Empty | Cells::Each(_) => None,
        }
    }

    fn decompress(&self, bytes: &[u8], count: usize) -> Option<Vec<i64>> {
        let (mut chunk, rest) = self.decompressor.chunk_decompressor::<i64, _>(bytes).ok()?;
        let mut values = vec![0_i64; count];
        if count == 0 {
            return None;
        }
        let mut page = chunk.page_decompressor(rest, count).ok()?;
        let progress = page.read(&mut values).ok()?;
        let is_whole = progress.finished && progress.n_processed == count && page.into_src().is_empty();
        is_whole.then_some(values)
    }
}

/// Which rows have a value, and how many do.
fn runs(reader: &mut Reader<'_>, rows: usize) -> Option<(Vec<bool>, usize)> {
    let count = usize::try_from(reader.number()?).ok()?;
    let (mut presence, mut is_there, mut present) = (Vec::with_capacity(rows), false, 0);
    for _ in 0..count {
        let length = usize::try_from(reader.number()?).ok()?;
        if length > rows - presence.len() {
            return None;
        }
        presence.resize(presence.len() + length, is_there);
        present += if is_there { length } else { 0 };
        is_there = !is_there;
    }
    (presence.len() == rows).then_some((presence, present))
}
