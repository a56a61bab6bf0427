//! Where sources are, and reading small files of `/proc` and `/sys`, bounded, saying plainly what could not be read.
//! Knows no file's meaning.

use crate::sensor::program::PROGRAMS;
use crate::sensor::{NoData, Paths};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// No source that a sensor reads is longer; what is, is not what it should be.
const SOURCE_BYTES_MAX: u64 = 4 << 20;

macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        /// Everything that the section `paths` redirects: trees of files, a folder of answers, the NUT server, then programs.
        pub const SOURCES: &[&str] = &[$($name),+];
        /// The options that do the same, in the same order.
        pub const OPTIONS: &[&str] = &[$(concat!("path.", $name)),+];
    };
}

sources!(
    "procfs",
    "sysfs",
    "rootfs",
    "kmsg",
    "nut",
    "answers",
    "smartctl",
    "storcli",
    "perccli",
    "ssacli",
    "megacli",
    "arcconf",
    "sas2ircu",
    "sas3ircu",
    "tw_cli",
    "areca",
    "cciss_vol_status",
    "mpt_status",
    "mvcli",
    "dmraid",
    "dmsetup",
    "zpool",
    "ipmitool",
    "sensors",
    "ethtool",
    "dmidecode",
    "apt",
    "dnf",
    "yum",
    "zypper",
    "systemctl",
    "timedatectl",
    "chronyc",
    "ntpq",
);

/// Redirects sources by name; what is empty stays where it is.
pub fn redirect(paths: &mut Paths, given: &BTreeMap<String, String>) {
    for (name, place) in given.iter().filter(|(_, place)| !place.is_empty()) {
        match name.as_str() {
            "procfs" => paths.procfs = place.into(),
            "sysfs" => paths.sysfs = place.into(),
            "rootfs" => paths.rootfs = place.into(),
            "kmsg" => paths.kmsg = place.into(),
            "answers" => paths.answers = Some(place.into()),
            "nut" => paths.nut = Some(place.clone()),
            program => {
                if let Some((known, _)) = PROGRAMS.iter().find(|(known, _)| *known == program) {
                    paths.programs.insert(known, place.into());
                }
            }
        }
    }
}

/// The text of a file that must be there. Bytes that are not UTF-8 are replaced.
pub fn text(path: &Path) -> Result<String, NoData> {
    bytes(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The bytes of a file that must be there.
pub fn bytes(path: &Path) -> Result<Vec<u8>, NoData> {
    if path.is_relative() {
        // Its tree is not one of this system's.
        return Err(NoData::Absent);
    }
    let unreadable = |error: &std::io::Error| NoData::Unreadable {
        what: path.display().to_string(),
        why: error.kind().to_string(),
    };
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    // Most sources fit at once; a vector that grows from nothing asks eight times.
    let mut bytes = Vec::with_capacity(4_096);
    file.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > SOURCE_BYTES_MAX {
        return Err(malformed(path, None, "at most 4 MiB"));
    }
    Ok(bytes)
}

/// A one-line file that may be missing, empty or refuse to be read, as attributes in `/sys` do.
pub fn word(path: &Path) -> Option<String> {
    let text = text(path).ok()?;
    let word = text.trim();
    (!word.is_empty()).then(|| word.to_owned())
}

/// A number from such a file.
pub fn number(path: &Path) -> Option<f64> {
    word(path)?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// What a directory holds, in the order of the names. Missing: this host has none of the kind.
pub fn entries(directory: &Path) -> Result<Vec<PathBuf>, NoData> {
    let unreadable = |error: std::io::Error| match error.kind() == ErrorKind::NotFound {
        true => NoData::Absent,
        false => NoData::Unreadable { what: directory.display().to_string(), why: error.kind().to_string() },
    };
    let entries = std::fs::read_dir(directory).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort_unstable();
    Ok(paths)
}

/// The last part of a path, as text.
pub fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A source whose text is not what it should be; lines count from 1.
pub fn malformed(what: impl AsRef<Path>, line: Option<usize>, expected: &'static str) -> NoData {
    let what = what.as_ref().display();
    let what = line.map_or_else(|| what.to_string(), |line| format!("{what}: line {line}"));
    NoData::Malformed { what, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named_and_an_endless_one_is_refused() {
        let missing = text(Path::new("/nonexistent/stat")).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read /nonexistent/stat: entity not found");
        let endless = text(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(endless.to_string(), "/dev/zero: expected at most 4 MiB");
    }

    #[test]
    fn every_source_can_be_redirected_and_every_program_is_one() {
        let given: BTreeMap<String, String> =
            SOURCES.iter().map(|name| ((*name).to_owned(), format!("/x/{name}"))).collect();
        let mut paths = Paths::default();
        redirect(&mut paths, &BTreeMap::from([("sysfs".to_owned(), String::new())]));
        assert_eq!(paths, Paths::default());
        redirect(&mut paths, &given);
        assert_eq!(
            (paths.procfs, paths.sysfs, paths.rootfs, paths.kmsg),
            ("/x/procfs".into(), "/x/sysfs".into(), "/x/rootfs".into(), "/x/kmsg".into())
        );
        for (program, _) in PROGRAMS {
            assert_eq!(paths.programs[program], PathBuf::from(format!("/x/{program}")));
        }
    }

    #[test]
    fn a_missing_directory_means_that_there_are_none() {
        assert!(matches!(entries(Path::new("/nonexistent")), Err(NoData::Absent)));
    }
}
