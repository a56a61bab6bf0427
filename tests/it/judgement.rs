//! What the rules say of the simulated province: nothing of healthy hosts, the right thing of each failure.

use tram_agent::sensor::Sample;
use tram_collector::alert::{self, AlertChange};
use tram_collector::health::{self, Bindings, Boot, Facts, Findings, Previous, RuleSet};
use tram_collector::maintenance::{self, WorkOrderChange};
use tram_collector::model::alert::{Alert, AlertId};
use tram_collector::model::asset::AssetId;
use tram_collector::model::catalogue::{Catalogue, CatalogueId, Column, Kind};
use tram_collector::model::work_order::{WorkOrder, WorkOrderId};
use tram_collector::rules;
use tram_proto::catalogue;
use tram_tests::fleet::model::{Model, Presence};
use tram_tests::fleet::plan::{Host, HostKind};

/// Monday, 23 November 2026, 8 o'clock in the province.
const EIGHT_MS: i64 = 1_795_395_600_000;
const MINUTE_S: i64 = 60;

/// One host's reports, judged as they come.
struct Judge {
    rules: RuleSet,
    alerts: Vec<Alert>,
    orders: Vec<WorkOrder>,
    /// Rule and part of what fired, and whether it is over.
    fired: Vec<(String, bool)>,
    boots: Vec<Boot>,
    next_id: i64,
}

impl Judge {
    fn new(rules: &str) -> Self {
        let rules = rules::parse(rules).unwrap();
        Self { rules, alerts: vec![], orders: vec![], fired: vec![], boots: vec![], next_id: 0 }
    }

    /// Steps a host through seconds since its first report and judges each of them.
    fn watch(&mut self, host: &str, kind: HostKind, failures: &[&str], seconds: impl Iterator<Item = i64>) {
        let host = Host { name: host.into(), kind, agency: "a".into(), site: "s".into() };
        let failures = failures.iter().map(|text| text.parse().unwrap()).collect();
        let mut model = Model::new(1, &host, failures, EIGHT_MS);
        let mut bindings: Option<(Vec<catalogue::Column>, Bindings)> = None;
        let mut previous: Option<(i64, Vec<Option<i64>>)> = None;
        for second in seconds {
            let now_ms = EIGHT_MS + second * 1_000;
            if !matches!(model.presence(now_ms), Presence::On) {
                continue;
            }
            let boot = model.boot();
            if self.boots.last().is_none_or(|known| known.started_ms != boot.started_ms) {
                self.boots.push(Boot { started_ms: boot.started_ms, unclean: boot.unclean });
                previous = None;
            }
            let samples = model.step(now_ms).samples;
            let columns: Vec<catalogue::Column> =
                samples.iter().map(|sample| sample.column.clone()).collect();
            if bindings.as_ref().is_none_or(|(known, _)| *known != columns) {
                bindings = Some((columns, Bindings::new(&self.rules, &catalogue_of(&samples).columns)));
            }
            let values: Vec<Option<i64>> = samples
                .iter()
                .map(|sample| sample.value.and_then(|value| sample.column.scaled(value)))
                .collect();
            let before = previous.as_ref().map(|(at_ms, values)| Previous { at_ms: *at_ms, values });
            self.judge(&bindings.as_ref().unwrap().1, &values, before, now_ms);
            previous = Some((now_ms, values));
        }
    }

