//! Background work, as reconcilers: each looks at what is, does what is missing, and takes no other input.
//!
//! Owns what each task does in one round and how often it is due. Who runs them is `app.rs`.

pub mod checkpoint;
pub mod retain;
pub mod snapshot;
pub mod spare;

use crate::commit::{CommitError, Handle, Memory};
use crate::latest::Effect;
use crate::store::StoreError;
use crate::store::sqlite::{Readers, change};
use std::time::Duration;

/// How often silence is looked at: of many hosts, a part each time.
pub const ABSENCE_EVERY: Duration = Duration::from_secs(2);
/// How often a shard is snapshotted: every shard within ten minutes.
pub const SNAPSHOT_EVERY: Duration = Duration::from_secs(9);
/// How often open hours that are due are closed.
pub const SETTLE_EVERY: Duration = Duration::from_secs(5);
/// How often the log is trimmed.
pub const TRIM_EVERY: Duration = Duration::from_secs(60);
/// How often days that are over are looked at, to be merged and rolled up.
pub const COMPACT_EVERY: Duration = Duration::from_secs(60);
/// How often days past their time are deleted.
pub const RETAIN_EVERY: Duration = Duration::from_secs(3_600);
/// How long after a start trimming, merging and deleting begin.
pub const FIRST_AFTER: Duration = Duration::from_secs(60);
/// How often changes of other processes are looked for.
pub const CHANGES_EVERY: Duration = Duration::from_secs(1);
/// How often the store's file takes over what its log of writes has.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);

/// Why a task's round came to nothing; the next one tries again.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer did not do it.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The history did not do it.
    #[error(transparent)]
    Series(#[from] crate::series::SeriesError),
    /// A file beside the store could not be looked at.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// A snapshot could not be made.
    #[error(transparent)]
    Snapshot(#[from] crate::latest::snapshot::DamagedSnapshot),
}

/// Watches for changes that the command line made beside a running collector.
#[derive(Debug)]
pub struct Changes {
    seen: i64,
}

impl Changes {
    /// Everything up to now is known: to be made before memory is built.
    pub fn up_to_now(readers: &Readers) -> Result<Self, StoreError> {
        Ok(Self { seen: readers.read(change::latest)? })
    }

    /// Has the writer read the store again if another process changed it.
    pub async fn round(&mut self, readers: &Readers, commit: &Handle) -> Result<(), TaskError> {
        let latest = readers.read(change::latest)?;
        if latest == self.seen {
            return Ok(());
        }
        let subjects = readers.read(|connection| change::since(connection, self.seen))?;
        let is_elsewhere = |subject: &String| READ_WHEN_ASKED.iter().any(|first| subject.starts_with(first));
        // Reading it all again takes seconds where there are many hosts.
        if !subjects.iter().all(is_elsewhere) {
            commit.write(|_| Ok(((), vec![Effect::Reload]))).await?;
        }
        self.seen = latest;
        Ok(())
    }
}

/// Changes of what is not kept in memory, by how they begin.
const READ_WHEN_ASKED: [&str; 3] = ["enrollment.", "token.", "user."];

/// Closes open hours that are due, until none is. Blocks.
pub fn settle(memory: &Memory, now_ms: i64) -> Result<(), TaskError> {
    while memory.series.settle(now_ms)?.more {}
    Ok(())
}
