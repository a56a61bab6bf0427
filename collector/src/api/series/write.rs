//! Lines of the history as JSON, piece by piece, of the shape that [`Samples`](crate::api::view::series::History) says.
//!
//! Pure. Values are decimals that were scaled to whole numbers, so most digits are those of whole numbers: written
//! directly, in a third of the time that the shortest form of a double takes.

use crate::model::catalogue::Kind;
use crate::series::query::{Cell, Line, Window};
use crate::series::tier::Tier;

/// Which figures of a step are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    /// Least.
    pub(super) min: bool,
    /// Greatest.
    pub(super) max: bool,
    /// Mean.
    pub(super) mean: bool,
}

/// Digits behind the point that a mean has more than its values.
const MEAN_DIGITS: u8 = 3;
/// Digits behind the point that a rate has more than its total.
const RATE_DIGITS: u8 = 6;
/// Below this a double tells whole numbers apart.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// What stands before the lines.
pub(super) fn head(window: Window, tier: Tier) -> Vec<u8> {
    let start_ms = window.start_ms();
    let steps = i64::try_from(window.buckets()).unwrap_or(i64::MAX);
    let end_ms = start_ms.saturating_add(steps.saturating_mul(window.step_ms));
    let (step_s, tier) = (window.step_ms / 1_000, tier.name());
    format!(r#"{{"from_ms":{start_ms},"to_ms":{end_ms},"step_s":{step_s},"tier":"{tier}","series":["#)
        .into_bytes()
}

/// What stands behind them.
pub(super) const TAIL: &[u8] = b"]}";

/// One line.
pub(super) fn line(out: &mut Vec<u8>, line: &Line, figures: Figures) {
    let column = &line.column;
    let (kind, unit) = match column.kind {
        Kind::Gauge => ("gauge", column.unit.clone()),
        Kind::Counter => ("rate", format!("{}/s", column.unit)),
    };
    out.extend_from_slice(b"{\"name\":");
    text(out, &column.name);
    out.extend_from_slice(b",\"attributes\":{");
    for (place, (key, value)) in column.attributes.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        text(out, key);
        out.push(b':');
        text(out, value);
    }
    out.extend_from_slice(b"},\"unit\":");
    text(out, &unit);
    out.extend_from_slice(b",\"kind\":");
    text(out, kind);
    let extra = if column.kind == Kind::Counter { RATE_DIGITS } else { 0 };
    let mean_extra = if column.kind == Kind::Counter { RATE_DIGITS } else { MEAN_DIGITS };
    array(out, "min", figures.min, line, extra, |cell| cell.min);
    array(out, "max", figures.max, line, extra, |cell| cell.max);
    array(out, "mean", figures.mean, line, mean_extra, Cell::mean);
    out.push(b'}');
}

fn array(
    out: &mut Vec<u8>,
    name: &str,
    is_wanted: bool,
    line: &Line,
    extra: u8,
    pick: impl Fn(&Cell) -> f64,
) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    if !is_wanted {
        return out.extend_from_slice(b"null");
    }
    out.push(b'[');
    let mut number = Number::new(line.column.scale, extra);
    for (place, cell) in line.cells.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        if cell.is_empty() { out.extend_from_slice(b"null") } else { number.write(out, pick(cell)) }
    }
    out.push(b']');
}

fn text(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    drop(serde_json::to_writer(out, text));
}

/// Writes scaled values.
struct Number {
    buffer: itoa::Buffer,
    scale: u8,
    extra: u8,
    power: f64,
}

impl Number {
    fn new(scale: u8, extra: u8) -> Self {
        Self { buffer: itoa::Buffer::new(), scale, extra, power: 10_f64.powi(i32::from(extra)) }
    }

    /// A value scaled by `scale`, with at most `extra` digits more behind the point.
    fn write(&mut self, out: &mut Vec<u8>, scaled: f64) {
        let whole = (scaled * self.power).round();
        if !whole.is_finite() || whole.abs() >= WHOLE_MAX {
            let value = scaled / 10_f64.powi(i32::from(self.scale));
            return if value.is_finite() {
                drop(serde_json::to_writer(out, &value));
            } else {
                out.extend_from_slice(b"null");
            };
        }
        let mut whole = whole as i64;
        let mut digits = usize::from(self.scale + self.extra);
        while digits > 0 && whole % 10 == 0 {
            whole /= 10;
            digits -= 1;
        }
        if whole < 0 {
            out.push(b'-');
        }
        let text = self.buffer.format(whole.unsigned_abs()).as_bytes();
        match text.len().checked_sub(digits) {
            Some(0) | None => {
                out.extend_from_slice(b"0.");
                out.extend(std::iter::repeat_n(b'0', digits - text.len()));
                out.extend_from_slice(text);
            }
            Some(before) => {
                let (before, behind) = text.split_at(before);
                out.extend_from_slice(before);
                if digits > 0 {
                    out.push(b'.');
                    out.extend_from_slice(behind);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::view::series::History;
    use crate::model::catalogue::{Attributes, Column};
    use crate::series::apart::Apart;
    use crate::series::chunk::Cells;

    fn check(scaled: f64, scale: u8, extra: u8, expect: &str) {
        let mut out = Vec::new();
        Number::new(scale, extra).write(&mut out, scaled);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn numbers_are_as_short_as_their_digits_allow() {
        check(0.0, 4, 3, "0");
        check(1_234.0, 4, 0, "0.1234");
        check(-1_230.0, 4, 0, "-0.123");
        check(10_000.0, 4, 0, "1");
        check(5.0, 3, 0, "0.005");
        check(123_456.0, 2, 0, "1234.56");
        check(100.0, 0, 0, "100");
        check(1.0 / 3.0, 0, 6, "0.333333");
        check(16_777_216_000.5, 0, 3, "16777216000.5");
        check(1e18, 0, 0, "1e+18");
        check(f64::NAN, 0, 0, "null");
    }

    #[test]
    fn what_is_written_is_what_the_view_says() {
        let attributes = Attributes::from([("k".to_owned(), "\"ổ đĩa\"".to_owned())]);
        let column = Column { name: "a".into(), attributes, unit: "By".into(), scale: 1, kind: Kind::Gauge };
        let window = Window { from_ms: 60_000, to_ms: 240_000, step_ms: 60_000 };
        let mut one = Line::new(&column, window);
        let times = [60_000, 61_000, 180_000];
        one.feed(&column, &times, &window.runs(&times), &Cells::Full(vec![10, 25, 7]), &Apart::default());
        let mut out = head(window, Tier::Raw);
        line(&mut out, &one, Figures { min: true, max: false, mean: true });
        out.extend_from_slice(TAIL);
        let read: History = serde_json::from_slice(&out).unwrap();
        assert_eq!((read.from_ms, read.to_ms, read.step_s), (60_000, 240_000, 60));
        assert_eq!(read.series[0].attributes["k"], "\"ổ đĩa\"");
        assert_eq!(read.series[0].min.as_deref(), Some(&[Some(1.0), None, Some(0.7)][..]));
        assert_eq!(read.series[0].mean.as_deref(), Some(&[Some(1.75), None, Some(0.7)][..]));
        assert_eq!(read.series[0].max, None);
    }
}
