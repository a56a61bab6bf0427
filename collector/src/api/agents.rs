//! Agents: the list, revoking one, accepting one that is quarantined.

use crate::api::error::ApiError;
use crate::api::page::PageParams;
use crate::api::view::agent::Agent;
use crate::api::view::{Page, Problem};
use axum::Json;

/// Agents within the caller's scope.
#[utoipa::path(get, path = "/agents", tag = "agents", params(PageParams), responses((status = 200, body = Page<Agent>)))]
pub async fn list() -> Result<Json<Page<Agent>>, ApiError> {
    Err(ApiError::Busy)
}

/// Revokes an agent, for ever. Administrators only.
#[utoipa::path(post, path = "/agents/{id}/revoke", tag = "agents", params(("id" = String, Path, description = "the agent")),
    responses(
    (status = 200, body = Agent),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn revoke() -> Result<Json<Agent>, ApiError> {
    Err(ApiError::Busy)
}

/// Lets a quarantined agent report. Administrators only.
#[utoipa::path(post, path = "/agents/{id}/accept", tag = "agents", params(("id" = String, Path, description = "the agent")),
    responses(
    (status = 200, body = Agent),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
pub async fn accept() -> Result<Json<Agent>, ApiError> {
    Err(ApiError::Busy)
}
