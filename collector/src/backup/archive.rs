//! What a backup is inside its seal: a tar archive, compressed. Its last file, [`MANIFEST`], names the others with
//! their lengths and digests, so that an archive without it is not whole.

use super::sealed::{self, Opening, Sealing, Unsealed};
use super::{BackupError, Contents, PKI, SERIES, STATE, at};
use crate::hex::hex;
use crate::model::text::Text;
use crate::store::sqlite::copy;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

/// The file that names all others.
const MANIFEST: &str = "manifest.json";
/// Bytes of it at most: some 100,000 files.
const MANIFEST_BYTES_MAX: u64 = 16 * 1_024 * 1_024;
/// How hard it is compressed: history is packed already, what is left is text and half-empty pages.
const LEVEL: i32 = 3;
/// Who can read a file that was unpacked.
const MODE: u32 = 0o600;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    made_ms: i64,
    release: String,
    files: BTreeMap<String, FileNote>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileNote {
    bytes: u64,
    sha256: String,
}

/// An archive that is being written.
pub(super) struct Archive {
    tar: tar::Builder<zstd::Encoder<'static, Sealing<BufWriter<File>>>>,
    files: BTreeMap<String, FileNote>,
    path: PathBuf,
}

impl Archive {
    pub(super) fn begin(out: File, path: &Path, passphrase: &str) -> Result<Self, BackupError> {
        let begin = || {
            let mut random = [0; sealed::RANDOM];
            getrandom::fill(&mut random).map_err(io::Error::other)?;
            let sealing = Sealing::begin(BufWriter::new(out), passphrase, random)?;
            zstd::Encoder::new(sealing, LEVEL)
        };
        let tar = tar::Builder::new(begin().map_err(at(path))?);
        Ok(Self { tar, files: BTreeMap::new(), path: path.to_owned() })
    }

    /// Adds a file under a name.
    pub(super) fn add(&mut self, name: &str, file: &Path, now_ms: i64) -> Result<(), BackupError> {
        let opened = File::open(file).map_err(at(file))?;
        let bytes = opened.metadata().map_err(at(file))?.len();
        let mut digesting = Digesting { from: opened.take(bytes), digest: Sha256::new() };
        let mut header = header(bytes, now_ms);
        self.tar.append_data(&mut header, name, &mut digesting).map_err(at(&self.path))?;
        let sha256 = hex(&digesting.digest.finalize());
        self.files.insert(name.to_owned(), FileNote { bytes, sha256 });
        Ok(())
    }

    /// Writes the manifest and the end. On disk when this returns.
    pub(super) fn end(mut self, now_ms: i64) -> Result<(), BackupError> {
        let release = env!("CARGO_PKG_VERSION").to_owned();
        let manifest = Manifest { made_ms: now_ms, release, files: self.files };
        let end = || {
            let text = serde_json::to_vec(&manifest)?;
            let mut header = header(text.len() as u64, now_ms);
            self.tar.append_data(&mut header, MANIFEST, text.as_slice())?;
            let out = self.tar.into_inner()?.finish()?.end()?;
            out.into_inner().map_err(|error| error.into_error())?.sync_all()
        };
        end().map_err(at(&self.path))
    }
}

fn header(bytes: u64, now_ms: i64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(MODE);
    header.set_mtime(now_ms.max(0).unsigned_abs() / 1_000);
    header
}

/// Whether what was unpacked and checked stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It is wanted.
    Keep,
    /// It was only to be checked; but the authority's files stay.
    Drop,
}

/// Unpacks a backup into a folder and checks every file of it.
pub(super) fn unpack(
    file: &Path,
    passphrase: &str,
    dir: &Path,
    after: After,
) -> Result<Contents, BackupError> {
    let opened = File::open(file).map_err(at(file))?;
    let packed_bytes = opened.metadata().map_err(at(file))?.len();
    let unsealed = |error| unsealed(file, error);
    let opening = Opening::begin(BufReader::new(opened), passphrase).map_err(unsealed)?;
    let mut tar = tar::Archive::new(zstd::Decoder::new(opening).map_err(unsealed)?);
    let mut found = BTreeMap::new();
    let mut agents = None;
    let mut manifest: Option<Manifest> = None;
    for entry in tar.entries().map_err(unsealed)? {
        let mut entry = entry.map_err(unsealed)?;
        let name = entry.path().map_err(unsealed)?.to_string_lossy().into_owned();
        if name == MANIFEST {
            let mut text = Vec::new();
            entry.by_ref().take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(unsealed)?;
            manifest = Some(serde_json::from_slice(&text).map_err(|error| damaged(file, &error, &error))?);
            continue;
        }
        if !is_expected(&name) || !entry.header().entry_type().is_file() {
            return Err(damaged(
                file,
                format!("{name} không thuộc về nó"),
                format!("{name} does not belong in it"),
            ));
        }
        let to = dir.join(&name);
        let note = write_out(&mut entry, &to).map_err(|error| match error {
            WriteOut::Read(error) => unsealed(error),
            WriteOut::Write(error) => at(&to)(error),
        })?;
        if name.ends_with(".db") {
            if let Some(fault) = copy::fault(&to)? {
                return Err(damaged(file, format!("{name}: {fault}"), format!("{name}: {fault}")));
            }
            if name == STATE {
                agents = Some(copy::agents(&to)?);
            }
            if after == After::Drop {
                fs::remove_file(&to).map_err(at(&to))?;
            }
        }
        found.insert(name, note);
    }
    // Whatever lies behind the archive's end belongs to the seal, whose last chunk must be there.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(unsealed)?;
    let unlisted = || damaged(file, "thiếu danh sách các tệp", "the list of its files is missing");
    let manifest = manifest.ok_or_else(unlisted)?;
    compare(file, &manifest.files, &found)?;
    Ok(Contents {
        made_ms: manifest.made_ms,
        release: manifest.release,
        files: found.len(),
        bytes: found.values().map(|note| note.bytes).sum(),
        agents: agents.ok_or_else(|| missing(file, STATE))?,
        packed_bytes,
    })
}

