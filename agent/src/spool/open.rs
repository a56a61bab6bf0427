//! Opening a spool: which directory, what is in its segments, where its sound part ends.

use super::ledger::Ledger;
use super::record::{Record, Sent, Start};
use super::segment::{Disk, Index, RealDisk, Visited, Writer, sync_directory, visit};
use super::thin::UNFINISHED_SEGMENT;
use super::{Bounds, Segment, Spool, SpoolError};
use crate::system;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tram_proto::id::{Seq, SpoolId};
use tram_proto::ranges::Ranges;

/// Ending of segments; other files in a spool's directory count for nothing.
const SEGMENT: &str = "segment";
/// Ending of a directory that is not a spool yet.
const UNFINISHED: &str = "new";

impl Spool {
    /// Opens the spool below `root`, or makes one. It never takes more than about `bounds.bytes_max` bytes.
    ///
    /// A torn tail is cut off; damaged records cost only themselves and are counted as dropped. A disk that is full
    /// does not keep it from opening.
    pub fn open(root: &Path, bounds: Bounds) -> Result<Self, SpoolError> {
        Self::open_with(root, bounds, Box::new(RealDisk))
    }

    /// The same on a disk of the caller's.
    pub fn open_with(root: &Path, bounds: Bounds, disk: Box<dyn Disk>) -> Result<Self, SpoolError> {
        let failed = |why| SpoolError::Io { directory: root.to_owned(), why };
        system::private_directory(root).map_err(failed)?;
        let mut spools = Vec::new();
        for id in directories(root).map_err(failed)? {
            spools.push(Self::load(root, id, bounds).map_err(failed)?);
        }
        let replaced: Vec<SpoolId> = spools.iter().filter_map(|(spool, _)| spool.state.replaces).collect();
        let found = spools.into_iter().find(|(spool, _)| !replaced.contains(&spool.id()));
        let (mut spool, Found { damaged, answered }) = match found {
            Some(found) => found,
            None => {
                let spool = Self::make(root, bounds, None)?;
                (spool.settle_directory().map_err(failed)?, Found::default())
            }
        };
        for old in replaced {
            let old = root.join(old.to_string());
            if old.exists() {
                fs::remove_dir_all(&old).map_err(failed)?;
            }
        }
        spool.disk = disk;
        spool.tidy();
        let mended = damaged.iter().flat_map(|(number, count)| spool.mend(*number, *count, &answered));
        let lost: Vec<(Seq, Seq)> = mended.collect();
        spool.assume_sent();
        spool.resume();
        if !damaged.is_empty() {
            // What was mended may have been the last one, with answers that nothing else says; and what could not be
            // mended is not to be counted again.
            spool.write_start_without(&lost);
        }
        spool.leave_if_doubtful();
        Ok(spool)
    }

    /// The spool below `root` as it is now, to look at while another process may be writing to it: nothing is made,
    /// mended or removed, and it cannot be appended to. Where there is none it is an empty one without an id.
    pub fn look(root: &Path, bounds: Bounds) -> Result<Self, SpoolError> {
        let failed = |why| SpoolError::Io { directory: root.to_owned(), why };
        let mut spools = Vec::new();
        for id in identified(root).map_err(failed)? {
            spools.push(Self::load(root, id, bounds).map_err(failed)?.0);
        }
        let replaced: Vec<SpoolId> = spools.iter().filter_map(|spool| spool.state.replaces).collect();
        let found = spools.into_iter().find(|spool| !replaced.contains(&spool.id()));
        let none = || Self::empty(root, root.to_owned(), bounds, Start { next_seq: 1, ..Start::default() });
        Ok(found.unwrap_or_else(none))
    }

    /// Reports that the collector has may be gone from the files, and their numbers with them. Given out again, the
    /// numbers would name other reports, which the collector would take for known: only a new spool is safe.
    fn leave_if_doubtful(&mut self) {
        if !self.is_doubtful {
            return;
        }
        tracing::warn!(spool = %self.id(), "spool has lost records that may have been sent; a new one begins");
        if let Err(error) = self.start_anew() {
            tracing::error!(%error, "cannot begin a new spool; numbers may be used twice");
        }
    }

    /// Makes an empty spool in a directory that does not count until it is renamed.
    pub(super) fn make(root: &Path, bounds: Bounds, replaces: Option<SpoolId>) -> Result<Self, SpoolError> {
        let failed = |why: io::Error| SpoolError::Io { directory: root.to_owned(), why };
        let mut id = SpoolId::default();
        getrandom::fill(&mut id.0).map_err(|error| failed(io::Error::other(error)))?;
        let directory = root.join(format!("{id}.{UNFINISHED}"));
        fs::create_dir(&directory).map_err(failed)?;
        let state = Start { spool: id, replaces, next_seq: 1, ..Start::default() };
        Ok(Self::empty(root, directory, bounds, state))
    }

