//! Lines of the history as JSON, piece by piece, of the shape that [`Samples`](crate::api::view::series::History) says.
//!
//! Pure. Values are decimals that were scaled to whole numbers, so most digits are those of whole numbers: written
//! directly, in a third of the time that the shortest form of a double takes.

use crate::model::catalogue::{Column, Kind};
use crate::series::query::{Answered, Cell, Line, Window};

/// A figure of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// Mean.
    Mean,
    /// Latest.
    Last,
    /// How many samples there were.
    Count,
}

impl Figure {
    /// All, in the order that they are written in.
    pub(super) const ALL: [Self; 5] = [Self::Min, Self::Max, Self::Mean, Self::Last, Self::Count];

    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Last => "last",
            Self::Count => "count",
        }
    }

    fn of(self, cell: &Cell) -> f64 {
        match self {
            Self::Min => cell.min,
            Self::Max => cell.max,
            Self::Mean => cell.mean(),
            Self::Last => cell.last,
            Self::Count => cell.count as f64,
        }
    }

    /// Writes the values of a column.
    fn number(self, column: &Column) -> Number {
        match (self, column.kind) {
            (Self::Count, _) => Number::new(0, 0),
            (_, Kind::Counter) => Number::new(column.scale, RATE_DIGITS),
            (Self::Mean, Kind::Gauge) => Number::new(column.scale, MEAN_DIGITS),
            (Self::Min | Self::Max | Self::Last, Kind::Gauge) => Number::new(column.scale, 0),
        }
    }
}

/// Digits behind the point that a mean has more than its values.
const MEAN_DIGITS: u8 = 3;
/// Digits behind the point that a rate has more than its total.
const RATE_DIGITS: u8 = 6;
/// Below this a double tells whole numbers apart.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// What stands before the lines.
pub(super) fn head(window: Window, tiers: &[Answered]) -> Vec<u8> {
    let start_ms = window.start_ms();
    let steps = i64::try_from(window.buckets()).unwrap_or(i64::MAX);
    let end_ms = start_ms.saturating_add(steps.saturating_mul(window.step_ms));
    let step_s = window.step_ms / 1_000;
    let part = |Answered { tier, from_ms, to_ms }: &Answered| {
        format!(r#"{{"tier":"{}","from_ms":{from_ms},"to_ms":{to_ms}}}"#, tier.name())
    };
    let tiers = tiers.iter().map(part).collect::<Vec<_>>().join(",");
    format!(r#"{{"from_ms":{start_ms},"to_ms":{end_ms},"step_s":{step_s},"tiers":[{tiers}],"series":["#)
        .into_bytes()
}

/// What stands behind them.
pub(super) const TAIL: &[u8] = b"]}";

/// One line.
pub(super) fn line(out: &mut Vec<u8>, line: &Line, figures: &[Figure]) {
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
    for figure in Figure::ALL {
        array(out, figure, figures.contains(&figure), line);
    }
    out.push(b'}');
}

fn array(out: &mut Vec<u8>, figure: Figure, is_wanted: bool, line: &Line) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(figure.name().as_bytes());
    out.extend_from_slice(b"\":");
    if !is_wanted {
        return out.extend_from_slice(b"null");
    }
    out.push(b'[');
    let mut number = figure.number(&line.column);
    for (place, cell) in line.cells.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        if cell.is_empty() { out.extend_from_slice(b"null") } else { number.write(out, figure.of(cell)) }
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
        let whole = scaled * self.power;
        // Half a step outwards and the cast, which cuts, round to the nearest.
        let whole = whole + 0.5_f64.copysign(whole);
        if !whole.is_finite() || whole.abs() >= WHOLE_MAX {
            let value = scaled / 10_f64.powi(i32::from(self.scale));
            return if value.is_finite() {
                drop(serde_json::to_writer(out, &value));
            } else {
                out.extend_from_slice(b"null");
            };
        }
        let (is_negative, mut whole) = (whole <= -1.0, (whole as i64).unsigned_abs());
        let mut digits = usize::from(self.scale + self.extra);
        while digits > 0 && whole.is_multiple_of(10) {
            whole /= 10;
            digits -= 1;
        }
        if is_negative {
            out.push(b'-');
        }
        let text = self.buffer.format(whole).as_bytes();
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
    use crate::series::tier::Tier;

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
        let attributes = Attributes::from_iter([("k".to_owned(), "\"ổ đĩa\"".to_owned())]);
        let column = Column { name: "a".into(), attributes, unit: "By".into(), scale: 1, kind: Kind::Gauge };
        let window = Window { from_ms: 60_000, to_ms: 240_000, step_ms: 60_000 };
        let mut one = Line::new(&column, window);
        let times = [60_000, 61_000, 180_000];
        one.feed(&column, &times, &window.runs(&times), &Cells::Full(vec![10, 25, 7]), &Apart::default());
        let tiers = [Answered { tier: Tier::Raw, from_ms: 60_000, to_ms: 180_001 }];
        let mut out = head(window, &tiers);
        line(&mut out, &one, &[Figure::Min, Figure::Mean, Figure::Last, Figure::Count]);
        out.extend_from_slice(TAIL);
        let read: History = serde_json::from_slice(&out).unwrap();
        assert_eq!((read.from_ms, read.to_ms, read.step_s), (60_000, 240_000, 60));
        assert_eq!(read.series[0].attributes["k"], "\"ổ đĩa\"");
        assert_eq!(read.series[0].min.as_deref(), Some(&[Some(1.0), None, Some(0.7)][..]));
        assert_eq!(read.series[0].mean.as_deref(), Some(&[Some(1.75), None, Some(0.7)][..]));
        assert_eq!(read.series[0].last.as_deref(), Some(&[Some(2.5), None, Some(0.7)][..]));
        assert_eq!(read.series[0].count.as_deref(), Some(&[Some(2), None, Some(1)][..]));
        assert_eq!(read.series[0].max, None);
        assert_eq!((read.tiers[0].tier.as_str(), read.tiers[0].to_ms), ("raw", 180_001));
    }
}
