//! A window of reports as one row of the log: packed as they came, with where they were placed.
//!
//! Owns the row's bytes. A row holds entries, one for each arrival; an entry has a fixed header and the reports'
//! own bytes behind it, so that reading it back gives exactly what was decided when it was written.

use crate::model::agent::AgentId;
use crate::model::arrival::{Arrival, Moment, SpoolFigures, SpoolId};
use crate::model::report::BootId;

/// Version of the row's shape, its first byte.
const VERSION: u8 = 1;
/// Level of compression: the fastest.
const ZSTD_LEVEL: i32 = 1;
/// Bytes that a row may unpack to: far above what a queue holds.
const UNPACKED_BYTES_MAX: usize = 1 << 30;
const LIVE: u8 = 1;
const ESTIMATED: u8 = 2;
/// What follows an entry's fixed header.
const FIGURES: u8 = 1;
const THINNED: u8 = 2;
const GONE: u8 = 4;

/// Bytes that are not a row of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row of the log is damaged, or of a newer release")]
pub struct DamagedRow;

/// What an entry says of a whole arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Whose.
    pub(super) agent: AgentId,
    /// The spool.
    pub(super) spool: SpoolId,
    /// The lowest number still held.
    pub(super) floor: u64,
    /// When it was sent, by the host's clocks.
    pub(super) sent: Moment,
    /// When it arrived, by the collector's.
    pub(super) arrived_ms: i64,
    /// State of the spool, where the agent said it.
    pub(super) figures: Option<SpoolFigures>,
    /// Numbers, first and last, that will never come.
    pub(super) gone: Vec<(u64, u64)>,
}

impl Header {
    /// The header of an arrival.
    pub(super) fn of(arrival: &Arrival) -> Self {
        Self {
            agent: arrival.agent,
            spool: arrival.spool,
            floor: arrival.floor,
            sent: arrival.sent,
            arrived_ms: arrival.arrived_ms,
            figures: arrival.figures,
            gone: arrival.gone.clone(),
        }
    }
}

/// What was decided of one report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its number.
    pub(super) seq: u64,
    /// CRC-32 of its bytes.
    pub(super) crc: u32,
    /// When it was measured, by the collector's clock.
    pub(super) at_ms: i64,
    /// It could not be placed exactly.
    pub(super) estimated: bool,
    /// It was current enough to decide on.
    pub(super) live: bool,
}

/// Makes rows; keeps its buffers from window to window.
pub(super) struct Packer {
    buffer: Vec<u8>,
    count_at: Option<usize>,
    compressor: Option<zstd::bulk::Compressor<'static>>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").field("bytes", &self.buffer.len()).finish_non_exhaustive()
    }
}

impl Default for Packer {
    fn default() -> Self {
        let compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok();
        Self { buffer: Vec::new(), count_at: None, compressor }
    }
}

impl Packer {
    /// Starts a row.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.count_at = None;
    }

    /// Whether the row has no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Starts an entry.
    pub(super) fn entry(&mut self, header: &Header) {
        self.buffer.extend_from_slice(&header.agent.0);
        self.buffer.extend_from_slice(&header.spool.0);
        self.buffer.extend_from_slice(&header.floor.to_le_bytes());
        self.buffer.extend_from_slice(&header.sent.boot.0);
        self.buffer.extend_from_slice(&header.sent.boot_ms.to_le_bytes());
        self.buffer.extend_from_slice(&header.sent.wall_ms.to_le_bytes());
        self.buffer.extend_from_slice(&header.arrived_ms.to_le_bytes());
        let gone = u8::try_from(header.gone.len()).unwrap_or(u8::MAX);
        let figures = if header.figures.is_some() { FIGURES | THINNED } else { 0 };
        self.buffer.push(figures | if gone > 0 { GONE } else { 0 });
        if let Some(figures) = header.figures {
            for figure in [figures.pending, figures.dropped, figures.refused, figures.thinned] {
                self.buffer.extend_from_slice(&figure.to_le_bytes());
            }
        }
        if gone > 0 {
            self.buffer.push(gone);
            for (first, last) in header.gone.iter().take(gone.into()) {
                self.buffer.extend_from_slice(&first.to_le_bytes());
                self.buffer.extend_from_slice(&last.to_le_bytes());
            }
        }
        self.count_at = Some(self.buffer.len());
        self.buffer.extend_from_slice(&0_u16.to_le_bytes());
    }

    /// Adds a report to the entry started last.
    pub(super) fn report(&mut self, mark: &Mark, bytes: &[u8]) {
        let Some(count) = self.count_at.and_then(|at| self.buffer.get_mut(at..at + 2)) else { return };
        let reports = count.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes)).saturating_add(1);
        count.copy_from_slice(&reports.to_le_bytes());
        let flags = if mark.live { LIVE } else { 0 } | if mark.estimated { ESTIMATED } else { 0 };
        self.buffer.extend_from_slice(&mark.seq.to_le_bytes());
        self.buffer.extend_from_slice(&mark.crc.to_le_bytes());
        self.buffer.extend_from_slice(&mark.at_ms.to_le_bytes());
        self.buffer.push(flags);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(bytes);
    }

    /// The row's bytes.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>, std::io::Error> {
        let compressor = match self.compressor.take() {
            Some(compressor) => compressor,
            None => zstd::bulk::Compressor::new(ZSTD_LEVEL)?,
        };
        let compressor = self.compressor.insert(compressor);
        let mut row = compressor.compress(&self.buffer)?;
        row.push(VERSION);
        Ok(row)
    }
}

