//! Closed segments written anew with less in them: detail that was never sent is thinned, what was acknowledged left out,
//! small neighbours joined.
//!
//! The new file is whole and on the disk before it takes the old one's place, in one step; so whenever the power goes,
//! the one or the other is there. What was thinned is counted in the new file itself.

use super::ledger::{Ledger, difference, ranges_of};
use super::record::{Record, ReportRecord, Start, scan};
use super::segment::{Disk, SPARE};
use super::select::index_of;
use super::{Spool, is_full};
use crate::thinning::{Gathering, STEPS_MS, Thinned};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use tram_proto::catalogue::{Catalogue, Kind};
use tram_proto::id::{CatalogueId, Seq, SpoolId};
use tram_proto::limits;
use tram_proto::ranges::Ranges;
use tram_proto::report::{Anchor, Report};

/// Ending of a file that is not a segment yet.
pub(super) const UNFINISHED_SEGMENT: &str = "rewritten";

impl Spool {
    /// Thins the oldest detail that nobody can have, to the finest step that is still to be had; false when nothing is.
    pub(super) fn thin_oldest(&mut self) -> bool {
        for level in 1..=STEPS_MS.len() as u8 {
            let finer: Vec<u64> = self
                .closed()
                .filter(|(_, segment)| segment.level < level)
                .map(|(number, _)| *number)
                .collect();
            for number in finer {
                match self.thin(number, level) {
                    Ok(true) => return true,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(%error, "spool is full and cannot be thinned");
                        return false;
                    }
                }
            }
        }
        false
    }

    /// Thins one closed segment to a level of [`STEPS_MS`]. Says whether that made it smaller, else it stays as it is.
    pub(super) fn thin(&mut self, number: u64, level: u8) -> io::Result<bool> {
        let Some(bytes) = self.segments.get(&number).map(|segment| segment.bytes) else { return Ok(false) };
        let step_ms = STEPS_MS.get(usize::from(level) - 1).copied();
        let rewritten = self.rewrite(&[number], step_ms)?;
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.level = level;
        }
        if rewritten.bytes.len() as u64 > bytes / 8 * 7 {
            return Ok(false);
        }
        self.put(&[number], rewritten)?;
        if let Err(error) = self.join(number) {
            tracing::debug!(%error, "spool cannot join two files");
        }
        Ok(true)
    }

    /// Joins a segment with the one before when both are as thin and fit into one.
    fn join(&mut self, number: u64) -> io::Result<()> {
        let Some(segment) = self.segments.get(&number) else { return Ok(()) };
        let before = self.segments.range(..number).next_back();
        let fits = before.filter(|(_, before)| {
            before.level == segment.level && before.bytes + segment.bytes <= self.segment_bytes()
        });
        let Some(before) = fits.map(|(before, _)| *before) else { return Ok(()) };
        let sources = [before, number];
        let joined = self.rewrite(&sources, None)?;
        self.put(&sources, joined)
    }

    /// Writes a segment anew without its damaged records. The reports in them are counted as lost, but for those that
    /// were `answered` for. Returns their numbers.
    pub(super) fn mend(&mut self, number: u64, damaged: u64, answered: &Ranges) -> Vec<(Seq, Seq)> {
        let (from, next) = self.once_had(&[number]);
        let lost = if from < next { self.ledger.missing(from, next - 1, answered) } else { vec![] };
        let count: u64 = lost.iter().map(|(first, last)| last - first + 1).sum();
        // One damaged record is at most one aggregate, whatever else is not there.
        self.state.dropped += count.min(damaged.saturating_mul(u64::from(limits::AGGREGATED_MAX)));
        let mended = self.rewrite(&[number], None).and_then(|rewritten| self.put(&[number], rewritten));
        if let Err(error) = mended {
            tracing::warn!(%error, "spool cannot be mended");
        }
        if let Some((last, segment)) = self.segments.last_key_value().filter(|(last, _)| **last == number) {
            match index_of(segment) {
                Ok(index) => self.index = index,
                Err(error) => tracing::warn!(last, %error, "spool cannot be read"),
            }
        }
        lost
    }

    /// The first number that these neighbours had once, and the first that is the next segment's.
    fn once_had(&self, sources: &[u64]) -> (Seq, Seq) {
        let segments = sources.iter().filter_map(|number| self.segments.get(number));
        let from = segments.map(|segment| segment.from).min().unwrap_or(1);
        let next = sources.iter().max().and_then(|last| self.segments.range(last + 1..).next());
        (from, next.map_or(self.state.next_seq, |(_, next)| next.from))
    }

    /// What closed segments come to in one file.
    fn rewrite(&self, sources: &[u64], step_ms: Option<u64>) -> io::Result<Rewritten> {
        let mut rewriting = Rewriting::new(&self.ledger, &self.state.anchors, step_ms);
        for segment in sources.iter().filter_map(|number| self.segments.get(number)) {
            let bytes = fs::read(&segment.path)?;
            let Some(span) = segment.span else { continue };
            scan(&bytes, |_, record| rewriting.take(record, span));
            rewriting.finish_group();
        }
        Ok(rewriting.finish(&self.state, self.once_had(sources)))
    }

    /// Puts what was rewritten in the place of its sources.
    fn put(&mut self, sources: &[u64], rewritten: Rewritten) -> io::Result<()> {
        let Some((number, others)) = sources.split_last() else { return Ok(()) };
        let Some(path) = self.segments.get(number).map(|segment| segment.path.clone()) else {
            return Ok(());
        };
        write_in_place(self.disk.as_mut(), &path, &rewritten.bytes)?;
        // From here on it is what a restart would find.
        let mut from = Seq::MAX;
        for number in others {
            if let Some(before) = self.segments.remove(number) {
                from = from.min(before.from);
                self.disk.remove(&before.path).ok();
            }
        }
        let reports = &rewritten.reports;
        let span = reports.first().zip(reports.last()).map(|((first, _), (_, last))| (*first, *last));
        if let Some(segment) = self.segments.get_mut(number) {
            (segment.bytes, segment.span) = (rewritten.bytes.len() as u64, span);
            segment.from = segment.from.min(from);
        }
        self.read_last = None;
        self.ledger = rewritten.ledger;
        let news = rewritten.thinned > self.state.thinned || rewritten.dropped > self.state.dropped;
        (self.state.thinned, self.state.dropped) = (rewritten.thinned, rewritten.dropped);
        if news {
            tracing::info!(thinned = self.state.thinned, "spool is full: the oldest detail is thinned");
            let start = self.start();
            self.write_lightly(start);
        }
        Ok(())
    }
}

