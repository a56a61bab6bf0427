//! Closed chunks on disk: one SQLite file for each day of UTC, which is deleted whole when its time is over.
//!
//! Owns the files, their connections and their statements. What it wrote is on disk when the call returns
//! (`synchronous=FULL`). A file is complete in itself: it has the catalogues that its chunks name. It must not know
//! what a chunk's bytes hold.

use super::open::{HOUR_MS, Key, Piece, hour_of};
use super::{LogId, SeriesError, stored};
use crate::model::agent::AgentId;
use crate::model::catalogue::{Catalogue, CatalogueId};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const DAY_MS: i64 = 24 * HOUR_MS;
/// The last day that has a file of its own, 9999-12-31; later times lie in it too.
const LAST_DAY: i64 = 2_932_896;
/// Days whose files are open for writing: today, yesterday, and what arrives late.
const WRITERS_MAX: usize = 4;
/// Files open for reading and idle.
const READERS_IDLE_MAX: usize = 16;
/// A chunk takes several pages, the last one half empty: small pages waste 4 % on chunks of 7 kB, SQLite's own 11 %.
const PAGE_BYTES: i64 = 1_024;
/// Pages in the write-ahead log before they go into the file.
const CHECKPOINT_PAGES: i64 = 4_096;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Says that a file is a day of Trạm's history: `tram` in ASCII.
const APPLICATION_ID: i64 = 0x7472_616d;
const SCHEMA_VERSION: i64 = 1;
const SCHEMA: &str = "
CREATE TABLE catalogue (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE chunk (
    number INTEGER PRIMARY KEY,
    agent BLOB NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    catalogue INTEGER NOT NULL REFERENCES catalogue (number),
    first_log INTEGER NOT NULL,
    last_log INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_by_agent ON chunk (agent, from_ms);
CREATE INDEX chunk_by_log ON chunk (last_log);
";

/// A day of UTC, counted from 1970-01-01.
pub type Day = i64;

/// The day whose file holds a time.
pub fn day_of(time_ms: i64) -> Day {
    time_ms.div_euclid(DAY_MS).clamp(0, LAST_DAY)
}

/// A chunk to write, with the pieces that it was packed into. They are written all or none.
#[derive(Debug)]
pub struct Written<'a> {
    /// What it is of.
    pub key: Key,
    /// What its columns are.
    pub catalogue: &'a Catalogue,
    /// Lowest and highest row of the log that it has samples of.
    pub logs: (LogId, LogId),
    /// Its bytes.
    pub pieces: Vec<Piece>,
}

/// A chunk as read.
#[derive(Debug)]
pub struct Stored {
    /// What its columns are.
    pub catalogue: Arc<Catalogue>,
    /// Start of its hour, milliseconds since 1970.
    pub hour_ms: i64,
    /// Lowest row of the log that it has samples of.
    pub first_log: LogId,
    /// See [`super::chunk`].
    pub bytes: Vec<u8>,
}

/// Which part of the log a closed chunk has made superfluous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Rows of the log.
    pub logs: (LogId, LogId),
    /// Times of the samples, milliseconds since 1970.
    pub times_ms: (i64, i64),
}

/// The folder of day files.
#[derive(Debug)]
pub struct Days {
    directory: PathBuf,
    known: Mutex<BTreeSet<Day>>,
    // Dropped before the writers: the last connection to a file puts its write-ahead log away, and readers cannot.
    readers: Mutex<Vec<(Day, Connection)>>,
    writers: Mutex<Vec<(Day, Connection)>>,
}

impl Days {
    /// The files in a folder, which is made when it is not there.
    pub fn open(directory: &Path) -> Result<Self, SeriesError> {
        std::fs::create_dir_all(directory)?;
        let mut known = BTreeSet::new();
        for entry in std::fs::read_dir(directory)? {
            known.extend(entry?.file_name().to_str().and_then(day_of_file));
        }
        Ok(Self {
            directory: directory.into(),
            known: Mutex::new(known),
            writers: Mutex::default(),
            readers: Mutex::default(),
        })
    }

    /// The days that there are files of, from one time to before another.
    pub fn between(&self, from_ms: i64, to_ms: i64) -> Vec<Day> {
        let days = day_of(from_ms)..=day_of(to_ms.saturating_sub(1)).max(day_of(from_ms));
        locked(&self.known).range(days).copied().collect()
    }

