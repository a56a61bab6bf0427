//! Opening a spool: which directory, what is in its segments, where its sound part ends.

use super::ledger::Ledger;
use super::record::{Record, Start};
use super::segment::{Disk, Index, RealDisk, Visited, Writer, sync_directory, visit};
use super::{Segment, Spool, SpoolError};
use crate::system;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tram_proto::id::{Seq, SpoolId};

/// Ending of a directory that is not a spool yet.
const UNFINISHED: &str = "new";

impl Spool {
    /// Opens the spool below `root`, or makes one. It never holds more than about `bytes_max` bytes.
    ///
    /// A torn tail is cut off; damaged records cost only themselves and are counted as dropped. A disk that is full
    /// does not keep it from opening.
    pub fn open(root: &Path, bytes_max: u64) -> Result<Self, SpoolError> {
        Self::open_with(root, bytes_max, Box::new(RealDisk))
    }

    /// The same on a disk of the caller's.
    pub fn open_with(root: &Path, bytes_max: u64, disk: Box<dyn Disk>) -> Result<Self, SpoolError> {
        let failed = |why| SpoolError::Io { directory: root.to_owned(), why };
        system::private_directory(root).map_err(failed)?;
        let mut spools = Vec::new();
        for id in directories(root).map_err(failed)? {
            spools.push(Self::load(root, id, bytes_max).map_err(failed)?);
        }
        let replaced: Vec<SpoolId> = spools.iter().filter_map(|spool| spool.state.replaces).collect();
        let mut spool = match spools.into_iter().find(|spool| !replaced.contains(&spool.id())) {
            Some(spool) => spool,
            None => {
                let spool = Self::make(root, bytes_max, None)?;
                spool.settle_directory().map_err(failed)?
            }
        };
        for old in replaced {
            let old = root.join(old.to_string());
            if old.exists() {
                fs::remove_dir_all(&old).map_err(failed)?;
            }
        }
        spool.disk = disk;
        spool.resume();
        spool.leave_if_doubtful();
        Ok(spool)
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
    pub(super) fn make(root: &Path, bytes_max: u64, replaces: Option<SpoolId>) -> Result<Self, SpoolError> {
        let failed = |why: io::Error| SpoolError::Io { directory: root.to_owned(), why };
        let mut id = SpoolId::default();
        getrandom::fill(&mut id.0).map_err(|error| failed(io::Error::other(error)))?;
        let directory = root.join(format!("{id}.{UNFINISHED}"));
        fs::create_dir(&directory).map_err(failed)?;
        let state = Start { spool: id, replaces, next_seq: 1, ..Start::default() };
        Ok(Self::empty(root, directory, bytes_max, state))
    }

    fn empty(root: &Path, directory: PathBuf, bytes_max: u64, state: Start) -> Self {
        Self {
            root: root.to_owned(),
            directory,
            bytes_max,
            disk: Box::new(RealDisk),
            segments: BTreeMap::new(),
            writer: None,
            index: Index::default(),
            read_last: None,
            is_doubtful: false,
            ledger: Ledger::default(),
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

    fn load(root: &Path, id: SpoolId, bytes_max: u64) -> io::Result<Self> {
        let directory = root.join(id.to_string());
        let state = Start { spool: id, next_seq: 1, ..Start::default() };
        let mut spool = Self::empty(root, directory, bytes_max, state);
        for (number, path) in segment_files(&spool.directory)? {
            spool.load_segment(number, path)?;
        }
        spool.state.next_seq =
            spool.state.next_seq.max(spool.ledger.highest().map_or(1, |highest| highest + 1));
        Ok(spool)
    }

    fn load_segment(&mut self, number: u64, path: PathBuf) -> io::Result<()> {
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
        let span =
            index.reports.first().zip(index.reports.last()).map(|((first, _), (last, _))| (*first, *last));
        if let Some((first, _)) = span {
            self.cut_above(first);
        }
        for record in records {
            self.take_in(record);
        }
        self.index = index;
        self.segments.insert(number, Segment { path, bytes, span });
        Ok(())
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
            Remembered::Report(seq) => self.ledger.hold(seq),
            Remembered::Start(start) if start.spool == self.state.spool => {
                self.ledger.settle(&start.settled);
                let replaces = start.replaces.or(self.state.replaces);
                let next_seq = start.next_seq.max(self.state.next_seq);
                self.state = Start { replaces, next_seq, settled: Default::default(), ..start };
            }
            Remembered::Start(_) => {}
            Remembered::Settled(settled) => {
                self.apply(&settled);
            }
            Remembered::Anchor(anchor) => self.remember(anchor),
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

/// What is kept of a record when opening.
enum Remembered {
    Start(Start),
    Report(Seq),
    Settled(super::Settled),
    Anchor(tram_proto::report::Anchor),
}

impl Remembered {
    fn of(record: Record<'_>) -> Option<Self> {
        match record {
            Record::Start(start) => Some(Self::Start(start)),
            Record::Report(report) => Some(Self::Report(report.seq)),
            Record::Settled(settled) => Some(Self::Settled(settled)),
            Record::Anchor(anchor) => Some(Self::Anchor(anchor)),
            Record::Catalogue(..) => None,
        }
    }
}

/// The spools below `root`; unfinished ones are removed.
fn directories(root: &Path) -> io::Result<Vec<SpoolId>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == UNFINISHED) {
            fs::remove_dir_all(&path)?;
        } else if path.is_dir()
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
        if path.extension().is_some_and(|ending| ending == "segment")
            && let Some(number) = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok())
        {
            files.insert(number, path);
        }
    }
    Ok(files)
}
