//! The latest values of one name over a fleet, sorted: the fullest disks, the hottest machines.

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::select::{self, Selector};
use crate::api::view::asset::AssetKind;
use crate::api::view::series::{LatestValue, LatestValues, SeriesKind};
use crate::api::view::{Named, Problem};
use crate::latest::{Kept, Latest};
use crate::model::agency::Scope;
use crate::model::catalogue::{Column, Kind};
use crate::series::roll;
use crate::store::StoreError;
use crate::store::sqlite::asset::{self, AssetFilter};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Values in one answer unless told.
const LIMIT_DEFAULT: usize = 20;
/// Values in one answer at most.
const LIMIT_MAX: usize = 10_000;
/// Assets that are read at once.
const CHUNK: usize = 1_000;

/// Which values come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The greatest.
    #[default]
    Desc,
    /// The least.
    Asc,
}

/// Which values.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LatestParams {
    /// OpenTelemetry name; attributes in braces take only those series that have them:
    /// `hw.temperature{hw.id=package}`.
    pub name: String,
    /// Only assets of this agency and of the agencies below it.
    pub agency: Option<i64>,
    /// Only assets of this site.
    pub site: Option<i64>,
    /// Only assets of this kind.
    #[param(inline)]
    pub kind: Option<AssetKind>,
    /// Which come first, `desc` unless told.
    #[param(inline)]
    pub order: Option<Order>,
    /// How many to give: 1 to 10,000, 20 unless told.
    pub limit: Option<usize>,
}

/// The latest values of one name over the assets within the caller's scope, sorted. Running totals are given as rates per
/// second.
#[utoipa::path(get, path = "/latest", tag = "history", params(LatestParams), responses(
    (status = 200, body = LatestValues<'static>),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub async fn latest(caller: Caller, Query(params): Query<LatestParams>) -> Result<Response, ApiError> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let vi = format!("limit phải từ 1 đến {LIMIT_MAX}, nhận được {limit}.");
        return Err(ApiError::invalid("limit", vi, format!("limit must be 1 to {LIMIT_MAX}, got {limit}.")));
    }
    let selectors = select::parse("name", &params.name)?;
    let [selector] = selectors.as_slice() else {
        return Err(ApiError::invalid("name", "name chỉ nhận một tên.", "name takes one name."));
    };
    let (selector, order) = (selector.clone(), params.order.unwrap_or_default());
    let filter = AssetFilter { agency: params.agency, site: params.site, kind: params.kind.map(Into::into) };
    let latest = Arc::clone(&caller.state().latest);
    let read = move |connection: &Connection, scope| {
        let mut found = values(connection, scope, filter, &latest, &selector)?;
        let total = found.len();
        found.sort_by(|a, b| match order {
            Order::Desc => b.value.total_cmp(&a.value),
            Order::Asc => a.value.total_cmp(&b.value),
        });
        found.truncate(limit);
        // Written here, where the hosts are: nothing of them is copied to be sent.
        let values = LatestValues { total, items: found.iter().filter_map(Found::view).collect() };
        Ok(serde_json::to_vec(&values))
    };
    let body = caller.read(read).await?.map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// A value that may be shown.
struct Found {
    value: f64,
    at_ms: i64,
    asset: Named,
    columns: Arc<[Column]>,
    place: usize,
}

/// Every value of the assets that are asked for; the sort that follows keeps assets of equal values in order.
fn values(
    connection: &Connection,
    scope: Scope,
    filter: AssetFilter,
    latest: &Latest,
    selector: &Selector,
) -> Result<Vec<Found>, StoreError> {
    // Hosts of one make share their columns, so looking for names once is enough for all of them.
    let mut places: HashMap<*const Column, Vec<usize>> = HashMap::new();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let rows = asset::names(connection, scope, filter, after, CHUNK)?;
        let is_last = rows.len() < CHUNK;
        after = rows.last().map(|(id, _)| id.0);
        for (id, name) in rows {
            let read = |kept: &Kept| {
                let Some(catalogue) = kept.catalogue.as_ref() else { return };
                let columns = &catalogue.columns;
                let places = places.entry(columns.as_ptr()).or_insert_with(|| {
                    let named = columns.iter().enumerate().filter(|(_, column)| selector.takes(column));
                    named.map(|(place, _)| place).collect()
                });
                for place in places.iter().copied() {
                    let Some(value) = value(kept, columns.get(place), place) else { continue };
                    let (asset, columns) = (Named { id: id.0, name: name.clone() }, Arc::clone(columns));
                    found.push(Found { value, at_ms: kept.at_ms, asset, columns, place });
                }
            };
            latest.look_at(id, read);
        }
        if is_last {
            return Ok(found);
        }
    }
}

/// A level as it is; a running total as what it has grown by since the report before.
fn value(kept: &Kept, column: Option<&Column>, place: usize) -> Option<f64> {
    let (column, reading) = (column?, kept.reading(place)?);
    if column.kind == Kind::Gauge {
        return Some(column.unscale(reading.value));
    }
    let (before_ms, before) = reading.before?;
    let seconds = kept.at_ms.saturating_sub(before_ms) as f64 / 1_000.0;
    (seconds > 0.0).then(|| column.unscale(roll::increase(before, reading.value)) / seconds)
}

impl Found {
    fn view(&self) -> Option<LatestValue<'_>> {
        let column = self.columns.get(self.place)?;
        let (kind, unit) = match column.kind {
            Kind::Gauge => (SeriesKind::Gauge, Cow::Borrowed(column.unit.as_str())),
            Kind::Counter => (SeriesKind::Rate, Cow::Owned(format!("{}/s", column.unit))),
        };
        let (attributes, at_ms) = (&column.attributes, self.at_ms);
        Some(LatestValue { asset: &self.asset, attributes, unit, kind, value: self.value, at_ms })
    }
}
