//! What became of an asset's parts: what came, went, was replaced or says otherwise what it is.

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::input::{Id, Query};
use crate::api::page::PageParams;
use crate::api::view::part_change::PartChange;
use crate::api::view::{Page, Problem};
use crate::model::asset::AssetId;
use crate::store::sqlite::part_change::{self, Seen};
use axum::Json;

/// Changes of an asset's parts, newest first. The last thousand are kept.
#[utoipa::path(get, path = "/assets/{id}/changes", tag = "assets",
    params(("id" = i64, Path, description = "the asset"), PageParams), responses(
    (status = 200, body = Page<PartChange>),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn list(
    caller: Caller,
    Id(id): Id,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<PartChange>>, ApiError> {
    let window = params.window()?;
    let read = caller.read(move |connection, scope| {
        part_change::page(connection, scope, AssetId(id), window.after, window.rows())
    });
    Ok(Json(window.page(read.await?, |seen| seen.id, view)))
}

fn view(seen: Seen) -> PartChange {
    let Seen { id, at_ms, change } = seen;
    PartChange {
        id,
        at_ms,
        kind: change.kind,
        part: change.part,
        what: change.what.into(),
        before: change.before,
        after: change.after,
    }
}
