//! Catalogues in the store, as their canonical JSON.

use super::blob;
use crate::model::catalogue::CatalogueId;
use crate::store::StoreError;
use rusqlite::{Connection, params};

/// Adds a catalogue; one that is there already stays as it is, for its id is its content's.
pub fn add(connection: &Connection, id: CatalogueId, canonical: &str, now_ms: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO catalogue (id, body, seen_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?
        .execute(params![id.0, canonical, now_ms])?;
    Ok(())
}

/// Shows every catalogue: its id and canonical JSON.
pub fn each(connection: &Connection, mut show: impl FnMut(CatalogueId, &str)) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT id, body FROM catalogue")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let body: String = row.get(1)?;
        show(CatalogueId(blob(row, 0)?), &body);
    }
    Ok(())
}
