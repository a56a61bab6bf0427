//! Values over time, healthy and failing.

use super::*;
use crate::fleet::plan::{Host, HostKind};

/// Monday, 23 November 2026, 10 o'clock in the province.
const TEN_MS: i64 = 1_795_402_800_000;

fn host(kind: HostKind) -> Host {
    Host { name: "ttdl-sv01".into(), kind, agency: "a".into(), site: "s".into() }
}

fn model(kind: HostKind, failures: &[&str]) -> Model {
    let failures = failures.iter().map(|text| text.parse().unwrap()).collect();
    Model::new(1, &host(kind), failures, TEN_MS)
}

fn run(model: &mut Model, seconds: &[i64]) -> Vec<Reading> {
    seconds.iter().map(|second| model.step(TEN_MS + second * 1_000)).collect()
}

/// The values of a name, in the order of their attributes that contain a text.
fn values(reading: &Reading, name: &str, attribute: &str) -> Vec<f64> {
    let matching = |sample: &&Sample| {
        let attributes = &sample.column.attributes;
        sample.column.name == name
            && (attribute.is_empty() || attributes.values().any(|value| value == attribute))
    };
    reading.samples.iter().filter(matching).filter_map(|sample| sample.value).collect()
}

#[test]
fn the_same_seed_and_steps_give_the_same_values() {
    let steps = [0, 15, 30, 45];
    let once = run(&mut model(HostKind::Server, &[]), &steps);
    assert_eq!(once, run(&mut model(HostKind::Server, &[]), &steps));
    let other = Model::new(2, &host(HostKind::Server), vec![], TEN_MS).step(TEN_MS);
    assert_ne!(once[0], other);
}

#[test]
fn every_report_has_the_same_columns_and_fits_the_wire() {
    let failures = ["overheating=x@15", "cut-uplink=x@30", "flapping-link=x@45", "disk-filling=x@60"];
    let readings = run(&mut model(HostKind::Server, &failures), &[0, 15, 30, 45, 60, 75]);
    let columns =
        |reading: &Reading| reading.samples.iter().map(|sample| sample.column.clone()).collect::<Vec<_>>();
    assert!(readings.iter().all(|reading| columns(reading) == columns(&readings[0])));
    let catalogue = tram_proto::catalogue::Catalogue {
        resource: model(HostKind::Server, &[]).resource("0.1.0"),
        columns: columns(&readings[0]),
    };
    catalogue.check().unwrap();
    for sample in &readings[5].samples {
        assert!(sample.value.is_none_or(|value| sample.column.scaled(value).is_some()), "{sample:?}");
    }
}

#[test]
fn a_healthy_day_keeps_counters_rising_and_values_within_reason() {
    let steps: Vec<i64> = (0..240).map(|minute| minute * 60).collect();
    let readings = run(&mut model(HostKind::Workstation, &[]), &steps);
    let io = |reading: &Reading| values(reading, names::DISK_IO, "read")[0];
    assert!(readings.windows(2).all(|pair| io(&pair[0]) < io(&pair[1])));
    for reading in &readings {
        let shares = values(reading, names::CPU_UTILIZATION, "");
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6 && shares.iter().all(|share| *share >= 0.0));
        assert!(values(reading, names::TEMPERATURE, "")[0] < 75.0);
        let (used, limit) =
            (values(reading, names::FILESYSTEM_USAGE, "used"), values(reading, names::FILESYSTEM_LIMIT, ""));
        assert!(used.iter().zip(limit).all(|(used, limit)| used / limit < 0.85));
        assert_eq!(values(reading, names::REACH_VERDICT, ""), [0.0]);
    }
}

#[test]
fn a_filling_disk_has_less_than_a_gigabyte_and_a_recovering_one_has_room_again() {
    let free = |reading: &Reading| values(reading, names::FILESYSTEM_USAGE, "free")[1];
    let filling = run(&mut model(HostKind::Server, &["disk-filling=x"]), &[0, 60, 600]);
    assert!(free(&filling[0]) < 1e9 && free(&filling[1]) < free(&filling[0]) && free(&filling[2]) >= 0.0);
    let recovering = run(&mut model(HostKind::Server, &["recovers=x"]), &[0, 15, 30, 60]);
    assert!(free(&recovering[0]) < 1e9 && free(&recovering[1]) < 1e9);
    assert!(free(&recovering[2]) > 40e9 && free(&recovering[3]) > 40e9);
}

#[test]
fn heat_links_and_uplinks_show_in_their_own_values() {
    let hot = run(&mut model(HostKind::Server, &["overheating=x"]), &[0]);
    assert!(values(&hot[0], names::TEMPERATURE, "")[0] > 100.0);
    let flapping = run(&mut model(HostKind::Server, &["flapping-link=x"]), &[0, 15, 30]);
    let up: Vec<f64> = flapping.iter().map(|reading| values(reading, names::NETWORK_UP, "")[0]).collect();
    assert_eq!(up, [1.0, 0.0, 1.0]);
    let (errors, packets) = (
        values(&flapping[2], names::NETWORK_ERRORS, "receive"),
        values(&flapping[2], names::NETWORK_PACKETS, "receive"),
    );
    assert!(errors[0] / packets[0] > 0.03);
    let mut cut = model(HostKind::Server, &["cut-uplink=x"]);
    assert_eq!(cut.presence(TEN_MS), Presence::On);
    assert_eq!(cut.presence(TEN_MS + 10_000), Presence::CutOff);
    assert_eq!(values(&cut.step(TEN_MS + 10_000), names::REACH_VERDICT, ""), [4.0]);
}

#[test]
fn dying_power_boots_again_and_again_without_a_shutdown() {
    let mut model = model(HostKind::Server, &["dying-power=x"]);
    let first = model.boot();
    assert_eq!(model.presence(TEN_MS + 119_000), Presence::On);
    assert_eq!(model.boot(), first);
    assert_eq!(model.presence(TEN_MS + 125_000), Presence::Dead);
    assert_eq!(model.presence(TEN_MS + 150_000), Presence::On);
    let second = model.boot();
    assert!(second.id != first.id && second.unclean && second.started_ms == TEN_MS + 140_000);
    assert_eq!(values(&model.step(TEN_MS + 150_000), names::UPTIME, ""), [10.0]);
    assert_eq!(model.presence(TEN_MS + 200_000), Presence::On);
    assert_eq!(model.boot(), second);
    model.presence(TEN_MS + 300_000);
    assert_ne!(model.boot().id, second.id);
}

#[test]
fn a_silent_host_is_dead_and_a_workstation_is_off_at_night_and_starts_anew() {
    let mut silent = model(HostKind::Server, &["silent-host=x"]);
    assert_eq!(silent.presence(TEN_MS), Presence::On);
    assert_eq!(silent.presence(TEN_MS + 5_000), Presence::Dead);
    let mut workstation = model(HostKind::Workstation, &[]);
    let first = workstation.boot();
    workstation.step(TEN_MS);
    assert_eq!(workstation.presence(TEN_MS + 12 * 3_600_000), Presence::Off);
    assert_eq!(workstation.presence(TEN_MS + 24 * 3_600_000), Presence::On);
    let second = workstation.boot();
    assert!(second.id != first.id && !second.unclean);
}
