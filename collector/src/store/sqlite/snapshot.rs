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

/// Shows every shard's snapshot: its bytes.
pub fn each<E: From<StoreError>>(
    connection: &Connection,
    mut show: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement =
        connection.prepare("SELECT body FROM snapshot ORDER BY shard").map_err(StoreError::from)?;
    let mut rows = statement.query([]).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        let body = row.get_ref(0).and_then(|body| Ok(body.as_blob()?)).map_err(StoreError::from)?;
        show(body)?;
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
