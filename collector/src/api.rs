//! The operators' side: what pages and programs may see and change.
//!
//! Handlers are thin: they take the caller's scope and role, call the store or the writer once, and turn model types
//! into view types. They know nothing of the agents' wire.

pub mod agents;
pub mod alerts;
pub mod assets;
pub mod enrollments;
pub mod error;
pub mod openapi;
pub mod page;
pub mod people;
pub mod places;
pub mod session;
pub mod view;
pub mod work_orders;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The paths below `/api/v1`, with their description.
fn paths() -> OpenApiRouter {
    OpenApiRouter::with_openapi(openapi::start())
        .routes(routes!(session::sign_in, session::who, session::sign_out))
        .routes(routes!(places::summary))
        .routes(routes!(places::agencies))
        .routes(routes!(places::sites))
        .routes(routes!(assets::list))
        .routes(routes!(assets::one, assets::change))
        .routes(routes!(assets::samples))
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

/// The API's description.
pub fn description() -> utoipa::openapi::OpenApi {
    let (_, mut api) =
        OpenApiRouter::with_openapi(openapi::start()).nest("/api/v1", paths()).split_for_parts();
    openapi::finish(&mut api);
    api
}
