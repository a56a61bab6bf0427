//! Components in the store: the parts of each asset, with when they were first seen and when they vanished.

use crate::model::asset::AssetId;
use crate::model::component::{Component, ComponentState};
use crate::model::missing::Missing;
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
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?11, ?10) \
         ON CONFLICT (asset, kind, id) DO UPDATE SET name = excluded.name, model = excluded.model, \
           first_seen_ms = excluded.first_seen_ms, serial = excluded.serial, reasons = excluded.reasons, figures = excluded.figures, vanished_ms = NULL, \
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
            at_ms,
            part.since_ms
        ])?;
    }
    let named: Vec<(&str, &str)> = set.iter().map(|part| (part.kind.as_str(), part.id.as_str())).collect();
    vanish.execute(params![asset.0, at_ms, json(&named)?])?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Conflict(error.to_string()))
}

/// Notes which parts of an asset are gone.
pub fn put_missing(connection: &Connection, asset: AssetId, missing: &[Missing]) -> Result<(), StoreError> {
    if missing.is_empty() {
        connection.prepare_cached("DELETE FROM missing_part WHERE asset = ?1")?.execute([asset.0])?;
        return Ok(());
    }
    let part =
        |gone: &Missing| serde_json::json!({ "since_ms": gone.since_ms, "part": to_text(&gone.component) });
    let parts: Vec<serde_json::Value> = missing.iter().map(part).collect();
    connection
        .prepare_cached("INSERT OR REPLACE INTO missing_part (asset, parts) VALUES (?1, ?2)")?
        .execute(params![asset.0, json(&parts)?])?;
    Ok(())
}

/// The parts of every asset that are gone.
pub fn missing(connection: &Connection) -> Result<HashMap<AssetId, Vec<Missing>>, StoreError> {
    let mut statement = connection.prepare("SELECT asset, parts FROM missing_part")?;
    let mut rows = statement.query([])?;
    let mut found = HashMap::new();
    while let Some(row) = rows.next()? {
        let parts: Vec<serde_json::Value> =
            serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default();
        let part = |gone: &serde_json::Value| {
            let component = of_text(gone.get("part")?.as_str()?)?;
            Some(Missing { component, since_ms: gone.get("since_ms")?.as_i64()? })
        };
        found.insert(AssetId(row.get(0)?), parts.iter().filter_map(part).collect());
    }
    Ok(found)
}

/// A part as it stands beside what is about it.
pub(super) fn to_text(part: &Component) -> String {
    serde_json::json!({
        "kind": part.kind, "id": part.id, "name": part.name, "model": part.model, "serial": part.serial,
        "state": part.state.as_str(), "reasons": part.reasons, "figures": part.figures, "since_ms": part.since_ms,
    })
    .to_string()
}

/// A part that was written so; none where it cannot be read, rather than a row that no page can show.
pub(super) fn of_text(text: &str) -> Option<Component> {
    let part: serde_json::Value = serde_json::from_str(text).ok()?;
    let word = |name: &str| part.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let list = |name: &str| part.get(name).cloned().unwrap_or_default();
    Some(Component {
        kind: word("kind"),
        id: word("id"),
        name: word("name"),
        model: word("model"),
        serial: word("serial"),
        state: ComponentState::from_word(&word("state")).unwrap_or(ComponentState::Unknown),
        reasons: serde_json::from_value(list("reasons")).unwrap_or_default(),
        figures: serde_json::from_value(list("figures")).unwrap_or_default(),
        since_ms: part.get("since_ms").and_then(serde_json::Value::as_i64).unwrap_or_default(),
    })
}

/// The present components of every asset.
pub fn present(connection: &Connection) -> Result<HashMap<AssetId, Vec<Component>>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT asset, kind, id, name, model, serial, state, reasons, figures, first_seen_ms \
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
            since_ms: row.get(9)?,
        };
        sets.entry(AssetId(row.get(0)?)).or_default().push(part);
    }
    Ok(sets)
}
