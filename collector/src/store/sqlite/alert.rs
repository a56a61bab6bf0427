//! Statements about alerts. Only what fired has a row; pending alerts live in memory.

use crate::health::rule_id;
use crate::model::agency::{AgencyId, Scope, SiteId};
use crate::model::alert::{Acknowledgement, Alert, AlertId, AlertState, Figures, Severity, Watch};
use crate::model::asset::AssetId;
use crate::model::work_order::WorkOrderId;
use crate::store::StoreError;
use crate::store::sqlite::{component, scope};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};
use std::sync::Arc;

#[cfg(test)]
pub(super) mod tests;

/// Where an asset stands, with the names that people know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The asset's name.
    pub asset_name: String,
    /// Its site.
    pub site: SiteId,
    /// The site's name.
    pub site_name: String,
    /// Its agency.
    pub agency: AgencyId,
    /// The agency's name.
    pub agency_name: String,
}

/// The place that a row holds in five columns from `first` on.
pub(super) fn place(row: &Row<'_>, first: usize) -> rusqlite::Result<Place> {
    Ok(Place {
        asset_name: row.get(first)?,
        site: SiteId(row.get(first + 1)?),
        site_name: row.get(first + 2)?,
        agency: AgencyId(row.get(first + 3)?),
        agency_name: row.get(first + 4)?,
    })
}

/// An alert and where its asset stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedAlert {
    /// The alert.
    pub alert: Alert,
    /// Where.
    pub place: Place,
}

/// Which alerts.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlertFilter {
    /// Only those in this state.
    pub state: Option<AlertState>,
    /// Only those of this severity.
    pub severity: Option<Severity>,
    /// Only those of this asset.
    pub asset: Option<AssetId>,
    /// Only those of this agency and below.
    pub agency: Option<AgencyId>,
    /// Only those of this site.
    pub site: Option<SiteId>,
}

/// Firing alerts by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertCounts {
    /// Worth going now.
    pub critical: u64,
    /// Worth planning.
    pub warning: u64,
    /// Worth knowing.
    pub info: u64,
}

const COLUMNS: &str = "alert.id, alert.rule, alert.asset, alert.part, alert.severity, alert.state, \
    alert.since_ms, alert.fired_ms, alert.resolved_ms, alert.acknowledged_by, alert.acknowledged_ms, \
    alert.acknowledged_note, alert.figures, alert.work_order, alert.component";
const PLACED: &str = "asset.name, site.id, site.name, agency.id, agency.name \
    FROM alert JOIN asset ON asset.id = alert.asset JOIN site ON site.id = asset.site \
    JOIN agency ON agency.id = site.agency";

/// Every firing alert: what memory starts from.
pub fn firing(connection: &Connection) -> Result<Vec<Alert>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM alert WHERE state = 'firing' ORDER BY id");
    let mut statement = connection.prepare(&statement)?;
    let rows = statement.query_map([], alert)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The id that the next alert gets.
pub fn next_id(connection: &Connection) -> Result<AlertId, StoreError> {
    let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM alert", [], |row| row.get(0))?;
    Ok(AlertId(last + 1))
}

/// Writes an alert that has fired, whole: its first row, or what became of it. Pending alerts are not written.
pub fn put(transaction: &Transaction<'_>, alert: &Alert) -> Result<(), StoreError> {
    let (Some(id), Some(fired_ms)) = (alert.id, alert.fired_ms) else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT INTO alert (id, rule, asset, part, severity, state, since_ms, fired_ms, resolved_ms, figures, \
             work_order, component) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, state = excluded.state, \
             resolved_ms = excluded.resolved_ms, figures = excluded.figures, \
             work_order = coalesce(excluded.work_order, work_order), \
             component = coalesce(excluded.component, component)",
        )?
        .execute(params![
            id.0,
            alert.rule.0,
            alert.asset.0,
            &*alert.part,
            alert.severity.as_str(),
            alert.state.as_str(),
            alert.since_ms,
            fired_ms,
            alert.resolved_ms,
            figures_text(&alert.figures)?,
            alert.work_order.map(|order| order.0),
            alert.component.as_deref().map(component::to_text),
        ])?;
    Ok(())
}

/// Notes that someone has seen a firing alert, and gives it back. Seeing it again replaces the note.
pub fn acknowledge(
    transaction: &Transaction<'_>,
    scope: Scope,
    id: AlertId,
    acknowledgement: &Acknowledgement,
) -> Result<PlacedAlert, StoreError> {
    let mut found = one(transaction, scope, id)?;
    if found.alert.state != AlertState::Firing {
        return Err(StoreError::Conflict(
            "the alert is resolved: there is nothing to acknowledge".to_owned(),
        ));
    }
    transaction.execute(
        "UPDATE alert SET acknowledged_by = ?2, acknowledged_ms = ?3, acknowledged_note = ?4 WHERE id = ?1",
        params![id.0, acknowledgement.by, acknowledgement.at_ms, acknowledgement.note],
    )?;
    found.alert.acknowledged = Some(acknowledgement.clone());
    Ok(found)
}

