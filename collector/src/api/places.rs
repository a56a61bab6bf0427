//! The summary, agencies and sites.

use crate::api::caller::Caller;
use crate::api::current;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::page::PageParams;
use crate::api::view::asset::AssetState;
use crate::api::view::place::{Agency, Site};
use crate::api::view::{AlertCounts, AssetCounts, Page, Summary, WorkOrderCounts};
use crate::store::sqlite::{agency, alert, asset, work_order};
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
        let alert::AlertCounts { critical, warning, info } = alert::counts(connection, scope)?;
        let alerts = AlertCounts { critical, warning, info };
        let counts = work_order::counts(connection, scope)?;
        let work_orders = WorkOrderCounts {
            open: counts.open,
            planned: counts.planned,
            in_progress: counts.in_progress,
            done: counts.done,
            ready_to_verify: counts.ready_to_verify,
        };
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
