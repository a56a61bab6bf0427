//! Statements about sessions. Only the SHA-256 of a session's secret is stored.

use crate::model::user::{User, UserId};
use crate::store::StoreError;
use crate::store::sqlite::user::user_of;
use rusqlite::{Connection, OptionalExtension, params};

/// Sessions of one user at most; the oldest gives way.
const SESSIONS_PER_USER_MAX: i64 = 20;

/// A session that has not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// Whose it is.
    pub user: User,
    /// When it expires, milliseconds since 1970.
    pub expires_ms: i64,
}

/// Adds a session, and removes those that have expired or are too many.
pub fn insert(
    connection: &Connection,
    sha256: &[u8; 32],
    user: UserId,
    now_ms: i64,
    expires_ms: i64,
) -> Result<(), StoreError> {
    connection.execute("DELETE FROM session WHERE expires_ms <= ?1", [now_ms])?;
    connection.execute(
        "INSERT INTO session (sha256, user, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)",
        params![sha256, user.0, now_ms, expires_ms],
    )?;
    connection.execute(
        "DELETE FROM session WHERE user = ?1 AND sha256 NOT IN \
         (SELECT sha256 FROM session WHERE user = ?1 ORDER BY created_ms DESC LIMIT ?2)",
        params![user.0, SESSIONS_PER_USER_MAX],
    )?;
    Ok(())
}

/// The session of a secret, if it has not expired.
pub fn live(
    connection: &Connection,
    sha256: &[u8; 32],
    now_ms: i64,
) -> Result<Option<LiveSession>, StoreError> {
    let find = "SELECT user.id, user.name, user.role, user.agency, user.language, session.expires_ms \
                FROM session JOIN user ON user.id = session.user \
                WHERE session.sha256 = ?1 AND session.expires_ms > ?2";
    let mut statement = connection.prepare_cached(find)?;
    let found = statement.query_row(params![sha256, now_ms], |row| {
        Ok(LiveSession { user: user_of(row)?, expires_ms: row.get(5)? })
    });
    Ok(found.optional()?)
}

/// Moves a session's end.
pub fn extend(connection: &Connection, sha256: &[u8; 32], expires_ms: i64) -> Result<(), StoreError> {
    connection
        .execute("UPDATE session SET expires_ms = ?2 WHERE sha256 = ?1", params![sha256, expires_ms])?;
    Ok(())
}

/// Ends a session.
pub fn delete(connection: &Connection, sha256: &[u8; 32]) -> Result<(), StoreError> {
    connection.execute("DELETE FROM session WHERE sha256 = ?1", params![sha256])?;
    Ok(())
}

/// Ends every session.
pub fn delete_all(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM session", [])?;
    Ok(())
}
