//! Statements about policies: the one at a place, and all that an agent of a site is under.

use crate::model::agency::{Scope, SiteId};
use crate::model::policy::{Place, PlacedPolicy};
use crate::store::StoreError;
use crate::store::sqlite::agency;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Agencies above each other that are followed.
const DEPTH_MAX: i64 = 32;

/// The policy at a place within `scope`; an empty one when there is none. Missing when the place is not within it.
pub fn at(connection: &Connection, scope: Scope, place: Place) -> Result<PlacedPolicy, StoreError> {
    check(connection, scope, place)?;
    let (agency, site) = columns(place);
    let sql = "SELECT body, version FROM policy WHERE coalesce(agency, 0) = coalesce(?1, 0) \
               AND coalesce(site, 0) = coalesce(?2, 0)";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![agency, site], |row| Ok(PlacedPolicy { body: row.get(0)?, version: row.get(1)? }));
    Ok(found.optional()?.unwrap_or_default())
}

/// Puts a policy in the place of the one before; returns its version.
pub fn put(
    connection: &Connection,
    scope: Scope,
    place: Place,
    body: &str,
    now_ms: i64,
) -> Result<i64, StoreError> {
    let version = at(connection, scope, place)?.version + 1;
    let (agency, site) = columns(place);
    connection.execute(
        "INSERT INTO policy (agency, site, body, version, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (coalesce(agency, 0), coalesce(site, 0)) \
         DO UPDATE SET body = excluded.body, version = excluded.version, changed_ms = excluded.changed_ms",
        params![agency, site, body, version, now_ms],
    )?;
    Ok(version)
}

/// What agents of a site are asked, the widest place first.
pub fn above(connection: &Connection, site: SiteId) -> Result<Vec<String>, StoreError> {
    let sql = "WITH RECURSIVE above (id, depth) AS ( \
                 SELECT agency, 0 FROM site WHERE id = ?1 \
                 UNION ALL SELECT agency.parent, depth + 1 FROM agency JOIN above ON agency.id = above.id \
                 WHERE agency.parent IS NOT NULL AND depth < ?2) \
               SELECT body FROM (SELECT body, 1000 AS depth FROM policy WHERE agency IS NULL AND site IS NULL \
                 UNION ALL SELECT body, depth FROM policy JOIN above ON policy.agency = above.id \
                 UNION ALL SELECT body, -1 FROM policy WHERE site = ?1) ORDER BY depth DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![site.0, DEPTH_MAX], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether any place has one.
pub fn any(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached("SELECT 1 FROM policy")?.exists([])?)
}

fn check(connection: &Connection, scope: Scope, place: Place) -> Result<(), StoreError> {
    match place {
        Place::All if place.is_open_to(scope) => Ok(()),
        Place::All => Err(StoreError::Missing("policy")),
        Place::Agency(id) if agency::is_within(connection, scope, id)? => Ok(()),
        Place::Agency(_) => Err(StoreError::Missing("agency")),
        Place::Site(id) => agency::site(connection, scope, id).map(drop),
    }
}

const fn columns(place: Place) -> (Option<i64>, Option<i64>) {
    match place {
        Place::All => (None, None),
        Place::Agency(id) => (Some(id.0), None),
        Place::Site(id) => (None, Some(id.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agency::AgencyId;
    use crate::store::sqlite::open_writer;

    #[test]
    fn a_site_is_under_every_policy_above_it_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let store = open_writer(dir.path()).unwrap();
        let agency = |path: &[&str]| agency::ensure(&store, Scope::All, path).unwrap();
        let (root, district, other) = (agency(&["P"]), agency(&["P", "A"]), agency(&["P", "B"]));
        let site = agency::ensure_site(&store, district, "s").unwrap();
        assert_eq!(above(&store, site).unwrap(), [""; 0]);
        assert!(!any(&store).unwrap());
        let put = |place, body: &str| put(&store, Scope::All, place, body, 5).unwrap();
        put(Place::Site(site), "site");
        put(Place::Agency(other), "other");
        put(Place::Agency(district), "district");
        put(Place::All, "all");
        put(Place::Agency(root), "root");
        assert_eq!(above(&store, site).unwrap(), ["all", "root", "district", "site"]);
        assert_eq!(put(Place::All, "again"), 2);
        assert_eq!(at(&store, Scope::All, Place::All).unwrap().body, "again");
        assert!(any(&store).unwrap());
    }

    #[test]
    fn places_outside_a_scope_are_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = open_writer(dir.path()).unwrap();
        let own = agency::ensure(&store, Scope::All, &["P", "A"]).unwrap();
        let other = agency::ensure(&store, Scope::All, &["P", "B"]).unwrap();
        let site = agency::ensure_site(&store, other, "s").unwrap();
        let scope = Scope::Agency(own);
        assert_eq!(at(&store, scope, Place::Agency(own)).unwrap(), PlacedPolicy::default());
        for place in [Place::All, Place::Agency(other), Place::Site(site), Place::Agency(AgencyId(99))] {
            assert!(matches!(put(&store, scope, place, "{}", 5), Err(StoreError::Missing(_))), "{place:?}");
        }
    }
}
