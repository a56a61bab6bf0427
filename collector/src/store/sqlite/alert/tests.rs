//! Alerts in a store on disk, and the small province that these tests share with those of work orders.

use super::*;
use crate::health::{BuiltIn, RETIRED};
use crate::store::sqlite::open_writer;
use tempfile::TempDir;

/// A province (1) with two districts (2, 3) and a commune (4) below the first; a site and an asset in each, of the
/// agency's number.
pub(crate) struct Province {
    pub(crate) connection: Connection,
    _dir: TempDir,
}

impl Province {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let connection = open_writer(dir.path()).unwrap();
        connection
            .execute_batch(
                "INSERT INTO agency (id, parent, name, kind) VALUES (1, NULL, 'Điện Biên', 'province'),
                   (2, 1, 'Mường Nhé', 'district'), (3, 1, 'Tủa Chùa', 'district'), (4, 2, 'Sín Thầu', 'commune');
                 INSERT INTO site (id, agency, name) SELECT id, id, 'Trụ sở ' || name FROM agency;
                 INSERT INTO asset (id, site, name, kind, always_on) SELECT id, id, 'may-' || id, 'server', 1 FROM site;",
            )
            .unwrap();
        Self { connection, _dir: dir }
    }

    pub(crate) fn write(&mut self, change: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>) {
        let transaction = self.connection.transaction().unwrap();
        change(&transaction).unwrap();
        transaction.commit().unwrap();
    }
}

pub(crate) fn alert(id: i64, asset: i64, part: &str) -> Alert {
    Alert {
        id: Some(AlertId(id)),
        rule: BuiltIn::FilesystemNearlyFull.id(),
        asset: AssetId(asset),
        part: Arc::from(part),
        severity: Severity::Warning,
        state: AlertState::Firing,
        since_ms: 100,
        fired_ms: Some(200),
        resolved_ms: None,
        acknowledged: None,
        figures: Figures::from([("used_share".to_owned(), 0.93)]),
        component: None,
        work_order: None,
        watch: Watch { seen_ms: 200, ..Watch::default() },
    }
}

fn ids(page: &[PlacedAlert]) -> Vec<i64> {
    page.iter().filter_map(|placed| placed.alert.id).map(|id| id.0).collect()
}

#[test]
fn what_fired_is_read_back_as_it_was_and_followed_to_its_end() {
    let mut province = Province::new();
    let part = "/srv/\"quoted\" <b>\u{202e}\n";
    let fired = alert(1, 4, part);
    province.write(|transaction| put(transaction, &fired));
    assert_eq!(firing(&province.connection).unwrap(), std::slice::from_ref(&fired));
    assert_eq!(next_id(&province.connection).unwrap(), AlertId(2));

    let resolved = Alert {
        state: AlertState::Resolved,
        severity: Severity::Critical,
        resolved_ms: Some(900),
        figures: Figures::from([("used_share".to_owned(), 0.2)]),
        ..fired
    };
    province.write(|transaction| put(transaction, &resolved));
    assert!(firing(&province.connection).unwrap().is_empty());
    let found = one(&province.connection, Scope::All, AlertId(1)).unwrap();
    assert_eq!(found.alert, resolved);
    assert_eq!((&*found.place.site_name, &*found.place.agency_name), ("Trụ sở Sín Thầu", "Sín Thầu"));
}

#[test]
fn pending_alerts_have_no_row() {
    let mut province = Province::new();
    let pending = Alert { id: None, fired_ms: None, state: AlertState::Pending, ..alert(1, 1, "") };
    province.write(|transaction| put(transaction, &pending));
    assert!(page(&province.connection, Scope::All, AlertFilter::default(), None, 9).unwrap().is_empty());
}

#[test]
fn a_second_firing_alert_of_one_rule_and_part_is_refused() {
    let mut province = Province::new();
    province.write(|transaction| put(transaction, &alert(1, 1, "/")));
    let transaction = province.connection.transaction().unwrap();
    assert!(put(&transaction, &alert(2, 1, "/")).is_err());
    assert!(put(&transaction, &alert(3, 1, "/srv")).is_ok());
}

