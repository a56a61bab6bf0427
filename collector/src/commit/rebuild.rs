//! Memory rebuilt at start: the store's rows, the snapshots, and the log's tail on top of them.
//!
//! A host's snapshot says which row of the log changed it last, so that reading the log again applies to each host
//! exactly what it lacks. Open hours of the history are filled from the same rows.

use super::decide::Decider;
use super::record::{self, DamagedRow, Header, Mark};
use super::sample::StagedSample;
use super::stage::{Stage, meet};
use super::writer::{Memory, Settings, Writer, host_of};
use super::{Handback, Handle};
use crate::budgets::Budgets;
use crate::catalogues::Catalogues;
use crate::latest::{Latest, snapshot::DamagedSnapshot};
use crate::model::agent::{AgentId, AgentState};
use crate::model::alert::{Alert, AlertState};
use crate::model::arrival::{Measured, SpoolId};
use crate::model::asset::AssetId;
use crate::model::catalogue::{Attributes, CatalogueId, Column};
use crate::policies::Policies;
use crate::revocations::Revocations;
use crate::series::{Sample, Series, SeriesError};
use crate::store::StoreError;
use crate::store::sqlite::{self, agent, catalogue, component, log, snapshot};
use crate::trust::Trust;
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// How bytes in the store are read: given by the one module that knows the wire.
#[derive(Debug, Clone, Copy)]
pub struct Decoders {
    /// A report's bytes.
    pub report: fn(&[u8]) -> Option<Measured>,
    /// What a catalogue says of its host.
    pub resource: fn(&str) -> Option<Attributes>,
    /// The columns of catalogues.
    pub columns: fn(&str) -> Option<Vec<Column>>,
}

/// Why memory could not be rebuilt. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NoRebuild {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The history could not be opened.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// A row of the log is damaged.
    #[error("log row {id}: {source}")]
    Log {
        /// The row.
        id: i64,
        /// What is wrong.
        source: DamagedRow,
    },
    /// A snapshot is damaged.
    #[error(transparent)]
    Snapshot(#[from] DamagedSnapshot),
    /// The file of revocations could not be read or written.
    #[error("revocations: {0}")]
    Revocations(#[from] std::io::Error),
}

/// A report as the log has it.
#[derive(Debug, Clone, Copy)]
pub struct Logged<'a> {
    /// Whose.
    pub agent: AgentId,
    /// The spool that its number counts in.
    pub spool: SpoolId,
    /// Its number.
    pub seq: u64,
    /// When it was measured, by the collector's clock.
    pub at_ms: i64,
    /// It was current enough to decide on.
    pub live: bool,
    /// Its bytes, as they came.
    pub bytes: &'a [u8],
}

