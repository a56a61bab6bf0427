//! How numbers, durations and sizes are written in the rules file.

use crate::model::text::{Text, Words};
use toml::de::DeValue;

/// What a duration looks like, for messages.
pub(super) const DURATION: Words = Words {
    vi: "một khoảng thời gian như \"90s\", \"10m\", \"1h30m\" hoặc \"14d\"",
    en: "a duration such as \"90s\", \"10m\", \"1h30m\" or \"14d\"",
};
/// What a size looks like, for messages.
pub(super) const BYTES: Words = Words {
    vi: "số byte, ví dụ 1073741824 hoặc \"10GiB\"",
    en: "bytes, such as 1073741824 or \"10GiB\"",
};
/// A switch, for messages.
pub(super) const SWITCH: Words = Words { vi: "true hoặc false", en: "true or false" };
/// The severities, for messages.
pub(super) const SEVERITY: Words =
    Words { vi: "\"info\", \"warning\" hoặc \"critical\"", en: "\"info\", \"warning\" or \"critical\"" };
/// A share, for messages.
pub(super) const SHARE: Words = Words { vi: "một tỷ lệ từ 0 đến 1", en: "a share from 0 to 1" };
/// A number, for messages.
pub(super) const NUMBER: Words = Words { vi: "một số không âm", en: "a number, not below 0" };
/// A temperature, for messages.
pub(super) const CELSIUS: Words =
    Words { vi: "nhiệt độ từ 0 đến 150 độ C", en: "degrees Celsius from 0 to 150" };

/// Longest duration: ten years. Far more than any hold, and no sum of times can overflow.
const DURATION_MAX_MS: i64 = 10 * 365 * 86_400_000;

/// A number, whole or not.
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    if let Some(integer) = value.as_integer() {
        return i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|number| number as f64);
    }
    value.as_float()?.as_str().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Bytes: a whole number, or a number with a binary unit.
pub(super) fn bytes(value: &DeValue<'_>) -> Option<f64> {
    let Some(text) = value.as_str() else { return number(value).filter(|bytes| *bytes >= 0.0) };
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match text.get(digits.len()..)? {
        "B" => 1.0,
        "KiB" => 1_024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        "TiB" => 1_099_511_627_776.0,
        _ => return None,
    };
    let number: f64 = digits.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number * factor)
}

/// Milliseconds of a duration: whole numbers with `ms`, `s`, `m`, `h`, `d`, one after the other.
pub(super) fn duration_ms(value: &DeValue<'_>) -> Option<i64> {
    let mut rest = value.as_str()?;
    let mut total: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at_checked(letters)?;
        let factor: i64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(factor)?)?;
        rest = after;
    }
    (total <= DURATION_MAX_MS).then_some(total)
}

/// A value as a message shows it.
pub(super) fn shown(value: &DeValue<'_>) -> Text {
    let shown = match (value.as_str(), value.as_bool(), number(value)) {
        (Some(text), _, _) => format!("{text:?}"),
        (_, Some(switch), _) => switch.to_string(),
        (_, _, Some(number)) => number.to_string(),
        _ => {
            let kind = value.type_str();
            return Text::new(format!("kiểu {kind}"), format!("of the type {kind}"));
        }
    };
    Text::new(shown.clone(), shown)
}
