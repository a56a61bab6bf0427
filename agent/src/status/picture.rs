//! Everything that `status` tells: what the running agent wrote, and what can be seen beside it. Knows nothing of how
//! it is said.

use super::Status;
use crate::config::Cut;
use crate::sensor::advice::Missing;
use tram_proto::id::{AgentId, BootId};

/// Who this host is to its collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The agent.
    pub agent: AgentId,
    /// The collector that it enrolled with.
    pub collector: String,
    /// When its certificate ends, milliseconds since 1970.
    pub ends_ms: i64,
}

/// The spool, as seen from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// Reports that wait.
    pub pending: u64,
    /// How old the oldest of them is; none: unknown, or none waits.
    pub oldest_ms: Option<u64>,
    /// Bytes that it takes.
    pub bytes: u64,
    /// Bytes that it may take.
    pub bytes_max: u64,
    /// Days of measuring that fit, judged by the reports in it; none: too few of them to say.
    pub days: Option<u64>,
}

/// Everything that `status` tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The agent and its collector; none: not enrolled.
    pub enrolled: Option<Enrolled>,
    /// Whether an agent runs.
    pub is_running: bool,
    /// What the last one wrote.
    pub status: Option<Status>,
    /// The proxy to the collector.
    pub proxy: Option<String>,
    /// Reports that wait; none: the spool cannot be read.
    pub queue: Option<Queue>,
    /// Programs that would be of use on this host.
    pub missing: Vec<Missing>,
    /// Version of the policy in force, and what this host's limits cut of it.
    pub policy: Option<(u64, Vec<Cut>)>,
    /// This boot and how long it has lasted.
    pub now: (BootId, u64),
    /// Milliseconds since 1970, by this host's wall clock.
    pub wall_ms: i64,
}

impl Picture {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        let is_fine = |status: &Status| {
            let is_heard = status.failing.is_none() && status.unfollowed.is_none();
            is_heard && status.unkept.is_none() && status.silent().next().is_none()
        };
        self.enrolled.is_some() && self.is_running && self.status.as_ref().is_some_and(is_fine)
    }
}
