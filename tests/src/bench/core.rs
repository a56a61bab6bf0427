//! A collector's core in this process, its clock moved by whoever fills it: admission, the writer, the history and the
//! tasks that close, merge and trim, on a data folder as any other. A day passes in seconds.

use anyhow::{Context as _, anyhow, ensure};
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tram_collector::clock::Clock;
use tram_collector::commit::{self, Handle, Memory, Settings, Writer};
use tram_collector::health::RuleSet;
use tram_collector::ingest::admit;
use tram_collector::model;
use tram_collector::model::agent::AgentId;
use tram_collector::model::arrival::Outcome;
use tram_collector::series::{Keep, OPEN_BYTES, Series};
use tram_collector::store::sqlite::{self, Readers};
use tram_collector::tasks::checkpoint::Checkpoints;
use tram_collector::tasks::snapshot::Snapshots;
use tram_collector::tasks::spare::{self, Spare};
use tram_collector::tasks::{self, retain};
use tram_proto::catalogue::Catalogue;
use tram_proto::id::{self, BootId, CatalogueId, SpoolId};
use tram_proto::report::{BATCH_VERSION, Batch, Framed, Moment, Report};

/// How long a commit window gathers: all reports of one round are asked for at once.
const WINDOW: Duration = Duration::from_micros(200);
/// Boot clock of a host at its first report.
const BOOT_MS: u64 = 1_000_000;

/// One host's values at one moment.
#[derive(Debug, Clone)]
pub struct Row {
    /// The host's number.
    pub host: usize,
    /// When.
    pub time_ms: i64,
    /// Its columns' values.
    pub values: Vec<Option<i64>>,
}

/// A core that runs on a data folder.
pub struct Core {
    data_dir: PathBuf,
    time: Arc<AtomicI64>,
    handle: Handle,
    memory: Memory,
    readers: Readers,
    snapshots: Snapshots,
    checkpoints: Checkpoints,
    writer: Option<JoinHandle<()>>,
    reporters: Vec<Reporter>,
}

/// What a host is to the collector.
#[derive(Debug)]
struct Reporter {
    agent: AgentId,
    catalogue: Catalogue,
    catalogue_id: CatalogueId,
    first_ms: i64,
    seq: u64,
}

impl Core {
    /// Opens a data folder that knows these agents, which report by these catalogues from `now_ms` on.
    pub fn open(
        data_dir: &Path,
        agents: &[AgentId],
        catalogues: Vec<Catalogue>,
        now_ms: i64,
    ) -> anyhow::Result<Self> {
        let (clock, time) = Clock::manual(now_ms);
        let settings =
            Settings { window: WINDOW, interval_ms: 60_000, rules: Arc::new(RuleSet::default()), clock };
        let decoders = admit::DECODERS;
        let (answers, answered) = mpsc::unbounded_channel();
        let handle = Handle::new();
        let (writer, memory) =
            Writer::open(data_dir, OPEN_BYTES, settings, decoders, handle.clone(), answers)?;
        let writer = std::thread::Builder::new().name("writer".to_owned()).spawn(move || writer.run())?;
        #[expect(clippy::disallowed_methods, reason = "it ends with the writer")]
        tokio::spawn(commit::hand_back(answered));
        let reporter = |(agent, catalogue): (&AgentId, Catalogue)| Reporter {
            agent: *agent,
            catalogue_id: catalogue.id(),
            catalogue,
            first_ms: now_ms,
            seq: 0,
        };
        Ok(Self {
            data_dir: data_dir.to_owned(),
            time,
            handle,
            memory,
            readers: Readers::new(data_dir),
            snapshots: Snapshots::default(),
            checkpoints: Checkpoints::open(data_dir)?,
            writer: Some(writer),
            reporters: agents.iter().zip(catalogues).map(reporter).collect(),
        })
    }

    /// Takes a report of each of these rows, as if it came when it was measured, and waits until all are durable.
    pub async fn take(&mut self, rows: Vec<Row>) -> anyhow::Result<()> {
        let Some(now_ms) = rows.iter().map(|row| row.time_ms).max() else { return Ok(()) };
        self.set_time(now_ms);
        let mut waiting = JoinSet::new();
        for row in rows {
            let reporter = self.reporters.get_mut(row.host).context("no such host")?;
            let body = reporter.body(&row)?;
            waiting.spawn(self.post(body, row.time_ms)?);
        }
        while let Some(outcome) = waiting.join_next().await {
            let outcome = outcome??;
            ensure!(!outcome.durable.as_slice().is_empty(), "a report was not taken: {outcome:?}");
        }
        Ok(())
    }

