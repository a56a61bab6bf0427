//! Policies: what is asked of all agents, of an agency's and of a site's; seen and put.

use crate::api::caller::{Caller, Changed};
use crate::api::error::ApiError;
use crate::api::input::{self, Body, Id};
use crate::api::view::Problem;
use crate::api::view::policy::{PlacedPolicy, Policy};
use crate::ingest::policy as asked;
use crate::latest::Effect;
use crate::model::agency::{AgencyId, SiteId};
use crate::model::policy::{self as model, Place};
use crate::model::user::Role;
use crate::store::sqlite::policy;
use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

type WithEtag = ([(HeaderName, HeaderValue); 1], Json<PlacedPolicy>);

/// What every agent is asked. For callers who see everything.
#[utoipa::path(get, path = "/policy", tag = "policies", responses(
    (status = 200, body = PlacedPolicy, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn of_all(caller: Caller) -> Result<WithEtag, ApiError> {
    show(caller, Place::All).await
}

/// What the agents of an agency and of all below it are asked.
#[utoipa::path(get, path = "/agencies/{id}/policy", tag = "policies",
    params(("id" = i64, Path, description = "the agency")), responses(
    (status = 200, body = PlacedPolicy, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn of_agency(caller: Caller, Id(id): Id) -> Result<WithEtag, ApiError> {
    show(caller, Place::Agency(AgencyId(id))).await
}

/// What the agents of a site are asked.
#[utoipa::path(get, path = "/sites/{id}/policy", tag = "policies",
    params(("id" = i64, Path, description = "the site")), responses(
    (status = 200, body = PlacedPolicy, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn of_site(caller: Caller, Id(id): Id) -> Result<WithEtag, ApiError> {
    show(caller, Place::Site(SiteId(id))).await
}

/// Asks something of every agent. Operators who see everything only.
#[utoipa::path(put, path = "/policy", tag = "policies", request_body = Policy,
    params(("if-match" = String, Header, description = "its etag")), responses(
    (status = 200, body = PlacedPolicy, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 428, body = Problem, content_type = "application/problem+json"),
))]
pub async fn put_all(
    caller: Caller,
    headers: HeaderMap,
    Body(asked): Body<Policy>,
) -> Result<WithEtag, ApiError> {
    put(caller, Place::All, &headers, asked).await
}

/// Asks something of the agents of an agency and of all below it. Operators only.
#[utoipa::path(put, path = "/agencies/{id}/policy", tag = "policies", request_body = Policy,
    params(("id" = i64, Path, description = "the agency"), ("if-match" = String, Header, description = "its etag")),
    responses(
    (status = 200, body = PlacedPolicy, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 428, body = Problem, content_type = "application/problem+json"),
))]
pub async fn put_agency(
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(asked): Body<Policy>,
) -> Result<WithEtag, ApiError> {
    put(caller, Place::Agency(AgencyId(id)), &headers, asked).await
}

/// Asks something of the agents of a site. Operators only.
#[utoipa::path(put, path = "/sites/{id}/policy", tag = "policies", request_body = Policy,
    params(("id" = i64, Path, description = "the site"), ("if-match" = String, Header, description = "its etag")),
    responses(
    (status = 200, body = PlacedPolicy, headers(("etag" = String))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 428, body = Problem, content_type = "application/problem+json"),
))]
pub async fn put_site(
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(asked): Body<Policy>,
) -> Result<WithEtag, ApiError> {
    put(caller, Place::Site(SiteId(id)), &headers, asked).await
}

async fn show(caller: Caller, place: Place) -> Result<WithEtag, ApiError> {
    Ok(shown(&caller.read(move |connection, scope| policy::at(connection, scope, place)).await?))
}

async fn put(caller: Caller, place: Place, headers: &HeaderMap, asked: Policy) -> Result<WithEtag, ApiError> {
    caller.needs(Role::Operator)?;
    let seen = input::if_match(headers)?;
    let body = serde_json::to_string(&asked).map_err(|error| ApiError::Internal(error.to_string()))?;
    asked::check(&body).map_err(|why| {
        ApiError::invalid(
            "policy",
            format!("Chính sách không hợp lệ: {}.", why.vi),
            format!("The policy is not acceptable: {}.", why.en),
        )
    })?;
    let now_ms = caller.state().clock.now_ms();
    let change = caller.change("policy.put", move |transaction, scope| {
        let before = policy::at(transaction, scope, place)?;
        if seen.is_some_and(|seen| seen != before.version) {
            return Err(ApiError::Stale);
        }
        let version = policy::put(transaction, scope, place, &body, now_ms)?;
        let detail = json!({ "version": version, "policy": asked });
        let value = model::PlacedPolicy { body, version };
        Ok(Changed { value, subject: place.subject(), detail, effects: vec![Effect::PolicyChanged] })
    });
    Ok(shown(&change.await?))
}

/// What is stored was checked when it was put.
fn shown(placed: &model::PlacedPolicy) -> WithEtag {
    let policy = serde_json::from_str(&placed.body).unwrap_or_default();
    let etag = input::etag(placed.version);
    let shown = PlacedPolicy { policy, version: placed.version, etag };
    (input::etag_header(placed.version), Json(shown))
}
