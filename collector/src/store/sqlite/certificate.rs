//! Agents' leaf certificates in the store.

use super::blob;
use crate::model::agent::{AgentId, Certificate};
use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Certificates of one agent that were issued and never used, of which the newest are kept.
const UNUSED_KEPT: i64 = 4;

const COLUMNS: &str = "sha256, agent, issued_ms, expires_ms, first_used_ms, superseded_ms";

/// One certificate; none when it is not known.
pub fn one(connection: &Connection, sha256: [u8; 32]) -> Result<Option<Certificate>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM certificate WHERE sha256 = ?1"))?;
    Ok(statement.query_row([sha256], from_row).optional()?)
}

/// Every certificate of one agent.
pub fn of_agent(connection: &Connection, agent: AgentId) -> Result<Vec<Certificate>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM certificate WHERE agent = ?1"))?;
    let rows = statement.query_map([agent.0], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Certificate> {
    Ok(Certificate {
        sha256: blob(row, 0)?,
        agent: AgentId(blob(row, 1)?),
        issued_ms: row.get(2)?,
        expires_ms: row.get(3)?,
        first_used_ms: row.get(4)?,
        superseded_ms: row.get(5)?,
    })
}

/// Adds a certificate, and forgets older ones of the agent that were never used, beyond the newest few.
pub fn add(
    connection: &Connection,
    certificate: &Certificate,
    key_sha256: [u8; 32],
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO certificate (sha256, agent, key_sha256, issued_ms, expires_ms, first_used_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        params![
            certificate.sha256,
            certificate.agent.0,
            key_sha256,
            certificate.issued_ms,
            certificate.expires_ms,
            certificate.first_used_ms
        ],
    )?;
    connection.execute(
        "DELETE FROM certificate WHERE agent = ?1 AND first_used_ms IS NULL AND sha256 NOT IN ( \
           SELECT sha256 FROM certificate WHERE agent = ?1 AND first_used_ms IS NULL \
           ORDER BY issued_ms DESC LIMIT ?2)",
        params![certificate.agent.0, UNUSED_KEPT],
    )?;
    Ok(())
}

/// Whether a key is not new: a certificate of another agent has it, or one of this agent that was used. A certificate
/// of this agent that was never used is one whose answer got lost, so its key may be certified again.
pub fn key_was_used(
    connection: &Connection,
    agent: AgentId,
    key_sha256: [u8; 32],
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM certificate \
               WHERE key_sha256 = ?1 AND (agent <> ?2 OR first_used_ms IS NOT NULL))";
    Ok(connection.query_row(sql, params![key_sha256, agent.0], |row| row.get(0))?)
}

/// Notes that a certificate was used for the first time: older ones of its agent are superseded from then on.
pub fn note_first_use(
    connection: &Connection,
    certificate: &Certificate,
    now_ms: i64,
) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE certificate SET first_used_ms = coalesce(first_used_ms, ?2) WHERE sha256 = ?1",
        params![certificate.sha256, now_ms],
    )?;
    connection.execute(
        "UPDATE certificate SET superseded_ms = ?3 \
         WHERE agent = ?1 AND sha256 <> ?2 AND issued_ms < ?4 AND superseded_ms IS NULL",
        params![certificate.agent.0, certificate.sha256, now_ms, certificate.issued_ms],
    )?;
    Ok(())
}
