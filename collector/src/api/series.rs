//! The history of one asset: names over a range of time, in steps. Made and sent line by line; a caller who goes ends
//! the work.

mod write;

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::select::{self, Selector};
use crate::api::stream::{self, PIECE_BYTES, Sender};
use crate::api::view::Problem;
use crate::api::view::series::History;
use crate::api::window::{self, STEPS_DEFAULT};
use crate::model::agent::AgentId;
use crate::model::asset::AssetId;
use crate::model::catalogue::Column;
use crate::series::query::Window;
use crate::series::{CELLS_MAX, Gathered, SAMPLES_MAX, Series, SeriesError};
use crate::store::sqlite::{asset, listing};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;
use utoipa::IntoParams;
use write::Figure;

/// Steps that are taken unless told, in seconds, the shortest that makes at most [`STEPS_DEFAULT`]: the agents' own
/// interval, and lengths that coarser tiers can answer.
const STEPS_S: [i64; 12] = [15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400];

/// Which samples.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SeriesParams {
    /// The asset.
    pub asset: i64,
    /// OpenTelemetry name, such as `system.memory.usage`; several with commas between, 32 at most. Attributes in braces
    /// take only those series that have them: `system.cpu.utilization{cpu.mode=user|system}`.
    pub name: String,
    /// From when, inclusive, rounded down to a whole step; 24 hours before `to_ms` unless told.
    pub from_ms: Option<i64>,
    /// Until when, exclusive, rounded up to a whole step; now unless told.
    pub to_ms: Option<i64>,
    /// Width of one step; wide enough for 500 steps unless told. Steps of whole 5 minutes or hours are read from what
    /// the samples were rolled up to, where that is quicker.
    pub step_s: Option<i64>,
    /// Which of `min`, `max`, `mean`, `last` and `count` to give, with commas between; the first three unless told.
    pub figures: Option<String>,
}

/// Samples of one asset over a range of time, in steps. Running totals are given as rates per second.
#[utoipa::path(get, path = "/series", tag = "history", params(SeriesParams), responses(
    (status = 200, body = History),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub async fn series(caller: Caller, Query(params): Query<SeriesParams>) -> Result<Response, ApiError> {
    let selectors = select::parse("name", &params.name)?;
    let figures = figures(params.figures.as_deref())?;
    let window = window(&params, caller.state().clock.now_ms())?;
    let id = AssetId(params.asset);
    let agents = caller.read(move |connection, scope| {
        let asset = asset::one(connection, scope, id)?.asset.id;
        listing::agents_of_asset(connection, scope, asset)
    });
    let agents = agents.await?;
    // So many work at a time; the others wait, and cost nothing meanwhile.
    let turn = Arc::clone(&caller.state().queries).acquire_owned().await;
    let turn = turn.map_err(|error| ApiError::Internal(error.to_string()))?;
    let series = Arc::clone(&caller.state().series);
    let (sender, body) = stream::body();
    let (found, finds) = oneshot::channel();
    let state = Arc::clone(caller.state());
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        if !answer(&series, &agents, &selectors, window, &figures, &sender, found) {
            state.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    });
    finds.await.map_err(|_| ApiError::Internal("the history was not read".to_owned()))??;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Gathers the lines, says whether that went well, then sends them; whether somebody stayed for all of it. Blocks.
fn answer(
    series: &Series,
    agents: &[AgentId],
    selectors: &[Selector],
    window: Window,
    figures: &[Figure],
    sender: &Sender,
    found: oneshot::Sender<Result<(), SeriesError>>,
) -> bool {
    let wanted = |column: &Column| selectors.iter().any(|selector| selector.takes(column));
    let Gathered { lines, tiers } = match series.gather(agents, &wanted, window, &|| sender.is_wanted()) {
        Ok(gathered) => gathered,
        Err(error) => return found.send(Err(error)).is_ok(),
    };
    if found.send(Ok(())).is_err() {
        return false;
    }
    let mut piece = write::head(window, &tiers);
    for (place, line) in lines.into_iter().enumerate() {
        if place > 0 {
            piece.push(b',');
        }
        write::line(&mut piece, &line, figures);
        if piece.len() >= PIECE_BYTES && !sender.send(std::mem::take(&mut piece)) {
            return false;
        }
    }
    piece.extend_from_slice(write::TAIL);
    sender.send(piece)
}