    fn empty(root: &Path, directory: PathBuf, bounds: Bounds, state: Start) -> Self {
        Self {
            root: root.to_owned(),
            directory,
            bounds,
            disk: Box::new(RealDisk),
            segments: BTreeMap::new(),
            writer: None,
            index: Index::default(),
            read_last: None,
            is_doubtful: false,
            ledger: Ledger::default(),
            departed: Vec::new(),
            gone: Vec::new(),
            state,
        }
    }

    fn settle_directory(mut self) -> io::Result<Self> {
        let settled = self.root.join(self.id().to_string());
        fs::rename(&self.directory, &settled)?;
        sync_directory(&settled)?;
        self.directory = settled;
        Ok(self)
    }

    /// The spool in a directory, and what was found besides.
    fn load(root: &Path, id: SpoolId, bounds: Bounds) -> io::Result<(Self, Found)> {
        let directory = root.join(id.to_string());
        let state = Start { spool: id, next_seq: 1, ..Start::default() };
        let mut spool = Self::empty(root, directory, bounds, state);
        let mut found = Found::default();
        for (number, path) in segment_files(&spool.directory)? {
            let count = spool.load_segment(number, path, &mut found.answered)?;
            found.damaged.extend((count > 0).then_some((number, count)));
        }
        spool.state.next_seq =
            spool.state.next_seq.max(spool.ledger.highest().map_or(1, |highest| highest + 1));
        Ok((spool, found))
    }

    /// Takes a segment in, and adds what it says was answered; returns how many of its records are damaged.
    fn load_segment(&mut self, number: u64, path: PathBuf, answered: &mut Ranges) -> io::Result<u64> {
        self.index = Index::default();
        let mut records = Vec::new();
        let mut index = Index::default();
        let Visited { bytes, damaged, is_whole } = visit(&path, |offset, record| {
            index.note(offset as u64, &record);
            records.extend(Remembered::of(record));
        })?;
        self.is_doubtful |= !is_whole;
        if damaged > 0 {
            tracing::warn!(path = %path.display(), damaged, "spool has damaged records; they are left out");
        }
        let first = records.iter().find_map(|record| match record {
            Remembered::Report(first, _) => Some(*first),
            Remembered::Start(_) | Remembered::Settled(_) | Remembered::Anchor(_) | Remembered::Sent(_) => {
                None
            }
        });
        let span = first.zip(index.reports.last()).map(|(first, (last, _))| (first, *last));
        if let Some((first, _)) = span {
            self.cut_above(first);
        }
        self.state.begun_ms = 0;
        let from = records.iter().find_map(|record| match record {
            Remembered::Start(start) => Some(start.next_seq),
            Remembered::Report(..) | Remembered::Settled(_) | Remembered::Anchor(_) | Remembered::Sent(_) => {
                None
            }
        });
        // Where that is damaged, it goes on from the one before, or from what is there.
        let before = self.segments.values().next_back();
        let follows = before.map(|before| before.span.map_or(before.from, |(_, last)| last + 1));
        let follows = follows.or(span.map(|(first, _)| first));
        let from = from.or(follows).unwrap_or(1);
        for record in records {
            record.add_answered(answered);
            self.take_in(record);
        }
        self.index = index;
        let begun_ms = self.state.begun_ms;
        self.segments.insert(number, Segment { path, bytes, span, from, begun_ms, level: 0 });
        Ok(damaged)
    }

    /// A later segment says what a number is: an earlier one that could not be synced may still hold it too.
    fn cut_above(&mut self, first: Seq) {
        self.ledger.drop_range(first, Seq::MAX);
        for segment in self.segments.values_mut() {
            segment.span = segment
                .span
                .filter(|(start, _)| *start < first)
                .map(|(start, end)| (start, end.min(first - 1)));
        }
    }

    fn take_in(&mut self, record: Remembered) {
        match record {
            Remembered::Report(first, seq) => self.ledger.hold(first, seq),
            Remembered::Start(start) if start.spool == self.state.spool => self.take_in_start(start),
            Remembered::Start(_) => {}
            Remembered::Settled(settled) => {
                let numbers = settled.durable.as_slice().last().map(|(_, last)| *last);
                self.pass(numbers.into_iter().chain(settled.refused.iter().map(|refused| refused.seq)));
                self.apply(&settled);
            }
            Remembered::Anchor(anchor) => self.remember(anchor),
            Remembered::Sent(Sent { maybe, never }) => {
                self.pass(maybe.iter().map(|(_, last)| *last));
                self.ledger.mark_sent(&maybe);
                self.ledger.unmark_sent(&never);
            }
        }
    }

