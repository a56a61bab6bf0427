//! Enrolments in the store, and which key came in with which.

use super::blob;
use crate::model::agency::SiteId;
use crate::model::agent::AgentId;
use crate::model::enrollment::{Enrollment, EnrollmentId};
use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The enrolment of a secret, found by the secret's hash, so that comparing takes the same time whatever was sent.
pub fn by_secret(connection: &Connection, secret_sha256: [u8; 32]) -> Result<Option<Enrollment>, StoreError> {
    let found = connection.query_row(
        "SELECT id, site, secret_sha256, uses_left, expires_ms, created_by, created_ms \
         FROM enrollment WHERE secret_sha256 = ?1",
        [secret_sha256],
        |row| {
            Ok(Enrollment {
                id: EnrollmentId(row.get(0)?),
                site: SiteId(row.get(1)?),
                secret_sha256: blob(row, 2)?,
                uses_left: row.get(3)?,
                expires_ms: row.get(4)?,
                created_by: row.get(5)?,
                created_ms: row.get(6)?,
            })
        },
    );
    Ok(found.optional()?)
}

/// Adds an enrolment and returns its id.
pub fn add(
    connection: &Connection,
    site: SiteId,
    secret_sha256: [u8; 32],
    uses: i64,
    expires_ms: i64,
    created_by: &str,
    now_ms: i64,
) -> Result<EnrollmentId, StoreError> {
    connection.execute(
        "INSERT INTO enrollment (site, secret_sha256, uses_left, expires_ms, created_by, created_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![site.0, secret_sha256, uses, expires_ms, created_by, now_ms],
    )?;
    Ok(EnrollmentId(connection.last_insert_rowid()))
}

/// The agent that a key enrolled as with this token before; none when it did not.
pub fn used_by(
    connection: &Connection,
    enrollment: EnrollmentId,
    key_sha256: [u8; 32],
) -> Result<Option<AgentId>, StoreError> {
    let sql = "SELECT agent FROM enrollment_use WHERE enrollment = ?1 AND key_sha256 = ?2";
    let found = connection.query_row(sql, params![enrollment.0, key_sha256], |row| blob(row, 0));
    Ok(found.optional()?.map(AgentId))
}

/// Takes one use of a token for a key.
pub fn take_use(
    connection: &Connection,
    enrollment: EnrollmentId,
    key_sha256: [u8; 32],
    agent: AgentId,
    now_ms: i64,
) -> Result<(), StoreError> {
    connection.execute("UPDATE enrollment SET uses_left = uses_left - 1 WHERE id = ?1", [enrollment.0])?;
    connection.execute(
        "INSERT INTO enrollment_use (enrollment, key_sha256, agent, used_ms) VALUES (?1, ?2, ?3, ?4)",
        params![enrollment.0, key_sha256, agent.0, now_ms],
    )?;
    Ok(())
}

/// Ends every token: none lets anybody in from now on.
pub fn end_all(connection: &Connection, now_ms: i64) -> Result<(), StoreError> {
    connection.execute("UPDATE enrollment SET expires_ms = ?1 WHERE expires_ms > ?1", [now_ms])?;
    Ok(())
}
