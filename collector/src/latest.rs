//! The state in memory: what each host last said, what is seen of its spools, its pending and firing alerts.
//!
//! Owns the map from agents to hosts. A host is never changed in place: the writer makes the next one and swaps it in
//! once its window is on disk, so a reader has a whole host, as of one commit. At rest hosts are packed: one is unpacked
//! for who asks for it, and what is asked of all of them is read as it lies.

mod kept;
pub mod snapshot;

use crate::admission::Spool;
pub use crate::health::Presence;
use crate::model::agency::SiteId;
use crate::model::agent::{AgentId, AgentState};
use crate::model::alert::{Acknowledgement, Alert, AlertId};
use crate::model::arrival::SpoolFigures;
use crate::model::asset::{Asset, AssetId, AssetKind};
use crate::model::catalogue::{Catalogue, CatalogueId};
use crate::model::component::Component;
use crate::model::missing::Missing;
use crate::model::report::{BootId, End};
use crate::model::work_order::WorkOrder;
use crate::placing::Boot;
pub use kept::{Kept, Reading};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Parts that the state is split into: each is snapshotted on its own.
pub const SHARDS: usize = 64;

/// The values before the current ones: what rates are counted from.
#[derive(Debug, Clone, PartialEq)]
pub struct Previous {
    /// When they were measured, milliseconds since 1970.
    pub at_ms: i64,
    /// What they are.
    pub catalogue: CatalogueId,
    /// Scaled values.
    pub values: Arc<[Option<i64>]>,
}

/// What the collector knows of one host, as of one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its agent.
    pub agent: AgentId,
    /// The asset.
    pub asset: AssetId,
    /// Where the asset stands.
    pub site: SiteId,
    /// What the asset is.
    pub kind: AssetKind,
    /// Whether silence means a fault.
    pub always_on: bool,
    /// Whether the agent may report.
    pub state: AgentState,
    /// What the values are, and the host's resource attributes; none before the first live report.
    pub catalogue: Option<Arc<Catalogue>>,
    /// Scaled values, one for each of the catalogue's columns.
    pub values: Arc<[Option<i64>]>,
    /// The values before.
    pub previous: Option<Previous>,
    /// When the values were measured, milliseconds since 1970; 0 before the first live report.
    pub at_ms: i64,
    /// When anything last arrived, milliseconds since 1970; 0 when nothing ever did.
    pub received_ms: i64,
    /// The boot that the values were measured in.
    pub boot: BootId,
    /// Milliseconds since that boot when they were.
    pub boot_ms: u64,
    /// When that boot began, milliseconds since 1970.
    pub boot_started_ms: i64,
    /// How far the host's wall clock is ahead of the collector's.
    pub clock_offset_ms: Option<i64>,
    /// The boots seen last, oldest first.
    pub boots: Vec<Boot>,
    /// The complete component set.
    pub components: Arc<Vec<Component>>,
    /// Parts that were in it for long and are gone.
    pub missing: Arc<Vec<Missing>>,
    /// Its digest; none when no set is known.
    pub set: Option<[u8; 8]>,
    /// When the set was measured.
    pub set_at_ms: i64,
    /// What is seen of the agent's spools.
    pub spools: Vec<Spool>,
    /// State of the spool in use, as the agent says.
    pub figures: SpoolFigures,
    /// Alerts that are pending or firing.
    pub alerts: Arc<Vec<Alert>>,
    /// Set when the newest report was the last of its run.
    pub ended: Option<End>,
    /// Whether it is there.
    pub presence: Presence,
    /// Set when two hosts were seen to use this identity: since when.
    pub clone_seen_ms: Option<i64>,
    /// The row of the log that last changed this host.
    pub log: i64,
}

impl Host {
    /// A host that has never reported.
    pub fn new(agent: AgentId, asset: AssetId, kind: AssetKind, always_on: bool, state: AgentState) -> Self {
        Self {
            agent,
            asset,
            site: SiteId::default(),
            kind,
            always_on,
            state,
            catalogue: None,
            values: Arc::new([]),
            previous: None,
            at_ms: 0,
            received_ms: 0,
            boot: BootId::default(),
            boot_ms: 0,
            boot_started_ms: 0,
            clock_offset_ms: None,
            boots: Vec::new(),
            components: Arc::default(),
            missing: Arc::default(),
            set: None,
            set_at_ms: 0,
            spools: Vec::new(),
            figures: SpoolFigures::default(),
            alerts: Arc::default(),
            ended: None,
            presence: Presence::Unknown,
            clone_seen_ms: None,
            log: 0,
        }
    }
}

/// What a change of the store means for the state in memory; applied once the change is on disk.
#[derive(Debug, Clone)]
pub enum Effect {
    /// An asset was edited.
    AssetChanged(Asset),
    /// An agent was added, accepted, revoked or flagged: read it again.
    AgentChanged(AgentId),
    /// Someone has seen a firing alert.
    AlertAcknowledged {
        /// Whose alert.
        asset: AssetId,
        /// Which.
        alert: AlertId,
        /// Who and when.
        acknowledgement: Acknowledgement,
    },
    /// A work order was edited.
    WorkOrderChanged(WorkOrder),
    /// A policy was put in its place.
    PolicyChanged,
    /// A site was edited.
    SiteChanged,
    /// Another process changed the store: read agents and assets again.
    Reload,
}

type Shard = HashMap<AgentId, Box<Kept>>;

/// The hosts.
#[derive(Debug)]
pub struct Latest {
    shards: Vec<RwLock<Shard>>,
    by_asset: RwLock<HashMap<AssetId, AgentId>>,
    log: AtomicI64,
}

