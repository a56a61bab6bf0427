//! The writer: the one connection that changes the store, and what follows from its commits.

use super::decide::Decider;
use super::stage::{Row, Stage, Surroundings};
use super::{CommitError, Handback, Handle, Reply, Work};
use crate::budgets::Budgets;
use crate::catalogues::Catalogues;
use crate::health::RuleSet;
use crate::latest::{Effect, Host, Kept, Latest};
use crate::model::agent::{AgentId, AgentState};
use crate::model::arrival::Outcome;
use crate::model::asset::AssetId;
use crate::policies::Policies;
use crate::revocations::Revocations;
use crate::series::{Sample, Series};
use crate::store::StoreError;
use crate::store::sqlite::agent::AgentOnAsset;
use crate::store::sqlite::{agent, catalogue, certificate, component, log, part_change};
use crate::trust::{Record, Trust};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;

/// What the writer keeps in step with the store, and everyone else reads.
#[derive(Debug, Clone)]
pub struct Memory {
    /// The hosts.
    pub latest: Arc<Latest>,
    /// The catalogues.
    pub catalogues: Arc<Catalogues>,
    /// The certificates in use.
    pub trust: Arc<Trust>,
    /// The history of samples.
    pub series: Arc<Series>,
    /// Whether policies changed.
    pub policies: Arc<Policies>,
    /// The sites' budgets for history.
    pub budgets: Arc<Budgets>,
}

/// How the writer works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a window gathers.
    pub window: Duration,
    /// How often agents are asked to send, milliseconds.
    pub interval_ms: i64,
    /// The rules in force.
    pub rules: Arc<RuleSet>,
    /// The collector's clock.
    pub clock: crate::clock::Clock,
}

