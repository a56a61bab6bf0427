//! Enrolments: the tokens that let agents in.

use crate::api::caller::{Caller, Changed};
use crate::api::error::ApiError;
use crate::api::input::{self, Body, Query};
use crate::api::page::PageParams;
use crate::api::view::person::{Enrollment, EnrollmentToken, NewEnrollment};
use crate::api::view::{Named, Page, Problem};
use crate::api::{secret, state};
use crate::enrollment_token::{self, EXPIRES_S_DEFAULT, EXPIRES_S_MAX, USES_MAX, Wanted};
use crate::model::user::Role;
use crate::store::sqlite::listing::{self, ListedEnrollment};
use axum::Json;
use axum::http::StatusCode;
use serde_json::json;
use std::sync::Arc;

/// Enrolments within the caller's scope, newest first. Operators only.
#[utoipa::path(get, path = "/enrollments", tag = "enrollments", params(PageParams),
    responses((status = 200, body = Page<Enrollment>)))]
pub async fn list(
    caller: Caller,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<Enrollment>>, ApiError> {
    caller.needs(Role::Operator)?;
    let window = params.window()?;
    let read = caller
        .read(move |connection, scope| listing::enrollments(connection, scope, window.after, window.rows()));
    let rows = read.await?;
    Ok(Json(window.page(rows, |row| row.id.0, view)))
}

/// Makes a token, and the agency and the site where they are absent. Operators only.
#[utoipa::path(post, path = "/enrollments", tag = "enrollments", request_body = NewEnrollment, responses(
    (status = 201, body = EnrollmentToken),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub async fn create(
    caller: Caller,
    Body(asked): Body<NewEnrollment>,
) -> Result<(StatusCode, Json<EnrollmentToken>), ApiError> {
    caller.needs(Role::Operator)?;
    let agency = input::path("agency", &asked.agency)?;
    let site = input::name("site", &asked.site)?;
    let uses = bounded("uses", asked.uses.unwrap_or(1), USES_MAX)?;
    let expires_s = bounded("expires_s", asked.expires_s.unwrap_or(EXPIRES_S_DEFAULT), EXPIRES_S_MAX)?;
    let state = Arc::clone(caller.state());
    let now_ms = state.clock.now_ms();
    let (created_by, ca_sha256) = (caller.name.clone(), state.installer.ca_sha256());
    let secret = secret::random().map_err(|error| ApiError::Internal(error.to_string()))?;
    let change = caller.change("enrollment.create", move |transaction, scope| {
        let expires_ms = now_ms + expires_s * 1_000;
        let wanted = Wanted { agency: &agency, site: &site, uses, expires_ms, created_by: &created_by };
        let made = enrollment_token::make(transaction, scope, &wanted, secret, ca_sha256, now_ms)?;
        let row = listing::enrollment(transaction, scope, made.id)?;
        let subject = format!("enrollment:{}", made.id.0);
        let detail =
            json!({ "agency": agency.join("/"), "site": site, "uses": uses, "expires_ms": expires_ms });
        Ok(Changed { value: (row, made.token), subject, detail, effects: Vec::new() })
    });
    let (row, token) = change.await?;
    let for_command = token.clone();
    let installer = move || {
        let installer = &state.installer;
        installer.command(&for_command).unwrap_or_else(|| installer.enrolment(&for_command))
    };
    let command = state::blocking(installer).await?;
    Ok((StatusCode::CREATED, Json(EnrollmentToken { enrollment: view(row), token, command })))
}

fn bounded(field: &'static str, value: i64, max: i64) -> Result<i64, ApiError> {
    if (1..=max).contains(&value) {
        return Ok(value);
    }
    let vi = format!("{field} phải từ 1 đến {max}, nhận được {value}.");
    Err(ApiError::invalid(field, vi, format!("{field} must be 1 to {max}, got {value}.")))
}

fn view(row: ListedEnrollment) -> Enrollment {
    Enrollment {
        id: row.id.0,
        agency: Named { id: row.agency.0, name: row.agency_name },
        site: Named { id: row.site.0, name: row.site.1 },
        uses_left: row.uses_left,
        expires_ms: row.expires_ms,
        created_by: row.created_by,
    }
}
