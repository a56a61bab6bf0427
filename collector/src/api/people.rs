//! Users and the audit, for administrators.

use crate::api::error::ApiError;
use crate::api::page::PageParams;
use crate::api::view::Page;
use crate::api::view::person::{AuditEntry, User};
use axum::Json;

/// Users within the caller's scope. Administrators only.
#[utoipa::path(get, path = "/users", tag = "people", params(PageParams), responses((status = 200, body = Page<User>)))]
pub async fn users() -> Result<Json<Page<User>>, ApiError> {
    Err(ApiError::Busy)
}

/// What was changed, by whom, newest first. Administrators who see everything only.
#[utoipa::path(get, path = "/audit", tag = "people", params(PageParams), responses((status = 200, body = Page<AuditEntry>)))]
pub async fn audit() -> Result<Json<Page<AuditEntry>>, ApiError> {
    Err(ApiError::Busy)
}
