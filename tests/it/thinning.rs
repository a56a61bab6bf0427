//! What a full spool sends in place of its oldest detail: aggregates, each taken whole or refused whole.

use crate::operators::Browser;
use serde_json::Value;
use std::time::Duration;
use tram_agent::spool::Bounds;
use tram_collector::model::user::Role;
use tram_proto::ack::{Ack, Again, Reason};
use tram_proto::sample;
use tram_tests::files::copy;
use tram_tests::world::{AgentHost, Host, Link, NOON_MS, World};

const NUMBERS: u32 = 20;
const STEP_MS: u64 = 300_000;

fn refusals(ack: &Ack) -> Vec<(u64, Reason, Again)> {
    ack.refused.iter().map(|refused| (refused.seq, refused.reason, refused.again)).collect()
}

#[tokio::test]
async fn an_aggregate_is_taken_whole_repeated_as_a_copy_and_refused_whole_where_it_overlaps() {
    let mut world = World::held().await.unwrap();
    let mut host = Host::new(world.enroll("ubnd-1").await.unwrap());
    host.pass(STEP_MS);
    let aggregate = host.measure_aggregate(NUMBERS).unwrap();
    host.pass(15_000);
    let single = host.measure().unwrap();
    assert_eq!((aggregate.seq, single.seq), (20, 21));
    let both = [aggregate.clone(), single.clone()];
    let ack = host.send(&world, &both).await.unwrap();
    assert_eq!((ack.durable.as_slice(), ack.need), (&[(1, 21)][..], None));

    // The next one begins with what is there already, and one that ends with it has its number.
    for first in [2, 21] {
        host.next = first;
        host.pass(STEP_MS);
        let overlapping = host.measure_aggregate(NUMBERS).unwrap();
        let ack = host.send(&world, &[overlapping]).await.unwrap();
        assert_eq!(refusals(&ack), [(first + 19, Reason::Overlap, Again::Never)]);
        assert!(ack.durable.is_empty() && !ack.new_spool, "no sign of a fork");
    }

    for restarted in [false, true] {
        if restarted {
            world.abandon().await.unwrap();
            world.resume().await.unwrap();
            host.disconnect();
        }
        let again = host.send(&world, &both).await.unwrap();
        assert_eq!((again.durable.as_slice(), again.refused.len()), (&[(1, 21)][..], 0), "{restarted}");
        let known = world.running().unwrap().memory.latest.host(host.identity.agent).unwrap();
        assert_eq!(known.spools[0].seen.as_slice(), [(1, 21)], "{restarted}");
        assert_eq!(known.clone_seen_ms, None);
    }
}

#[tokio::test]
async fn what_will_never_come_is_asked_for_no_more_and_counted_as_lost() {
    let world = World::held().await.unwrap();
    let mut host = Host::new(world.enroll("ubnd-1").await.unwrap());
    for next in [1, 5, 9] {
        host.next = next;
        host.pass(15_000);
        host.report(&world).await.unwrap();
    }
    host.next = 10;
    host.gone = vec![(6, 8)];
    host.pass(15_000);
    assert_eq!(host.report(&world).await.unwrap().need, Some((2, 4)), "the gap before is named now");
    let known = world.running().unwrap().memory.latest.host(host.identity.agent).unwrap();
    assert_eq!(known.spools[0].lost, 3);
}

/// How often the host measures.
const MEASURE_MS: u64 = 15_000;
const HOUR_MS: i64 = 3_600_000;
/// Room for an hour or so of single reports.
const SMALL_SPOOL: Bounds = Bounds { bytes_max: 64 << 10, age_max: Duration::from_secs(30 * 86_400) };

/// What a host measured: when, and the bytes used of its file system.
type Truth = Vec<(i64, f64)>;

/// An agent with a small spool that measured for hours without a link, and the world that it is in.
async fn a_thinned_host() -> (World, Link, AgentHost, Truth) {
    let world = World::held().await.unwrap();
    let link = Link::to(world.address().unwrap()).await.unwrap();
    let mut host = AgentHost::enroll(&world, link.address, NOON_MS).await.unwrap();
    host.spool = SMALL_SPOOL;
    host.restart_agent().unwrap();
    let mut truth = Truth::new();
    for step in 0..12 * 240_u64 {
        host.disk_used = 0.3 + (step * 7 % 101) as f64 / 1_000.0;
        truth.push((world.now_ms(), (host.disk_used * 100e9).round()));
        host.measure(None).unwrap();
        if step == 10 {
            host.deliver().await.unwrap();
            link.cut();
        }
        world.pass(MEASURE_MS as i64);
        host.pass(MEASURE_MS);
    }
    (world, link, host, truth)
}

