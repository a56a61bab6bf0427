//! A window of time as asked of a history: its bounds, its defaults and its mistakes. Knows nothing of what is read.

use crate::api::error::ApiError;
use crate::series::query::Window;

/// Steps in one answer unless told.
pub(super) const STEPS_DEFAULT: i64 = 500;
/// Steps in one answer at most.
const STEPS_MAX: i64 = 10_000;
/// The range unless told.
const RANGE_DEFAULT_MS: i64 = 24 * 3_600_000;
/// Times that are taken at all: the years 1970 to 2200.
pub(super) const TIME_MS_MAX: i64 = 7_258_118_400_000;

/// A window from what was asked; `step_for` gives the step of a range, both in seconds, where none was.
pub(super) fn window(
    (from_ms, to_ms, step_s): (Option<i64>, Option<i64>, Option<i64>),
    now_ms: i64,
    step_for: impl FnOnce(i64) -> i64,
) -> Result<Window, ApiError> {
    let to_ms = to_ms.unwrap_or(now_ms);
    let from_ms = from_ms.unwrap_or(to_ms.saturating_sub(RANGE_DEFAULT_MS).max(0));
    if from_ms < 0 || to_ms <= from_ms || to_ms > TIME_MS_MAX {
        return Err(ApiError::invalid(
            "from_ms",
            "from_ms phải trước to_ms, cả hai là mili giây từ năm 1970.",
            "from_ms must be before to_ms, both in milliseconds since 1970.",
        ));
    }
    let range_s = (to_ms - from_ms + 999) / 1_000;
    let step_s = step_s.unwrap_or_else(|| step_for(range_s));
    if !(1..=TIME_MS_MAX / 1_000).contains(&step_s) || range_s / step_s >= STEPS_MAX {
        let least = range_s / STEPS_MAX + 1;
        let vi =
            format!("Một câu trả lời có tối đa {STEPS_MAX} bước: với khoảng này step_s phải từ {least}.");
        let en = format!(
            "An answer has at most {STEPS_MAX} steps: for this range step_s must be at least {least}."
        );
        return Err(ApiError::invalid("step_s", vi, en));
    }
    Ok(Window { from_ms, to_ms, step_ms: step_s * 1_000 })
}
