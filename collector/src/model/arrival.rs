//! A batch as it arrives: measured by the host's own boot clock, not yet placed in time, not yet admitted.

use crate::model::agent::AgentId;
use crate::model::catalogue::{Catalogue, CatalogueId};
use crate::model::component::Component;
use crate::model::report::{BootId, End};
use std::ops::Range;
use std::sync::Arc;
use tram_proto::ranges::Ranges;

/// A spool's id: numbers count within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpoolId(pub [u8; 8]);

/// A moment of one boot, and what the host's wall clock said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// The boot.
    pub boot: BootId,
    /// Milliseconds of `CLOCK_BOOTTIME`.
    pub boot_ms: u64,
    /// Milliseconds since 1970 by the host's wall clock, which is not trusted.
    pub wall_ms: i64,
}

/// What the collector's clock said at a moment of a boot, as the agent remembers it from an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The boot.
    pub boot: BootId,
    /// Milliseconds of `CLOCK_BOOTTIME`.
    pub boot_ms: u64,
    /// The collector's time then.
    pub collector_ms: i64,
}

/// What a report says, before it has a place on the collector's time line.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// When, by the host's own clocks.
    pub moment: Moment,
    /// What the values are.
    pub catalogue: CatalogueId,
    /// Scaled values; none where there was none.
    pub values: Vec<Option<i64>>,
    /// Digest of the component set.
    pub set: [u8; 8],
    /// The set, when it travelled along.
    pub components: Option<Vec<Component>>,
    /// Set on last words.
    pub end: Option<End>,
    /// Set when it stands for several reports that were never sent: what they came to.
    pub aggregate: Option<Arc<Aggregate>>,
}

/// What several reports of one boot came to, of which there is nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// How many they were; their numbers end with the report's own.
    pub count: u32,
    /// Milliseconds of `CLOCK_BOOTTIME` of the first of them.
    pub since_boot_ms: u64,
    /// Milliseconds that they were gathered by.
    pub step_ms: u64,
    /// One for each of the catalogue's columns; none where there never was a value.
    pub columns: Vec<Option<Gathered>>,
}

/// What one column's values came to, scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathered {
    /// How many values there were; never 0.
    pub count: u32,
    /// The least; of a running total the first.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    /// Their sum; of a running total it means nothing.
    pub sum: i64,
    /// The last.
    pub last: i64,
}

impl Measured {
    /// The first of the numbers that it stands for when it is numbered `seq`; none when there cannot be so many.
    pub fn first(&self, seq: u64) -> Option<u64> {
        let count = self.aggregate.as_ref().map_or(1, |aggregate| u64::from(aggregate.count));
        seq.checked_sub(count).map(|before| before + 1)
    }
}

/// One report of an arrival.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Its number.
    pub seq: u64,
    /// CRC-32 of its bytes.
    pub crc: u32,
    /// Where its bytes are in [`Arrival::body`].
    pub bytes: Range<usize>,
    /// What it says, or why it can never be taken.
    pub content: Result<Measured, Refusal>,
}

/// State of an agent's spool, as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpoolFigures {
    /// Reports not yet acknowledged.
    pub pending: u64,
    /// Reports dropped because the spool was full.
    pub dropped: u64,
    /// Reports that were refused for ever.
    pub refused: u64,
    /// Reports that were replaced by aggregates because the spool was full.
    pub thinned: u64,
}

/// A catalogue that travelled along: what it says, and its canonical bytes for the store.
#[derive(Debug, Clone)]
pub struct NewCatalogue {
    /// What it says.
    pub catalogue: Arc<Catalogue>,
    /// Its canonical bytes: JSON of an object with `columns`, and `resource` where there is one.
    pub canonical: String,
}

/// One batch of one agent.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Whose.
    pub agent: AgentId,
    /// The spool that its numbers count in.
    pub spool: SpoolId,
    /// The lowest number that the agent still holds.
    pub floor: u64,
    /// When it was sent, by the host's clocks.
    pub sent: Moment,
    /// When it arrived, by the collector's clock.
    pub arrived_ms: i64,
    /// What the agent remembers of the collector's clock in earlier boots.
    pub anchors: Vec<Anchor>,
    /// Catalogues that travelled along and were not known.
    pub catalogues: Vec<NewCatalogue>,
    /// State of the spool.
    pub figures: Option<SpoolFigures>,
    /// Numbers, first and last, that will never come.
    pub gone: Vec<(u64, u64)>,
    /// The decoded body, which holds the reports' bytes.
    pub body: Vec<u8>,
    /// The reports, by ascending number.
    pub reports: Vec<Incoming>,
}

/// Why a report was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Its bytes are not a report.
    Malformed,
    /// It exceeds a bound.
    Limit,
    /// Its catalogue is not known.
    UnknownCatalogue,
    /// It has another number of values than its catalogue has columns.
    ValueCount,
    /// Its number is taken by other bytes.
    Fork,
    /// The spool has more gaps than are kept.
    TooManyGaps,
    /// Its boot time cannot be.
    BootTime,
    /// It stands for several reports, some of which are here in another form.
    Overlap,
}

/// What became of an arrival, once its window is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Numbers that are on disk.
    pub durable: Ranges,
    /// Numbers that were refused.
    pub refused: Vec<(u64, Refusal)>,
    /// The newest gap in what the collector has of the spool.
    pub need: Option<(u64, u64)>,
    /// Catalogues that must travel along.
    pub need_catalogues: Vec<CatalogueId>,
    /// The component set is not known.
    pub need_components: bool,
    /// The spool was copied.
    pub new_spool: bool,
}
