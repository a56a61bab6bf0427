//! What one report gives the history: its values at a moment, or, of one that stands for several, a bucket of a tier.
//!
//! Pure. The same for a report that has just come and for one that is read again from the log after a restart. It must
//! not know of hosts or windows.

use crate::model::agent::AgentId;
use crate::model::arrival::Aggregate;
use crate::model::catalogue::Catalogue;
use crate::series::tier::{self, Tier};
use crate::series::{LogId, Sample};
use std::sync::Arc;

/// A report's values, for the history.
#[derive(Debug)]
pub(super) struct StagedSample {
    agent: AgentId,
    catalogue: Arc<Catalogue>,
    tier: Tier,
    time_ms: i64,
    values: Arc<[Option<i64>]>,
}

impl StagedSample {
    /// Of a report placed at `at_ms`. `gathered` is what several reports came to for which it stands, and when the last
    /// of them was measured on its boot's clock.
    pub(super) fn new(
        agent: AgentId,
        catalogue: Arc<Catalogue>,
        at_ms: i64,
        values: Arc<[Option<i64>]>,
        gathered: Option<(&Aggregate, u64)>,
    ) -> Self {
        let Some((sent, boot_ms)) = gathered else {
            return Self { agent, catalogue, tier: Tier::Raw, time_ms: at_ms, values };
        };
        let aggregate = tier::Aggregate {
            from_ms: at_ms.saturating_sub_unsigned(boot_ms.saturating_sub(sent.since_boot_ms)),
            to_ms: at_ms,
            step_ms: i64::try_from(sent.step_ms).unwrap_or(i64::MAX),
            count: sent.count,
            columns: &sent.columns,
        };
        let (tier, time_ms) = aggregate.place();
        let values = aggregate.values(&catalogue).into();
        Self { agent, catalogue, tier, time_ms, values }
    }

    /// As the history takes it, once it is durable in a row of the log.
    pub(super) fn of_log(&self, log: LogId) -> Sample<'_> {
        Sample {
            agent: self.agent,
            catalogue: &self.catalogue,
            tier: self.tier,
            time_ms: self.time_ms,
            values: &self.values,
            log,
        }
    }
}
