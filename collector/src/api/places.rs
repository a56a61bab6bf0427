//! The summary, agencies and sites; and what an operator may change of a site.

use crate::api::caller::{Caller, Changed};
use crate::api::current;
use crate::api::error::ApiError;
use crate::api::input::{self, Body, Id, Query};
use crate::api::page::PageParams;
use crate::api::view::asset::AssetState;
use crate::api::view::place::{Agency, Site, SiteChange};
use crate::api::view::{AlertCounts, AssetCounts, Page, Problem, Summary, WorkOrderCounts};
use crate::budget::BYTES_MIN;
use crate::latest::Effect;
use crate::model::agency::{self as model, SiteId};
use crate::model::user::Role;
use crate::store::sqlite::{agency, alert, asset, work_order};
use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use std::sync::Arc;

type WithEtag = ([(HeaderName, HeaderValue); 1], Json<Site>);

/// The province at a glance, within the caller's scope.
#[utoipa::path(get, path = "/summary", tag = "summary", responses((status = 200, body = Summary)))]
pub async fn summary(caller: Caller) -> Result<Json<Summary>, ApiError> {
    let latest = Arc::clone(&caller.state().latest);
    let now_ms = caller.state().clock.now_ms();
    let read = caller.read(move |connection, scope| {
        let mut assets = AssetCounts::default();
        for id in asset::ids(connection, scope)? {
            count_asset(&mut assets, current::state(latest.look_at(id, |kept| kept.presence)));
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

/// One site.
#[utoipa::path(get, path = "/sites/{id}", tag = "places", params(("id" = i64, Path, description = "the site")), responses(
    (status = 200, body = Site, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn site(caller: Caller, Id(id): Id) -> Result<WithEtag, ApiError> {
    let found = caller.read(move |connection, scope| agency::site(connection, scope, SiteId(id))).await?;
    Ok(shown(found))
}

/// Changes what a site's uplink can bear. Operators only.
#[utoipa::path(patch, path = "/sites/{id}", tag = "places", request_body = SiteChange,
    params(("id" = i64, Path, description = "the site"), ("if-match" = String, Header, description = "its etag")), responses(
    (status = 200, body = Site, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 428, body = Problem, content_type = "application/problem+json"),
))]
pub async fn change_site(
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(asked): Body<SiteChange>,
) -> Result<WithEtag, ApiError> {
    caller.needs(Role::Operator)?;
    let version = input::if_match(&headers)?;
    let budget = asked.history_bytes_per_minute;
    if budget.is_some_and(|bytes| bytes != 0 && bytes < BYTES_MIN) {
        return Err(ApiError::invalid(
            "history_bytes_per_minute",
            format!("Cần số byte từ {BYTES_MIN}, 0 để không gửi, hoặc null để không giới hạn."),
            format!("Expected bytes from {BYTES_MIN}, 0 for nothing, or null for no bound."),
        ));
    }
    let change = caller.change("site.change", move |transaction, scope| {
        let before = agency::site(transaction, scope, SiteId(id))?;
        if version.is_some_and(|version| version != before.version) {
            return Err(ApiError::Stale);
        }
        let wanted = model::Site { history_bytes_per_minute: budget, ..before.clone() };
        let after = agency::update_site(transaction, &wanted)?;
        let detail = json!({ "history_bytes_per_minute": [before.history_bytes_per_minute, budget] });
        Ok(Changed {
            value: after,
            subject: format!("site:{id}"),
            detail,
            effects: vec![Effect::SiteChanged],
        })
    });
    Ok(shown(change.await?))
}

fn shown(site: model::Site) -> WithEtag {
    (input::etag_header(site.version), Json(site.into()))
}
