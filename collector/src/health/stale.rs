//! Conditions over silence, and whether a host is there at all.

use crate::health::Facts;
use crate::health::finding::{Findings, Observation, Readings};
use crate::health::rule::{BuiltIn, Key, RuleSet};
use crate::model::alert::Severity;
use crate::model::report::End;

/// Whether a host is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// It reports.
    Up,
    /// It should report, and does not.
    Silent,
    /// It does not report, and need not.
    Off,
    /// It was never heard of, or the collector has not listened for long enough to say.
    Unknown,
}

impl Presence {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Silent => "silent",
            Self::Off => "off",
            Self::Unknown => "unknown",
        }
    }

    /// The value for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Up, Self::Silent, Self::Off, Self::Unknown].into_iter().find(|value| value.as_str() == word)
    }
}

/// How long nothing may be heard of a host before it counts as silent.
fn patience_ms(rules: &RuleSet, interval_ms: i64) -> i64 {
    let rule = rules.rule(BuiltIn::HostSilent);
    (interval_ms as f64 * rule.level(Key::Intervals) + rule.level(Key::Grace)) as i64
}

/// Whether a host is there, judged now.
pub fn presence(rules: &RuleSet, facts: &Facts<'_>, now_ms: i64) -> Presence {
    let Some(last_seen_ms) = facts.last_seen_ms else { return Presence::Unknown };
    let patience_ms = patience_ms(rules, facts.interval_ms);
    let said_goodbye = facts.ended == Some(End::HostShutdown) && !facts.always_on;
    if now_ms - last_seen_ms < patience_ms && !said_goodbye {
        return Presence::Up;
    }
    if !said_goodbye && now_ms - facts.listening_since_ms < patience_ms {
        return Presence::Unknown;
    }
    match (facts.always_on, facts.ended) {
        (true, _) => Presence::Silent,
        // The host may well be on: only its agent is not.
        (false, Some(End::AgentStop)) => Presence::Unknown,
        (false, Some(End::HostShutdown) | None) => Presence::Off,
    }
}

/// Judges the absence of reports; called by the tick for hosts that have not been heard of. Adds to `findings`.
pub fn absent(rules: &RuleSet, facts: &Facts<'_>, now_ms: i64, findings: &mut Findings) {
    let Some(last_seen_ms) = facts.last_seen_ms else { return };
    let silent_ms = (now_ms - last_seen_ms).max(0);
    let ended = match facts.ended {
        None => 0.0,
        Some(End::HostShutdown) => 1.0,
        Some(End::AgentStop) => 2.0,
    };
    let readings = Readings::new(&[("silent_s", silent_ms as f64 / 1_000.0), ("ended", ended)]);
    let patience_ms = patience_ms(rules, facts.interval_ms);
    // Days of silence are judged from the last word on; but only by who has listened for it.
    let overdue = |after_ms: i64, severity| {
        if silent_ms < after_ms {
            Observation::Between
        } else if now_ms - facts.listening_since_ms < patience_ms {
            Observation::Unknown
        } else {
            Observation::Raise(severity)
        }
    };

    let rule = rules.rule(BuiltIn::HostSilent);
    // Someone shut it down or stopped the agent, and it said so: less urgent than a host that fell over.
    let severity = if facts.ended.is_some() { rule.severity.min(Severity::Warning) } else { rule.severity };
    if rule.enabled {
        let observation = if facts.always_on { overdue(patience_ms, severity) } else { Observation::Clear };
        findings.of_asset(rule.built_in, observation, f64::NAN, readings);
    }
    let rule = rules.rule(BuiltIn::HostMissing);
    if rule.enabled {
        let after_ms = rule.level(Key::Raise) as i64;
        let observation = if facts.always_on { overdue(after_ms, rule.severity) } else { Observation::Clear };
        findings.of_asset(rule.built_in, observation, f64::NAN, readings);
    }
    let rule = rules.rule(BuiltIn::WorkstationUnseen);
    if rule.enabled {
        let after_ms = rule.level(Key::Raise) as i64;
        let observation = if facts.always_on { Observation::Clear } else { overdue(after_ms, rule.severity) };
        findings.of_asset(rule.built_in, observation, f64::NAN, readings);
    }
}

/// A live report is there: every rule about silence is clear.
pub(super) fn spoke(rules: &RuleSet, findings: &mut Findings) {
    for built_in in [BuiltIn::HostSilent, BuiltIn::HostMissing, BuiltIn::WorkstationUnseen] {
        if rules.rule(built_in).enabled {
            findings.of_asset(built_in, Observation::Clear, f64::NAN, Readings::default());
        }
    }
}
