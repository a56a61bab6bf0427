//! Work orders in a store on disk.

use super::*;
use crate::health::RuleSet;
use crate::maintenance;
use crate::model::alert::{Alert, AlertState};
use crate::store::sqlite::alert::tests::{Province, alert};

/// Plans and writes the changes of alerts, as a commit window does.
fn decide(province: &mut Province, mut changes: Vec<AlertChange>, now_ms: i64) -> Vec<WorkOrder> {
    let mut orders = open(&province.connection).unwrap();
    let mut next = next_id(&province.connection).unwrap().0;
    let mut ids = || {
        next += 1;
        WorkOrderId(next - 1)
    };
    let mut planned = vec![];
    for change in &changes {
        // Orders are planned for each asset on its own.
        let asset = change.alert().asset;
        let of_asset: Vec<_> = orders.iter().filter(|order| order.asset == asset).cloned().collect();
        let one = std::slice::from_ref(change);
        let of_change = maintenance::plan(&of_asset, one, &RuleSet::default(), now_ms, &mut ids);
        maintenance::absorb(&mut orders, &of_change);
        planned.extend(of_change);
    }
    maintenance::link(&mut [], &mut changes, &planned);
    province.write(|transaction| save(transaction, &changes, &planned));
    orders.sort_by_key(|order| order.id);
    orders
}

fn fired(id: i64, asset: i64) -> AlertChange {
    AlertChange::Fired(alert(id, asset, "/srv"))
}

fn resolved(id: i64, asset: i64) -> AlertChange {
    AlertChange::Resolved(Alert { state: AlertState::Resolved, ..alert(id, asset, "/srv") })
}

fn ids(page: &[PlacedWorkOrder]) -> Vec<i64> {
    page.iter().map(|placed| placed.order.id.0).collect()
}

#[test]
fn what_memory_holds_is_what_the_store_gives_back() {
    let mut province = Province::new();
    let mut held = decide(&mut province, vec![fired(1, 1), fired(2, 4)], 10);
    assert_eq!(open(&province.connection).unwrap(), held);
    held = decide(&mut province, vec![resolved(1, 1)], 20);
    assert!(held[0].ready_to_verify);
    assert_eq!(open(&province.connection).unwrap(), held);
    held = decide(&mut province, vec![fired(3, 1)], 30);
    assert_eq!((held[0].evidence.len(), held[0].ready_to_verify), (2, false));
    assert_eq!(open(&province.connection).unwrap(), held);
    assert_eq!(next_id(&province.connection).unwrap(), WorkOrderId(3));
    let alert = alert::one(&province.connection, Scope::All, AlertId(3)).unwrap().alert;
    assert_eq!(alert.work_order, Some(WorkOrderId(1)));
}

#[test]
fn a_verified_order_leaves_room_for_the_next() {
    let mut province = Province::new();
    let held = decide(&mut province, vec![fired(1, 1), resolved(1, 1)], 10);
    let request =
        maintenance::Request { state: Some(WorkOrderState::Done), ..maintenance::Request::default() };
    let verified = maintenance::change(&held[0], &request, true, 20).unwrap();
    province.write(|transaction| update(transaction, &verified));
    assert!(open(&province.connection).unwrap().is_empty());
    let held = decide(&mut province, vec![fired(2, 1)], 30);
    assert_eq!(held[0].id, WorkOrderId(2));
    let verified = WorkOrderFilter { state: Some(WorkOrderState::Verified), ..WorkOrderFilter::default() };
    let found = page(&province.connection, Scope::All, verified, None, 9).unwrap();
    assert_eq!((found[0].order.closed_ms, found[0].order.evidence.len()), (Some(20), 1));
}

#[test]
fn a_change_of_what_somebody_else_changed_is_stale() {
    let mut province = Province::new();
    let held = decide(&mut province, vec![fired(1, 1)], 10);
    let request = maintenance::Request { note: Some("mang thang".into()), ..maintenance::Request::default() };
    let mine = maintenance::change(&held[0], &request, false, 20).unwrap();
    province.write(|transaction| update(transaction, &mine));
    let transaction = province.connection.transaction().unwrap();
    assert!(matches!(update(&transaction, &mine), Err(StoreError::Stale("work order"))));
    let unknown = WorkOrder { id: WorkOrderId(99), ..mine.clone() };
    assert!(matches!(update(&transaction, &unknown), Err(StoreError::Missing("work order"))));
    assert_eq!(one(&transaction, Scope::All, mine.id).unwrap().order, mine);
}

