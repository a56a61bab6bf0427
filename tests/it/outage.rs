//! Links that are cut, clocks that are wrong: the agent's own code against a real collector, in simulated time.

use std::collections::BTreeMap;
use tram_agent::delivery::Outcome;
use tram_collector::commit::read_log;
use tram_collector::model::agent::AgentId;
use tram_collector::series::query::Window;
use tram_proto::sample;
use tram_tests::files::copy;
use tram_tests::world::{AgentHost, Link, NOON_MS, World};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS as i64;
/// Noon of a day in 2090.
const IN_2090_MS: i64 = 3_786_955_200_000;

/// Time passes everywhere.
fn pass(world: &World, host: &AgentHost, ms: u64) {
    world.pass(ms as i64);
    host.pass(ms);
}

/// When each report in the log was measured, by number, and whether it was live. Fails on a number that is there twice.
fn logged(world: &World, agent: AgentId) -> BTreeMap<u64, (i64, bool)> {
    let mut found = BTreeMap::new();
    let read = world.running().unwrap().readers.read(|connection| {
        Ok(read_log(connection, |report| {
            if report.agent == agent {
                let before = found.insert(report.seq, (report.at_ms, report.live));
                assert_eq!(before, None, "report {} is in the log twice", report.seq);
            }
        }))
    });
    read.unwrap().unwrap();
    found
}

fn alerts_ever(world: &World) -> i64 {
    let count = |connection: &rusqlite::Connection| {
        Ok(connection.query_row("SELECT count(*) FROM alert", [], |row| row.get(0))?)
    };
    world.running().unwrap().readers.read(count).unwrap()
}

#[tokio::test]
async fn nine_hours_without_a_link_leave_no_gap_no_copy_and_no_alert() {
    let rules = "[filesystem_nearly_full]\nhold = \"1m\"\n[host_silent]\nenabled = false\n\
                 [host_missing]\nenabled = false\n";
    let world = World::held_with_rules(rules).await.unwrap();
    let link = Link::to(world.address().unwrap()).await.unwrap();
    let mut host = AgentHost::enroll(&world, link.address, 0).await.unwrap();
    let agent = host.agent().unwrap();
    let mut measured = BTreeMap::new();
    for _ in 0..5 {
        pass(&world, &host, MINUTE_MS);
        measured.insert(host.measure(None).unwrap(), world.now_ms());
        host.deliver().await.unwrap();
    }

    link.cut();
    for minute in 1..=540_u64 {
        pass(&world, &host, MINUTE_MS);
        match minute {
            180 => host.restart_agent().unwrap(),
            360 => host.reboot().unwrap(),
            _ => {}
        }
        // For hours the disk was nearly full. When the link is back it no longer is.
        host.disk_used = if (60..420).contains(&minute) { 0.99 } else { 0.3 };
        measured.insert(host.measure(None).unwrap(), world.now_ms());
        if minute % 90 == 0 {
            assert!(matches!(host.step().await.unwrap(), Outcome::Failed { .. }));
        }
    }
    assert_eq!(host.pending().unwrap(), 540);
    link.mend();
    host.deliver().await.unwrap();

    let found = logged(&world, agent);
    assert_eq!(found.keys().collect::<Vec<_>>(), measured.keys().collect::<Vec<_>>());
    for (seq, (at_ms, _)) in &found {
        let off_ms = (at_ms - measured[seq]).abs();
        assert!(off_ms < 1_000, "report {seq} is placed {off_ms} ms off");
    }
    let newest = found.last_key_value().unwrap();
    assert!(newest.1.1, "the newest report is live");
    assert_eq!(
        found.values().filter(|(_, live)| *live).count(),
        5 + 2,
        "younger than two intervals, before and after"
    );
    let window = Window { from_ms: NOON_MS, to_ms: world.now_ms() + 1, step_ms: MINUTE_MS as i64 };
    let series = &world.running().unwrap().memory.series;
    let lines = series.range(agent, |column| column.name == sample::UPTIME, window).unwrap();
    assert_eq!(lines[0].buckets().len(), 545, "one sample for each minute");
    assert_eq!(alerts_ever(&world), 0, "late data raised an alert");
    let alerts = &world.running().unwrap().memory.latest.host(agent).unwrap().alerts;
    let of_disk = |rule: &str| rule.starts_with("filesystem");
    // The clock, which says 1970, is found to be off by live reports.
    assert!(!alerts.iter().any(|alert| of_disk(alert.rule.0)), "{alerts:?}");

    // The same values, live, do raise one.
    host.disk_used = 0.99;
    for _ in 0..4 {
        pass(&world, &host, MINUTE_MS);
        host.measure(None).unwrap();
        host.deliver().await.unwrap();
    }
    let alerts = &world.running().unwrap().memory.latest.host(agent).unwrap().alerts;
    assert!(alerts.iter().any(|alert| of_disk(alert.rule.0) && alert.id.is_some()), "{alerts:?}");
}