impl Default for Latest {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            by_asset: RwLock::default(),
            log: AtomicI64::new(0),
        }
    }
}

/// The shard that an agent's host is in.
pub fn shard_of(agent: AgentId) -> usize {
    usize::from(agent.0.first().copied().unwrap_or(0)) % SHARDS
}

impl Latest {
    /// The host of an agent.
    pub fn host(&self, agent: AgentId) -> Option<Host> {
        self.look(agent, |kept| kept.host(agent))
    }

    /// The host that an asset is: of several agents on it, the one that may report.
    pub fn by_asset(&self, asset: AssetId) -> Option<Host> {
        self.host(self.agent_of(asset)?)
    }

    /// Reads what is asked of an agent's host as it lies.
    pub fn look<T>(&self, agent: AgentId, read: impl FnOnce(&Kept) -> T) -> Option<T> {
        self.read(shard_of(agent))?.get(&agent).map(|kept| read(kept))
    }

    /// The same of the host that an asset is.
    pub fn look_at<T>(&self, asset: AssetId, read: impl FnOnce(&Kept) -> T) -> Option<T> {
        self.look(self.agent_of(asset)?, read)
    }

    fn agent_of(&self, asset: AssetId) -> Option<AgentId> {
        self.by_asset.read().unwrap_or_else(PoisonError::into_inner).get(&asset).copied()
    }

    /// How many hosts there are.
    pub fn count(&self) -> usize {
        (0..SHARDS).filter_map(|shard| self.read(shard)).map(|hosts| hosts.len()).sum()
    }

    /// Every host, in no order, unpacked: for few.
    pub fn all(&self) -> Vec<Host> {
        let mut all = Vec::new();
        self.each(|agent, kept| all.push(kept.host(agent)));
        all
    }

    /// Shows every host as it lies, in no order.
    pub fn each(&self, mut show: impl FnMut(AgentId, &Kept)) {
        (0..SHARDS).for_each(|shard| self.each_of(shard, &mut show));
    }

    /// Shows the host that each asset is as it lies, in no order.
    pub fn each_asset(&self, mut show: impl FnMut(&Kept)) {
        self.each(|agent, kept| {
            // An asset has one agent that may report; only of the others it must be looked for who is meant.
            if kept.state == AgentState::Active || self.agent_of(kept.asset) == Some(agent) {
                show(kept);
            }
        });
    }

    /// Shows every host of one shard as it lies.
    pub fn each_of(&self, shard: usize, mut show: impl FnMut(AgentId, &Kept)) {
        if let Some(hosts) = self.read(shard) {
            hosts.iter().for_each(|(agent, kept)| show(*agent, kept));
        }
    }

    /// The newest row of the log that every host here reflects.
    pub fn log(&self) -> i64 {
        self.log.load(Ordering::Acquire)
    }

    /// Says that every host reflects the log up to this row. Called after the hosts are put.
    pub fn reached(&self, log: i64) {
        self.log.store(log, Ordering::Release);
    }

    /// Puts a host in place of the one before. Only the writer and the start call this.
    pub fn put(&self, host: &Host) {
        let (agent, asset, state) = (host.agent, host.asset, host.state);
        let kept = Box::new(Kept::of(host));
        let Some(mut hosts) = self.write(shard_of(agent)) else { return };
        let before = hosts.insert(agent, kept);
        drop(hosts);
        if before.is_some_and(|before| before.asset == asset && before.state == state) {
            return;
        }
        let mut by_asset = self.by_asset.write().unwrap_or_else(PoisonError::into_inner);
        let taken = by_asset.get(&asset).copied().filter(|other| *other != agent);
        let is_better = match taken.and_then(|other| self.look(other, |other| other.state)) {
            None => true,
            Some(other) => state == AgentState::Active || other != AgentState::Active,
        };
        if is_better {
            by_asset.insert(asset, agent);
        }
    }

    fn read(&self, shard: usize) -> Option<RwLockReadGuard<'_, Shard>> {
        Some(self.shards.get(shard)?.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, shard: usize) -> Option<RwLockWriteGuard<'_, Shard>> {
        Some(self.shards.get(shard)?.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(agent: u8, asset: i64, state: AgentState) -> Host {
        Host::new(AgentId([agent; 16]), AssetId(asset), AssetKind::Server, true, state)
    }

    #[test]
    fn a_host_is_found_by_agent_and_by_asset() {
        let latest = Latest::default();
        latest.put(&host(1, 10, AgentState::Active));
        latest.put(&host(200, 20, AgentState::Active));
        assert_eq!(latest.host(AgentId([200; 16])).unwrap().asset, AssetId(20));
        assert_eq!(latest.by_asset(AssetId(10)).unwrap().agent, AgentId([1; 16]));
        assert_eq!((latest.all().len(), latest.count()), (2, 2));
        assert!(latest.host(AgentId([3; 16])).is_none());
    }

    #[test]
    fn of_several_agents_on_an_asset_the_active_one_is_meant() {
        let latest = Latest::default();
        latest.put(&host(1, 10, AgentState::Active));
        latest.put(&host(2, 10, AgentState::Quarantined));
        assert_eq!(latest.by_asset(AssetId(10)).unwrap().agent, AgentId([1; 16]));
        latest.put(&host(1, 10, AgentState::Revoked));
        latest.put(&host(2, 10, AgentState::Active));
        assert_eq!(latest.by_asset(AssetId(10)).unwrap().agent, AgentId([2; 16]));
    }
}
