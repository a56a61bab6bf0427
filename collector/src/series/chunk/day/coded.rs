//! Few numbers, each told by what came before it: for columns that are too short for pco, which says beforehand how its
//! numbers lie.
//!
//! Pure. A number is how many bits it has, then these bits from the top, each a choice whose odds are learnt as it goes, in
//! an adaptive binary range coder; of long numbers the last bits are even odds. `mode | least | coded bytes`; the mode
//! says whether the numbers are what lies above the least or how each differs from the one before, and whether how long
//! the one before was tells something. It must not know what the numbers mean.

use crate::series::varint::{self, Reader};

/// Numbers up to which learning as it goes is worth its time, which is some hundred times pco's.
pub(super) const COUNT_MAX: usize = 512;
/// Bits of a number whose odds are learnt.
const LEARNT_BITS: u32 = 4;
/// Bits up to which all are.
const SHORT: u32 = 8;
/// How surely a choice is known is counted up to here.
const SEEN_MAX: u16 = 30;
const ODDS_BITS: u32 = 16;
/// No choice is ever certain.
const ODDS_LEAST: u32 = 1 << 9;
const TOP: u32 = 1 << 24;
/// Lengths are 0 to 64.
const LENGTH_BITS: u32 = 7;
const LENGTHS: usize = 65;
const MODES: u8 = 4;
const BY_CHANGE: u8 = 1;
const BY_LENGTH: u8 = 2;

/// The bytes of so many numbers, in the mode that takes fewest; none of too many.
pub(super) fn pack(values: &[i64]) -> Option<Vec<u8>> {
    if values.is_empty() || values.len() > COUNT_MAX {
        return None;
    }
    (0..MODES).map(|mode| pack_in(mode, values)).min_by_key(Vec::len)
}

fn pack_in(mode: u8, values: &[i64]) -> Vec<u8> {
    let least = if mode & BY_CHANGE == 0 { values.iter().min() } else { values.first() };
    let least = least.copied().unwrap_or_default();
    let mut bytes = vec![mode];
    varint::put_signed(&mut bytes, least);
    let (mut writer, mut model, mut before) = (Writer::new(bytes), Model::new(mode), least);
    for value in values {
        let number = if mode & BY_CHANGE == 0 {
            value.wrapping_sub(least) as u64
        } else {
            varint::folded(value.wrapping_sub(before))
        };
        before = *value;
        model.code(number, &mut writer);
    }
    writer.end()
}

/// So many numbers.
pub(super) fn unpack(bytes: &[u8], count: usize) -> Option<Vec<i64>> {
    let mut reader = Reader::new(bytes);
    let mode = reader.byte().filter(|mode| *mode < MODES)?;
    let least = reader.signed()?;
    if count > COUNT_MAX {
        return None;
    }
    let (mut coded, mut model, mut before) = (Coded::new(reader.rest()), Model::new(mode), least);
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let number = model.code(0, &mut coded);
        before = if mode & BY_CHANGE == 0 {
            least.wrapping_add(number as i64)
        } else {
            before.wrapping_add(varint::unfolded(number))
        };
        values.push(before);
    }
    Some(values)
}

/// One side of the coder: writing takes a choice and gives it back, reading finds it.
trait Side {
    fn choice(&mut self, is_one: bool, odds: &mut Odds) -> bool;
    fn even(&mut self, is_one: bool) -> bool;
}

/// How likely a one is, and how often this was asked.
#[derive(Debug, Clone, Copy)]
struct Odds {
    one: u16,
    seen: u16,
}

impl Odds {
    const EVEN: Self = Self { one: 1 << (ODDS_BITS - 1), seen: 0 };

    fn of_one(self) -> u32 {
        u32::from(self.one).clamp(ODDS_LEAST, (1 << ODDS_BITS) - ODDS_LEAST)
    }

    /// The first ones count much, later ones less.
    fn learn(&mut self, is_one: bool) {
        self.seen = (self.seen + 1).min(SEEN_MAX);
        let aim = if is_one { (1 << ODDS_BITS) - 1 } else { 0 };
        let step = (aim - i32::from(self.one)) * 2 / i32::from(2 * self.seen + 3);
        self.one = (i32::from(self.one) + step) as u16;
    }
}

struct Model {
    mode: u8,
    length_before: u32,
    lengths: Vec<Odds>,
    bits: Vec<Odds>,
}

impl Model {
    fn new(mode: u8) -> Self {
        let contexts = if mode & BY_LENGTH == 0 { 1 } else { 3 };
        Self {
            mode,
            length_before: 0,
            lengths: vec![Odds::EVEN; contexts << LENGTH_BITS],
            bits: vec![Odds::EVEN; LENGTHS << SHORT],
        }
    }