/// Unpacks a row's bytes.
pub(super) fn unpack(row: &[u8]) -> Result<Vec<u8>, DamagedRow> {
    let Some((&VERSION, packed)) = row.split_last() else { return Err(DamagedRow) };
    let size = zstd::bulk::Decompressor::upper_bound(packed).ok_or(DamagedRow)?;
    zstd::bulk::decompress(packed, size.min(UNPACKED_BYTES_MAX)).map_err(|_| DamagedRow)
}

/// Reads an unpacked row: shows each entry's header and its reports.
pub(super) fn read<'a>(
    unpacked: &'a [u8],
    mut show: impl FnMut(&Header, &[(Mark, &'a [u8])]),
) -> Result<(), DamagedRow> {
    let mut rest = Reader(unpacked);
    let mut reports = Vec::new();
    while !rest.0.is_empty() {
        let header = rest.header().ok_or(DamagedRow)?;
        let count = rest.array().map(u16::from_le_bytes).ok_or(DamagedRow)?;
        reports.clear();
        for _ in 0..count {
            reports.push(rest.report().ok_or(DamagedRow)?);
        }
        show(&header, &reports);
    }
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn unsigned(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn signed(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn header(&mut self) -> Option<Header> {
        let mut header = Header {
            agent: AgentId(self.array()?),
            spool: SpoolId(self.array()?),
            floor: self.unsigned()?,
            sent: Moment { boot: BootId(self.array()?), boot_ms: self.unsigned()?, wall_ms: self.signed()? },
            arrived_ms: self.signed()?,
            figures: None,
            gone: Vec::new(),
        };
        let [follows] = self.array()?;
        if follows & FIGURES != 0 {
            header.figures = Some(SpoolFigures {
                pending: self.unsigned()?,
                dropped: self.unsigned()?,
                refused: self.unsigned()?,
                thinned: if follows & THINNED != 0 { self.unsigned()? } else { 0 },
            });
        }
        if follows & GONE != 0 {
            let [count] = self.array()?;
            for _ in 0..count {
                header.gone.push((self.unsigned()?, self.unsigned()?));
            }
        }
        Some(header)
    }

    fn report(&mut self) -> Option<(Mark, &'a [u8])> {
        let seq = self.unsigned()?;
        let crc = self.array().map(u32::from_le_bytes)?;
        let at_ms = self.signed()?;
        let [flags] = self.array::<1>()?;
        let length = usize::try_from(self.array().map(u32::from_le_bytes)?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let mark = Mark { seq, crc, at_ms, estimated: flags & ESTIMATED != 0, live: flags & LIVE != 0 };
        Some((mark, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(number: u8, figures: Option<SpoolFigures>) -> Header {
        Header {
            agent: AgentId([number; 16]),
            spool: SpoolId([number; 8]),
            floor: 3,
            sent: Moment { boot: BootId([2; 8]), boot_ms: 5, wall_ms: -6 },
            arrived_ms: 1_795_000_000_000,
            figures,
            gone: if number == 3 { vec![(1, 2), (7, 7)] } else { vec![] },
        }
    }

    fn mark(seq: u64) -> Mark {
        Mark { seq, crc: 77, at_ms: -1, estimated: seq.is_multiple_of(2), live: seq.is_multiple_of(3) }
    }

    #[test]
    fn rows_round_trip() {
        let mut packer = Packer::default();
        for _ in 0..2 {
            packer.clear();
            assert!(packer.is_empty());
            packer.entry(&header(1, None));
            (1..5).for_each(|seq| packer.report(&mark(seq), b"{}"));
            let figures = Some(SpoolFigures { pending: 1, dropped: 2, refused: 3, thinned: 4 });
            packer.entry(&header(2, figures));
            packer.entry(&header(3, figures));
            let row = packer.finish().unwrap();
            let mut seen = Vec::new();
            read(&unpack(&row).unwrap(), |header, reports| seen.push((header.clone(), reports.len())))
                .unwrap();
            assert_eq!(seen, [(header(1, None), 4), (header(2, figures), 0), (header(3, figures), 0)]);
        }
    }

    #[test]
    fn a_row_that_says_nothing_of_thinning_is_read() {
        let mut packer = Packer::default();
        let figures = SpoolFigures { pending: 1, dropped: 2, refused: 3, thinned: 0 };
        packer.entry(&header(1, Some(figures)));
        let fixed = 16 + 8 + 8 + 8 + 8 + 8 + 8;
        let mut row = packer.buffer.clone();
        row[fixed] = FIGURES;
        row.drain(fixed + 1 + 3 * 8..fixed + 1 + 4 * 8);
        read(&row, |found, _| assert_eq!(*found, header(1, Some(figures)))).unwrap();
    }

    #[test]
    fn reports_come_back_as_they_were_marked() {
        let mut packer = Packer::default();
        packer.entry(&header(1, None));
        (1..9).for_each(|seq| packer.report(&mark(seq), &vec![b'x'; seq as usize]));
        let row = unpack(&packer.finish().unwrap()).unwrap();
        read(&row, |_, reports| {
            for ((found, bytes), seq) in reports.iter().zip(1..9) {
                assert_eq!((*found, bytes.len()), (mark(seq), seq as usize));
            }
        })
        .unwrap();
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes, |_, _| {});
            prop_assert!(unpack(&bytes).is_err() || bytes.last() == Some(&VERSION));
        }
    }
}
