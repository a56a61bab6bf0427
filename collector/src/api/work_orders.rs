//! Work orders: the list, one, and what an operator may change about it.

use crate::api::caller::{Caller, Changed};
use crate::api::current;
use crate::api::error::ApiError;
use crate::api::input::{self, Body, Id, Query};
use crate::api::page::Window;
use crate::api::view::work_order::{Evidence, WorkOrder, WorkOrderChange, WorkOrderState};
use crate::api::view::{Named, Page, Problem, Text};
use crate::api::window::TIME_MS_MAX;
use crate::latest::Effect;
use crate::maintenance::{self, Refusal, Request};
use crate::model::agency::{AgencyId, Scope, SiteId};
use crate::model::alert::{AlertState, Figures, Severity};
use crate::model::asset::AssetId;
use crate::model::user::Role;
use crate::model::work_order::{self as model, WorkOrderId};
use crate::store::StoreError;
use crate::store::sqlite::alert::{self, AlertFilter};
use crate::store::sqlite::work_order::{self, PlacedWorkOrder, WorkOrderFilter};
use crate::texts;
use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use rusqlite::Connection;
use serde::Deserialize;
use utoipa::IntoParams;

/// Alerts of one asset that are looked at for whether a signal has cleared.
const FIRING_MAX: usize = 10_000;

type WithEtag = ([(HeaderName, HeaderValue); 1], Json<WorkOrder>);

/// Which work orders.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkOrderParams {
    /// Items on a page: 1 to 500, 100 unless told.
    pub limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    pub cursor: Option<String>,
    /// Only those in this state; `open` also finds those that were reopened, as both are due and have no time.
    #[param(inline)]
    pub state: Option<WorkOrderState>,
    /// Only those that are, or are not, ready to verify.
    pub ready: Option<bool>,
    /// Only those of this asset.
    pub asset: Option<i64>,
    /// Only those of this agency and of the agencies below it.
    pub agency: Option<i64>,
    /// Only those of this site.
    pub site: Option<i64>,
}

/// Work orders within the caller's scope, newest first.
#[utoipa::path(get, path = "/work-orders", tag = "work orders", params(WorkOrderParams),
    responses((status = 200, body = Page<WorkOrder>)))]
pub async fn list(
    caller: Caller,
    Query(params): Query<WorkOrderParams>,
) -> Result<Json<Page<WorkOrder>>, ApiError> {
    let window = Window::new(params.limit, params.cursor.as_deref())?;
    let filter = WorkOrderFilter {
        state: params.state.map(Into::into),
        ready: params.ready,
        asset: params.asset.map(AssetId),
        agency: params.agency.map(AgencyId),
        site: params.site.map(SiteId),
    };
    let read = caller.read(move |connection, scope| {
        work_order::page(connection, scope, filter, window.after, window.rows())
    });
    let rows = read.await?;
    Ok(Json(window.page(rows, |row| row.order.id.0, view)))
}

