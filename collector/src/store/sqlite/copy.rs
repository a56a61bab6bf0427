//! Copies of whole database files, made beside whoever writes them, and whether one is sound.

use crate::store::StoreError;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a copy waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pages copied at once: all of them. A copy in steps begins anew whenever somebody writes in between, and a busy
/// collector always does; read at once it only makes the write-ahead log wait to be put away.
const PAGES_AT_ONCE: i32 = i32::MAX;

/// Copies a database as it stands, whatever is being written to it.
pub fn database(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = open(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut target = open(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    Backup::new(&source, &mut target)?.run_to_completion(PAGES_AT_ONCE, BUSY_TIMEOUT, None)?;
    // A copy lies alone: what reads it next may not be able to make the files that writing ahead needs.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    target.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// What is wrong inside a database file; none when nothing is.
pub fn fault(file: &Path) -> Result<Option<String>, StoreError> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then_some(said))
}

/// How many agents the store in a file knows; an error when a newer release has written it.
pub fn agents(file: &Path) -> Result<u64, StoreError> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    super::check_schema(&connection)?;
    let count: i64 = connection.query_row("SELECT count(*) FROM agent", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

fn open(file: &Path, how: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(file, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}
