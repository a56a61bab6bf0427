//! Deciding within a window: from a host's facts to alerts and work orders, through the pure functions.
//!
//! Owns the open work orders in memory and the next ids. What a window decides is staged beside the rest of it and
//! counts only once the window is on disk. Reports and the tick go through the same steps: there is one decider.

use crate::alert::{self, AlertChange};
use crate::catalogues::Known;
use crate::health::{self, Facts, Findings, Presence, RuleSet};
use crate::latest::{Host, Kept};
use crate::maintenance::{self, WorkOrderChange};
use crate::model::agent::AgentState;
use crate::model::alert::AlertId;
use crate::model::asset::AssetId;
use crate::model::work_order::{WorkOrder, WorkOrderId, WorkOrderState};
use crate::store::StoreError;
use crate::store::sqlite::work_order;
use rusqlite::Transaction;
use std::collections::HashMap;
use std::sync::Arc;

/// What a window has decided so far.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// Alerts that changed, in order.
    pub(super) alerts: Vec<AlertChange>,
    /// Work orders that changed, in order.
    pub(super) orders: Vec<WorkOrderChange>,
    /// Open work orders of the assets that changed, as they are afterwards.
    open: HashMap<AssetId, Vec<WorkOrder>>,
}

impl Decided {
    pub(super) fn clear(&mut self) {
        self.alerts.clear();
        self.orders.clear();
        self.open.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.orders.is_empty()
    }

    /// Writes the rows that it changed.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        work_order::save(transaction, &self.alerts, &self.orders)
    }
}

/// Decides.
#[derive(Debug)]
pub(super) struct Decider {
    rules: Arc<RuleSet>,
    interval_ms: i64,
    listening_since_ms: i64,
    open: HashMap<AssetId, Vec<WorkOrder>>,
    next_alert: i64,
    next_order: i64,
    findings: Findings,
    boots: Vec<health::Boot>,
}

impl Decider {
    pub(super) fn new(rules: Arc<RuleSet>, interval_ms: i64, now_ms: i64) -> Self {
        Self {
            rules,
            interval_ms,
            listening_since_ms: now_ms,
            open: HashMap::new(),
            next_alert: 1,
            next_order: 1,
            findings: Findings::default(),
            boots: Vec::new(),
        }
    }

    pub(super) fn rules(&self) -> &RuleSet {
        &self.rules
    }

    pub(super) const fn interval_ms(&self) -> i64 {
        self.interval_ms
    }

    /// Takes over what the store has: the open work orders, and the next ids.
    pub(super) fn load(&mut self, orders: Vec<WorkOrder>, next_alert: AlertId, next_order: WorkOrderId) {
        self.open.clear();
        for order in orders {
            self.open.entry(order.asset).or_default().push(order);
        }
        (self.next_alert, self.next_order) = (next_alert.0, next_order.0);
    }

    /// A person changed a work order.
    pub(super) fn changed(&mut self, order: WorkOrder) {
        let orders = self.open.entry(order.asset).or_default();
        orders.retain(|known| known.id != order.id);
        if order.state != WorkOrderState::Verified {
            orders.push(order);
        }
    }

    /// The window is on disk: what it decided holds.
    pub(super) fn confirm(&mut self, decided: &mut Decided) {
        for (asset, orders) in decided.open.drain() {
            if orders.is_empty() {
                self.open.remove(&asset);
            } else {
                self.open.insert(asset, orders);
            }
        }
    }

    /// Judges a host by the live report that it has just taken.
    pub(super) fn live(&mut self, host: &mut Host, known: &Known, decided: &mut Decided) {
        let now_ms = host.at_ms;
        self.findings.clear();
        self.remember_boots(host);
        let facts = facts(host, &self.boots, self.interval_ms, self.listening_since_ms);
        health::evaluate(&self.rules, &known.bindings, &facts, now_ms, &mut self.findings);
        host.presence = health::presence(&self.rules, &facts, host.received_ms);
        self.step(host, now_ms, decided);
        self.review(host.asset, now_ms, decided);
    }

    /// Takes back what was said to be done where the signal never cleared; only a live report can tell.
    fn review(&self, asset: AssetId, now_ms: i64, decided: &mut Decided) {
        let Some(orders) = decided.open.get(&asset).or_else(|| self.open.get(&asset)) else { return };
        let reviewed = maintenance::review(orders, &self.rules, now_ms);
        if reviewed.is_empty() {
            return;
        }
        let mut orders = orders.clone();
        maintenance::absorb(&mut orders, &reviewed);
        decided.open.insert(asset, orders);
        decided.orders.extend(reviewed);
    }

