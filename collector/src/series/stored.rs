//! Catalogues as a day's file keeps them, so that each file can be read without any other.
//!
//! Names and columns as JSON, packed: hosts of one make differ only in their resource, and JSON of names packs to a
//! fifth. It must not know where the bytes go.

use crate::model::catalogue::{Attributes, Catalogue, CatalogueId, Column, Kind};
use serde::{Deserialize, Serialize};

/// Bytes that a catalogue may unpack to: the most columns with the longest texts stay below.
const BYTES_MAX: usize = 16 << 20;
const ZSTD_LEVEL: i32 = 3;

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

/// The bytes to keep.
pub(super) fn pack(catalogue: &Catalogue) -> std::io::Result<Vec<u8>> {
    let columns = catalogue.columns.iter().map(|column| StoredColumn {
        name: column.name.clone(),
        attributes: column.attributes.clone(),
        unit: column.unit.clone(),
        scale: column.scale,
        counter: column.kind == Kind::Counter,
    });
    let stored = StoredCatalogue { resource: catalogue.resource.clone(), columns: columns.collect() };
    zstd::bulk::compress(&serde_json::to_vec(&stored)?, ZSTD_LEVEL)
}

/// The catalogue that was packed; an error when the bytes are damaged.
pub(super) fn unpack(id: CatalogueId, bytes: &[u8]) -> std::io::Result<Catalogue> {
    let stored: StoredCatalogue = serde_json::from_slice(&zstd::bulk::decompress(bytes, BYTES_MAX)?)?;
    let columns = stored.columns.into_iter().map(|column| Column {
        name: column.name,
        attributes: column.attributes,
        unit: column.unit,
        scale: column.scale,
        kind: if column.counter { Kind::Counter } else { Kind::Gauge },
    });
    Ok(Catalogue { id, resource: stored.resource, columns: columns.collect() })
}
