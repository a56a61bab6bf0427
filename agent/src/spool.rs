//! The spool: a bounded queue of reports on disk, and what has become of each. Owns its directory; knows nothing of
//! the network or the clock, and of what a report means no more than how several become one.
//!
//! Segments are appended to and synced before a report may be sent. Each begins with everything known besides the
//! reports themselves and carries the catalogues that its reports name, so that any older segment can go.
//! Reports that were acknowledged stay while there is room: a collector restored from a backup asks for them again.
//! When there is none, the oldest reports that were never sent are thinned before anything is dropped. What may have
//! been sent is remembered, because it is never changed any more: the collector may have it.

use crate::spool::ledger::Ledger;
use crate::spool::record::{Record, ReportRecord, Settled, Start};
use crate::spool::segment::{AppendFailed, Index, Writer, sync_directory};
use crate::uplink::Lane;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tram_proto::ack::{Ack, Again, Reason, Refused};
use tram_proto::catalogue::Catalogue;
use tram_proto::id::{BootId, CatalogueId, Seq, SpoolId};
use tram_proto::limits;
use tram_proto::report::{Anchor, SpoolFigures};

pub(crate) mod ledger;
mod open;
mod record;
mod room;
mod segment;
mod select;
mod sent;
#[cfg(test)]
mod tests;
mod thin;

pub use record::RefusedForEver;
pub use segment::{Disk, RealDisk};
pub use select::{Held, Selection};

/// Refusals that are kept for people to read.
const LAST_REFUSED_MAX: usize = 10;
/// Times that one report is tried: in the segment at hand, after making room, and in a new segment.
const APPEND_TRIES: usize = 4;

/// How much a spool keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes that it may take.
    pub bytes_max: u64,
    /// How long detail is kept: what was acknowledged goes then, what never was is thinned.
    pub age_max: Duration,
}

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
    /// First and last number; none while it has no report.
    span: Option<(Seq, Seq)>,
    /// The number that was next when it was begun: all from here to where the next segment begins were in it once.
    from: Seq,
    /// When it was begun, milliseconds since 1970; 0: unknown.
    begun_ms: i64,
    /// How many steps of thinning it has been through, as far as known.
    level: u8,
}

/// A bounded queue of reports on disk.
pub struct Spool {
    root: PathBuf,
    directory: PathBuf,
    bounds: Bounds,
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
    /// Reports that set off last and had not been sent before, as first and last number.
    departed: Vec<(Seq, Seq)>,
    /// Numbers that the collector asked for and that will never come.
    gone: Vec<(Seq, Seq)>,
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

    /// The number that the next report gets.
    pub fn next_seq(&self) -> Seq {
        self.state.next_seq
    }

    /// How many reports wait to be acknowledged.
    pub fn pending(&self) -> u64 {
        self.ledger.pending()
    }

    /// How many reports it holds, acknowledged or not.
    pub fn held(&self) -> u64 {
        self.ledger.held()
    }

    /// What the collector is told of it.
    pub fn figures(&self) -> SpoolFigures {
        let Start { dropped, refused, thinned, .. } = self.state;
        SpoolFigures { pending: self.pending(), dropped, refused, thinned }
    }

    /// Numbers, first and last, that the collector asked for last and that will never come.
    pub fn gone(&self) -> &[(Seq, Seq)] {
        &self.gone
    }

    /// The last reports that were refused for ever, oldest first.
    pub fn last_refused(&self) -> &[RefusedForEver] {
        &self.state.last_refused
    }

    /// What the collector's clock said last, in any boot.
    pub fn latest_anchor(&self) -> Option<Anchor> {
        self.state.anchors.last().copied()
    }

    /// Takes a report in. It is on the disk when this returns its number. `now_ms` is the collector's time as far as it
    /// is known, in milliseconds since 1970.
    ///
    /// When the spool is full its oldest acknowledged segment goes, else the oldest detail that was never sent is
    /// thinned, else its oldest segment goes. When the disk is full nothing goes unsent: then the report is counted as
    /// dropped, and measuring goes on.
    pub fn append(
        &mut self,
        catalogue: (CatalogueId, &Catalogue),
        boot: BootId,
        bytes: &[u8],
        now_ms: i64,
    ) -> Result<Seq, SpoolError> {
        self.state.begun_ms = now_ms;
        self.append_many(catalogue, boot, bytes, 1)
    }