#[test]
fn callers_see_their_part_of_the_tree_and_nothing_else() {
    let mut province = Province::new();
    decide(&mut province, (1..=4).map(|asset| fired(asset, asset)).collect(), 10);
    let seen = |scope| ids(&page(&province.connection, scope, WorkOrderFilter::default(), None, 9).unwrap());
    assert_eq!(seen(Scope::All), [4, 3, 2, 1]);
    assert_eq!(seen(Scope::Agency(AgencyId(2))), [4, 2]);
    assert_eq!(seen(Scope::Agency(AgencyId(3))), [3]);
    let commune = Scope::Agency(AgencyId(4));
    let own = one(&province.connection, commune, WorkOrderId(4)).unwrap();
    assert_eq!((&*own.place.asset_name, &*own.place.agency_name), ("may-4", "Sín Thầu"));
    assert!(matches!(
        one(&province.connection, commune, WorkOrderId(2)),
        Err(StoreError::Missing("work order"))
    ));
    assert_eq!(counts(&province.connection, commune).unwrap().open, 1);
}

#[test]
fn filters_and_pages_go_together() {
    let mut province = Province::new();
    decide(&mut province, (1..=4).map(|asset| fired(asset, asset)).collect(), 10);
    let mut held = decide(&mut province, vec![resolved(2, 2), resolved(3, 3)], 20);
    let request = maintenance::Request {
        state: Some(WorkOrderState::Planned),
        planned_ms: Some(Some(99)),
        ..maintenance::Request::default()
    };
    held[2] = maintenance::change(&held[2], &request, true, 30).unwrap();
    province.write(|transaction| update(transaction, &held[2]));
    let read =
        |filter, after, limit| ids(&page(&province.connection, Scope::All, filter, after, limit).unwrap());
    let ready = WorkOrderFilter { ready: Some(true), ..WorkOrderFilter::default() };
    assert_eq!(read(ready, None, 9), [3, 2]);
    assert_eq!(read(WorkOrderFilter { state: Some(WorkOrderState::Planned), ..ready }, None, 9), [3]);
    assert_eq!(read(WorkOrderFilter { ready: Some(false), ..ready }, None, 9), [4, 1]);
    assert_eq!(read(WorkOrderFilter { asset: Some(AssetId(2)), ..ready }, None, 9), [2]);
    assert_eq!(read(WorkOrderFilter { agency: Some(AgencyId(2)), ..ready }, None, 9), [2]);
    assert_eq!(read(WorkOrderFilter::default(), Some(3), 1), [2]);
    let site = one(&province.connection, Scope::All, WorkOrderId(4)).unwrap().place.site;
    assert_eq!(read(WorkOrderFilter { site: Some(site), ..WorkOrderFilter::default() }, None, 9), [4]);
    let expected = WorkOrderCounts { open: 3, planned: 1, ready_to_verify: 2, ..WorkOrderCounts::default() };
    assert_eq!(counts(&province.connection, Scope::All).unwrap(), expected);
}

#[test]
fn a_reopened_order_is_found_where_it_is_counted() {
    let mut province = Province::new();
    let held = decide(&mut province, vec![fired(1, 1), fired(2, 2), fired(3, 3)], 10);
    let ask = |state, planned_ms| maintenance::Request {
        state: Some(state),
        planned_ms: Some(planned_ms),
        ..maintenance::Request::default()
    };
    let done = maintenance::change(&held[0], &ask(WorkOrderState::Done, None), false, 20).unwrap();
    let reopened = maintenance::change(&done, &ask(WorkOrderState::Reopened, None), false, 30).unwrap();
    let planned = maintenance::change(&held[1], &ask(WorkOrderState::Planned, Some(99)), false, 30).unwrap();
    for order in [&done, &reopened, &planned] {
        province.write(|transaction| update(transaction, order));
    }
    let found = |state| {
        let filter = WorkOrderFilter { state: Some(state), ..WorkOrderFilter::default() };
        ids(&page(&province.connection, Scope::All, filter, None, 9).unwrap())
    };
    assert_eq!(found(WorkOrderState::Open), [3, 1]);
    assert_eq!(found(WorkOrderState::Reopened), [1]);
    assert_eq!(counts(&province.connection, Scope::All).unwrap().open, 2);
}

#[test]
fn evidence_in_the_store_is_bounded_as_it_is_in_memory() {
    let mut province = Province::new();
    let mut held = decide(&mut province, vec![fired(1, 1), resolved(1, 1)], 1);
    for id in 2..=100 {
        held = decide(&mut province, vec![fired(id, 1), resolved(id, 1)], id);
    }
    assert_eq!(held[0].evidence.len(), EVIDENCE_MAX);
    let stored = &open(&province.connection).unwrap()[0];
    assert_eq!(stored.evidence, held[0].evidence);
}
