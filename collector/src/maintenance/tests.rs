//! The life of a work order.

use super::*;
use crate::model::alert::{AlertId, AlertState, Figures, Severity, Watch};
use crate::model::asset::AssetId;
use std::sync::Arc;

const DAY_MS: i64 = 86_400_000;

/// The orders of one asset.
#[derive(Default)]
struct Desk {
    rules: RuleSet,
    orders: Vec<WorkOrder>,
    next: i64,
}

impl Desk {
    fn plan(&mut self, changes: &[AlertChange], now_ms: i64) -> Vec<WorkOrderChange> {
        let next = &mut self.next;
        let mut ids = || {
            *next += 1;
            WorkOrderId(*next)
        };
        let planned = plan(&self.orders, changes, &self.rules, now_ms, &mut ids);
        absorb(&mut self.orders, &planned);
        planned
    }

    fn ask(&mut self, state: WorkOrderState, signal_cleared: bool, now_ms: i64) {
        let request = Request { state: Some(state), ..Request::default() };
        self.orders[0] = change(&self.orders[0], &request, signal_cleared, now_ms).unwrap();
    }
}

fn alert(id: i64, rule: BuiltIn, part: &str) -> Alert {
    Alert {
        id: Some(AlertId(id)),
        rule: rule.id(),
        asset: AssetId(7),
        part: Arc::from(part),
        severity: Severity::Warning,
        state: AlertState::Firing,
        since_ms: 0,
        fired_ms: Some(0),
        resolved_ms: None,
        acknowledged: None,
        figures: Figures::from([("used_share".to_owned(), 0.93)]),
        component: None,
        work_order: None,
        watch: Watch::default(),
    }
}

fn fired(id: i64) -> AlertChange {
    AlertChange::Fired(alert(id, BuiltIn::FilesystemNearlyFull, "/srv"))
}

fn resolved(id: i64) -> AlertChange {
    AlertChange::Resolved(alert(id, BuiltIn::FilesystemNearlyFull, "/srv"))
}

fn kinds(changes: &[WorkOrderChange]) -> Vec<&'static str> {
    let kind = |change: &WorkOrderChange| match change {
        WorkOrderChange::Opened(_) => "opened",
        WorkOrderChange::EvidenceAdded(_) => "evidence added",
        WorkOrderChange::ReadyToVerify(_) => "ready to verify",
        WorkOrderChange::Reopened(_) => "reopened",
        WorkOrderChange::Verified(_) => "verified",
    };
    changes.iter().map(kind).collect()
}

#[test]
fn a_maintenance_alert_opens_one_work_order_with_its_evidence() {
    let mut desk = Desk::default();
    assert_eq!(kinds(&desk.plan(&[fired(1)], 5)), ["opened"]);
    let order = &desk.orders[0];
    assert_eq!((order.state, order.ready_to_verify), (WorkOrderState::Open, false));
    assert_eq!((order.opened_ms, order.due_ms), (5, Some(5 + 7 * DAY_MS)));
    assert_eq!(order.evidence[0].figures["used_share"], 0.93);
    assert_eq!((&*order.part, order.asset), ("/srv", AssetId(7)));
}

#[test]
fn other_alerts_open_none() {
    let mut desk = Desk::default();
    let busy = AlertChange::Fired(alert(1, BuiltIn::CpuBusy, ""));
    assert!(desk.plan(&[busy], 0).is_empty());
    desk.rules.rule_mut(BuiltIn::FilesystemNearlyFull).work_order = false;
    assert!(desk.plan(&[fired(1)], 0).is_empty());
}

#[test]
fn the_same_signal_adds_evidence_and_takes_back_the_flag() {
    let mut desk = Desk::default();
    desk.plan(&[fired(1)], 0);
    assert_eq!(kinds(&desk.plan(&[resolved(1)], 10)), ["ready to verify"]);
    assert!(desk.orders[0].ready_to_verify);
    assert!(desk.plan(&[resolved(1)], 11).is_empty(), "it is ready already");
    assert_eq!(kinds(&desk.plan(&[fired(2)], 20)), ["evidence added"]);
    assert_eq!(desk.orders.len(), 1);
    assert_eq!((desk.orders[0].evidence.len(), desk.orders[0].ready_to_verify), (2, false));
    assert_eq!(desk.orders[0].version, 3);
}

#[test]
fn parts_and_rules_have_orders_of_their_own() {
    let mut desk = Desk::default();
    let changes = [
        fired(1),
        AlertChange::Fired(alert(2, BuiltIn::FilesystemNearlyFull, "/")),
        AlertChange::Fired(alert(3, BuiltIn::FilesystemInodes, "/srv")),
    ];
    assert_eq!(kinds(&desk.plan(&changes, 0)), ["opened", "opened", "opened"]);
    assert_eq!(kinds(&desk.plan(&[resolved(1)], 0)), ["ready to verify"]);
    assert_eq!(desk.orders.iter().filter(|order| order.ready_to_verify).count(), 1);
}

#[test]
fn changes_of_one_look_build_on_each_other() {
    let mut desk = Desk::default();
    let planned = desk.plan(&[fired(1), resolved(1), fired(2)], 0);
    assert_eq!(kinds(&planned), ["opened", "ready to verify", "evidence added"]);
    assert_eq!((desk.orders.len(), desk.orders[0].evidence.len()), (1, 2));
}