    /// Takes in a report that stands for `count` of them.
    fn append_many(
        &mut self,
        catalogue: (CatalogueId, &Catalogue),
        boot: BootId,
        bytes: &[u8],
        count: u64,
    ) -> Result<Seq, SpoolError> {
        let first = self.state.next_seq;
        let seq = first + (count - 1);
        let appended =
            self.try_append(catalogue, ReportRecord { first, seq, boot, catalogue: catalogue.0, bytes });
        match appended {
            Ok(()) => {
                self.state.next_seq = seq + 1;
                Ok(seq)
            }
            Err(error) => {
                self.state.dropped += count;
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
            match self.append_once(catalogue, report) {
                Ok(()) => return Ok(()),
                Err(error) if is_full(&error) && !self.evict_settled() && !self.thin_oldest() => {
                    return Err(error);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("spool could not be written")))
    }

    fn append_once(
        &mut self,
        catalogue: (CatalogueId, &Catalogue),
        report: ReportRecord<'_>,
    ) -> io::Result<()> {
        let length = |records: &[(Record<'_>, Vec<u8>)]| -> u64 {
            records.iter().map(|(_, bytes)| bytes.len() as u64).sum()
        };
        let mut records = self.records_for(catalogue, report);
        if self.see_to_segment(length(&records))? {
            // A new segment needs the catalogue again.
            records = self.records_for(catalogue, report);
        }
        self.make_room(length(&records))?;
        self.write(&records, true)
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

    fn start(&self) -> Record<'static> {
        self.start_without(&[])
    }

    /// What is known, and that these numbers are gone and counted.
    fn start_without(&self, lost: &[(Seq, Seq)]) -> Record<'static> {
        let (mut settled, sent) = (self.ledger.settled().clone(), self.ledger.sent().clone());
        lost.iter().for_each(|(first, last)| settled.insert_range(*first, *last));
        Record::Start(Start { settled, sent, ..self.state.clone() })
    }

    /// Notes that, so that numbers that are found damaged again after a restart are not counted again.
    fn write_start_without(&mut self, lost: &[(Seq, Seq)]) {
        let start = self.start_without(lost);
        self.write_lightly(start);
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
                self.ledger.hold(report.first, report.seq);
                segment.span = Some((segment.span.map_or(report.first, |(first, _)| first), report.seq));
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

    /// Takes in an answer that arrived at `boot_ms` of `boot`; returns how many reports it settled.
    pub fn settle(&mut self, ack: &Ack, boot: BootId, boot_ms: u64) -> u64 {
        // What only stands under a number that is taken moves to the new spool: it was never taken itself.
        let is_taken = |reason| matches!(reason, Reason::Fork | Reason::Overlap);
        let moves = |refused: &&Refused| ack.new_spool && is_taken(refused.reason);
        let never = ack.refused.iter().filter(|refused| refused.again == Again::Never && !moves(refused));
        let refused: Vec<RefusedForEver> =
            never.map(|refused| RefusedForEver { seq: refused.seq, reason: refused.reason }).collect();
        let settled = self.settle_numbers(Settled { durable: ack.durable.clone(), refused });
        self.anchor(Anchor { boot, boot_ms, collector_ms: ack.collector_ms });
        self.gone.clear();
        if let Some((first, last)) = ack.need {
            // Numbers that were not given out yet may still come.
            let last = last.min(self.state.next_seq - 1);
            self.gone = if first <= last { self.ledger.want(first, last) } else { vec![] };
            self.gone.truncate(limits::GONE_PER_BATCH_MAX);
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
            let count = self.ledger.settle_one(refused.seq);
            if count > 0 {
                refusals += count;
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
        let mut fresh = Self::make(&self.root, self.bounds, Some(self.id()))?;
        fresh.state.anchors.clone_from(&self.state.anchors);
        fresh.state.last_refused.clone_from(&self.state.last_refused);
        fresh.state.begun_ms = self.state.begun_ms;
        // What was lost stays lost.
        let Start { dropped, refused, thinned, .. } = self.state;
        (fresh.state.dropped, fresh.state.refused, fresh.state.thinned) = (dropped, refused, thinned);
        fresh.roll().map_err(failed)?;
        let mut pending = self.ledger.select(Lane::Live, usize::MAX);
        pending.reverse();
        for seq in pending {
            if let Some((held, catalogue)) = self.read_with_catalogue(seq) {
                let count = held.seq - held.first + 1;
                fresh.append_many((held.catalogue, &catalogue), held.boot, &held.bytes, count)?;
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
        *self = Self::open_with(&self.root.clone(), self.bounds, disk)?;
        Ok(())
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
