//! Assets: the list, one asset, and what an operator may change about it.

use crate::api::caller::{Caller, Changed};
use crate::api::current::{self, Shares};
use crate::api::error::ApiError;
use crate::api::input::{self, Body, Id, Query};
use crate::api::page::{Window, cursor};
use crate::api::view::asset::{Asset, AssetChange, AssetDetail, AssetKind, AssetState};
use crate::api::view::{Named, Page, Problem};
use crate::latest::{Effect, Host, Latest};
use crate::model::agency::{Scope, SiteId};
use crate::model::asset::AssetId;
use crate::model::user::Role;
use crate::store::StoreError;
use crate::store::sqlite::agency;
use crate::store::sqlite::asset::{self, AssetFilter, PlacedAsset};
use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use utoipa::IntoParams;

/// Assets that one request looks at, at most; with filters that few pass, a page is short and says where to go on.
const SCANNED_MAX: usize = 20_000;
/// Assets that are read at once while filtering.
const CHUNK: usize = 1_000;

type WithEtag<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

/// Which assets.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AssetParams {
    /// Items on a page: 1 to 500, 100 unless told.
    pub limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    pub cursor: Option<String>,
    /// Only those of this agency and of the agencies below it.
    pub agency: Option<i64>,
    /// Only those of this site.
    pub site: Option<i64>,
    /// Only those of this kind.
    #[param(inline)]
    pub kind: Option<AssetKind>,
    /// Only those in this state.
    #[param(inline)]
    pub state: Option<AssetState>,
    /// Only those whose name contains this, whatever the case.
    pub search: Option<String>,
}

/// Assets within the caller's scope.
#[utoipa::path(get, path = "/assets", tag = "assets", params(AssetParams), responses((status = 200, body = Page<Asset>)))]
pub async fn list(caller: Caller, Query(params): Query<AssetParams>) -> Result<Json<Page<Asset>>, ApiError> {
    let window = Window::new(params.limit, params.cursor.as_deref())?;
    let latest = Arc::clone(&caller.state().latest);
    let read = move |connection: &Connection, scope| scan(connection, scope, &latest, &params, window);
    Ok(Json(caller.read(read).await?))
}

/// Reads assets until a page is full of those that pass the filters which only memory can tell.
fn scan(
    connection: &Connection,
    scope: Scope,
    latest: &Latest,
    params: &AssetParams,
    window: Window,
) -> Result<Page<Asset>, StoreError> {
    let filter = AssetFilter { agency: params.agency, site: params.site, kind: params.kind.map(Into::into) };
    let search = params.search.as_deref().map(|search| search.trim().to_lowercase());
    let is_filtered = search.is_some() || params.state.is_some();
    let chunk = if is_filtered { CHUNK } else { window.rows() };
    let (mut after, mut scanned) = (window.after, 0);
    let mut items = Vec::new();
    loop {
        let rows = asset::page(connection, scope, filter, after, chunk)?;
        let is_last = rows.len() < chunk;
        for row in rows {
            if items.len() == window.limit || scanned == SCANNED_MAX {
                return Ok(Page { items, next: after.map(cursor) });
            }
            scanned += 1;
            after = Some(row.asset.id.0);
            let presence = || latest.look_at(row.asset.id, |kept| kept.presence);
            let matches_state = params.state.is_none_or(|state| state == current::state(presence()));
            let matches_name =
                search.as_ref().is_none_or(|search| row.asset.name.to_lowercase().contains(search));
            if matches_state && matches_name {
                let host = latest.by_asset(row.asset.id);
                items.push(brief(row, host.as_ref()));
            }
        }
        if is_last {
            return Ok(Page { items, next: None });
        }
    }
}

