//! What a report's numbers are, as the store and the series know it.

use litemap::LiteMap;
use std::sync::Arc;

/// A catalogue's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CatalogueId(pub [u8; 16]);

/// Attributes: key to value, sorted.
pub type Attributes = LiteMap<String, String>;

/// How a column's values behave over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A level.
    Gauge,
    /// A running total.
    Counter,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// OpenTelemetry name.
    pub name: String,
    /// What tells this sample from others of the name.
    pub attributes: Attributes,
    /// Unit in UCUM.
    pub unit: String,
    /// A stored value is the measured one times ten to this power.
    pub scale: u8,
    /// Level or running total.
    pub kind: Kind,
}

impl Column {
    /// The measured value for a stored one.
    pub fn unscale(&self, value: i64) -> f64 {
        value as f64 / 10_f64.powi(i32::from(self.scale))
    }

    /// An attribute's value.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }
}

/// A catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Id: the first 16 bytes of the SHA-256 of its canonical bytes.
    pub id: CatalogueId,
    /// What is fixed about the host: name, operating system, agent version.
    pub resource: Attributes,
    /// One for each place in the array of values. Hosts of one make share them: they differ only in their resource.
    pub columns: Arc<[Column]>,
}
