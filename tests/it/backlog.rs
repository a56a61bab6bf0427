//! Hosts that come back after long: what is current first, the rest within the site's budget, nothing lost, nothing twice.

use crate::program::{self, PORT};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tram_agent::clock::{Clock, SystemClock};
use tram_agent::delivery::{Delivery, Settings};
use tram_agent::enroll::{Order, enroll};
use tram_agent::sensor::Sample;
use tram_agent::spool::Bounds;
use tram_agent::uplink::history::Hours;
use tram_agent::uplink::identity::IdentityStore;
use tram_agent::uplink::proxy::Route;
use tram_collector::commit::read_log;
use tram_collector::latest::Effect;
use tram_collector::model::agency::Scope;
use tram_collector::model::agent::AgentId;
use tram_collector::store::sqlite::agency;
use tram_proto::catalogue::{Attributes, Column, Kind};
use tram_proto::enroll::Token;
use tram_proto::id::BootId;
use tram_proto::report::{Moment, Report};
use tram_tests::fleet::dice::Dice;
use tram_tests::net::{Fault, Line, SmallNet, plan, privileged};
use tram_tests::world::{AgentHost, World};

const SAMPLE: Duration = Duration::from_secs(15);
/// Reports of nine hours.
const AWAY: u64 = 9 * 3_600 / 15;
const COLUMNS: usize = 12;
/// Bytes a minute that history may take.
const BUDGET: u32 = 60_000;
const MINUTE: Duration = Duration::from_secs(60);
/// What the issue promises.
const LIVE_WITHIN_MS: i64 = 60_000;
const PATIENCE: Duration = Duration::from_secs(600);

/// A host's clocks that stand, or run on from there.
struct MadeClock {
    boot_ms: AtomicU64,
    wall_ms: i64,
    running_since: Option<Instant>,
}

impl Clock for MadeClock {
    fn monotonic(&self) -> Instant {
        SystemClock.monotonic()
    }

    fn boot_ms(&self) -> u64 {
        let run = self.running_since.map_or(0, |since| since.elapsed().as_millis() as u64);
        self.boot_ms.load(Ordering::Relaxed) + run
    }

    fn wall_ms(&self) -> i64 {
        self.wall_ms + self.boot_ms() as i64
    }
}

fn settings(boot: u8) -> Settings {
    Settings {
        boot: BootId([boot; 8]),
        resource: Attributes::new(),
        send_interval: MINUTE,
        spool: Bounds { bytes_max: 128 << 20, age_max: Duration::from_secs(30 * 86_400) },
        policy: 0,
        route: Route::default(),
        collectors: vec![],
        hours: Hours::default(),
        history_limit: None,
    }
}

fn measure(delivery: &mut Delivery, clock: &MadeClock, boot: u8, dice: &mut Dice) {
    let sample = |column: usize| Sample {
        column: Column {
            name: format!("story.column.{column}"),
            attributes: Attributes::new(),
            unit: "1".to_owned(),
            scale: 0,
            kind: Kind::Gauge,
        },
        value: Some(dice.between(0.0, 100.0).floor()),
    };
    let samples: Vec<Sample> = (0..COLUMNS).map(sample).collect();
    let moment = Moment { boot: BootId([boot; 8]), boot_ms: clock.boot_ms(), wall_ms: clock.wall_ms() };
    delivery.submit(&samples, &[], None, moment).unwrap();
}

/// Nine hours in three boots, written by the agent's own spool under a clock that is moved; the clock as it runs on.
fn nine_hours(state: &Path) -> Arc<MadeClock> {
    let mut dice = Dice::new(9, "backlog");
    let nine_hours_ago_ms = SystemClock.wall_ms() - 9 * 3_600_000;
    let mut boot_ms = 0;
    for boot in 1..=3 {
        let wall_ms = nine_hours_ago_ms + i64::from(boot - 1) * 3 * 3_600_000;
        let clock = Arc::new(MadeClock { boot_ms: 0.into(), wall_ms, running_since: None });
        let mut delivery = Delivery::open(state, settings(boot), clock.clone()).unwrap();
        for _ in 0..AWAY / 3 {
            clock.boot_ms.fetch_add(SAMPLE.as_millis() as u64, Ordering::Relaxed);
            measure(&mut delivery, &clock, boot, &mut dice);
        }
        boot_ms = clock.boot_ms();
    }
    let wall_ms = SystemClock.wall_ms() - boot_ms as i64;
    Arc::new(MadeClock { boot_ms: boot_ms.into(), wall_ms, running_since: Some(Instant::now()) })
}