    /// Whether there is nothing about a host's silence to judge now.
    pub(super) fn is_quiet(&self, kept: &Kept, now_ms: i64) -> bool {
        if kept.state != AgentState::Active {
            return kept.presence == Presence::Unknown;
        }
        let presence = || {
            let facts = Facts {
                always_on: kept.always_on,
                last_seen_ms: (kept.received_ms != 0).then_some(kept.received_ms),
                interval_ms: self.interval_ms,
                ended: kept.ended,
                listening_since_ms: self.listening_since_ms,
                ..Facts::default()
            };
            health::presence(&self.rules, &facts, now_ms)
        };
        kept.received_ms == 0 || now_ms - kept.received_ms < self.interval_ms && kept.presence == presence()
    }

    /// Judges the silence of a host; the host that comes of it, or none when nothing changed.
    pub(super) fn absent(&mut self, host: &Host, now_ms: i64, decided: &mut Decided) -> Option<Host> {
        if host.state != AgentState::Active {
            return without_agent(host);
        }
        if host.received_ms == 0 {
            return None;
        }
        self.findings.clear();
        self.boots.clear();
        let facts = facts(host, &self.boots, self.interval_ms, self.listening_since_ms);
        let presence = health::presence(&self.rules, &facts, now_ms);
        if now_ms - host.received_ms < self.interval_ms && host.presence == presence {
            return None;
        }
        health::absent(&self.rules, &facts, now_ms, &mut self.findings);
        let mut next = host.clone();
        next.presence = presence;
        self.step(&mut next, now_ms, decided);
        (next != *host).then_some(next)
    }

    /// From findings to alerts to work orders.
    fn step(&mut self, host: &mut Host, now_ms: i64, decided: &mut Decided) {
        let raises = |finding: &health::Finding| matches!(finding.observation, health::Observation::Raise(_));
        let has_orders = self.open.contains_key(&host.asset) || decided.open.contains_key(&host.asset);
        if host.alerts.is_empty() && !has_orders && !self.findings.list.iter().any(raises) {
            return;
        }
        let next_alert = &mut self.next_alert;
        let mut alert_ids = || {
            *next_alert += 1;
            AlertId(*next_alert - 1)
        };
        let alerts = Arc::make_mut(&mut host.alerts);
        let mut changes =
            alert::apply(alerts, &self.rules, &self.findings, host.asset, now_ms, &mut alert_ids);
        alert::part::describe(alerts, &host.components, &host.missing, &mut changes);
        if changes.is_empty() && !has_orders {
            return;
        }
        let orders = decided
            .open
            .entry(host.asset)
            .or_insert_with(|| self.open.get(&host.asset).cloned().unwrap_or_default());
        let next_order = &mut self.next_order;
        let mut order_ids = || {
            *next_order += 1;
            WorkOrderId(*next_order - 1)
        };
        let planned = maintenance::plan(orders, &changes, &self.rules, now_ms, &mut order_ids);
        maintenance::absorb(orders, &planned);
        maintenance::link(alerts, &mut changes, &planned);
        decided.alerts.extend(changes);
        decided.orders.extend(planned);
    }

    /// Starts that were seen live: what is only known from late data never opens anything.
    fn remember_boots(&mut self, host: &Host) {
        self.boots.clear();
        let live = host.boots.iter().filter(|boot| boot.live);
        self.boots
            .extend(live.map(|boot| health::Boot { started_ms: boot.started_ms, unclean: boot.unclean }));
    }
}

/// A host whose agent may not report: nothing is known of it, and its silence is nobody's fault.
fn without_agent(host: &Host) -> Option<Host> {
    let changed = host.presence != Presence::Unknown;
    changed.then(|| Host { presence: Presence::Unknown, ..host.clone() })
}

fn facts<'a>(
    host: &'a Host,
    boots: &'a [health::Boot],
    interval_ms: i64,
    listening_since_ms: i64,
) -> Facts<'a> {
    let catalogue = host.catalogue.as_ref().map(|catalogue| catalogue.id);
    let previous = host.previous.as_ref().filter(|previous| Some(previous.catalogue) == catalogue);
    Facts {
        always_on: host.always_on,
        values: &host.values,
        at_ms: host.at_ms,
        previous: previous
            .map(|previous| health::Previous { at_ms: previous.at_ms, values: &previous.values }),
        components: &host.components,
        missing: &host.missing,
        alerts: &host.alerts,
        boots,
        clock_offset_ms: host.clock_offset_ms,
        last_seen_ms: (host.received_ms != 0).then_some(host.received_ms),
        interval_ms,
        ended: host.ended,
        listening_since_ms,
    }
}