    /// A number into or out of one side.
    fn code(&mut self, number: u64, side: &mut impl Side) -> u64 {
        let context = match (self.mode & BY_LENGTH, self.length_before) {
            (0, _) | (_, 0) => 0,
            (_, 1..=4) => 1,
            _ => 2,
        };
        let length = u64::BITS - number.leading_zeros();
        let mut node = 1_usize;
        for place in (0..LENGTH_BITS).rev() {
            let odds = self.lengths.get_mut((context << LENGTH_BITS) + node);
            node = 2 * node + usize::from(choose(side, length >> place & 1 == 1, odds));
        }
        let length = ((node - (1 << LENGTH_BITS)) as u32).min(u64::BITS);
        self.length_before = length;
        if length < 2 {
            return u64::from(length);
        }
        let (mut found, mut node) = (1_u64, 1_usize);
        for (done, place) in (0..length - 1).rev().enumerate() {
            let bit = number >> place & 1 == 1;
            let bit = if length <= SHORT || (done as u32) < LEARNT_BITS {
                let bit = choose(side, bit, self.bits.get_mut(((length as usize) << SHORT) + node));
                node = 2 * node + usize::from(bit);
                bit
            } else {
                side.even(bit)
            };
            found = found << 1 | u64::from(bit);
        }
        found
    }
}

fn choose(side: &mut impl Side, is_one: bool, odds: Option<&mut Odds>) -> bool {
    match odds {
        Some(odds) => side.choice(is_one, odds),
        None => side.even(is_one),
    }
}

/// Writes choices: carries are propagated as LZMA's range coder does.
struct Writer {
    bytes: Vec<u8>,
    start: usize,
    low: u64,
    range: u32,
    held: u8,
    pending: usize,
    is_first: bool,
}

impl Writer {
    fn new(bytes: Vec<u8>) -> Self {
        Self { start: bytes.len(), bytes, low: 0, range: u32::MAX, held: 0, pending: 0, is_first: true }
    }

    fn narrow(&mut self, is_one: bool, bound: u32) {
        if is_one {
            self.range = bound;
        } else {
            self.low += u64::from(bound);
            self.range -= bound;
        }
        while self.range < TOP {
            self.range <<= 8;
            self.shift();
        }
    }

    fn shift(&mut self) {
        let carry = (self.low >> 32) as u8;
        if carry != 0 || self.low < 0xff00_0000 {
            if !self.is_first {
                self.bytes.push(self.held.wrapping_add(carry));
            }
            self.is_first = false;
            self.bytes.extend(std::iter::repeat_n(0xff_u8.wrapping_add(carry), self.pending));
            self.pending = 0;
            self.held = (self.low >> 24) as u8;
        } else {
            self.pending += 1;
        }
        self.low = (self.low & 0x00ff_ffff) << 8;
    }

    /// As few bytes as tell it from everything else: what is missing at the end is read as zeros.
    fn end(mut self) -> Vec<u8> {
        let (low, top) = (self.low, self.low + u64::from(self.range) - 1);
        for bits in (0..=32).rev() {
            let short = (top >> bits) << bits;
            if short >= low {
                self.low = short;
                break;
            }
        }
        (0..5).for_each(|_| self.shift());
        while self.bytes.len() > self.start && self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }
}

impl Side for Writer {
    fn choice(&mut self, is_one: bool, odds: &mut Odds) -> bool {
        self.narrow(is_one, (self.range >> ODDS_BITS) * odds.of_one());
        odds.learn(is_one);
        is_one
    }

    fn even(&mut self, is_one: bool) -> bool {
        self.narrow(is_one, self.range >> 1);
        is_one
    }
}

/// Reads choices.
struct Coded<'a> {
    reader: Reader<'a>,
    range: u32,
    code: u32,
}

impl<'a> Coded<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut coded = Self { reader: Reader::new(bytes), range: u32::MAX, code: 0 };
        (0..4).for_each(|_| coded.shift());
        coded
    }

    fn shift(&mut self) {
        self.code = self.code << 8 | u32::from(self.reader.byte().unwrap_or(0));
    }

    fn narrow(&mut self, bound: u32) -> bool {
        let is_one = self.code < bound;
        if is_one {
            self.range = bound;
        } else {
            self.code = self.code.wrapping_sub(bound);
            self.range = self.range.wrapping_sub(bound);
        }
        while self.range < TOP {
            self.range <<= 8;
            self.shift();
        }
        is_one
    }
}

impl Side for Coded<'_> {
    fn choice(&mut self, _: bool, odds: &mut Odds) -> bool {
        let is_one = self.narrow((self.range >> ODDS_BITS) * odds.of_one());
        odds.learn(is_one);
        is_one
    }

    fn even(&mut self, _: bool) -> bool {
        self.narrow(self.range >> 1)
    }
}
