//! Revocations as a file beside the store: a collector restored from an older backup still knows them.
//!
//! One line for each revoked agent: its id and when. Lines are only ever added.

use crate::model::agent::AgentId;
use crate::owner::give_to_owner_of;
use std::collections::HashSet;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The file below the data folder.
pub const FILE_NAME: &str = "revoked.txt";

/// The revocations that were ever made.
#[derive(Debug)]
pub struct Revocations {
    path: PathBuf,
    agents: HashSet<AgentId>,
    /// The last line has no end: power went over it.
    is_torn: bool,
}

impl Revocations {
    /// Reads the file below `data_dir`; a missing one is empty, a line that is no agent is passed over.
    pub fn read(data_dir: &Path) -> std::io::Result<Self> {
        let path = data_dir.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let first_word = |line: &str| line.split_whitespace().next().and_then(|word| word.parse().ok());
        let is_torn = !text.is_empty() && !text.ends_with('\n');
        Ok(Self { path, agents: text.lines().filter_map(first_word).collect(), is_torn })
    }

    /// Whether an agent was revoked.
    pub fn contains(&self, agent: AgentId) -> bool {
        self.agents.contains(&agent)
    }

    /// Adds an agent; on disk when this returns. An agent that is in it already is not written again.
    pub fn add(&mut self, agent: AgentId, now_ms: i64) -> std::io::Result<()> {
        if self.agents.contains(&agent) {
            return Ok(());
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).append(true).mode(0o600).open(&self.path)?;
        let end = if self.is_torn { "\n" } else { "" };
        if let Some(folder) = self.path.parent() {
            give_to_owner_of(folder, &file);
        }
        file.write_all(format!("{end}{agent} {now_ms}\n").as_bytes())?;
        file.sync_all()?;
        // The file's name must be as durable as what is in it.
        if let Some(folder) = self.path.parent() {
            std::fs::File::open(folder)?.sync_all()?;
        }
        self.is_torn = false;
        self.agents.insert(agent);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_revoked_stays_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = Revocations::read(dir.path()).unwrap();
        file.add(AgentId([1; 16]), 5).unwrap();
        file.add(AgentId([1; 16]), 6).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(dir.path().join(FILE_NAME))
            .unwrap()
            .write_all(b"torn line")
            .unwrap();
        let mut read = Revocations::read(dir.path()).unwrap();
        assert!(read.contains(AgentId([1; 16])) && !read.contains(AgentId([2; 16])));
        assert_eq!(std::fs::read_to_string(dir.path().join(FILE_NAME)).unwrap().lines().count(), 2);
        read.add(AgentId([2; 16]), 7).unwrap();
        read.add(AgentId([3; 16]), 8).unwrap();
        let read = Revocations::read(dir.path()).unwrap();
        assert!((1..=3).all(|byte| read.contains(AgentId([byte; 16]))));
    }
}
