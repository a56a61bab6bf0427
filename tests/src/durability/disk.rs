//! A disk that forgets, at a power cut, what was not synced.
//!
//! Pure. What was synced is there. Of what was not, any part may be: of a file's writes some sectors and not others, so
//! that pages are torn; its new length without what was to be in it; of a folder's names old and new ones side by side.
//! Sectors are whole, and a write does not touch those beside it. It must not know what a file holds.

use super::trace::{Act, is_index};
use crate::fleet::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A file by its number, or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// A file: what is on disk, and what is to get there.
#[derive(Debug, Clone, Default)]
struct File {
    durable: Vec<u8>,
    waiting: Vec<(usize, Change)>,
}

/// What happens to names, all of one folder: each is something else, or nothing.
type Naming = Vec<(PathBuf, Option<Node>)>;

/// The disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    /// Names as the program sees them.
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    waiting_names: Vec<(usize, Naming)>,
    acts: usize,
}

impl Disk {
    /// A folder as it is, everything synced.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let mut disk = Self::default();
        let mut open = vec![PathBuf::new()];
        while let Some(below) = open.pop() {
            for entry in std::fs::read_dir(folder.join(&below))? {
                let entry = entry?;
                let path = below.join(entry.file_name());
                let node = if entry.file_type()?.is_dir() {
                    open.push(path.clone());
                    Node::Folder
                } else {
                    disk.files.push(File { durable: std::fs::read(entry.path())?, waiting: Vec::new() });
                    Node::File(disk.files.len() - 1)
                };
                disk.names.insert(path, node);
            }
        }
        disk.durable_names = disk.names.clone();
        Ok(disk)
    }

    /// The next act of a trace.
    pub fn perform(&mut self, act: &Act) {
        match act {
            Act::Said(_) => {}
            Act::Create(path) => {
                if !self.names.contains_key(path) {
                    self.files.push(File::default());
                    self.name(vec![(path.clone(), Some(Node::File(self.files.len() - 1)))]);
                }
            }
            Act::Folder(path) => self.name(vec![(path.clone(), Some(Node::Folder))]),
            Act::Unlink(path) => self.name(vec![(path.clone(), None)]),
            Act::Rename(from, to) => {
                let node = self.names.get(from).copied();
                self.name(vec![(from.clone(), None), (to.clone(), node)]);
            }
            Act::Write(path, at, bytes) => self.change(path, Change::Write(*at, bytes.clone())),
            Act::Truncate(path, length) => self.change(path, Change::Truncate(*length)),
            Act::Sync(path, before) => self.sync(path, *before),
        }
        self.acts += 1;
    }

    fn name(&mut self, naming: Naming) {
        apply_naming(&mut self.names, &naming);
        self.waiting_names.push((self.acts, naming));
    }

    fn change(&mut self, path: &Path, change: Change) {
        if let Some(Node::File(number)) = self.names.get(path)
            && let Some(file) = self.files.get_mut(*number)
        {
            file.waiting.push((self.acts, change));
        }
    }

    fn sync(&mut self, path: &Path, before: usize) {
        match self.names.get(path) {
            Some(Node::File(number)) => {
                let Some(file) = self.files.get_mut(*number) else { return };
                let waiting = std::mem::take(&mut file.waiting);
                let (over, waiting): (Vec<_>, Vec<_>) =
                    waiting.into_iter().partition(|(act, _)| *act < before);
                file.waiting = waiting;
                over.into_iter().for_each(|(_, change)| apply(&mut file.durable, &change));
            }
            Some(Node::Folder) | None => {
                let waiting = std::mem::take(&mut self.waiting_names);
                let is_of = |naming: &Naming| naming.iter().all(|(name, _)| name.parent() == Some(path));
                let (over, waiting): (Vec<_>, Vec<_>) =
                    waiting.into_iter().partition(|(act, naming)| *act < before && is_of(naming));
                self.waiting_names = waiting;
                over.iter().for_each(|(_, naming)| apply_naming(&mut self.durable_names, naming));
            }
        }
    }

    /// What may be found after the power was cut now: by path, without shared memory.
    pub fn cut(&self, dice: &mut Dice) -> Remains {
        let mut names = self.durable_names.clone();
        let kept = share(dice);
        for (_, naming) in &self.waiting_names {
            if dice.unit() < kept {
                apply_naming(&mut names, naming);
            }
        }
        let mut remains = Remains::default();
        for (path, node) in &names {
            let folder = path.parent().unwrap_or(Path::new(""));
            // What lies in a folder that is not there is not there either.
            if is_index(path) || !(folder.as_os_str().is_empty() || remains.folders.contains(folder)) {
                continue;
            }
            match node {
                Node::Folder => {
                    remains.folders.insert(path.clone());
                }
                Node::File(number) => {
                    let bytes = self.files.get(*number).map(|file| file.remains(dice)).unwrap_or_default();
                    remains.files.insert(path.clone(), bytes);
                }
            }
        }
        remains
    }
}

impl File {
    fn remains(&self, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let kept = share(dice);
        for (_, change) in &self.waiting {
            match change {
                Change::Truncate(_) => {
                    if dice.unit() < kept {
                        apply(&mut bytes, change);
                    }
                }
                Change::Write(at, written) => {
                    let mut from = 0;
                    while from < written.len() {
                        let to = (from + SECTOR - (at + from) % SECTOR).min(written.len());
                        let piece = written.get(from..to).unwrap_or_default();
                        if dice.unit() < kept {
                            apply(&mut bytes, &Change::Write(at + from, piece.to_vec()));
                        } else if dice.unit() < kept && bytes.len() < at + to {
                            // The length is there, and what was written is not.
                            bytes.resize(at + to, 0);
                        }
                        from = to;
                    }
                }
            }
        }
        bytes
    }
}

/// How much of something that waits gets to the disk: often all of it, or nothing.
fn share(dice: &mut Dice) -> f64 {
    *dice.pick(&[0.0, 0.0, 0.1, 0.5, 0.9, 1.0, 1.0])
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Truncate(length) => bytes.resize(*length, 0),
        Change::Write(at, written) => {
            let end = at + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            if let Some(place) = bytes.get_mut(*at..end) {
                place.copy_from_slice(written);
            }
        }
    }
}

fn apply_naming(names: &mut BTreeMap<PathBuf, Node>, naming: &Naming) {
    for (name, node) in naming {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}

/// What is found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// Folders.
    pub folders: BTreeSet<PathBuf>,
    /// Files with what is in them.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Remains {
    /// Makes it real in a new folder.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir(folder)?;
        self.folders.iter().try_for_each(|path| std::fs::create_dir(folder.join(path)))?;
        self.files.iter().try_for_each(|(path, bytes)| std::fs::write(folder.join(path), bytes))
    }
}

#[cfg(test)]
mod tests;
