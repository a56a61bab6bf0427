//! Policies against the limits, a few by hand and any number generated.

use super::*;
use crate::sensor::reach::Probed;
use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;
use tram_proto::hours::{self, Span};
use tram_proto::limits::{TARGETS_MAX, THRESHOLDS_MAX};
use tram_proto::policy::{PROBE_KINDS, Threshold};
use tram_proto::reach::Outcome;

fn own(text: &str) -> Config {
    Config::parse(Path::new("agent.toml"), text, std::iter::empty()).unwrap()
}

static OWN: LazyLock<Config> = LazyLock::new(|| own(""));

fn tcp(host: &str) -> Probe {
    Probe::Tcp { host: host.to_owned(), port: 443 }
}

#[test]
fn a_policy_cannot_widen_the_limits() {
    let own_config = own("[limits]\ntargets_max = 4\nprobe_interval_min_s = 45\nprobe_kinds = [\"tcp\"]");
    let policy = Policy {
        probe_interval_s: Some(5),
        sample_interval_s: Some(20),
        internet_targets: vec!["192.0.2.1".into(), "192.0.2.1".into(), "reboot".into()],
        probes: vec![Probe::Icmp { host: "a".into() }, tcp("b"), tcp("c"), tcp("; rm")],
        ..Policy::default()
    };
    let (config, cuts) = own_config.under(&policy);
    assert_eq!(config.probe_interval, Duration::from_secs(45));
    assert_eq!(config.sample_interval, Duration::from_secs(20));
    assert_eq!(config.reach.internet_targets, ["192.0.2.1"]);
    assert_eq!(config.reach.asked, [tcp("b")]);
    let senseless = |target: &str, why: &str| Cut::Senseless { target: target.into(), why: why.into() };
    assert_eq!(
        cuts,
        [
            Cut::ProbeInterval { asked_s: 5, least_s: 45 },
            senseless("reboot", "not an address"),
            Cut::Kind { kind: "icmp".into(), target: "a".into() },
            senseless("; rm:443", "not a name or an address"),
            Cut::Targets { asked: 3, most: 2 },
        ]
    );
}

#[test]
fn a_host_that_allows_no_targets_keeps_its_own() {
    let deaf = own("[limits]\npolicy_targets = false");
    let policy = Policy { internet_targets: vec!["192.0.2.1".into()], ..Policy::default() };
    let (config, cuts) = deaf.under(&policy);
    assert_eq!((config.reach, cuts), (deaf.reach, vec![Cut::NoTargets { asked: 1 }]));
}

/// Texts as they should be, and as somebody might hope that they are read.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,40}",
        Just("$(reboot)".to_owned()),
        Just("`id`; rm -rf /".to_owned()),
        Just("/etc/shadow".to_owned()),
        Just("../../policy.json".to_owned()),
        Just("file:///etc/shadow".to_owned()),
        Just("169.254.169.254".to_owned()),
        Just("10.0.0.1".to_owned()),
        Just("http://router.lan/reboot.cgi?now".to_owned()),
        Just("http://10.0.0.1/".to_owned()),
        Just("https://other.example:8441".to_owned()),
        any::<std::net::IpAddr>().prop_map(|address| address.to_string()),
    ]
}

fn probe() -> impl Strategy<Value = Probe> {
    prop_oneof![
        text().prop_map(|host| Probe::Icmp { host }),
        (text(), any::<u16>()).prop_map(|(host, port)| Probe::Tcp { host, port }),
        text().prop_map(|url| Probe::Http { url }),
        (text(), proptest::option::of(text())).prop_map(|(name, server)| Probe::Dns { name, server }),
        Just(Probe::Other),
    ]
}

fn intervals() -> impl Strategy<Value = [Option<u32>; 3]> {
    let interval = || proptest::option::of(prop_oneof![9 => 5_u32..=86_400, 1 => any::<u32>()]);
    [interval(), interval(), interval()]
}

fn threshold() -> impl Strategy<Value = Threshold> {
    (text(), any::<f64>(), any::<Option<f64>>()).prop_map(|(sample, above, below)| Threshold {
        sample,
        above: Some(above),
        below,
    })
}

/// A span of the day, mostly a sound one.
fn span() -> impl Strategy<Value = Span> {
    (0_u16..1_445, 0_u16..1_445).prop_map(|(from_minute, to_minute)| Span { from_minute, to_minute })
}

