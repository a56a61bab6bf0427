//! A collector to measure: the real program on ports of its own, its data folder prepared with a fleet.
//!
//! Thousands of agents are known before it starts: rows are written and certificates signed in this process with the
//! collector's own code and key, instead of as many enrolments.

use super::process::Process;
use crate::pki::{Connection, client_config};
use anyhow::{Context as _, ensure};
use hyper::Method;
use rcgen::{CertificateParams, KeyPair};
use rusqlite::{Transaction, params};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tram_collector::model::agent::AgentId;
use tram_collector::pki::{Leaf, Pki, RequestedKey};
use tram_collector::store::sqlite;
use tram_proto::enroll::Token;

/// Where a prepared fleet finds its collector.
pub const LOOPBACK: &str = "127.0.0.1";
/// What operators' connections call it.
const LOCALHOST: &str = "localhost";
/// How long a start may take.
const START_WAIT: Duration = Duration::from_secs(30);
/// How long a certificate of which there is only the row is good for.
const YEAR_MS: i64 = 365 * 86_400_000;
/// What it says goes here, in its data folder.
pub const LOG: &str = "collector.log";
/// Hosts of one site.
pub const SITE_HOSTS: usize = 1_000;

/// A fleet that a data folder knows.
#[derive(Debug)]
pub struct Fleet {
    /// The agents.
    pub agents: Vec<AgentId>,
    /// The way that each of them proves who it is.
    pub identities: Vec<Arc<rustls::ClientConfig>>,
}

/// A running collector; ends with this value.
#[derive(Debug)]
pub struct Collector {
    child: Child,
    program: PathBuf,
    config: PathBuf,
    /// Where agents connect.
    pub agents: SocketAddr,
    /// Where operators connect.
    pub operators: SocketAddr,
}

/// How a collector is started, where not as always.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setup<'a> {
    /// Sections of the configuration besides those that every collector here has.
    pub settings: &'a str,
    /// The one core that it may use.
    pub core: Option<usize>,
    /// What it logs, where not as always.
    pub log: Option<&'a str>,
}

/// Makes a data folder that knows so many agents, each with an identity to connect by.
pub fn prepare(data_dir: &Path, count: usize, now_ms: i64) -> anyhow::Result<Fleet> {
    prepare_some(data_dir, count, count, now_ms)
}

/// The id of an agent of the fleet: spread as ids drawn at random are.
pub fn agent_of(number: u64) -> AgentId {
    let mut id = [0xbe; 16];
    let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let bytes = spread.to_be_bytes().into_iter().chain(number.to_be_bytes());
    id.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    AgentId(id)
}

/// The same, but that only the first of them get an identity; of the others' certificates there is only the row. They
/// share one key, which changes no cost of the collector's.
pub fn prepare_some(data_dir: &Path, count: usize, identities: usize, now_ms: i64) -> anyhow::Result<Fleet> {
    std::fs::create_dir_all(data_dir)?;
    let pki = Pki::open(data_dir, &[LOOPBACK.to_owned(), LOCALHOST.to_owned()], now_ms)?;
    let key = KeyPair::generate()?;
    let request = RequestedKey::from_request(&CertificateParams::default().serialize_request(&key)?.pem()?)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pki.ca_der().clone())?;
    let roots = Arc::new(roots);
    let mut connection = sqlite::open_writer(data_dir)?;
    let rows = connection.transaction()?;
    rows.execute("INSERT INTO agency (id, name, kind) VALUES (1, 'Tỉnh', 'province')", [])?;
    for site in 1..=count.div_ceil(SITE_HOSTS) {
        rows.execute(
            "INSERT INTO site (id, agency, name) VALUES (?1, 1, ?2)",
            params![site as i64, format!("Điểm {site}")],
        )?;
    }
    let mut fleet = Fleet { agents: Vec::new(), identities: Vec::new() };
    for number in 0..count {
        let agent = agent_of(number as u64);
        let leaf = if number < identities { Some(pki.issue(agent, &request, now_ms)?) } else { None };
        add_rows(&rows, (agent, number), leaf.as_ref(), now_ms)?;
        fleet.agents.push(agent);
        let Some(leaf) = leaf else { continue };
        let chain = vec![CertificateDer::from_pem_slice(leaf.pem.as_bytes())?];
        let own = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| anyhow::anyhow!(error))?;
        let config = rustls::ClientConfig::builder().with_root_certificates(Arc::clone(&roots));
        fleet.identities.push(Arc::new(config.with_client_auth_cert(chain, own)?));
    }
    rows.commit()?;
    Ok(fleet)
}

