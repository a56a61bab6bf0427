//! The embedded store: one SQLite file, one writer, a pool of readers.
//!
//! Owns connections, pragmas and migrations. The statements themselves are in the files below, one for each noun.

pub mod agency;
pub mod agent;
pub mod alert;
pub mod api_token;
pub mod asset;
pub mod audit;
pub mod catalogue;
pub mod certificate;
pub mod change;
pub mod component;
pub mod copy;
pub mod enrollment;
pub mod listing;
pub mod log;
pub mod part_change;
pub mod policy;
pub mod scope;
pub mod session;
pub mod snapshot;
pub mod user;
pub mod work_order;

use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// Migrations in order: number and statements. Never edited once released.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/sqlite/0001_create_store.sql")),
    (2, include_str!("../../migrations/sqlite/0002_add_part_change.sql")),
    (3, include_str!("../../migrations/sqlite/0003_create_policy.sql")),
    (4, include_str!("../../migrations/sqlite/0004_add_site_budget.sql")),
    (5, include_str!("../../migrations/sqlite/0005_add_alert_component.sql")),
    (6, include_str!("../../migrations/sqlite/0006_share_columns.sql")),
];

/// Idle reader connections that are kept.
const READERS_IDLE_MAX: usize = 8;

/// How long a connection waits for another process's lock (the command line beside a running collector).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The file below the data folder.
const FILE_NAME: &str = "state.db";

/// Opens the one writing connection, creating and migrating the file as needed. What it commits is on disk when the
/// commit returns (`synchronous=FULL`).
pub fn open_writer(data_dir: &Path) -> Result<Connection, StoreError> {
    let file = data_dir.join(FILE_NAME);
    // SQLite would let everybody read a new file; what it makes beside one has the file's own rights. What cannot be
    // made here is for SQLite to name.
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).ok();
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Takes hold while there is no table yet; it lets unused pages go one by one later.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(128);
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens another connection to a store that [`open_writer`] has made, for checkpoints.
pub fn open_beside(data_dir: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(data_dir.join(FILE_NAME), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Pages of the store that hold nothing.
pub fn unused_pages(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?)
}

/// Gives up to so many unused pages back; they leave the file with the next checkpoint.
pub fn give_back(connection: &Connection, pages: i64) -> Result<(), StoreError> {
    // The statement yields a row for each page, and works only while it is asked for them.
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// Leaves checkpoints to somebody else: a commit never waits for one.
pub fn leave_checkpoints(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "wal_autocheckpoint", 0)?)
}

/// The file that commits are written to before the store's own takes them over.
pub fn write_ahead_log(data_dir: &Path) -> PathBuf {
    data_dir.join(format!("{FILE_NAME}-wal"))
}

/// The schema that a store has; an error when a newer release has written it.
fn check_schema(connection: &Connection) -> Result<i64, StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.last().map_or(0, |(number, _)| *number);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    Ok(found)
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrate_by(connection, MIGRATIONS)
}

fn migrate_by(connection: &mut Connection, migrations: &[(i64, &str)]) -> Result<(), StoreError> {
    let done = check_schema(connection)?;
    for (number, statements) in migrations.iter().filter(|(number, _)| *number > done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(statements)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// A column that holds exactly `N` bytes.
pub(crate) fn blob<const N: usize>(row: &rusqlite::Row<'_>, place: usize) -> rusqlite::Result<[u8; N]> {
    row.get(place)
}

/// Connections that only read. Each read is short: pages go by key, no transaction outlives a second.
#[derive(Debug)]
pub struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Readers of the store in `data_dir`, which [`open_writer`] has made.
    pub fn new(data_dir: &Path) -> Self {
        Self { file: data_dir.join(FILE_NAME), idle: Mutex::new(Vec::new()) }
    }

    /// Runs one read. Blocks for as long as the statements take; callers on an async thread wrap it accordingly.
    pub fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let result = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.len() < READERS_IDLE_MAX {
            idle.push(connection);
        }
        result
    }

    fn open(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_store_is_migrated_and_opens_again() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let writer = open_writer(dir.path()).unwrap();
            let synchronous: i64 = writer.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
            assert_eq!(synchronous, 2);
        }
        let agencies = Readers::new(dir.path())
            .read(|connection| {
                Ok(connection.query_row("SELECT count(*) FROM agency", [], |row| row.get::<_, i64>(0))?)
            })
            .unwrap();
        assert_eq!(agencies, 0);
    }

    #[test]
    fn nobody_else_reads_a_new_store_or_what_sqlite_makes_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let _writer = open_writer(dir.path()).unwrap();
        for name in ["state.db", "state.db-wal", "state.db-shm"] {
            let metadata = fs::metadata(dir.path().join(name)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn catalogues_that_were_kept_whole_share_their_columns_after_migration() {
        let mut connection = Connection::open_in_memory().unwrap();
        let before = MIGRATIONS.iter().position(|(number, _)| *number == 6).unwrap();
        migrate_by(&mut connection, &MIGRATIONS[..before]).unwrap();
        let columns = r#"[{"name":"a","attr":{"k":"\"ổ \\ đĩa\""},"unit":"1","scale":0,"kind":"gauge"}]"#;
        let whole = [
            (1, format!(r#"{{"resource":{{"host.name":"một"}},"columns":{columns}}}"#)),
            (2, format!(r#"{{"resource":{{"host.name":"hai"}},"columns":{columns}}}"#)),
            (3, r#"{"columns":[]}"#.to_owned()),
            (4, r#"{"columns":3}"#.to_owned()),
            (5, "{".to_owned()),
        ];
        for (id, body) in &whole {
            let sql = "INSERT INTO catalogue (id, body, seen_ms) VALUES (?1, ?2, 7)";
            connection.execute(sql, rusqlite::params![[*id as u8; 16], body]).unwrap();
        }
        migrate(&mut connection).unwrap();
        let expected = [
            (1, r#"{"host.name":"một"}"#.to_owned(), columns.to_owned()),
            (2, r#"{"host.name":"hai"}"#.to_owned(), columns.to_owned()),
            (3, "{}".to_owned(), "[]".to_owned()),
        ];
        assert_eq!(catalogue::tests::all(&connection), expected);
        assert_eq!(catalogue::tests::shapes(&connection), 2);
    }

    #[test]
    fn a_store_of_a_newer_release_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        open_writer(dir.path()).unwrap().pragma_update(None, "user_version", 999).unwrap();
        let error = open_writer(dir.path()).unwrap_err();
        assert!(error.to_string().contains("schema 999"), "{error}");
    }
}