    fn judge(
        &mut self,
        bindings: &Bindings,
        values: &[Option<i64>],
        previous: Option<Previous<'_>>,
        now_ms: i64,
    ) {
        let facts = Facts {
            always_on: true,
            values,
            at_ms: now_ms,
            previous,
            boots: &self.boots,
            clock_offset_ms: Some(40),
            last_seen_ms: Some(now_ms),
            interval_ms: 60_000,
            ended: None,
            listening_since_ms: EIGHT_MS,
            components: &[],
            missing: &[],
            alerts: &[],
        };
        let mut findings = Findings::default();
        health::evaluate(&self.rules, bindings, &facts, now_ms, &mut findings);
        let next_id = &mut self.next_id;
        let mut ids = || {
            *next_id += 1;
            *next_id
        };
        let asset = AssetId(1);
        let changes =
            alert::apply(&mut self.alerts, &self.rules, &findings, asset, now_ms, &mut || AlertId(ids()));
        for change in &changes {
            let alert = change.alert();
            let name = format!("{} {}", alert.rule.0, alert.part).trim().to_owned();
            match change {
                AlertChange::Fired(_) => self.fired.push((name, false)),
                AlertChange::Resolved(_) => {
                    self.fired
                        .iter_mut()
                        .filter(|(fired, _)| *fired == name)
                        .for_each(|(_, over)| *over = true);
                }
                AlertChange::Updated(_) => {}
            }
        }
        let planned: Vec<WorkOrderChange> =
            maintenance::plan(&self.orders, &changes, &self.rules, now_ms, &mut || WorkOrderId(ids()));
        maintenance::absorb(&mut self.orders, &planned);
    }

    fn names(&self) -> Vec<&str> {
        self.fired.iter().map(|(name, _)| name.as_str()).collect()
    }
}

fn catalogue_of(samples: &[Sample]) -> Catalogue {
    let column = |sample: &Sample| Column {
        name: sample.column.name.clone(),
        attributes: sample.column.attributes.clone(),
        unit: sample.column.unit.clone(),
        scale: sample.column.scale,
        kind: match sample.column.kind {
            catalogue::Kind::Gauge => Kind::Gauge,
            catalogue::Kind::Counter => Kind::Counter,
        },
    };
    let columns = samples.iter().map(column).collect();
    Catalogue { id: CatalogueId([1; 16]), resource: catalogue::Attributes::new(), columns }
}

fn every(seconds: i64, until: i64) -> impl Iterator<Item = i64> {
    (0..until / seconds).map(move |step| step * seconds)
}

#[test]
fn a_healthy_working_day_raises_nothing_on_any_host() {
    for (number, kind) in
        [HostKind::Server, HostKind::Workstation, HostKind::Laptop].into_iter().cycle().take(12).enumerate()
    {
        let mut judge = Judge::new("");
        judge.watch(&format!("host{number}"), kind, &[], every(90, 8 * 60 * MINUTE_S));
        assert_eq!(judge.names(), Vec::<&str>::new(), "host{number}");
    }
}

#[test]
fn each_failure_raises_its_own_alert_and_no_other() {
    let cases: [(&str, &[&str], bool); 5] = [
        ("disk-filling=x", &["filesystem_nearly_full /srv"], true),
        ("overheating=x", &["temperature Package id 0 (coretemp.0/temp1)"], true),
        ("cut-uplink=x@0-5", &[], false),
        ("flapping-link=x", &["reachability", "network_errors enp3s0"], true),
        ("dying-power=x", &["unexpected_reboot", "reboots_too_often"], true),
    ];
    for (failure, expected, has_order) in cases {
        let mut judge = Judge::new("");
        judge.watch("ttdl-sv01", HostKind::Server, &[failure], every(15, 100 * MINUTE_S));
        let mut names = judge.names();
        names.sort_unstable();
        names.dedup();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(names, expected, "{failure}");
        assert_eq!(!judge.orders.is_empty(), has_order, "{failure}");
    }
}

#[test]
fn a_host_that_recovers_does_so_within_two_sends_under_short_hold_times() {
    let rules = "[filesystem_nearly_full]\nhold = \"10s\"\nclear_hold = \"10s\"\n";
    let mut judge = Judge::new(rules);
    // The first report at once, then a send each minute: by the second send after it all of this has come.
    judge.watch("ttdl-sv01", HostKind::Server, &["recovers=x"], every(15, 75));
    assert_eq!(judge.fired, [("filesystem_nearly_full /srv".to_owned(), true)]);
    assert_eq!(judge.orders.len(), 1);
    assert!(judge.orders[0].ready_to_verify);
    let mut judge = Judge::new(rules);
    judge.watch("ttdl-sv01", HostKind::Server, &["disk-filling=x"], every(15, 75));
    assert_eq!(judge.fired, [("filesystem_nearly_full /srv".to_owned(), false)]);
    assert!(!judge.orders[0].ready_to_verify);
}