    /// Hands a batch over that arrives at this moment; done once what it says is durable.
    pub fn post(
        &self,
        body: Vec<u8>,
        arrived_ms: i64,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<Outcome>> + Send + 'static> {
        let is_known = |id| self.memory.catalogues.known(id).is_some();
        let decoded = admit::arrival(body, arrived_ms, is_known)?;
        let handle = self.handle.clone();
        Ok(async move { handle.report(decoded.arrival, None).await.map_err(|error| anyhow!("{error}")) })
    }

    /// The history.
    pub fn series(&self) -> &Series {
        &self.memory.series
    }

    /// Whether reports by this catalogue can be read.
    pub fn knows(&self, catalogue: &Catalogue) -> bool {
        self.memory.catalogues.known(model::catalogue::CatalogueId(catalogue.id().0)).is_some()
    }

    /// Moves the clock.
    pub fn set_time(&self, now_ms: i64) {
        self.time.store(now_ms, Ordering::Relaxed);
    }

    /// Closes what is due.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.checkpoints.round()?;
        Ok(tasks::settle(&self.memory, self.time.load(Ordering::Relaxed))?)
    }

    /// Takes snapshots of all state.
    pub async fn snapshot(&mut self) -> anyhow::Result<()> {
        Ok(self.snapshots.all(&self.memory, &self.handle).await?)
    }

    /// Takes snapshots of all state, and lets go of the log what these and the history have taken over.
    pub async fn trim(&mut self) -> anyhow::Result<()> {
        self.snapshot().await?;
        self.checkpoints.round()?;
        retain::trim_log(&self.memory, &self.readers, &self.handle, &self.data_dir).await?;
        Ok(())
    }

    /// Gives back what of the store's file is free, as after some hours in which nothing needs it.
    pub async fn give_back(&self) -> anyhow::Result<()> {
        let mut spare = Spare::default();
        for _ in 0..spare::ROUNDS {
            spare.round(&self.readers, &self.handle).await?;
        }
        Ok(())
    }

    /// Merges and rolls up everything that there is to merge, and puts the write-ahead log away.
    pub fn compact(&self, keep: &Keep) -> anyhow::Result<()> {
        while retain::compact(&self.memory, &self.readers, keep, self.time.load(Ordering::Relaxed))? {}
        let store = sqlite::open_beside(&self.data_dir)?;
        Ok(store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// Deletes days past their time.
    pub fn retain(&self, keep: &Keep) -> anyhow::Result<()> {
        Ok(retain::drop_days(&self.memory, keep, self.time.load(Ordering::Relaxed))?)
    }

    /// Ends it with everything on disk.
    pub fn close(mut self) -> anyhow::Result<()> {
        self.handle.close();
        let ended = self.writer.take().map(JoinHandle::join);
        ensure!(!matches!(ended, Some(Err(_))), "the writer has failed");
        Ok(())
    }
}

impl Reporter {
    fn body(&mut self, row: &Row) -> anyhow::Result<Vec<u8>> {
        self.seq += 1;
        let boot = BootId([1; 8]);
        let boot_ms = BOOT_MS + u64::try_from(row.time_ms - self.first_ms).unwrap_or(0);
        let report = Report {
            boot,
            boot_ms,
            wall_ms: row.time_ms,
            catalogue: self.catalogue_id,
            values: row.values.clone(),
            set: tram_proto::component::digest(&[]),
            components: (self.seq == 1).then(Vec::new),
            end: None,
            aggregate: None,
        };
        let sent = Moment { boot, boot_ms, wall_ms: row.time_ms };
        let catalogues = if self.seq == 1 { vec![self.catalogue.clone()] } else { Vec::new() };
        batch(self.agent, sent, catalogues, &[(self.seq, report)])
    }
}

/// An agent's batch, sent at a moment.
pub fn batch(
    agent: AgentId,
    sent: Moment,
    catalogues: Vec<Catalogue>,
    reports: &[(u64, Report)],
) -> anyhow::Result<Vec<u8>> {
    let raw = |(seq, report): &(u64, Report)| {
        Ok((*seq, RawValue::from_string(String::from_utf8(report.encode())?)?))
    };
    let raw = reports.iter().map(raw).collect::<anyhow::Result<Vec<_>>>()?;
    let batch = Batch {
        v: BATCH_VERSION,
        agent: id::AgentId(agent.0),
        spool: SpoolId([2; 8]),
        floor: 1,
        sent,
        anchors: Vec::new(),
        catalogues,
        figures: None,
        shut: false,
        gone: Vec::new(),
        reports: raw.iter().map(|(seq, raw)| Framed(*seq, raw)).collect(),
    };
    Ok(batch.encode())
}
