//! Figures as people of a language read them: `92.3%` and `92,3%`, `2 h 5 min` and `2 giờ 5 phút`.

use crate::alert::MEAN;
use crate::health::component;
use crate::model::alert::Figures;
use crate::model::text::Language;
use fluent_bundle::FluentArgs;
use tram_proto::reach::Verdict;

/// Figures that texts may name.
pub(super) const KNOWN: &[&str] = &[
    "available_bytes",
    "errors_per_second",
    "free_bytes",
    "free_inodes",
    "gone_s",
    "limit_celsius",
    "limit_critical_celsius",
    MEAN,
    "memory_used_share",
    "offset_s",
    "reboots",
    "silent_s",
    "size_bytes",
    "started_ago_s",
    "swap_used_share",
    "temperature_celsius",
    "used_share",
    "window_s",
];

/// Where the mean is not known yet, the latest value stands in for it.
const INSTEAD_OF_MEAN: &[&str] = &["busy_share", "io_wait_share", "error_share"];

/// Every known figure, written out, and the words that texts choose by. `say` gives a message without arguments.
pub(super) fn arguments(
    language: Language,
    figures: &Figures,
    say: &dyn Fn(&str) -> String,
) -> FluentArgs<'static> {
    let mut arguments = FluentArgs::new();
    for name in KNOWN {
        let value = figures.get(*name).copied().or_else(|| instead(name, figures));
        let text = match value {
            Some(value) => written(language, name, value, say),
            None => say("figure-unknown"),
        };
        arguments.set(*name, text);
    }
    let figure = |name| figures.get(name).copied();
    let verdict = figure("verdict").and_then(|code| Verdict::from_code(code as i64));
    arguments.set("verdict", verdict.unwrap_or(Verdict::Unknown).as_str());
    arguments.set("direction", if figure("offset_s").is_some_and(|s| s < 0.0) { "behind" } else { "ahead" });
    arguments.set("state", figure("state").map_or("unknown", |code| component::state_of(code).as_str()));
    let ended = match figure("ended").map(|code| code as i64) {
        Some(1) => "shutdown",
        Some(2) => "agent",
        Some(_) | None => "none",
    };
    arguments.set("ended", ended);
    arguments
}

fn instead(name: &str, figures: &Figures) -> Option<f64> {
    let latest = || INSTEAD_OF_MEAN.iter().find_map(|name| figures.get(*name).copied());
    if name == MEAN { latest() } else { None }
}

/// One figure, by the unit that its name ends in.
pub(super) fn written(language: Language, name: &str, value: f64, say: &dyn Fn(&str) -> String) -> String {
    if name.ends_with("_share") || name.ends_with("_ratio") {
        format!("{}%", decimal(language, value * 100.0, 1))
    } else if name.ends_with("_percent") {
        format!("{}%", decimal(language, value, 1))
    } else if name.ends_with("_unix_seconds") {
        date(language, value)
    } else if name.ends_with("_year") {
        format!("{value:.0}")
    } else if name.ends_with("_bytes") {
        bytes(language, value)
    } else if name.ends_with("_celsius") {
        format!("{} °C", decimal(language, value, 1))
    } else if name.ends_with("_s") {
        duration(value, say)
    } else if name.ends_with("_per_second") {
        decimal(language, value, 2)
    } else {
        decimal(language, value, 0)
    }
}

/// The day of a time.
fn date(language: Language, unix_s: f64) -> String {
    let day =
        jiff::Timestamp::from_second(unix_s as i64).map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).date());
    let pattern = match language {
        Language::Vi => "%d/%m/%Y",
        Language::En => "%Y-%m-%d",
    };
    day.map_or_else(|_| decimal(language, unix_s, 0), |day| day.strftime(pattern).to_string())
}

/// A number with at most so many decimals, without trailing zeros, thousands grouped.
fn decimal(language: Language, value: f64, decimals: usize) -> String {
    let (point, group) = match language {
        Language::Vi => (',', '.'),
        Language::En => ('.', ','),
    };
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut shown = String::with_capacity(text.len() + 4);
    if value < 0.0 {
        shown.push('-');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            shown.push(group);
        }
        shown.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        shown.push(point);
        shown.push_str(fraction);
    }
    shown
}

fn bytes(language: Language, value: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = value;
    let mut place = 0;
    while value.abs() >= 1_024.0 && place + 1 < units.len() {
        value /= 1_024.0;
        place += 1;
    }
    format!("{} {}", decimal(language, value, 1), units[place])
}

/// The two largest units of a duration.
fn duration(seconds: f64, say: &dyn Fn(&str) -> String) -> String {
    let seconds = seconds.abs().round() as u64;
    let parts = [
        (seconds / 86_400, "unit-day"),
        (seconds / 3_600 % 24, "unit-hour"),
        (seconds / 60 % 60, "unit-minute"),
        (seconds % 60, "unit-second"),
    ];
    let Some(first) = parts.iter().position(|(count, _)| *count > 0) else {
        return format!("0 {}", say("unit-second"));
    };
    let shown = parts.iter().skip(first).take(2).filter(|(count, _)| *count > 0);
    shown.map(|(count, unit)| format!("{count} {}", say(unit))).collect::<Vec<_>>().join(" ")
}
