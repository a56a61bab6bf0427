//! More than the collector can take at once: an agent that floods, a writer that stands still, everyone coming back
//! together. Nobody starves, nothing grows, nothing is lost.

use anyhow::Result;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tram_collector::commit::{Handle, Logged, Writer, read_log};
use tram_collector::model::agent::AgentId;
use tram_proto::ack::Ack;
use tram_tests::pki::Connection;
use tram_tests::world::{Host, Identity, Sent, World};

/// How many times slower the others may be served beside one that floods.
const SLOWER_MAX: f64 = 20.0;
/// What a collector that is short of memory may hold.
const MEMORY_BYTES: usize = 16 << 20;
const REPORTS: &str = "/agent/v1/reports";

async fn hosts(world: &World, count: usize) -> Vec<Host> {
    world.known_agents(count).await.unwrap().into_iter().map(Host::new).collect()
}

fn batch(host: &mut Host, count: usize) -> (Vec<u64>, Vec<u8>) {
    host.pass(15_000);
    let sent: Vec<Sent> = (0..count).map(|_| host.measure().unwrap()).collect();
    let body = host.batch(&sent, vec![host.catalogue()]);
    (sent.into_iter().map(|sent| sent.seq).collect(), body)
}

/// Every report that is in the log, and whether none is there twice.
fn logged(world: &World) -> BTreeSet<(AgentId, u64)> {
    let mut all = BTreeSet::new();
    let read = world.running().unwrap().readers.read(|connection| {
        let once = |report: Logged<'_>| {
            assert!(all.insert((report.agent, report.seq)), "twice: {} {}", report.agent, report.seq);
        };
        Ok(read_log(connection, once))
    });
    read.unwrap().unwrap();
    all
}

/// Waits until this is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    let seen = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), seen).await.unwrap();
}

fn counted(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Each host sends so many reports, one after the other; what the median of them took, seconds.
async fn median_of(world: &Arc<World>, hosts: Vec<Host>, rounds: usize) -> (Vec<Host>, f64) {
    let mut running = JoinSet::new();
    for mut host in hosts {
        let world = Arc::clone(world);
        running.spawn(async move {
            let mut took = Vec::new();
            for _ in 0..rounds {
                let (numbers, body) = batch(&mut host, 1);
                let start = Instant::now();
                let ack: Ack = host.post(&world, body).await.unwrap().read().unwrap();
                took.push(start.elapsed().as_secs_f64());
                assert!(numbers.iter().all(|seq| ack.durable.contains(*seq)), "{ack:?}");
            }
            (host, took)
        });
    }
    let (mut hosts, mut took) = (Vec::new(), Vec::new());
    for (host, times) in running.join_all().await {
        hosts.push(host);
        took.extend(times);
    }
    took.sort_by(f64::total_cmp);
    (hosts, took[took.len() / 2])
}

/// A body of a megabyte: a valid batch and much air.
fn heavy(host: &mut Host) -> (Vec<u64>, Vec<u8>) {
    let (numbers, mut body) = batch(host, 16);
    body.resize(1_000_000, b' ');
    (numbers, body)
}

/// What a flood came to.
#[derive(Default)]
struct Flood {
    acked: BTreeSet<u64>,
    refused: Vec<(Vec<u64>, Vec<u8>)>,
    first_pause_at: Option<usize>,
    first_refusal_at: Option<usize>,
}

/// Sends as fast as it is answered, whatever the answers say, until told to stop.
async fn flood(world: Arc<World>, mut host: Host, stop: Arc<AtomicBool>) -> (Host, Flood) {
    let mut flood = Flood::default();
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) || flood.first_refusal_at.is_none() {
        let (numbers, body) = heavy(&mut host);
        let reply = host.post(&world, body.clone()).await.unwrap();
        sent += 1;
        if reply.status == 200 {
            let ack: Ack = reply.read().unwrap();
            flood.first_pause_at = flood.first_pause_at.or(ack.pause_ms.map(|_| sent));
            flood.acked.extend(numbers);
        } else {
            assert_eq!((reply.status, reply.problem().as_str()), (429, "too-much"));
            assert!(reply.retry_s.is_some_and(|seconds| (1..=2).contains(&seconds)), "{:?}", reply.retry_s);
            flood.first_refusal_at = flood.first_refusal_at.or(Some(sent));
            flood.refused.push((numbers, body));
        }
    }
    (host, flood)
}