/// Shows every report that the log still has, in the order that they were committed.
pub fn read_log(connection: &Connection, mut show: impl FnMut(Logged<'_>)) -> Result<(), NoRebuild> {
    let mut last = 0;
    while let Some(row) = log::next_after(connection, last)? {
        last = row.id;
        let damaged = |source| NoRebuild::Log { id: row.id, source };
        let unpacked = record::unpack(&row.reports).map_err(damaged)?;
        let entry = |header: &Header, reports: &[(Mark, &[u8])]| {
            for (mark, bytes) in reports {
                let (agent, spool) = (header.agent, header.spool);
                show(Logged { agent, spool, seq: mark.seq, at_ms: mark.at_ms, live: mark.live, bytes });
            }
        };
        record::read(&unpacked, entry).map_err(damaged)?;
    }
    Ok(())
}

impl Writer {
    /// Opens the store below `data_dir` and rebuilds memory from it. `answers` carries each window's answers to
    /// [`super::hand_back`].
    pub fn open(
        data_dir: &Path,
        series_bytes: usize,
        settings: Settings,
        decoders: Decoders,
        handle: Handle,
        answers: mpsc::UnboundedSender<Handback>,
    ) -> Result<(Self, Memory), NoRebuild> {
        let connection = sqlite::open_writer(data_dir)?;
        sqlite::leave_checkpoints(&connection)?;
        let mut revocations = Revocations::read(data_dir)?;
        keep_revocations(&connection, &mut revocations, settings.clock.now_ms())?;
        let catalogues = Catalogues::default();
        load_catalogues(&connection, &catalogues, &settings, decoders)?;
        let log_from = log::first(&connection)?.unwrap_or(0);
        let series = Series::open(&data_dir.join("series"), series_bytes, log_from)?;
        let now_ms = settings.clock.now_ms();
        let mut rebuild = Rebuild {
            latest: load_hosts(&connection, &catalogues)?,
            catalogues: &catalogues,
            series: &series,
            decider: Decider::new(Arc::clone(&settings.rules), settings.interval_ms, now_ms),
            stage: Stage::default(),
            decoders,
            now_ms,
        };
        rebuild.read_log(&connection)?;
        let Rebuild { latest, mut decider, .. } = rebuild;
        adopt_alerts(&connection, &latest, &mut decider)?;
        latest.reached(log::highest(&connection)?);
        let policies = Policies::default();
        policies.refresh(&connection)?;
        let budgets = Budgets::default();
        budgets.refresh(&connection, settings.interval_ms, now_ms)?;
        let memory = Memory {
            policies: Arc::new(policies),
            budgets: Arc::new(budgets),
            latest: Arc::new(latest),
            catalogues: Arc::new(catalogues),
            trust: Arc::new(Trust::default()),
            series: Arc::new(series),
        };
        let writer = Self::new(connection, memory.clone(), settings, decider, revocations, handle, answers);
        Ok((writer, memory))
    }
}

/// What the file says is revoked is revoked in the store, and the other way round.
fn keep_revocations(
    connection: &Connection,
    revocations: &mut Revocations,
    now_ms: i64,
) -> Result<(), NoRebuild> {
    let mut to_revoke = Vec::new();
    agent::each_state(connection, |id, state| {
        match state {
            AgentState::Revoked => revocations.add(id, now_ms)?,
            AgentState::Active | AgentState::Quarantined if revocations.contains(id) => to_revoke.push(id),
            AgentState::Active | AgentState::Quarantined => {}
        }
        Ok::<_, NoRebuild>(())
    })?;
    for id in to_revoke {
        agent::set_state(connection, id, AgentState::Revoked)?;
    }
    Ok(())
}

fn load_catalogues(
    connection: &Connection,
    catalogues: &Catalogues,
    settings: &Settings,
    decoders: Decoders,
) -> Result<(), StoreError> {
    let mut shapes = HashMap::new();
    catalogue::each_shape(connection, |number, columns| match (decoders.columns)(columns) {
        Some(columns) => {
            shapes.insert(number, catalogues.shape(&columns.into(), &settings.rules));
        }
        None => tracing::error!(number, "columns in the store cannot be read"),
    })?;
    let mut known = Vec::new();
    catalogue::each(connection, |id, shape, resource| {
        match shapes.get(&shape).zip((decoders.resource)(resource)) {
            Some((shape, resource)) => known.push(shape.known(id, resource)),
            None => tracing::error!(id = ?id.0, "a catalogue in the store cannot be read"),
        }
    })?;
    catalogues.add(known);
    Ok(())
}

/// The hosts as the store's rows and the snapshots have them.
fn load_hosts(connection: &Connection, catalogues: &Catalogues) -> Result<Latest, NoRebuild> {
    let mut components = component::present(connection)?;
    let mut missing = component::missing(connection)?;
    let latest = Latest::default();
    agent::each(connection, |found| {
        let mut host = host_of(&found);
        host.missing = Arc::new(missing.remove(&host.asset).unwrap_or_default());
        if let Some(set) = components.remove(&host.asset) {
            host.components = Arc::new(set);
        }
        latest.put(&host);
        Ok::<_, NoRebuild>(())
    })?;
    let find = |id: CatalogueId| catalogues.known(id).map(|known| Arc::clone(&known.catalogue));
    snapshot::each::<NoRebuild>(connection, |body| {
        Ok(crate::latest::snapshot::restore(body, find, &latest)?)
    })?;
    Ok(latest)
}

/// Reading the log again.
struct Rebuild<'a> {
    latest: Latest,
    catalogues: &'a Catalogues,
    series: &'a Series,
    decider: Decider,
    stage: Stage,
    decoders: Decoders,
    now_ms: i64,
}

