//! Reading a body: total, whatever the bytes are.

use super::product::Product;
use super::unit::Unit;
use super::{
    CHANGES, CODED, CONSTANT, CONSTANT_IN_SOME, EMPTY, FULL, IN_SOME, MULTIPLES, PRODUCT, REST, SOME, Section,
};
use super::{changes, coded, odd};
use crate::series::chunk::{Cells, DamagedChunk};
use crate::series::varint::Reader;
use pco::wrapped::FileDecompressor;

/// Most bytes that pco's own header takes.
const HEADER_BYTES_MAX: usize = 8;

/// Times and columns of a body.
pub(in crate::series::chunk) fn unpack(
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

struct Unpacking<'a> {
    decompressor: FileDecompressor,
    rows: usize,
    sections: Vec<Section<'a>>,
}

impl Unpacking<'_> {
    fn column(&self, place: usize) -> Option<Cells> {
        let section = *self.sections.get(place)?;
        match section.tag {
            REST => self.rest(section),
            PRODUCT => self.product(section),
            _ => self.plain(section),
        }
    }

    /// A column that needs no other.
    fn plain(&self, section: Section<'_>) -> Option<Cells> {
        match section.tag {
            EMPTY => Some(Cells::Empty),
            CONSTANT => Some(Cells::Constant(section.value)),
            CONSTANT_IN_SOME | SOME | IN_SOME => {
                let mut reader = Reader::new(section.bytes);
                let (presence, count) = runs(&mut reader, self.rows)?;
                let values = match section.tag {
                    SOME => self.decompress(reader.rest(), count)?,
                    IN_SOME => {
                        let section = Section::read(&mut reader)?;
                        reader.is_empty().then(|| self.numbers(section, count))??
                    }
                    _ => {
                        let value = reader.signed()?;
                        reader.is_empty().then(|| vec![value; count])?
                    }
                };
                let mut values = values.into_iter();
                let pick = |is_there| if is_there { values.next() } else { None };
                Some(Cells::Each(presence.into_iter().map(pick).collect()))
            }
            _ => Some(Cells::Full(self.numbers(section, self.rows)?)),
        }
    }

    /// So many values, none missing.
    fn numbers(&self, section: Section<'_>, count: usize) -> Option<Vec<i64>> {
        if section.tag != MULTIPLES {
            return self.simple(section, count);
        }
        let mut reader = Reader::new(section.bytes);
        let unit = Unit::read(&mut reader)?;
        let mut odd = vec![0_i64; count];
        odd::add(&mut reader, &mut odd)?;
        let counts = self.simple(Section::read(&mut reader)?, count)?;
        let value = |(count, odd): (i64, i64)| Some(unit.times(count)?.wrapping_add(odd));
        let values = counts.into_iter().zip(odd).map(value).collect::<Option<Vec<i64>>>()?;
        reader.is_empty().then_some(values)
    }

    /// The same without anything in it.
    fn simple(&self, section: Section<'_>, count: usize) -> Option<Vec<i64>> {
        match section.tag {
            CONSTANT => Some(vec![section.value; count]),
            FULL => self.decompress(section.bytes, count),
            CHANGES => changes::unpack(section.bytes, count),
            CODED => coded::unpack(section.bytes, count),
            _ => None,
        }
    }

    /// What others make, multiplied.
    fn product(&self, section: Section<'_>) -> Option<Cells> {
        let mut reader = Reader::new(section.bytes);
        let product = Product::read(&mut reader)?;
        let ones = self.counts(product.one)?;
        let seconds = match product.second {
            Some(second) => self.counts(second)?,
            None => vec![1; self.rows],
        };
        let mut values = ones
            .into_iter()
            .zip(seconds)
            .map(|(one, second)| product.of(one, second))
            .collect::<Option<Vec<i64>>>()?;
        odd::add(&mut reader, &mut values)?;
        reader.is_empty().then_some(Cells::Full(values))
    }

    /// What a column lends to a product: how many of its unit, where it has one.
    fn counts(&self, place: usize) -> Option<Vec<i64>> {
        let section = *self.sections.get(place)?;
        if section.tag != MULTIPLES {
            return self.simple(section, self.rows);
        }
        let mut reader = Reader::new(section.bytes);
        Unit::read(&mut reader)?;
        odd::skip(&mut reader)?;
        self.simple(Section::read(&mut reader)?, self.rows)
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
