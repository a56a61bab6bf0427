//! The catalogue: what a report's numbers are. It travels once; reports name it by its id.

use crate::bounded;
use crate::id::CatalogueId;
use crate::limits;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Attributes of a column or a resource: key to value, sorted. Most have one or two, for which a tree's node would take
/// ten times their room.
pub type Attributes = LiteMap<String, String>;

/// How a column's values behave over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A level: may go up and down.
    Gauge,
    /// A running total since some start: only rises, except when it starts anew.
    Counter,
}

/// One column: the sample that a place in the array of values stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// Name, see [`crate::sample`].
    pub name: String,
    /// Attributes that tell this sample from others of the name.
    #[serde(
        default,
        rename = "attr",
        skip_serializing_if = "LiteMap::is_empty",
        deserialize_with = "bounded::map::<_, _, _, { limits::ATTRIBUTES_MAX }>"
    )]
    pub attributes: Attributes,
    /// Unit in UCUM, such as `By`, `s`, `1`, `Cel`, `{packet}`.
    pub unit: String,
    /// Decimal digits: a value on the wire is the measured one times ten to this power, rounded.
    #[serde(default)]
    pub scale: u8,
    /// Level or running total.
    pub kind: Kind,
}

impl Column {
    /// The measured value for a number on the wire.
    pub fn unscale(&self, value: i64) -> f64 {
        value as f64 / 10_f64.powi(i32::from(self.scale))
    }

    /// The number on the wire for a measured value; none when it is not finite or exceeds
    /// [`limits::VALUE_ABS_MAX`].
    pub fn scaled(&self, value: f64) -> Option<i64> {
        let scaled = (value * 10_f64.powi(i32::from(self.scale))).round();
        (scaled.is_finite() && scaled.abs() <= limits::VALUE_ABS_MAX as f64).then_some(scaled as i64)
    }
}

/// Names, attributes and units of a report's values, and what is fixed about their host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// What is known of the host itself: name, operating system, agent version.
    #[serde(
        default,
        skip_serializing_if = "LiteMap::is_empty",
        deserialize_with = "bounded::map::<_, _, _, { limits::ATTRIBUTES_MAX }>"
    )]
    pub resource: Attributes,
    /// One for each place in the array of values.
    #[serde(deserialize_with = "bounded::list::<_, _, { limits::COLUMNS_MAX }>")]
    pub columns: Vec<Column>,
}

/// Why a catalogue is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCatalogue {
    /// More columns than allowed.
    #[error("{0} columns, at most {max}", max = limits::COLUMNS_MAX)]
    Columns(usize),
    /// More attributes than allowed.
    #[error("column {0}: more than {max} attributes", max = limits::ATTRIBUTES_MAX)]
    Attributes(usize),
    /// A name, unit or value that is empty or too long.
    #[error("column {0}: a name, unit or attribute is empty or too long")]
    Text(usize),
    /// A scale out of bounds.
    #[error("column {0}: scale is at most {max}", max = limits::SCALE_MAX)]
    Scale(usize),
}

impl Catalogue {
    /// The bytes that the id is taken of: compact JSON, fields in the order declared, attributes sorted by key.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The first 16 bytes of the SHA-256 of the canonical bytes.
    pub fn id(&self) -> CatalogueId {
        let digest = Sha256::digest(self.canonical_bytes());
        let mut id = CatalogueId::default();
        id.0.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        id
    }

    /// Whether it keeps the bounds of [`limits`].
    pub fn check(&self) -> Result<(), InvalidCatalogue> {
        if self.columns.len() > limits::COLUMNS_MAX {
            return Err(InvalidCatalogue::Columns(self.columns.len()));
        }
        check_attributes(&self.resource, 0)?;
        for (place, column) in self.columns.iter().enumerate() {
            if !fits(&column.name, limits::NAME_BYTES_MAX) || !fits(&column.unit, limits::NAME_BYTES_MAX) {
                return Err(InvalidCatalogue::Text(place));
            }
            if column.scale > limits::SCALE_MAX {
                return Err(InvalidCatalogue::Scale(place));
            }
            check_attributes(&column.attributes, place)?;
        }
        Ok(())
    }
}

fn check_attributes(attributes: &Attributes, place: usize) -> Result<(), InvalidCatalogue> {
    if attributes.len() > limits::ATTRIBUTES_MAX {
        return Err(InvalidCatalogue::Attributes(place));
    }
    let sound = |(key, value): (&String, &String)| {
        fits(key, limits::NAME_BYTES_MAX) && value.len() <= limits::TEXT_BYTES_MAX
    };
    if attributes.iter().all(sound) { Ok(()) } else { Err(InvalidCatalogue::Text(place)) }
}

fn fits(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(scale: u8) -> Column {
        Column {
            name: "system.uptime".into(),
            attributes: Attributes::new(),
            unit: "s".into(),
            scale,
            kind: Kind::Gauge,
        }
    }

    #[test]
    fn id_depends_on_every_field() {
        let one = Catalogue { resource: Attributes::new(), columns: vec![column(0)] };
        let other = Catalogue { resource: Attributes::new(), columns: vec![column(1)] };
        assert_ne!(one.id(), other.id());
        assert_eq!(one.id(), one.clone().id());
    }

    #[test]
    fn values_that_a_double_cannot_hold_are_not_sent() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(column(3).scaled(value), None, "{value}");
        }
        assert_eq!(column(3).scaled(1.2345), Some(1_235));
        assert_eq!(column(3).unscale(1_235), 1.235);
    }

    #[test]
    fn bounds_are_checked() {
        let mut catalogue = Catalogue { resource: Attributes::new(), columns: vec![column(10)] };
        assert_eq!(catalogue.check(), Err(InvalidCatalogue::Scale(0)));
        catalogue.columns = vec![Column { name: "x".repeat(10_000), ..column(0) }];
        assert_eq!(catalogue.check(), Err(InvalidCatalogue::Text(0)));
    }
}
