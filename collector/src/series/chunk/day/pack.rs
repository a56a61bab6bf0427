//! Writing a body: each column in the smallest of the forms that it has.

use super::product::{self, Other};
use super::{
    CHANGES, CODED, CONSTANT, CONSTANT_IN_SOME, EMPTY, FULL, IN_SOME, MULTIPLES, PRODUCT, REST, SOME,
    changes, coded, odd, unit,
};
use crate::series::varint;
use pco::ChunkConfig;
use pco::wrapped::FileCompressor;

/// How hard pco tries; 12 gains nothing.
const LEVEL: usize = 8;
/// What is slow to read must save so much of what is not.
const CODED_SAVES_ONE_IN: usize = 16;
/// Columns of fewer bytes are not looked for in others.
const PRODUCT_FROM: usize = 32;

/// A column's tag and what follows it.
#[derive(Debug, Clone)]
struct Packed {
    tag: u8,
    bytes: Vec<u8>,
}

/// A column that is worked on.
#[derive(Debug)]
struct Column {
    packed: Packed,
    /// What it lends to a product: its values, or how many of its unit; none where it lacks values.
    lends: Option<Vec<i64>>,
    /// Whether another needs it as it is.
    is_needed: bool,
}

/// The body that times and columns make. A group whose columns add up to about the same in every row loses the one
/// that costs most, if its rest costs less; then columns that others make by multiplying are told by these.
pub(in crate::series::chunk) fn pack(
    times_ms: &[i64],
    columns: &[Vec<Option<i64>>],
    groups: &[Vec<usize>],
) -> Option<Vec<u8>> {
    let packer = Packer { compressor: FileCompressor::default() };
    let mut body = Vec::new();
    packer.compressor.write_header(&mut body).ok()?;
    let times: Vec<Option<i64>> = times_ms.iter().map(|time| Some(*time)).collect();
    put(&mut body, &packer.column(&times)?.packed);
    let mut packed = columns.iter().map(|values| packer.column(values)).collect::<Option<Vec<_>>>()?;
    for group in groups {
        packer.replace_by_rest(&mut packed, columns, group);
    }
    replace_by_products(&mut packed, columns);
    packed.iter().for_each(|column| put(&mut body, &column.packed));
    Some(body)
}

fn put(body: &mut Vec<u8>, packed: &Packed) {
    body.push(packed.tag);
    if ![EMPTY, CONSTANT].contains(&packed.tag) {
        varint::put(body, packed.bytes.len() as u64);
    }
    body.extend_from_slice(&packed.bytes);
}

struct Packer {
    compressor: FileCompressor,
}

impl Packer {
    fn column(&self, values: &[Option<i64>]) -> Option<Column> {
        let present: Vec<i64> = values.iter().copied().flatten().collect();
        if present.is_empty() {
            let packed = Packed { tag: EMPTY, bytes: Vec::new() };
            return Some(Column { packed, lends: None, is_needed: false });
        }
        let is_full = present.len() == values.len();
        let (packed, lends) = self.numbers(present)?;
        if is_full {
            return Some(Column { packed, lends: Some(lends), is_needed: false });
        }
        let mut bytes = Vec::new();
        put_runs(&mut bytes, values);
        let tag = match packed.tag {
            CONSTANT => CONSTANT_IN_SOME,
            FULL => SOME,
            _ => IN_SOME,
        };
        if tag == IN_SOME {
            put(&mut bytes, &packed);
        } else {
            bytes.extend_from_slice(&packed.bytes);
        }
        Some(Column { packed: Packed { tag, bytes }, lends: None, is_needed: false })
    }

    /// The smallest form of values, and what they lend in it.
    fn numbers(&self, values: Vec<i64>) -> Option<(Packed, Vec<i64>)> {
        let plain = self.simple(&values)?;
        if plain.tag == CONSTANT {
            return Some((plain, values));
        }
        let Some(counted) = unit::find(&values) else { return Some((plain, values)) };
        let mut bytes = Vec::new();
        counted.unit.put(&mut bytes);
        odd::put(&mut bytes, &counted.odd);
        put(&mut bytes, &self.simple(&counted.counts)?);
        if bytes.len() < plain.bytes.len() {
            Some((Packed { tag: MULTIPLES, bytes }, counted.counts))
        } else {
            Some((plain, values))
        }
    }

