//! What has become of each host so far: for tests to wait on and for the program to print.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tram_proto::id::AgentId;

/// How far one host has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostProgress {
    /// Its agent's id, once enrolled.
    pub agent: Option<AgentId>,
    /// Reports put into its spool.
    pub submitted: u64,
    /// Reports that the collector settled.
    pub settled: u64,
    /// Reports that wait.
    pub pending: u64,
    /// Boots that it has begun.
    pub boots: u64,
    /// The last failure, in words; none after a success.
    pub failure: Option<String>,
}

/// How far all hosts have come.
#[derive(Debug, Default)]
pub struct Progress {
    hosts: Mutex<BTreeMap<String, HostProgress>>,
}

/// Sums over all hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Hosts that have an identity.
    pub enrolled: u64,
    /// Reports put into spools.
    pub submitted: u64,
    /// Reports that the collector settled.
    pub settled: u64,
    /// Reports that wait.
    pub pending: u64,
    /// Hosts whose last request failed.
    pub failing: u64,
}

impl Progress {
    /// How far a host has come; nowhere, when it is not known.
    pub fn host(&self, name: &str) -> HostProgress {
        self.lock().get(name).cloned().unwrap_or_default()
    }

    /// Sums over all hosts.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for host in self.lock().values() {
            totals.enrolled += u64::from(host.agent.is_some());
            totals.submitted += host.submitted;
            totals.settled += host.settled;
            totals.pending += host.pending;
            totals.failing += u64::from(host.failure.is_some());
        }
        totals
    }

    /// A failure that some host has now.
    pub fn any_failure(&self) -> Option<(String, String)> {
        let hosts = self.lock();
        hosts.iter().find_map(|(name, host)| Some((name.clone(), host.failure.clone()?)))
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut HostProgress)) {
        change(self.lock().entry(name.to_owned()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, HostProgress>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_sums_and_an_unknown_host_has_come_nowhere() {
        let progress = Progress::default();
        progress.change("a", |host| host.submitted += 2);
        progress.change("b", |host| {
            host.submitted += 1;
            host.failure = Some("no answer".into());
        });
        assert_eq!(progress.totals(), Totals { submitted: 3, failing: 1, ..Totals::default() });
        assert_eq!(progress.any_failure(), Some(("b".into(), "no answer".into())));
        assert_eq!(progress.host("c"), HostProgress::default());
    }
}
