//! The operators' side: what pages and programs may see and change.
//!
//! Handlers are thin: they take the caller's scope and role, call the store or the writer once, and turn model types
//! into view types. They know nothing of the agents' wire.

pub mod agents;
pub mod alerts;
pub mod assets;
pub mod caller;
pub mod changes;
pub mod current;
pub mod enrollments;
pub mod error;
pub mod headers;
pub mod input;
pub mod install;
pub mod latest;
pub mod login;
pub mod metrics;
pub mod openapi;
pub mod origin;
pub mod page;
pub mod password;
pub mod people;
pub mod places;
pub mod policies;
pub mod secret;
pub mod select;
pub mod series;
pub mod session;
pub mod state;
pub mod stream;
pub mod view;
mod window;
pub mod work_orders;

use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, middleware};
use error::ApiError;
use state::State;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Everything below `/api`, `/install`, and what watches the collector itself. Merged with the pages, and the whole
/// wrapped by [`headers::secure`].
pub fn router(state: Arc<State>) -> Router {
    let description = Arc::new(serde_json::to_string(&description()).unwrap_or_default());
    let openapi = get(move || {
        let body = description.as_ref().clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], body) }
    });
    let (paths, _) = paths().split_for_parts();
    let api = paths
        .route("/openapi.json", openapi)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(input::BODY_BYTES_MAX));
    Router::new()
        .nest("/api/v1", api)
        .route("/api/{*path}", get(unknown).fallback(unknown))
        .route("/install/{file}", get(install::file))
        .route("/healthz", get(metrics::alive))
        .route("/readyz", get(metrics::ready))
        .route("/metrics", get(metrics::metrics))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), metrics::measure))
        .with_state(state)
}

/// The API's description.
pub fn description() -> utoipa::openapi::OpenApi {
    let (_, mut api) =
        OpenApiRouter::with_openapi(openapi::start()).nest("/api/v1", paths()).split_for_parts();
    openapi::finish(&mut api);
    api
}

/// The paths below `/api/v1`, with their description.
fn paths() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::with_openapi(openapi::start())
        .routes(routes!(session::sign_in, session::who, session::sign_out))
        .routes(routes!(places::summary))
        .routes(routes!(places::agencies))
        .routes(routes!(places::sites))
        .routes(routes!(places::site, places::change_site))
        .routes(routes!(policies::of_all, policies::put_all))
        .routes(routes!(policies::of_agency, policies::put_agency))
        .routes(routes!(policies::of_site, policies::put_site))
        .routes(routes!(assets::list))
        .routes(routes!(assets::one, assets::change))
        .routes(routes!(changes::list))
        .routes(routes!(series::series))
        .routes(routes!(latest::latest))
        .routes(routes!(agents::list))
        .routes(routes!(agents::revoke))
        .routes(routes!(agents::accept))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(work_orders::list))
        .routes(routes!(work_orders::one, work_orders::change))
        .routes(routes!(enrollments::list, enrollments::create))
        .routes(routes!(people::users))
        .routes(routes!(people::audit))
}

async fn unknown() -> impl IntoResponse {
    ApiError::Missing("path")
}

async fn wrong_method() -> impl IntoResponse {
    ApiError::MethodNotAllowed
}

#[cfg(test)]
mod tests;
