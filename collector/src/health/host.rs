//! Conditions over the host as a whole: its way to the internet, its clock, its starts.

use crate::health::bind::{Bindings, read};
use crate::health::finding::{Findings, Observation, Readings};
use crate::health::rule::{BuiltIn, Key, RuleSet};
use crate::health::{Boot, Facts};
use crate::model::alert::Severity;
use tram_proto::reach::Verdict;

/// One finding for the ladder, whatever it says: a host has one way to the internet.
pub(super) fn reachability(rules: &RuleSet, bindings: &Bindings, facts: &Facts<'_>, findings: &mut Findings) {
    let rule = rules.rule(BuiltIn::Reachability);
    let Some(cell) = bindings.verdict.as_ref().filter(|_| rule.enabled) else { return };
    let code = read(Some(cell), facts.values);
    let verdict = code.and_then(|code| Verdict::from_code(code as i64)).unwrap_or(Verdict::Unknown);
    let observation = match verdict {
        // This report came from the host, live: that it could not reach the collector a moment ago is no fault of the
        // host's, and says that the internet answered.
        Verdict::Ok | Verdict::CollectorUnreachable => Observation::Clear,
        Verdict::LanDown
        | Verdict::GatewayDown
        | Verdict::DnsBroken
        | Verdict::UplinkDown
        | Verdict::Captive => Observation::Raise(rule.severity),
        Verdict::Degraded => Observation::Raise(Severity::Info.min(rule.severity)),
        Verdict::Unknown => Observation::Unknown,
    };
    let readings = Readings::new(&[("verdict", verdict.code() as f64)]);
    findings.of_asset(rule.built_in, observation, f64::NAN, readings);
}

pub(super) fn clock(rules: &RuleSet, facts: &Facts<'_>, findings: &mut Findings) {
    let rule = rules.rule(BuiltIn::ClockOff);
    if !rule.enabled {
        return;
    }
    let offset_ms = facts.clock_offset_ms.map_or(f64::NAN, |offset_ms| offset_ms as f64);
    let readings = Readings::new(&[("offset_s", offset_ms / 1_000.0)]);
    findings.of_asset(rule.built_in, rule.judge(offset_ms.abs()), f64::NAN, readings);
}

/// Starts that the collector has seen the boot before of. Machines that are switched off at the power strip every
/// evening end uncleanly every evening: they are not judged.
pub(super) fn reboots(rules: &RuleSet, facts: &Facts<'_>, now_ms: i64, findings: &mut Findings) {
    let seen = facts.boots.get(1..).unwrap_or_default();
    let within = |boot: &Boot, window_ms: f64| ((now_ms - boot.started_ms) as f64) < window_ms;

    let rule = rules.rule(BuiltIn::UnexpectedReboot);
    if rule.enabled {
        let last = seen
            .last()
            .filter(|boot| facts.always_on && boot.unclean && within(boot, rule.level(Key::Window)));
        let (observation, readings) = match last {
            Some(boot) => {
                let ago_s = (now_ms - boot.started_ms).max(0) as f64 / 1_000.0;
                (Observation::Raise(rule.severity), Readings::new(&[("started_ago_s", ago_s)]))
            }
            None => (Observation::Clear, Readings::default()),
        };
        findings.of_asset(rule.built_in, observation, f64::NAN, readings);
    }

    let rule = rules.rule(BuiltIn::RebootsTooOften);
    if rule.enabled {
        let window_ms = rule.level(Key::Window);
        let count = seen.iter().filter(|boot| boot.unclean && within(boot, window_ms)).count() as f64;
        let observation = if facts.always_on { rule.judge(count) } else { Observation::Clear };
        let readings = Readings::new(&[("reboots", count), ("window_s", window_ms / 1_000.0)]);
        findings.of_asset(rule.built_in, observation, f64::NAN, readings);
    }
}
