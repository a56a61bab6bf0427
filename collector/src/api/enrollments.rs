//! Enrolments: the tokens that let agents in.

use crate::api::error::ApiError;
use crate::api::page::PageParams;
use crate::api::view::person::{Enrollment, EnrollmentToken, NewEnrollment};
use crate::api::view::{Page, Problem};
use axum::Json;
use axum::http::StatusCode;

/// Enrolments within the caller's scope, newest first. Operators only.
#[utoipa::path(get, path = "/enrollments", tag = "enrollments", params(PageParams),
    responses((status = 200, body = Page<Enrollment>)))]
pub async fn list() -> Result<Json<Page<Enrollment>>, ApiError> {
    Err(ApiError::Busy)
}

/// Makes a token, and the agency and the site where they are absent. Operators only.
#[utoipa::path(post, path = "/enrollments", tag = "enrollments", request_body = NewEnrollment, responses(
    (status = 201, body = EnrollmentToken),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub async fn create() -> Result<(StatusCode, Json<EnrollmentToken>), ApiError> {
    Err(ApiError::Busy)
}