    /// Writes chunks of one day in one transaction. On an error nothing of them is written.
    pub fn write(&self, day: Day, chunks: &[Written<'_>]) -> Result<(), SeriesError> {
        let mut writers = locked(&self.writers);
        let mut connection = match writers.iter().position(|(open, _)| *open == day) {
            Some(place) => writers.remove(place).1,
            None => self.open_writer(day)?,
        };
        write_all(&mut connection, chunks)?;
        // One that failed is not kept, so that the next attempt starts from the file as it is.
        writers.push((day, connection));
        if writers.len() > WRITERS_MAX {
            let (day, connection) = writers.remove(0);
            // Its day is over, so its write-ahead log would stay as long as anybody reads.
            if let Err(error) = connection.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
                tracing::debug!(file = file_of_day(day), %error, "write-ahead log of a day stays for now");
            }
        }
        Ok(())
    }

    /// An agent's chunks of one day that have samples from one time to before another, oldest first.
    pub fn read(
        &self,
        day: Day,
        agent: AgentId,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<Stored>, SeriesError> {
        self.reading(day, |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT catalogue, from_ms, first_log, bytes FROM chunk
                 WHERE agent = ?1 AND from_ms < ?3 AND to_ms >= ?2 ORDER BY from_ms",
            )?;
            let mut rows = statement.query(params![agent.0, from_ms, to_ms])?;
            let mut catalogues: HashMap<i64, Arc<Catalogue>> = HashMap::new();
            let mut chunks = Vec::new();
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                let catalogue = match catalogues.get(&number) {
                    Some(catalogue) => Arc::clone(catalogue),
                    None => Arc::new(read_catalogue(connection, number)?),
                };
                catalogues.insert(number, Arc::clone(&catalogue));
                let hour_ms = hour_of(row.get(1)?);
                chunks.push(Stored { catalogue, hour_ms, first_log: row.get(2)?, bytes: row.get(3)? });
            }
            Ok(chunks)
        })
    }

    /// What is closed of the log from a row on.
    pub fn closed_since(&self, log: LogId) -> Result<HashMap<Key, Vec<Span>>, SeriesError> {
        let mut closed: HashMap<Key, Vec<Span>> = HashMap::new();
        let days: Vec<Day> = locked(&self.known).iter().copied().collect();
        for day in days {
            let spans = self.reading(day, |connection| closed_of_day(connection, log));
            for (key, span) in or_none_if_damaged(day, spans)? {
                closed.entry(key).or_default().push(span);
            }
        }
        Ok(closed)
    }

    /// Deletes the files of all days before one, and says how many there were.
    pub fn delete_before(&self, day: Day) -> Result<usize, SeriesError> {
        let over: Vec<Day> = locked(&self.known).range(..day).copied().collect();
        for day in &over {
            locked(&self.writers).retain(|(open, _)| open != day);
            locked(&self.readers).retain(|(open, _)| open != day);
            let file = self.file(*day);
            for suffix in ["-wal", "-shm", ""] {
                let mut name = file.clone().into_os_string();
                name.push(suffix);
                match std::fs::remove_file(&name) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    Ok(()) | Err(_) => {}
                }
            }
            locked(&self.known).remove(day);
        }
        Ok(over.len())
    }

    fn file(&self, day: Day) -> PathBuf {
        self.directory.join(file_of_day(day))
    }

    fn open_writer(&self, day: Day) -> Result<Connection, SeriesError> {
        let file = self.file(day);
        let connection = match prepare(&file) {
            Err(SeriesError::Database(error)) if is_damage(&error) => {
                let aside = file.with_extension("db.damaged");
                tracing::error!(file = %file.display(), %error, "a day of history is damaged and set aside");
                std::fs::rename(&file, aside)?;
                prepare(&file)?
            }
            other => other?,
        };
        // The file's name must be as durable as what is in it.
        std::fs::File::open(&self.directory)?.sync_all()?;
        locked(&self.known).insert(day);
        Ok(connection)
    }

    fn reading<T>(
        &self,
        day: Day,
        read: impl FnOnce(&Connection) -> Result<T, SeriesError>,
    ) -> Result<T, SeriesError> {
        let mut readers = locked(&self.readers);
        let idle = readers.iter().rposition(|(open, _)| *open == day).map(|place| readers.remove(place).1);
        drop(readers);
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(self.file(day), flags)?;
                connection.busy_timeout(BUSY_TIMEOUT)?;
                connection
            }
        };
        let result = read(&connection)?;
        let mut readers = locked(&self.readers);
        // A file deleted meanwhile must not be kept from being freed by a reader of it.
        if locked(&self.known).contains(&day) {
            readers.push((day, connection));
        }
        if readers.len() > READERS_IDLE_MAX {
            readers.remove(0);
        }
        Ok(result)
    }
}

