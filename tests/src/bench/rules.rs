//! What deciding costs: the built-in rules judged for each report as it comes in, and the alerts stepped by what they
//! find, in this process and nothing else.

use super::bodies::Host;
use super::figures::{Better, Outcome};
use super::process::Process;
use super::{Options, now_ms, peers};
use anyhow::ensure;
use std::collections::HashSet;
use tram_collector::health::{Bindings, Facts, Findings, Previous, RuleSet, evaluate};
use tram_collector::model::alert::{Alert, AlertId};
use tram_collector::model::asset::AssetId;
use tram_collector::model::catalogue::{Catalogue, CatalogueId, Column, Kind};
use tram_proto::id::AgentId;

const HOSTS: usize = 2_000;
const ROUNDS: usize = 20;
/// Passes over all rounds: the first warms up and is not charged.
const PASSES: usize = 5;
const INTERVAL_MS: i64 = 15_000;

struct Watched {
    bindings: Bindings,
    rounds: Vec<Vec<Option<i64>>>,
    alerts: Vec<Alert>,
}

/// Measures and fills in what was found.
pub fn run(options: &Options, outcome: &mut Outcome) -> anyhow::Result<()> {
    let rules = RuleSet::default();
    let mut hosts: Vec<Watched> = (0..HOSTS as u64).map(|number| watched(&rules, number)).collect();
    let judged = judged(&rules, &hosts);
    let own = Process(std::process::id());
    let (mut cpu_s, mut reports) = (0.0, 0_usize);
    for pass in 0..PASSES {
        let before_s = own.cpu_fine_s()?;
        let firing = all_rounds(&rules, &mut hosts, now_ms());
        ensure!(firing == 0, "{firing} alerts of a healthy fleet fire");
        if pass > 0 {
            cpu_s += own.cpu_fine_s()? - before_s;
            reports += HOSTS * (ROUNDS - 1);
        }
    }
    let us_per_report = cpu_s * 1e6 / reports as f64;
    outcome.ours("", "us_per_host_and_rule", us_per_report / judged as f64, Better::Less);
    outcome.ours("", "us_per_report", us_per_report, Better::Less);
    outcome.ours("", "rules", judged as f64, Better::More);
    peers::rules(options, outcome)
}

fn watched(rules: &RuleSet, number: u64) -> Watched {
    let mut host = Host::new(AgentId::default(), number, 0);
    let bindings = Bindings::new(rules, &model(host.catalogue()).columns);
    let round = |_| {
        host.next_body();
        host.values().iter().map(|value| Some(*value)).collect()
    };
    Watched { bindings, rounds: (0..ROUNDS).map(round).collect(), alerts: Vec::new() }
}

/// How many rules have something to say of such a host.
fn judged(rules: &RuleSet, hosts: &[Watched]) -> usize {
    let mut findings = Findings::default();
    if let Some(host) = hosts.first() {
        look(rules, host, 1, now_ms(), &mut findings);
    }
    findings.list.iter().map(|finding| finding.rule as u32).collect::<HashSet<_>>().len()
}

/// Every host reports once a round; returns how many alerts fire.
fn all_rounds(rules: &RuleSet, hosts: &mut [Watched], start_ms: i64) -> usize {
    let mut findings = Findings::default();
    let mut last_id = 0;
    let mut ids = || {
        last_id += 1;
        AlertId(last_id)
    };
    for round in 1..ROUNDS {
        let at_ms = start_ms + round as i64 * INTERVAL_MS;
        for (number, host) in (1_i64..).zip(hosts.iter_mut()) {
            look(rules, host, round, at_ms, &mut findings);
            tram_collector::alert::apply(
                &mut host.alerts,
                rules,
                &findings,
                AssetId(number),
                at_ms,
                &mut ids,
            );
        }
    }
    last_id as usize
}

fn look(rules: &RuleSet, host: &Watched, round: usize, at_ms: i64, findings: &mut Findings) {
    let values = |round: usize| host.rounds.get(round).map_or(&[][..], Vec::as_slice);
    let facts = Facts {
        always_on: true,
        values: values(round),
        at_ms,
        previous: Some(Previous { at_ms: at_ms - INTERVAL_MS, values: values(round - 1) }),
        components: &[],
        missing: &[],
        alerts: &[],
        boots: &[],
        clock_offset_ms: Some(3),
        last_seen_ms: Some(at_ms),
        interval_ms: INTERVAL_MS,
        ended: None,
        listening_since_ms: at_ms - INTERVAL_MS,
    };
    findings.clear();
    evaluate(rules, &host.bindings, &facts, at_ms, findings);
}

fn model(wire: &tram_proto::catalogue::Catalogue) -> Catalogue {
    let column = |column: &tram_proto::catalogue::Column| Column {
        name: column.name.clone(),
        attributes: column.attributes.clone(),
        unit: column.unit.clone(),
        scale: column.scale,
        kind: match column.kind {
            tram_proto::catalogue::Kind::Gauge => Kind::Gauge,
            tram_proto::catalogue::Kind::Counter => Kind::Counter,
        },
    };
    Catalogue {
        id: CatalogueId(wire.id().0),
        resource: wire.resource.clone(),
        columns: wire.columns.iter().map(column).collect(),
    }
}