#[tokio::test]
async fn a_collector_restored_from_an_older_backup_gets_again_what_it_lacks() {
    let mut world = World::held().await.unwrap();
    let mut host = AgentHost::enroll(&world, world.address().unwrap(), 0).await.unwrap();
    let agent = host.agent().unwrap();
    let report = async |world: &World, host: &mut AgentHost, count: u64| {
        for _ in 0..count {
            pass(world, host, MINUTE_MS);
            host.measure(None).unwrap();
            host.deliver().await.unwrap();
        }
    };
    report(&world, &mut host, 5).await;
    let backup = tempfile::tempdir().unwrap();
    world.stop().await.unwrap();
    copy(&world.data_dir(), &backup.path().join("data")).unwrap();
    world.resume_at(host.port()).await.unwrap();
    report(&world, &mut host, 5).await;
    assert_eq!(logged(&world, agent).len(), 10);

    world.stop().await.unwrap();
    copy(&backup.path().join("data"), &world.data_dir()).unwrap();
    world.resume_at(host.port()).await.unwrap();
    assert_eq!(logged(&world, agent).len(), 5);
    report(&world, &mut host, 2).await;
    assert_eq!(logged(&world, agent).into_keys().collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    let known = world.running().unwrap().memory.latest.host(agent).unwrap();
    assert_eq!((known.spools[0].lost, known.clone_seen_ms), (0, None));
}

#[tokio::test]
async fn a_boot_that_never_had_a_link_lies_between_its_neighbours() {
    let world = World::held().await.unwrap();
    let link = Link::to(world.address().unwrap()).await.unwrap();
    for wall_ms in [0, IN_2090_MS] {
        let mut host = AgentHost::enroll(&world, link.address, wall_ms).await.unwrap();
        let agent = host.agent().unwrap();
        let mut boots = Vec::new();
        for boot in 0..3 {
            for _ in 0..10 {
                pass(&world, &host, MINUTE_MS);
                boots.push((host.measure(None).unwrap(), boot));
                if boot != 1 {
                    host.deliver().await.unwrap();
                }
            }
            match boot {
                0 => link.cut(),
                1 => link.mend(),
                _ => continue,
            }
            host.reboot().unwrap();
        }
        host.deliver().await.unwrap();
        let found = logged(&world, agent);
        let times: Vec<i64> = boots.iter().map(|(seq, _)| found[seq].0).collect();
        assert!(times.is_sorted(), "{wall_ms}: {times:?}");
        let apart = times[10..20].windows(2).all(|pair| pair[1] - pair[0] == MINUTE_MS as i64);
        assert!(apart, "{wall_ms}: a boot keeps its distances: {times:?}");
        let known = world.running().unwrap().memory.latest.host(agent).unwrap();
        assert_eq!(known.boots.iter().map(|boot| boot.estimated).collect::<Vec<_>>(), [false, true, false]);
    }
}

#[tokio::test]
async fn a_host_whose_clock_says_1970_or_2090_enrols_reports_and_renews() {
    for wall_ms in [0, IN_2090_MS] {
        let world = World::held().await.unwrap();
        let mut host = AgentHost::enroll(&world, world.address().unwrap(), wall_ms).await.unwrap();
        let agent = host.agent().unwrap();
        host.measure(None).unwrap();
        host.deliver().await.unwrap();
        let known = world.running().unwrap().memory.latest.host(agent).unwrap();
        assert_eq!(known.at_ms, NOON_MS);
        assert_eq!(known.clock_offset_ms, Some(wall_ms - NOON_MS));

        let certificates = |world: &World| {
            let count = |connection: &rusqlite::Connection| {
                let sql = "SELECT count(*), count(superseded_ms) FROM certificate";
                Ok(connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
            };
            world.running().unwrap().readers.read(count).unwrap()
        };
        assert_eq!(certificates(&world), (1_i64, 0_i64));
        pass(&world, &host, 350 * DAY_MS as u64);
        host.measure(None).unwrap();
        // One answer tells the agent what time it is, the next step renews, the one after that uses the new leaf.
        for _ in 0..4 {
            host.deliver().await.unwrap();
            pass(&world, &host, MINUTE_MS);
            host.measure(None).unwrap();
        }
        host.deliver().await.unwrap();
        assert_eq!(certificates(&world), (2, 1), "renewed once, and the old leaf is superseded");
        let known = world.running().unwrap().memory.latest.host(agent).unwrap();
        assert_eq!((known.at_ms, known.clone_seen_ms), (world.now_ms(), None));
    }
}