/// The agent's delivery, measuring as it goes, until it is told to stop.
async fn live(state: &Path, clock: Arc<MadeClock>, stop: &AtomicBool) {
    let mut delivery = Delivery::open(state, settings(3), clock.clone()).unwrap();
    let mut dice = Dice::new(10, "backlog");
    let mut ticks = tokio::time::interval(SAMPLE);
    while !stop.load(Ordering::Relaxed) {
        tokio::select! {
            _ = ticks.tick() => measure(&mut delivery, &clock, 3, &mut dice),
            outcome = delivery.step() => println!("{:?} {outcome:?}", clock.running_since.unwrap().elapsed()),
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
    }
}

/// How often each report of an agent is in the log.
fn logged(world: &World, agent: AgentId) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    let read = world.running().unwrap().readers.read(|connection| {
        Ok(read_log(connection, |report| {
            if report.agent == agent {
                *found.entry(report.seq).or_default() += 1;
            }
        }))
    });
    read.unwrap().unwrap();
    found
}

/// Gives every site a budget.
async fn set_budget(world: &World, bytes: u32) {
    let write = world.running().unwrap().commit.write(move |transaction| {
        for site in agency::sites(transaction, Scope::All, None, 100)? {
            agency::update_site(transaction, &agency_site(site, bytes))?;
        }
        Ok(((), vec![Effect::SiteChanged]))
    });
    write.await.unwrap();
}

fn agency_site(site: tram_collector::model::agency::Site, bytes: u32) -> tram_collector::model::agency::Site {
    tram_collector::model::agency::Site { history_bytes_per_minute: Some(bytes), ..site }
}

/// The most bytes within a minute, of moments and what was counted until then.
fn most_in_a_minute(counted: &[(Instant, u64)]) -> u64 {
    let within = |(begin, from): &(Instant, u64)| {
        let last = counted.iter().rev().find(|(when, _)| *when <= *begin + MINUTE);
        last.map_or(0, |(_, until)| until - from)
    };
    counted.iter().map(within).max().unwrap_or(0)
}

#[test]
fn nine_hours_pass_a_poor_line_after_what_is_current_and_within_the_budget() {
    privileged(|| {
        let runtime = program::runtime();
        let (world, net) = program::reached_world(&runtime);
        let secret = runtime.block_on(world.secret(1)).unwrap();
        runtime.block_on(set_budget(&world, BUDGET));
        net.count_port(PORT).unwrap();
        let state = tempfile::tempdir().unwrap();
        let ca_sha256 = world.running().unwrap().pki.ca_sha256();
        let order = Order {
            collector: format!("https://{}:{PORT}", plan().collector),
            token: Token { ca_sha256, issued_ms: world.now_ms(), secret },
            machine: "9".repeat(64),
            resource: Attributes::new(),
            route: Route::default(),
        };
        let inside = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = IdentityStore::open(state.path()).unwrap();
        let enrolled = net.host().enter(|| inside().block_on(enroll(&store, order, Arc::new(SystemClock))));
        let agent = AgentId(enrolled.unwrap().unwrap().agent.0);

        net.inflict(Fault::Uplink).unwrap();
        let clock = nine_hours(state.path());
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                net.host().enter(|| inside().block_on(live(state.path(), clock.clone(), &stop))).unwrap()
            });
            // Long enough for several tries in vain.
            std::thread::sleep(Duration::from_secs(20));
            net.restore().unwrap();
            net.inflict(Fault::Line(Line { kilobits: 64, delay_ms: 300, loss_percent: 5 })).unwrap();
            watch(&world, &net, agent);
            stop.store(true, Ordering::Relaxed);
        });
    });
}

