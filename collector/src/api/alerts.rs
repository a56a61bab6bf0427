//! Alerts: the list, and saying that one has seen one.

use crate::api::error::ApiError;
use crate::api::view::alert::{Alert, AlertState, NewAcknowledgement, Severity};
use crate::api::view::{Page, Problem};
use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which alerts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertParams {
    /// Items on a page: 1 to 500, 100 unless told.
    pub limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    pub cursor: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    pub state: Option<AlertState>,
    /// Only those of this severity.
    #[param(inline)]
    pub severity: Option<Severity>,
    /// Only those of this asset.
    pub asset: Option<i64>,
    /// Only those of this agency and of the agencies below it.
    pub agency: Option<i64>,
}

/// Alerts within the caller's scope, newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(AlertParams), responses((status = 200, body = Page<Alert>)))]
pub async fn list() -> Result<Json<Page<Alert>>, ApiError> {
    Err(ApiError::Busy)
}

/// Says that someone has seen an alert. Operators only.
#[utoipa::path(post, path = "/alerts/{id}/acknowledge", tag = "alerts", request_body = NewAcknowledgement,
    params(("id" = i64, Path, description = "the alert")), responses(
    (status = 200, body = Alert),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
pub async fn acknowledge() -> Result<Json<Alert>, ApiError> {
    Err(ApiError::Busy)
}
