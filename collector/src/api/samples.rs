//! Samples of one asset over a range of time.

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::input::{Id, Query};
use crate::api::state;
use crate::api::view::Problem;
use crate::api::view::asset::{SampleSeries, Samples, SeriesKind};
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
/// Steps in one answer unless told.
const STEPS_DEFAULT: i64 = 500;
/// Steps in one answer at most.
const STEPS_MAX: i64 = 10_000;
/// Narrowest step, unless told: the agents' own interval.
const STEP_DEFAULT_MIN_S: i64 = 15;
/// The range unless told.
const RANGE_DEFAULT_MS: i64 = 24 * 3_600_000;
/// Times that are taken at all: the years 1970 to 2200.
const TIME_MS_MAX: i64 = 7_258_118_400_000;

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
    let to_ms = params.to_ms.unwrap_or(now_ms);
    let from_ms = params.from_ms.unwrap_or(to_ms.saturating_sub(RANGE_DEFAULT_MS).max(0));
    if from_ms < 0 || to_ms <= from_ms || to_ms > TIME_MS_MAX {
        return Err(ApiError::invalid(
            "from_ms",
            "from_ms phải trước to_ms, cả hai là mili giây từ năm 1970.",
            "from_ms must be before to_ms, both in milliseconds since 1970.",
        ));
    }
    let range_s = (to_ms - from_ms + 999) / 1_000;
    let step_s =
        params.step_s.unwrap_or(((range_s + STEPS_DEFAULT - 1) / STEPS_DEFAULT).max(STEP_DEFAULT_MIN_S));
    if !(1..=TIME_MS_MAX / 1_000).contains(&step_s) || range_s / step_s >= STEPS_MAX {
        let vi = format!("step_s phải từ 1 và cho tối đa {STEPS_MAX} bước trong khoảng đã chọn.");
        let en = format!("step_s must be at least 1 and make at most {STEPS_MAX} steps of the range.");
        return Err(ApiError::invalid("step_s", vi, en));
    }
    Ok(Window { from_ms, to_ms, step_ms: step_s * 1_000 })
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
