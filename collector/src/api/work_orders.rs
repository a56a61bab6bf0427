//! Work orders: the list, one, and what an operator may change about it.

use crate::api::error::ApiError;
use crate::api::view::work_order::{WorkOrder, WorkOrderChange, WorkOrderState};
use crate::api::view::{Page, Problem};
use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which work orders.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkOrderParams {
    /// Items on a page: 1 to 500, 100 unless told.
    pub limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    pub cursor: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    pub state: Option<WorkOrderState>,
    /// Only those that are, or are not, ready to verify.
    pub ready: Option<bool>,
    /// Only those of this asset.
    pub asset: Option<i64>,
    /// Only those of this agency and of the agencies below it.
    pub agency: Option<i64>,
}

/// Work orders within the caller's scope, newest first.
#[utoipa::path(get, path = "/work-orders", tag = "work orders", params(WorkOrderParams),
    responses((status = 200, body = Page<WorkOrder>)))]
pub async fn list() -> Result<Json<Page<WorkOrder>>, ApiError> {
    Err(ApiError::Busy)
}

/// One work order.
#[utoipa::path(get, path = "/work-orders/{id}", tag = "work orders", params(("id" = i64, Path, description = "the work order")),
    responses(
    (status = 200, body = WorkOrder, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn one() -> Result<Json<WorkOrder>, ApiError> {
    Err(ApiError::Busy)
}

/// Changes a work order. Operators only. Verifying one whose signal has not cleared reopens it.
#[utoipa::path(patch, path = "/work-orders/{id}", tag = "work orders", request_body = WorkOrderChange,
    params(("id" = i64, Path, description = "the work order"), ("if-match" = String, Header, description = "its etag")), responses(
    (status = 200, body = WorkOrder, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 428, body = Problem, content_type = "application/problem+json"),
))]
pub async fn change() -> Result<Json<WorkOrder>, ApiError> {
    Err(ApiError::Busy)
}
