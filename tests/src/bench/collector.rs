//! A collector to measure: the real program on ports of its own, its data folder prepared with a fleet.
//!
//! Thousands of agents are known before it starts: rows are written and certificates signed in this process with the
//! collector's own code and key, instead of as many enrolments.

use super::process::Process;
use anyhow::{Context as _, ensure};
use rcgen::{CertificateParams, KeyPair};
use rusqlite::params;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tram_collector::model::agent::AgentId;
use tram_collector::pki::{Pki, RequestedKey};
use tram_collector::store::sqlite;
use tram_proto::enroll::Token;

/// Where a prepared fleet finds its collector.
pub const LOOPBACK: &str = "127.0.0.1";
/// How long a start may take.
const START_WAIT: Duration = Duration::from_secs(30);

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

/// Makes a data folder that knows so many agents. They share one key, which changes no cost of the collector's.
pub fn prepare(data_dir: &Path, count: usize, now_ms: i64) -> anyhow::Result<Fleet> {
    std::fs::create_dir_all(data_dir)?;
    let pki = Pki::open(data_dir, &[LOOPBACK.to_owned()], now_ms)?;
    let key = KeyPair::generate()?;
    let request = RequestedKey::from_request(&CertificateParams::default().serialize_request(&key)?.pem()?)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pki.ca_der().clone())?;
    let roots = Arc::new(roots);
    let mut connection = sqlite::open_writer(data_dir)?;
    let rows = connection.transaction()?;
    rows.execute("INSERT INTO agency (id, name, kind) VALUES (1, 'Tỉnh', 'province')", [])?;
    rows.execute("INSERT INTO site (id, agency, name) VALUES (1, 1, 'Trung tâm')", [])?;
    let mut fleet = Fleet { agents: Vec::new(), identities: Vec::new() };
    for number in 0..count as u64 {
        let mut id = [0xbe; 16];
        id.iter_mut().skip(8).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        let agent = AgentId(id);
        let leaf = pki.issue(agent, &request, now_ms)?;
        let name = format!("host-{number:06}");
        rows.execute("INSERT INTO asset (site, name, kind, always_on) VALUES (1, ?1, 'server', 1)", [name])?;
        rows.execute(
            "INSERT INTO agent (id, asset, state, machine, enrolled_ms) VALUES (?1, ?2, 'active', ?3, ?4)",
            params![id, rows.last_insert_rowid(), [id, id].concat(), now_ms],
        )?;
        rows.execute(
            "INSERT INTO certificate (sha256, agent, key_sha256, issued_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![leaf.sha256, id, leaf.key_sha256, leaf.issued_ms, leaf.expires_ms],
        )?;
        let chain = vec![CertificateDer::from_pem_slice(leaf.pem.as_bytes())?];
        let own = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| anyhow::anyhow!(error))?;
        let config = rustls::ClientConfig::builder().with_root_certificates(Arc::clone(&roots));
        fleet.agents.push(agent);
        fleet.identities.push(Arc::new(config.with_client_auth_cert(chain, own)?));
    }
    rows.commit()?;
    Ok(fleet)
}

impl Collector {
    /// Starts the program on a data folder, its certificate made for `name`, and waits until agents can connect.
    pub async fn start(program: &Path, data_dir: &Path, name: &str) -> anyhow::Result<Self> {
        let (agents, operators) = (free_address()?, free_address()?);
        let config = data_dir.join("collector.toml");
        let text = format!(
            "data_dir = {data_dir:?}\n[listen]\nagents = \"{agents}\"\noperators = \"{operators}\"\n[public]\nnames = [\"{name}\"]\n"
        );
        std::fs::write(&config, text)?;
        let log = data_dir.join("collector.log");
        let output = std::fs::File::create(&log)?;
        let mut child = Command::new(program);
        child.arg("--config").arg(&config).arg("serve").stdin(Stdio::null());
        child.stdout(output.try_clone()?).stderr(output);
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

    /// A token with which a program may read everything.
    pub fn api_token(&self) -> anyhow::Result<String> {
        let text = self.command(&["token", "create", "--role", "viewer"])?;
        let token = text.split_whitespace().last();
        Ok(token.with_context(|| format!("no token in: {text}"))?.to_owned())
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output =
            Command::new(&self.program).arg("--config").arg(&self.config).args(arguments).output()?;
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
