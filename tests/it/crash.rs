//! What a collector survives: being killed at any instant, a full disk; and that it syncs before it answers.

use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tram_collector::commit::read_log;
use tram_collector::model::agent::AgentId;
use tram_tests::world::{Host, World};

/// How long a collector may take until it listens.
const START: Duration = Duration::from_secs(20);

/// The collector's program, killed when it is dropped.
struct Program {
    child: Child,
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_collector")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Writes a configuration with fixed ports, so that a restarted collector is found again.
fn configure(dir: &Path, data_dir: &Path) -> (PathBuf, SocketAddr) {
    let (agents, operators) = (free_port(), free_port());
    let text = format!(
        "data_dir = {data_dir:?}\n[listen]\nagents = \"127.0.0.1:{agents}\"\noperators = \"127.0.0.1:{operators}\"\n\
         [public]\nnames = [\"localhost\", \"127.0.0.1\"]\n[commit]\nwindow_ms = 5\n"
    );
    let file = dir.join("collector.toml");
    std::fs::write(&file, text).unwrap();
    (file, SocketAddr::from(([127, 0, 0, 1], agents)))
}

/// Starts `command` with the collector's arguments and waits until it listens.
fn start(mut command: Command, config: &Path, address: SocketAddr) -> Program {
    command.args(["--config", &config.display().to_string(), "serve"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = Program { child: command.spawn().unwrap() };
    let until = Instant::now() + START;
    while std::net::TcpStream::connect(address).is_err() {
        assert!(program.child.try_wait().unwrap().is_none(), "the collector ended at once");
        assert!(Instant::now() < until, "the collector does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    program
}

/// Enrols hosts in a collector of this process, which then makes way for the program.
async fn enrolled(count: usize) -> (World, Vec<Host>) {
    let mut world = World::new().await.unwrap();
    let mut hosts = Vec::new();
    for number in 0..count {
        hosts.push(Host::new(world.enroll(&format!("host-{number}")).await.unwrap()));
    }
    world.stop().await.unwrap();
    (world, hosts)
}

/// How often each report is in the log of a store that nobody writes to.
fn logged(data_dir: &Path) -> BTreeMap<(AgentId, u64), usize> {
    let store =
        Connection::open_with_flags(data_dir.join("state.db"), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let mut found = BTreeMap::new();
    read_log(&store, |report| *found.entry((report.agent, report.seq)).or_default() += 1).unwrap();
    found
}

type Acked = Arc<Mutex<BTreeSet<(AgentId, u64)>>>;

/// Reports as fast as it is answered, again and again until each report is acknowledged, and remembers what was.
async fn keep_reporting(mut host: Host, address: SocketAddr, acked: Acked) {
    let mut waiting = Vec::new();
    loop {
        host.pass(1_000);
        waiting.push(host.measure().unwrap());
        let body = host.batch(&waiting, vec![host.catalogue()]);
        match host.post_to(address, body).await {
            Ok(reply) if reply.status == 200 => {
                let ack: tram_proto::ack::Ack = reply.read().unwrap();
                assert!(ack.refused.is_empty(), "{ack:?}");
                let agent = host.identity.agent;
                acked.lock().unwrap().extend(
                    waiting
                        .iter()
                        .filter(|sent| ack.durable.contains(sent.seq))
                        .map(|sent| (agent, sent.seq)),
                );
                waiting.retain(|sent| !ack.durable.contains(sent.seq));
            }
            Ok(_) | Err(_) => {
                host.disconnect();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_under_load_lose_and_double_nothing_that_was_acknowledged() {
    let (world, hosts) = enrolled(8).await;
    let dir = tempfile::tempdir().unwrap();
    let (config, address) = configure(dir.path(), &world.data_dir());
    let acked = Acked::default();
    let mut load = tokio::task::JoinSet::new();
    for host in hosts {
        load.spawn(keep_reporting(host, address, Arc::clone(&acked)));
    }
    let mut acked_before = 0;
    for round in 0..50_u64 {
        let config = config.clone();
        let mut running =
            tokio::task::spawn_blocking(move || start(Command::new(program()), &config, address))
                .await
                .unwrap();
        // Killed only once this run has acknowledged something, at an instant that is another one each time.
        let until = Instant::now() + START;
        while acked.lock().unwrap().len() == acked_before {
            assert!(Instant::now() < until, "nothing is acknowledged in round {round}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(round * 7 % 23)).await;
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        acked_before = acked.lock().unwrap().len();
    }
    load.shutdown().await;
    let (found, acked) = (logged(&world.data_dir()), acked.lock().unwrap().clone());
    assert!(acked.len() > 400, "too little load to mean anything: {}", acked.len());
    let lost: Vec<_> = acked.iter().filter(|report| !found.contains_key(*report)).collect();
    let doubled: Vec<_> = found.iter().filter(|(_, count)| **count != 1).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), acked.len());
    assert!(doubled.is_empty(), "in the log more than once: {doubled:?}");
}

#[tokio::test]
async fn every_acknowledged_window_was_synced() {
    const WINDOWS: usize = 30;
    let (world, mut hosts) = enrolled(1).await;
    let dir = tempfile::tempdir().unwrap();
    let (config, address) = configure(dir.path(), &world.data_dir());
    let trace = dir.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", "trace=fdatasync,fsync", "-o"]).arg(&trace).arg(program());
    // The whole group is ended: strace alone would leave the collector behind.
    command.process_group(0);
    let mut running = start(command, &config, address);
    let syncs = || {
        let text = std::fs::read_to_string(&trace).unwrap();
        text.lines().filter(|line| line.contains("sync(") && line.contains("state.db-wal")).count()
    };
    let host = &mut hosts[0];
    let before = syncs();
    for _ in 0..WINDOWS {
        host.pass(1_000);
        let sent = host.measure().unwrap();
        let body = host.batch(&[sent], vec![host.catalogue()]);
        assert_eq!(host.post_to(address, body).await.unwrap().status, 200);
    }
    let made = syncs() - before;
    let group = nix::unistd::Pid::from_raw(-i32::try_from(running.child.id()).unwrap());
    nix::sys::signal::kill(group, nix::sys::signal::Signal::SIGTERM).unwrap();
    running.child.wait().unwrap();
    assert!(
        made >= WINDOWS,
        "{made} syncs of the store for {WINDOWS} windows that were acknowledged one by one"
    );
}

#[tokio::test]
async fn a_full_disk_fails_windows_and_not_the_process() {
    let (world, mut hosts) = enrolled(1).await;
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let (config, address) = configure(dir.path(), &disk.join("data"));
    // A small disk of its own, in a name space that ends with the process.
    let script = format!(
        "mount -t tmpfs -o size=24m tmpfs {0} && cp -r {1} {0}/data && exec \"$@\"",
        disk.display(),
        world.data_dir().display()
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh", program()]);
    let mut running = start(command, &config, address);
    let inside = PathBuf::from(format!("/proc/{}/root{}", running.child.id(), disk.display()));
    let host = &mut hosts[0];
    assert_eq!(report(host, address).await, 200);

    let ballast = inside.join("ballast");
    fill(&ballast);
    let mut refused = 0;
    for _ in 0..200 {
        refused += usize::from(report(host, address).await == 503);
    }
    assert!(refused > 0, "the disk never was full");
    assert_eq!(report(host, address).await, 503);
    assert!(running.child.try_wait().unwrap().is_none(), "the process ended");

    std::fs::remove_file(&ballast).unwrap();
    let until = Instant::now() + START;
    while report(host, address).await != 200 {
        assert!(Instant::now() < until, "still refusing with room on the disk");
    }
    // What was acknowledged is there, whole.
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(running.child.id()).unwrap()),
        nix::sys::signal::Signal::SIGSTOP,
    )
    .unwrap();
    let copy = tempfile::tempdir().unwrap();
    for file in ["state.db", "state.db-wal"] {
        std::fs::copy(inside.join("data").join(file), copy.path().join(file)).unwrap();
    }
    let found = logged(copy.path());
    running.child.kill().unwrap();
    let agent = host.identity.agent;
    let missing: Vec<u64> = (1..host.next).filter(|seq| !found.contains_key(&(agent, *seq))).collect();
    assert!(missing.is_empty() && found.values().all(|count| *count == 1), "{missing:?}");
}

/// Sends the host's next report until it is taken, once; a refused one is the next one again.
async fn report(host: &mut Host, address: SocketAddr) -> u16 {
    host.pass(1_000);
    let sent = host.measure().unwrap();
    let body = host.batch(&[sent], vec![host.catalogue()]);
    let reply = host.post_to(address, body).await.unwrap();
    if reply.status != 200 {
        assert_eq!((reply.problem().as_str(), reply.retry_s.is_some()), ("busy", true));
        host.next -= 1;
    }
    reply.status
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path).unwrap();
    for bytes in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![0; bytes]).is_ok() {}
    }
}

#[test]
fn mistakes_in_the_configuration_end_with_64_and_name_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("collector.toml");
    let unknown = "data_dir = \"/nowhere\"\nlisten_on = 1\n";
    let wrong = "[listen]\nagents = \"everywhere\"\n";
    for (text, language, said) in [
        (unknown, "en", "line 2: unknown field `listen_on`"),
        (unknown, "vi", "dòng 2: không có khóa `listen_on`; các khóa có: "),
        (wrong, "en", "listen.agents = everywhere: expected an address"),
        (wrong, "vi", "listen.agents = everywhere: cần địa chỉ và cổng"),
        ("[commit\n", "en", "line 1"),
        ("[commit\n", "vi", "dòng 1: không đúng cú pháp"),
    ] {
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(program());
        command.args(["--config", &file.display().to_string(), "--lang", language, "check-config"]);
        let output = command.output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{message}");
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn a_misspelt_option_of_the_demo_is_named_before_anything_is_built() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/demo");
    for (option, said) in
        [("--ofline", "no such option"), ("--hosts=many", "a number"), ("--port", "missing")]
    {
        let output = Command::new(&demo).arg(option).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{message}");
        assert_eq!((message.lines().count(), message.contains(said)), (2, true), "{message}");
    }
}
