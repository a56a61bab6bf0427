//! Reports and the batches that carry them.
//!
//! A report is one instant of one host. Its bytes are made once, spooled, and sent unchanged as often as it takes; its
//! `seq` stands beside it, not in it. A batch is decoded in two steps, so that one bad report never costs its
//! neighbours: [`Batch::decode`] finds the reports' bytes, [`Report::decode`] reads each.

use crate::aggregate::Aggregate;
use crate::bounded;
use crate::catalogue::Catalogue;
use crate::component::{self, Component};
use crate::encoding::{self, WireError};
use crate::id::{AgentId, BootId, CatalogueId, Seq, SetDigest, SpoolId};
use crate::limits;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A moment of one host: which boot, how long since, and what its wall clock said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The boot.
    pub boot: BootId,
    /// Milliseconds of `CLOCK_BOOTTIME`.
    #[serde(rename = "at")]
    pub boot_ms: u64,
    /// Milliseconds since 1970 by the host's wall clock, which is not trusted.
    #[serde(rename = "wall")]
    pub wall_ms: i64,
}

/// What the collector's clock said at a moment of a boot, remembered from an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The boot.
    pub boot: BootId,
    /// Milliseconds of `CLOCK_BOOTTIME` when the ack arrived.
    #[serde(rename = "at")]
    pub boot_ms: u64,
    /// The collector's time in that ack, milliseconds since 1970.
    #[serde(rename = "time")]
    pub collector_ms: i64,
}

/// Why a report is the last of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The host shuts down or restarts.
    HostShutdown,
    /// Only the agent was stopped.
    AgentStop,
}

/// One instant of one host, or, with an [`Aggregate`], what is left of several that there was no room for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The boot it was measured in.
    pub boot: BootId,
    /// Milliseconds of `CLOCK_BOOTTIME` when it was measured.
    #[serde(rename = "at")]
    pub boot_ms: u64,
    /// Milliseconds since 1970 by the host's wall clock, which is not trusted.
    #[serde(rename = "wall")]
    pub wall_ms: i64,
    /// What the values are.
    #[serde(rename = "cat")]
    pub catalogue: CatalogueId,
    /// One scaled value for each of the catalogue's columns; null where there was none.
    #[serde(rename = "val", deserialize_with = "bounded::list::<_, _, { limits::COLUMNS_MAX }>")]
    pub values: Vec<Option<i64>>,
    /// Digest of the complete component set at this instant.
    pub set: SetDigest,
    /// The set itself, when it changed or was asked for.
    #[serde(
        rename = "comp",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "bounded::optional_list::<_, _, { limits::COMPONENTS_MAX }>"
    )]
    pub components: Option<Vec<Component>>,
    /// Set on last words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// Set when it stands for several reports that were never sent. Then everything else here is of the last of them,
    /// but that a value is the last that its column had.
    #[serde(rename = "agg", default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Box<Aggregate>>,
}

impl Report {
    /// Reads one report's bytes and checks its bounds. The number of values is checked against its catalogue by
    /// whoever has that.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > limits::REPORT_BYTES_MAX {
            return Err(WireError::TooLarge { bytes_max: limits::REPORT_BYTES_MAX });
        }
        encoding::check_depth(bytes)?;
        let report: Self = serde_json::from_slice(bytes).map_err(WireError::json)?;
        report.check()?;
        Ok(report)
    }

    /// The bytes that are spooled and sent.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn check(&self) -> Result<(), WireError> {
        if self
            .values
            .iter()
            .flatten()
            .any(|value| value.unsigned_abs() > limits::VALUE_ABS_MAX.unsigned_abs())
        {
            return Err(WireError::Bound("values: a magnitude above 2^53"));
        }
        if let Some(aggregate) = &self.aggregate {
            aggregate.check(self.boot_ms, &self.values)?;
        }
        match &self.components {
            None => Ok(()),
            Some(components) => {
                component::check(components).map_err(|error| WireError::Invalid(error.to_string()))
            }
        }
    }
}

/// A report within a batch: its number, and its bytes as spooled.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Framed<'a>(
    /// The report's number within the spool.
    pub Seq,
    /// The report's bytes.
    #[serde(borrow)]
    pub &'a RawValue,
);

impl Framed<'_> {
    /// CRC-32 of the report's bytes: tells a copy from a fork.
    pub fn crc(&self) -> u32 {
        crc32fast::hash(self.1.get().as_bytes())
    }
}

/// What the agent says of its spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpoolFigures {
    /// Reports not yet acknowledged.
    #[serde(default)]
    pub pending: u64,
    /// Reports dropped because the spool was full, since it was made.
    #[serde(default)]
    pub dropped: u64,
    /// Reports that the collector refused for ever.
    #[serde(default)]
    pub refused: u64,
    /// Reports that were replaced by aggregates because the spool was full, since it was made.
    #[serde(default)]
    pub thinned: u64,
}

/// One request's worth of reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Batch<'a> {
    /// Version of this shape.
    pub v: u16,
    /// Who sends; must be whom the certificate names.
    pub agent: AgentId,
    /// The spool that the numbers count in.
    pub spool: SpoolId,
    /// The lowest number still held: below it nothing will ever come again.
    pub floor: Seq,
    /// The moment of sending.
    pub sent: Moment,
    /// Anchors of boots that reports in this batch belong to.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { limits::ANCHORS_PER_BATCH_MAX }>"
    )]
    pub anchors: Vec<Anchor>,
    /// Catalogues that the collector may lack.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { limits::CATALOGUES_PER_BATCH_MAX }>"
    )]
    pub catalogues: Vec<Catalogue>,
    /// State of the spool, when there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<SpoolFigures>,
    /// The host's own limits keep back what waits, at this hour: it needs no share of its site's budget. Absent: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shut: bool,
    /// Numbers, first and last, that an ack asked for and that will never come.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { limits::GONE_PER_BATCH_MAX }>"
    )]
    pub gone: Vec<(Seq, Seq)>,
    /// The reports, in any order.
    #[serde(borrow, deserialize_with = "bounded::list::<_, _, { limits::REPORTS_PER_BATCH_MAX }>")]
    pub reports: Vec<Framed<'a>>,
}

/// The version that this code writes; it also reads the one before.
pub const BATCH_VERSION: u16 = 1;

impl<'a> Batch<'a> {
    /// Reads a decompressed body and checks its bounds; the reports themselves stay unread.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        if bytes.len() > limits::DECODED_BYTES_MAX {
            return Err(WireError::TooLarge { bytes_max: limits::DECODED_BYTES_MAX });
        }
        encoding::check_depth(bytes)?;
        let batch: Self = serde_json::from_slice(bytes).map_err(WireError::json)?;
        batch.check()?;
        Ok(batch)
    }

    /// The body before compression.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn check(&self) -> Result<(), WireError> {
        if self.v == 0 || self.v > BATCH_VERSION {
            return Err(WireError::Version { got: self.v, known: BATCH_VERSION });
        }
        if self.floor == 0 || self.reports.iter().any(|framed| framed.0 < self.floor) {
            return Err(WireError::Bound("reports: a seq below the floor"));
        }
        if self.gone.iter().any(|(first, last)| *first == 0 || first > last) {
            return Err(WireError::Bound("gone: a range that is none"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
