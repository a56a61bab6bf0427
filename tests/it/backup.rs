//! Backups of a collector that goes on working, and what becomes of everything after one is restored.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tram_collector::backup::{self, BackupError};
use tram_collector::clock::Clock;
use tram_collector::model::agent::{AgentId, AgentState};
use tram_collector::series::query::Window;
use tram_collector::store::sqlite::audit::Actor;
use tram_collector::tasks::retain::trim_log;
use tram_collector::tasks::settle;
use tram_collector::tasks::snapshot::Snapshots;
use tram_proto::sample;
use tram_tests::world::{AgentHost, NOON_MS, World};

const PASSPHRASE: &str = "đủ dài để không ai đoán";
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

fn actor() -> Actor {
    Actor { name: "cli:test".to_owned(), address: String::new() }
}

/// Reports of an hour, a minute apart, each delivered; then the hour is closed and the log trimmed.
async fn hour(world: &World, host: &mut AgentHost) {
    for _ in 0..60 {
        world.pass(MINUTE_MS);
        host.pass(MINUTE_MS as u64);
        host.measure(None).unwrap();
        host.deliver().await.unwrap();
    }
    let running = world.running().unwrap();
    settle(&running.memory, world.now_ms()).unwrap();
    Snapshots::default().all(&running.memory, &running.commit).await.unwrap();
    trim_log(&running.memory, &running.readers, &running.commit, &world.data_dir()).await.unwrap();
}

/// The minutes since noon that the history has something of.
fn minutes(world: &World, agent: AgentId) -> BTreeSet<i64> {
    let window = Window { from_ms: NOON_MS, to_ms: NOON_MS + 12 * HOUR_MS, step_ms: MINUTE_MS };
    let series = &world.running().unwrap().memory.series;
    let lines = series.range(agent, |column| column.name == sample::UPTIME, window).unwrap();
    let buckets = lines.iter().flat_map(|line| line.buckets());
    buckets.map(|bucket| (bucket.time_ms - NOON_MS) / MINUTE_MS).collect()
}

/// How many reports the closed hours hold, once nothing is open any more.
fn reports_closed(world: &World, agent: AgentId) -> i64 {
    world.pass(12 * HOUR_MS);
    settle(&world.running().unwrap().memory, world.now_ms()).unwrap();
    let mut count = 0;
    for entry in fs::read_dir(world.data_dir().join("series")).unwrap() {
        let file = entry.unwrap().path();
        if file.file_name().unwrap().to_string_lossy().starts_with("raw-")
            && file.extension().unwrap() == "db"
        {
            let day = rusqlite::Connection::open(&file).unwrap();
            let sql = "SELECT coalesce(sum(count), 0) FROM chunk WHERE agent = ?1";
            count += day.query_row(sql, [agent.0], |row| row.get::<_, i64>(0)).unwrap();
        }
    }
    count
}

