//! Assets: the list, one asset, its samples, and what an operator may change about it.

use crate::api::error::ApiError;
use crate::api::view::asset::{Asset, AssetChange, AssetDetail, AssetKind, AssetState, Samples};
use crate::api::view::{Page, Problem};
use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

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

/// Which samples.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SampleParams {
    /// OpenTelemetry name, such as `system.cpu.utilization`; several with commas between.
    pub name: String,
    /// From when, inclusive; 24 hours before `to_ms` unless told.
    pub from_ms: Option<i64>,
    /// Until when, exclusive; now unless told.
    pub to_ms: Option<i64>,
    /// Width of one step; wide enough for 500 steps unless told.
    pub step_s: Option<i64>,
}

/// Assets within the caller's scope.
#[utoipa::path(get, path = "/assets", tag = "assets", params(AssetParams), responses((status = 200, body = Page<Asset>)))]
pub async fn list() -> Result<Json<Page<Asset>>, ApiError> {
    Err(ApiError::Busy)
}

/// One asset with all that is known of it now.
#[utoipa::path(get, path = "/assets/{id}", tag = "assets", params(("id" = i64, Path, description = "the asset")), responses(
    (status = 200, body = AssetDetail, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn one() -> Result<Json<AssetDetail>, ApiError> {
    Err(ApiError::Busy)
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
pub async fn change() -> Result<Json<AssetDetail>, ApiError> {
    Err(ApiError::Busy)
}

/// Samples of one asset over a range of time, in steps. Running totals are given as rates per second.
#[utoipa::path(get, path = "/assets/{id}/samples", tag = "assets",
    params(("id" = i64, Path, description = "the asset"), SampleParams), responses(
    (status = 200, body = Samples),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub async fn samples() -> Result<Json<Samples>, ApiError> {
    Err(ApiError::Busy)
}