/// Watches the return from its first moment until everything is there.
fn watch(world: &World, net: &SmallNet, agent: AgentId) {
    let (back, back_ms) = (Instant::now(), world.now_ms());
    let latest = &world.running().unwrap().memory.latest;
    let mut counted: Vec<(Instant, u64)> = Vec::new();
    let mut live_after_ms = None;
    let found = loop {
        let [up, down] = net.counted().unwrap();
        counted.push((Instant::now(), up.bytes + down.bytes));
        let newest_ms = latest.host(agent).map_or(0, |host| host.at_ms);
        if live_after_ms.is_none() && newest_ms >= back_ms - SAMPLE.as_millis() as i64 {
            live_after_ms = Some(world.now_ms() - back_ms);
        }
        let found = logged(world, agent);
        if found.range(..=AWAY).count() as u64 == AWAY {
            break found;
        }
        assert!(
            live_after_ms.is_some() || world.now_ms() - back_ms < LIVE_WITHIN_MS,
            "not live within a minute"
        );
        assert!(
            back.elapsed() < PATIENCE,
            "{} of {AWAY} after {:?}",
            found.range(..=AWAY).count(),
            back.elapsed()
        );
        std::thread::sleep(Duration::from_millis(500));
    };
    let doubled: Vec<_> = found.iter().filter(|(_, count)| **count != 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    let host = latest.host(agent).unwrap();
    let losses = (host.spools[0].lost, host.figures.dropped, host.figures.refused, host.figures.thinned);
    assert_eq!((losses, host.clone_seen_ms), ((0, 0, 0, 0), None));
    // With what is current in it, both ways, as the host's packet filter counts.
    let most = most_in_a_minute(&counted);
    println!(
        "live after {} ms; {AWAY} reports in {:?}, {} bytes; at most {most} in a minute",
        live_after_ms.unwrap(),
        back.elapsed(),
        counted.last().unwrap().1,
    );
    assert!(most <= u64::from(BUDGET), "{most} bytes in one minute");
    assert!(most > u64::from(BUDGET) / 2, "{most} bytes a minute leave the budget unused");
}

#[tokio::test]
async fn thirty_days_away_with_a_full_spool_are_thinned_counted_and_complete() {
    const REPORTS: u64 = 30 * 24 * 30;
    const STEP_MS: u64 = 120_000;
    let world = World::held().await.unwrap();
    let mut host = AgentHost::enroll(&world, world.address().unwrap(), 0).await.unwrap();
    let agent = host.agent().unwrap();
    host.spool.bytes_max = 1 << 20;
    host.restart_agent().unwrap();
    for report in 0..REPORTS {
        world.pass(STEP_MS as i64);
        host.pass(STEP_MS);
        host.disk_used = 0.3 + (report % 720) as f64 / 5_000.0;
        host.measure(None).unwrap();
        match report {
            7_000 => host.restart_agent().unwrap(),
            14_000 => host.reboot().unwrap(),
            _ => {}
        }
    }
    let thinned = host.figures().unwrap().thinned;
    assert!(thinned > REPORTS / 2, "{thinned}");
    host.deliver().await.unwrap();

    // Every number is there once: as itself, or within one aggregate.
    let mut next = 1;
    let mut gathered = 0;
    let mut spans = Vec::new();
    let read = world.running().unwrap().readers.read(|connection| {
        Ok(read_log(connection, |logged| {
            let report = Report::decode(logged.bytes).unwrap();
            let first =
                report.aggregate.as_deref().map_or(logged.seq, |sent| sent.first(logged.seq).unwrap());
            spans.push((first, logged.seq));
        }))
    });
    read.unwrap().unwrap();
    spans.sort_unstable();
    for (first, last) in spans {
        assert_eq!(first, next, "a gap or a copy before {first} to {last}");
        gathered += if first < last { last - first + 1 } else { 0 };
        next = last + 1;
    }
    assert_eq!(next, REPORTS + 1);
    let known = world.running().unwrap().memory.latest.host(agent).unwrap();
    let figures = known.figures;
    assert_eq!((figures.dropped, figures.refused, known.spools[0].lost), (0, 0, 0));
    assert_eq!((figures.thinned, gathered), (thinned, thinned), "what was thinned is counted");
}