/// A segment's new content, and what that changes.
struct Rewritten {
    bytes: Vec<u8>,
    /// Its reports, as first and last number.
    reports: Vec<(Seq, Seq)>,
    ledger: Ledger,
    thinned: u64,
    dropped: u64,
}

/// The numbers and the record of the first report that is being gathered, in case it stays alone.
struct Group {
    gathering: Gathering,
    alone: Kept,
    /// Reports in it that were not thinned before.
    fresh: u64,
}

/// A report as it is kept.
#[derive(Clone)]
struct Kept {
    first: Seq,
    seq: Seq,
    boot: tram_proto::id::BootId,
    catalogue: CatalogueId,
    bytes: Vec<u8>,
}

struct Rewriting<'a> {
    ledger: &'a Ledger,
    anchors: &'a [Anchor],
    step_ms: Option<u64>,
    start: Option<Start>,
    /// Canonical bytes of what the sources have, and what their columns are.
    catalogues: BTreeMap<CatalogueId, (Vec<u8>, Vec<Kind>)>,
    group: Option<Group>,
    written: BTreeSet<CatalogueId>,
    body: Vec<u8>,
    reports: Vec<(Seq, Seq)>,
    spans: Vec<(Seq, Seq)>,
    thinned: u64,
}

impl<'a> Rewriting<'a> {
    fn new(ledger: &'a Ledger, anchors: &'a [Anchor], step_ms: Option<u64>) -> Self {
        Self {
            ledger,
            anchors,
            step_ms,
            start: None,
            catalogues: BTreeMap::new(),
            group: None,
            written: BTreeSet::new(),
            body: Vec::new(),
            reports: Vec::new(),
            spans: Vec::new(),
            thinned: 0,
        }
    }

    /// Takes in the next record of a source whose reports are numbered within `span`.
    fn take(&mut self, record: Record<'_>, span: (Seq, Seq)) {
        match record {
            Record::Start(start) => {
                let before = self.start.take().unwrap_or_else(|| start.clone());
                let mut start = Start { next_seq: start.next_seq.min(before.next_seq), ..start };
                let settled = before.settled.as_slice();
                settled.iter().for_each(|(first, last)| start.settled.insert_range(*first, *last));
                self.start = Some(start);
            }
            Record::Catalogue(id, canonical) => {
                let known = serde_json::from_slice::<Catalogue>(canonical).ok();
                let kinds = known.iter().flat_map(|known| known.columns.iter().map(|column| column.kind));
                self.catalogues.insert(id, (canonical.to_vec(), kinds.collect()));
            }
            Record::Report(report) => {
                if self.spans.last() != Some(&span) {
                    self.spans.push(span);
                }
                let is_within = span.0 <= report.first && report.seq <= span.1;
                if is_within && self.ledger.is_pending(report.seq) {
                    self.take_report(report);
                }
            }
            // The next segment begins with all that they say.
            Record::Settled(_) | Record::Anchor(_) | Record::Sent(_) => {}
        }
    }