/// The one connection that changes the store.
pub struct Writer {
    pub(super) connection: Connection,
    pub(super) memory: Memory,
    pub(super) settings: Settings,
    pub(super) decider: Decider,
    pub(super) stage: Stage,
    revocations: Revocations,
    handle: Handle,
    answers: mpsc::UnboundedSender<Handback>,
    is_poisoned: bool,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("is_poisoned", &self.is_poisoned).finish_non_exhaustive()
    }
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        memory: Memory,
        settings: Settings,
        decider: Decider,
        revocations: Revocations,
        handle: Handle,
        answers: mpsc::UnboundedSender<Handback>,
    ) -> Self {
        let stage = Stage::default();
        Self {
            connection,
            memory,
            settings,
            decider,
            stage,
            revocations,
            handle,
            answers,
            is_poisoned: false,
        }
    }

    #[cfg(test)]
    pub(super) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Works until the handle is closed and everything that waited is done. Blocks: runs on a thread of its own.
    pub fn run(mut self) {
        let handle = self.handle.clone();
        while let Some(work) = handle.gather(self.settings.window) {
            let mut arrivals = Vec::with_capacity(work.len());
            let mut tick = None;
            for work in work {
                match work {
                    Work::Report(arrival, reply) => arrivals.push((arrival, reply)),
                    Work::Write(change) => change(&mut self),
                    Work::Tick(now_ms) => tick = Some(now_ms),
                }
            }
            if !arrivals.is_empty() || tick.is_some() {
                let handback = self.window(arrivals, tick);
                // Nobody to hand back to means that the process is ending.
                drop(self.answers.send(handback));
            }
        }
    }

    /// Makes one window of these arrivals here and now, and says what became of each: for simulations, where one thread
    /// is everything.
    pub fn settle(
        &mut self,
        arrivals: Vec<crate::model::arrival::Arrival>,
    ) -> Vec<Result<Outcome, CommitError>> {
        let arrivals = arrivals.into_iter().map(|arrival| (Box::new(arrival), Reply::nobody())).collect();
        self.window(arrivals, None).into_iter().map(|(_, answer)| answer).collect()
    }

    /// Makes, writes and publishes one window, and says what to answer whom.
    pub(super) fn window(
        &mut self,
        arrivals: Vec<(Box<crate::model::arrival::Arrival>, Reply)>,
        tick: Option<i64>,
    ) -> Handback {
        let start = crate::clock::monotonic();
        let refused = if self.memory.series.is_full() { Some(CommitError::Full) } else { None };
        let mut stage = std::mem::take(&mut self.stage);
        stage.clear();
        let mut handback: Handback = Vec::with_capacity(arrivals.len());
        let mut around = Surroundings {
            latest: &self.memory.latest,
            catalogues: &self.memory.catalogues,
            decider: &mut self.decider,
        };
        for (arrival, reply) in arrivals {
            let answer = match &refused {
                Some(error) => Err(error.clone()),
                None => stage.take(&mut around, *arrival).ok_or(CommitError::UnknownAgent),
            };
            handback.push((reply, answer));
        }
        if let Some(now_ms) = tick {
            stage.look_around(&mut around, now_ms);
        }
        let written = self.commit(&mut stage);
        self.stage = stage;
        if let Err(error) = written {
            let why: Arc<str> = error.to_string().into();
            tracing::error!(error = %why, arrivals = handback.len(), "window not written");
            for (_, answer) in &mut handback {
                *answer = Err(CommitError::Failed(Arc::clone(&why)));
            }
        }
        self.count(&handback, start.elapsed());
        handback
    }

    fn count(&self, handback: &Handback, took: Duration) {
        let refused = handback.iter().filter_map(|(_, answer)| answer.as_ref().ok());
        let refused: usize = refused.map(|outcome| outcome.refused.len()).sum();
        let figures = self.handle.figures();
        figures.refused.fetch_add(refused as u64, Ordering::Relaxed);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        figures.window_us.fetch_add(took_us, Ordering::Relaxed);
    }

    fn commit(&mut self, stage: &mut Stage) -> Result<(), StoreError> {
        // A window without a row proves nothing of the disk.
        let committed = if stage.is_empty() {
            Ok(None)
        } else {
            let written = self.write_window(stage);
            self.note_disk(written.as_ref().err());
            written
        };
        match committed {
            Ok(log) => {
                self.publish(stage, log);
                Ok(())
            }
            Err(error) => {
                self.handle.figures().windows_failed.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Notes whether the disk could be written, as `/readyz` says it, and whether it may be trusted any more.
    fn note_disk(&mut self, error: Option<&StoreError>) {
        let figures = self.handle.figures();
        figures.disk_full.store(error.is_some_and(StoreError::is_disk_full), Ordering::Relaxed);
        figures.failing.store(error.is_some(), Ordering::Relaxed);
        self.is_poisoned |= error.is_some_and(is_sync_failure);
    }

    /// Writes the window in one transaction; returns the log's row, if it has one.
    fn write_window(&mut self, stage: &mut Stage) -> Result<Option<i64>, StoreError> {
        if self.is_poisoned {
            return Err(StoreError::Conflict(
                "an earlier sync failed, so what is on disk is not known: restart the collector".to_owned(),
            ));
        }
        let now_ms = self.settings.clock.now_ms();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (id, (_, canonical)) in &stage.catalogues {
            catalogue::add(&transaction, *id, canonical, now_ms)?;
        }
        for row in &stage.rows {
            write_row(&transaction, row)?;
        }
        stage.decided.write(&transaction)?;
        let log = if stage.packer.is_empty() {
            None
        } else {
            let packed = stage
                .packer
                .finish()
                .map_err(|error| StoreError::Conflict(format!("packing a window: {error}")))?;
            let bytes = u64::try_from(packed.len()).unwrap_or(u64::MAX);
            self.handle.figures().log_bytes.fetch_add(bytes, Ordering::Relaxed);
            Some(log::add(&transaction, now_ms, &packed)?)
        };
        transaction.commit()?;
        self.handle.figures().windows.fetch_add(1, Ordering::Relaxed);
        Ok(log)
    }

    /// The window is on disk: everyone may see it.
    fn publish(&mut self, stage: &mut Stage, log: Option<i64>) {
        self.memory.catalogues.add(stage.catalogues.drain().map(|(_, (known, _))| known));
        if let Some(log) = log {
            let samples: Vec<Sample<'_>> = stage.samples.iter().map(|sample| sample.of_log(log)).collect();
            self.memory.series.append(&samples, self.settings.clock.now_ms());
            let count = u64::try_from(samples.len()).unwrap_or(u64::MAX);
            self.handle.figures().reports.fetch_add(count, Ordering::Relaxed);
        }
        self.decider.confirm(&mut stage.decided);
        for (_, mut host) in stage.hosts.drain() {
            host.log = log.unwrap_or(host.log);
            self.memory.latest.put(&host);
        }
        if let Some(log) = log {
            self.memory.latest.reached(log);
        }
    }

    /// Runs a change in a transaction of its own.
    pub(super) fn write<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> Result<(T, Vec<Effect>), StoreError>,
    ) -> Result<T, StoreError> {
        if self.is_poisoned {
            return Err(StoreError::Conflict("an earlier sync failed: restart the collector".to_owned()));
        }
        let before = self.connection.total_changes();
        let written = transact(&mut self.connection, change);
        match &written {
            Ok(_) if self.connection.total_changes() != before => self.note_disk(None),
            Err(error) if is_disk_failure(error) => {
                tracing::error!(%error, "change not written");
                self.note_disk(Some(error));
            }
            Ok(_) | Err(_) => {}
        }
        let (result, effects) = written?;
        for effect in effects {
            self.take_effect(effect)?;
        }
        Ok(result)
    }

    /// The record of a certificate, from now on in step with the store; none when that does not know it.
    pub fn hold(&self, sha256: [u8; 32]) -> Result<Option<Arc<Record>>, StoreError> {
        let found = certificate::one(&self.connection, sha256)?;
        Ok(found.map(|found| self.memory.trust.hold(&found)))
    }

    fn take_effect(&mut self, effect: Effect) -> Result<(), StoreError> {
        match effect {
            Effect::AssetChanged(asset) => {
                self.change_host(asset.id, |host| {
                    (host.site, host.kind, host.always_on) = (asset.site, asset.kind, asset.always_on);
                });
            }
            Effect::AgentChanged(agent) => self.read_agent(agent)?,
            Effect::AlertAcknowledged { asset, alert, acknowledgement } => {
                self.change_host(asset, |host| {
                    let mut alerts = Arc::make_mut(&mut host.alerts).iter_mut();
                    if let Some(alert) = alerts.find(|known| known.id == Some(alert)) {
                        alert.acknowledged = Some(acknowledgement);
                    }
                });
            }
            Effect::WorkOrderChanged(order) => self.decider.changed(order),
            Effect::PolicyChanged => self.memory.policies.refresh(&self.connection)?,
            Effect::SiteChanged => self.refresh_budgets()?,
            Effect::Reload => self.reload()?,
        }
        Ok(())
    }

    fn change_host(&self, asset: AssetId, change: impl FnOnce(&mut Host)) {
        if let Some(mut host) = self.memory.latest.by_asset(asset) {
            change(&mut host);
            self.memory.latest.put(&host);
        }
    }

    /// Reads one agent and its certificates again.
    fn read_agent(&mut self, id: AgentId) -> Result<(), StoreError> {
        let Some(found) = agent::one(&self.connection, id)? else { return Ok(()) };
        self.memory.trust.take(&certificate::of_agent(&self.connection, id)?);
        self.take_agent(&found)
    }

    fn take_agent(&mut self, found: &AgentOnAsset) -> Result<(), StoreError> {
        if found.agent.state == AgentState::Revoked {
            let written = self.revocations.add(found.agent.id, self.settings.clock.now_ms());
            if let Err(error) = written {
                tracing::error!(%error, agent = %found.agent.id, "revocation not added to its file");
            }
        }
        let agent = found.agent.id;
        if self.memory.latest.look(agent, |kept| is_as_found(kept, found)) == Some(true) {
            return Ok(());
        }
        let known = self.memory.latest.host(agent);
        let was_active = known.as_ref().is_some_and(|host| host.state == AgentState::Active);
        let mut next = known.unwrap_or_else(|| host_of(found));
        next.asset = found.agent.asset;
        (next.site, next.kind, next.always_on) = (found.site, found.kind, found.always_on);
        (next.state, next.clone_seen_ms) = (found.agent.state, found.agent.clone_seen_ms);
        if next.state == AgentState::Active && !was_active {
            self.take_over_alerts(&mut next)?;
        }
        self.memory.latest.put(&next);
        Ok(())
    }

    /// An agent that takes the place of another on its asset goes on with that one's alerts: an asset has each once.
    fn take_over_alerts(&self, next: &mut Host) -> Result<(), StoreError> {
        let others = agent::of_asset(&self.connection, next.asset)?;
        for other in others.into_iter().filter(|other| *other != next.agent) {
            let Some(mut before) = self.memory.latest.host(other) else { continue };
            if before.asset == next.asset && !before.alerts.is_empty() {
                next.alerts = std::mem::take(&mut before.alerts);
                self.memory.latest.put(&before);
                break;
            }
        }
        Ok(())
    }

    fn refresh_budgets(&self) -> Result<(), StoreError> {
        let Settings { interval_ms, clock, .. } = &self.settings;
        self.memory.budgets.refresh(&self.connection, *interval_ms, clock.now_ms())
    }

    /// Reads again what another process may have changed.
    fn reload(&mut self) -> Result<(), StoreError> {
        self.memory.policies.refresh(&self.connection)?;
        self.refresh_budgets()?;
        for held in self.memory.trust.held() {
            self.memory.trust.take(certificate::one(&self.connection, held)?.as_slice());
        }
        let mut changed = Vec::new();
        agent::each(&self.connection, |found| {
            if self.memory.latest.look(found.agent.id, |kept| is_as_found(kept, &found)) != Some(true) {
                changed.push(found);
            }
            Ok::<_, StoreError>(())
        })?;
        changed.iter().try_for_each(|found| self.take_agent(found))
    }
}

/// Whether the store says nothing else of an agent and its asset than what is in memory.
fn is_as_found(kept: &Kept, found: &AgentOnAsset) -> bool {
    let AgentOnAsset { agent, site, kind, always_on, .. } = found;
    (kept.asset, kept.site, kept.kind, kept.always_on) == (agent.asset, *site, *kind, *always_on)
        && (kept.state, kept.is_cloned) == (agent.state, agent.clone_seen_ms.is_some())
}

/// The host of an agent that has not reported yet.
pub(super) fn host_of(found: &AgentOnAsset) -> Host {
    let mut host =
        Host::new(found.agent.id, found.agent.asset, found.kind, found.always_on, found.agent.state);
    host.site = found.site;
    host.clone_seen_ms = found.agent.clone_seen_ms;
    host
}

fn write_row(transaction: &Transaction<'_>, row: &Row) -> Result<(), StoreError> {
    match row {
        Row::Components { asset, set, changes, missing, at_ms } => {
            component::replace_set(transaction, *asset, set, *at_ms)?;
            component::put_missing(transaction, *asset, missing)?;
            part_change::add(transaction, *asset, changes, *at_ms)
        }
        Row::Clone { agent, seen_ms } => agent::flag_clone(transaction, *agent, *seen_ms),
        Row::Version { agent, known } => match known.agent_version() {
            Some(version) => agent::set_version(transaction, *agent, version),
            None => Ok(()),
        },
    }
}

fn transact<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = change(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

/// Whether the disk is at fault, not what was asked for.
fn is_disk_failure(error: &StoreError) -> bool {
    let StoreError::Database(rusqlite::Error::SqliteFailure(error, _)) = error else { return false };
    matches!(
        error.code,
        ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen
    )
}

/// After a sync that failed, the kernel may drop what it could not write and say so only once: nothing that is
/// written to the file afterwards can be promised.
fn is_sync_failure(error: &StoreError) -> bool {
    let StoreError::Database(rusqlite::Error::SqliteFailure(error, _)) = error else { return false };
    [rusqlite::ffi::SQLITE_IOERR_FSYNC, rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC].contains(&error.extended_code)
}