/// One work order.
#[utoipa::path(get, path = "/work-orders/{id}", tag = "work orders", params(("id" = i64, Path, description = "the work order")),
    responses(
    (status = 200, body = WorkOrder, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn one(caller: Caller, Id(id): Id) -> Result<WithEtag, ApiError> {
    let read = move |connection: &Connection, scope| work_order::one(connection, scope, WorkOrderId(id));
    Ok(shown(caller.read(read).await?))
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
pub async fn change(
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(asked): Body<WorkOrderChange>,
) -> Result<WithEtag, ApiError> {
    caller.needs(Role::Operator)?;
    let version = input::if_match(&headers)?;
    let detail = serde_json::to_value(&asked).unwrap_or_default();
    let request = request(asked)?;
    let now_ms = caller.state().clock.now_ms();
    let change = caller.change("work_order.change", move |transaction, scope| {
        let PlacedWorkOrder { order, place } = work_order::one(transaction, scope, WorkOrderId(id))?;
        if version.is_some_and(|version| version != order.version) {
            return Err(ApiError::Stale);
        }
        let has_cleared = has_cleared(transaction, scope, &order)?;
        let order = maintenance::change(&order, &request, has_cleared, now_ms).map_err(refused)?;
        work_order::update(transaction, &order)?;
        let effects = vec![Effect::WorkOrderChanged(order.clone())];
        let value = PlacedWorkOrder { order, place };
        Ok(Changed { value, subject: format!("work_order:{id}"), detail, effects })
    });
    Ok(shown(change.await?))
}

/// What was asked, checked.
fn request(asked: WorkOrderChange) -> Result<Request, ApiError> {
    let assignee = match asked.assignee {
        Some(Some(name)) => Some(Some(input::name("assignee", &name)?)),
        other => other,
    };
    Ok(Request {
        state: asked.state.map(Into::into),
        assignee,
        due_ms: time("due_ms", asked.due_ms)?,
        planned_ms: time("planned_ms", asked.planned_ms)?,
        note: asked.note.as_deref().map(|note| input::note("note", note)).transpose()?,
    })
}

fn time(field: &'static str, asked: Option<Option<i64>>) -> Result<Option<Option<i64>>, ApiError> {
    match asked {
        Some(Some(ms)) if !(0..=TIME_MS_MAX).contains(&ms) => Err(ApiError::invalid(
            field,
            format!("{field} phải là mili giây từ năm 1970, không quá năm 2200."),
            format!("{field} must be milliseconds since 1970, not beyond the year 2200."),
        )),
        other => Ok(other),
    }
}

/// Whether no alert of the order's rule and part fires.
fn has_cleared(connection: &Connection, scope: Scope, order: &model::WorkOrder) -> Result<bool, StoreError> {
    let filter =
        AlertFilter { state: Some(AlertState::Firing), asset: Some(order.asset), ..AlertFilter::default() };
    let firing = alert::page(connection, scope, filter, None, FIRING_MAX)?;
    Ok(!firing.iter().any(|row| row.alert.rule == order.rule && *row.alert.part == *order.part))
}

fn refused(refusal: Refusal) -> ApiError {
    let (vi, en) = match refusal {
        Refusal::Closed => (
            "Phiếu việc đã đóng; tín hiệu mới sẽ mở phiếu mới.",
            "The work order is closed; a new signal opens a new one.",
        ),
        Refusal::SignalPresent => (
            "Tín hiệu của phiếu việc chưa hết, nên chưa thể đóng.",
            "The work order's signal has not cleared, so it cannot be closed.",
        ),
        Refusal::NoTime => (
            "Phiếu việc đã lên lịch cần có thời điểm thực hiện.",
            "A planned work order needs the time that it is planned for.",
        ),
        Refusal::NotDone => {
            ("Chỉ mở lại được phiếu việc đã làm xong.", "Only a work order that is done can be reopened.")
        }
        Refusal::DueTooEarly => {
            return ApiError::invalid(
                "due_ms",
                "Hạn của phiếu việc không thể trước lúc phiếu được mở.",
                "A work order cannot be due before it was opened.",
            );
        }
    };
    ApiError::Conflict(Text { vi: vi.to_owned(), en: en.to_owned() })
}

fn shown(row: PlacedWorkOrder) -> WithEtag {
    (input::etag_header(row.order.version), Json(view(row)))
}

fn view(row: PlacedWorkOrder) -> WorkOrder {
    let PlacedWorkOrder { order, place } = row;
    let latest = order.evidence.last();
    let none = Figures::new();
    let figures = latest.map_or(&none, |evidence| &evidence.figures);
    let component = latest.and_then(|evidence| evidence.component.as_deref());
    let texts = texts::alert(order.rule, &order.part, figures, Severity::Warning, component);
    WorkOrder {
        id: order.id.0,
        asset: Named { id: order.asset.0, name: place.asset_name },
        site: Named { id: place.site.0, name: place.site_name },
        agency: Named { id: place.agency.0, name: place.agency_name },
        rule: order.rule.0.to_owned(),
        state: order.state.into(),
        ready_to_verify: order.ready_to_verify,
        title: texts.title.into(),
        action: texts.action.into(),
        evidence: order.evidence.into_iter().map(|evidence| proof(&order.part, evidence)).collect(),
        part: order.part,
        opened_ms: order.opened_ms,
        due_ms: order.due_ms,
        planned_ms: order.planned_ms,
        closed_ms: order.closed_ms,
        assignee: order.assignee,
        note: order.note,
        etag: input::etag(order.version),
    }
}

fn proof(part: &str, evidence: model::Evidence) -> Evidence {
    let text = texts::alert(
        evidence.rule,
        part,
        &evidence.figures,
        Severity::Warning,
        evidence.component.as_deref(),
    )
    .detail;
    Evidence {
        alert_id: evidence.alert.0,
        rule: evidence.rule.0.to_owned(),
        at_ms: evidence.at_ms,
        text: text.into(),
        figures: evidence.figures,
        component: evidence.component.as_deref().map(current::component),
    }
}
