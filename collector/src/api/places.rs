//! The summary, agencies and sites.

use crate::api::error::ApiError;
use crate::api::page::PageParams;
use crate::api::view::place::{Agency, Site};
use crate::api::view::{Page, Summary};
use axum::Json;

/// The province at a glance, within the caller's scope.
#[utoipa::path(get, path = "/summary", tag = "summary", responses((status = 200, body = Summary)))]
pub async fn summary() -> Result<Json<Summary>, ApiError> {
    Err(ApiError::Busy)
}

/// Agencies within the caller's scope.
#[utoipa::path(get, path = "/agencies", tag = "places", params(PageParams), responses((status = 200, body = Page<Agency>)))]
pub async fn agencies() -> Result<Json<Page<Agency>>, ApiError> {
    Err(ApiError::Busy)
}

/// Sites within the caller's scope.
#[utoipa::path(get, path = "/sites", tag = "places", params(PageParams), responses((status = 200, body = Page<Site>)))]
pub async fn sites() -> Result<Json<Page<Site>>, ApiError> {
    Err(ApiError::Busy)
}
