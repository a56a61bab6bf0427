//! Snapshots in the store: the state in memory by shard, each as of a row of the log.

use crate::store::StoreError;
use rusqlite::{Connection, params};

/// Puts a shard's snapshot in place of the one before.
pub fn put(connection: &Connection, shard: usize, log: i64, body: &[u8]) -> Result<(), StoreError> {
    let shard = i64::try_from(shard).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT INTO snapshot (shard, log, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (shard) DO UPDATE SET log = excluded.log, body = excluded.body",
        )?
        .execute(params![shard, log, body])?;
    Ok(())
}

/// Shows every shard's snapshot: the row of the log that it is as of, and its bytes.
pub fn each(
    connection: &Connection,
    mut show: impl FnMut(i64, Vec<u8>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT log, body FROM snapshot ORDER BY shard")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        show(row.get(0)?, row.get(1)?)?;
    }
    Ok(())
}

/// The row of the log that the oldest of `shards` snapshots is as of; 0 while any of them is missing.
pub fn oldest(connection: &Connection, shards: usize) -> Result<i64, StoreError> {
    let (count, log): (i64, Option<i64>) =
        connection
            .query_row("SELECT count(*), min(log) FROM snapshot", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let complete = usize::try_from(count).is_ok_and(|count| count >= shards);
    Ok(if complete { log.unwrap_or(0) } else { 0 })
}