    fn take_report(&mut self, record: ReportRecord<'_>) {
        let step_ms = self.step_ms.filter(|_| self.ledger.is_thinnable(record.seq));
        let report = step_ms.and_then(|_| Report::decode(record.bytes).ok());
        let kept = Kept {
            first: record.first,
            seq: record.seq,
            boot: record.boot,
            catalogue: record.catalogue,
            bytes: record.bytes.to_vec(),
        };
        let (Some(step_ms), Some(report)) = (step_ms, report) else {
            self.finish_group();
            return self.write(&kept);
        };
        let fresh = if record.first == record.seq { 1 } else { 0 };
        let at_ms = self.time_of(&report);
        let kinds = self.kinds(record.catalogue);
        let left = match &mut self.group {
            None => Err(report),
            Some(group) => {
                let added = group.gathering.add(record.first, record.seq, report, at_ms, &kinds);
                group.fresh += if added.is_ok() { fresh } else { 0 };
                added
            }
        };
        if let Err(report) = left {
            self.finish_group();
            let gathering = Gathering::begin(record.first, record.seq, report, at_ms, step_ms);
            self.group = Some(Group { gathering, alone: kept, fresh });
        }
    }

    /// Writes what was gathered.
    fn finish_group(&mut self) {
        let Some(Group { gathering, alone, fresh }) = self.group.take() else { return };
        match gathering.finish(&self.kinds(alone.catalogue)) {
            None => self.write(&alone),
            Some(Thinned { first, seq, report }) => {
                self.thinned += fresh;
                self.write(&Kept { first, seq, bytes: report.encode(), ..alone });
            }
        }
    }

    fn write(&mut self, kept: &Kept) {
        let Kept { first, seq, boot, catalogue, ref bytes } = *kept;
        if let Some((canonical, _)) = self.catalogues.get(&catalogue)
            && self.written.insert(catalogue)
        {
            self.body.extend(Record::Catalogue(catalogue, canonical).encode());
        }
        self.body.extend(Record::Report(ReportRecord { first, seq, boot, catalogue, bytes }).encode());
        self.reports.push((first, seq));
    }

    /// When a report was measured, by the collector's clock where its boot had a contact, else by the host's own: only
    /// good enough to gather by.
    fn time_of(&self, report: &Report) -> i64 {
        let anchor = self.anchors.iter().find(|anchor| anchor.boot == report.boot);
        anchor.map_or(report.wall_ms, |anchor| {
            let started_ms = anchor.collector_ms.saturating_sub_unsigned(anchor.boot_ms);
            started_ms.saturating_add_unsigned(report.boot_ms)
        })
    }

    fn kinds(&self, catalogue: CatalogueId) -> Vec<Kind> {
        self.catalogues.get(&catalogue).map(|(_, kinds)| kinds.clone()).unwrap_or_default()
    }

    fn finish(self, state: &Start, (from, next): (Seq, Seq)) -> Rewritten {
        let mut ledger = self.ledger.clone();
        let lost: u64 =
            self.spans.iter().map(|(first, last)| ledger.keep(*first, *last, &self.reports)).sum();
        let (thinned, dropped) = (state.thinned + self.thinned, state.dropped + lost);
        let mut start = self.start.unwrap_or_default();
        if from < next {
            let (had, kept) = (ranges_of(vec![(from, next - 1)]), ranges_of(self.reports.clone()));
            let gone = difference(&had, &kept);
            gone.iter().for_each(|(first, last)| start.settled.insert_range(*first, *last));
        }
        let next_seq = start.next_seq.max(1);
        let spool: SpoolId = state.spool;
        let gone_below = state.gone_below;
        let start = Start { spool, next_seq, thinned, dropped, gone_below, ..start };
        let bytes = [Record::Start(start).encode(), self.body].concat();
        Rewritten { bytes, reports: self.reports, ledger, thinned, dropped }
    }
}

/// Writes a whole file, and puts it in another's place once it is on the disk.
fn write_in_place(disk: &mut dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension(UNFINISHED_SEGMENT);
    let written = write_whole(disk, &unfinished, bytes, None).or_else(|error| {
        // On a full disk there is still the room that is kept for the next segment.
        let spare = path.with_file_name(SPARE);
        if is_full(&error) { write_whole(disk, &unfinished, bytes, Some(&spare)) } else { Err(error) }
    });
    let placed = written.and_then(|()| disk.replace(&unfinished, path));
    if placed.is_err() {
        disk.remove(&unfinished).ok();
    }
    placed
}

fn write_whole(disk: &mut dyn Disk, path: &Path, bytes: &[u8], spare: Option<&Path>) -> io::Result<()> {
    let file = match spare {
        None => File::create(path)?,
        Some(spare) => {
            disk.replace(spare, path)?;
            OpenOptions::new().append(true).open(path)?
        }
    };
    disk.write(&file, bytes)?;
    file.set_len(bytes.len() as u64)?;
    disk.sync(&file)
}

#[cfg(test)]
mod tests;