/// A request whose body never ends: its head, and a byte of the body.
async fn dribble(world: &World, identity: &Identity) -> tokio_rustls::client::TlsStream<TcpStream> {
    let stream = TcpStream::connect(world.address().unwrap()).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(&identity.tls));
    let mut stream = connector.connect(name, stream).await.unwrap();
    let head = format!("POST {REPORTS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn beside_an_agent_that_floods_ten_others_are_served_as_before() {
    let world = Arc::new(World::new().await.unwrap());
    let mut all = hosts(&world, 11).await;
    let flooder = all.pop().unwrap();
    let (others, _) = median_of(&world, all, 2).await;
    let (others, quiet_s) = median_of(&world, others, 20).await;

    let stop = Arc::new(AtomicBool::new(false));
    let flooding = tokio::spawn(flood(Arc::clone(&world), flooder, Arc::clone(&stop)));
    let (_others, flooded_s) = median_of(&world, others, 60).await;
    stop.store(true, Ordering::Relaxed);
    let (mut flooder, flood) = flooding.await.unwrap();

    println!("median {:.1} ms quiet, {:.1} ms beside the flood", quiet_s * 1e3, flooded_s * 1e3);
    assert!(flooded_s <= SLOWER_MAX * quiet_s, "{flooded_s} s beside the flood, {quiet_s} s without");
    // Who heeds the pauses would not have come to be refused.
    assert!(flood.first_pause_at.is_some_and(|at| at < flood.first_refusal_at.unwrap()));
    let figures = &world.running().unwrap().ingest.figures;
    assert_eq!(counted(&figures.too_much), flood.refused.len() as u64);
    assert_eq!((counted(&figures.busy), counted(&figures.refused)), (0, 0), "nobody else was sent away");

    // Nothing of it is lost: it sends what was refused when it was told to.
    let mut acked = flood.acked;
    for (numbers, body) in flood.refused {
        while let reply = flooder.post(&world, body.clone()).await.unwrap()
            && reply.status != 200
        {
            tokio::time::sleep(Duration::from_secs(reply.retry_s.unwrap())).await;
        }
        acked.extend(numbers);
    }
    assert_eq!(acked, (1..flooder.next).collect());
    let agent = flooder.identity.agent;
    assert_eq!(logged(&world).into_iter().filter(|(of, _)| *of == agent).count(), acked.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bodies_that_never_end_hold_up_their_own_agent_only() {
    let world = World::new().await.unwrap();
    let mut all = hosts(&world, 2).await;
    let (mut other, mut slow) = (all.pop().unwrap(), all.pop().unwrap());
    let dribbling = [dribble(&world, &slow.identity).await, dribble(&world, &slow.identity).await];
    let room = world.running().unwrap().ingest.room();
    until(|| room.requests() == 2).await;
    let (_, body) = batch(&mut slow, 1);
    let reply = slow.post(&world, body.clone()).await.unwrap();
    assert_eq!((reply.status, reply.retry_s), (429, Some(1)));
    other.report(&world).await.unwrap();
    drop(dribbling);
    until(|| room.requests() == 0).await;
    assert_eq!(slow.post(&world, body).await.unwrap().status, 200);
}

#[tokio::test]
async fn of_five_connections_of_one_agent_the_oldest_goes() {
    let world = World::new().await.unwrap();
    let identity = world.enroll("máy").await.unwrap();
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut connection = world.connect(&identity).await.unwrap();
        let reply = connection.send(hyper::Method::GET, "/agent/v1/policy", &[], vec![]).await.unwrap();
        assert_eq!(reply.status, 200);
        open.push(connection);
    }
    let figures = &world.running().unwrap().ingest.figures;
    assert_eq!(counted(&figures.replaced), 1);
    let mut ended = Vec::new();
    for mut connection in open {
        let reply = connection.send(hyper::Method::GET, "/agent/v1/policy", &[], vec![]).await;
        ended.push(reply.is_err());
    }
    assert_eq!(ended, [true, false, false, false, false]);
}

/// Sends a body on a connection of its own until it is taken; how often it was sent away, and for how long it was asked
/// to stay.
async fn insist(world: &World, host: &mut Host, body: Vec<u8>, is_held: &AtomicBool) -> Result<Vec<u64>> {
    let mut waits = Vec::new();
    loop {
        let reply = host.post(world, body.clone()).await?;
        if reply.status == 200 {
            return Ok(waits);
        }
        assert_eq!((reply.status, reply.problem().as_str()), (503, "busy"));
        waits.push(reply.retry_s.unwrap());
        // What an agent does by the clock is done here once there is a point in it.
        while is_held.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Stops the writer until what is given back goes. What comes before it stands would be in its window, neither sent away nor
/// waiting.
async fn stand_still(commit: Handle) -> (std::sync::mpsc::Sender<()>, JoinHandle<()>) {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (stands, stood) = tokio::sync::oneshot::channel();
    let hold = move |_: &mut Writer| {
        stands.send(()).unwrap();
        held.recv().unwrap_err();
    };
    let holding = tokio::spawn(async move { commit.on_writer(hold).await.unwrap() });
    stood.await.unwrap();
    (release, holding)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_writer_stands_still_history_is_sent_away_and_memory_is_bounded() {
    const COUNT: usize = 60;
    let world = Arc::new(World::with(|config| config.work_memory_bytes = MEMORY_BYTES).await.unwrap());
    let mut all = hosts(&world, COUNT + 2).await;
    // That a certificate was used is written down before its first report is taken.
    for host in &mut all {
        let (_, body) = batch(host, 1);
        assert_eq!(host.post(&world, body).await.unwrap().status, 200);
    }
    let (mut current, mut leaver) = (all.pop().unwrap(), all.pop().unwrap());
    let running = world.running().unwrap();
    let (room, figures) = (running.ingest.room(), &running.ingest.figures);
    let is_held = Arc::new(AtomicBool::new(true));
    let (release, holding) = stand_still(running.commit.clone()).await;

    let mut sending = JoinSet::new();
    for mut host in all {
        let (world, is_held) = (Arc::clone(&world), Arc::clone(&is_held));
        sending.spawn(async move {
            let (_, body) = batch(&mut host, 1_024);
            insist(&world, &mut host, body, &is_held).await.unwrap()
        });
    }
    let waiting = || running.commit.arrivals_waiting();
    until(|| {
        assert!(room.bytes() <= MEMORY_BYTES);
        counted(&figures.busy) as usize + waiting() == COUNT
    })
    .await;
    assert!(counted(&figures.busy) >= COUNT as u64 / 4, "{figures:?}");
    // One who goes away makes no room: what it sent is there until it is written.
    let (before, held) = (waiting(), room.requests());
    let (_, body) = batch(&mut leaver, 1);
    let mut left =
        Connection::open(world.address().unwrap(), Arc::clone(&leaver.identity.tls)).await.unwrap();
    {
        let post = left.post(REPORTS, body);
        tokio::select! {
            _ = post => panic!("answered by a writer that stands still"),
            () = until(|| waiting() > before) => {}
        }
    }
    drop(left);
    until(|| figures.connections.load(Ordering::Relaxed) == COUNT + 2).await;
    assert_eq!(room.requests(), held + 1);
    // What is current comes in all the same, and waits.
    let (_, body) = batch(&mut current, 1);
    let mut post = Box::pin(current.post(&world, body));
    tokio::select! {
        reply = &mut post => panic!("{reply:?}"),
        () = until(|| waiting() > before + 1) => {}
    }
    assert!(room.bytes() <= MEMORY_BYTES);

    drop(release);
    is_held.store(false, Ordering::Relaxed);
    assert_eq!(post.await.unwrap().status, 200);
    holding.await.unwrap();
    let waits: Vec<u64> = sending.join_all().await.into_iter().flatten().collect();
    assert!(waits.iter().all(|seconds| (5..=120).contains(seconds)), "{waits:?}");
    until(|| room.requests() == 0).await;
    assert_eq!(room.bytes(), 0);
    let expect = COUNT * 1_024 + 2 + COUNT + 2;
    assert_eq!(logged(&world).len(), expect, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everyone_who_comes_back_at_once_is_let_in() {
    const COUNT: usize = 300;
    let world = Arc::new(World::new().await.unwrap());
    let hosts = hosts(&world, COUNT).await;
    // Some connect and say nothing.
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(world.address().unwrap()).await.unwrap());
    }
    let mut coming = JoinSet::new();
    for mut host in hosts {
        let world = Arc::clone(&world);
        coming.spawn(async move {
            let (numbers, body) = batch(&mut host, 4);
            let ack: Ack = host.post(&world, body).await.unwrap().read().unwrap();
            assert!(numbers.iter().all(|seq| ack.durable.contains(*seq)));
            // It stays.
            host
        });
    }
    let _stay = coming.join_all().await;
    let figures = &world.running().unwrap().ingest.figures;
    assert_eq!(figures.connections.load(Ordering::Relaxed), COUNT + silent.len());
    assert_eq!(
        (counted(&figures.turned_away), counted(&figures.busy), counted(&figures.too_much)),
        (0, 0, 0)
    );
    assert_eq!(logged(&world).len(), 4 * COUNT);
}
