//! A collector of the test's own, and hosts that report to it: a temporary folder, ports of the system's choice, a clock
//! that the test may hold.
//!
//! Hosts here say what they are told to, byte for byte; the agent's own code is tried elsewhere.

mod host;
mod machine;

pub use host::{Host, Sent};
pub use machine::{AgentHost, Link};

use crate::net::plan;
use crate::pki::{Connection, Reply, client_config, request_for};
use anyhow::{Context as _, Result, ensure};
use hyper::Method;
use rcgen::KeyPair;
use rustls::ClientConfig;
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tram_collector::app::{self, Running};
use tram_collector::clock::Clock;
use tram_collector::config::{self, Config};
use tram_collector::latest::Effect;
use tram_collector::model::agency::{Scope, SiteId};
use tram_collector::model::agent::{Agent, AgentId, AgentState, Certificate};
use tram_collector::model::asset::{AssetId, AssetKind};
use tram_collector::model::policy::Place;
use tram_collector::pki::{Leaf, RequestedKey};
use tram_collector::store::StoreError;
use tram_collector::store::sqlite::{agency, agent, certificate, enrollment, policy};
use tram_proto::enroll::{EnrollRequest, Enrolled, secret_text};

/// Noon of some day, when the clock of a held world starts.
pub const NOON_MS: i64 = 1_795_003_200_000;

/// A collector and its folder.
pub struct World {
    dir: tempfile::TempDir,
    rules: Option<PathBuf>,
    adjust: fn(&mut Config),
    clock: Clock,
    time: Option<Arc<AtomicI64>>,
    running: Option<Running>,
}

/// An agent's identity: its key and certificate, and the TLS made of them.
#[derive(Clone)]
pub struct Identity {
    /// The agent.
    pub agent: AgentId,
    /// The leaf, PEM.
    pub certificate: String,
    /// The leaf's key.
    pub key: Arc<KeyPair>,
    /// TLS with that leaf; sessions are resumed among its connections.
    pub tls: Arc<ClientConfig>,
    /// What enrolment said besides.
    pub note: String,
}

/// The configuration of a collector of a test's own below `dir`.
pub fn config_in(dir: &Path) -> Result<Config> {
    let text = format!(
        "data_dir = {:?}\n[listen]\nagents = \"127.0.0.1:0\"\noperators = \"127.0.0.1:0\"\n\
         [public]\nnames = [\"localhost\", \"127.0.0.1\", {:?}]\n[commit]\nwindow_ms = 2\n",
        dir.join("data"),
        plan().collector,
    );
    Ok(config::parse(Path::new("test.toml"), &text, &std::collections::BTreeMap::new())?)
}

fn known_agent(id: AgentId, asset: AssetId, now_ms: i64) -> Agent {
    let mut machine = [0; 32];
    machine[..16].copy_from_slice(&id.0);
    let (state, version) = (AgentState::Active, String::new());
    Agent { id, asset, state, machine, clone_seen_ms: None, version, enrolled_ms: now_ms }
}

/// A certificate that was used before.
fn known_leaf(leaf: &Leaf, agent: AgentId) -> Certificate {
    let Leaf { sha256, issued_ms, expires_ms, .. } = *leaf;
    Certificate { sha256, agent, issued_ms, expires_ms, first_used_ms: Some(issued_ms), superseded_ms: None }
}

impl World {
    /// A collector on the system's clock.
    pub async fn new() -> Result<Self> {
        Self::start(Clock::system(), None, None).await
    }

    /// A collector on the system's clock, with a rules file of this text.
    pub async fn with_rules(rules: &str) -> Result<Self> {
        Self::start(Clock::system(), None, Some(rules)).await
    }

    /// A collector whose clock stands at [`NOON_MS`] until the test moves it.
    pub async fn held() -> Result<Self> {
        let (clock, time) = Clock::manual(NOON_MS);
        Self::start(clock, Some(time), None).await
    }

    /// The same, with a rules file of this text.
    pub async fn held_with_rules(rules: &str) -> Result<Self> {
        let (clock, time) = Clock::manual(NOON_MS);
        Self::start(clock, Some(time), Some(rules)).await
    }

    /// A collector on the system's clock, its configuration adjusted.
    pub async fn with(adjust: fn(&mut Config)) -> Result<Self> {
        let mut world = Self::unstarted(Clock::system(), None, None)?;
        world.adjust = adjust;
        world.resume().await?;
        Ok(world)
    }

