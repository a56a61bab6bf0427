//! The composition root: builds everything from the configuration, spawns it, and takes it down in order.
//!
//! Knows everything and decides nothing. The only place that spawns.

mod accept;
mod background;
mod folder;
mod trouble;

pub(crate) use folder::{close_to_others, own_data_dir};
pub use trouble::StartError;

use crate::api;
use crate::api::install::{Installer, lacking};
use crate::api::metrics::AgentFigures;
use crate::clock::Clock;
use crate::commit::{Handle, Memory, Settings, Writer, hand_back};
use crate::config::Config;
use crate::health::RuleSet;
use crate::ingest::{self, Ingest, admit};
use crate::pki::{self, Pki};
use crate::room::Room;
use crate::rules;
use crate::store::sqlite::Readers;
use crate::tasks::Changes;
use crate::web;
use anyhow::{Result, anyhow};
use rustix::process::Resource;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How long open connections may take to finish what they are at when the collector stops.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections that the system keeps until it is their turn: all agents of a province that come back at once.
const BACKLOG: u32 = 4_096;
/// How often the writer is looked after.
const WRITER_WATCH: Duration = Duration::from_secs(1);

/// A collector that runs.
#[derive(Debug)]
pub struct Running {
    /// Where agents connect.
    pub agents: SocketAddr,
    /// Where people and programs connect.
    pub operators: SocketAddr,
    /// The state in memory.
    pub memory: Memory,
    /// The way into the store.
    pub commit: Handle,
    /// The ways out of it.
    pub readers: Arc<Readers>,
    /// The authority.
    pub pki: Arc<Pki>,
    /// The agents' door.
    pub ingest: Arc<Ingest>,
    stop: watch::Sender<bool>,
    connections: JoinSet<()>,
    tasks: JoinSet<()>,
    writer: std::thread::JoinHandle<()>,
    compactor: Option<std::thread::JoinHandle<()>>,
    _lock: fs::File,
}

/// Starts a collector: listens first, so that what cannot work fails at once, then rebuilds memory, then accepts.
#[expect(clippy::unused_async, reason = "it spawns, so it may only be called where a runtime is")]
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    let lock = own_data_dir(&config.data_dir)?;
    raise_open_files();
    let agents = bind(config.listen.agents, "listen.agents")?;
    let operators = bind(config.listen.operators, "listen.operators")?;
    let rules = Arc::new(load_rules(config.rules_file.as_deref())?);
    let pki = Arc::new(Pki::open(&config.data_dir, &config.public.names, clock.now_ms())?);
    let agents_tls = TlsAcceptor::from(Arc::new(pki::tls::agents(&pki)?));
    let operators_tls =
        TlsAcceptor::from(Arc::new(pki::tls::operators(&pki, config.listen.certificate.as_ref())?));

    let commit = Handle::new();
    let (answers, handed_back) = mpsc::unbounded_channel();
    let settings = Settings {
        window: config.window,
        interval_ms: config.agents.send_interval_ms(),
        rules: Arc::clone(&rules),
        clock: clock.clone(),
    };
    let decoders = admit::DECODERS;
    let readers = Arc::new(Readers::new(&config.data_dir));
    let (writer, memory) = Writer::open(
        &config.data_dir,
        config.series_memory_bytes,
        settings,
        decoders,
        commit.clone(),
        answers,
    )?;
    let changes = Changes::up_to_now(&readers)?;
    let writer = std::thread::Builder::new().name("writer".to_owned()).spawn(move || writer.run())?;
    tracing::info!(hosts = memory.latest.count(), catalogues = memory.catalogues.count(), "memory rebuilt");

    let (stop, stopping) = watch::channel(false);
    let ingest = Arc::new(Ingest::new(
        Arc::clone(&pki),
        (memory.clone(), commit.clone()),
        Arc::clone(&readers),
        clock.clone(),
        (&config.agents, Room::new(config.work_memory_bytes)),
    ));
    let mut running = Running {
        agents: agents.local_addr()?,
        operators: operators.local_addr()?,
        memory,
        commit,
        readers,
        pki,
        ingest,
        stop,
        connections: JoinSet::new(),
        tasks: JoinSet::new(),
        writer,
        compactor: None,
        _lock: lock,
    };
    running.tasks.spawn(hand_back(handed_back));
    background::spawn(&mut running, &config, &clock, changes, &stopping)?;
    let router = operators_side(&running, &config, clock)?;
    let doors = ((agents, agents_tls), (operators, operators_tls));
    accept::spawn(&mut running, config.listen.connections_max, doors.0, doors.1, router, &stopping);
    tracing::info!(agents = %running.agents, operators = %running.operators, "listening");
    Ok(running)
}

