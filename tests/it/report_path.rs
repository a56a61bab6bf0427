//! A report's way in: acknowledged, refused, repeated, rebuilt.

use hyper::Method;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tram_collector::commit::read_log;
use tram_collector::latest;
use tram_collector::model::agent::AgentId;
use tram_collector::series::query::{Line, Window};
use tram_collector::tasks::retain::trim_log;
use tram_collector::tasks::settle;
use tram_collector::tasks::snapshot::Snapshots;
use tram_proto::ack::{Ack, Again, Reason};
use tram_proto::component::{Component, State};
use tram_proto::id::SpoolId;
use tram_proto::{encoding, limits, sample};
use tram_tests::pki::{Connection, client_config};
use tram_tests::world::{Host, NOON_MS, Sent, World};

const MINUTE_MS: i64 = 60_000;

/// Every sample of one name that the history has of an agent, a bucket for each second.
fn history(world: &World, agent: AgentId, name: &str) -> Vec<Line> {
    let series = &world.running().unwrap().memory.series;
    let window =
        Window { from_ms: NOON_MS - 10 * MINUTE_MS, to_ms: NOON_MS + 60 * MINUTE_MS, step_ms: 1_000 };
    series.range(agent, |column| column.name == name, window).unwrap()
}

fn points(lines: &[Line]) -> usize {
    lines.iter().map(|line| line.buckets().len()).sum()
}

/// Numbers of the reports that the log has of an agent, in the order that they were taken.
fn logged(world: &World, agent: AgentId) -> Vec<u64> {
    let mut numbers = Vec::new();
    let read = world.running().unwrap().readers.read(|connection| {
        Ok(read_log(connection, |report| {
            if report.agent == agent {
                numbers.push(report.seq);
            }
        }))
    });
    read.unwrap().unwrap();
    numbers
}

fn memory(world: &World) -> BTreeMap<AgentId, latest::Host> {
    let hosts = world.running().unwrap().memory.latest.all();
    hosts.into_iter().map(|host| (host.agent, host)).collect()
}

fn disk(id: &str, state: State) -> Component {
    Component {
        kind: "physical_disk".into(),
        id: id.into(),
        name: String::new(),
        model: String::new(),
        serial: String::new(),
        state,
        reasons: vec![],
        figures: BTreeMap::new(),
    }
}

async fn one_host() -> (World, Host) {
    let world = World::held().await.unwrap();
    let identity = world.enroll("ubnd-1").await.unwrap();
    (world, Host::new(identity))
}

#[tokio::test]
async fn an_acknowledged_report_is_the_current_state_and_in_the_history() {
    let (world, mut host) = one_host().await;
    let ack = host.report(&world).await.unwrap();
    assert_eq!(ack.durable.as_slice(), [(1, 1)]);
    assert_eq!(ack.collector_ms, NOON_MS);
    assert!(ack.refused.is_empty() && ack.need.is_none() && !ack.new_spool);
    let known = &memory(&world)[&host.identity.agent];
    assert_eq!((known.at_ms, known.boot_started_ms), (NOON_MS, NOON_MS - 10_000));
    assert_eq!(known.values.first(), Some(&Some(10)));
    assert_eq!(points(&history(&world, host.identity.agent, sample::UPTIME)), 1);
}

#[tokio::test]
async fn a_repeated_number_is_a_copy_with_the_same_bytes_and_a_fork_with_others() {
    let (world, mut host) = one_host().await;
    let sent = host.measure().unwrap();
    host.send(&world, std::slice::from_ref(&sent)).await.unwrap();
    host.pass(1_000);
    let copy = host.send(&world, std::slice::from_ref(&sent)).await.unwrap();
    assert_eq!(copy.durable.as_slice(), [(1, 1)]);
    assert_eq!(logged(&world, host.identity.agent), [1]);
    assert_eq!(memory(&world)[&host.identity.agent].clone_seen_ms, None);

    host.next = 1;
    let other = host.measure().unwrap();
    let fork = host.send(&world, &[other]).await.unwrap();
    assert!(fork.new_spool && fork.durable.is_empty());
    let refused: Vec<_> =
        fork.refused.iter().map(|refused| (refused.seq, refused.reason, refused.again)).collect();
    assert_eq!(refused, [(1, Reason::Fork, Again::Never)]);
    assert_eq!(memory(&world)[&host.identity.agent].clone_seen_ms, Some(NOON_MS));

    host.spool = SpoolId([77; 8]);
    host.next = 1;
    assert!(host.report(&world).await.unwrap().durable.contains(1));
    let stored = tram_collector::store::sqlite::agent::one;
    let agent = host.identity.agent;
    let row = world.running().unwrap().readers.read(|connection| stored(connection, agent)).unwrap().unwrap();
    assert_eq!(row.agent.clone_seen_ms, Some(NOON_MS));
}

