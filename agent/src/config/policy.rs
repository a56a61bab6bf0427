//! What a policy makes of these settings: wishes that the host's own limits bind. Pure.
//!
//! A policy changes intervals, what is probed, what is urgent and when history goes. Nothing else of the settings depends on it, and a
//! test throws generated policies at this to prove it.

use super::{Config, Limits};
use crate::sensor::reach::is_probe;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;
use tram_proto::policy::{Policy, Probe};

/// A wish that is not fulfilled, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// It wanted probes at a shorter interval.
    ProbeInterval {
        /// Seconds that it wanted.
        asked_s: u64,
        /// Seconds that the limits allow.
        least_s: u64,
    },
    /// It wanted targets, and the limits allow it none.
    NoTargets {
        /// How many it wanted.
        asked: usize,
    },
    /// It wanted more targets.
    Targets {
        /// How many it wanted.
        asked: usize,
        /// How many the limits allow.
        most: usize,
    },
    /// It wanted a kind of probe that the limits do not allow.
    Kind {
        /// The kind.
        kind: String,
        /// What was to be probed.
        target: String,
    },
    /// It wants history in hours of which the limits allow not a minute.
    NoHours,
    /// It wanted something that makes no sense.
    Senseless {
        /// What was to be probed.
        target: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Config {
    /// These settings as a policy changes them, within the limits; and what they cut of it.
    pub fn under(&self, policy: &Policy) -> (Self, Vec<Cut>) {
        let seconds =
            |asked: Option<u32>, own: Duration| asked.map_or(own, |asked| Duration::from_secs(asked.into()));
        let mut cuts = Vec::new();
        let mut config = self.clone();
        config.sample_interval = seconds(policy.sample_interval_s, self.sample_interval);
        config.send_interval = seconds(policy.send_interval_s, self.send_interval);
        let (asked, least) =
            (seconds(policy.probe_interval_s, self.probe_interval), self.limits.probe_interval_min);
        if asked < least {
            cuts.push(Cut::ProbeInterval { asked_s: asked.as_secs(), least_s: least.as_secs() });
        }
        config.probe_interval = asked.max(least);
        config.urgent.clone_from(&policy.urgent);
        config.history_hours.clone_from(&policy.history_hours);
        if config.hours().begin_in_ms(0).is_none() {
            cuts.push(Cut::NoHours);
        }
        let own = (self.reach.internet_targets.len(), self.reach.web_targets.len());
        let (targets, probes) = self.limits.bind(policy, own, &mut cuts);
        if !targets.is_empty() {
            config.reach.internet_targets = targets;
        }
        config.reach.asked = probes;
        (config, cuts)
    }
}

impl Limits {
    /// Internet targets and probes of a policy, as far as they are allowed beside the host's own internet targets,
    /// which the policy's stand in for, and web targets, which stay.
    fn bind(
        &self,
        policy: &Policy,
        (internet, web): (usize, usize),
        cuts: &mut Vec<Cut>,
    ) -> (Vec<String>, Vec<Probe>) {
        let asked = policy.internet_targets.len() + policy.probes.len();
        if !self.policy_targets {
            cuts.extend((asked > 0).then_some(Cut::NoTargets { asked }));
            return (vec![], vec![]);
        }
        let mut targets = Vec::new();
        for target in &policy.internet_targets {
            if target.parse::<IpAddr>().is_err() {
                let why = "not an address".to_owned();
                cuts.push(Cut::Senseless { target: target.clone(), why });
            } else if !targets.contains(target) {
                targets.push(target.clone());
            }
        }
        let mut probes = Vec::new();
        for probe in &policy.probes {
            let (kind, target) = (probe.kind().to_owned(), probe.target());
            match is_probe(probe) {
                Err(why) => cuts.push(Cut::Senseless { target, why: why.to_owned() }),
                Ok(()) if !self.probe_kinds.contains(&kind) => cuts.push(Cut::Kind { kind, target }),
                Ok(()) if !probes.contains(probe) => probes.push(probe.clone()),
                Ok(()) => {}
            }
        }
        let (most, wanted) = (self.targets_max.saturating_sub(web), targets.len() + probes.len());
        targets.truncate(most);
        let beside = if targets.is_empty() { internet } else { targets.len() };
        probes.truncate(most.saturating_sub(beside));
        let most = targets.len() + probes.len();
        if wanted > most {
            cuts.push(Cut::Targets { asked: wanted, most });
        }
        (targets, probes)
    }
}

#[cfg(test)]
mod tests;