/// What was read, or nothing when the file is damaged: one lost day must not hide the others.
pub fn or_none_if_damaged<T: Default>(day: Day, read: Result<T, SeriesError>) -> Result<T, SeriesError> {
    match read {
        Err(SeriesError::Database(error)) if is_damage(&error) => {
            tracing::warn!(file = file_of_day(day), %error, "a day of history is damaged and left out");
            Ok(T::default())
        }
        other => other,
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn prepare(file: &Path) -> Result<Connection, SeriesError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", 0)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > SCHEMA_VERSION {
        return Err(SeriesError::Newer { version, known: SCHEMA_VERSION });
    }
    if version == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    }
    Ok(connection)
}

fn write_all(connection: &mut Connection, chunks: &[Written<'_>]) -> Result<(), SeriesError> {
    let transaction = connection.transaction()?;
    let mut numbers: HashMap<CatalogueId, i64> = HashMap::new();
    for chunk in chunks {
        let number = match numbers.get(&chunk.catalogue.id) {
            Some(number) => *number,
            None => number_of(&transaction, chunk.catalogue)?,
        };
        numbers.insert(chunk.catalogue.id, number);
        let mut statement = transaction.prepare_cached(
            "INSERT INTO chunk (agent, from_ms, to_ms, count, catalogue, first_log, last_log, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for piece in &chunk.pieces {
            let (first, last) = chunk.logs;
            let count = piece.count as i64;
            let agent = chunk.key.agent.0;
            statement.execute(params![
                agent,
                piece.from_ms,
                piece.to_ms,
                count,
                number,
                first,
                last,
                piece.bytes
            ])?;
        }
    }
    Ok(transaction.commit()?)
}

fn number_of(transaction: &Transaction<'_>, catalogue: &Catalogue) -> Result<i64, SeriesError> {
    let known = transaction
        .prepare_cached("SELECT number FROM catalogue WHERE id = ?1")?
        .query_row([catalogue.id.0], |row| row.get(0))
        .optional()?;
    if let Some(number) = known {
        return Ok(number);
    }
    transaction
        .prepare_cached("INSERT INTO catalogue (id, body) VALUES (?1, ?2)")?
        .execute(params![catalogue.id.0, stored::pack(catalogue)?])?;
    Ok(transaction.last_insert_rowid())
}

fn read_catalogue(connection: &Connection, number: i64) -> Result<Catalogue, SeriesError> {
    let (id, body): ([u8; 16], Vec<u8>) = connection
        .prepare_cached("SELECT id, body FROM catalogue WHERE number = ?1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(stored::unpack(CatalogueId(id), &body)?)
}

fn closed_of_day(connection: &Connection, log: LogId) -> Result<Vec<(Key, Span)>, SeriesError> {
    let mut statement = connection.prepare_cached(
        "SELECT chunk.agent, catalogue.id, chunk.from_ms, chunk.to_ms, chunk.first_log, chunk.last_log
         FROM chunk JOIN catalogue ON catalogue.number = chunk.catalogue WHERE chunk.last_log >= ?1",
    )?;
    let rows = statement.query_map([log], |row| {
        let from_ms = row.get(2)?;
        let key = Key::of(AgentId(row.get(0)?), CatalogueId(row.get(1)?), from_ms);
        Ok((key, Span { logs: (row.get(4)?, row.get(5)?), times_ms: (from_ms, row.get(3)?) }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn file_of_day(day: Day) -> String {
    let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
    format!("raw-{date}.db")
}

fn day_of_file(name: &str) -> Option<Day> {
    let date: jiff::civil::Date = name.strip_prefix("raw-")?.strip_suffix(".db")?.parse().ok()?;
    let day = i64::from((date - jiff::civil::date(1970, 1, 1)).get_days());
    (file_of_day(day) == name).then_some(day)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
