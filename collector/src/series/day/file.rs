//! One file of the history: its schema and every statement.
//!
//! A file is complete in itself: it has the catalogues that its chunks name, and columns that hosts share lie in it
//! once. It must not know what a chunk's bytes hold, nor of other files.

use super::{Form, Found, Put, Row, Stored};
use crate::model::agent::AgentId;
use crate::model::catalogue::{Catalogue, CatalogueId};
use crate::series::open::Key;
use crate::series::tier::Tier;
use crate::series::{LogId, SeriesError, stored};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A chunk takes several pages, the last one half empty: small pages waste 4 % on chunks of 7 kB, SQLite's own 11 %.
const PAGE_BYTES: i64 = 1_024;
/// Pages in the write-ahead log before they go into the file.
const CHECKPOINT_PAGES: i64 = 4_096;
/// KiB of pages that a connection keeps: the kernel has them as well.
const CACHE_KIB: i64 = 256;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Says that a file is of Trạm's history: `tram` in ASCII.
const APPLICATION_ID: i64 = 0x7472_616d;
const SCHEMA_VERSION: i64 = 2;
const SCHEMA: &str = "
CREATE TABLE about (origin INTEGER NOT NULL) STRICT;
CREATE TABLE catalogue (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, shape INTEGER, body BLOB NOT NULL) STRICT;
CREATE TABLE shape (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE chunk (
    number INTEGER PRIMARY KEY,
    agent BLOB NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    catalogue INTEGER NOT NULL REFERENCES catalogue (number),
    first_log INTEGER NOT NULL,
    last_log INTEGER NOT NULL,
    form INTEGER NOT NULL,
    source INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_by_agent ON chunk (agent, from_ms);
CREATE INDEX chunk_fresh ON chunk (agent, last_log) WHERE form = 1;
";
/// From files of hourly chunks only.
const FROM_1_TO_2: &str = "
ALTER TABLE chunk ADD COLUMN form INTEGER NOT NULL DEFAULT 1;
ALTER TABLE chunk ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE catalogue ADD COLUMN shape INTEGER;
CREATE TABLE shape (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE about (origin INTEGER NOT NULL) STRICT;
INSERT INTO about SELECT coalesce(min(first_log), 0) FROM chunk;
DROP INDEX chunk_by_log;
CREATE INDEX chunk_fresh ON chunk (agent, last_log) WHERE form = 1;
";

/// Opens a file for writing, made when it is not there. `origin` tells a file made anew from the one before it.
pub(super) fn open_writer(file: &Path, origin: i64) -> Result<Connection, SeriesError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", 0)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -4 * CACHE_KIB)?;
    if check_version(&connection)? < SCHEMA_VERSION {
        bring_up_to_date(&mut connection, origin)?;
    }
    Ok(connection)
}

fn bring_up_to_date(connection: &mut Connection, origin: i64) -> Result<(), SeriesError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Looked at again: another connection may have been quicker.
    match check_version(&transaction)? {
        0 => {
            transaction.execute_batch(SCHEMA)?;
            transaction.execute("INSERT INTO about VALUES (?1)", [origin])?;
        }
        1 => transaction.execute_batch(FROM_1_TO_2)?,
        _ => return Ok(()),
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(transaction.commit()?)
}

/// Opens a file for reading; none when it must be opened for writing first: an older release has written it, or whoever
/// made it was killed over that, so that a beginning has to be undone.
pub(super) fn open_reader(file: &Path) -> Result<Option<Connection>, SeriesError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let found = connection
        .pragma_update(None, "cache_size", -CACHE_KIB)
        .map_err(SeriesError::from)
        .and_then(|()| check_version(&connection));
    match found {
        Ok(version) => Ok((version == SCHEMA_VERSION).then_some(connection)),
        Err(SeriesError::Database(error)) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn check_version(connection: &Connection) -> Result<i64, SeriesError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > SCHEMA_VERSION {
        return Err(SeriesError::Newer { version, known: SCHEMA_VERSION });
    }
    Ok(version)
}

/// Whether the file itself is at fault.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// Puts the write-ahead log away.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Does without a write-ahead log from now on, so that nothing stays beside a file that is seldom read and not written
/// any more: it would be three times what a small fleet's day is. Where somebody reads, it stays until the next time.
pub(super) fn put_away(connection: &Connection) -> rusqlite::Result<()> {
    checkpoint(connection)?;
    match connection.pragma_update(None, "journal_mode", "DELETE") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        other => other,
    }
}

/// Pages that hold nothing.
pub(super) fn unused_pages(connection: &Connection) -> Result<i64, SeriesError> {
    Ok(connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?)
}

/// Gives up to so many unused pages back to the file system; says whether there may be more.
pub(super) fn shrink(connection: &Connection, pages: i64) -> Result<bool, SeriesError> {
    let before = unused_pages(connection)?;
    // The statement yields a row for each page, and works only while it is asked for them.
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    let after = unused_pages(connection)?;
    Ok(after > 0 && after < before)
}

/// What tells this file from an earlier one of its name.
pub(super) fn origin(connection: &Connection) -> Result<i64, SeriesError> {
    Ok(connection.prepare_cached("SELECT origin FROM about")?.query_row([], |row| row.get(0))?)
}

/// Adds rows.
pub(super) fn insert(transaction: &Transaction<'_>, rows: &[Row<'_>]) -> Result<(), SeriesError> {
    let mut numbers: HashMap<CatalogueId, i64> = HashMap::new();
    for row in rows {
        let number = match numbers.get(&row.catalogue.id) {
            Some(number) => *number,
            None => number_of(transaction, row.catalogue)?,
        };
        numbers.insert(row.catalogue.id, number);
        let mut statement = transaction.prepare_cached(
            "INSERT INTO chunk (agent, from_ms, to_ms, count, catalogue, first_log, last_log, form, source, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for piece in &row.pieces {
            statement.execute(params![
                row.agent.0,
                piece.from_ms,
                piece.to_ms,
                piece.count as i64,
                number,
                row.logs.0,
                row.logs.1,
                row.form as i64,
                row.source,
                piece.bytes
            ])?;
        }
    }
    Ok(())
}

