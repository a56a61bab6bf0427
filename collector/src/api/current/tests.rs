//! What is worked out of a host in memory.

use super::*;
use crate::latest::Previous;
use crate::model::agent::AgentId;
use crate::model::asset::{AssetId, AssetKind};
use crate::model::catalogue::{Attributes, Catalogue, CatalogueId};
use std::sync::Arc;

fn column(name: &str, attributes: &[(&str, &str)], scale: u8, kind: Kind) -> Column {
    let attributes: Attributes =
        attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Column { name: name.to_owned(), attributes, unit: "1".to_owned(), scale, kind }
}

fn host(cells: Vec<(Column, Option<i64>)>) -> Host {
    let (columns, values): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
    let catalogue =
        Catalogue { id: CatalogueId([1; 16]), resource: Attributes::new(), columns: columns.into() };
    let mut host =
        Host::new(AgentId([7; 16]), AssetId(1), AssetKind::Server, true, agent::AgentState::Active);
    host.catalogue = Some(Arc::new(catalogue));
    host.values = values.into();
    host.at_ms = 10_000;
    host
}

#[test]
fn shares_are_of_busy_time_available_memory_and_the_fullest_file_system() {
    let cpu = |mode| column(sample::CPU_UTILIZATION, &[(sample::CPU_MODE, mode)], 2, Kind::Gauge);
    let disk = |mount, state| {
        let attributes = [(sample::MOUNTPOINT, mount), (sample::FILESYSTEM_STATE, state)];
        column(sample::FILESYSTEM_USAGE, &attributes, 0, Kind::Gauge)
    };
    let host = host(vec![
        (cpu("user"), Some(20)),
        (cpu("system"), Some(10)),
        (cpu("iowait"), Some(30)),
        (cpu("idle"), Some(40)),
        (column(sample::MEMORY_AVAILABLE, &[], 0, Kind::Gauge), Some(250)),
        (column(sample::MEMORY_LIMIT, &[], 0, Kind::Gauge), Some(1_000)),
        (disk("/", "used"), Some(10)),
        (disk("/", "free"), Some(90)),
        (disk("/var", "used"), Some(90)),
        (disk("/var", "free"), Some(10)),
        (disk("/empty", "used"), None),
    ]);
    let shares = shares(&host);
    assert!((shares.cpu.unwrap() - 0.3).abs() < 1e-9, "{shares:?}");
    assert_eq!((shares.memory, shares.disk), (Some(0.75), Some(0.9)));
}

#[test]
fn what_was_not_measured_is_null_not_zero() {
    assert_eq!(shares(&host(vec![])), Shares::default());
    assert_eq!(reachability(&host(vec![])), None);
}

#[test]
fn a_total_that_rose_has_a_rate_and_one_that_fell_has_none() {
    let counter = || column(sample::NETWORK_IO, &[], 0, Kind::Counter);
    let mut host = host(vec![
        (counter(), Some(3_000)),
        (counter(), Some(5)),
        (column(sample::UPTIME, &[], 0, Kind::Gauge), Some(9)),
    ]);
    let values_before = Arc::from([Some(1_000), Some(900), Some(5)]);
    host.previous = Some(Previous { at_ms: 0, catalogue: CatalogueId([1; 16]), values: values_before });
    let rates: Vec<_> = values(&host).into_iter().map(|value| value.rate).collect();
    assert_eq!(rates, [Some(200.0), None, None]);
    host.previous.as_mut().unwrap().catalogue = CatalogueId([2; 16]);
    assert_eq!(values(&host).first().unwrap().rate, None);
}

#[test]
fn the_ladder_is_shown_from_the_host_outwards() {
    let probe = |name, rung, method, scale| {
        let attributes = [(sample::RUNG, rung), (sample::METHOD, method), (sample::TARGET, "192.0.2.1")];
        column(name, &attributes, scale, Kind::Gauge)
    };
    let host = host(vec![
        (probe(sample::REACH_OUTCOME, "web", "http", 0), Some(reach::Outcome::Failed.code())),
        (probe(sample::REACH_OUTCOME, "gateway", "icmp", 0), Some(reach::Outcome::Ok.code())),
        (probe(sample::REACH_RTT, "gateway", "icmp", 6), Some(1_500)),
        (column(sample::REACH_VERDICT, &[], 0, Kind::Gauge), Some(reach::Verdict::UplinkDown.code())),
    ]);
    let ladder = reachability(&host).unwrap();
    assert_eq!(ladder.verdict, "uplink_down");
    let shown: Vec<_> =
        ladder.rungs.iter().map(|rung| (rung.rung.as_str(), rung.outcome.as_str(), rung.rtt_s)).collect();
    assert_eq!(shown, [("gateway", "ok", Some(0.0015)), ("web", "failed", None)]);
}