/// Everything that operators' browsers and programs see.
fn operators_side(running: &Running, config: &Config, clock: Clock) -> Result<axum::Router, StartError> {
    let mut public = config.public.clone();
    // A port of 0 is one that the system chose.
    for (port, bound) in
        [(&mut public.agents_port, running.agents), (&mut public.operators_port, running.operators)]
    {
        *port = if *port == 0 { bound.port() } else { *port };
    }
    let pki = &running.pki;
    if let Some(why) = config.install_dir.as_deref().and_then(lacking) {
        tracing::warn!("no agents are served: {}", why.en);
    }
    let installer = Installer::new(config.install_dir.as_deref(), &public, pki.ca_pem(), pki.ca_sha256());
    let ingest = Arc::clone(&running.ingest);
    let state = api::state::State::new(api::state::Parts {
        readers: Arc::clone(&running.readers),
        commit: running.commit.clone(),
        latest: Arc::clone(&running.memory.latest),
        series: Arc::clone(&running.memory.series),
        clock,
        installer,
        origins: public.origins(),
        agent_figures: Box::new(move || agent_figures(&ingest)),
    })?;
    let router = api::router(Arc::new(state)).merge(web::router());
    Ok(router.layer(axum::middleware::from_fn(api::headers::secure)))
}

fn agent_figures(ingest: &Ingest) -> AgentFigures {
    let (figures, room) = (&ingest.figures, ingest.room());
    AgentFigures {
        acknowledged: figures.acknowledged.load(Relaxed),
        refused: figures.refused.load(Relaxed),
        busy: figures.busy.load(Relaxed),
        too_much: figures.too_much.load(Relaxed),
        connections: figures.connections.load(Relaxed) as u64,
        turned_away: figures.turned_away.load(Relaxed),
        replaced: figures.replaced.load(Relaxed),
        handshakes: (ingest::HANDSHAKES_MAX - ingest.handshakes().available_permits()) as u64,
        handshakes_failed: figures.handshakes_failed.load(Relaxed),
        in_hand: room.requests() as u64,
        in_hand_bytes: room.bytes() as u64,
    }
}

/// Lets the process have as many open files as the system allows: each connection is one.
fn raise_open_files() {
    let mut limit = rustix::process::getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the bound of open files could not be raised");
    }
}

impl Running {
    /// Returns when the writer has ended by itself, which it never should: nothing can be kept then.
    pub async fn writer_ended(&self) {
        while !self.writer.is_finished() {
            tokio::time::sleep(WRITER_WATCH).await;
        }
    }

    /// Stops in order: accept no more, let connections finish within a deadline, write what waits, snapshot, end.
    pub async fn stop(mut self) -> Result<()> {
        tracing::info!("stopping");
        self.stop.send_replace(true);
        let drained =
            tokio::time::timeout(DRAIN, async { while self.connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!(left = self.connections.len(), "connections cut at the deadline");
            self.connections.shutdown().await;
        }
        let mut snapshots = crate::tasks::snapshot::Snapshots::default();
        if let Err(error) = snapshots.all(&self.memory, &self.commit).await {
            // Nothing is lost: the log has what the snapshots lack.
            tracing::error!(%error, "no snapshot at the end, the next start reads more of the log");
        }
        self.commit.close();
        let writer = self.writer;
        tokio::task::spawn_blocking(move || writer.join())
            .await?
            .map_err(|_| anyhow!("the writer panicked"))?;
        self.tasks.shutdown().await;
        ended(self.compactor).await;
        tracing::info!("stopped");
        Ok(())
    }

    /// Stops at once and writes nothing more, as a power cut would. For tests.
    pub async fn abandon(mut self) {
        self.connections.shutdown().await;
        self.tasks.shutdown().await;
        self.commit.close();
        ended(Some(self.writer)).await;
        ended(self.compactor).await;
    }
}

/// Waits for a thread that has been told to end.
async fn ended(thread: Option<std::thread::JoinHandle<()>>) {
    if let Some(thread) = thread {
        drop(tokio::task::spawn_blocking(move || thread.join()).await);
    }
}

fn bind(address: SocketAddr, key: &'static str) -> Result<TcpListener, StartError> {
    let failed = |why| StartError::Listen { address, key, why };
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(failed)?;
    // As the listeners of the standard library: a port is free again at once after a restart.
    socket.set_reuseaddr(true).map_err(failed)?;
    socket.bind(address).map_err(failed)?;
    socket.listen(BACKLOG).map_err(failed)
}

/// The rules in force: the built-in ones with what the rules file overrides.
pub fn load_rules(file: Option<&Path>) -> Result<RuleSet, StartError> {
    let Some(file) = file else { return Ok(RuleSet::default()) };
    let text =
        fs::read_to_string(file).map_err(|why| StartError::RulesFile { path: file.to_owned(), why })?;
    rules::parse(&text).map_err(|mistake| StartError::Rules { path: file.to_owned(), mistake })
}
