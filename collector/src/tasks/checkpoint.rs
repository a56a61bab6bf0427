//! Checkpoints of the store's file, on a connection and a thread of their own, so that no commit waits for one.

use super::TaskError;
use crate::store::StoreError;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Bytes of the write-ahead log from which a checkpoint is worth its while.
const WORTHWHILE_BYTES: u64 = 1 << 20;
/// Bytes from which the writer is made to wait, so that the log can be started over.
const TOO_LONG_BYTES: u64 = 256 << 20;

/// Checkpoints one store.
#[derive(Debug)]
pub struct Checkpoints {
    connection: Connection,
    log: PathBuf,
}

impl Checkpoints {
    /// For the store in `data_dir`, which the writer has opened.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let connection = crate::store::sqlite::open_beside(data_dir)?;
        Ok(Self { connection, log: crate::store::sqlite::write_ahead_log(data_dir) })
    }

    /// Takes over what the write-ahead log has, if that is much. Blocks, but not the writer; only once the log has become
    /// far too long is the writer made to wait, and then for the little that came since the rest was taken over.
    pub fn round(&self) -> Result<(), TaskError> {
        let bytes = std::fs::metadata(&self.log).map_or(0, |file| file.len());
        if bytes < WORTHWHILE_BYTES {
            return Ok(());
        }
        self.checkpoint("PASSIVE")?;
        if bytes >= TOO_LONG_BYTES {
            self.checkpoint("RESTART")?;
        }
        Ok(())
    }

    fn checkpoint(&self, mode: &str) -> Result<(), StoreError> {
        Ok(self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))?)
    }
}