    fn simple(&self, values: &[i64]) -> Option<Packed> {
        let first = values.first()?;
        let mut bytes = Vec::new();
        if values.iter().all(|value| value == first) {
            varint::put_signed(&mut bytes, *first);
            return Some(Packed { tag: CONSTANT, bytes });
        }
        self.compress(values, &mut bytes)?;
        let mut packed = Packed { tag: FULL, bytes };
        if let Some(bytes) = changes::pack(values).filter(|bytes| bytes.len() < packed.bytes.len()) {
            packed = Packed { tag: CHANGES, bytes };
        }
        let worth = packed.bytes.len() - packed.bytes.len() / CODED_SAVES_ONE_IN;
        if let Some(bytes) = coded::pack(values).filter(|bytes| bytes.len() < worth) {
            packed = Packed { tag: CODED, bytes };
        }
        Some(packed)
    }

    fn compress(&self, values: &[i64], to: &mut Vec<u8>) -> Option<()> {
        let config = ChunkConfig::default().with_compression_level(LEVEL);
        let mut chunk = self.compressor.chunk_compressor(values, &config).ok()?;
        chunk.write_meta(&mut *to).ok()?;
        chunk.write_page(0, to).ok()?;
        Some(())
    }

    /// Puts, in place of the costliest column of a group, what is left of the group's sum, if that is smaller.
    fn replace_by_rest(&self, packed: &mut [Column], columns: &[Vec<Option<i64>>], group: &[usize]) {
        let is_whole = |place: &usize| packed.get(*place).is_some_and(|column| column.lends.is_some());
        if group.len() < 2 || !group.iter().all(is_whole) {
            return;
        }
        let size = |place: &usize| packed.get(*place).map_or(0, |column| column.packed.bytes.len());
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
        let Some((sum, _)) = self.numbers(sums) else { return };
        let members: Vec<usize> = group.iter().copied().filter(|place| *place != costliest).collect();
        let mut bytes = Vec::new();
        varint::put(&mut bytes, members.len() as u64);
        members.iter().for_each(|place| varint::put(&mut bytes, *place as u64));
        put(&mut bytes, &sum);
        let Some(column) = packed.get_mut(costliest) else { return };
        if column.is_needed || bytes.len() >= column.packed.bytes.len() {
            return;
        }
        *column = Column { packed: Packed { tag: REST, bytes }, lends: None, is_needed: false };
        members.iter().for_each(|place| need(packed, *place));
    }
}

/// Tells columns by others, multiplied, where that is smaller: the costliest first.
fn replace_by_products(packed: &mut [Column], columns: &[Vec<Option<i64>>]) {
    let lent: Vec<Option<Vec<i64>>> = packed.iter_mut().map(|column| column.lends.take()).collect();
    let others: Vec<Other<'_>> = lent
        .iter()
        .enumerate()
        .filter_map(|(place, numbers)| Some(Other::new(place, numbers.as_deref()?)))
        .collect();
    let size =
        |packed: &[Column], place: usize| packed.get(place).map_or(0, |column| column.packed.bytes.len());
    let mut places: Vec<usize> = others.iter().map(|other| other.place).collect();
    places.retain(|place| size(packed, *place) >= PRODUCT_FROM);
    places.sort_by_key(|place| std::cmp::Reverse(size(packed, *place)));
    for place in places {
        if packed.get(place).is_none_or(|column| column.is_needed) {
            continue;
        }
        let values: Vec<i64> = columns.get(place).into_iter().flatten().copied().flatten().collect();
        let is_there = |other: &&Other<'_>| {
            other.place != place && packed.get(other.place).is_some_and(|column| column.packed.tag != PRODUCT)
        };
        let others: Vec<Other<'_>> = others.iter().filter(is_there).copied().collect();
        let Some((product, odd)) = product::find(&values, &others) else { continue };
        let mut bytes = Vec::new();
        product.put(&mut bytes);
        odd::put(&mut bytes, &odd);
        if bytes.len() >= size(packed, place) {
            continue;
        }
        need(packed, product.one);
        product.second.into_iter().for_each(|second| need(packed, second));
        if let Some(column) = packed.get_mut(place) {
            column.packed = Packed { tag: PRODUCT, bytes };
        }
    }
}

fn need(packed: &mut [Column], place: usize) {
    if let Some(column) = packed.get_mut(place) {
        column.is_needed = true;
    }
}

/// Lengths of rows without and with a value, in turn; what follows the last is like it to the end.
fn put_runs(bytes: &mut Vec<u8>, values: &[Option<i64>]) {
    let runs = values.chunk_by(|a, b| a.is_some() == b.is_some());
    let starts_present = values.first().is_some_and(Option::is_some);
    let lengths: Vec<usize> = starts_present.then_some(0).into_iter().chain(runs.map(<[_]>::len)).collect();
    varint::put(bytes, lengths.len() as u64);
    lengths.iter().for_each(|length| varint::put(bytes, *length as u64));
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
