//! Agents: the list, revoking one, accepting one that is quarantined.

use crate::api::caller::{Caller, Changed};
use crate::api::current;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::page::{PageParams, Window};
use crate::api::view::agent::Agent;
use crate::api::view::{Page, Problem, Text};
use crate::latest::{Effect, Latest};
use crate::model::agent::{AgentId, AgentState};
use crate::model::user::Role;
use crate::store::sqlite::agent;
use crate::store::sqlite::listing::{self, ListedAgent, agent as listed};
use axum::Json;
use axum::extract::Path;
use serde_json::json;

/// Agents within the caller's scope.
#[utoipa::path(get, path = "/agents", tag = "agents", params(PageParams), responses((status = 200, body = Page<Agent>)))]
pub async fn list(caller: Caller, Query(params): Query<PageParams>) -> Result<Json<Page<Agent>>, ApiError> {
    let window = Window::new(params.limit, None)?;
    let after = params.cursor.as_deref().map(parse_cursor).transpose()?;
    let read = caller.read(move |connection, scope| listing::agents(connection, scope, after, window.rows()));
    let mut rows = read.await?;
    let more = rows.len() > window.limit;
    rows.truncate(window.limit);
    let next = if more { rows.last().map(|row| row.id.to_string()) } else { None };
    let latest = &caller.state().latest;
    Ok(Json(Page { items: rows.into_iter().map(|row| view(row, latest)).collect(), next }))
}

/// Revokes an agent, for ever. Administrators only.
#[utoipa::path(post, path = "/agents/{id}/revoke", tag = "agents", params(("id" = String, Path, description = "the agent")),
    responses(
    (status = 200, body = Agent),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn revoke(caller: Caller, Path(id): Path<String>) -> Result<Json<Agent>, ApiError> {
    caller.needs(Role::Admin)?;
    let id = parse(&id)?;
    let change = caller.change("agent.revoke", move |transaction, scope| {
        let before = listed(transaction, scope, id)?;
        agent::set_state(transaction, id, AgentState::Revoked)?;
        let (value, detail) = (listed(transaction, scope, id)?, json!({ "asset": before.asset.0 }));
        let effects = vec![Effect::AgentChanged(id)];
        Ok(Changed { value, subject: format!("agent:{id}"), detail, effects })
    });
    let row = change.await?;
    Ok(Json(view(row, &caller.state().latest)))
}

/// Lets a quarantined agent report. Administrators only.
#[utoipa::path(post, path = "/agents/{id}/accept", tag = "agents", params(("id" = String, Path, description = "the agent")),
    responses(
    (status = 200, body = Agent),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
pub async fn accept(caller: Caller, Path(id): Path<String>) -> Result<Json<Agent>, ApiError> {
    caller.needs(Role::Admin)?;
    let id = parse(&id)?;
    let state = caller.read(move |connection, scope| listed(connection, scope, id)).await?.state;
    if state != AgentState::Quarantined {
        return Err(ApiError::Conflict(Text {
            vi: "Tác tử này không ở trạng thái chờ duyệt.".to_owned(),
            en: "This agent is not waiting to be accepted.".to_owned(),
        }));
    }
    let change = caller.change("agent.accept", move |transaction, scope| {
        listed(transaction, scope, id)?;
        let revoked = agent::accept(transaction, id)?;
        let effects = revoked.iter().copied().chain([id]).map(Effect::AgentChanged).collect();
        let revoked: Vec<String> = revoked.iter().map(AgentId::to_string).collect();
        let (value, detail) = (listed(transaction, scope, id)?, json!({ "revoked": revoked }));
        Ok(Changed { value, subject: format!("agent:{id}"), detail, effects })
    });
    let row = change.await?;
    Ok(Json(view(row, &caller.state().latest)))
}

fn view(row: ListedAgent, latest: &Latest) -> Agent {
    let host = latest.host(row.id);
    Agent {
        id: row.id.to_string(),
        asset_id: row.asset.0,
        asset_name: row.asset_name,
        version: row.version,
        state: current::agent_state(row.state, row.clone_seen_ms),
        enrolled_ms: row.enrolled_ms,
        last_seen_ms: host.as_ref().and_then(current::last_seen_ms),
        certificate_expires_ms: row.certificate_expires_ms,
        spools: host.map_or(0, |host| u32::try_from(host.spools.len()).unwrap_or(u32::MAX)),
    }
}

/// What is no id is an agent that does not exist.
fn parse(text: &str) -> Result<AgentId, ApiError> {
    text.parse().map_err(|_| ApiError::Missing("agent"))
}

fn parse_cursor(text: &str) -> Result<AgentId, ApiError> {
    text.parse().map_err(|_| {
        ApiError::invalid(
            "cursor",
            "cursor không hợp lệ: hãy dùng giá trị next của trang trước.",
            "The cursor is not one: use next of the page before.",
        )
    })
}
