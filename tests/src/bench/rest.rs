//! A real agent at rest: enrolled at a real collector, on its default schedule, in the small internet, where nothing
//! of what it probes lies outside this machine.

use super::collector::Collector;
use super::process::Process;
use super::{Options, now_ms};
use crate::net::{self, SmallNet, Traffic};
use anyhow::{Context as _, ensure};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The collector's port as the host sees it.
const PORT: u16 = 8441;
/// How long enrolment and the first acked report may take.
const START_WAIT: Duration = Duration::from_secs(60);
/// Passed before a window begins: the first reports bring catalogue and components, the second round does not.
const SETTLE: Duration = Duration::from_secs(75);
/// What Ethernet adds to each packet that the counters see.
const ETHERNET_BYTES: u64 = 14;

/// The agent and what it needs. Everything ends with this value.
pub struct Rest {
    net: SmallNet,
    agent: Child,
    _collector: Collector,
    _folder: TempDir,
}

/// What passed between the agent's host and the rest, with all headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bytes {
    /// From the agent to the collector's port.
    pub up: u64,
    /// From the collector's port to the agent.
    pub down: u64,
    /// Everything on the host's link, both ways.
    pub link: u64,
}

impl Rest {
    /// Starts all of it and waits until the agent is in its steady round.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        net::check()?;
        let folder = tempfile::tempdir()?;
        let plan = net::plan();
        let data_dir = folder.path().join("collector");
        std::fs::create_dir_all(&data_dir)?;
        let collector = Collector::start(&options.collector, &data_dir, plan.collector).await?;
        let outside = net::Options { forwards: vec![(PORT, collector.agents)], ..net::Options::default() };
        let net = SmallNet::start(&outside)?;
        net.count_port(PORT)?;
        let token = collector.token()?;
        let config = folder.path().join("agent.toml");
        std::fs::write(&config, agent_config(folder.path(), &net))?;
        let agent = |arguments: &[&str]| {
            let mut command = Command::new(&options.agent);
            command.arg("--config").arg(&config).args(arguments).stdin(Stdio::null());
            command
        };
        let url = format!("https://{}:{PORT}", plan.collector);
        let mut enrolment =
            net.spawn(agent(&["enroll", "--collector", &url, "--token", &token]).stdout(Stdio::null()))?;
        ensure!(enrolment.wait()?.success(), "the agent cannot enrol");
        let log = std::fs::File::create(folder.path().join("agent.log"))?;
        let mut run = agent(&["run"]);
        run.envs(unit_environment());
        let agent = net.spawn(run.stdout(log.try_clone()?).stderr(log))?;
        let rest = Self { net, agent, _collector: collector, _folder: folder };
        rest.first_ack(&data_dir).await?;
        tokio::time::sleep(SETTLE).await;
        Ok(rest)
    }

    /// The agent's process.
    pub fn process(&self) -> Process {
        Process(self.agent.id())
    }

    /// What has passed so far.
    pub fn bytes(&self) -> anyhow::Result<Bytes> {
        let Traffic { bytes: link, .. } = self.net.traffic()?;
        let [up, down] = self.net.counted()?.map(|counted| counted.bytes + counted.packets * ETHERNET_BYTES);
        Ok(Bytes { up, down, link })
    }

    async fn first_ack(&self, data_dir: &Path) -> anyhow::Result<()> {
        let start_ms = now_ms();
        let store = tram_collector::store::sqlite::Readers::new(data_dir);
        let acked = || {
            let count = |store: &rusqlite::Connection| {
                Ok(store.query_row("SELECT count(*) FROM log", [], |row| row.get(0))?)
            };
            store.read(count).map(|rows: i64| rows > 0).context("reading the log")
        };
        while !acked()? {
            ensure!(now_ms() - start_ms < START_WAIT.as_millis() as i64, "no report of the agent is acked");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let _ended = self.agent.kill().and_then(|()| self.agent.wait());
    }
}

/// What the agent's service sets.
fn unit_environment() -> impl Iterator<Item = (&'static str, &'static str)> {
    let unit = include_str!("../../../deploy/systemd/tram-agent.service");
    unit.lines()
        .filter_map(|line| line.strip_prefix("Environment="))
        .flat_map(str::split_whitespace)
        .filter_map(|setting| setting.split_once('='))
}

/// The agent as it is installed, but for its folders and name servers.
fn agent_config(folder: &Path, net: &SmallNet) -> String {
    format!(
        "[agent]\nstate_dir = {:?}\n[reach]\nresolv_conf = {:?}\n",
        folder.join("agent"),
        net.resolv_conf()
    )
}