#[test]
fn callers_see_their_part_of_the_tree_and_nothing_else() {
    let mut province = Province::new();
    province.write(|transaction| (1..=4).try_for_each(|asset| put(transaction, &alert(asset, asset, "/"))));
    let seen = |scope| ids(&page(&province.connection, scope, AlertFilter::default(), None, 9).unwrap());
    assert_eq!(seen(Scope::All), [4, 3, 2, 1]);
    assert_eq!(seen(Scope::Agency(AgencyId(1))), [4, 3, 2, 1]);
    assert_eq!(seen(Scope::Agency(AgencyId(2))), [4, 2]);
    assert_eq!(seen(Scope::Agency(AgencyId(4))), [4]);
    assert_eq!(seen(Scope::Agency(AgencyId(99))), [0; 0]);
    let district = Scope::Agency(AgencyId(2));
    assert!(one(&province.connection, district, AlertId(4)).is_ok());
    let foreign = one(&province.connection, district, AlertId(3)).unwrap_err();
    assert_eq!(foreign.to_string(), "no such alert");
    assert_eq!(counts(&province.connection, district).unwrap().warning, 2);
}

#[test]
fn filters_and_pages_go_together() {
    let mut province = Province::new();
    province.write(|transaction| {
        for id in 1..=10 {
            let state = if id % 2 == 0 { AlertState::Firing } else { AlertState::Resolved };
            let severity = if id > 5 { Severity::Critical } else { Severity::Info };
            put(transaction, &Alert { state, severity, ..alert(id, 1 + id % 4, &format!("/{id}")) })?;
        }
        Ok(())
    });
    let read =
        |filter, after, limit| ids(&page(&province.connection, Scope::All, filter, after, limit).unwrap());
    let firing = AlertFilter { state: Some(AlertState::Firing), ..AlertFilter::default() };
    assert_eq!(read(firing, None, 2), [10, 8]);
    assert_eq!(read(firing, Some(8), 2), [6, 4]);
    assert_eq!(read(AlertFilter { severity: Some(Severity::Info), ..firing }, None, 9), [4, 2]);
    assert_eq!(read(AlertFilter { asset: Some(AssetId(3)), ..firing }, None, 9), [10, 6, 2]);
    let district = AlertFilter { agency: Some(AgencyId(2)), ..AlertFilter::default() };
    assert_eq!(read(district, None, 9), [9, 7, 5, 3, 1]);
    let site = place_of(&province.connection, Scope::All, None, AssetId(4)).unwrap().unwrap().site;
    let at_site = AlertFilter { site: Some(site), ..AlertFilter::default() };
    assert_eq!(read(at_site, None, 9), [7, 3]);
    let counts = counts(&province.connection, Scope::All).unwrap();
    assert_eq!(counts, AlertCounts { critical: 3, warning: 0, info: 2 });
}

#[test]
fn acknowledging_is_for_firing_alerts_within_the_callers_scope() {
    let mut province = Province::new();
    province.write(|transaction| put(transaction, &alert(1, 2, "/")));
    let seen = Acknowledgement { by: "hoa".to_owned(), at_ms: 300, note: "đã gọi xã".to_owned() };
    let mut by = |scope| {
        let transaction = province.connection.transaction().unwrap();
        let found = acknowledge(&transaction, scope, AlertId(1), &seen);
        transaction.commit().unwrap();
        found
    };
    assert!(matches!(by(Scope::Agency(AgencyId(3))), Err(StoreError::Missing("alert"))));
    assert_eq!(by(Scope::Agency(AgencyId(2))).unwrap().alert.acknowledged, Some(seen.clone()));
    assert_eq!(firing(&province.connection).unwrap()[0].acknowledged, Some(seen.clone()));
    // Deciding goes on, and does not forget it.
    province
        .write(|transaction| put(transaction, &Alert { state: AlertState::Resolved, ..alert(1, 2, "/") }));
    let transaction = province.connection.transaction().unwrap();
    assert_eq!(one(&transaction, Scope::All, AlertId(1)).unwrap().alert.acknowledged, Some(seen.clone()));
    assert!(matches!(acknowledge(&transaction, Scope::All, AlertId(1), &seen), Err(StoreError::Conflict(_))));
}

#[test]
fn an_alert_of_a_rule_that_is_no_more_can_still_be_shown() {
    let mut province = Province::new();
    province.write(|transaction| put(transaction, &alert(1, 1, "/")));
    province.connection.execute("UPDATE alert SET rule = 'of_release_9', figures = 'torn'", []).unwrap();
    let found = one(&province.connection, Scope::All, AlertId(1)).unwrap().alert;
    assert_eq!((found.rule, found.figures.len()), (RETIRED, 0));
}
