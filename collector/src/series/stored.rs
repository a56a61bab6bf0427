//! Catalogues as a file of the history keeps them, so that each file can be read without any other.
//!
//! Names and columns as JSON, packed: hosts of one make differ only in their resource, and JSON of names packs to a
//! fifth. It must not know where the bytes go.

use crate::model::catalogue::{Attributes, Catalogue, CatalogueId, Column, Kind};
use serde::{Deserialize, Serialize};

/// Bytes that a catalogue may unpack to: the most columns with the longest texts stay below.
const BYTES_MAX: usize = 16 << 20;
const ZSTD_LEVEL: i32 = 3;

/// A whole catalogue in one, as the first release kept it.
#[derive(Serialize, Deserialize)]
struct StoredCatalogue {
    resource: Attributes,
    columns: Vec<StoredColumn>,
}

#[derive(Serialize, Deserialize)]
struct StoredColumn {
    name: String,
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes,
    unit: String,
    scale: u8,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    counter: bool,
}

/// What is fixed about the host, to keep.
pub(super) fn pack_resource(catalogue: &Catalogue) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(&serde_json::to_vec(&catalogue.resource)?, ZSTD_LEVEL)
}

/// A whole catalogue as the first release kept it.
#[cfg(test)]
pub(super) fn pack_whole(catalogue: &Catalogue) -> std::io::Result<Vec<u8>> {
    let whole = StoredCatalogue { resource: catalogue.resource.clone(), columns: columns(catalogue) };
    zstd::bulk::compress(&serde_json::to_vec(&whole)?, ZSTD_LEVEL)
}

/// The columns, to keep.
pub(super) fn pack_columns(catalogue: &Catalogue) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(&serde_json::to_vec(&columns(catalogue))?, ZSTD_LEVEL)
}

fn columns(catalogue: &Catalogue) -> Vec<StoredColumn> {
    let column = |column: &Column| StoredColumn {
        name: column.name.clone(),
        attributes: column.attributes.clone(),
        unit: column.unit.clone(),
        scale: column.scale,
        counter: column.kind == Kind::Counter,
    };
    catalogue.columns.iter().map(column).collect()
}

/// The catalogue that was packed in two parts; an error when the bytes are damaged.
pub(super) fn unpack_parts(id: CatalogueId, resource: &[u8], columns: &[u8]) -> std::io::Result<Catalogue> {
    let resource = serde_json::from_slice(&zstd::bulk::decompress(resource, BYTES_MAX)?)?;
    let columns = serde_json::from_slice(&zstd::bulk::decompress(columns, BYTES_MAX)?)?;
    Ok(catalogue(id, resource, columns))
}

/// The catalogue that was packed in one.
pub(super) fn unpack(id: CatalogueId, bytes: &[u8]) -> std::io::Result<Catalogue> {
    let stored: StoredCatalogue = serde_json::from_slice(&zstd::bulk::decompress(bytes, BYTES_MAX)?)?;
    Ok(catalogue(id, stored.resource, stored.columns))
}

fn catalogue(id: CatalogueId, resource: Attributes, columns: Vec<StoredColumn>) -> Catalogue {
    let columns = columns.into_iter().map(|column| Column {
        name: column.name,
        attributes: column.attributes,
        unit: column.unit,
        scale: column.scale,
        kind: if column.counter { Kind::Counter } else { Kind::Gauge },
    });
    Catalogue { id, resource, columns: columns.collect() }
}
