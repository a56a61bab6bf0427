//! The encrypted form of a backup: chunks of XChaCha20-Poly1305 in the STREAM construction, under a key that argon2id
//! makes of a passphrase. A chunk that was changed, moved or left out is found, and so is a file cut short.
//!
//! Owns the file's outer shape: [`MAGIC`], what argon2id costs (3 numbers of 4 bytes, little endian: KiB, rounds,
//! lanes), a salt of 16 bytes, a nonce of 19, then the chunks, each of [`CHUNK`] bytes (the last one shorter) and a tag
//! of 16. The header goes into every chunk's tag. It must not know what is inside.

use aead_stream::{DecryptorBE32, EncryptorBE32, Key, Nonce, StreamBE32};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::Payload;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};

/// What a backup begins with.
const MAGIC: [u8; 16] = *b"tram-backup v1\r\n";
const SALT: usize = 16;
const NONCE: usize = 19;
/// Random bytes that a new file needs: salt and nonce.
pub(super) const RANDOM: usize = SALT + NONCE;
const HEADER: usize = MAGIC.len() + 12 + RANDOM;
/// Bytes that are encrypted together.
const CHUNK: usize = 64 * 1_024;
const TAG: usize = 16;
/// What deriving the key costs: the second choice of RFC 9106 (64 MiB, 3 rounds), on one lane.
const COST: Cost = Cost { memory_kib: 64 * 1_024, rounds: 3, lanes: 1 };
/// What a file may ask for at most: somebody else may have made it.
const COST_MAX: Cost = Cost { memory_kib: 1_024 * 1_024, rounds: 16, lanes: 16 };

type Header = [u8; HEADER];

#[derive(Debug, Clone, Copy)]
struct Cost {
    memory_kib: u32,
    rounds: u32,
    lanes: u32,
}

/// What is wrong with a sealed file, inside an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsealed {
    /// It does not begin as one.
    Foreign,
    /// The first chunk does not open.
    Passphrase,
    /// A later one does not, counted from 1, or the last one is missing.
    Damaged(u64),
}

impl fmt::Display for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("not a backup"),
            Self::Passphrase => f.write_str("wrong passphrase"),
            Self::Damaged(chunk) => {
                write!(f, "the bytes from {} on", place(*chunk))
            }
        }
    }
}

/// Where a chunk, counted from 1, begins in the file.
pub(super) const fn place(chunk: u64) -> u64 {
    chunk.saturating_sub(1) * (CHUNK + TAG) as u64 + HEADER as u64
}

impl std::error::Error for Unsealed {}

fn wrong(why: Unsealed) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

fn key(passphrase: &str, cost: Cost, salt: &[u8]) -> io::Result<Key<XChaCha20Poly1305>> {
    let failed = |error: argon2::Error| io::Error::other(format!("deriving the key: {error}"));
    let params = Params::new(cost.memory_kib, cost.rounds, cost.lanes, Some(32)).map_err(failed)?;
    let mut key = Key::<XChaCha20Poly1305>::default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .map_err(failed)?;
    Ok(key)
}

fn nonce(bytes: &[u8]) -> io::Result<Nonce<XChaCha20Poly1305, StreamBE32<XChaCha20Poly1305>>> {
    Nonce::<XChaCha20Poly1305, StreamBE32<XChaCha20Poly1305>>::try_from(bytes)
        .map_err(|_| io::Error::other("a nonce of the wrong length"))
}

/// Encrypts what is written to it.
pub(super) struct Sealing<W: Write> {
    out: W,
    stream: EncryptorBE32<XChaCha20Poly1305>,
    header: Header,
    chunk: Vec<u8>,
}

