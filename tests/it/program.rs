//! The agent's own program on a host of the small internet: how stories configure, enrol, start and end it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tram_collector::model::agency::SiteId;
use tram_proto::enroll::Token;
use tram_tests::net::{Options, SmallNet, plan};
use tram_tests::world::World;

/// The collector's port as hosts see it.
pub(crate) const PORT: u16 = 8441;

/// A process that is killed with this value.
pub(crate) struct Agent(pub(crate) Child);

impl Agent {
    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What a story waits for the collector with.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A collector, and the small internet that it is reached through at [`PORT`].
pub(crate) fn reached_world(runtime: &Runtime) -> (World, SmallNet) {
    let world = runtime.block_on(World::new()).unwrap();
    let forwards = vec![(PORT, world.address().unwrap())];
    let net = SmallNet::start(&Options { forwards, ..Options::default() }).unwrap();
    (world, net)
}

/// Where the program is.
pub(crate) fn path() -> &'static str {
    env!("CARGO_BIN_EXE_agent")
}

/// The program, or what starts it, with its settings.
pub(crate) fn with_settings(mut command: Command, settings: &Path) -> Command {
    command.arg("--config").arg(settings).stdin(Stdio::null());
    command
}

/// Settings of a host of this net: its folder, its targets, its name servers.
pub(crate) fn settings(net: &SmallNet, folder: &Path) -> String {
    let (reach, state, machine) = (net.reach_config(), folder.join("state"), folder.join("machine"));
    std::fs::write(&machine, folder.display().to_string()).unwrap();
    format!(
        "[agent]\nstate_dir = {state:?}\nmachine_id = {machine:?}\n[reach]\ninternet_targets = {:?}\nweb_targets = {:?}\n\
         name = {:?}\nresolv_conf = {:?}\n",
        reach.internet_targets, reach.web_targets, reach.name, reach.resolv_conf,
    )
}

/// Enrols the host of these settings at a site.
pub(crate) fn enroll(runtime: &Runtime, world: &World, net: &SmallNet, site: SiteId, settings: &Path) {
    let secret = runtime.block_on(world.secret_at(site, 1)).unwrap();
    let ca_sha256 = world.running().unwrap().pki.ca_sha256();
    let token = Token { ca_sha256, issued_ms: world.now_ms(), secret }.to_string();
    let url = format!("https://{}:{PORT}", plan().collector);
    let mut command = with_settings(Command::new(path()), settings);
    command.args(["enroll", "--collector", &url, "--token", &token]).stdout(Stdio::null());
    assert!(net.spawn(&mut command).unwrap().wait().unwrap().success());
}

/// Enrols a host, at a site of its own, with `more` settings than its folder and targets; where its settings are.
pub(crate) fn enrolled(
    runtime: &Runtime,
    (world, net): (&World, &SmallNet),
    folder: &Path,
    more: &str,
) -> PathBuf {
    let file = folder.join("agent.toml");
    std::fs::write(&file, settings(net, folder) + more).unwrap();
    let site = runtime.block_on(world.site("s".to_owned())).unwrap();
    enroll(runtime, world, net, site, &file);
    file
}

/// Writes a program for the shell.
pub(crate) fn write_script(file: &Path, text: &str) {
    std::fs::write(file, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Has the program, or what starts it, run with its settings; what it says goes to `log`.
pub(crate) fn run(net: &SmallNet, command: Command, settings: &Path, log: &Path) -> Agent {
    let mut command = with_settings(command, settings);
    command.arg("run").stdout(Stdio::null()).stderr(std::fs::File::create(log).unwrap());
    Agent(net.spawn(&mut command).unwrap())
}

/// Waits until something is so; fails with what is `said` when it does not come about.
pub(crate) fn until(
    what: &str,
    patience: Duration,
    said: &dyn Fn() -> String,
    mut is_so: impl FnMut() -> bool,
) -> Duration {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < patience, "not {what} within {patience:?}: {}", said());
        std::thread::sleep(Duration::from_millis(50));
    }
    started.elapsed()
}
