//! No policy makes an agent run, write, tell or probe beyond its limits: the agent's own program, watched by `strace`,
//! under a real collector that hands it whatever a dice says.
//!
//! Each run of an agent climbs its ladder once, under the policy that it holds, and fetches the next.

use crate::kills::seed;
use crate::program::{self, Agent, PORT, until};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::runtime::Runtime;
use tram_agent::sensor::program::PROGRAMS;
use tram_collector::model::agency::SiteId;
use tram_collector::model::catalogue::Column;
use tram_collector::model::policy::Place;
use tram_collector::series::query::Window;
use tram_proto::policy::{Policy, Probe};
use tram_proto::sample;
use tram_tests::conduct::{self, Bounds, Deed, Transport};
use tram_tests::net::{Options, SmallNet, plan, privileged};
use tram_tests::world::{Link, World};
use wishes::{Wishes, texts_of, ways};

mod wishes;

/// Ports in the net beside the collector's own: the same one by another address, and one of another authority.
const OTHER_WAY: u16 = 10_441;
const IMPOSTOR: u16 = 9_441;
/// Policies that each agent is given.
const ROUNDS: usize = 5;
/// Starts of an agent until it is watched.
const STARTS_MAX: usize = 5;
/// How long one run may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Limits as administrators may set them, what the independent judge makes of them: kinds, targets, private networks.
const LIMITS: [(&str, &[&str], usize, &[&str]); 4] = [
    ("", &["icmp", "tcp", "http", "dns"], 32, &[]),
    ("targets_max = 7\nprobe_kinds = [\"tcp\"]\n", &["tcp"], 7, &[]),
    ("policy_targets = false\n", &[], 0, &[]),
    (
        "probe_kinds = [\"http\", \"dns\"]\nprivate_networks = [\"10.20.0.0/16\"]\n",
        &["http", "dns"],
        32,
        &["10.20."],
    ),
];

/// One host's agent.
struct Host {
    folder: PathBuf,
    site: SiteId,
    limits: usize,
    wishes: Wishes,
    texts: BTreeSet<String>,
}

/// What all of them live in.
struct Stage {
    runtime: Runtime,
    world: World,
    link: Link,
    impostor: World,
    net: SmallNet,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let runtime = program::runtime();
        let (world, impostor) =
            runtime.block_on(async { (World::new().await.unwrap(), World::new().await.unwrap()) });
        let link = runtime.block_on(Link::to(world.address().unwrap())).unwrap();
        let forwards = vec![
            (PORT, link.address),
            (OTHER_WAY, world.address().unwrap()),
            (IMPOSTOR, impostor.address().unwrap()),
        ];
        let net =
            SmallNet::start(&Options { forwards, answers_everywhere: true, ..Options::default() }).unwrap();
        Self { runtime, world, link, impostor, net, folder: tempfile::tempdir().unwrap() }
    }

    /// An enrolled host under one of the limits.
    fn host(&self, limits: usize, seed: u64) -> Host {
        let folder = self.folder.path().join(format!("host-{limits}"));
        std::fs::create_dir_all(&folder).unwrap();
        let site = self.runtime.block_on(self.world.site(format!("s{limits}"))).unwrap();
        let wishes = Wishes::new(seed, &format!("limits {limits}"));
        let host = Host { folder, site, limits, wishes, texts: BTreeSet::new() };
        std::fs::write(host.settings(), self.settings(&host)).unwrap();
        program::write_script(&host.given_program(), "exit 0");
        program::enroll(&self.runtime, &self.world, &self.net, site, &host.settings());
        host
    }

    fn settings(&self, host: &Host) -> String {
        let (limits, ..) = LIMITS[host.limits];
        format!(
            "{}[intervals]\nsample_s = 5\nsend_s = 5\nprobe_s = 600\n[paths]\nsmartctl = {:?}\n\
             [limits]\nprobe_interval_min_s = 600\n{limits}",
            program::settings(&self.net, &host.folder),
            host.given_program(),
        )
    }

    /// Has a host's agent asked for this by its site's policy.
    fn ask(&self, host: &Host, policy: &Policy) {
        let body = serde_json::to_string(policy).unwrap();
        self.runtime.block_on(self.world.ask_at(Place::Site(host.site), body)).unwrap();
    }

    /// Starts a host's agent under `strace`; again where a busy machine did not grant that the three seconds within which
    /// it must have come to watch.
    fn start(&self, host: &Host, trace: &Path, log: &Path) -> Agent {
        let is_watched = || trace.metadata().is_ok_and(|trace| trace.len() > 0);
        for _ in 0..STARTS_MAX {
            let _none_yet = std::fs::remove_file(trace);
            let mut command = Command::new("strace");
            command.args(conduct::ARGUMENTS).arg("-o").arg(trace).arg(program::path());
            let mut agent = program::run(&self.net, command, &host.settings(), log);
            let mut ended = None;
            until("started", PATIENCE, &String::new, || {
                ended = agent.0.try_wait().unwrap();
                ended.is_some() || is_watched()
            });
            if ended.and_then(|ended| ended.signal()) != Some(Signal::SIGALRM as i32) {
                return agent;
            }
        }
        panic!("strace did not come to watch in {STARTS_MAX} starts");
    }

    /// Runs a host's agent under `strace` until what it says is enough; what it did, and what it said.
    fn run(&self, host: &Host, is_enough: impl Fn(&str) -> bool) -> (Vec<Deed>, String) {
        let (trace, log) = (host.folder.join("trace"), host.folder.join("log"));
        let mut agent = self.start(host, &trace, &log);
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        until("said", PATIENCE, &said, || {
            assert!(agent.0.try_wait().unwrap().is_none(), "the agent ended: {}", said());
            is_enough(&said())
        });
        agent.stop();
        // Who watches comes to the end a little later.
        let own = agent.0.id().to_string();
        until("seen", PATIENCE, &said, || {
            conduct::has_ended(&std::fs::read_to_string(&trace).unwrap(), &own)
        });
        (conduct::read(&trace).unwrap(), said())
    }

    /// What a host's agent may do while it holds a policy.
    fn bounds(&self, host: &Host, held: Option<&Policy>, added: &[SocketAddr]) -> Bounds {
        let (_, kinds, most, networks) = LIMITS[host.limits];
        let way = |how, address: &str, port| (how, SocketAddr::new(address.parse().unwrap(), port));
        let known = PROGRAMS.iter().flat_map(|(_, places)| *places).map(PathBuf::from);
        let gateways = [plan().gateway, "2001:db8:77::1"];
        let echoed =
            gateways.into_iter().chain(plan().internet_targets).map(|one| way(Transport::Icmp, one, 0));
        let pages = ["198.51.100.80", "198.51.100.81", "2001:db8:ff::80", "2001:db8:ff::81"];
        let pages = pages.map(|one| way(Transport::Tcp, one, 80));
        let ups = way(Transport::Tcp, "127.0.0.1", 3_493);
        let collector = way(Transport::Tcp, plan().collector, PORT).1;
        Bounds {
            programs: known.chain([host.given_program()]).collect(),
            state: host.state(),
            texts: host.texts.clone(),
            collectors: added.iter().copied().chain([collector]).collect(),
            resolvers: plan().resolvers.map(|one| way(Transport::Udp, one, 53).1).into(),
            own: echoed.chain(pages).chain([ups]).collect(),
            asked: held.map(|policy| ways(policy, (kinds, networks))).unwrap_or_default(),
            asked_max: most,
        }
    }
}

