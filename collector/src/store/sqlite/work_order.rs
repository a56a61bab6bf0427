//! Statements about work orders and their evidence.

use crate::alert::AlertChange;
use crate::health::rule_id;
use crate::maintenance::{EVIDENCE_MAX, WorkOrderChange};
use crate::model::agency::{AgencyId, Scope, SiteId};
use crate::model::alert::AlertId;
use crate::model::asset::AssetId;
use crate::model::work_order::{Evidence, WorkOrder, WorkOrderId, WorkOrderState};
use crate::store::StoreError;
use crate::store::sqlite::alert::{self, Place};
use crate::store::sqlite::{component, scope};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// A work order and where its asset stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedWorkOrder {
    /// The work order, with its evidence.
    pub order: WorkOrder,
    /// Where.
    pub place: Place,
}

/// Which work orders.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkOrderFilter {
    /// Only those in this state; `open` finds those that were reopened as well, as [`counts`] counts them.
    pub state: Option<WorkOrderState>,
    /// Only those that are, or are not, ready to verify.
    pub ready: Option<bool>,
    /// Only those of this asset.
    pub asset: Option<AssetId>,
    /// Only those of this agency and below.
    pub agency: Option<AgencyId>,
    /// Only those of this site.
    pub site: Option<SiteId>,
}

/// Work orders by state; those that are verified are history and not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkOrderCounts {
    /// Due, not yet planned; reopened ones among them.
    pub open: u64,
    /// Has a time.
    pub planned: u64,
    /// Someone is at it.
    pub in_progress: u64,
    /// Someone says it is done.
    pub done: u64,
    /// Of all these: its signal has cleared.
    pub ready_to_verify: u64,
}

const COLUMNS: &str = "work_order.id, work_order.asset, work_order.part, work_order.rule, work_order.state, \
    work_order.ready_to_verify, work_order.opened_ms, work_order.due_ms, work_order.planned_ms, \
    work_order.done_ms, work_order.closed_ms, work_order.assignee, work_order.note, work_order.version";
const PLACED: &str = "asset.name, site.id, site.name, agency.id, agency.name \
    FROM work_order JOIN asset ON asset.id = work_order.asset JOIN site ON site.id = asset.site \
    JOIN agency ON agency.id = site.agency";

/// Writes what one window decided, in the order that rows refer to each other: orders, alerts, evidence.
pub fn save(
    transaction: &Transaction<'_>,
    alerts: &[AlertChange],
    orders: &[WorkOrderChange],
) -> Result<(), StoreError> {
    for change in orders {
        put(transaction, change.order())?;
    }
    for change in alerts {
        alert::put(transaction, change.alert())?;
    }
    for change in orders {
        match change {
            WorkOrderChange::Opened(order)
            | WorkOrderChange::EvidenceAdded(order)
            | WorkOrderChange::Reopened(order) => put_evidence(transaction, order)?,
            WorkOrderChange::ReadyToVerify(_) | WorkOrderChange::Verified(_) => {}
        }
    }
    Ok(())
}

/// Writes an order, without its evidence.
fn put(transaction: &Transaction<'_>, order: &WorkOrder) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO work_order (id, asset, part, rule, state, ready_to_verify, opened_ms, due_ms, planned_ms, \
             done_ms, closed_ms, assignee, note, version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, ready_to_verify = excluded.ready_to_verify, \
             due_ms = excluded.due_ms, planned_ms = excluded.planned_ms, done_ms = excluded.done_ms, \
             closed_ms = excluded.closed_ms, assignee = excluded.assignee, note = excluded.note, \
             version = excluded.version",
        )?
        .execute(params![
            order.id.0,
            order.asset.0,
            order.part,
            order.rule.0,
            order.state.as_str(),
            order.ready_to_verify,
            order.opened_ms,
            order.due_ms,
            order.planned_ms,
            order.done_ms,
            order.closed_ms,
            order.assignee,
            order.note,
            order.version,
        ])?;
    Ok(())
}

/// Adds an order's latest evidence; beyond the bound its oldest but the first goes, as it does in memory.
fn put_evidence(transaction: &Transaction<'_>, order: &WorkOrder) -> Result<(), StoreError> {
    let Some(evidence) = order.evidence.last() else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO evidence (work_order, alert, rule, at_ms, figures, component) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            order.id.0,
            evidence.alert.0,
            evidence.rule.0,
            evidence.at_ms,
            alert::figures_text(&evidence.figures)?,
            evidence.component.as_deref().map(component::to_text),
        ])?;
    if order.evidence.len() >= EVIDENCE_MAX {
        let second = order.evidence.get(1).map_or(i64::MIN, |evidence| evidence.at_ms);
        let first = order.evidence.first().map_or(i64::MIN, |evidence| evidence.at_ms);
        transaction.execute(
            "DELETE FROM evidence WHERE work_order = ?1 AND at_ms > ?2 AND at_ms < ?3",
            params![order.id.0, first, second],
        )?;
    }
    Ok(())
}

/// Writes an order that a person changed, read as the version before; stale when it was changed since.
pub fn update(transaction: &Transaction<'_>, order: &WorkOrder) -> Result<(), StoreError> {
    let version: Option<i64> = transaction
        .query_row("SELECT version FROM work_order WHERE id = ?1", [order.id.0], |row| row.get(0))
        .optional()?;
    match version {
        None => Err(StoreError::Missing("work order")),
        Some(version) if version + 1 == order.version => put(transaction, order),
        Some(_) => Err(StoreError::Stale("work order")),
    }
}

