//! Deciding what is wrong with one host: rules over the facts of a report, or of its absence.
//!
//! Owns the rules, what they read and what they find. Must not know time (it is given), the wire, the store, or what
//! becomes of a finding: `alert.rs` gives it a state.

pub(crate) mod bind;
pub mod builtin;
pub(crate) mod component;
mod condition;
pub mod finding;
mod host;
pub mod rule;
mod stale;
#[cfg(test)]
mod tests;

pub use bind::Bindings;
pub use finding::{Finding, Findings, Observation, Readings};
pub use rule::{BuiltIn, Key, RETIRED, Rule, RuleSet, rule_id};
pub use stale::{Presence, absent, presence};

use crate::model::alert::Alert;
use crate::model::component::Component;
use crate::model::missing::Missing;
use crate::model::report::End;

/// One start of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// When it began, by the collector's clock, milliseconds since 1970.
    pub started_ms: i64,
    /// Whether the boot before it ended without a shutdown.
    pub unclean: bool,
}

/// The report before the current one, of the same catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'a> {
    /// When it was measured, by the collector's clock.
    pub at_ms: i64,
    /// Its values.
    pub values: &'a [Option<i64>],
}

/// What is known of one host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// Whether silence means a fault.
    pub always_on: bool,
    /// The latest live report's values, in the order of the catalogue that the bindings were made of.
    pub values: &'a [Option<i64>],
    /// When they were measured, by the collector's clock.
    pub at_ms: i64,
    /// The live report before, if it has the same catalogue.
    pub previous: Option<Previous<'a>>,
    /// Its complete set of parts.
    pub components: &'a [Component],
    /// Parts that were in it for long and are gone.
    pub missing: &'a [Missing],
    /// Its alerts that are pending or firing.
    pub alerts: &'a [Alert],
    /// Starts that the collector has seen, oldest first.
    pub boots: &'a [Boot],
    /// How far the host's wall clock is ahead of the collector's.
    pub clock_offset_ms: Option<i64>,
    /// When anything last came from the host.
    pub last_seen_ms: Option<i64>,
    /// How often it is asked to send.
    pub interval_ms: i64,
    /// Its last words, if they were the last thing heard.
    pub ended: Option<End>,
    /// Since when this collector has been listening without a break: silence before that proves nothing.
    pub listening_since_ms: i64,
}

/// Judges a live report. Late data is never given here. Adds to `findings`, which the caller clears.
pub fn evaluate(
    rules: &RuleSet,
    bindings: &Bindings,
    facts: &Facts<'_>,
    now_ms: i64,
    findings: &mut Findings,
) {
    condition::file_systems(rules, bindings, facts, findings);
    condition::memory(rules, bindings, facts, findings);
    condition::processors(rules, bindings, facts, findings);
    condition::temperatures(rules, bindings, facts, findings);
    condition::network(rules, bindings, facts, findings);
    component::components(rules, facts, findings);
    component::missing(rules, facts, now_ms, findings);
    host::reachability(rules, bindings, facts, findings);
    host::clock(rules, facts, findings);
    host::reboots(rules, facts, now_ms, findings);
    stale::spoke(rules, findings);
}
