//! Statements about the tokens of programs. Only their SHA-256 is stored.

use crate::model::agency::Scope;
use crate::model::user::Role;
use crate::store::StoreError;
use crate::store::sqlite::scope;
use rusqlite::{Connection, OptionalExtension, params};

/// What a token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What it is for.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// What its bearer may see.
    pub scope: Scope,
    /// Until when, milliseconds since 1970; none for no end.
    pub expires_ms: Option<i64>,
}

/// Adds a token.
pub fn insert(
    connection: &Connection,
    sha256: &[u8; 32],
    token: &ApiToken,
    now_ms: i64,
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO api_token (sha256, name, role, agency, created_ms, expires_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            sha256,
            token.name,
            token.role.as_str(),
            scope::parameter(token.scope),
            now_ms,
            token.expires_ms
        ],
    )?;
    Ok(())
}

/// The token of a secret, if it has not expired.
pub fn live(connection: &Connection, sha256: &[u8; 32], now_ms: i64) -> Result<Option<ApiToken>, StoreError> {
    let find = "SELECT name, role, agency, expires_ms FROM api_token \
                WHERE sha256 = ?1 AND (expires_ms IS NULL OR expires_ms > ?2)";
    let mut statement = connection.prepare_cached(find)?;
    let found = statement.query_row(params![sha256, now_ms], |row| {
        let role: String = row.get(1)?;
        Ok(ApiToken {
            name: row.get(0)?,
            role: Role::from_word(&role).unwrap_or(Role::Viewer),
            scope: scope::from_column(row.get(2)?),
            expires_ms: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}
