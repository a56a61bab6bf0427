//! Snapshots of the state, a shard at a time.

use super::TaskError;
use crate::commit::{Handle, Memory};
use crate::latest::{SHARDS, snapshot as bytes};
use crate::store::sqlite::snapshot;
use std::sync::Arc;

/// Goes round the shards.
#[derive(Debug)]
pub struct Snapshots {
    next: usize,
    written: Vec<Option<i64>>,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { next: 0, written: vec![None; SHARDS] }
    }
}

impl Snapshots {
    /// Writes the next shard's snapshot, unless nothing was committed since its last one.
    pub async fn round(&mut self, memory: &Memory, commit: &Handle) -> Result<(), TaskError> {
        let shard = self.next;
        self.next = (shard + 1) % SHARDS;
        // Read before the hosts are: they are at least as new as this row, and each says itself how new it is.
        let log = memory.latest.log();
        let written = self.written.get(shard).copied().flatten();
        if written == Some(log) {
            return Ok(());
        }
        let latest = Arc::clone(&memory.latest);
        // With many hosts this takes a while: not on a thread that others wait for.
        let body = tokio::task::spawn_blocking(move || bytes::encode(&latest, shard));
        let body = body.await.map_err(std::io::Error::other)??;
        commit
            .write(move |transaction| {
                snapshot::put(transaction, shard, log, &body)?;
                Ok(((), vec![]))
            })
            .await?;
        if let Some(written) = self.written.get_mut(shard) {
            *written = Some(log);
        }
        Ok(())
    }

    /// Writes every shard's.
    pub async fn all(&mut self, memory: &Memory, commit: &Handle) -> Result<(), TaskError> {
        for _ in 0..SHARDS {
            self.round(memory, commit).await?;
        }
        Ok(())
    }
}
