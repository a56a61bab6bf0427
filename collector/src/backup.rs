//! Backups: all that a collector keeps, in one encrypted file, and back.
//!
//! Owns what belongs in a backup and in which order it is read. A backup is made beside a running collector: days of
//! history first, then the state with its log, while the log is kept from being trimmed ([`hold`]). So whatever a day
//! does not have yet is still in the log, and no day knows of rows that the log will number anew. Revocations stay out:
//! their file is beside the store so that restoring an older one does not undo them.

mod archive;
pub mod hold;
mod sealed;

use crate::clock::Clock;
use crate::pki::{self, PkiError};
use crate::series::tier::Tier;
use crate::store::StoreError;
use crate::store::sqlite::audit::{self, Actor};
use crate::store::sqlite::{self, copy, enrollment, session};
use archive::{After, Archive};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The authority's folder.
const PKI: &str = "pki";
/// The folder of the days of history.
const SERIES: &str = "series";
/// The state and its log.
const STATE: &str = "state.db";
/// Folder, below the data folder, of the copy that is being packed.
const COPY_DIR: &str = "backup.tmp";
/// Folder, below the data folder, that a backup is unpacked into before it takes its place.
const RESTORE_DIR: &str = "restore.tmp";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// When it was made, milliseconds since 1970.
    pub made_ms: i64,
    /// The release that made it.
    pub release: String,
    /// Files in it.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Agents that its store knows.
    pub agents: u64,
    /// Bytes of the backup itself.
    pub packed_bytes: u64,
}

/// Why a backup was not made, not read, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What would be overwritten.
    #[error("{0} is there already and is not overwritten")]
    Exists(PathBuf),
    /// Another backup of the same store is being made.
    #[error("another backup is being made of {0}")]
    Held(PathBuf),
    /// The log was trimmed before everything was read: the disk is far too slow.
    #[error("reading the store took longer than {} hours", hold::HELD_MS_MAX / 3_600_000)]
    TooSlow,
    /// A file that does not begin as a backup does.
    #[error("{0} is not a backup of Trạm")]
    Foreign(PathBuf),
    /// The passphrase is another, or the beginning of the file was changed.
    #[error("{0}: the passphrase is not the one that it was made with, or its beginning is damaged")]
    Passphrase(PathBuf),
    /// The file was changed or cut.
    #[error("{path}: damaged or cut short: {what}")]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The authority in it is none.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts a path before an error.
fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |source| BackupError::File { path: path.to_owned(), source }
}

/// Makes a backup of the store in `data_dir`, which may be in use, and reads it again before it gets its name.
pub fn write(data_dir: &Path, file: &Path, passphrase: &str, clock: &Clock) -> Result<Contents, BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let part = beside(file, "part");
    let written = pack(data_dir, &part, passphrase, clock).and_then(|()| verify(&part, passphrase));
    if written.is_err() {
        // What failed says why; the half file says nothing.
        fs::remove_file(&part).ok();
        return written;
    }
    fs::rename(&part, file).map_err(at(file))?;
    sync_dir(file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    written
}

/// Reads a whole backup and checks it: every byte, every database, the authority's key.
pub fn verify(file: &Path, passphrase: &str) -> Result<Contents, BackupError> {
    let dir = Scratch::new(beside(file, "check"))?;
    let contents = archive::unpack(file, passphrase, &dir.0, After::Drop)?;
    pki::check(&dir.0)?;
    Ok(contents)
}

/// Puts a backup's store into `data_dir`, which must not have one. Nothing is in its place before all of it was
/// checked. Sessions and enrolment tokens end: some were ended or used up since.
pub fn restore(
    file: &Path,
    passphrase: &str,
    data_dir: &Path,
    actor: &Actor,
    now_ms: i64,
) -> Result<Contents, BackupError> {
    for name in [STATE, PKI, SERIES] {
        let path = data_dir.join(name);
        if path.exists() {
            return Err(BackupError::Exists(path));
        }
    }
    let dir = Scratch::new(data_dir.join(RESTORE_DIR))?;
    let contents = archive::unpack(file, passphrase, &dir.0, After::Keep)?;
    pki::check(&dir.0)?;
    after_restore(&dir.0, &contents, actor, now_ms)?;
    give_to_owner_of(data_dir, &dir.0)?;
    // The state last: a collector that starts before it is there would begin anew, and one that finds it has the rest.
    for name in [PKI, SERIES, STATE] {
        let from = dir.0.join(name);
        if from.exists() {
            fs::rename(&from, data_dir.join(name)).map_err(at(&from))?;
        }
    }
    sync_dir(data_dir)?;
    Ok(contents)
}

