//! The rules file: TOML that overrides the built-in rules. Two steps: as typed, with places; then as meant, checked.
//!
//! Owns the notation of levels and durations and what is said about a mistake, always with its line. Must not know
//! files: it is given text.

use crate::health::builtin::{self, Unit};
use crate::health::{BuiltIn, Key, Rule, RuleSet};
use crate::model::alert::Severity;
use crate::model::text::{Text, Words};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

mod notation;
#[cfg(test)]
mod tests;

/// A mistake in the rules file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {en}", en = message.en)]
pub struct InvalidRules {
    /// Where, counted from 1.
    pub line: usize,
    /// What, and what was expected.
    pub message: Text,
}

impl InvalidRules {
    /// The mistake for people, with its line.
    pub fn text(&self) -> Text {
        Text::new(format!("dòng {}: {}", self.line, self.message.vi), self.to_string())
    }
}

/// The built-in rules with the overrides of a rules file. Empty text changes nothing.
pub fn parse(text: &str) -> Result<RuleSet, InvalidRules> {
    let document = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let message = error.message();
        let message = Text::new(format!("không đúng cú pháp TOML: {message}"), message);
        InvalidRules { line: line_of(text, &span), message }
    })?;
    let mut rules = RuleSet::default();
    for (name, value) in document.get_ref() {
        let at = |message| InvalidRules { line: line_of(text, &name.span()), message };
        let word = name.get_ref();
        let built_in = BuiltIn::from_word(word).ok_or_else(|| at(unknown_rule(word)))?;
        let DeValue::Table(table) = value.get_ref() else {
            return Err(at(Text::new(
                format!("`{word}` phải là một bảng, viết [{word}]"),
                format!("`{word}` must be a table, such as [{word}]"),
            )));
        };
        let rule = rules.rule_mut(built_in);
        for (key, value) in table {
            take(rule, key.get_ref(), value).map_err(|mistake| {
                let span = if mistake.of_key { key.span() } else { value.span() };
                InvalidRules { line: line_of(text, &span), message: within(built_in, mistake.message) }
            })?;
        }
        check(rule).map_err(|message| at(within(built_in, message)))?;
    }
    Ok(rules)
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}

fn unknown_rule(word: &str) -> Text {
    let known = BuiltIn::ALL.iter().map(|rule| rule.as_str()).collect::<Vec<_>>().join(", ");
    Text::new(
        format!("không có quy tắc `{word}`; các quy tắc có: {known}"),
        format!("unknown rule `{word}`; known are {known}"),
    )
}

/// A mistake with the table that it is in.
fn within(built_in: BuiltIn, message: Text) -> Text {
    let table = built_in.as_str();
    Text::new(format!("[{table}] {}", message.vi), format!("[{table}] {}", message.en))
}

struct Mistake {
    of_key: bool,
    message: Text,
}

/// Takes one key of a rule's table into the rule.
fn take(rule: &mut Rule, key: &str, value: &Spanned<DeValue<'_>>) -> Result<(), Mistake> {
    let value = value.get_ref();
    let wrong = |expected: Words| {
        let shown = notation::shown(value);
        let message = Text::new(
            format!("`{key}` là {}, cần {}", shown.vi, expected.vi),
            format!("`{key}` is {}, expected {}", shown.en, expected.en),
        );
        Mistake { of_key: false, message }
    };
    match key {
        "enabled" => rule.enabled = value.as_bool().ok_or_else(|| wrong(notation::SWITCH))?,
        "work_order" => rule.work_order = value.as_bool().ok_or_else(|| wrong(notation::SWITCH))?,
        "severity" => {
            let severity = value.as_str().and_then(Severity::from_word);
            rule.severity = severity.ok_or_else(|| wrong(notation::SEVERITY))?;
        }
        "hold" => rule.hold_ms = notation::duration_ms(value).ok_or_else(|| wrong(notation::DURATION))?,
        "clear_hold" => {
            rule.clear_hold_ms = notation::duration_ms(value).ok_or_else(|| wrong(notation::DURATION))?;
        }
        "due" => rule.due_ms = notation::duration_ms(value).ok_or_else(|| wrong(notation::DURATION))?,
        _ => return take_level(rule, key, value, wrong),
    }
    Ok(())
}

fn take_level(
    rule: &mut Rule,
    key: &str,
    value: &DeValue<'_>,
    wrong: impl Fn(Words) -> Mistake,
) -> Result<(), Mistake> {
    let known = builtin::levels(rule.built_in).iter().find(|(level, _, _)| level.as_str() == key);
    let Some((level, unit, _)) = known else {
        let levels = builtin::levels(rule.built_in).iter().map(|(level, _, _)| level.as_str());
        let keys: Vec<_> = COMMON_KEYS.iter().copied().chain(levels).collect();
        let keys = keys.join(", ");
        let message = Text::new(
            format!("không có khóa `{key}`; các khóa có: {keys}"),
            format!("unknown key `{key}`; known are {keys}"),
        );
        return Err(Mistake { of_key: true, message });
    };
    let number = || notation::number(value);
    let (number, expected) = match unit {
        Unit::Share => (number().filter(|share| (0.0..=1.0).contains(share)), notation::SHARE),
        Unit::Bytes => (notation::bytes(value), notation::BYTES),
        Unit::Number => (number().filter(|number| *number >= 0.0), notation::NUMBER),
        Unit::Duration => (notation::duration_ms(value).map(|ms| ms as f64), notation::DURATION),
        Unit::Celsius => (number().filter(|celsius| (0.0..=150.0).contains(celsius)), notation::CELSIUS),
    };
    rule.levels[*level as usize] = Some(number.ok_or_else(|| wrong(expected))?);
    Ok(())
}

const COMMON_KEYS: &[&str] = &["enabled", "severity", "hold", "clear_hold", "work_order", "due"];

/// Levels that contradict each other would make an alert flap, or never fire.
fn check(rule: &Rule) -> Result<(), Text> {
    let ordered = [
        (Key::Clear, Key::Raise, true),
        (Key::Raise, Key::RaiseCritical, false),
        (Key::FreeBytes, Key::FreeBytesClear, true),
        (Key::FreeBytesCritical, Key::FreeBytes, false),
        (Key::Disk, Key::DiskCritical, false),
        (Key::Processor, Key::ProcessorCritical, false),
    ];
    for (low, high, strictly) in ordered {
        let has = |key: Key| rule.levels[key as usize];
        let (Some(below), Some(above)) = (has(low), has(high)) else { continue };
        if below > above || (strictly && below == above) {
            let (vi, en) = if strictly { ("nhỏ hơn", "below") } else { ("không lớn hơn", "at most") };
            let (low, high) = (low.as_str(), high.as_str());
            return Err(Text::new(
                format!("`{low}` phải {vi} `{high}`"),
                format!("`{low}` must be {en} `{high}`"),
            ));
        }
    }
    if rule.built_in == BuiltIn::HostSilent && rule.level(Key::Intervals) < 1.0 {
        return Err(Text::new(
            "`intervals` phải từ 1 trở lên: mỗi khoảng một máy gửi một lần",
            "`intervals` must be at least 1: a host sends once in each",
        ));
    }
    Ok(())
}