    /// Numbers that were sent are not given out again, even where their reports are damaged.
    fn pass(&mut self, sent: impl Iterator<Item = Seq>) {
        let next = sent.max().map_or(1, |last| last.saturating_add(1));
        self.state.next_seq = self.state.next_seq.max(next);
    }

    /// What a segment begins with is newer than what is known so far, but for what only ever rises: a segment that was
    /// written anew may have more of that than those after it.
    fn take_in_start(&mut self, start: Start) {
        self.ledger.settle(&start.settled);
        self.ledger.set_sent(start.sent);
        let before = std::mem::take(&mut self.state);
        self.state = Start {
            replaces: start.replaces.or(before.replaces),
            next_seq: start.next_seq.max(before.next_seq),
            dropped: start.dropped.max(before.dropped),
            thinned: start.thinned.max(before.thinned),
            gone_below: start.gone_below.max(before.gone_below),
            settled: Default::default(),
            sent: Default::default(),
            ..start
        };
    }

    /// Finishes what was under way when the agent ended: segments that were given up, files that are not segments yet.
    fn tidy(&mut self) {
        let gone_below = self.state.gone_below;
        self.ledger.drop_range(1, gone_below.saturating_sub(1));
        let is_gone = |segment: &Segment| segment.span.is_some_and(|(_, last)| last < gone_below);
        let gone: Vec<u64> =
            self.closed().filter(|(_, segment)| is_gone(segment)).map(|(number, _)| *number).collect();
        for number in gone {
            if let Some(segment) = self.segments.remove(&number) {
                self.disk.remove(&segment.path).ok();
            }
        }
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|ending| ending == UNFINISHED_SEGMENT) {
                self.disk.remove(&entry.path()).ok();
            }
        }
    }

    /// Goes on with the last segment, unless it cannot be written: then the next report begins another.
    fn resume(&mut self) {
        let Some((_, last)) = self.segments.last_key_value() else { return };
        match Writer::reopen(last.path.clone(), last.bytes) {
            Ok(writer) => {
                let is_blank = last.bytes == 0;
                self.writer = Some(writer);
                if is_blank {
                    let start = self.start();
                    self.write_lightly(start);
                }
            }
            Err(error) => tracing::warn!(path = %last.path.display(), %error, "spool begins a new file"),
        }
    }
}

/// What opening a spool finds besides its reports.
#[derive(Default)]
struct Found {
    /// Segments with damaged records, and how many.
    damaged: Vec<(u64, u64)>,
    /// Every number that was acknowledged, refused, or counted as lost, held or not, as far as the files still say.
    answered: Ranges,
}

/// What is kept of a record when opening.
enum Remembered {
    Start(Start),
    Report(Seq, Seq),
    Settled(super::Settled),
    Anchor(tram_proto::report::Anchor),
    Sent(Sent),
}

impl Remembered {
    fn of(record: Record<'_>) -> Option<Self> {
        match record {
            Record::Start(start) => Some(Self::Start(start)),
            Record::Report(report) => Some(Self::Report(report.first, report.seq)),
            Record::Settled(settled) => Some(Self::Settled(settled)),
            Record::Anchor(anchor) => Some(Self::Anchor(anchor)),
            Record::Sent(sent) => Some(Self::Sent(sent)),
            Record::Catalogue(..) => None,
        }
    }

    fn add_answered(&self, answered: &mut Ranges) {
        let numbers = match self {
            Self::Start(start) => &start.settled,
            Self::Settled(settled) => {
                settled.refused.iter().for_each(|refused| answered.insert_range(refused.seq, refused.seq));
                &settled.durable
            }
            Self::Report(..) | Self::Anchor(_) | Self::Sent(_) => return,
        };
        numbers.as_slice().iter().for_each(|(first, last)| answered.insert_range(*first, *last));
    }
}

/// The spools below `root`; unfinished ones are removed.
fn directories(root: &Path) -> io::Result<Vec<SpoolId>> {
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == UNFINISHED) {
            fs::remove_dir_all(&path)?;
        }
    }
    identified(root)
}

/// The spools below `root` by their ids; none where there is no such directory.
fn identified(root: &Path) -> io::Result<Vec<SpoolId>> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir()
            && let Some(id) = path.file_name().and_then(|name| name.to_str()?.parse().ok())
        {
            ids.push(id);
        }
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Segment files by number, ascending.
fn segment_files(directory: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == SEGMENT)
            && let Some(number) = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok())
        {
            files.insert(number, path);
        }
    }
    Ok(files)
}