/// What must not come back as it was, and a line in the audit.
fn after_restore(dir: &Path, contents: &Contents, actor: &Actor, now_ms: i64) -> Result<(), BackupError> {
    let mut writer = sqlite::open_writer(dir)?;
    let transaction = writer.transaction().map_err(StoreError::from)?;
    session::delete_all(&transaction)?;
    enrollment::end_all(&transaction, now_ms)?;
    let detail = format!("{{\"made_ms\":{}}}", contents.made_ms);
    audit::insert(&transaction, actor, "store.restore", "store", &detail, now_ms)?;
    transaction.commit().map_err(StoreError::from)?;
    writer.close().map_err(|(_, error)| StoreError::from(error))?;
    Ok(())
}

fn pack(data_dir: &Path, part: &Path, passphrase: &str, clock: &Clock) -> Result<(), BackupError> {
    let held = hold::Hold::take(data_dir, clock)?;
    let copies = Scratch::new(data_dir.join(COPY_DIR))?;
    // One that an interrupted run left is nobody's.
    let mut options = fs::OpenOptions::new();
    let out = options.write(true).create(true).truncate(true).mode(0o600).open(part).map_err(at(part))?;
    let mut archive = Archive::begin(out, part, passphrase)?;
    for path in names(&data_dir.join(PKI))? {
        archive.add(&format!("{PKI}/{path}"), &data_dir.join(PKI).join(&path), clock.now_ms())?;
    }
    for name in days(&data_dir.join(SERIES))? {
        let copied = copies.0.join(&name);
        match copy::database(&data_dir.join(SERIES).join(&name), &copied) {
            Ok(()) => archive.add(&format!("{SERIES}/{name}"), &copied, clock.now_ms())?,
            // Its time was over while the others were read.
            Err(_) if !data_dir.join(SERIES).join(&name).exists() => continue,
            Err(error) => return Err(error.into()),
        }
        fs::remove_file(&copied).map_err(at(&copied))?;
    }
    let copied = copies.0.join(STATE);
    copy::database(&data_dir.join(STATE), &copied)?;
    if held.is_over(clock) {
        return Err(BackupError::TooSlow);
    }
    archive.add(STATE, &copied, clock.now_ms())?;
    archive.end(clock.now_ms())
}

/// The days of history, in the order in which they are to be read: what is rolled up after what it is made of, so that
/// a day that changes in between is rolled up again.
fn days(dir: &Path) -> Result<Vec<String>, BackupError> {
    let names = names(dir)?;
    let of = |tier: Tier| {
        let start = format!("{}-", tier.name());
        names.iter().filter(move |name| name.starts_with(&start) && name.ends_with(".db")).cloned()
    };
    Ok(Tier::ALL.into_iter().flat_map(of).collect())
}

/// The names in a folder, sorted; none when there is no such folder.
fn names(dir: &Path) -> Result<Vec<String>, BackupError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(dir)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(at(dir))?.file_name();
        names.extend(name.into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// `FILE.WHAT`.
fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}

fn sync_dir(dir: &Path) -> Result<(), BackupError> {
    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))
}

/// Whoever owns the data folder owns what is put into it: it is root who restores, and not root who serves.
fn give_to_owner_of(data_dir: &Path, dir: &Path) -> Result<(), BackupError> {
    let owner = fs::metadata(data_dir).map_err(at(data_dir))?;
    let is_theirs = |path: &Path| {
        fs::metadata(path).is_ok_and(|own| (own.uid(), own.gid()) == (owner.uid(), owner.gid()))
    };
    let mut paths = vec![dir.to_owned()];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            for name in names(&path)? {
                paths.push(path.join(name));
            }
        }
        if !is_theirs(&path) {
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// A folder for its owner only, which goes with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(dir: PathBuf) -> Result<Self, BackupError> {
        // One that an interrupted run left holds nothing that anybody needs.
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&dir)(error)),
            Ok(()) | Err(_) => {}
        }
        fs::DirBuilder::new().mode(0o700).create(&dir).map_err(at(&dir))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