impl<W: Write> Sealing<W> {
    /// Writes the header; `random` is fresh from the system.
    pub(super) fn begin(mut out: W, passphrase: &str, random: [u8; RANDOM]) -> io::Result<Self> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC);
        for cost in [COST.memory_kib, COST.rounds, COST.lanes] {
            header.extend_from_slice(&cost.to_le_bytes());
        }
        header.extend_from_slice(&random);
        let header: Header =
            header.try_into().map_err(|_| io::Error::other("a header of the wrong length"))?;
        let (salt, start) = random.split_at(SALT);
        let stream = EncryptorBE32::new(&key(passphrase, COST, salt)?, &nonce(start)?);
        out.write_all(&header)?;
        Ok(Self { out, stream, header, chunk: Vec::with_capacity(2 * CHUNK) })
    }

    /// Writes the last chunk, without which the file is cut short.
    pub(super) fn end(mut self) -> io::Result<W> {
        let payload = Payload { msg: &self.chunk, aad: &self.header };
        let sealed = self.stream.encrypt_last(payload).map_err(|_| io::Error::other("encrypting"))?;
        self.out.write_all(&sealed)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.get(..CHUNK).unwrap_or(bytes);
        self.chunk.extend_from_slice(taken);
        // The last chunk is sealed otherwise, so one is kept back until it is known not to be the last.
        if let Some((full, rest)) = self.chunk.split_at_checked(CHUNK)
            && !rest.is_empty()
        {
            let payload = Payload { msg: full, aad: &self.header };
            let sealed = self.stream.encrypt_next(payload).map_err(|_| io::Error::other("encrypting"))?;
            self.out.write_all(&sealed)?;
            self.chunk.drain(..CHUNK);
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Decrypts what is read from it.
pub(super) struct Opening<R: Read> {
    from: R,
    stream: Option<DecryptorBE32<XChaCha20Poly1305>>,
    header: Header,
    /// The next chunk as it lies in the file.
    ahead: Vec<u8>,
    opened: io::Cursor<Vec<u8>>,
    chunks: u64,
}

impl<R: Read> Opening<R> {
    /// Reads the header.
    pub(super) fn begin(mut from: R, passphrase: &str) -> io::Result<Self> {
        let mut header: Header = [0; HEADER];
        from.read_exact(&mut header).map_err(|error| {
            let is_short = error.kind() == ErrorKind::UnexpectedEof;
            if is_short { wrong(Unsealed::Foreign) } else { error }
        })?;
        let rest = header.strip_prefix(&MAGIC).ok_or_else(|| wrong(Unsealed::Foreign))?;
        let (costs, rest) = rest.split_at(12);
        let (salt, start) = rest.split_at(SALT);
        let cost = cost(costs).ok_or_else(|| wrong(Unsealed::Foreign))?;
        let stream = DecryptorBE32::new(&key(passphrase, cost, salt)?, &nonce(start)?);
        let mut ahead = Vec::new();
        take_chunk(&mut from, &mut ahead)?;
        Ok(Self { from, stream: Some(stream), header, ahead, opened: io::Cursor::default(), chunks: 0 })
    }

    /// Opens the next chunk; false when there is none.
    fn advance(&mut self) -> io::Result<bool> {
        let Some(mut stream) = self.stream.take() else { return Ok(false) };
        let mut after = Vec::new();
        take_chunk(&mut self.from, &mut after)?;
        let payload = Payload { msg: self.ahead.as_slice(), aad: &self.header };
        let opened = if after.is_empty() {
            stream.decrypt_last(payload)
        } else {
            let opened = stream.decrypt_next(payload);
            self.stream = Some(stream);
            opened
        };
        self.chunks += 1;
        let opened = opened.map_err(|_| {
            self.stream = None;
            wrong(if self.chunks == 1 { Unsealed::Passphrase } else { Unsealed::Damaged(self.chunks) })
        })?;
        self.opened = io::Cursor::new(opened);
        self.ahead = after;
        Ok(true)
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.opened.read(into)?;
            if read > 0 || into.is_empty() || !self.advance()? {
                return Ok(read);
            }
        }
    }
}

fn cost(bytes: &[u8]) -> Option<Cost> {
    let mut numbers =
        bytes.chunks_exact(4).filter_map(|four| Some(u32::from_le_bytes(four.try_into().ok()?)));
    let cost = Cost { memory_kib: numbers.next()?, rounds: numbers.next()?, lanes: numbers.next()? };
    let is_within = cost.memory_kib <= COST_MAX.memory_kib
        && cost.rounds <= COST_MAX.rounds
        && cost.lanes <= COST_MAX.lanes;
    is_within.then_some(cost)
}

fn take_chunk(from: &mut impl Read, into: &mut Vec<u8>) -> io::Result<()> {
    from.take((CHUNK + TAG) as u64).read_to_end(into).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::begin(Vec::new(), "một mật khẩu dài", [7; RANDOM]).unwrap();
        sealing.write_all(bytes).unwrap();
        sealing.end().unwrap()
    }

    fn opened(sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, Unsealed> {
        let mut bytes = Vec::new();
        let read = Opening::begin(sealed, passphrase).and_then(|mut opening| opening.read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(bytes),
            Err(error) => Err(error.into_inner().unwrap().downcast_ref::<Unsealed>().unwrap().clone()),
        }
    }

    #[test]
    fn what_was_sealed_opens_at_every_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17] {
            let bytes: Vec<u8> = (0..length).map(|place| (place * 31 % 251) as u8).collect();
            let sealed = sealed(&bytes);
            assert_eq!(opened(&sealed, "một mật khẩu dài"), Ok(bytes), "{length}");
        }
    }

    #[test]
    fn a_changed_moved_missing_or_foreign_byte_is_found() {
        let bytes = vec![9; 3 * CHUNK];
        let whole = sealed(&bytes);
        let open = |sealed: &[u8]| opened(sealed, "một mật khẩu dài");
        assert_eq!(opened(&whole, "một mật khẩu khác"), Err(Unsealed::Passphrase));
        for (place, found) in [
            (0, Unsealed::Foreign),
            (HEADER - 1, Unsealed::Passphrase),
            (HEADER + 5, Unsealed::Passphrase),
            (HEADER + CHUNK + TAG, Unsealed::Damaged(2)),
            (whole.len() - 1, Unsealed::Damaged(3)),
        ] {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert_eq!(open(&changed), Err(found), "{place}");
        }
        assert_eq!(
            open(&whole[..HEADER + 2 * (CHUNK + TAG)]),
            Err(Unsealed::Damaged(2)),
            "cut between chunks"
        );
        assert_eq!(open(&whole[..whole.len() - 3]), Err(Unsealed::Damaged(3)));
        assert_eq!(open(&whole[..20]), Err(Unsealed::Foreign));
        let (first, second) =
            (HEADER..HEADER + CHUNK + TAG, HEADER + CHUNK + TAG..HEADER + 2 * (CHUNK + TAG));
        let moved = [&whole[..HEADER], &whole[second.clone()], &whole[first], &whole[second.end..]].concat();
        assert_eq!(open(&moved), Err(Unsealed::Passphrase));
    }

    #[test]
    fn a_file_cannot_ask_for_all_the_memory() {
        let mut whole = sealed(b"x");
        whole[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(opened(&whole, "một mật khẩu dài"), Err(Unsealed::Foreign));
    }
}
