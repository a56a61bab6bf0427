//! The collector's answer to a batch: what is durable, what was refused, and what it asks for.

use crate::id::{CatalogueId, Seq};
use crate::limits;
use crate::ranges::Ranges;
use serde::{Deserialize, Serialize};

/// Whether a refused report may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// It will never be taken: it leaves the spool and is counted.
    Never,
    /// It may be taken later, unchanged.
    Later,
}

/// Why a report was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its bytes are not a report.
    Malformed,
    /// A bound of [`limits`] is exceeded.
    Limit,
    /// Its catalogue is not known: send that along.
    UnknownCatalogue,
    /// It has another number of values than its catalogue has columns.
    ValueCount,
    /// Its seq is taken by a report with other bytes: the spool was copied.
    Fork,
    /// The spool has more gaps than are kept; fill [`Ack::need`] first.
    TooManyGaps,
    /// Its boot time cannot be.
    BootTime,
    /// It stands for several reports of which the collector has some already, in another form.
    Overlap,
}

impl Reason {
    /// Whether a report refused for this reason may be sent again.
    pub const fn again(self) -> Again {
        match self {
            Self::UnknownCatalogue | Self::TooManyGaps => Again::Later,
            Self::Malformed
            | Self::Limit
            | Self::ValueCount
            | Self::Fork
            | Self::BootTime
            | Self::Overlap => Again::Never,
        }
    }
}

/// One refused report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its number.
    pub seq: Seq,
    /// Why.
    pub reason: Reason,
    /// Whether to try again.
    pub again: Again,
}

impl Refused {
    /// A refusal for a reason.
    pub const fn new(seq: Seq, reason: Reason) -> Self {
        Self { seq, reason, again: reason.again() }
    }
}

/// The answer to a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The collector's time, milliseconds since 1970: an anchor for the sender.
    #[serde(rename = "time")]
    pub collector_ms: i64,
    /// Numbers of this batch that are on the collector's disk.
    pub durable: Ranges,
    /// Numbers of this batch that were refused; at most [`limits::REFUSALS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// The gap to fill first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<(Seq, Seq)>,
    /// Catalogues that the sender must send along with the reports that name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need_catalogues: Vec<CatalogueId>,
    /// The component set is not known: put it into the next report.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub need_components: bool,
    /// The spool was copied: start a new one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_spool: bool,
    /// Version of the policy in force; fetch it when it is not the one held.
    #[serde(default)]
    pub policy: u64,
    /// Milliseconds that the sender should wait before its next batch of history, beyond its own interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_ms: Option<u64>,
    /// This agent's share of what its site's history may take of the uplink, bytes a minute; none: no bound, 0: nothing
    /// for now. Current state always goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_bytes_per_minute: Option<u32>,
}

const _: () = assert!(limits::REFUSALS_MAX >= limits::REPORTS_PER_BATCH_MAX);

/// The body of every answer that is not a success: RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable word for the kind of problem, such as `about:blank#certificate-revoked`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short summary in English.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What, where and what was expected.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
