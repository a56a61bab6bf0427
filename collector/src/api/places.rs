//! The summary, agencies and sites.

use crate::api::caller::Caller;
use crate::api::current;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::page::PageParams;
use crate::api::view::asset::AssetState;
use crate::api::view::place::{Agency, Site};
use crate::api::view::{AlertCounts, AssetCounts, Page, Summary, WorkOrderCounts};
use crate::model::alert::Severity;
use crate::model::work_order::WorkOrderState;
use crate::store::sqlite::{agency, asset, summary as counts};
use axum::Json;
use std::sync::Arc;

/// The province at a glance, within the caller's scope.
#[utoipa::path(get, path = "/summary", tag = "summary", responses((status = 200, body = Summary)))]
pub async fn summary(caller: Caller) -> Result<Json<Summary>, ApiError> {
    let latest = Arc::clone(&caller.state().latest);
    let now_ms = caller.state().clock.now_ms();
    let read = caller.read(move |connection, scope| {
        let mut assets = AssetCounts::default();
        for id in asset::ids(connection, scope)? {
            count_asset(&mut assets, current::state(latest.by_asset(id).as_deref()));
        }
        let alerts = count_alerts(&counts::firing_alerts(connection, scope)?);
        let work_orders = count_work_orders(&counts::open_work_orders(connection, scope)?);
        Ok(Summary { assets, alerts, work_orders, now_ms })
    });
    Ok(Json(read.await?))
}

fn count_asset(counts: &mut AssetCounts, state: AssetState) {
    counts.total += 1;
    match state {
        AssetState::Up => counts.up += 1,
        AssetState::Silent => counts.silent += 1,
        AssetState::Off => counts.off += 1,
        AssetState::Unknown => counts.unknown += 1,
    }
}

fn count_alerts(rows: &[(Severity, u64)]) -> AlertCounts {
    let of = |wanted| rows.iter().filter(|(severity, _)| *severity == wanted).map(|(_, count)| count).sum();
    AlertCounts {
        critical: of(Severity::Critical),
        warning: of(Severity::Warning),
        info: of(Severity::Info),
    }
}

fn count_work_orders(rows: &[(WorkOrderState, bool, u64)]) -> WorkOrderCounts {
    let mut counts = WorkOrderCounts::default();
    for (state, ready, count) in rows {
        match state {
            WorkOrderState::Open | WorkOrderState::Reopened => counts.open += count,
            WorkOrderState::Planned => counts.planned += count,
            WorkOrderState::InProgress => counts.in_progress += count,
            WorkOrderState::Done => counts.done += count,
            WorkOrderState::Verified => {}
        }
        counts.ready_to_verify += if *ready { *count } else { 0 };
    }
    counts
}

/// Agencies within the caller's scope.
#[utoipa::path(get, path = "/agencies", tag = "places", params(PageParams), responses((status = 200, body = Page<Agency>)))]
pub async fn agencies(
    caller: Caller,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<Agency>>, ApiError> {
    let window = params.window()?;
    let read = move |connection: &_, scope| agency::page(connection, scope, window.after, window.rows());
    let rows = caller.read(read).await?;
    Ok(Json(window.page(rows, |agency| agency.id.0, Agency::from)))
}

/// Sites within the caller's scope.
#[utoipa::path(get, path = "/sites", tag = "places", params(PageParams), responses((status = 200, body = Page<Site>)))]
pub async fn sites(caller: Caller, Query(params): Query<PageParams>) -> Result<Json<Page<Site>>, ApiError> {
    let window = params.window()?;
    let read = move |connection: &_, scope| agency::sites(connection, scope, window.after, window.rows());
    let rows = caller.read(read).await?;
    Ok(Json(window.page(rows, |site| site.id.0, Site::from)))
}