/// Used bytes as the API shows them from noon on.
async fn used(world: &World, viewer: &str, to_ms: i64, step_s: i64) -> Value {
    let mut browser = Browser::sign_in(world, viewer, Role::Viewer).await;
    let name = format!("{}{{{}=used}}", sample::FILESYSTEM_USAGE, sample::FILESYSTEM_STATE);
    let path = format!("/api/v1/series?asset=1&name={name}&from_ms={NOON_MS}&to_ms={to_ms}&step_s={step_s}");
    browser.get(&path).await["series"][0].clone()
}

/// Compares what is shown with what was measured, in steps of an hour: the least, the greatest, the mean of all.
async fn check(world: &World, viewer: &str, truth: &Truth) {
    let shown = used(world, viewer, NOON_MS + 12 * HOUR_MS, 3_600).await;
    for step in 0..12 {
        let from_ms = NOON_MS + step * HOUR_MS;
        let within = truth.iter().filter(|(at_ms, _)| (from_ms..from_ms + HOUR_MS).contains(at_ms));
        let values: Vec<f64> = within.map(|(_, used)| *used).collect();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(0.0, f64::max);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let at = |figure: &str| shown[figure][usize::try_from(step).unwrap()].as_f64().unwrap();
        assert_eq!((at("min"), at("max")), (least, greatest), "hour {step}");
        assert!((at("mean") - mean).abs() < 0.01, "hour {step}: {} for {mean}", at("mean"));
    }
}

#[tokio::test]
async fn the_history_of_a_thinned_host_shows_the_least_greatest_and_mean_of_all_that_was_measured() {
    let (mut world, link, mut host, truth) = a_thinned_host().await;
    link.mend();
    host.deliver().await.unwrap();
    let agent = host.agent().unwrap();
    let known = world.running().unwrap().memory.latest.host(agent).unwrap();
    assert!(known.figures.thinned > 1_000 && known.figures.dropped == 0, "{:?}", known.figures);
    check(&world, "trước", &truth).await;
    let first = used(&world, "an", NOON_MS + 12 * HOUR_MS, 60).await;
    world.abandon().await.unwrap();
    world.resume().await.unwrap();
    check(&world, "sau", &truth).await;
    assert_eq!(used(&world, "bình", NOON_MS + 12 * HOUR_MS, 60).await, first, "rebuilt from the log alike");
}

#[tokio::test]
async fn a_collector_restored_from_before_aggregates_came_gets_them_again_once() {
    let (mut world, link, mut host, truth) = a_thinned_host().await;
    let backup = tempfile::tempdir().unwrap();
    let port = world.address().unwrap().port();
    world.stop().await.unwrap();
    copy(&world.data_dir(), &backup.path().join("data")).unwrap();
    world.resume_at(port).await.unwrap();
    link.mend();
    host.deliver().await.unwrap();
    let agent = host.agent().unwrap();
    let seen = |world: &World| {
        let known = world.running().unwrap().memory.latest.host(agent).unwrap();
        (known.spools[0].seen.as_slice().to_vec(), known.spools[0].lost, known.clone_seen_ms)
    };
    let all = seen(&world);
    assert_eq!(all, (vec![(1, 12 * 240)], 0, None));

    world.stop().await.unwrap();
    copy(&backup.path().join("data"), &world.data_dir()).unwrap();
    world.resume_at(port).await.unwrap();
    assert_eq!(seen(&world).0, [(1, 11)]);
    // The next ack says what is missing, and what was acknowledged before goes out again.
    for _ in 0..4 {
        world.pass(MEASURE_MS as i64);
        host.pass(MEASURE_MS);
        host.measure(None).unwrap();
        host.deliver().await.unwrap();
    }
    assert_eq!(seen(&world), (vec![(1, 12 * 240 + 4)], 0, None));
    check(&world, "an", &truth).await;
}