/// The rows of one host: its asset, its agent and the agent's certificate.
fn add_rows(
    rows: &Transaction<'_>,
    (agent, number): (AgentId, usize),
    leaf: Option<&Leaf>,
    now_ms: i64,
) -> anyhow::Result<()> {
    let (id, site) = (agent.0, (number / SITE_HOSTS + 1) as i64);
    let name = format!("host-{number:06}");
    rows.prepare_cached("INSERT INTO asset (site, name, kind, always_on) VALUES (?1, ?2, 'server', 1)")?
        .execute(params![site, name])?;
    let asset = rows.last_insert_rowid();
    rows.prepare_cached(
        "INSERT INTO agent (id, asset, state, machine, enrolled_ms) VALUES (?1, ?2, 'active', ?3, ?4)",
    )?
    .execute(params![id, asset, [id, id].concat(), now_ms])?;
    let (sha256, key_sha256) = match leaf {
        Some(leaf) => (leaf.sha256.to_vec(), leaf.key_sha256.to_vec()),
        None => ([id, id].concat(), [[0; 16], id].concat()),
    };
    let (issued_ms, expires_ms) =
        leaf.map_or((now_ms, now_ms + YEAR_MS), |leaf| (leaf.issued_ms, leaf.expires_ms));
    rows.prepare_cached(
        "INSERT INTO certificate (sha256, agent, key_sha256, issued_ms, expires_ms, first_used_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![sha256, id, key_sha256, issued_ms, expires_ms, now_ms])?;
    Ok(())
}

impl Collector {
    /// Starts the program on a data folder, its certificate made for `name`, and waits until agents can connect.
    pub async fn start(program: &Path, data_dir: &Path, name: &str) -> anyhow::Result<Self> {
        Self::start_with(program, data_dir, name, Setup::default()).await
    }

    /// The same, set up otherwise than as always.
    pub async fn start_with(
        program: &Path,
        data_dir: &Path,
        name: &str,
        setup: Setup<'_>,
    ) -> anyhow::Result<Self> {
        let (agents, operators) = (free_address()?, free_address()?);
        let config = data_dir.join("collector.toml");
        let text = format!(
            "data_dir = {data_dir:?}\n[listen]\nagents = \"{agents}\"\noperators = \"{operators}\"\n[public]\nnames = [\"{name}\", \"{LOCALHOST}\"]\n{}",
            setup.settings
        );
        std::fs::write(&config, text)?;
        let log = data_dir.join(LOG);
        let output = std::fs::File::create(&log)?;
        let mut child = match setup.core {
            None => Command::new(program),
            Some(core) => {
                let mut child = Command::new("taskset");
                child.arg("--cpu-list").arg(core.to_string()).arg(program);
                child
            }
        };
        child.arg("--config").arg(&config).arg("serve").stdin(Stdio::null());
        child.stdout(output.try_clone()?).stderr(output);
        if let Some(log) = setup.log {
            child.env("TRAM_LOG", log).env("NO_COLOR", "1");
        }
        let child = child.spawn().with_context(|| format!("starting {}", program.display()))?;
        let mut collector = Self { child, program: program.into(), config, agents, operators };
        collector.answers(&log).await?;
        Ok(collector)
    }

    async fn answers(&mut self, log: &PathBuf) -> anyhow::Result<()> {
        let start = tokio::time::Instant::now();
        while tokio::net::TcpStream::connect(self.agents).await.is_err() {
            let ended = self.child.try_wait()?;
            let text = || std::fs::read_to_string(log).unwrap_or_default();
            ensure!(ended.is_none(), "the collector has ended: {}", text());
            ensure!(start.elapsed() < START_WAIT, "the collector does not answer: {}", text());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until it answers operators, which it does once it has read its state.
    pub async fn ready(&self, data_dir: &Path) -> anyhow::Result<()> {
        let ca = std::fs::read_to_string(data_dir.join("pki/ca.pem")).context("the collector's CA")?;
        let mut connection = Connection::open(self.operators, client_config(&ca, None)?).await?;
        let reply = connection.send(Method::GET, "/readyz", &[], Vec::new()).await?;
        ensure!(reply.status == 200, "not ready: {}", String::from_utf8_lossy(&reply.body));
        Ok(())
    }

    /// A token with which a program may read everything.
    pub fn api_token(&self) -> anyhow::Result<String> {
        let text = self.command(&["token", "create", "--role", "viewer"])?;
        let token = text.split_whitespace().last();
        Ok(token.with_context(|| format!("no token in: {text}"))?.to_owned())
    }

    /// The program beside it, on the same data folder.
    pub fn beside(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.config);
        command
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.beside().args(arguments).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A token that agents can enrol with.
    pub fn token(&self) -> anyhow::Result<String> {
        let arguments = ["enrollment", "create", "--agency", "Tỉnh", "--site", "Trung tâm"];
        let text = self.command(&arguments)?;
        let token = text.split_whitespace().find(|word| word.parse::<Token>().is_ok());
        Ok(token.with_context(|| format!("no token in: {text}"))?.to_owned())
    }

    /// The process to charge.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It keeps nothing that must not be lost: what it acked is on disk.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// An address that nobody listens on just now.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