/// What a lost machine leaves: the file with the revocations, and nothing else.
fn lose(data_dir: &Path) {
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        drop(fs::remove_file(data_dir.join(name)));
    }
    for name in ["pki", "series"] {
        fs::remove_dir_all(data_dir.join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_restored_collector_has_every_sample_once_and_knows_its_agents() {
    let mut world = World::held().await.unwrap();
    let mut host = AgentHost::enroll(&world, world.address().unwrap(), 0).await.unwrap();
    let agent = host.agent().unwrap();
    let revoked_since = world.enroll("thu-hoi").await.unwrap();
    hour(&world, &mut host).await;
    hour(&world, &mut host).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tram.backup");
    let made = backup::write(&world.data_dir(), &file, PASSPHRASE, &Clock::system()).unwrap();
    assert_eq!((made.agents, backup::verify(&file, PASSPHRASE).unwrap()), (2, made.clone()));

    // Life goes on: hours are closed and the log is trimmed, one agent comes and one is revoked.
    hour(&world, &mut host).await;
    hour(&world, &mut host).await;
    let newcomer = world.enroll("đến sau").await.unwrap();
    world.set_state(revoked_since.agent, AgentState::Revoked).await.unwrap();
    let before = minutes(&world, agent);
    world.stop().await.unwrap();

    lose(&world.data_dir());
    let now_ms = world.now_ms();
    let restored = backup::restore(&file, PASSPHRASE, &world.data_dir(), &actor(), now_ms).unwrap();
    assert_eq!(restored, made);
    world.resume_at(host.port()).await.unwrap();
    for _ in 0..3 {
        world.pass(MINUTE_MS);
        host.pass(MINUTE_MS as u64);
        host.measure(None).unwrap();
        host.deliver().await.unwrap();
    }
    let mut after = minutes(&world, agent);
    let since = after.split_off(&(before.last().unwrap() + 1));
    assert_eq!(after, before, "what it had, and what it got again");
    assert!(before.len() >= 239, "{before:?}");
    assert_eq!(since.len(), 3, "{since:?}");
    assert_eq!(reports_closed(&world, agent), 4 * 60 + 3, "each once");
    let known = world.running().unwrap().memory.latest.host(agent).unwrap();
    assert_eq!((known.spools[0].lost, known.clone_seen_ms), (0, None));

    let state = |id: AgentId| {
        let find = |connection: &rusqlite::Connection| {
            tram_collector::store::sqlite::agent::one(connection, id)
                .map(|found| found.map(|found| found.agent.state))
        };
        world.running().unwrap().readers.read(find).unwrap()
    };
    let asked = world.ask(&newcomer, hyper::Method::GET, "/agent/v1/policy", vec![]).await.unwrap();
    assert_eq!((asked.status, asked.problem().as_str()), (403, "unknown-agent"));
    assert_eq!(state(newcomer.agent), Some(AgentState::Quarantined));
    let asked = world.ask(&revoked_since, hyper::Method::GET, "/agent/v1/policy", vec![]).await.unwrap();
    assert_eq!(asked.problem(), "certificate-revoked");
}

#[tokio::test]
async fn backups_of_a_busy_collector_are_sound_and_lose_nothing_acked() {
    let world = World::held().await.unwrap();
    let mut host = AgentHost::enroll(&world, world.address().unwrap(), 0).await.unwrap();
    let agent = host.agent().unwrap();
    hour(&world, &mut host).await;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..4_i64 {
        let file = folder.path().join(format!("{round}.backup"));
        let (data_dir, target) = (world.data_dir(), file.clone());
        let acked = 60 * (round + 1);
        let making =
            std::thread::spawn(move || backup::write(&data_dir, &target, PASSPHRASE, &Clock::system()));
        hour(&world, &mut host).await;
        making.join().unwrap().unwrap();

        let mut other = World::held().await.unwrap();
        other.stop().await.unwrap();
        lose(&other.data_dir());
        backup::restore(&file, PASSPHRASE, &other.data_dir(), &actor(), NOON_MS).unwrap();
        other.resume().await.unwrap();
        let found = minutes(&other, agent);
        assert!(found.len() as i64 >= acked - 1, "round {round}: {} minutes of {acked}", found.len());
        let is_whole = found.iter().zip(found.iter().skip(1)).all(|(one, next)| next - one == 1);
        assert!(is_whole, "round {round}: a gap in {found:?}");
        let last = found.last().unwrap() - found.first().unwrap() + 1;
        assert_eq!(reports_closed(&other, agent), last, "round {round}: each once");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_backup_is_said_and_nothing_is_overwritten() {
    let mut world = World::new().await.unwrap();
    world.enroll("máy \"một\"").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tram.backup");
    backup::write(&world.data_dir(), &file, PASSPHRASE, &Clock::system()).unwrap();
    let again = backup::write(&world.data_dir(), &file, PASSPHRASE, &Clock::system());
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    world.stop().await.unwrap();

    let restore = |file: &Path, passphrase: &str| {
        backup::restore(file, passphrase, &world.data_dir(), &actor(), NOON_MS).map(|_| ())
    };
    let taken = restore(&file, PASSPHRASE).unwrap_err();
    assert!(matches!(taken, BackupError::Exists(_)), "{taken}");
    lose(&world.data_dir());
    let whole = fs::read(&file).unwrap();
    let check = |bytes: &[u8], passphrase: &str, expected: &str| {
        let broken = folder.path().join("broken");
        fs::write(&broken, bytes).unwrap();
        for error in
            [backup::verify(&broken, passphrase).unwrap_err(), restore(&broken, passphrase).unwrap_err()]
        {
            assert!(error.to_string().contains(expected), "{expected}: {error}");
        }
    };
    check(&whole, "một mật khẩu khác", "passphrase");
    check(&whole[..whole.len() - 1], PASSPHRASE, if whole.len() > 70_000 { "damaged" } else { "passphrase" });
    check(b"not one at all", PASSPHRASE, "not a backup");
    check(b"", PASSPHRASE, "not a backup");
    let left: Vec<_> =
        fs::read_dir(world.data_dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter().all(|name| ["lock", "backup.lock", "revoked.txt"].iter().any(|known| name == known)),
        "{left:?}"
    );
    restore(&file, PASSPHRASE).unwrap();
    world.resume().await.unwrap();
}