/// One asset with all that is known of it now.
#[utoipa::path(get, path = "/assets/{id}", tag = "assets", params(("id" = i64, Path, description = "the asset")), responses(
    (status = 200, body = AssetDetail, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn one(caller: Caller, Id(id): Id) -> Result<WithEtag<AssetDetail>, ApiError> {
    let placed = caller.read(move |connection, scope| asset::one(connection, scope, AssetId(id))).await?;
    Ok(shown(&caller, placed))
}

/// Changes an asset. Operators only.
#[utoipa::path(patch, path = "/assets/{id}", tag = "assets", request_body = AssetChange,
    params(("id" = i64, Path, description = "the asset"), ("if-match" = String, Header, description = "its etag")), responses(
    (status = 200, body = AssetDetail, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 428, body = Problem, content_type = "application/problem+json"),
))]
pub async fn change(
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(asked): Body<AssetChange>,
) -> Result<WithEtag<AssetDetail>, ApiError> {
    caller.needs(Role::Operator)?;
    let version = input::if_match(&headers)?;
    let name = asked.name.as_deref().map(|name| input::name("name", name)).transpose()?;
    let change = caller.change("asset.change", move |transaction, scope| {
        let before = asset::one(transaction, scope, AssetId(id))?.asset;
        if version.is_some_and(|version| version != before.version) {
            return Err(ApiError::Stale);
        }
        let mut after = before.clone();
        after.name = name.unwrap_or(after.name);
        after.kind = asked.kind.map_or(after.kind, Into::into);
        after.always_on = asked.always_on.unwrap_or(after.always_on);
        if let Some(site) = asked.site_id {
            after.site = agency::site(transaction, scope, SiteId(site))?.id;
        }
        let after = asset::update(transaction, &after)?;
        let detail = json!({
            "name": [before.name, after.name], "kind": [before.kind.as_str(), after.kind.as_str()],
            "always_on": [before.always_on, after.always_on], "site": [before.site.0, after.site.0],
        });
        let value = asset::one(transaction, scope, AssetId(id))?;
        let effects = vec![Effect::AssetChanged(after)];
        Ok(Changed { value, subject: format!("asset:{id}"), detail, effects })
    });
    let placed = change.await?;
    Ok(shown(&caller, placed))
}

fn shown(caller: &Caller, placed: PlacedAsset) -> WithEtag<AssetDetail> {
    let host = caller.state().latest.by_asset(placed.asset.id);
    let header = input::etag_header(placed.asset.version);
    (header, Json(detail(placed, host.as_ref())))
}

fn brief(placed: PlacedAsset, host: Option<&Host>) -> Asset {
    let Shares { cpu, memory, disk } = host.map(current::shares).unwrap_or_default();
    Asset {
        id: placed.asset.id.0,
        name: placed.asset.name,
        kind: placed.asset.kind.into(),
        always_on: placed.asset.always_on,
        agency: Named { id: placed.agency.0, name: placed.agency_name },
        site: Named { id: placed.asset.site.0, name: placed.site_name },
        state: current::state(host.map(|host| host.presence)),
        last_seen_ms: host.and_then(current::last_seen_ms),
        verdict: host.and_then(current::verdict).map(str::to_owned),
        alerts: host.map(|host| current::alert_counts(&host.alerts)).unwrap_or_default(),
        cpu,
        memory,
        disk,
        agent: host.map(current::agent_brief),
    }
}

fn detail(placed: PlacedAsset, host: Option<&Host>) -> AssetDetail {
    let etag = input::etag(placed.asset.version);
    let catalogue = host.and_then(|host| host.catalogue.as_ref());
    AssetDetail {
        asset: brief(placed, host),
        resource: catalogue.map(|catalogue| catalogue.resource.clone()).unwrap_or_default(),
        uptime_s: host.and_then(current::uptime_s),
        clock_offset_s: host
            .and_then(|host| host.clock_offset_ms)
            .map(|offset_ms| offset_ms as f64 / 1_000.0),
        boot_ms: host.map(|host| host.boot_started_ms).filter(|started_ms| *started_ms > 0),
        values: host.map(current::values).unwrap_or_default(),
        components: host
            .map(|host| host.components.iter().map(current::component).collect())
            .unwrap_or_default(),
        reachability: host.and_then(current::reachability),
        etag,
    }
}
