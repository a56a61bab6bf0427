//! What the sensors' tests share: values by readable key, and recordings of real hosts.

#[cfg(unix)]
use crate::sensor::Paths;
use crate::sensor::Reading;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tram_proto::component::Component;
use tram_proto::phrase;

/// A reading's values by `name{key=value,..}`.
pub(crate) fn values(reading: &Reading) -> BTreeMap<String, Option<f64>> {
    let key = |sample: &crate::sensor::Sample| {
        let attributes: Vec<String> =
            sample.column.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        match attributes.is_empty() {
            true => sample.column.name.clone(),
            false => format!("{}{{{}}}", sample.column.name, attributes.join(",")),
        }
    };
    reading.components.iter().for_each(named);
    reading.samples.iter().map(|sample| (key(sample), sample.value)).collect()
}

/// Asserts that a part's kind and figures have names in both languages.
pub(crate) fn named(part: &Component) {
    assert!(phrase::kind(&part.kind).is_some(), "not in proto/locales: the kind of {part:?}");
    let unnamed: Vec<_> = part.figures.keys().filter(|name| phrase::figure(name).is_none()).collect();
    assert!(unnamed.is_empty(), "not in proto/locales: the figures {unnamed:?}");
}

/// The text of a recording of `/proc` and its like, below `sysfs-proc` in `TRAM_RECORDINGS` (else in `../shared/data`
/// beside the repository); none, said on standard error, where it is absent.
pub(crate) fn recording(name: &str) -> Option<String> {
    let path = recordings().join("sysfs-proc").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: no recording at {}", path.display());
    }
    text
}

/// A program made of shell commands, in place of one that a sensor runs.
#[cfg(unix)]
pub(crate) fn script(folder: &Path, name: &str, commands: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{commands}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A small tree of a host's files, by their paths below its root, and where its sources are then.
#[cfg(unix)]
pub(crate) fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Paths) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let paths = Paths {
        procfs: root.path().join("proc"),
        sysfs: root.path().join("sys"),
        rootfs: root.path().to_owned(),
        ..Paths::default()
    };
    (root, paths)
}

/// Every file below a folder of the recordings, sorted, by its path below `TRAM_RECORDINGS`; empty, said on standard
/// error, where they are absent.
pub(crate) fn recorded_files(folder: &str) -> Vec<(String, PathBuf)> {
    let root = recordings();
    let mut open = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            match path.is_dir() {
                true => open.push(path),
                false => found.push((path.strip_prefix(&root).unwrap().display().to_string(), path)),
            }
        }
    }
    found.sort();
    if found.is_empty() {
        eprintln!("skipped: no recordings at {}", root.join(folder).display());
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "a test's own setting, outside the program's configuration")]
fn recordings() -> PathBuf {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    std::env::var("TRAM_RECORDINGS").map_or_else(|_| beside(), PathBuf::from)
}

/// The agent's own source files below a folder of its crate, by path.
pub(crate) fn sources(folder: &str) -> Vec<(String, String)> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => open.push(path),
                false => found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap())),
            }
        }
    }
    found
}
