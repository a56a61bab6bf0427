//! Statements about agencies and sites.

use crate::model::agency::{Agency, AgencyId, AgencyKind, Scope, Site, SiteId};
use crate::store::StoreError;
use crate::store::sqlite::scope;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

/// Columns of a site, as [`site_of`] takes them.
const SITE: &str = "id, agency, name, address, latitude, longitude, history_bytes_per_minute, version";

/// Agencies within `scope` by id, at most `limit` of them behind `after`.
pub fn page(
    connection: &Connection,
    scope: Scope,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<Agency>, StoreError> {
    let statement = format!(
        "SELECT id, name, kind, parent FROM agency WHERE id > :after AND {} ORDER BY id LIMIT :limit",
        scope::within("agency.id", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! {
        ":after": after.unwrap_or(0), ":scope": scope::parameter(scope), ":limit": limit as i64,
    };
    let rows = statement.query_map(parameters, |row| {
        Ok(Agency {
            id: AgencyId(row.get(0)?),
            name: row.get(1)?,
            kind: kind_from_word(&row.get::<_, String>(2)?),
            parent: row.get::<_, Option<i64>>(3)?.map(AgencyId),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Sites within `scope` by id, at most `limit` of them behind `after`.
pub fn sites(
    connection: &Connection,
    scope: Scope,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<Site>, StoreError> {
    let statement = format!(
        "SELECT {SITE} FROM site \
         WHERE id > :after AND {} ORDER BY id LIMIT :limit",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! {
        ":after": after.unwrap_or(0), ":scope": scope::parameter(scope), ":limit": limit as i64,
    };
    let rows = statement.query_map(parameters, site_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One site; missing when it is not within `scope`.
pub fn site(connection: &Connection, scope: Scope, id: SiteId) -> Result<Site, StoreError> {
    let statement =
        format!("SELECT {SITE} FROM site WHERE id = :id AND {}", scope::within("site.agency", ":scope"));
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! { ":id": id.0, ":scope": scope::parameter(scope) };
    statement.query_row(parameters, site_of).optional()?.ok_or(StoreError::Missing("site"))
}

/// Writes what may be changed of a site that was read as `version`; stale when somebody else has changed it since. Gives
/// it back with its new version.
pub fn update_site(connection: &Connection, site: &Site) -> Result<Site, StoreError> {
    let changed = connection.execute(
        "UPDATE site SET history_bytes_per_minute = ?2, version = version + 1 WHERE id = ?1 AND version = ?3",
        params![site.id.0, site.history_bytes_per_minute, site.version],
    )?;
    if changed == 0 {
        return Err(StoreError::Stale("site"));
    }
    Ok(Site { version: site.version + 1, ..site.clone() })
}

/// The sites whose history has a budget, in bytes a minute.
pub fn budgets(connection: &Connection) -> Result<Vec<(SiteId, u32)>, StoreError> {
    let find = "SELECT id, history_bytes_per_minute FROM site WHERE history_bytes_per_minute IS NOT NULL";
    let mut statement = connection.prepare_cached(find)?;
    let rows = statement.query_map([], |row| Ok((SiteId(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether an agency is within `scope`.
pub fn is_within(connection: &Connection, scope: Scope, id: AgencyId) -> Result<bool, StoreError> {
    let statement =
        format!("SELECT 1 FROM agency WHERE id = :id AND {}", scope::within("agency.id", ":scope"));
    let parameters = named_params! { ":id": id.0, ":scope": scope::parameter(scope) };
    Ok(connection.prepare_cached(&statement)?.exists(parameters)?)
}

/// The agency at a path of names from the root, if all of them exist.
pub fn find(connection: &Connection, path: &[&str]) -> Result<Option<AgencyId>, StoreError> {
    let mut parent = None;
    for name in path {
        match child(connection, parent, name)? {
            Some(id) => parent = Some(id),
            None => return Ok(None),
        }
    }
    Ok(parent.map(AgencyId))
}

/// The agency at a path of names from the root; those that are absent are made, at most within `scope`: a caller
/// whose scope is one agency can name agencies below it, and gets `Missing` for any other.
pub fn ensure(connection: &Connection, scope: Scope, path: &[&str]) -> Result<AgencyId, StoreError> {
    let mut parent = None;
    for (depth, name) in path.iter().enumerate() {
        let existing = child(connection, parent, name)?;
        let id = match existing {
            Some(id) => id,
            None => {
                let allowed = match (scope, parent) {
                    (Scope::All, _) => true,
                    (Scope::Agency(_), Some(parent)) => is_within(connection, scope, AgencyId(parent))?,
                    (Scope::Agency(_), None) => false,
                };
                if !allowed {
                    return Err(StoreError::Missing("agency"));
                }
                let kind = kind_at(depth, name);
                connection.execute(
                    "INSERT INTO agency (parent, name, kind) VALUES (?1, ?2, ?3)",
                    params![parent, name, kind_word(kind)],
                )?;
                connection.last_insert_rowid()
            }
        };
        parent = Some(id);
    }
    let id = parent.map(AgencyId).ok_or(StoreError::Missing("agency"))?;
    if is_within(connection, scope, id)? { Ok(id) } else { Err(StoreError::Missing("agency")) }
}

/// An agency's site of a name; made when absent.
pub fn ensure_site(connection: &Connection, agency: AgencyId, name: &str) -> Result<SiteId, StoreError> {
    connection.execute(
        "INSERT INTO site (agency, name) VALUES (?1, ?2) ON CONFLICT (agency, name) DO NOTHING",
        params![agency.0, name],
    )?;
    let find = "SELECT id FROM site WHERE agency = ?1 AND name = ?2";
    Ok(connection.query_row(find, params![agency.0, name], |row| row.get(0).map(SiteId))?)
}

/// An agency's site of a name, if it has one.
pub fn find_site(
    connection: &Connection,
    agency: AgencyId,
    name: &str,
) -> Result<Option<SiteId>, StoreError> {
    let find = "SELECT id FROM site WHERE agency = ?1 AND name = ?2";
    let found = connection.query_row(find, params![agency.0, name], |row| row.get(0).map(SiteId));
    Ok(found.optional()?)
}

fn child(connection: &Connection, parent: Option<i64>, name: &str) -> Result<Option<i64>, StoreError> {
    let find = "SELECT id FROM agency WHERE coalesce(parent, 0) = coalesce(?1, 0) AND name = ?2";
    let mut statement = connection.prepare_cached(find)?;
    Ok(statement.query_row(params![parent, name], |row| row.get(0)).optional()?)
}

fn site_of(row: &Row<'_>) -> rusqlite::Result<Site> {
    Ok(Site {
        id: SiteId(row.get(0)?),
        agency: AgencyId(row.get(1)?),
        name: row.get(2)?,
        address: row.get(3)?,
        latitude: row.get(4)?,
        longitude: row.get(5)?,
        history_bytes_per_minute: row.get(6)?,
        version: row.get(7)?,
    })
}

/// The kind that a new agency is taken for: by its place in the path, and for departments by how Vietnamese names
/// them (`Sở ...`, `Ban ...`, `Văn phòng ...`).
fn kind_at(depth: usize, name: &str) -> AgencyKind {
    const DEPARTMENTS: [&str; 6] = ["sở ", "ban ", "văn phòng ", "thanh tra ", "trung tâm ", "department"];
    let lower = name.to_lowercase();
    match depth {
        0 => AgencyKind::Province,
        1 if DEPARTMENTS.iter().any(|word| lower.starts_with(word)) => AgencyKind::Department,
        1 => AgencyKind::District,
        _ => AgencyKind::Commune,
    }
}

const fn kind_word(kind: AgencyKind) -> &'static str {
    match kind {
        AgencyKind::Province => "province",
        AgencyKind::Department => "department",
        AgencyKind::District => "district",
        AgencyKind::Commune => "commune",
    }
}

/// The schema checks the words, so that the last one is all that is left.
fn kind_from_word(word: &str) -> AgencyKind {
    match word {
        "province" => AgencyKind::Province,
        "department" => AgencyKind::Department,
        "district" => AgencyKind::District,
        _ => AgencyKind::Commune,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::open_writer;

    #[test]
    fn a_path_is_made_once_and_departments_are_told_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = open_writer(dir.path()).unwrap();
        let path = ["Tỉnh Hà Giang", "Huyện Đồng Văn", "Xã Lũng Cú"];
        let commune = ensure(&store, Scope::All, &path).unwrap();
        assert_eq!(ensure(&store, Scope::All, &path).unwrap(), commune);
        ensure(&store, Scope::All, &["Tỉnh Hà Giang", "Sở Y tế"]).unwrap();
        let kinds: Vec<_> =
            page(&store, Scope::All, None, 10).unwrap().into_iter().map(|agency| agency.kind).collect();
        let expected =
            [AgencyKind::Province, AgencyKind::District, AgencyKind::Commune, AgencyKind::Department];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_sites_budget_is_changed_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = open_writer(dir.path()).unwrap();
        let owner = ensure(&store, Scope::All, &["P"]).unwrap();
        let id = ensure_site(&store, owner, "s").unwrap();
        let mut read = site(&store, Scope::All, id).unwrap();
        assert_eq!((read.history_bytes_per_minute, budgets(&store).unwrap()), (None, vec![]));
        read.history_bytes_per_minute = Some(u32::MAX);
        let changed = update_site(&store, &read).unwrap();
        assert_eq!(site(&store, Scope::All, id).unwrap(), changed);
        assert_eq!(budgets(&store).unwrap(), [(id, u32::MAX)]);
        assert!(matches!(update_site(&store, &read), Err(StoreError::Stale("site"))));
    }

    #[test]
    fn a_limited_caller_makes_agencies_only_below_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let store = open_writer(dir.path()).unwrap();
        let district = ensure(&store, Scope::All, &["P", "A"]).unwrap();
        ensure(&store, Scope::All, &["P", "B"]).unwrap();
        let scope = Scope::Agency(district);
        assert!(ensure(&store, scope, &["P", "A", "new"]).is_ok());
        for path in [&["P", "B"][..], &["P", "B", "new"], &["P", "new"], &["new"], &["P"], &[]] {
            assert!(matches!(ensure(&store, scope, path), Err(StoreError::Missing("agency"))), "{path:?}");
        }
        let names: Vec<_> = page(&store, scope, None, 10).unwrap().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["A", "new"]);
    }
}
