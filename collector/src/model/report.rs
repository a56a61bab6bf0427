//! A report as the collector sees it: placed on the collector's own time line.

use crate::model::catalogue::CatalogueId;
use crate::model::component::Component;

/// One boot of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BootId(pub [u8; 8]);

/// Why a report is the last of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The host shuts down or restarts.
    HostShutdown,
    /// Only the agent was stopped.
    AgentStop,
}

/// One instant of one host.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Number within its spool.
    pub seq: u64,
    /// When it was measured, by the collector's clock, milliseconds since 1970.
    pub at_ms: i64,
    /// The time could not be placed exactly: no contact in that boot.
    pub estimated: bool,
    /// Current enough to open alerts; everything else is late and updates history only.
    pub live: bool,
    /// The boot it was measured in.
    pub boot: BootId,
    /// Milliseconds of `CLOCK_BOOTTIME`.
    pub boot_ms: u64,
    /// How far the host's wall clock is ahead of the collector's, milliseconds; only known for the sending boot.
    pub clock_offset_ms: Option<i64>,
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
}
