//! From alerts to care that is due: work orders, their evidence, and when they may be closed.
//!
//! Owns the work order's states. One work order is open for a rule and part of an asset at a time. Must not know how
//! an alert comes about, nor where orders are kept.

use crate::alert::AlertChange;
use crate::health::{BuiltIn, RuleSet};
use crate::model::alert::Alert;
use crate::model::work_order::{Evidence, WorkOrder, WorkOrderId, WorkOrderState};

#[cfg(test)]
mod tests;

/// Evidence kept with one order at most: the first, which opened it, and the latest.
pub const EVIDENCE_MAX: usize = 64;

/// How long beyond its rule's clear hold an order that is said to be done waits for the signal to clear.
const DONE_GRACE_MS: i64 = 30 * 60 * 1_000;

/// A change of a work order, with the order as it is afterwards.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkOrderChange {
    /// It is new.
    Opened(WorkOrder),
    /// Another alert was added to it, and its flag taken back.
    EvidenceAdded(WorkOrder),
    /// Its signal has cleared.
    ReadyToVerify(WorkOrder),
    /// It was said to be done, and the signal came back or never cleared.
    Reopened(WorkOrder),
    /// It was done, and the signal has cleared: it is closed.
    Verified(WorkOrder),
}

impl WorkOrderChange {
    /// The order as it is after the change.
    pub const fn order(&self) -> &WorkOrder {
        match self {
            Self::Opened(order)
            | Self::EvidenceAdded(order)
            | Self::ReadyToVerify(order)
            | Self::Reopened(order)
            | Self::Verified(order) => order,
        }
    }
}

/// What the changed alerts of one asset do to its work orders; `orders` are those not yet verified.
pub fn plan(
    orders: &[WorkOrder],
    changes: &[AlertChange],
    rules: &RuleSet,
    now_ms: i64,
    ids: &mut dyn FnMut() -> WorkOrderId,
) -> Vec<WorkOrderChange> {
    let mut planned: Vec<WorkOrderChange> = vec![];
    for change in changes {
        let current = latest(orders, &planned, change.alert());
        let next = match change {
            AlertChange::Fired(alert) => fired(current, alert, rules, now_ms, ids),
            AlertChange::Resolved(_) => current.and_then(|order| cleared(order, now_ms)),
            AlertChange::Updated(_) => None,
        };
        planned.extend(next);
    }
    planned
}

/// The open order of an alert's rule and part, as it is after what is planned already.
fn latest<'a>(
    orders: &'a [WorkOrder],
    planned: &'a [WorkOrderChange],
    alert: &Alert,
) -> Option<&'a WorkOrder> {
    let is_same = |order: &&WorkOrder| order.rule == alert.rule && *order.part == *alert.part;
    let planned = planned.iter().rev().map(WorkOrderChange::order).find(is_same);
    planned.or_else(|| orders.iter().find(is_same)).filter(|order| order.state != WorkOrderState::Verified)
}

fn fired(
    current: Option<&WorkOrder>,
    alert: &Alert,
    rules: &RuleSet,
    now_ms: i64,
    ids: &mut dyn FnMut() -> WorkOrderId,
) -> Option<WorkOrderChange> {
    let rule = rules.enabled(alert.rule)?;
    let evidence = Evidence {
        alert: alert.id?,
        rule: alert.rule,
        at_ms: now_ms,
        figures: alert.figures.clone(),
        component: alert.component.clone(),
    };
    let Some(current) = current else {
        return rule.work_order.then(|| {
            WorkOrderChange::Opened(open(ids(), alert, evidence, now_ms, now_ms.saturating_add(rule.due_ms)))
        });
    };
    let mut order = changed(current);
    order.ready_to_verify = false;
    if order.evidence.len() >= EVIDENCE_MAX {
        // What opened it stays, and so does what is recent.
        order.evidence.remove(1);
    }
    order.evidence.push(evidence);
    if order.state == WorkOrderState::Done {
        (order.state, order.done_ms) = (WorkOrderState::Reopened, None);
        return Some(WorkOrderChange::Reopened(order));
    }
    Some(WorkOrderChange::EvidenceAdded(order))
}

fn open(id: WorkOrderId, alert: &Alert, evidence: Evidence, now_ms: i64, due_ms: i64) -> WorkOrder {
    WorkOrder {
        id,
        asset: alert.asset,
        part: alert.part.as_ref().to_owned(),
        rule: alert.rule,
        state: WorkOrderState::Open,
        ready_to_verify: false,
        evidence: vec![evidence],
        opened_ms: now_ms,
        due_ms: Some(due_ms),
        planned_ms: None,
        done_ms: None,
        closed_ms: None,
        assignee: None,
        note: String::new(),
        version: 1,
    }
}

fn cleared(order: &WorkOrder, now_ms: i64) -> Option<WorkOrderChange> {
    if order.state == WorkOrderState::Done {
        return Some(WorkOrderChange::Verified(verified(order, now_ms)));
    }
    if order.ready_to_verify {
        return None;
    }
    Some(WorkOrderChange::ReadyToVerify(WorkOrder { ready_to_verify: true, ..changed(order) }))
}

