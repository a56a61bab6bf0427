//! The log in the store: one row for each commit window.

use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Adds a row and returns its number, which is higher than any before.
pub fn add(connection: &Connection, committed_ms: i64, reports: &[u8]) -> Result<i64, StoreError> {
    connection
        .prepare_cached("INSERT INTO log (committed_ms, reports) VALUES (?1, ?2)")?
        .execute(params![committed_ms, reports])?;
    Ok(connection.last_insert_rowid())
}

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub id: i64,
    /// When it was committed, milliseconds since 1970.
    pub committed_ms: i64,
    /// Its packed reports.
    pub reports: Vec<u8>,
}

/// The first row above a number; none when there is none.
pub fn next_after(connection: &Connection, id: i64) -> Result<Option<Row>, StoreError> {
    let row = connection
        .prepare_cached("SELECT id, committed_ms, reports FROM log WHERE id > ?1 ORDER BY id LIMIT 1")?
        .query_row([id], |row| Ok(Row { id: row.get(0)?, committed_ms: row.get(1)?, reports: row.get(2)? }))
        .optional()?;
    Ok(row)
}

/// The lowest number that the log still has; none when it is empty.
pub fn first(connection: &Connection) -> Result<Option<i64>, StoreError> {
    Ok(connection.query_row("SELECT min(id) FROM log", [], |row| row.get(0))?)
}

/// The highest number that the log ever had.
pub fn highest(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'log'), 0)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Rows below this one are gone, whatever comes.
pub fn begins(connection: &Connection) -> Result<i64, StoreError> {
    // The highest first: a row that is added between the two is above it.
    let highest = highest(connection)?;
    Ok(first(connection)?.unwrap_or(highest.saturating_add(1)))
}

/// Deletes the oldest rows below a number, at most `count_max` of them and about `bytes_max`, and says how many: at least
/// one if there is any.
pub fn delete_below(
    connection: &Connection,
    id: i64,
    count_max: i64,
    bytes_max: i64,
) -> Result<usize, StoreError> {
    // The length of what a row holds is known without reading it.
    let mut statement = connection
        .prepare_cached("SELECT id, length(reports) FROM log WHERE id < ?1 ORDER BY id LIMIT ?2")?;
    let mut rows = statement.query(params![id, count_max])?;
    let (mut last, mut bytes) = (None, 0_i64);
    while bytes < bytes_max
        && let Some(row) = rows.next()?
    {
        last = Some(row.get::<_, i64>(0)?);
        bytes = bytes.saturating_add(row.get(1)?);
    }
    drop(rows);
    let Some(last) = last else { return Ok(0) };
    Ok(connection.prepare_cached("DELETE FROM log WHERE id <= ?1")?.execute([last])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite;

    #[test]
    fn one_deletion_is_bounded_by_rows_and_by_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let connection = sqlite::open_writer(folder.path()).unwrap();
        for bytes in [10, 10, 10, 900, 900, 5_000, 10] {
            add(&connection, 0, &vec![7; bytes]).unwrap();
        }
        assert_eq!(delete_below(&connection, 7, 2, 1_000).unwrap(), 2, "by rows");
        assert_eq!(delete_below(&connection, 7, 100, 1_000).unwrap(), 3, "by bytes");
        assert_eq!(delete_below(&connection, 7, 100, 1_000).unwrap(), 1, "a large one alone");
        assert_eq!(delete_below(&connection, 7, 100, 1_000).unwrap(), 0);
        assert_eq!(first(&connection).unwrap(), Some(7), "what is not below stays");
    }
}
