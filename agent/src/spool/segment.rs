//! One file of the spool: appending with sync, reading back. Knows nothing of numbers, acks or which segment is next.

use super::record::{HEADER_BYTES, RECORD_BYTES_MAX, Record, is_torn, scan};
use crate::system;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tram_proto::id::{CatalogueId, Seq};

/// The disk under the spool, so that tests can make it full or failing.
pub trait Disk: Send {
    /// Appends bytes to a file.
    fn write(&mut self, file: &File, bytes: &[u8]) -> io::Result<()>;

    /// Returns once everything written to a file is on the disk.
    fn sync(&mut self, file: &File) -> io::Result<()>;
}

/// The real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn write(&mut self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// Name of the empty file that the next segment is made of.
const SPARE: &str = "spare";

/// The segment that is appended to.
#[derive(Debug)]
pub(crate) struct Writer {
    file: File,
    path: PathBuf,
    bytes: u64,
    /// Set when the kernel may have lost what was written: nothing more goes into this file.
    poisoned: bool,
}

/// Why bytes were not appended.
#[derive(Debug)]
pub(crate) enum AppendFailed {
    /// Nothing of them is in the file, which may be used on.
    Clean(io::Error),
    /// What is in the file is unknown: it must not be appended to again.
    Poisoned(io::Error),
}

impl Writer {
    /// Makes a segment and reserves `reserve_bytes` for it, so that a disk that fills up later does not stop it.
    ///
    /// A spare is taken if there is one, and another is made: so the next segment can begin, and free an older one, on
    /// a disk that is full.
    pub(crate) fn create(path: PathBuf, reserve_bytes: u64) -> io::Result<Self> {
        let spare = path.with_file_name(SPARE);
        let is_spared = spare.exists() || reserve(&spare, reserve_bytes).is_ok();
        if is_spared {
            std::fs::rename(&spare, &path)?;
        }
        // Without a reservation there may still be room for a while.
        let file = system::open_to_append(OpenOptions::new().create(!is_spared), &path)?;
        if let Err(error) = reserve(&spare, reserve_bytes) {
            tracing::debug!(%error, "no space for a spare spool file");
        }
        sync_directory(&path)?;
        Ok(Self { file, path, bytes: 0, poisoned: false })
    }

    /// Goes on with a segment whose last sound record ends at `bytes`; what follows is cut off.
    pub(crate) fn reopen(path: PathBuf, bytes: u64) -> io::Result<Self> {
        let file = system::open_to_append(&mut OpenOptions::new(), &path)?;
        if file.metadata()?.len() != bytes {
            system::cut(&file, bytes)?;
            file.sync_data()?;
        }
        Ok(Self { file, path, bytes, poisoned: false })
    }

    /// Appends, and with `durable` returns only when the bytes are on the disk.
    pub(crate) fn append(
        &mut self,
        disk: &mut dyn Disk,
        bytes: &[u8],
        durable: bool,
    ) -> Result<(), AppendFailed> {
        if self.poisoned {
            return Err(AppendFailed::Poisoned(io::Error::other(
                "an earlier write or sync of this file failed",
            )));
        }
        if let Err(error) = disk.write(&self.file, bytes) {
            return match system::cut(&self.file, self.bytes) {
                Ok(()) => Err(AppendFailed::Clean(error)),
                Err(_) => Err(self.poison(error)),
            };
        }
        if durable && let Err(error) = disk.sync(&self.file) {
            return Err(self.poison(error));
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn poison(&mut self, error: io::Error) -> AppendFailed {
        self.poisoned = true;
        tracing::error!(path = %self.path.display(), %error, "spool file is given up: it could not be written safely");
        AppendFailed::Poisoned(error)
    }

    /// Bytes in it.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives back what was reserved and not used.
    pub(crate) fn close(self) {
        if let Err(error) = system::cut(&self.file, self.bytes) {
            tracing::debug!(path = %self.path.display(), %error, "cannot give back reserved space");
        }
    }
}

/// Where a segment's records are.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Reports by number, ascending.
    pub(crate) reports: Vec<(Seq, u64)>,
    /// Catalogues.
    pub(crate) catalogues: BTreeMap<CatalogueId, u64>,
}

impl Index {
    /// Notes a record's place.
    pub(crate) fn note(&mut self, offset: u64, record: &Record<'_>) {
        match record {
            Record::Report(report) => self.reports.push((report.seq, offset)),
            Record::Catalogue(id, _) => {
                self.catalogues.insert(*id, offset);
            }
            Record::Start(_) | Record::Settled(_) | Record::Anchor(_) => {}
        }
    }

    /// Where a report is.
    pub(crate) fn report(&self, seq: Seq) -> Option<u64> {
        let place = self.reports.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        self.reports.get(place).map(|(_, offset)| *offset)
    }
}

/// Reads the bytes of the record at `offset`, which may turn out to be damaged.
pub(crate) fn read_record(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    system::read_exact_at(file, &mut length, offset)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > RECORD_BYTES_MAX {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut bytes = vec![0; HEADER_BYTES + length];
    system::read_exact_at(file, &mut bytes, offset)?;
    Ok(bytes)
}

/// Makes an empty file with space reserved for it.
fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    system::reserve(&file, bytes).inspect_err(|_| {
        // What is left of a failed try only stands in the way of the next one.
        std::fs::remove_file(path).ok();
    })
}

/// What reading a whole segment came to.
#[derive(Debug)]
pub(crate) struct Visited {
    /// Where the last sound record ends.
    pub(crate) bytes: u64,
    /// Damaged records before that.
    pub(crate) damaged: u64,
    /// Whether it begins as every segment does, and ends soundly or as a power cut leaves it.
    pub(crate) is_whole: bool,
}

/// Reads a whole segment and visits its records.
pub(crate) fn visit(path: &Path, visit: impl FnMut(usize, Record<'_>)) -> io::Result<Visited> {
    let bytes = std::fs::read(path)?;
    let (end, damaged) = scan(&bytes, visit);
    let begins = end == 0 || matches!(Record::decode(&bytes, 0), Ok((Record::Start(_), _)));
    let is_whole = begins && is_torn(bytes.get(end..).unwrap_or_default());
    Ok(Visited { bytes: end as u64, damaged, is_whole })
}

/// Makes the creation or removal of `path` itself durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), system::sync_directory)
}