fn compare(
    file: &Path,
    expected: &BTreeMap<String, FileNote>,
    found: &BTreeMap<String, FileNote>,
) -> Result<(), BackupError> {
    for (name, note) in expected {
        match found.get(name) {
            None => return Err(missing(file, name)),
            Some(found) if found != note => {
                let (vi, en) =
                    (format!("{name} không như lúc được ghi"), format!("{name} is not as it was written"));
                return Err(damaged(file, vi, en));
            }
            Some(_) => {}
        }
    }
    match found.keys().find(|name| !expected.contains_key(*name)) {
        Some(name) => Err(damaged(
            file,
            format!("{name} không có trong danh sách"),
            format!("{name} is not in its list"),
        )),
        None => Ok(()),
    }
}

/// Whether a file belongs in a backup: nothing is ever written anywhere else.
fn is_expected(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let folder = match (parts.next(), parts.next(), parts.next()) {
        (Some(Component::Normal(file)), None, None) => return file == STATE,
        (Some(Component::Normal(folder)), Some(Component::Normal(_)), None) => folder,
        _ => return false,
    };
    folder == PKI || (folder == SERIES && name.ends_with(".db"))
}

enum WriteOut {
    Read(io::Error),
    Write(io::Error),
}

fn write_out(from: &mut impl Read, to: &Path) -> Result<FileNote, WriteOut> {
    if let Some(folder) = to.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(WriteOut::Write)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut out = options.write(true).create_new(true).mode(MODE).open(to).map_err(WriteOut::Write)?;
    let (mut bytes, mut digest) = (0, Sha256::new());
    let mut buffer = vec![0; 64 * 1_024];
    loop {
        let read = from.read(&mut buffer).map_err(WriteOut::Read)?;
        let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else { break };
        digest.update(read);
        out.write_all(read).map_err(WriteOut::Write)?;
        bytes += read.len() as u64;
    }
    out.sync_all().map_err(WriteOut::Write)?;
    Ok(FileNote { bytes, sha256: hex(&digest.finalize()) })
}

/// What reading a sealed file came to.
fn unsealed(file: &Path, error: io::Error) -> BackupError {
    match seal_fault(&error) {
        Some(Unsealed::Foreign) => BackupError::Foreign(file.to_owned()),
        Some(Unsealed::Passphrase) => BackupError::Passphrase(file.to_owned()),
        Some(seal @ Unsealed::Damaged(chunk)) => {
            damaged(file, format!("từ byte {} trở đi", sealed::place(*chunk)), seal)
        }
        None => damaged(file, &error, &error),
    }
}

/// The seal's own complaint, however deep the layers above it have put it.
fn seal_fault(error: &io::Error) -> Option<&Unsealed> {
    let mut inner: &(dyn Error + 'static) = error;
    loop {
        if let Some(fault) = inner.downcast_ref::<Unsealed>() {
            return Some(fault);
        }
        let below = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner = match below {
            Some(below) => below,
            None => inner.source()?,
        };
    }
}

fn missing(file: &Path, name: &str) -> BackupError {
    damaged(file, format!("thiếu {name}"), format!("{name} is missing"))
}

fn damaged(file: &Path, vi: impl ToString, en: impl ToString) -> BackupError {
    BackupError::Damaged { path: file.to_owned(), what: Text::new(vi.to_string(), en.to_string()) }
}

struct Digesting<R> {
    from: R,
    digest: Sha256,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.digest.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_in_a_backup_is_unpacked() {
        for name in ["state.db", "pki/ca.key", "series/raw-2026-11-25.db"] {
            assert!(is_expected(name), "{name}");
        }
        for name in
            ["", "other", "/state.db", "../state.db", "pki/../../x", "pki/a/b", "series/x.txt", "etc/passwd"]
        {
            assert!(!is_expected(name), "{name}");
        }
    }
}
