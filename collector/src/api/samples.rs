//! Samples of one asset over a range of time.

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::input::{Id, Query};
use crate::api::state;
use crate::api::view::Problem;
use crate::api::view::asset::{SampleSeries, Samples, SeriesKind};
use crate::api::window::{self, STEPS_DEFAULT};
use crate::model::asset::AssetId;
use crate::model::catalogue::{Column, Kind};
use crate::series::SeriesError;
use crate::series::query::{Bucket, Line, Window};
use crate::store::sqlite::{asset, listing};
use axum::Json;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Names in one request at most.
const NAMES_MAX: usize = 32;
/// Narrowest step, unless told: the agents' own interval.
const STEP_DEFAULT_MIN_S: i64 = 15;

/// Which samples.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SampleParams {
    /// OpenTelemetry name, such as `system.cpu.utilization`; several with commas between.
    pub name: String,
    /// From when, inclusive; 24 hours before `to_ms` unless told.
    pub from_ms: Option<i64>,
    /// Until when, exclusive; now unless told.
    pub to_ms: Option<i64>,
    /// Width of one step; wide enough for 500 steps unless told.
    pub step_s: Option<i64>,
}

/// Samples of one asset over a range of time, in steps. Running totals are given as rates per second.
#[utoipa::path(get, path = "/assets/{id}/samples", tag = "assets",
    params(("id" = i64, Path, description = "the asset"), SampleParams), responses(
    (status = 200, body = Samples),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub async fn samples(
    caller: Caller,
    Id(id): Id,
    Query(params): Query<SampleParams>,
) -> Result<Json<Samples>, ApiError> {
    let names = names(&params.name)?;
    let window = window(&params, caller.state().clock.now_ms())?;
    let agents = caller.read(move |connection, scope| {
        let asset = asset::one(connection, scope, AssetId(id))?.asset.id;
        listing::agents_of_asset(connection, scope, asset)
    });
    let (agents, series) = (agents.await?, Arc::clone(&caller.state().series));
    let lines = state::blocking(move || {
        let wanted = |column: &Column| names.contains(&column.name);
        series.gather(&agents, &wanted, window, &|| true)
    });
    let lines = lines.await??;
    Ok(Json(Samples {
        from_ms: window.from_ms,
        to_ms: window.to_ms,
        step_s: window.step_ms / 1_000,
        series: lines.into_iter().map(view).collect(),
    }))
}

fn names(text: &str) -> Result<Vec<String>, ApiError> {
    let names: Vec<String> =
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    if (1..=NAMES_MAX).contains(&names.len()) {
        return Ok(names);
    }
    let vi = format!("name cần từ 1 đến {NAMES_MAX} tên, cách nhau bằng dấu phẩy.");
    Err(ApiError::invalid("name", vi, format!("name takes 1 to {NAMES_MAX} names with commas between.")))
}

fn window(params: &SampleParams, now_ms: i64) -> Result<Window, ApiError> {
    let step_for = |range_s: i64| ((range_s + STEPS_DEFAULT - 1) / STEPS_DEFAULT).max(STEP_DEFAULT_MIN_S);
    window::window((params.from_ms, params.to_ms, params.step_s), now_ms, step_for)
}

fn view(line: Line) -> SampleSeries {
    let buckets = line.buckets();
    let (kind, unit) = match line.column.kind {
        Kind::Gauge => (SeriesKind::Gauge, line.column.unit),
        Kind::Counter => (SeriesKind::Rate, format!("{}/s", line.column.unit)),
    };
    let each = |figure: fn(&Bucket) -> f64| buckets.iter().map(figure).collect();
    SampleSeries {
        time_ms: buckets.iter().map(|bucket| bucket.time_ms).collect(),
        min: each(|bucket| bucket.min),
        max: each(|bucket| bucket.max),
        mean: each(|bucket| bucket.mean),
        last: each(|bucket| bucket.last),
        name: line.column.name,
        attributes: line.column.attributes,
        unit,
        kind,
    }
}

impl From<SeriesError> for ApiError {
    fn from(error: SeriesError) -> Self {
        match error {
            SeriesError::Window { .. } | SeriesError::TooMuch => Self::invalid(
                "step_s",
                format!("Khoảng thời gian quá dài hoặc quá nhiều tên: {error}."),
                format!("The range is too long, or there are too many names: {error}."),
            ),
            SeriesError::Database(_)
            | SeriesError::File(_)
            | SeriesError::Newer { .. }
            | SeriesError::Cancelled => Self::Internal(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(params: &SampleParams, expect: Option<(i64, i64, i64)>) {
        let window = window(params, 1_795_000_000_000).ok();
        assert_eq!(window.map(|window| (window.from_ms, window.to_ms, window.step_ms)), expect);
    }

    #[test]
    fn a_day_in_500_steps_unless_told() {
        let day = (1_794_913_600_000, 1_795_000_000_000, 173_000);
        check(&SampleParams::default(), Some(day));
        let minute = SampleParams { from_ms: Some(0), to_ms: Some(60_000), ..SampleParams::default() };
        check(&minute, Some((0, 60_000, 15_000)));
    }

    #[test]
    fn ranges_and_steps_out_of_bounds_are_refused() {
        let with =
            |from_ms, to_ms, step_s| SampleParams { from_ms, to_ms, step_s, ..SampleParams::default() };
        check(&with(Some(5), Some(5), None), None);
        check(&with(Some(i64::MIN), Some(i64::MAX), Some(1)), None);
        check(&with(None, None, Some(0)), None);
        check(&with(None, None, Some(-1)), None);
        check(&with(Some(0), None, Some(1)), None);
        check(&with(None, None, Some(i64::MAX)), None);
        assert!(names(" , ").is_err() && names(&"x,".repeat(33)).is_err());
    }
}