impl Host {
    fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    fn given_program(&self) -> PathBuf {
        self.folder.join("smartctl")
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("agent.toml")
    }

    /// The policy that its agent starts with.
    fn held(&self) -> Option<Policy> {
        let policy: Policy =
            serde_json::from_slice(&std::fs::read(self.state().join("policy.json")).ok()?).unwrap();
        assert_eq!(policy.check(), Ok(()), "only what is sound is kept");
        Some(policy)
    }
}

/// Whether a process may be watched here; says that a story is skipped where none may.
#[expect(clippy::print_stderr, reason = "how a test says that it was skipped")]
fn may_trace(story: &str) -> bool {
    let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        eprintln!("skipped: {story}: strace cannot watch a process here");
    }
    may
}

const FOLLOWED: &str = "a new policy is followed";

/// Whether an agent has climbed its ladder and fetched a policy.
fn has_climbed_and_fetched(said: &str) -> bool {
    let has_fetched = said.contains(FOLLOWED) || said.contains("policy is not followed");
    said.contains("reachability changed") && has_fetched
}

/// One host's life under one policy after the other; what of them was asked in all.
fn live(stage: &Stage, mut host: Host) -> (usize, usize) {
    let (mut asked, mut followed) = (0, 0);
    for round in 0..ROUNDS {
        let policy = host.wishes.policy();
        host.texts.extend(texts_of(&policy));
        stage.ask(&host, &policy);
        let held = host.held();
        let (deeds, said) = stage.run(&host, has_climbed_and_fetched);
        let bounds = stage.bounds(&host, held.as_ref(), &[]);
        let breaches = bounds.breaches(&deeds);
        assert!(breaches.is_empty(), "host {}, round {round}, under {held:#?}: {breaches:#?}", host.limits);
        let has_run = |deed: &Deed| matches!(deed, Deed::Run(program, _) if *program == host.given_program());
        assert!(round > 0 || deeds.iter().any(has_run), "programs are seen: {deeds:#?}");
        let has_written = |deed: &Deed| matches!(deed, Deed::Change(path) if path.starts_with(host.state()));
        assert!(deeds.iter().any(has_written) && said.contains("agent stopped"), "{deeds:#?}");
        asked += bounds.asked_of(&deeds).len();
        followed += usize::from(said.contains(FOLLOWED));
    }
    (asked, followed)
}

