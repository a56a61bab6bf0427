//! The latest values of one name over a fleet, sorted: the fullest disks, the hottest machines.

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::select::{self, Selector};
use crate::api::view::asset::AssetKind;
use crate::api::view::series::{LatestValue, LatestValues, SeriesKind};
use crate::api::view::{Named, Problem};
use crate::latest::{Kept, Latest};
use crate::model::agency::{Scope, SiteId};
use crate::model::asset::AssetId;
use crate::model::catalogue::{Column, Kind};
use crate::series::roll;
use crate::store::StoreError;
use crate::store::sqlite::asset::{self, AssetFilter};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Values in one answer unless told.
const LIMIT_DEFAULT: usize = 20;
/// Values in one answer at most.
const LIMIT_MAX: usize = 10_000;

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
        let best = look(connection, scope, filter, &latest, (&selector, Best::new(limit, order)))?;
        let (total, found) = best.finish();
        let names = asset::names(connection, scope, found.iter().map(|found| found.asset))?;
        // Written here, where the hosts are: nothing of them is copied to be sent.
        let items = found.iter().filter_map(|found| found.view(names.get(&found.asset)?)).collect();
        Ok(serde_json::to_vec(&LatestValues { total, items }))
    };
    let body = caller.read(read).await?.map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// A value that may be shown.
struct Found {
    value: f64,
    at_ms: i64,
    asset: AssetId,
    columns: Arc<[Column]>,
    place: usize,
}

/// The first values in an order, of many: no more are held than twice what is to be shown.
struct Best {
    limit: usize,
    order: Order,
    total: usize,
    found: Vec<Found>,
    /// A value that so many go before that it need not be held.
    too_late: Option<f64>,
}

impl Best {
    const fn new(limit: usize, order: Order) -> Self {
        Self { limit, order, total: 0, found: Vec::new(), too_late: None }
    }

    fn compare(&self, one: f64, other: f64) -> Ordering {
        match self.order {
            Order::Desc => other.total_cmp(&one),
            Order::Asc => one.total_cmp(&other),
        }
    }

    fn put(&mut self, kept: &Kept, columns: &Arc<[Column]>, place: usize) {
        let Some(value) = columns.get(place).and_then(|column| value(kept, column, place)) else { return };
        self.total += 1;
        if self.too_late.is_some_and(|late| self.compare(value, late) == Ordering::Greater) {
            return;
        }
        let columns = Arc::clone(columns);
        self.found.push(Found { value, at_ms: kept.at_ms, asset: kept.asset, columns, place });
        if self.found.len() >= 2 * self.limit {
            self.sort();
        }
    }

    /// Those of equal values by their assets.
    fn sort(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        found.sort_unstable_by(|one, other| {
            let assets = || (one.asset, one.place).cmp(&(other.asset, other.place));
            self.compare(one.value, other.value).then_with(assets)
        });
        found.truncate(self.limit);
        if found.len() == self.limit {
            self.too_late = found.last().map(|found| found.value);
        }
        self.found = found;
    }

    fn finish(mut self) -> (usize, Vec<Found>) {
        self.sort();
        (self.total, self.found)
    }
}

/// Looks at every value of the assets that are asked for.
fn look(
    connection: &Connection,
    scope: Scope,
    filter: AssetFilter,
    latest: &Latest,
    (selector, mut best): (&Selector, Best),
) -> Result<Best, StoreError> {
    // Hosts of one make share their columns, so looking for names once is enough for all of them.
    let mut places: HashMap<*const Column, Vec<usize>> = HashMap::new();
    let mut read = |kept: &Kept| {
        let Some(catalogue) = kept.catalogue.as_ref() else { return };
        let columns = &catalogue.columns;
        let places = places.entry(columns.as_ptr()).or_insert_with(|| {
            let named = columns.iter().enumerate().filter(|(_, column)| selector.takes(column));
            named.map(|(place, _)| place).collect()
        });
        places.iter().for_each(|place| best.put(kept, columns, *place));
    };
    let sites: HashSet<SiteId> = asset::sites(connection, scope, filter)?.into_iter().collect();
    let is_of_kind = |kept: &Kept| filter.kind.is_none_or(|kind| kept.kind == kind);
    if filter.site.is_some() {
        // The assets of a few sites are not looked for among all that there are.
        for asset in sites.iter().map(|site| asset::ids_of_site(connection, scope, *site)) {
            for id in asset? {
                latest.look_at(id, |kept| {
                    if is_of_kind(kept) {
                        read(kept)
                    }
                });
            }
        }
    } else {
        latest.each_asset(|kept| {
            if is_of_kind(kept) && sites.contains(&kept.site) {
                read(kept);
            }
        });
    }
    Ok(best)
}

/// A level as it is; a running total as what it has grown by since the report before.
fn value(kept: &Kept, column: &Column, place: usize) -> Option<f64> {
    if column.kind == Kind::Gauge {
        return Some(column.unscale(kept.value(place)?));
    }
    let reading = kept.reading(place)?;
    let (before_ms, before) = reading.before?;
    let seconds = kept.at_ms.saturating_sub(before_ms) as f64 / 1_000.0;
    (seconds > 0.0).then(|| column.unscale(roll::increase(before, reading.value)) / seconds)
}

impl Found {
    fn view(&self, name: &str) -> Option<LatestValue<'_>> {
        let column = self.columns.get(self.place)?;
        let (kind, unit) = match column.kind {
            Kind::Gauge => (SeriesKind::Gauge, Cow::Borrowed(column.unit.as_str())),
            Kind::Counter => (SeriesKind::Rate, Cow::Owned(format!("{}/s", column.unit))),
        };
        let (attributes, at_ms) = (&column.attributes, self.at_ms);
        let asset = Named { id: self.asset.0, name: name.to_owned() };
        Some(LatestValue { asset, attributes, unit, kind, value: self.value, at_ms })
    }
}
