//! Statements about the audit: one row for each change, written in the change's own transaction, never changed.

use crate::store::StoreError;
use rusqlite::{Connection, params};

/// Who does something, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// A user's name, `token:NAME` or `cli:ACCOUNT`.
    pub name: String,
    /// From which address; empty for the command line.
    pub address: String,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Id; rises with time.
    pub id: i64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Who.
    pub actor: Actor,
    /// What was done, such as `work_order.change`.
    pub action: String,
    /// To what, such as `work_order:7`.
    pub subject: String,
    /// The change itself, as JSON text.
    pub detail: String,
}

/// Writes down a change.
pub fn insert(
    connection: &Connection,
    actor: &Actor,
    action: &str,
    subject: &str,
    detail: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO audit (at_ms, actor, address, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![now_ms, actor.name, actor.address, action, subject, detail],
    )?;
    Ok(())
}

/// Rows newest first, at most `limit` of them before the one with id `before`.
pub fn page(connection: &Connection, before: Option<i64>, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, at_ms, actor, address, action, subject, detail FROM audit \
         WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![before.unwrap_or(i64::MAX), limit as i64], |row| {
        Ok(AuditRow {
            id: row.get(0)?,
            at_ms: row.get(1)?,
            actor: Actor { name: row.get(2)?, address: row.get(3)? },
            action: row.get(4)?,
            subject: row.get(5)?,
            detail: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
