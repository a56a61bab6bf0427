//! Whole numbers in as few bytes as they need: seven bits a byte, least first, and signs folded into the lowest bit.
//!
//! Reading is total: whatever the bytes are, it ends with a number or with nothing. It must not know what the numbers
//! mean.

/// The most bytes that one number takes.
pub(crate) const BYTES_MAX: usize = 10;

/// Appends a number.
pub(crate) fn put(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push((value as u8) | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// Appends a signed number: small magnitudes take few bytes, whatever their sign.
pub(crate) fn put_signed(to: &mut Vec<u8>, value: i64) {
    put(to, folded(value));
}

/// A signed number with its sign in the lowest bit.
pub(crate) fn folded(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// What [`folded`] was made of.
pub(crate) fn unfolded(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

/// Reads numbers off the front of bytes.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte as it is.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// The next `count` bytes as they are.
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next number; none at the end, in the midst of one, or when it does not fit.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<u64> {
        // Most are this short.
        if let Some((byte, rest)) = self.rest.split_first()
            && *byte < 0x80
        {
            self.rest = rest;
            return Some(u64::from(*byte));
        }
        self.long_number()
    }

    fn long_number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for (place, byte) in self.rest.iter().take(BYTES_MAX).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if place == BYTES_MAX - 1 && bits > 1 {
                return None;
            }
            value |= bits << (7 * place);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(place + 1..)?;
                return Some(value);
            }
        }
        None
    }

    /// The next signed number.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.number().map(unfolded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magnitude_round_trips() {
        let mut bytes = Vec::new();
        let values = [0, 1, -1, 63, -64, 64, 1 << 20, -(1 << 53), i64::MAX, i64::MIN];
        values.iter().for_each(|value| put_signed(&mut bytes, *value));
        let mut reader = Reader::new(&bytes);
        assert!(values.iter().all(|value| reader.signed() == Some(*value)));
        assert!(reader.is_empty());
        assert_eq!(reader.number(), None);
    }

    #[test]
    fn a_number_that_never_ends_or_does_not_fit_is_none() {
        assert_eq!(Reader::new(&[0x80; 40]).number(), None);
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).number(), None);
        assert_eq!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).number(),
            Some(u64::MAX)
        );
    }
}
