//! Signing in, asking who one is, signing out.

use crate::api::error::ApiError;
use crate::api::view::Problem;
use crate::api::view::person::{NewSession, Session};
use axum::Json;
use axum::http::StatusCode;

/// Signs in: sets the cookie `tram_session`.
#[utoipa::path(post, path = "/session", tag = "session", request_body = NewSession, security(()), responses(
    (status = 200, body = Session, headers(("set-cookie" = String, description = "tram_session"))),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_in() -> Result<Json<Session>, ApiError> {
    Err(ApiError::Busy)
}

/// Who the caller is.
#[utoipa::path(get, path = "/session", tag = "session", responses(
    (status = 200, body = Session),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub async fn who() -> Result<Json<Session>, ApiError> {
    Err(ApiError::Busy)
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
pub async fn sign_out() -> Result<StatusCode, ApiError> {
    Err(ApiError::Busy)
}