#[tokio::test]
async fn numbers_that_begin_again_are_a_fork_even_where_their_bytes_are_forgotten() {
    let (world, mut host) = one_host().await;
    let first = host.measure().unwrap();
    host.send(&world, std::slice::from_ref(&first)).await.unwrap();
    for _ in 0..2 * limits::CRCS_PER_SPOOL {
        host.pass(15_000);
        world.pass(15_000);
        host.report(&world).await.unwrap();
    }
    let copy = host.send(&world, &[first]).await.unwrap();
    assert_eq!((copy.durable.as_slice(), copy.new_spool), ([(1, 1)].as_slice(), false));

    // The disk is set back to an older state, and the host started from it.
    host.next = 5;
    host.pass(60_000);
    world.pass(60_000);
    host.reboot();
    let again = host.report(&world).await.unwrap();
    assert!(again.new_spool && again.durable.is_empty(), "{again:?}");
    assert_eq!(again.refused[0].reason, Reason::Fork);
}

#[tokio::test]
async fn copies_in_one_window_are_taken_once_and_all_acknowledged() {
    let (world, mut host) = one_host().await;
    let reports: Vec<Sent> = (0..5).map(|_| host.measure().unwrap()).collect();
    let body = host.batch(&reports, vec![host.catalogue()]);
    let mut connections = Vec::new();
    // As many as an agent may have under way: what a cut left unanswered, and what is sent again.
    for _ in 0..2 {
        connections.push(world.connect(&host.identity).await.unwrap());
    }
    let mut asked = tokio::task::JoinSet::new();
    for mut connection in connections {
        let body = body.clone();
        asked.spawn(async move { connection.post("/agent/v1/reports", body).await.unwrap() });
    }
    while let Some(reply) = asked.join_next().await {
        let ack: Ack = reply.unwrap().read().unwrap();
        assert_eq!(ack.durable.as_slice(), [(1, 5)]);
    }
    assert_eq!(logged(&world, host.identity.agent), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn gaps_are_asked_for_newest_first_and_lost_when_the_floor_passes_them() {
    let (world, mut host) = one_host().await;
    let made: Vec<Sent> = (0..9)
        .map(|_| {
            host.pass(1_000);
            host.measure().unwrap()
        })
        .collect();
    let ack = host.send(&world, &[made[8].clone()]).await.unwrap();
    assert_eq!(ack.need, Some((1, 8)));
    let ack = host.send(&world, &[made[4].clone()]).await.unwrap();
    assert_eq!(ack.need, Some((6, 8)));
    host.floor = 8;
    let ack = host.send(&world, &[]).await.unwrap();
    assert_eq!(ack.need, Some((8, 8)));
    let agent = host.identity.agent;
    let lost = |world: &World| memory(world)[&agent].spools[0].lost;
    assert_eq!(lost(&world), 6);
    let ack = host.send(&world, &[made[7].clone()]).await.unwrap();
    assert_eq!((ack.need, lost(&world)), (None, 6));
    assert_eq!(points(&history(&world, host.identity.agent, sample::UPTIME)), 3);
}

#[tokio::test]
async fn an_unknown_catalogue_refuses_only_its_own_reports() {
    let (world, mut host) = one_host().await;
    let strange = host.measure().unwrap();
    let other = String::from_utf8(strange.bytes.get().into()).unwrap();
    let id = host.catalogue().id().to_string();
    let other = other.replace(&id, &"0".repeat(32));
    let other = Sent { seq: 2, bytes: serde_json::value::RawValue::from_string(other).unwrap() };
    let ack = host.send(&world, &[strange, other]).await.unwrap();
    assert_eq!(ack.durable.as_slice(), [(1, 1)]);
    assert_eq!(ack.refused.len(), 1);
    assert_eq!((ack.refused[0].seq, ack.refused[0].reason), (2, Reason::UnknownCatalogue));
    assert_eq!(ack.refused[0].again, Again::Later);
    assert_eq!(ack.need_catalogues.len(), 1);
}

#[tokio::test]
async fn component_sets_are_asked_for_kept_and_vanish() {
    let (world, mut host) = one_host().await;
    host.components = vec![disk("sda", State::Ok), disk("sdb", State::Ok)];
    assert!(host.report(&world).await.unwrap().need_components);
    let set = host.components.clone();
    host.pass(15_000);
    world.pass(15_000);
    let whole = host.measure_with(Some(set), None).unwrap();
    assert!(!host.send(&world, &[whole]).await.unwrap().need_components);
    assert_eq!(memory(&world)[&host.identity.agent].components.len(), 2);

    // An older set that comes late changes nothing.
    let older = host.measure_with(Some(vec![disk("old", State::Failed)]), None).unwrap();
    host.components = vec![disk("sda", State::Failed)];
    host.pass(15_000);
    world.pass(15_000);
    let newer = host.measure_with(Some(host.components.clone()), None).unwrap();
    host.send(&world, &[newer]).await.unwrap();
    host.send(&world, &[older]).await.unwrap();
    let known = &memory(&world)[&host.identity.agent];
    assert_eq!(known.components.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ["sda"]);
    let vanished: Vec<(String, Option<i64>)> = world
        .running()
        .unwrap()
        .readers
        .read(|connection| {
            let mut rows = connection.prepare("SELECT id, vanished_ms FROM component ORDER BY id")?;
            let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .unwrap();
    assert_eq!(vanished, [("sda".into(), None), ("sdb".into(), Some(NOON_MS + 30_000))]);
}

#[tokio::test]
async fn memory_after_a_restart_is_what_it_was() {
    let (mut world, mut host) = one_host().await;
    let mut second = Host::new(world.enroll("ubnd-2").await.unwrap());
    host.components = vec![disk("sda", State::Ok)];
    for round in 0..40 {
        world.pass(15_000);
        host.pass(15_000);
        second.pass(15_000);
        second.disk_used = 0.98;
        let components = (round == 3).then(|| host.components.clone());
        let sent = host.measure_with(components, None).unwrap();
        // Every fifth waits and comes late.
        if round % 5 != 0 {
            host.send(&world, std::slice::from_ref(&sent)).await.unwrap();
        }
        second.report(&world).await.unwrap();
        if round % 7 == 6 {
            host.send(&world, &[sent]).await.unwrap();
        }
    }
    let (before, lines) = (memory(&world), history(&world, host.identity.agent, sample::UPTIME));
    assert!(
        before[&second.identity.agent].alerts.iter().any(|alert| alert.rule.0 == "filesystem_nearly_full")
    );

    // Without a last snapshot everything comes from the log, with one from that.
    world.abandon().await.unwrap();
    world.resume().await.unwrap();
    assert_eq!(memory(&world), before);
    assert_eq!(history(&world, host.identity.agent, sample::UPTIME), lines);
    world.stop().await.unwrap();
    world.resume().await.unwrap();
    assert_eq!(memory(&world), before);
    assert_eq!(history(&world, host.identity.agent, sample::UPTIME), lines);

    // And it goes on from there.
    world.pass(15_000);
    host.pass(15_000);
    host.disconnect();
    host.report(&world).await.unwrap();
    assert_eq!(points(&history(&world, host.identity.agent, sample::UPTIME)), points(&lines) + 1);
}

#[tokio::test]
async fn a_trimmed_log_lacks_nothing_that_a_restart_needs() {
    let (mut world, mut host) = one_host().await;
    for _ in 0..20 {
        world.pass(15_000);
        host.pass(15_000);
        host.report(&world).await.unwrap();
    }
    let hour_later = async |world: &World| {
        world.pass(60 * MINUTE_MS);
        let running = world.running().unwrap();
        settle(&running.memory, world.now_ms()).unwrap();
        Snapshots::default().all(&running.memory, &running.commit).await.unwrap();
        trim_log(&running.memory, &running.readers, &running.commit, &world.data_dir()).await.unwrap()
    };
    let trimmed = hour_later(&world).await + hour_later(&world).await;
    assert_eq!(trimmed, 20, "everything is in snapshots and closed chunks");
    host.pass(2 * 60 * MINUTE_MS as u64);
    host.report(&world).await.unwrap();
    let (before, lines) = (memory(&world), history(&world, host.identity.agent, sample::UPTIME));
    assert_eq!(points(&lines), 20);
    world.abandon().await.unwrap();
    world.resume().await.unwrap();
    assert_eq!(memory(&world), before);
    assert_eq!(history(&world, host.identity.agent, sample::UPTIME), lines);
    host.disconnect();
    let last = host.measure().unwrap();
    assert!(host.send(&world, &[last]).await.unwrap().durable.contains(22));
}

#[tokio::test]
async fn bad_bodies_get_clear_answers_and_cost_nobody_else() {
    let (world, mut host) = one_host().await;
    let sent = host.measure().unwrap();
    let good = host.batch(&[sent], vec![host.catalogue()]);
    let bomb = encoding::compress(&vec![b' '; limits::DECODED_BYTES_MAX + 1]);
    let cases: Vec<(&str, &str, Vec<u8>, u16, &str)> = vec![
        ("garbage", "identity", b"\xff\xfe garbage".to_vec(), 400, "bad-body"),
        ("truncated", "identity", good[..good.len() / 2].to_vec(), 400, "bad-body"),
        ("deep", "identity", b"[".repeat(100_000), 400, "bad-body"),
        ("no zstd", "zstd", good.clone(), 400, "bad-body"),
        ("truncated zstd", "zstd", encoding::compress(&good)[..40].to_vec(), 400, "bad-body"),
        ("bomb", "zstd", bomb, 413, "too-large"),
        ("oversized", "identity", vec![b' '; limits::BODY_BYTES_MAX + 1], 413, "too-large"),
        ("foreign encoding", "gzip", good.clone(), 400, "bad-body"),
        ("not a number", "identity", b"{\"v\":NaN}".to_vec(), 400, "bad-body"),
        ("nothing", "identity", vec![], 400, "bad-body"),
    ];
    for (what, encoding, body, status, problem) in cases {
        let mut connection = world.connect(&host.identity).await.unwrap();
        let headers = [("content-encoding", encoding)];
        let reply = connection.send(Method::POST, "/agent/v1/reports", &headers, body).await.unwrap();
        assert_eq!((reply.status, reply.problem().as_str()), (status, problem), "{what}");
    }
    let mut connection = world.connect(&host.identity).await.unwrap();
    let headers = [("content-encoding", "zstd")];
    let body = encoding::compress(&good);
    let reply = connection.send(Method::POST, "/agent/v1/reports", &headers, body).await.unwrap();
    assert!(reply.read::<Ack>().unwrap().durable.contains(1));
}

#[tokio::test]
async fn reports_from_a_boot_time_that_cannot_be_are_refused_for_ever() {
    let (world, mut host) = one_host().await;
    host.pass(5_000);
    let early = host.measure().unwrap();
    host.boot_ms -= 4_000;
    let ack = host.send(&world, &[early]).await.unwrap();
    assert_eq!((ack.refused[0].reason, ack.refused[0].again), (Reason::BootTime, Again::Never));
}

#[tokio::test]
async fn last_words_and_silence_are_told_apart() {
    let (world, mut host) = one_host().await;
    host.report(&world).await.unwrap();
    let presence = |world: &World| memory(world)[&host.identity.agent].presence;
    assert_eq!(presence(&world), latest::Presence::Up);
    world.pass(10 * MINUTE_MS);
    world.look_around().await.unwrap();
    assert_eq!(presence(&world), latest::Presence::Silent);
}

#[tokio::test]
async fn two_collectors_never_share_a_folder() {
    let world = World::new().await.unwrap();
    let config = tram_tests::world::config_in(world.data_dir().parent().unwrap()).unwrap();
    let refused = tram_collector::app::start(config, tram_collector::clock::Clock::system()).await;
    let message = format!("{:#}", refused.err().unwrap());
    assert!(message.contains("another collector is running"), "{message}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_key() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = tram_tests::world::config_in(dir.path()).unwrap();
    config.listen.agents = taken.local_addr().unwrap();
    let refused = tram_collector::app::start(config, tram_collector::clock::Clock::system()).await;
    let message = format!("{:#}", refused.err().unwrap());
    let expected = format!("cannot listen on {} (listen.agents)", taken.local_addr().unwrap());
    assert!(message.contains(&expected), "{message}");
}

#[tokio::test]
async fn connections_beyond_the_bound_are_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = tram_tests::world::config_in(dir.path()).unwrap();
    config.listen.connections_max = 1;
    let clock = tram_collector::clock::Clock::system();
    let running = tram_collector::app::start(config, clock).await.unwrap();
    let tls = client_config(running.pki.ca_pem(), None).unwrap();
    let mut first = Connection::open(running.agents, Arc::clone(&tls)).await.unwrap();
    assert!(Connection::open(running.agents, Arc::clone(&tls)).await.is_err());
    assert_eq!(running.ingest.figures.turned_away.load(Ordering::Relaxed), 1);
    let reply = first.send(Method::GET, "/agent/v1/policy", &[], vec![]).await.unwrap();
    assert_eq!(reply.status, 401);
    drop(first);
    let free = async {
        while Connection::open(running.agents, Arc::clone(&tls)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), free).await.unwrap();
    running.stop().await.unwrap();
}