/// Takes back what was said to be done where the signal had time to clear, and did not. To be called with live reports
/// only: of a host that says nothing it is not known whether the signal has cleared.
pub fn review(orders: &[WorkOrder], rules: &RuleSet, now_ms: i64) -> Vec<WorkOrderChange> {
    orders.iter().filter_map(|order| never_cleared(order, rules, now_ms)).collect()
}

fn never_cleared(order: &WorkOrder, rules: &RuleSet, now_ms: i64) -> Option<WorkOrderChange> {
    let done_ms = order.done_ms.filter(|_| order.state == WorkOrderState::Done && !order.ready_to_verify)?;
    let clear_hold_ms = BuiltIn::from_id(order.rule).map_or(0, |rule| rules.rule(rule).clear_hold_ms);
    if now_ms - done_ms < clear_hold_ms + DONE_GRACE_MS {
        return None;
    }
    let state = WorkOrderState::Reopened;
    Some(WorkOrderChange::Reopened(WorkOrder { state, done_ms: None, ..changed(order) }))
}

fn changed(order: &WorkOrder) -> WorkOrder {
    WorkOrder { version: order.version + 1, ..order.clone() }
}

fn verified(order: &WorkOrder, now_ms: i64) -> WorkOrder {
    WorkOrder {
        state: WorkOrderState::Verified,
        ready_to_verify: true,
        closed_ms: Some(now_ms),
        ..changed(order)
    }
}

/// Brings the open orders of an asset, held in memory, up to date: what is verified leaves.
pub fn absorb(orders: &mut Vec<WorkOrder>, changes: &[WorkOrderChange]) {
    for change in changes {
        orders.retain(|order| order.id != change.order().id);
        if change.order().state != WorkOrderState::Verified {
            orders.push(change.order().clone());
        }
    }
}

/// Notes on alerts, and on their changes before these are written, which work order they opened or added to.
pub fn link(alerts: &mut [Alert], changes: &mut [AlertChange], orders: &[WorkOrderChange]) {
    for order in orders.iter().map(WorkOrderChange::order) {
        let Some(evidence) = order.evidence.last() else { continue };
        let changed = changes.iter_mut().map(AlertChange::alert_mut);
        for alert in alerts.iter_mut().chain(changed).filter(|alert| alert.id == Some(evidence.alert)) {
            alert.work_order = Some(order.id);
        }
    }
}

/// What a person asks of a work order; what is none stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The state it should have.
    pub state: Option<WorkOrderState>,
    /// Who does it; none inside: nobody.
    pub assignee: Option<Option<String>>,
    /// When it should be done.
    pub due_ms: Option<Option<i64>>,
    /// When someone plans to do it.
    pub planned_ms: Option<Option<i64>>,
    /// What is noted.
    pub note: Option<String>,
}

/// Why a person's request is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is closed: a new signal opens a new one.
    #[error("the work order is closed; a new signal opens a new one")]
    Closed,
    /// Its signal has not cleared.
    #[error("the work order's signal has not cleared")]
    SignalPresent,
    /// Planning it needs a time.
    #[error("a planned work order needs the time that it is planned for")]
    NoTime,
    /// Only what was said to be done is reopened.
    #[error("only a work order that is done can be reopened")]
    NotDone,
    /// It cannot have been due before there was a signal.
    #[error("a work order is not due before it was opened")]
    DueTooEarly,
}

/// Grants or refuses what a person asks. `signal_cleared`: no alert of the order's rule and part fires. Saying that it
/// is done closes it if the signal has cleared; otherwise it waits for that, and reopens if that does not happen.
pub fn change(
    order: &WorkOrder,
    request: &Request,
    signal_cleared: bool,
    now_ms: i64,
) -> Result<WorkOrder, Refusal> {
    use WorkOrderState::{Done, InProgress, Open, Planned, Reopened, Verified};
    if order.state == Verified {
        return Err(Refusal::Closed);
    }
    if request.due_ms.flatten().is_some_and(|due_ms| due_ms < order.opened_ms) {
        return Err(Refusal::DueTooEarly);
    }
    let mut next = changed(order);
    next.ready_to_verify = signal_cleared;
    if let Some(assignee) = &request.assignee {
        next.assignee.clone_from(assignee);
    }
    if let Some(note) = &request.note {
        next.note.clone_from(note);
    }
    next.due_ms = request.due_ms.unwrap_or(next.due_ms);
    next.planned_ms = request.planned_ms.unwrap_or(next.planned_ms);
    match request.state.filter(|state| *state != order.state) {
        None => return Ok(next),
        Some(Planned) if next.planned_ms.is_none() => return Err(Refusal::NoTime),
        Some(Reopened) if order.state != Done => return Err(Refusal::NotDone),
        Some(Done | Verified) if signal_cleared => {
            next.done_ms = next.done_ms.or(Some(now_ms));
            next.closed_ms = Some(now_ms);
            next.state = Verified;
        }
        Some(Verified) if order.state != Done => return Err(Refusal::SignalPresent),
        // Closing needs the signal to have cleared; otherwise it reopens.
        Some(Verified) => (next.state, next.done_ms) = (Reopened, None),
        Some(Done) => (next.state, next.done_ms) = (Done, Some(now_ms)),
        Some(state @ (Open | Planned | InProgress | Reopened)) => (next.state, next.done_ms) = (state, None),
    }
    Ok(next)
}
