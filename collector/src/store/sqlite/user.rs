//! Statements about users and their password hashes.

use crate::model::agency::Scope;
use crate::model::text::Language;
use crate::model::user::{Role, User, UserId};
use crate::store::StoreError;
use crate::store::sqlite::scope;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

/// A user who does not exist yet.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Name to sign in with.
    pub name: &'a str,
    /// The password's hash, as a PHC string.
    pub password_hash: &'a str,
    /// What they may do.
    pub role: Role,
    /// What they may see.
    pub scope: Scope,
    /// The language of what they are shown.
    pub language: Language,
}

/// Adds a user; a conflict when the name is taken.
pub fn insert(connection: &Connection, user: &NewUser<'_>, now_ms: i64) -> Result<UserId, StoreError> {
    let added = connection.execute(
        "INSERT INTO user (name, password, role, agency, language, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (name) DO NOTHING",
        params![
            user.name,
            user.password_hash,
            user.role.as_str(),
            scope::parameter(user.scope),
            language_word(user.language),
            now_ms
        ],
    )?;
    if added == 0 {
        return Err(StoreError::Conflict(format!("a user named {} exists", user.name)));
    }
    Ok(UserId(connection.last_insert_rowid()))
}

/// A user and their password's hash, by name.
pub fn by_name(connection: &Connection, name: &str) -> Result<Option<(User, String)>, StoreError> {
    let find = "SELECT id, name, role, agency, language, password FROM user WHERE name = ?1";
    let mut statement = connection.prepare_cached(find)?;
    Ok(statement.query_row([name], |row| Ok((user_of(row)?, row.get(5)?))).optional()?)
}

/// Users whose own scope is within `scope`, by id, at most `limit` of them behind `after`. Those who see everything
/// are shown only to those who do so too.
pub fn page(
    connection: &Connection,
    scope: Scope,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<User>, StoreError> {
    let statement = format!(
        "SELECT id, name, role, agency, language FROM user WHERE id > :after AND {} ORDER BY id LIMIT :limit",
        scope::within("user.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! {
        ":after": after.unwrap_or(0), ":scope": scope::parameter(scope), ":limit": limit as i64,
    };
    let rows = statement.query_map(parameters, user_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Sets a new password and ends the user's sessions.
pub fn set_password(connection: &Connection, name: &str, password_hash: &str) -> Result<(), StoreError> {
    let changed =
        connection.execute("UPDATE user SET password = ?2 WHERE name = ?1", params![name, password_hash])?;
    if changed == 0 {
        return Err(StoreError::Missing("user"));
    }
    connection.execute("DELETE FROM session WHERE user = (SELECT id FROM user WHERE name = ?1)", [name])?;
    Ok(())
}

/// A user in the columns id, name, role, agency, language, which come first in the row.
pub(super) fn user_of(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(2)?;
    let language: String = row.get(4)?;
    Ok(User {
        id: UserId(row.get(0)?),
        name: row.get(1)?,
        role: Role::from_word(&role).unwrap_or(Role::Viewer),
        scope: scope::from_column(row.get(3)?),
        language: if language == "en" { Language::En } else { Language::Vi },
    })
}

const fn language_word(language: Language) -> &'static str {
    match language {
        Language::Vi => "vi",
        Language::En => "en",
    }
}