impl Rebuild<'_> {
    fn read_log(&mut self, connection: &Connection) -> Result<(), NoRebuild> {
        let mut last = 0;
        while let Some(row) = log::next_after(connection, last)? {
            last = row.id;
            let damaged = |source| NoRebuild::Log { id: row.id, source };
            let unpacked = record::unpack(&row.reports).map_err(damaged)?;
            self.stage.clear();
            record::read(&unpacked, |header, reports| self.entry(row.id, header, reports))
                .map_err(damaged)?;
            let samples: Vec<Sample<'_>> =
                self.stage.samples.iter().map(|sample| sample.of_log(row.id)).collect();
            self.series.append(&samples, self.now_ms);
        }
        Ok(())
    }

    /// One arrival of a row. A host that its snapshot has beyond this row is left as it is; the history is not.
    fn entry(&mut self, row: i64, header: &Header, reports: &[(Mark, &[u8])]) {
        let Some(mut host) = self.latest.host(header.agent) else { return };
        // Several arrivals of one host may share a row, so a host at this very row is still behind.
        let is_behind = host.log < row || self.stage.hosts.contains_key(&header.agent);
        if is_behind {
            self.stage.hosts.insert(header.agent, host.clone());
            host.log = row;
            meet(&mut host, header);
        }
        for (mark, bytes) in reports {
            let measured = (self.decoders.report)(bytes);
            let known = measured.as_ref().and_then(|measured| self.catalogues.known(measured.catalogue));
            let (Some(measured), Some(known)) = (measured, known) else {
                tracing::error!(row, agent = %header.agent, seq = mark.seq, "a report in the log cannot be read");
                continue;
            };
            if is_behind {
                self.stage.apply(&mut self.decider, &mut host, header, mark, measured, &known);
            } else {
                let Measured { moment, values, aggregate, .. } = measured;
                let gathered = aggregate.as_deref().map(|aggregate| (aggregate, moment.boot_ms));
                let catalogue = Arc::clone(&known.catalogue);
                let sample = StagedSample::new(host.agent, catalogue, mark.at_ms, values.into(), gathered);
                self.stage.samples.push(sample);
            }
        }
        self.latest.put(&host);
    }
}

/// The store knows which alerts fire; what they wait for, and which are pending, is known from the log.
fn adopt_alerts(connection: &Connection, latest: &Latest, decider: &mut Decider) -> Result<(), StoreError> {
    let mut firing: HashMap<AssetId, Vec<Alert>> = HashMap::new();
    for alert in sqlite::alert::firing(connection)? {
        firing.entry(alert.asset).or_default().push(alert);
    }
    // An asset has one agent that may report; without one, the alerts wait with another for its successor.
    let (mut active, mut others) = (Vec::new(), Vec::new());
    latest.each(|agent, kept| {
        if !kept.alerts.is_empty() || firing.contains_key(&kept.asset) {
            let list = if kept.state == AgentState::Active { &mut active } else { &mut others };
            list.push(agent);
        }
    });
    for agent in active.into_iter().chain(others) {
        let Some(mut host) = latest.host(agent) else { continue };
        let mut stored = firing.remove(&host.asset).unwrap_or_default();
        let mut alerts = Vec::new();
        for known in host.alerts.iter() {
            match stored.iter().position(|alert| alert.rule == known.rule && alert.part == known.part) {
                Some(place) => {
                    let figures = known.figures.clone();
                    alerts.push(Alert { watch: known.watch, figures, ..stored.remove(place) });
                }
                None if known.state == AlertState::Pending => alerts.push(known.clone()),
                None => {}
            }
        }
        alerts.append(&mut stored);
        host.alerts = Arc::new(alerts);
        latest.put(&host);
    }
    let orders = sqlite::work_order::open(connection)?;
    decider.load(orders, sqlite::alert::next_id(connection)?, sqlite::work_order::next_id(connection)?);
    Ok(())
}
