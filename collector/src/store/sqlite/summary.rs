//! Counts over everything within a scope.

use crate::model::agency::Scope;
use crate::model::alert::Severity;
use crate::model::work_order::WorkOrderState;
use crate::store::StoreError;
use crate::store::sqlite::scope;
use rusqlite::{Connection, named_params};

/// Firing alerts within `scope`, by severity.
pub fn firing_alerts(connection: &Connection, scope: Scope) -> Result<Vec<(Severity, u64)>, StoreError> {
    let statement = format!(
        "SELECT alert.severity, count(*) FROM alert JOIN asset ON asset.id = alert.asset \
         JOIN site ON site.id = asset.site WHERE alert.state = 'firing' AND {} GROUP BY alert.severity",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let rows = statement.query_map(named_params! { ":scope": scope::parameter(scope) }, |row| {
        let severity = Severity::from_word(&row.get::<_, String>(0)?).unwrap_or(Severity::Critical);
        Ok((severity, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Work orders within `scope` that are not verified, by state and by whether they are ready to verify.
pub fn open_work_orders(
    connection: &Connection,
    scope: Scope,
) -> Result<Vec<(WorkOrderState, bool, u64)>, StoreError> {
    let statement = format!(
        "SELECT work_order.state, work_order.ready_to_verify, count(*) FROM work_order \
         JOIN asset ON asset.id = work_order.asset JOIN site ON site.id = asset.site \
         WHERE work_order.state <> 'verified' AND {} GROUP BY 1, 2",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&statement)?;
    let rows = statement.query_map(named_params! { ":scope": scope::parameter(scope) }, |row| {
        let state = WorkOrderState::from_word(&row.get::<_, String>(0)?).unwrap_or(WorkOrderState::Open);
        Ok((state, row.get(1)?, row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
