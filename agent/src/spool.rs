//! The spool: a bounded queue of reports on disk, and what has become of each. Owns its directory; knows nothing of
//! the network, the clock or what a report means.
//!
//! Segments are appended to and synced before a report may be sent. Each begins with everything known besides the
//! reports themselves and carries the catalogues that its reports name, so that any older segment can go.
//! Reports that were acknowledged stay while there is room: a collector restored from a backup asks for them again.

use crate::spool::ledger::Ledger;
use crate::spool::record::{Record, ReportRecord, Settled, Start};
use crate::spool::segment::{AppendFailed, Index, Writer, sync_directory};
use crate::uplink::Lane;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tram_proto::ack::{Ack, Again, Reason, Refused};
use tram_proto::catalogue::Catalogue;
use tram_proto::id::{BootId, CatalogueId, Seq, SpoolId};
use tram_proto::limits;
use tram_proto::report::{Anchor, SpoolFigures};

pub(crate) mod ledger;
mod open;
mod record;
mod segment;
mod select;
#[cfg(test)]
mod tests;

pub use record::RefusedForEver;
pub use segment::{Disk, RealDisk};
pub use select::{Held, Selection};

/// Bytes of one segment, at most; a small spool has smaller ones, so that eviction is never all or nothing.
const SEGMENT_BYTES_MAX: u64 = 1 << 20;
/// How many segments a full spool has at least.
const SEGMENTS_MIN: u64 = 16;
/// Refusals that are kept for people to read.
const LAST_REFUSED_MAX: usize = 10;
/// Times that one report is tried: in the segment at hand, after making room, and in a new segment.
const APPEND_TRIES: usize = 4;

/// Why a report is not in the spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk is full and nothing in the spool may go for it.
    #[error("no space left for the spool in {0}")]
    Full(PathBuf),
    /// The system refused.
    #[error("spool in {directory}: {why}")]
    Io {
        /// The spool's directory.
        directory: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
}

/// A segment that is no longer appended to, or the current one.
#[derive(Debug)]
struct Segment {
    path: PathBuf,
    bytes: u64,
    /// First and last report; none while it has no report.
    span: Option<(Seq, Seq)>,
}

/// A bounded queue of reports on disk.
pub struct Spool {
    root: PathBuf,
    directory: PathBuf,
    bytes_max: u64,
    disk: Box<dyn Disk>,
    segments: BTreeMap<u64, Segment>,
    /// The last segment's, unless that may not be written any more.
    writer: Option<Writer>,
    /// Where the current segment's records are.
    index: Index,
    /// The closed segment that was read last.
    read_last: Option<(u64, Index)>,
    /// Whether files were found damaged in a way that may hide numbers already given out.
    is_doubtful: bool,
    ledger: Ledger,
    /// What the next segment will begin with, but for the settled numbers, which the ledger has.
    state: Start,
}

impl Spool {
    /// Its id: random, made with it.
    pub fn id(&self) -> SpoolId {
        self.state.spool
    }

    /// The lowest number still held, or the next one when nothing is.
    pub fn floor(&self) -> Seq {
        self.ledger.floor().unwrap_or(self.state.next_seq)
    }

    /// How many reports wait to be acknowledged.
    pub fn pending(&self) -> u64 {
        self.ledger.pending()
    }

    /// What the collector is told of it.
    pub fn figures(&self) -> SpoolFigures {
        SpoolFigures {
            pending: self.pending(),
            dropped: self.state.dropped,
            refused: self.state.refused,
            thinned: 0,
        }
    }

    /// The last reports that were refused for ever, oldest first.
    pub fn last_refused(&self) -> &[RefusedForEver] {
        &self.state.last_refused
    }

    /// What the collector's clock said last, in any boot.
    pub fn latest_anchor(&self) -> Option<Anchor> {
        self.state.anchors.last().copied()
    }

    /// Takes a report in. It is on the disk when this returns its number.
    ///
    /// When the spool is full its oldest acknowledged segment goes, else its oldest. When the disk is full only
    /// acknowledged ones go; with none left the report is counted as dropped, and measuring goes on.
    pub fn append(
        &mut self,
        catalogue: (CatalogueId, &Catalogue),
        boot: BootId,
        bytes: &[u8],
    ) -> Result<Seq, SpoolError> {
        let seq = self.state.next_seq;
        let appended = self.try_append(catalogue, ReportRecord { seq, boot, catalogue: catalogue.0, bytes });
        match appended {
            Ok(()) => {
                self.state.next_seq += 1;
                Ok(seq)
            }
            Err(error) => {
                self.state.dropped += 1;
                let directory = self.directory.clone();
                Err(if is_full(&error) {
                    SpoolError::Full(directory)
                } else {
                    SpoolError::Io { directory, why: error }
                })
            }
        }
    }