/// Changes rows, all or none.
pub(super) fn put(connection: &mut Connection, puts: &[Put<'_>]) -> Result<(), SeriesError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for put in puts {
        match put {
            Put::Fresh(rows) => insert(&transaction, rows)?,
            Put::Merged { gone, unreadable, rows } => {
                for number in *gone {
                    transaction.prepare_cached("DELETE FROM chunk WHERE number = ?1")?.execute([number])?;
                }
                for number in *unreadable {
                    let mut set =
                        transaction.prepare_cached("UPDATE chunk SET form = ?2 WHERE number = ?1")?;
                    set.execute(params![number, Form::Unreadable as i64])?;
                }
                insert(&transaction, rows)?;
            }
            Put::Derived { agent, source, rows } => {
                transaction
                    .prepare_cached("DELETE FROM chunk WHERE agent = ?1 AND form = ?2 AND source = ?3")?
                    .execute(params![agent.0, Form::Derived as i64, source])?;
                insert(&transaction, rows)?;
            }
        }
    }
    Ok(transaction.commit()?)
}

type Catalogues<'a> = dyn Fn(CatalogueId, &dyn Fn() -> Result<Catalogue, SeriesError>) -> Result<Arc<Catalogue>, SeriesError>
    + 'a;

/// An agent's rows between two times, oldest first: those that are picked when all of them are shown. All that is read
/// is of one moment.
pub(super) fn read(
    connection: &Connection,
    tier: Tier,
    agent: AgentId,
    (from_ms, to_ms): (i64, i64),
    pick: &mut dyn FnMut(&[Found]) -> Vec<bool>,
    catalogues: &Catalogues<'_>,
) -> Result<Vec<Stored>, SeriesError> {
    let moment = connection.unchecked_transaction()?;
    let mut statement = connection.prepare_cached(
        "SELECT number, form, source, catalogue FROM chunk
         WHERE agent = ?1 AND from_ms < ?3 AND to_ms >= ?2 ORDER BY from_ms, number",
    )?;
    let found = statement.query_map(params![agent.0, from_ms, to_ms], |row| {
        let form = Form::of(row.get(1)?).unwrap_or(Form::Unreadable);
        Ok(Found { number: row.get(0)?, form, source: row.get(2)?, catalogue: row.get(3)? })
    })?;
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let picked = pick(&found);
    let mut statement = connection.prepare_cached(
        "SELECT catalogue.id, from_ms, to_ms, first_log, last_log, bytes
         FROM chunk JOIN catalogue ON catalogue.number = chunk.catalogue WHERE chunk.number = ?1",
    )?;
    let mut rows = Vec::new();
    for (found, _) in found.into_iter().zip(picked).filter(|(_, is_picked)| *is_picked) {
        let (id, times_ms, logs, bytes) = statement.query_row([found.number], |row| {
            let id = CatalogueId(row.get(0)?);
            Ok((id, (row.get(1)?, row.get(2)?), (row.get(3)?, row.get(4)?), row.get(5)?))
        })?;
        let catalogue = catalogues(id, &|| read_catalogue(connection, found.catalogue, id))?;
        rows.push(Stored {
            found,
            key: Key::of(agent, tier, id, times_ms.0),
            catalogue,
            times_ms,
            logs,
            bytes,
        });
    }
    drop(moment);
    Ok(rows)
}