    /// A collector on a copy of a folder that another has left, its clock held.
    pub async fn held_on(data_dir: &Path, now_ms: i64) -> Result<Self> {
        let (clock, time) = Clock::manual(now_ms);
        let mut world = Self::unstarted(clock, Some(time), None)?;
        crate::files::copy(data_dir, &world.data_dir())?;
        world.resume().await?;
        Ok(world)
    }

    async fn start(clock: Clock, time: Option<Arc<AtomicI64>>, rules: Option<&str>) -> Result<Self> {
        let mut world = Self::unstarted(clock, time, rules)?;
        world.resume().await?;
        Ok(world)
    }

    fn unstarted(clock: Clock, time: Option<Arc<AtomicI64>>, rules: Option<&str>) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("rules.toml");
        let rules = match rules {
            None => None,
            Some(text) => {
                std::fs::write(&file, text)?;
                Some(file)
            }
        };
        Ok(Self { dir, rules, adjust: |_| (), clock, time, running: None })
    }

    /// Starts the collector again on the same folder.
    pub async fn resume(&mut self) -> Result<()> {
        self.resume_at(0).await
    }

    /// The same, with the agents' listener on a port of the test's choice.
    pub async fn resume_at(&mut self, port: u16) -> Result<()> {
        let mut config = config_in(self.dir.path())?;
        config.listen.agents.set_port(port);
        config.rules_file.clone_from(&self.rules);
        (self.adjust)(&mut config);
        self.running = Some(app::start(config, self.clock.clone()).await?);
        Ok(())
    }

    /// Stops the collector in order.
    pub async fn stop(&mut self) -> Result<()> {
        self.running.take().context("not running")?.stop().await
    }

    /// Ends the collector without a last snapshot.
    pub async fn abandon(&mut self) -> Result<()> {
        self.running.take().context("not running")?.abandon().await;
        Ok(())
    }

    /// The collector that runs.
    pub fn running(&self) -> Result<&Running> {
        self.running.as_ref().context("not running")
    }

    /// Where agents connect.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.running()?.agents)
    }

    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The collector's time.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Moves a held clock on.
    pub fn pass(&self, ms: i64) {
        if let Some(time) = &self.time {
            time.fetch_add(ms, Ordering::SeqCst);
        }
    }

    /// Looks at who is silent, now, and waits until that is written.
    pub async fn look_around(&self) -> Result<()> {
        let commit = &self.running()?.commit;
        commit.tick(self.now_ms());
        // What is asked of the writer later is done later.
        commit.on_writer(|_| ()).await?;
        commit.on_writer(|_| ()).await?;
        Ok(())
    }

    /// A token's secret for `uses` machines, valid for an hour.
    pub async fn secret(&self, uses: i64) -> Result<[u8; 20]> {
        let site =
            self.running()?.commit.write(|transaction| Ok((agent::unassigned_site(transaction)?, vec![])));
        self.secret_at(site.await?, uses).await
    }

    /// The same, of a site.
    pub async fn secret_at(&self, site: SiteId, uses: i64) -> Result<[u8; 20]> {
        let mut secret = [0; 20];
        getrandom::fill(&mut secret).context("random")?;
        let (hash, now_ms) = (Sha256::digest(secret).into(), self.now_ms());
        let write = self.running()?.commit.write(move |transaction| {
            enrollment::add(transaction, site, hash, uses, now_ms + 3_600_000, "test", now_ms)?;
            Ok(((), vec![]))
        });
        write.await?;
        Ok(secret)
    }

    /// A site of this name, in an agency of its own name.
    pub async fn site(&self, name: String) -> Result<SiteId> {
        let write = self.running()?.commit.write(move |transaction| {
            let agency = agency::ensure(transaction, Scope::All, &[&name])?;
            Ok((agency::ensure_site(transaction, agency, &name)?, vec![Effect::SiteChanged]))
        });
        Ok(write.await?)
    }

    /// What agents of a place are asked from now on: a policy's text.
    pub async fn ask_at(&self, place: Place, body: String) -> Result<()> {
        let write = self.running()?.commit.write(move |transaction| {
            policy::put(transaction, Scope::All, place, &body, 5)?;
            Ok(((), vec![Effect::PolicyChanged]))
        });
        Ok(write.await?)
    }

    /// Enrols a machine with a new token and key.
    pub async fn enroll(&self, name: &str) -> Result<Identity> {
        let secret = self.secret(1).await?;
        let key = KeyPair::generate()?;
        let machine: [u8; 32] = Sha256::digest(name).into();
        let reply = self.ask_to_enroll(&secret, &request_for(&key)?, machine, name).await?;
        ensure!(reply.status == 200, "enrolling: {reply:?}");
        self.identity(&reply, key)
    }

    /// Many agents that are known already, written in one go; they share one key.
    pub async fn known_agents(&self, count: usize) -> Result<Vec<Identity>> {
        let (pki, now_ms) = (Arc::clone(&self.running()?.pki), self.now_ms());
        let ca = pki.ca_pem().to_owned();
        let key = KeyPair::generate()?;
        let request = RequestedKey::from_request(&request_for(&key)?)?;
        let write = self.running()?.commit.write(move |transaction| {
            let site = agent::unassigned_site(transaction)?;
            let mut leaves = Vec::with_capacity(count);
            for number in 0..count as u64 {
                let mut id = AgentId([0xa9; 16]);
                id.0[..8].copy_from_slice(&number.to_be_bytes());
                let leaf = pki
                    .issue(id, &request, now_ms)
                    .map_err(|error| StoreError::Conflict(error.to_string()))?;
                let asset = agent::add_asset(transaction, site, &format!("máy-{number}"), AssetKind::Server)?;
                agent::add(transaction, &known_agent(id, asset.id, now_ms))?;
                certificate::add(transaction, &known_leaf(&leaf, id), leaf.key_sha256)?;
                leaves.push((id, leaf.pem));
            }
            let effects = leaves.iter().map(|(id, _)| Effect::AgentChanged(*id)).collect();
            Ok((leaves, effects))
        });
        let key = Arc::new(key);
        let identity = |(agent, certificate): (AgentId, String)| {
            let tls = client_config(&ca, Some((&certificate, &key)))?;
            Ok(Identity { agent, certificate, key: Arc::clone(&key), tls, note: String::new() })
        };
        write.await?.into_iter().map(identity).collect()
    }

    /// Sends an enrolment and says what came back.
    pub async fn ask_to_enroll(
        &self,
        secret: &[u8],
        csr: &str,
        machine: [u8; 32],
        name: &str,
    ) -> Result<Reply> {
        let machine: String = machine.iter().map(|byte| format!("{byte:02x}")).collect();
        let resource = [("host.name", name), ("tram.asset.kind", "server")];
        let body = EnrollRequest {
            secret: secret_text(secret),
            csr: csr.to_owned(),
            machine,
            resource: resource.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        };
        let tls = client_config(self.running()?.pki.ca_pem(), None)?;
        let mut connection = Connection::open(self.address()?, tls).await?;
        connection.post("/agent/v1/enroll", serde_json::to_vec(&body)?).await
    }

    /// The identity that an enrolment or renewal gave for a key.
    pub fn identity(&self, reply: &Reply, key: KeyPair) -> Result<Identity> {
        let enrolled: Enrolled = reply.read()?;
        let tls = client_config(&enrolled.ca, Some((&enrolled.certificate, &key)))?;
        Ok(Identity {
            agent: AgentId(enrolled.agent.0),
            certificate: enrolled.certificate,
            key: Arc::new(key),
            tls,
            note: enrolled.note,
        })
    }

    /// The identity that was given earlier: an agent's id, its leaf and its key.
    pub fn identity_of(&self, agent: &str, certificate: &str, key: &str) -> Result<Identity> {
        let key = KeyPair::from_pem(key)?;
        let tls = client_config(self.running()?.pki.ca_pem(), Some((certificate, &key)))?;
        let agent = agent.parse().ok().context("an agent's id")?;
        Ok(Identity {
            agent,
            certificate: certificate.to_owned(),
            key: Arc::new(key),
            tls,
            note: String::new(),
        })
    }

    /// A connection with an identity.
    pub async fn connect(&self, identity: &Identity) -> Result<Connection> {
        Connection::open(self.address()?, Arc::clone(&identity.tls)).await
    }

    /// Sends one request on a connection of its own.
    pub async fn ask(&self, identity: &Identity, method: Method, path: &str, body: Vec<u8>) -> Result<Reply> {
        self.connect(identity).await?.send(method, path, &[], body).await
    }

    /// Changes an agent's state as an operator would.
    pub async fn set_state(&self, agent: AgentId, state: AgentState) -> Result<()> {
        let write = self.running()?.commit.write(move |transaction| {
            agent::set_state(transaction, agent, state)?;
            Ok(((), vec![Effect::AgentChanged(agent)]))
        });
        Ok(write.await?)
    }
}
