//! What is no longer needed goes: rows of the log that snapshots and closed chunks have taken over, what days take more
//! than they must, days past their time.

use super::TaskError;
use crate::backup::hold;
use crate::commit::{Handle, Memory};
use crate::latest::SHARDS;
use crate::series::Keep;
use crate::store::sqlite::{Readers, log, snapshot};
use std::path::Path;

/// Rows of the log, and bytes of them, that one transaction deletes: some milliseconds' work, which reports wait for.
const ROWS_AT_ONCE: i64 = 1_000;
const BYTES_AT_ONCE: i64 = 1 << 20;

/// Deletes rows of the log that are older than every snapshot and every open chunk; says how many. None while a backup
/// is being read: what its days of history do not have yet must be in its log.
pub async fn trim_log(
    memory: &Memory,
    readers: &Readers,
    commit: &Handle,
    data_dir: &Path,
) -> Result<usize, TaskError> {
    let Some(_trimming) = hold::may_trim(data_dir)? else { return Ok(0) };
    // First what the snapshots hold, then what the history needs: a row that comes between is above both.
    let snapshotted = readers.read(|connection| snapshot::oldest(connection, SHARDS))?;
    let needed = memory.series.needed_from().unwrap_or(i64::MAX);
    let below = needed.min(snapshotted.saturating_add(1));
    let mut deleted = 0;
    loop {
        let delete = move |transaction: &rusqlite::Transaction<'_>| {
            Ok((log::delete_below(transaction, below, ROWS_AT_ONCE, BYTES_AT_ONCE)?, vec![]))
        };
        let rows = commit.write(delete).await?;
        deleted += rows;
        if rows == 0 {
            return Ok(deleted);
        }
    }
}

/// Does one step of merging and rolling up days that are over; says whether there is more. Blocks.
pub fn compact(memory: &Memory, readers: &Readers, keep: &Keep, now_ms: i64) -> Result<bool, TaskError> {
    let log_from = readers.read(log::begins)?;
    Ok(memory.series.compact(keep, log_from, now_ms)?.more)
}

/// Deletes days of history past their time. Blocks.
pub fn drop_days(memory: &Memory, keep: &Keep, now_ms: i64) -> Result<(), TaskError> {
    let days = memory.series.retain(keep, now_ms)?;
    if days > 0 {
        tracing::info!(days, "days of history deleted, past their time");
    }
    Ok(())
}