/// What is closed of the log from a row on, as keys, rows of the log, and times.
pub(super) fn fresh_since(
    connection: &Connection,
    tier: Tier,
    log: LogId,
) -> Result<Vec<(Key, super::Span)>, SeriesError> {
    let mut statement = connection.prepare_cached(
        "SELECT chunk.agent, catalogue.id, chunk.from_ms, chunk.to_ms, chunk.first_log, chunk.last_log
         FROM chunk JOIN catalogue ON catalogue.number = chunk.catalogue
         WHERE chunk.form = 1 AND chunk.last_log >= ?1",
    )?;
    let rows = statement.query_map([log], |row| {
        let from_ms = row.get(2)?;
        let key = Key::of(AgentId(row.get(0)?), tier, CatalogueId(row.get(1)?), from_ms);
        Ok((key, super::Span { logs: (row.get(4)?, row.get(5)?), times_ms: (from_ms, row.get(3)?) }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Agents whose rows are as they were closed, all of rows of the log below one; at most so many.
pub(super) fn fresh_agents(
    connection: &Connection,
    log: LogId,
    most: usize,
) -> Result<Vec<AgentId>, SeriesError> {
    let mut statement = connection.prepare_cached(
        "SELECT agent FROM chunk WHERE form = 1 GROUP BY agent HAVING max(last_log) < ?1 LIMIT ?2",
    )?;
    let agents = statement.query_map(params![log, most as i64], |row| row.get(0).map(AgentId))?;
    Ok(agents.collect::<Result<_, _>>()?)
}

/// Whether any row is as it was closed.
pub(super) fn has_fresh(connection: &Connection) -> Result<bool, SeriesError> {
    let mut statement = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM chunk WHERE form = 1)")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Agents that have rows of some forms; of one source when that is given.
pub(super) fn agents(
    connection: &Connection,
    forms: &[Form],
    source: Option<i64>,
) -> Result<Vec<AgentId>, SeriesError> {
    let forms: Vec<String> = forms.iter().map(|form| (*form as i64).to_string()).collect();
    let statement = format!(
        "SELECT DISTINCT agent FROM chunk WHERE form IN ({}) AND (?1 IS NULL OR source = ?1)",
        forms.join(",")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let agents = statement.query_map([source], |row| row.get(0).map(AgentId))?;
    Ok(agents.collect::<Result<_, _>>()?)
}

fn number_of(transaction: &Transaction<'_>, catalogue: &Catalogue) -> Result<i64, SeriesError> {
    let known = transaction
        .prepare_cached("SELECT number FROM catalogue WHERE id = ?1")?
        .query_row([catalogue.id.0], |row| row.get(0))
        .optional()?;
    if let Some(number) = known {
        return Ok(number);
    }
    let shape = shape_of(transaction, &stored::pack_columns(catalogue)?)?;
    transaction
        .prepare_cached("INSERT INTO catalogue (id, shape, body) VALUES (?1, ?2, ?3)")?
        .execute(params![catalogue.id.0, shape, stored::pack_resource(catalogue)?])?;
    Ok(transaction.last_insert_rowid())
}

/// The number of columns that many hosts share: their checksum, or the next one that is free.
fn shape_of(transaction: &Transaction<'_>, body: &[u8]) -> Result<i64, SeriesError> {
    let mut number = i64::from(crc32fast::hash(body));
    loop {
        let known: Option<Vec<u8>> = transaction
            .prepare_cached("SELECT body FROM shape WHERE number = ?1")?
            .query_row([number], |row| row.get(0))
            .optional()?;
        match known {
            Some(known) if known == body => return Ok(number),
            Some(_) => number += 1,
            None => break,
        }
    }
    transaction
        .prepare_cached("INSERT INTO shape (number, body) VALUES (?1, ?2)")?
        .execute(params![number, body])?;
    Ok(number)
}

fn read_catalogue(connection: &Connection, number: i64, id: CatalogueId) -> Result<Catalogue, SeriesError> {
    let (body, columns): (Vec<u8>, Option<Vec<u8>>) = connection
        .prepare_cached(
            "SELECT catalogue.body, shape.body FROM catalogue LEFT JOIN shape ON shape.number = catalogue.shape
             WHERE catalogue.number = ?1",
        )?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(match columns {
        Some(columns) => stored::unpack_parts(id, &body, &columns)?,
        None => stored::unpack(id, &body)?,
    })
}
