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
use crate::model::text::Text;
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
    /// A folder that is to take a backup is not there.
    #[error("{0}: there is no such folder")]
    NoFolder(PathBuf),
    /// A folder where a backup's file was expected.
    #[error("{0} is a folder; name the backup's file")]
    IsFolder(PathBuf),
    /// A disk is full: the one that this folder is on.
    #[error("the disk that holds {0} is full")]
    Full(PathBuf),
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
    /// The passphrase is another, or the beginning of the file was changed or is all that is left of it.
    #[error("{0}: the passphrase is not the one that it was made with, or the file is damaged or cut short")]
    Passphrase(PathBuf),
    /// The file was changed or cut.
    #[error("{path}: damaged or cut short: {en}", en = what.en)]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// What is wrong.
        what: Text,
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
    let folder = folder_of(file);
    if !folder.is_dir() {
        return Err(BackupError::NoFolder(folder.to_owned()));
    }
    let part = beside(file, "part");
    let packed = pack(data_dir, &part, passphrase, clock).map_err(|error| full(error, data_dir, folder));
    let written = packed.and_then(|()| verify(&part, passphrase));
    if written.is_err() {
        // What failed says why; the half file says nothing.
        fs::remove_file(&part).ok();
        return written;
    }
    fs::rename(&part, file).map_err(at(file))?;
    sync_dir(folder)?;
    written
}

/// The folder that a file is to lie in; one that ends with a slash is a folder itself.
fn folder_of(file: &Path) -> &Path {
    if file.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return file;
    }
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Names the folder whose disk is full, where that is what went wrong: whoever asked for a backup knows the data folder
/// and the backup's, and not what is made in them meanwhile.
fn full(error: BackupError, data_dir: &Path, folder: &Path) -> BackupError {
    if let BackupError::File { path, source } = &error
        && source.kind() == io::ErrorKind::StorageFull
    {
        let of = if path.starts_with(data_dir) { data_dir } else { folder };
        return BackupError::Full(of.to_owned());
    }
    // Only copies of the state and of its history are written through the database: they lie in the data folder.
    let is_copy = matches!(&error, BackupError::Store(store) if store.is_disk_full());
    if is_copy { BackupError::Full(data_dir.to_owned()) } else { error }
}

/// Refuses what cannot be a backup's file before anything is made for it.
fn expect_file(file: &Path) -> Result<(), BackupError> {
    match fs::metadata(file).map_err(at(file))?.is_dir() {
        true => Err(BackupError::IsFolder(file.to_owned())),
        false => Ok(()),
    }
}

/// Reads a whole backup and checks it: every byte, every database, the authority's key.
pub fn verify(file: &Path, passphrase: &str) -> Result<Contents, BackupError> {
    expect_file(file)?;
    let dir = Scratch::new(beside(file, "check"))?;
    let folder = folder_of(file);
    let unpacked = archive::unpack(file, passphrase, &dir.0, After::Drop);
    let contents = unpacked.map_err(|error| full(error, folder, folder))?;
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
    expect_file(file)?;
    let dir = Scratch::new(data_dir.join(RESTORE_DIR))?;
    let unpacked = archive::unpack(file, passphrase, &dir.0, After::Keep);
    let contents = unpacked.map_err(|error| full(error, data_dir, data_dir))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_by_the_folder_that_people_know() {
        let (data, target) = (Path::new("/data"), Path::new("/media/usb"));
        let file =
            |path: &str, kind: io::ErrorKind| BackupError::File { path: path.into(), source: kind.into() };
        let said = |error| full(error, data, target).to_string();
        let no_room = io::ErrorKind::StorageFull;
        assert_eq!(said(file("/media/usb/x.part", no_room)), "the disk that holds /media/usb is full");
        assert_eq!(said(file("/data/backup.tmp/state.db", no_room)), "the disk that holds /data is full");
        let sqlite = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let store = StoreError::Database(rusqlite::Error::SqliteFailure(sqlite, None));
        assert_eq!(said(store.into()), "the disk that holds /data is full");
        assert!(said(file("/media/usb/x.part", io::ErrorKind::NotFound)).starts_with("/media/usb/x.part: "));
    }

    #[test]
    fn a_file_lies_in_its_folder_and_a_slash_at_the_end_means_one() {
        for (file, folder) in [("x", "."), ("/a/x", "/a"), ("a/x", "a"), ("a/x/", "a/x/")] {
            assert_eq!(folder_of(Path::new(file)), Path::new(folder));
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(verify(dir.path(), "x"), Err(BackupError::IsFolder(_))));
        let missing = dir.path().join("no/tram.backup");
        let written = write(dir.path(), &missing, "x", &Clock::system());
        assert_eq!(
            written.unwrap_err().to_string(),
            format!("{}/no: there is no such folder", dir.path().display())
        );
    }
}