/// Every work order that is not verified, with its evidence: what memory starts from.
pub fn open(connection: &Connection) -> Result<Vec<WorkOrder>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM work_order WHERE state <> 'verified' ORDER BY id");
    let mut statement = connection.prepare(&statement)?;
    let rows = statement.query_map([], work_order)?;
    let mut orders: Vec<WorkOrder> = rows.collect::<Result<_, _>>()?;
    orders.iter_mut().try_for_each(|order| read_evidence(connection, order))?;
    Ok(orders)
}

/// The id that the next work order gets.
pub fn next_id(connection: &Connection) -> Result<WorkOrderId, StoreError> {
    let last: i64 =
        connection.query_row("SELECT coalesce(max(id), 0) FROM work_order", [], |row| row.get(0))?;
    Ok(WorkOrderId(last + 1))
}

/// Work orders within `scope`, newest first: at most `limit` of them behind the id `after`.
pub fn page(
    connection: &Connection,
    scope: Scope,
    filter: WorkOrderFilter,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<PlacedWorkOrder>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS}, {PLACED} WHERE work_order.id < :after AND {} AND {} \
         AND (:state IS NULL OR work_order.state = :state \
              OR (:state = 'open' AND work_order.state = 'reopened')) \
         AND (:ready IS NULL OR (work_order.ready_to_verify = :ready AND work_order.state <> 'verified')) \
         AND (:site IS NULL OR asset.site = :site) AND (:asset IS NULL OR work_order.asset = :asset) \
         ORDER BY work_order.id DESC LIMIT :limit",
        scope::within("site.agency", ":scope"),
        scope::within("site.agency", ":agency"),
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! {
        ":after": after.unwrap_or(i64::MAX), ":scope": scope::parameter(scope),
        ":agency": filter.agency.map(|agency| agency.0), ":state": filter.state.map(WorkOrderState::as_str),
        ":ready": filter.ready, ":asset": filter.asset.map(|asset| asset.0),
        ":site": filter.site.map(|site| site.0), ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
    };
    let rows = statement.query_map(parameters, placed)?;
    let mut page: Vec<PlacedWorkOrder> = rows.collect::<Result<_, _>>()?;
    page.iter_mut().try_for_each(|placed| read_evidence(connection, &mut placed.order))?;
    Ok(page)
}

/// One work order; missing when it is not within `scope`.
pub fn one(connection: &Connection, scope: Scope, id: WorkOrderId) -> Result<PlacedWorkOrder, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS}, {PLACED} WHERE work_order.id = :id AND {}",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let parameters = named_params! { ":id": id.0, ":scope": scope::parameter(scope) };
    let found = statement.query_row(parameters, placed).optional()?;
    let mut placed = found.ok_or(StoreError::Missing("work order"))?;
    read_evidence(connection, &mut placed.order)?;
    Ok(placed)
}

/// How many work orders there are within `scope`, by state.
pub fn counts(connection: &Connection, scope: Scope) -> Result<WorkOrderCounts, StoreError> {
    let statement = format!(
        "SELECT count(*) FILTER (WHERE work_order.state IN ('open', 'reopened')), \
         count(*) FILTER (WHERE work_order.state = 'planned'), \
         count(*) FILTER (WHERE work_order.state = 'in_progress'), \
         count(*) FILTER (WHERE work_order.state = 'done'), count(*) FILTER (WHERE work_order.ready_to_verify) \
         FROM work_order JOIN asset ON asset.id = work_order.asset JOIN site ON site.id = asset.site \
         WHERE work_order.state <> 'verified' AND {}",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let count = |row: &Row<'_>, place| row.get::<_, i64>(place).map(i64::unsigned_abs);
    let counts = statement.query_row(named_params! { ":scope": scope::parameter(scope) }, |row| {
        Ok(WorkOrderCounts {
            open: count(row, 0)?,
            planned: count(row, 1)?,
            in_progress: count(row, 2)?,
            done: count(row, 3)?,
            ready_to_verify: count(row, 4)?,
        })
    })?;
    Ok(counts)
}

fn read_evidence(connection: &Connection, order: &mut WorkOrder) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT alert, rule, at_ms, figures, component FROM evidence WHERE work_order = ?1 ORDER BY at_ms, alert",
    )?;
    let rows = statement.query_map([order.id.0], |row| {
        Ok(Evidence {
            alert: AlertId(row.get(0)?),
            rule: rule_id(&row.get::<_, String>(1)?),
            at_ms: row.get(2)?,
            figures: alert::figures(&row.get::<_, String>(3)?),
            component: row
                .get::<_, Option<String>>(4)?
                .and_then(|text| component::of_text(&text))
                .map(Arc::new),
        })
    })?;
    order.evidence = rows.collect::<Result<_, _>>()?;
    Ok(())
}

fn placed(row: &Row<'_>) -> rusqlite::Result<PlacedWorkOrder> {
    Ok(PlacedWorkOrder { order: work_order(row)?, place: alert::place(row, 14)? })
}

fn work_order(row: &Row<'_>) -> rusqlite::Result<WorkOrder> {
    let (rule, state): (String, String) = (row.get(3)?, row.get(4)?);
    Ok(WorkOrder {
        id: WorkOrderId(row.get(0)?),
        asset: AssetId(row.get(1)?),
        part: row.get(2)?,
        rule: rule_id(&rule),
        state: WorkOrderState::from_word(&state).unwrap_or(WorkOrderState::Open),
        ready_to_verify: row.get(5)?,
        evidence: vec![],
        opened_ms: row.get(6)?,
        due_ms: row.get(7)?,
        planned_ms: row.get(8)?,
        done_ms: row.get(9)?,
        closed_ms: row.get(10)?,
        assignee: row.get(11)?,
        note: row.get(12)?,
        version: row.get(13)?,
    })
}