prop_compose! {
    fn policy()(
        version in any::<u64>(),
        [sample_interval_s, send_interval_s, probe_interval_s] in intervals(),
        internet_targets in proptest::collection::vec(text(), 0..33),
        probes in proptest::collection::vec(probe(), 0..33),
        urgent in proptest::collection::vec(threshold(), 0..33),
        collectors in proptest::collection::vec(text(), 0..33),
        history_hours in proptest::collection::vec(span(), 0..10),
    ) -> Policy {
        Policy {
            version, sample_interval_s, send_interval_s, probe_interval_s, internet_targets, probes, urgent, collectors,
            history_hours,
        }
    }
}

prop_compose! {
    /// Limits as an administrator may set them.
    fn limits()(
        policy_targets in any::<bool>(),
        targets_max in 0..=TARGETS_MAX,
        least_s in 1_u64..600,
        kinds in proptest::sample::subsequence(PROBE_KINDS, 0..=4),
        hours in proptest::collection::vec(span(), 0..3),
    ) -> Limits {
        let probe_kinds = kinds.into_iter().map(str::to_owned).collect();
        let history_hours = hours.into_iter().filter(|span| span.is_sound()).collect();
        let probe_interval_min = Duration::from_secs(least_s);
        let history_bytes_per_minute = None;
        Limits { policy_targets, targets_max, probe_interval_min, probe_kinds, history_hours, history_bytes_per_minute }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_a_policy_says_it_changes_intervals_targets_and_urgency_within_the_limits_and_nothing_else(
        policy in policy(), limits in limits(), minute in 0_i64..1_440
    ) {
        // What is out of its bounds is not followed at all.
        if policy.check().is_err() {
            return Ok(());
        }
        let own = Config { limits, ..OWN.clone() };
        let (config, _) = own.under(&policy);
        let interval = Duration::from_secs(5)..=Duration::from_secs(86_400);
        prop_assert!(interval.contains(&config.sample_interval) && interval.contains(&config.send_interval));
        prop_assert!(config.probe_interval >= own.limits.probe_interval_min);
        let is_own = config.reach.internet_targets == own.reach.internet_targets;
        let targets = config.reach.internet_targets.len() + config.reach.web_targets.len();
        let is_asked_more = !is_own || !config.reach.asked.is_empty();
        prop_assert!(!is_asked_more || targets + config.reach.asked.len() <= own.limits.targets_max);
        prop_assert!(own.limits.policy_targets || (is_own && config.reach.asked.is_empty()));
        prop_assert!(config.reach.internet_targets.iter().all(|target| target.parse::<IpAddr>().is_ok()));
        let is_allowed = |probe: &Probe| own.limits.probe_kinds.iter().any(|kind| kind == probe.kind());
        prop_assert!(config.reach.asked.iter().all(|probe| is_allowed(probe) && is_probe(probe).is_ok()));
        prop_assert!(config.urgent.len() <= THRESHOLDS_MAX);
        let is_history_sent = config.hours().begin_in_ms(minute * 60_000) == Some(0);
        let is_allowed_then = hours::opens_in_ms(&own.limits.history_hours, minute * 60_000) == 0;
        prop_assert!(!is_history_sent || is_allowed_then, "no policy opens an hour that the limits close");
        // Programs, files, the state folder, sensors, the spool, the limits themselves: as the administrator set them.
        let mut rest = config.clone();
        rest.sample_interval = own.sample_interval;
        rest.send_interval = own.send_interval;
        rest.probe_interval = own.probe_interval;
        rest.reach.internet_targets.clone_from(&own.reach.internet_targets);
        rest.reach.asked.clear();
        rest.urgent.clear();
        rest.history_hours.clear();
        prop_assert_eq!(rest, own);
    }

    #[test]
    fn whatever_a_probe_meets_it_sends_an_outcome_a_time_and_a_status(
        probe in probe(), rtt_s in any::<Option<f64>>(), status in any::<Option<u16>>(), said in text(), code in 0_i64..5
    ) {
        let outcome = Outcome::from_code(code).unwrap();
        let probed = Probed { probe: probe.clone(), outcome, rtt_s, status, reason: Some(said) };
        let silent = Probed { reason: None, ..probed.clone() };
        prop_assert_eq!(format!("{:?}", probed.samples()), format!("{:?}", silent.samples()), "what was said stays here");
        for sample in probed.samples() {
            let attributes: Vec<&str> = sample.column.attributes.values().map(String::as_str).collect();
            let target = probe.target();
            prop_assert!(attributes.iter().all(|value| *value == target || *value == probe.kind()));
            let known = [Some(code as f64), rtt_s, status.map(f64::from)].map(|value| value.map(f64::to_bits));
            prop_assert!(known.contains(&sample.value.map(f64::to_bits)));
        }
    }
}