#[test]
fn done_is_verified_once_the_signal_has_cleared() {
    let mut desk = Desk::default();
    desk.plan(&[fired(1)], 0);
    desk.ask(WorkOrderState::Done, false, 100);
    assert_eq!((desk.orders[0].state, desk.orders[0].done_ms), (WorkOrderState::Done, Some(100)));
    let planned = desk.plan(&[resolved(1)], 200);
    assert_eq!(kinds(&planned), ["verified"]);
    assert_eq!(planned[0].order().closed_ms, Some(200));
    assert!(desk.orders.is_empty());
    assert_eq!(kinds(&desk.plan(&[fired(2)], 300)), ["opened"], "a later signal opens a new one");
}

#[test]
fn done_is_reopened_when_the_signal_comes_back_or_never_clears() {
    let mut desk = Desk::default();
    desk.plan(&[fired(1)], 0);
    desk.ask(WorkOrderState::Done, false, 100);
    assert_eq!(kinds(&desk.plan(&[fired(2)], 200)), ["reopened"]);
    assert_eq!((desk.orders[0].state, desk.orders[0].done_ms), (WorkOrderState::Reopened, None));

    desk.ask(WorkOrderState::Done, false, 1_000);
    let wait_ms = desk.rules.rule(BuiltIn::FilesystemNearlyFull).clear_hold_ms + DONE_GRACE_MS;
    assert!(review(&desk.orders, &desk.rules, 1_000 + wait_ms - 1).is_empty());
    let reviewed = review(&desk.orders, &desk.rules, 1_000 + wait_ms);
    assert_eq!(kinds(&reviewed), ["reopened"]);
    absorb(&mut desk.orders, &reviewed);
    assert_eq!(desk.orders[0].state, WorkOrderState::Reopened);
    assert!(review(&desk.orders, &desk.rules, i64::MAX / 2).is_empty());
}

#[test]
fn saying_done_after_the_signal_cleared_closes_it() {
    let mut desk = Desk::default();
    desk.plan(&[fired(1)], 0);
    desk.plan(&[resolved(1)], 10);
    desk.ask(WorkOrderState::Done, true, 20);
    let order = &desk.orders[0];
    assert_eq!((order.state, order.closed_ms), (WorkOrderState::Verified, Some(20)));
    let request = Request { note: Some("x".into()), ..Request::default() };
    assert_eq!(change(order, &request, true, 30), Err(Refusal::Closed));
}

#[test]
fn closing_needs_the_signal_to_have_cleared() {
    let mut desk = Desk::default();
    desk.plan(&[fired(1)], 0);
    let verify = Request { state: Some(WorkOrderState::Verified), ..Request::default() };
    assert_eq!(change(&desk.orders[0], &verify, false, 1), Err(Refusal::SignalPresent));
    desk.ask(WorkOrderState::Done, false, 1);
    desk.ask(WorkOrderState::Verified, false, 2);
    assert_eq!(desk.orders[0].state, WorkOrderState::Reopened);
    desk.ask(WorkOrderState::Verified, true, 3);
    assert_eq!(desk.orders[0].state, WorkOrderState::Verified);
}

#[test]
fn planning_needs_a_time_and_reopening_something_done() {
    let mut desk = Desk::default();
    desk.plan(&[fired(1)], 0);
    let order = &desk.orders[0];
    let to = |state| Request { state: Some(state), ..Request::default() };
    assert_eq!(change(order, &to(WorkOrderState::Planned), false, 1), Err(Refusal::NoTime));
    assert_eq!(change(order, &to(WorkOrderState::Reopened), false, 1), Err(Refusal::NotDone));
    let request = Request {
        planned_ms: Some(Some(99)),
        assignee: Some(Some("Lò Văn Pâng".into())),
        due_ms: Some(None),
        note: Some("mang ổ cứng 2 TB".into()),
        ..to(WorkOrderState::Planned)
    };
    let planned = change(order, &request, false, 1).unwrap();
    assert_eq!(
        (planned.state, planned.planned_ms, planned.due_ms),
        (WorkOrderState::Planned, Some(99), None)
    );
    assert_eq!(planned.assignee.as_deref(), Some("Lò Văn Pâng"));
    assert_eq!((&*planned.note, planned.version), ("mang ổ cứng 2 TB", order.version + 1));
    let due = |due_ms| Request { due_ms: Some(Some(due_ms)), ..Request::default() };
    assert_eq!(change(order, &due(order.opened_ms - 1), false, 1), Err(Refusal::DueTooEarly));
    assert!(change(order, &due(order.opened_ms), false, 1).is_ok());
    let freed = change(&planned, &Request { assignee: Some(None), ..Request::default() }, false, 2).unwrap();
    assert_eq!((freed.assignee, freed.state), (None, WorkOrderState::Planned));
}

#[test]
fn evidence_is_bounded_and_keeps_the_first_and_the_latest() {
    let mut desk = Desk::default();
    for id in 1..=200 {
        desk.plan(&[fired(id)], id);
    }
    let evidence = &desk.orders[0].evidence;
    assert_eq!(evidence.len(), EVIDENCE_MAX);
    assert_eq!((evidence[0].alert, evidence.last().unwrap().alert), (AlertId(1), AlertId(200)));
}

#[test]
fn alerts_know_the_order_they_opened_or_added_to() {
    let mut desk = Desk::default();
    let mut changes = [fired(1)];
    let mut alerts = [alert(1, BuiltIn::FilesystemNearlyFull, "/srv"), alert(9, BuiltIn::CpuBusy, "")];
    let planned = desk.plan(&changes, 0);
    link(&mut alerts, &mut changes, &planned);
    assert_eq!((alerts[0].work_order, alerts[1].work_order), (Some(WorkOrderId(1)), None));
    assert_eq!(changes[0].alert().work_order, Some(WorkOrderId(1)));
}
