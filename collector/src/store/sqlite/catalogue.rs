//! Catalogues in the store, as JSON: what each says of its host, and the columns that hosts of one make share, once.

use super::blob;
use crate::model::catalogue::CatalogueId;
use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A catalogue's canonical JSON, in its two parts as they are written.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    columns: &'a RawValue,
}

/// Adds a catalogue; one that is there already stays as it is, for its id is its content's.
pub fn add(connection: &Connection, id: CatalogueId, canonical: &str, now_ms: i64) -> Result<(), StoreError> {
    let parts: Parts<'_> = serde_json::from_str(canonical)
        .map_err(|error| StoreError::Conflict(format!("a catalogue that is not its JSON: {error}")))?;
    let shape = shape_of(connection, parts.columns.get())?;
    connection
        .prepare_cached(
            "INSERT INTO catalogue (id, shape, resource, seen_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![id.0, shape, parts.resource.map_or("{}", RawValue::get), now_ms])?;
    Ok(())
}

/// The number of columns: their checksum, or the next one that is free.
fn shape_of(connection: &Connection, columns: &str) -> Result<i64, StoreError> {
    let mut number = i64::from(crc32fast::hash(columns.as_bytes()));
    loop {
        let is_same: Option<bool> = connection
            .prepare_cached("SELECT columns = ?2 FROM shape WHERE number = ?1")?
            .query_row(params![number, columns], |row| row.get(0))
            .optional()?;
        match is_same {
            Some(true) => return Ok(number),
            Some(false) => number += 1,
            None => break,
        }
    }
    connection
        .prepare_cached("INSERT INTO shape (number, columns) VALUES (?1, ?2)")?
        .execute(params![number, columns])?;
    Ok(number)
}

/// Shows the columns of every shape: its number and their JSON.
pub fn each_shape(connection: &Connection, mut show: impl FnMut(i64, &str)) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT number, columns FROM shape")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let columns: String = row.get(1)?;
        show(row.get(0)?, &columns);
    }
    Ok(())
}

/// Shows every catalogue: its id, the number of its shape, and the JSON of its resource.
pub fn each(connection: &Connection, mut show: impl FnMut(CatalogueId, i64, &str)) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT id, shape, resource FROM catalogue")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let resource = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        show(CatalogueId(blob(row, 0)?), row.get(1)?, resource);
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::sqlite;

    const COLUMNS: &str = r#"[{"name":"system.uptime","unit":"s","scale":0,"kind":"gauge"}]"#;

    /// Each catalogue by the first byte of its id: its resource and columns.
    pub(in crate::store::sqlite) fn all(connection: &Connection) -> Vec<(u8, String, String)> {
        let (mut shapes, mut all) = (std::collections::HashMap::new(), Vec::new());
        each_shape(connection, |number, columns| {
            shapes.insert(number, columns.to_owned());
        })
        .unwrap();
        each(connection, |id, shape, resource| {
            all.push((id.0[0], resource.to_owned(), shapes[&shape].clone()));
        })
        .unwrap();
        all
    }

    /// How many shapes there are.
    pub(in crate::store::sqlite) fn shapes(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM shape", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn columns_are_kept_once_for_all_hosts_that_have_them() {
        let folder = tempfile::tempdir().unwrap();
        let connection = sqlite::open_writer(folder.path()).unwrap();
        let put = |id: u8, canonical: &str| add(&connection, CatalogueId([id; 16]), canonical, 7).unwrap();
        put(1, &format!(r#"{{"resource":{{"host.name":"a"}},"columns":{COLUMNS}}}"#));
        put(2, &format!(r#"{{"resource":{{"host.name":"b"}},"columns":{COLUMNS}}}"#));
        put(2, &format!(r#"{{"resource":{{"host.name":"b"}},"columns":{COLUMNS}}}"#));
        put(3, r#"{"columns":[]}"#);
        let expected = [
            (1, r#"{"host.name":"a"}"#.to_owned(), COLUMNS.to_owned()),
            (2, r#"{"host.name":"b"}"#.to_owned(), COLUMNS.to_owned()),
            (3, "{}".to_owned(), "[]".to_owned()),
        ];
        assert_eq!(all(&connection), expected);
        assert_eq!(shapes(&connection), 2);
    }

    #[test]
    fn columns_with_the_checksum_of_others_are_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let connection = sqlite::open_writer(folder.path()).unwrap();
        let number = i64::from(crc32fast::hash(COLUMNS.as_bytes()));
        connection.execute("INSERT INTO shape VALUES (?1, '[]')", [number]).unwrap();
        assert_eq!(shape_of(&connection, COLUMNS).unwrap(), number + 1);
        assert_eq!(shape_of(&connection, COLUMNS).unwrap(), number + 1);
        assert_eq!(shapes(&connection), 2);
    }
}
