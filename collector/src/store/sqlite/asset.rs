//! Statements about assets, with the names of where they stand.

use crate::model::agency::{AgencyId, Scope, SiteId};
use crate::model::asset::{Asset, AssetId, AssetKind};
use crate::store::StoreError;
use crate::store::sqlite::scope;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use std::collections::HashMap;

/// An asset with the names of its site and agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedAsset {
    /// The asset.
    pub asset: Asset,
    /// Its site's name.
    pub site_name: String,
    /// Its agency.
    pub agency: AgencyId,
    /// Its agency's name.
    pub agency_name: String,
}

/// Which assets.
#[derive(Debug, Clone, Copy, Default)]
pub struct AssetFilter {
    /// Only those of this agency and below.
    pub agency: Option<i64>,
    /// Only those of this site.
    pub site: Option<i64>,
    /// Only those of this kind.
    pub kind: Option<AssetKind>,
}

const SELECT: &str = "SELECT asset.id, asset.site, asset.name, asset.kind, asset.always_on, asset.version, \
                      site.name, site.agency, agency.name \
                      FROM asset JOIN site ON site.id = asset.site JOIN agency ON agency.id = site.agency";

/// Assets within `scope` by id, at most `limit` of them behind `after`.
pub fn page(
    connection: &Connection,
    scope: Scope,
    filter: AssetFilter,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<PlacedAsset>, StoreError> {
    let mut statement = connection.prepare_cached(&page_statement(filter))?;
    let parameters = named_params! {
        ":after": after.unwrap_or(0), ":scope": scope::parameter(scope), ":agency": filter.agency,
        ":site": filter.site, ":kind": filter.kind.map(AssetKind::as_str), ":limit": limit as i64,
    };
    let rows = statement.query_map(parameters, placed)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn page_statement(filter: AssetFilter) -> String {
    format!(
        "{SELECT} WHERE asset.id > :after AND {} AND {} AND {} \
         AND (:kind IS NULL OR asset.kind = :kind) ORDER BY asset.id LIMIT :limit",
        scope::within("site.agency", ":scope"),
        scope::within("site.agency", ":agency"),
        of_site(filter),
    )
}

/// Sites within `scope` that a filter leaves, whatever it says of kinds.
pub fn sites(connection: &Connection, scope: Scope, filter: AssetFilter) -> Result<Vec<SiteId>, StoreError> {
    let statement = format!(
        "SELECT site.id FROM site WHERE {} AND {} AND (:site IS NULL OR site.id = :site)",
        scope::within("site.agency", ":scope"),
        scope::within("site.agency", ":agency"),
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! {
        ":scope": scope::parameter(scope), ":agency": filter.agency, ":site": filter.site,
    };
    let rows = statement.query_map(parameters, |row| row.get(0).map(SiteId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ids of the assets of a site; none when it is not within `scope`.
pub fn ids_of_site(connection: &Connection, scope: Scope, site: SiteId) -> Result<Vec<AssetId>, StoreError> {
    let statement = format!(
        "SELECT asset.id FROM asset JOIN site ON site.id = asset.site WHERE asset.site = :site AND {}",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! { ":site": site.0, ":scope": scope::parameter(scope) };
    let rows = statement.query_map(parameters, |row| row.get(0).map(AssetId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The names of some assets; none of those that are not within `scope`. One statement for all: thousands may be shown.
pub fn names(
    connection: &Connection,
    scope: Scope,
    ids: impl Iterator<Item = AssetId>,
) -> Result<HashMap<AssetId, String>, StoreError> {
    let ids: Vec<String> = ids.map(|id| id.0.to_string()).collect();
    let statement = format!(
        "SELECT asset.id, asset.name FROM json_each(:ids) AS wanted CROSS JOIN asset ON asset.id = wanted.value \
         WHERE :scope IS NULL OR EXISTS (SELECT 1 FROM site WHERE site.id = asset.site AND {})",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters =
        named_params! { ":ids": format!("[{}]", ids.join(",")), ":scope": scope::parameter(scope) };
    let rows = statement.query_map(parameters, |row| Ok((AssetId(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A condition of its own for either case: one that holds for both would walk all assets for a site's.
const fn of_site(filter: AssetFilter) -> &'static str {
    if filter.site.is_some() { "asset.site = :site" } else { ":site IS NULL" }
}

/// One asset; missing when it is not within `scope`.
pub fn one(connection: &Connection, scope: Scope, id: AssetId) -> Result<PlacedAsset, StoreError> {
    let statement = format!("{SELECT} WHERE asset.id = :id AND {}", scope::within("site.agency", ":scope"));
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! { ":id": id.0, ":scope": scope::parameter(scope) };
    statement.query_row(parameters, placed).optional()?.ok_or(StoreError::Missing("asset"))
}

/// Ids of every asset within `scope`, in order.
pub fn ids(connection: &Connection, scope: Scope) -> Result<Vec<AssetId>, StoreError> {
    let statement = format!(
        "SELECT asset.id FROM asset JOIN site ON site.id = asset.site WHERE {} ORDER BY asset.id",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let rows = statement
        .query_map(named_params! { ":scope": scope::parameter(scope) }, |row| row.get(0).map(AssetId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes an asset that was read as `version`; stale when somebody else has changed it since. Gives it back with its
/// new version.
pub fn update(connection: &Connection, asset: &Asset) -> Result<Asset, StoreError> {
    let changed = connection.execute(
        "UPDATE asset SET site = ?2, name = ?3, kind = ?4, always_on = ?5, version = version + 1 \
         WHERE id = ?1 AND version = ?6",
        params![asset.id.0, asset.site.0, asset.name, asset.kind.as_str(), asset.always_on, asset.version],
    )?;
    if changed == 0 {
        return Err(StoreError::Stale("asset"));
    }
    Ok(Asset { version: asset.version + 1, ..asset.clone() })
}

fn placed(row: &Row<'_>) -> rusqlite::Result<PlacedAsset> {
    let kind: String = row.get(3)?;
    Ok(PlacedAsset {
        asset: Asset {
            id: AssetId(row.get(0)?),
            site: SiteId(row.get(1)?),
            name: row.get(2)?,
            kind: AssetKind::from_word(&kind).unwrap_or(AssetKind::Server),
            always_on: row.get(4)?,
            version: row.get(5)?,
        },
        site_name: row.get(6)?,
        agency: AgencyId(row.get(7)?),
        agency_name: row.get(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite;

    #[test]
    fn the_assets_of_a_site_are_found_without_looking_at_all_others() {
        let folder = tempfile::tempdir().unwrap();
        let connection = sqlite::open_writer(folder.path()).unwrap();
        let filter = AssetFilter { site: Some(1), ..AssetFilter::default() };
        let plan = format!("EXPLAIN QUERY PLAN {}", page_statement(filter));
        let mut statement = connection.prepare(&plan).unwrap();
        let (mut rows, mut steps) = (statement.raw_query(), String::new());
        while let Some(row) = rows.next().unwrap() {
            steps += &row.get::<_, String>(3).unwrap();
            steps += "; ";
        }
        assert!(steps.contains("asset_site") && !steps.contains("SCAN asset"), "{steps}");
    }
}