fn figures(text: Option<&str>) -> Result<Vec<Figure>, ApiError> {
    let Some(text) = text else { return Ok(vec![Figure::Min, Figure::Max, Figure::Mean]) };
    let named = |word: &str| Figure::ALL.into_iter().find(|figure| figure.name() == word.trim());
    let figures: Option<Vec<Figure>> = text.split(',').map(named).collect();
    figures.ok_or_else(|| {
        ApiError::invalid(
            "figures",
            "figures là min, max, mean, last, count, cách nhau bằng dấu phẩy.",
            "figures takes min, max, mean, last and count, with commas between.",
        )
    })
}

/// The window asked for, its ends on whole steps.
fn window(params: &SeriesParams, now_ms: i64) -> Result<Window, ApiError> {
    let asked = (params.from_ms, params.to_ms, params.step_s);
    let Window { from_ms, to_ms, step_ms } = window::window(asked, now_ms, step_for)?;
    let down = |time_ms: i64| time_ms - time_ms.rem_euclid(step_ms);
    Ok(Window { from_ms: down(from_ms), to_ms: down(to_ms + step_ms - 1), step_ms })
}

impl From<SeriesError> for ApiError {
    fn from(error: SeriesError) -> Self {
        match error {
            SeriesError::TooManyCells { buckets } => {
                let fit = CELLS_MAX / buckets.max(1);
                Self::invalid(
                    "step_s",
                    format!(
                        "Mỗi chuỗi có {buckets} bước thì chỉ vừa {fit} chuỗi: lấy step_s dài hơn hoặc ít tên hơn."
                    ),
                    format!(
                        "Of {buckets} steps, {fit} series fit one answer: take a longer step_s, or fewer names."
                    ),
                )
            }
            SeriesError::TooManySamples => Self::invalid(
                "step_s",
                format!(
                    "Phải đọc quá {SAMPLES_MAX} mẫu: lấy step_s là bội của 3600, khoảng ngắn hơn hoặc ít tên hơn."
                ),
                format!(
                    "More than {SAMPLES_MAX} samples to read: take a step_s of whole 3600, a shorter range, or fewer names."
                ),
            ),
            SeriesError::Window { .. } => Self::invalid(
                "step_s",
                format!("Khoảng thời gian và bước không hợp nhau: {error}."),
                format!("Range and step do not go together: {error}."),
            ),
            SeriesError::Database(_)
            | SeriesError::File(_)
            | SeriesError::Newer { .. }
            | SeriesError::Cancelled => Self::Internal(error.to_string()),
        }
    }
}

fn step_for(range_s: i64) -> i64 {
    let least = (range_s + STEPS_DEFAULT - 1) / STEPS_DEFAULT;
    let days = |step: i64| (step + 86_399) / 86_400 * 86_400;
    STEPS_S.into_iter().find(|step| *step >= least).unwrap_or_else(|| days(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(params: &SeriesParams, expect: Option<(i64, i64, i64)>) {
        let window = window(params, 1_795_000_000_000).ok();
        assert_eq!(window.map(|window| (window.from_ms, window.to_ms, window.step_ms)), expect);
    }

    #[test]
    fn a_day_in_500_steps_unless_told() {
        check(&SeriesParams::default(), Some((1_794_913_500_000, 1_795_000_200_000, 300_000)));
        let minute = SeriesParams { from_ms: Some(1), to_ms: Some(60_001), ..SeriesParams::default() };
        check(&minute, Some((0, 75_000, 15_000)));
        let years = SeriesParams { from_ms: Some(0), ..SeriesParams::default() };
        let window = window(&years, 1_795_000_000_000).unwrap();
        assert_eq!((window.step_ms % 86_400_000, window.buckets() <= 501), (0, true), "{window:?}");
    }

    #[test]
    fn ranges_and_steps_out_of_bounds_are_refused() {
        let with =
            |from_ms, to_ms, step_s| SeriesParams { from_ms, to_ms, step_s, ..SeriesParams::default() };
        check(&with(Some(5), Some(5), None), None);
        check(&with(Some(i64::MIN), Some(i64::MAX), Some(1)), None);
        check(&with(None, None, Some(0)), None);
        check(&with(None, None, Some(-1)), None);
        check(&with(Some(0), None, Some(1)), None);
        check(&with(None, None, Some(i64::MAX)), None);
        assert!(figures(Some("min,median")).is_err());
        assert_eq!(figures(Some("count, mean")).unwrap(), [Figure::Count, Figure::Mean]);
    }
}
