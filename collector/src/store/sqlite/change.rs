//! What other processes changed: a row for each change, so that a running collector reads the store again.

use crate::store::StoreError;
use rusqlite::Connection;

/// Notes a change for a running collector to see.
pub fn note(connection: &Connection, subject: &str) -> Result<(), StoreError> {
    connection.execute("INSERT INTO change (subject) VALUES (?1)", [subject])?;
    Ok(())
}

/// The number of the latest change; 0 when there was none.
pub fn latest(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0)";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// What was changed since a change of this number: the words given to [`note`].
pub fn since(connection: &Connection, id: i64) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT subject FROM change WHERE id > ?1")?;
    let rows = statement.query_map([id], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
