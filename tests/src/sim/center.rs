//! The collector's core without its door: admission, deciding and the store, on the caller's thread. It dies before,
//! during and after a commit, and is set back to an older backup.

use super::truth::{Gathered, Stored};
use crate::files::copy;
use anyhow::{Context as _, Result, anyhow};
use rusqlite::params;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tram_collector::clock::Clock;
use tram_collector::commit::{Handle, Memory, Settings, Writer, read_log};
use tram_collector::health::RuleSet;
use tram_collector::ingest::admit;
use tram_collector::latest::Host;
use tram_collector::model::agency::SiteId;
use tram_collector::model::agent::AgentId;
use tram_collector::store::sqlite;
use tram_proto::ack::Ack;
use tram_proto::report::Report;

/// Memory for open hours: more than any run needs.
const SERIES_BYTES: usize = 64 << 20;

/// What a batch met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken.
    Taken,
    /// The collector dies before anything is on disk.
    DiesBefore,
    /// The collector dies with everything on disk and no word said.
    DiesAfter,
}

/// What an aggregate says of the measurements that it stands for.
fn gathered(report: &Report) -> Option<Gathered> {
    let sent = report.aggregate.as_deref()?;
    let column = sent.gathered(0, report.values.first().copied().flatten())?;
    Some(Gathered { least: column.min as u64, most: column.max as u64, sum: column.sum as u64 })
}

/// The collector.
pub(super) struct Center {
    root: PathBuf,
    clock: Clock,
    time: Arc<AtomicI64>,
    running: Option<(Writer, Memory)>,
    agents: Vec<AgentId>,
}

impl Center {
    /// A new store below `root` that knows these agents, all of one site with this budget for history, running.
    pub(super) fn new(root: &Path, agents: &[AgentId], now_ms: i64, budget: Option<u32>) -> Result<Self> {
        let (clock, time) = Clock::manual(now_ms);
        let mut center = Self { root: root.to_owned(), clock, time, running: None, agents: agents.to_vec() };
        std::fs::create_dir_all(center.data())?;
        let mut connection = sqlite::open_writer(&center.data())?;
        let rows = connection.transaction()?;
        rows.execute("INSERT INTO agency (id, name, kind) VALUES (1, 'Tỉnh', 'province')", [])?;
        rows.execute(
            "INSERT INTO site (id, agency, name, history_bytes_per_minute) VALUES (1, 1, 'Trung tâm', ?1)",
            [budget],
        )?;
        for agent in agents {
            rows.execute(
                "INSERT INTO asset (site, name, kind, always_on) VALUES (1, ?1, 'server', 1)",
                [agent.to_string()],
            )?;
            rows.execute(
                "INSERT INTO agent (id, asset, state, machine, enrolled_ms) VALUES (?1, ?2, 'active', ?3, ?4)",
                params![agent.0, rows.last_insert_rowid(), [agent.0, agent.0].concat(), now_ms],
            )?;
        }
        rows.commit()?;
        drop(connection);
        center.start()?;
        Ok(center)
    }

    fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The simulation's time.
    pub(super) fn set_time(&self, now_ms: i64) {
        self.time.store(now_ms, Ordering::Relaxed);
    }

    /// Whether it runs.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts it on what is on the disk.
    pub(super) fn start(&mut self) -> Result<()> {
        let settings = Settings {
            window: Duration::ZERO,
            interval_ms: 60_000,
            rules: Arc::new(RuleSet::default()),
            clock: self.clock.clone(),
        };
        let decoders = admit::DECODERS;
        let (answers, _) = mpsc::unbounded_channel();
        let opened = Writer::open(&self.data(), SERIES_BYTES, settings, decoders, Handle::new(), answers)?;
        self.running = Some(opened);
        Ok(())
    }

    /// Ends it where it stands.
    pub(super) fn die(&mut self) {
        self.running = None;
    }

    /// Copies the store as a backup, between two commits.
    pub(super) fn back_up(&mut self) -> Result<()> {
        let was_running = self.is_running();
        self.die();
        copy(&self.data(), &self.root.join("backup"))?;
        if was_running { self.start() } else { Ok(()) }
    }

    /// Sets the store back to the last backup; false when there is none.
    pub(super) fn restore(&mut self) -> Result<bool> {
        let backup = self.root.join("backup");
        if !backup.exists() {
            return Ok(false);
        }
        self.die();
        copy(&backup, &self.data())?;
        self.start()?;
        Ok(true)
    }

    /// Takes a body; none when the collector says nothing.
    pub(super) fn take(&mut self, body: Vec<u8>, fate: Fate) -> Result<Option<Ack>> {
        let Some((writer, memory)) = &mut self.running else { return Ok(None) };
        if fate == Fate::DiesBefore {
            self.die();
            return Ok(None);
        }
        let now_ms = self.clock.now_ms();
        let is_known = |id| memory.catalogues.known(id).is_some();
        let decoded = admit::arrival(body, now_ms, is_known)?;
        let ask = admit::ask(&decoded, true);
        let outcomes = writer.settle(vec![decoded.arrival]);
        let outcome = outcomes.into_iter().next().context("no outcome")?.map_err(|error| anyhow!(error))?;
        if fate == Fate::DiesAfter {
            self.die();
            return Ok(None);
        }
        let share = memory.budgets.lend(SiteId(1), ask, now_ms);
        Ok(Some(admit::ack(outcome, now_ms, 0, None, share)))
    }

    /// What is current of a machine.
    pub(super) fn host(&self, machine: usize) -> Option<Host> {
        let (_, memory) = self.running.as_ref()?;
        memory.latest.host(*self.agents.get(machine)?)
    }

    /// Every report in the log, with the measurement that it carries.
    pub(super) fn stored(&self) -> Result<Vec<Stored>> {
        let connection = sqlite::open_writer(&self.data())?;
        let mut stored = Vec::new();
        let mut broken = None;
        read_log(&connection, |logged| {
            let machine = self.agents.iter().position(|agent| *agent == logged.agent);
            match (machine, Report::decode(logged.bytes)) {
                (Some(machine), Ok(report)) => stored.push(Stored {
                    machine,
                    first: report
                        .aggregate
                        .as_deref()
                        .and_then(|sent| sent.first(logged.seq))
                        .unwrap_or(logged.seq),
                    gathered: gathered(&report),
                    spool: tram_proto::id::SpoolId(logged.spool.0),
                    seq: logged.seq,
                    nonce: report.values.first().copied().flatten().unwrap_or_default() as u64,
                    boot: report.boot,
                    placed_ms: logged.at_ms,
                }),
                (None, _) => broken = Some("a report of an agent that nobody knows".to_owned()),
                (_, Err(error)) => broken = Some(error.to_string()),
            }
        })?;
        broken.map_or(Ok(stored), |why| Err(anyhow!("the log: {why}")))
    }
}