/// Alerts within `scope`, newest first: at most `limit` of them behind the id `after`.
pub fn page(
    connection: &Connection,
    scope: Scope,
    filter: AlertFilter,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<PlacedAlert>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS}, {PLACED} WHERE alert.id < :after AND {} AND {} \
         AND (:state IS NULL OR alert.state = :state) AND (:severity IS NULL OR alert.severity = :severity) \
         AND (:site IS NULL OR asset.site = :site) AND (:asset IS NULL OR alert.asset = :asset) \
         ORDER BY alert.id DESC LIMIT :limit",
        scope::within("site.agency", ":scope"),
        scope::within("site.agency", ":agency"),
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! {
        ":after": after.unwrap_or(i64::MAX), ":scope": scope::parameter(scope),
        ":agency": filter.agency.map(|agency| agency.0), ":state": filter.state.map(AlertState::as_str),
        ":severity": filter.severity.map(Severity::as_str), ":asset": filter.asset.map(|asset| asset.0),
        ":site": filter.site.map(|site| site.0), ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
    };
    let rows = statement.query_map(parameters, placed)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where an asset stands; none when that is not within `scope`, or not of `agency` and below.
pub fn place_of(
    connection: &Connection,
    scope: Scope,
    agency: Option<AgencyId>,
    asset: AssetId,
) -> Result<Option<Place>, StoreError> {
    let statement = format!(
        "SELECT asset.name, site.id, site.name, agency.id, agency.name FROM asset \
         JOIN site ON site.id = asset.site JOIN agency ON agency.id = site.agency \
         WHERE asset.id = :id AND {} AND {}",
        scope::within("site.agency", ":scope"),
        scope::within("site.agency", ":agency"),
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let agency = agency.map(|agency| agency.0);
    let parameters = named_params! { ":id": asset.0, ":scope": scope::parameter(scope), ":agency": agency };
    Ok(statement.query_row(parameters, |row| place(row, 0)).optional()?)
}

/// One alert; missing when it is not within `scope`.
pub fn one(connection: &Connection, scope: Scope, id: AlertId) -> Result<PlacedAlert, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS}, {PLACED} WHERE alert.id = :id AND {}",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! { ":id": id.0, ":scope": scope::parameter(scope) };
    statement.query_row(parameters, placed).optional()?.ok_or(StoreError::Missing("alert"))
}

/// How many alerts fire within `scope`.
pub fn counts(connection: &Connection, scope: Scope) -> Result<AlertCounts, StoreError> {
    let statement = format!(
        "SELECT count(*) FILTER (WHERE alert.severity = 'critical'), \
         count(*) FILTER (WHERE alert.severity = 'warning'), count(*) FILTER (WHERE alert.severity = 'info') \
         FROM alert JOIN asset ON asset.id = alert.asset JOIN site ON site.id = asset.site \
         WHERE alert.state = 'firing' AND {}",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let count = |row: &Row<'_>, place| row.get::<_, i64>(place).map(i64::unsigned_abs);
    let counts = statement.query_row(named_params! { ":scope": scope::parameter(scope) }, |row| {
        Ok(AlertCounts { critical: count(row, 0)?, warning: count(row, 1)?, info: count(row, 2)? })
    })?;
    Ok(counts)
}

/// Figures as they are stored.
pub(super) fn figures_text(figures: &Figures) -> Result<String, StoreError> {
    serde_json::to_string(figures).map_err(|error| StoreError::Conflict(format!("figures: {error}")))
}

/// Stored figures; none where they cannot be read, rather than a row that no page can show.
pub(super) fn figures(text: &str) -> Figures {
    serde_json::from_str(text).unwrap_or_default()
}

fn placed(row: &Row<'_>) -> rusqlite::Result<PlacedAlert> {
    Ok(PlacedAlert { alert: alert(row)?, place: place(row, 15)? })
}

fn alert(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let (rule, part, severity, state): (String, String, String, String) =
        (row.get(1)?, row.get(3)?, row.get(4)?, row.get(5)?);
    let fired_ms: i64 = row.get(7)?;
    let acknowledged = match row.get::<_, Option<String>>(9)? {
        Some(by) => Some(Acknowledgement {
            by,
            at_ms: row.get::<_, Option<i64>>(10)?.unwrap_or_default(),
            note: row.get::<_, Option<String>>(11)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Alert {
        id: Some(AlertId(row.get(0)?)),
        rule: rule_id(&rule),
        asset: AssetId(row.get(2)?),
        part: Arc::from(part),
        severity: Severity::from_word(&severity).unwrap_or(Severity::Warning),
        state: AlertState::from_word(&state).unwrap_or(AlertState::Firing),
        since_ms: row.get(6)?,
        fired_ms: Some(fired_ms),
        resolved_ms: row.get(8)?,
        acknowledged,
        figures: figures(&row.get::<_, String>(12)?),
        component: row.get::<_, Option<String>>(14)?.and_then(|text| component::of_text(&text)).map(Arc::new),
        work_order: row.get::<_, Option<i64>>(13)?.map(WorkOrderId),
        watch: Watch { seen_ms: fired_ms, ..Watch::default() },
    })
}
