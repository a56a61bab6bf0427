//! Statements about what became of assets' parts.

use crate::model::agency::Scope;
use crate::model::asset::AssetId;
use crate::model::part_change::{PartChange, What};
use crate::store::StoreError;
use crate::store::sqlite::asset;
use rusqlite::{Connection, params};

/// Changes that are kept of one asset; a machine whose parts come and go forgets the oldest.
pub const CHANGES_MAX: i64 = 1_000;

/// A change with when it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its place in the order.
    pub id: i64,
    /// When the set that shows it was measured.
    pub at_ms: i64,
    /// What changed.
    pub change: PartChange,
}

/// Adds what one set changed, and drops what is too many.
pub fn add(
    connection: &Connection,
    asset: AssetId,
    changes: &[PartChange],
    at_ms: i64,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO part_change (asset, at_ms, kind, part, what, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for change in changes {
        insert.execute(params![
            asset.0,
            at_ms,
            change.kind,
            change.part,
            change.what.as_str(),
            change.before,
            change.after
        ])?;
    }
    let mut trim = connection.prepare_cached(
        "DELETE FROM part_change WHERE asset = ?1 AND id <= \
         (SELECT id FROM part_change WHERE asset = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?;
    trim.execute(params![asset.0, CHANGES_MAX])?;
    Ok(())
}

/// Changes of an asset within `scope`, newest first, at most `limit` of them before `before`. Missing when the asset is
/// not within the scope.
pub fn page(
    connection: &Connection,
    scope: Scope,
    asset: AssetId,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Seen>, StoreError> {
    asset::one(connection, scope, asset)?;
    let mut statement = connection.prepare_cached(
        "SELECT id, at_ms, kind, part, what, before, after FROM part_change \
         WHERE asset = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )?;
    let rows = statement.query_map(params![asset.0, before.unwrap_or(i64::MAX), limit as i64], |row| {
        let what: String = row.get(4)?;
        let change = PartChange {
            kind: row.get(2)?,
            part: row.get(3)?,
            what: What::from_word(&what).unwrap_or(What::Changed),
            before: row.get(5)?,
            after: row.get(6)?,
        };
        Ok(Seen { id: row.get(0)?, at_ms: row.get(1)?, change })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