    fn try_append(
        &mut self,
        catalogue: (CatalogueId, &Catalogue),
        report: ReportRecord<'_>,
    ) -> io::Result<()> {
        let mut last = None;
        for _ in 0..APPEND_TRIES {
            // A new segment needs the catalogue again, so room is made before it is known what is written.
            let bytes: usize = self.records_for(catalogue, report).iter().map(|(_, bytes)| bytes.len()).sum();
            let room = self.make_room(bytes as u64);
            match room.and_then(|()| self.write(&self.records_for(catalogue, report), true)) {
                Ok(()) => return Ok(()),
                Err(error) if is_full(&error) && !self.evict_settled() => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("spool could not be written")))
    }

    fn records_for<'a>(
        &self,
        (id, catalogue): (CatalogueId, &Catalogue),
        report: ReportRecord<'a>,
    ) -> Vec<(Record<'a>, Vec<u8>)> {
        let mut records = Vec::with_capacity(2);
        if self.writer.is_none() || !self.index.catalogues.contains_key(&id) {
            let bytes = Record::Catalogue(id, &catalogue.canonical_bytes()).encode();
            records.push((Record::Catalogue(id, &[]), bytes));
        }
        let bytes = Record::Report(report).encode();
        records.push((Record::Report(report), bytes));
        records
    }

    /// Sees to a segment that can take `bytes`, within the spool's bound.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let is_worn = |writer: &Writer, index: &Index| {
            !index.reports.is_empty() && writer.bytes() + bytes > segment_bytes(self.bytes_max)
        };
        if self.writer.as_ref().is_none_or(|writer| is_worn(writer, &self.index)) {
            self.roll()?;
            return self.make_room_within_bound(bytes);
        }
        self.make_room_within_bound(bytes)
    }

    fn make_room_within_bound(&mut self, bytes: u64) -> io::Result<()> {
        while self.segments.len() > 1 && self.bytes() + bytes > self.bytes_max {
            if !self.evict_settled() {
                let oldest = self.segments.keys().next().copied();
                oldest.map_or(Ok(()), |oldest| self.evict(oldest))?;
            }
        }
        Ok(())
    }

    /// Begins a new segment.
    fn roll(&mut self) -> io::Result<()> {
        let number = self.segments.keys().next_back().map_or(1, |last| last + 1);
        let path = self.directory.join(format!("{number:010}.segment"));
        let writer = Writer::create(path.clone(), segment_bytes(self.bytes_max))?;
        if let Some(old) = self.writer.replace(writer) {
            old.close();
        }
        let index = std::mem::take(&mut self.index);
        self.segments.insert(number, Segment { path, bytes: 0, span: None });
        let start = self.start();
        let bytes = start.encode();
        let written = self.write(&[(start, bytes)], true);
        if written.is_err() {
            // A segment must begin with what is known; without that it would only stand in the next one's way.
            self.writer = None;
            self.index = index;
            if let Some(segment) = self.segments.remove(&number) {
                fs::remove_file(segment.path).ok();
            }
        }
        written
    }

    fn start(&self) -> Record<'static> {
        Record::Start(Start { settled: self.ledger.settled().clone(), ..self.state.clone() })
    }

    /// Writes records to the current segment in one piece, and takes them into memory once they are there.
    fn write(&mut self, records: &[(Record<'_>, Vec<u8>)], durable: bool) -> io::Result<()> {
        let writer = self.writer.as_mut().ok_or_else(|| io::Error::other("spool has no file to write"))?;
        let mut offset = writer.bytes();
        let bytes = records.iter().map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>().concat();
        match writer.append(self.disk.as_mut(), &bytes, durable) {
            Ok(()) => {}
            Err(AppendFailed::Clean(error)) => return Err(error),
            Err(AppendFailed::Poisoned(error)) => {
                self.writer = None;
                return Err(error);
            }
        }
        let Some(mut segment) = self.segments.last_entry() else { return Ok(()) };
        let segment = segment.get_mut();
        for (record, bytes) in records {
            self.index.note(offset, record);
            offset += bytes.len() as u64;
            if let Record::Report(report) = record {
                self.ledger.hold(report.seq);
                segment.span = Some((segment.span.map_or(report.seq, |(first, _)| first), report.seq));
            }
        }
        segment.bytes = offset;
        Ok(())
    }

    /// Writes what would only cost a repetition if it were lost: it becomes durable with the next report.
    fn write_lightly(&mut self, record: Record<'_>) {
        let bytes = record.encode();
        if let Err(error) = self.write(&[(record, bytes)], false) {
            tracing::debug!(%error, "spool cannot note an answer; it will be asked again after a restart");
        }
    }

    /// Drops the oldest segment whose reports are all settled; false when there is none.
    fn evict_settled(&mut self) -> bool {
        let current = self.segments.keys().next_back().copied();
        let mut closed = self.segments.iter().filter(|(number, _)| Some(**number) != current);
        let settled =
            |segment: &Segment| segment.span.is_none_or(|(first, last)| self.ledger.is_settled(first, last));
        let Some(number) = closed.find(|(_, segment)| settled(segment)).map(|(number, _)| *number) else {
            return false;
        };
        self.evict(number).is_ok()
    }

    fn evict(&mut self, number: u64) -> io::Result<()> {
        let Some(segment) = self.segments.get(&number) else { return Ok(()) };
        match fs::remove_file(&segment.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let lost = segment.span.map_or(0, |(first, last)| self.ledger.drop_range(first, last));
        self.segments.remove(&number);
        self.read_last = None;
        if lost > 0 {
            self.state.dropped += lost;
            tracing::warn!(
                lost,
                dropped = self.state.dropped,
                "spool is full: the oldest reports are dropped unsent"
            );
            let start = self.start();
            self.write_lightly(start);
        }
        Ok(())
    }

    /// Takes in an answer that arrived at `boot_ms` of `boot`; returns how many reports it settled.
    pub fn settle(&mut self, ack: &Ack, boot: BootId, boot_ms: u64) -> u64 {
        // What only stands under a number that is taken moves to the new spool: it was never taken itself.
        let moves = |refused: &&Refused| ack.new_spool && refused.reason == Reason::Fork;
        let never = ack.refused.iter().filter(|refused| refused.again == Again::Never && !moves(refused));
        let refused: Vec<RefusedForEver> =
            never.map(|refused| RefusedForEver { seq: refused.seq, reason: refused.reason }).collect();
        let settled = self.settle_numbers(Settled { durable: ack.durable.clone(), refused });
        self.anchor(Anchor { boot, boot_ms, collector_ms: ack.collector_ms });
        if let Some((first, last)) = ack.need {
            self.ledger.want(first, last);
        }
        settled
    }

    /// Gives up one report that cannot be sent in any way; returns how many it settled.
    pub fn refuse(&mut self, refused: RefusedForEver) -> u64 {
        self.settle_numbers(Settled { refused: vec![refused], ..Settled::default() })
    }

    fn settle_numbers(&mut self, settled: Settled) -> u64 {
        let count = self.apply(&settled);
        if count > 0 {
            self.write_lightly(Record::Settled(settled));
        }
        count
    }

    fn apply(&mut self, settled: &Settled) -> u64 {
        let durable = self.ledger.settle(&settled.durable);
        let mut refusals = 0;
        for refused in &settled.refused {
            if self.ledger.settle(&[refused.seq].into_iter().collect()) == 1 {
                refusals += 1;
                self.state.last_refused.push(*refused);
            }
        }
        let surplus = self.state.last_refused.len().saturating_sub(LAST_REFUSED_MAX);
        self.state.last_refused.drain(..surplus);
        self.state.refused += refusals;
        durable + refusals
    }

    /// Remembers the collector's time at a moment of a boot.
    pub fn anchor(&mut self, anchor: Anchor) {
        self.remember(anchor);
        self.write_lightly(Record::Anchor(anchor));
    }

    fn remember(&mut self, anchor: Anchor) {
        self.state.anchors.retain(|known| known.boot != anchor.boot);
        self.state.anchors.push(anchor);
        let surplus = self.state.anchors.len().saturating_sub(limits::ANCHORS_PER_BATCH_MAX);
        self.state.anchors.drain(..surplus);
    }

    /// Begins a new spool with what was not acknowledged: the collector found this one to be a copy.
    pub fn start_anew(&mut self) -> Result<(), SpoolError> {
        let failed = |why| SpoolError::Io { directory: self.directory.clone(), why };
        let mut fresh = Self::make(&self.root, self.bytes_max, Some(self.id()))?;
        fresh.state.anchors.clone_from(&self.state.anchors);
        fresh.state.last_refused.clone_from(&self.state.last_refused);
        fresh.roll().map_err(failed)?;
        let mut pending = self.ledger.select(Lane::Live, usize::MAX);
        pending.reverse();
        for seq in pending {
            if let Some((held, catalogue)) = self.read_with_catalogue(seq) {
                fresh.append((held.catalogue, &catalogue), held.boot, &held.bytes)?;
            }
        }
        // Windows neither renames nor removes a directory while a file in it is open.
        for spool in [&mut fresh, &mut *self] {
            (spool.writer, spool.read_last) = (None, None);
        }
        let failed = |why| SpoolError::Io { directory: self.directory.clone(), why };
        fs::rename(&fresh.directory, self.root.join(fresh.id().to_string())).map_err(failed)?;
        sync_directory(&self.directory).map_err(failed)?;
        fs::remove_dir_all(&self.directory).map_err(failed)?;
        let disk = std::mem::replace(&mut self.disk, Box::new(RealDisk));
        *self = Self::open_with(&self.root.clone(), self.bytes_max, disk)?;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

fn segment_bytes(bytes_max: u64) -> u64 {
    (bytes_max / SEGMENTS_MIN).min(SEGMENT_BYTES_MAX)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