#[test]
fn no_policy_makes_an_agent_run_write_tell_or_probe_beyond_its_limits() {
    privileged(|| {
        if !may_trace("no_policy_makes_an_agent_run_write_tell_or_probe_beyond_its_limits") {
            return;
        }
        let seed = seed(20_261_126);
        println!("TRAM_TEST_SEED={seed}");
        let stage = Stage::new();
        let hosts: Vec<Host> = (0..LIMITS.len()).map(|limits| stage.host(limits, seed)).collect();
        let lives = std::thread::scope(|scope| {
            let lives: Vec<_> = hosts.into_iter().map(|host| scope.spawn(|| live(&stage, host))).collect();
            lives.into_iter().map(|life| life.join().unwrap()).collect::<Vec<_>>()
        });
        println!("targets asked and policies followed, by host: {lives:?}");
        let [(wide, followed), (narrow, _), (deaf, _), (some, _)] = lives[..] else { panic!("{lives:?}") };
        assert!(wide > 0 && narrow > 0 && some > 0 && followed > 0, "policies are followed: {lives:?}");
        assert_eq!(deaf, 0);
        only_status_and_timing_was_told(&stage.world);
    });
}

/// Of what policies had probed, the collector knows an outcome, a time and a status.
fn only_status_and_timing_was_told(world: &World) {
    let memory = &world.running().unwrap().memory;
    let told = std::sync::Mutex::new(BTreeSet::new());
    for host in memory.latest.all() {
        let now_ms = world.now_ms();
        let window = Window { from_ms: now_ms - 600_000, to_ms: now_ms + 60_000, step_ms: 60_000 };
        let note = |column: &Column| {
            if column.attributes.keys().any(|key| key == sample::PROBE_KIND) {
                told.lock().unwrap().insert(column.name.clone());
            }
            false
        };
        memory.series.range(host.agent, note, window).unwrap();
    }
    let told: Vec<String> = told.into_inner().unwrap().into_iter().collect();
    assert_eq!(told, [sample::PROBE_STATUS, sample::PROBE_OUTCOME, sample::PROBE_RTT].map(str::to_owned));
}

#[test]
fn addresses_that_a_policy_adds_get_nothing_unless_they_prove_the_authority() {
    privileged(|| {
        if !may_trace("addresses_that_a_policy_adds_get_nothing_unless_they_prove_the_authority") {
            return;
        }
        let stage = Stage::new();
        let host = stage.host(0, 1);
        let (impostor, other_way) = (
            SocketAddr::new(plan().collector.parse().unwrap(), IMPOSTOR),
            SocketAddr::new(plan().collector.parse().unwrap(), OTHER_WAY),
        );
        let collectors = vec![
            format!("http://{other_way}"),
            "$(reboot)".to_owned(),
            "https://u:p@198.51.100.80".to_owned(),
            format!("https://{impostor}"),
            format!("https://{other_way}"),
        ];
        stage.ask(&host, &Policy { collectors, ..Policy::default() });
        stage.run(&host, has_climbed_and_fetched);
        stage.link.cut();
        let (deeds, said) = stage.run(&host, |said| said.contains("the collector answers"));
        assert!(said.contains(&OTHER_WAY.to_string()), "{said}");
        let held = host.held();
        let breaches = stage.bounds(&host, held.as_ref(), &[impostor, other_way]).breaches(&deeds);
        assert!(breaches.is_empty(), "{breaches:#?}");
        let is_tried = |deed: &Deed| matches!(deed, Deed::Reach(Transport::Tcp, to, bytes) if *to == impostor && !bytes.is_empty());
        assert!(deeds.iter().any(is_tried), "{deeds:#?}");
        let memory = &stage.impostor.running().unwrap().memory;
        assert_eq!(memory.latest.all().len(), 0, "whoever cannot prove the authority gets no report");
    });
}

#[test]
fn a_policy_that_wants_probes_all_the_time_gets_them_as_seldom_as_the_limits_say() {
    privileged(|| {
        if !may_trace("a_policy_that_wants_probes_all_the_time_gets_them_as_seldom_as_the_limits_say") {
            return;
        }
        let stage = Stage::new();
        let host = stage.host(0, 1);
        let often = Some(5);
        let (sample_interval_s, send_interval_s, probe_interval_s) = (often, often, often);
        let probes = vec![Probe::Tcp { host: "192.0.2.7".to_owned(), port: 443 }];
        let policy =
            Policy { sample_interval_s, send_interval_s, probe_interval_s, probes, ..Policy::default() };
        stage.ask(&host, &policy);
        stage.run(&host, has_climbed_and_fetched);
        assert_eq!(host.held().and_then(|held| held.probe_interval_s), often);
        // Long enough for three climbs, had the policy its way.
        let until_ms = stage.world.now_ms() + 13_000;
        let latest = &stage.world.running().unwrap().memory.latest;
        let (deeds, _) = stage.run(&host, |_| latest.all().iter().any(|host| host.at_ms > until_ms));
        let asked: SocketAddr = "192.0.2.7:443".parse().unwrap();
        let count = deeds.iter().filter(|deed| matches!(deed, Deed::Reach(_, to, _) if *to == asked)).count();
        assert_eq!(count, 1, "{deeds:#?}");
    });
}
