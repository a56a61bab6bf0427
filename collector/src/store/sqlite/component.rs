//! Components in the store: the parts of each asset, with when they were first seen and when they vanished.

use crate::model::asset::AssetId;
use crate::model::component::{Component, ComponentState};
use crate::store::StoreError;
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// Takes a complete set: what is in it is added or changed, what is not has vanished.
pub fn replace_set(
    connection: &Connection,
    asset: AssetId,
    set: &[Component],
    at_ms: i64,
) -> Result<(), StoreError> {
    let mut put = connection.prepare_cached(
        "INSERT INTO component (asset, kind, id, name, model, serial, state, reasons, figures, first_seen_ms, changed_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) \
         ON CONFLICT (asset, kind, id) DO UPDATE SET name = excluded.name, model = excluded.model, \
           serial = excluded.serial, reasons = excluded.reasons, figures = excluded.figures, vanished_ms = NULL, \
           changed_ms = CASE WHEN state <> excluded.state OR vanished_ms IS NOT NULL \
             THEN excluded.changed_ms ELSE changed_ms END, \
           state = excluded.state",
    )?;
    let mut vanish = connection.prepare_cached(
        "UPDATE component SET vanished_ms = ?2, changed_ms = ?2 WHERE asset = ?1 AND vanished_ms IS NULL \
         AND (kind, id) NOT IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?3))",
    )?;
    for part in set {
        put.execute(params![
            asset.0,
            part.kind,
            part.id,
            part.name,
            part.model,
            part.serial,
            part.state.as_str(),
            json(&part.reasons)?,
            json(&part.figures)?,
            at_ms
        ])?;
    }
    let named: Vec<(&str, &str)> = set.iter().map(|part| (part.kind.as_str(), part.id.as_str())).collect();
    vanish.execute(params![asset.0, at_ms, json(&named)?])?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Conflict(error.to_string()))
}

/// The present components of every asset.
pub fn present(connection: &Connection) -> Result<HashMap<AssetId, Vec<Component>>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT asset, kind, id, name, model, serial, state, reasons, figures \
         FROM component WHERE vanished_ms IS NULL ORDER BY asset, kind, id",
    )?;
    let mut rows = statement.query([])?;
    let mut sets: HashMap<AssetId, Vec<Component>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (state, reasons, figures): (String, String, String) = (row.get(6)?, row.get(7)?, row.get(8)?);
        let part = Component {
            kind: row.get(1)?,
            id: row.get(2)?,
            name: row.get(3)?,
            model: row.get(4)?,
            serial: row.get(5)?,
            state: ComponentState::from_word(&state).unwrap_or(ComponentState::Unknown),
            reasons: serde_json::from_str(&reasons).unwrap_or_default(),
            figures: serde_json::from_str(&figures).unwrap_or_default(),
        };
        sets.entry(AssetId(row.get(0)?)).or_default().push(part);
    }
    Ok(sets)
}
