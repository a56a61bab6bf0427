//! Users and the audit, for administrators.

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::page::PageParams;
use crate::api::view::Page;
use crate::api::view::person::{AuditEntry, User};
use crate::model::agency::Scope;
use crate::model::user::Role;
use crate::store::sqlite::{audit as rows, user};
use axum::Json;

/// Users within the caller's scope. Administrators only.
#[utoipa::path(get, path = "/users", tag = "people", params(PageParams), responses((status = 200, body = Page<User>)))]
pub async fn users(caller: Caller, Query(params): Query<PageParams>) -> Result<Json<Page<User>>, ApiError> {
    caller.needs(Role::Admin)?;
    let window = params.window()?;
    let read = move |connection: &_, scope| user::page(connection, scope, window.after, window.rows());
    let users = caller.read(read).await?;
    Ok(Json(window.page(users, |user| user.id.0, User::from)))
}

/// What was changed, by whom, newest first. Administrators only; those whose scope is a part of the tree see nothing,
/// because a change may concern several parts.
#[utoipa::path(get, path = "/audit", tag = "people", params(PageParams), responses((status = 200, body = Page<AuditEntry>)))]
pub async fn audit(
    caller: Caller,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    caller.needs(Role::Admin)?;
    let window = params.window()?;
    let read = caller.read(move |connection, scope| match scope {
        Scope::All => rows::page(connection, window.after, window.rows()),
        Scope::Agency(_) => Ok(Vec::new()),
    });
    let entries = read.await?;
    Ok(Json(window.page(entries, |row| row.id, view)))
}

fn view(row: rows::AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at_ms: row.at_ms,
        actor: row.actor.name,
        address: row.actor.address,
        action: row.action,
        subject: row.subject,
        detail: row.detail,
    }
}
