//! The rules file: TOML that overrides the built-in rules. Two steps: as typed, with places; then as meant, checked.
//!
//! Owns the notation of levels and durations and what is said about a mistake, always with its line. Must not know
//! files: it is given text.

use crate::health::builtin::{self, Unit};
use crate::health::{BuiltIn, Key, Rule, RuleSet};
use crate::model::alert::Severity;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

mod notation;
#[cfg(test)]
mod tests;

/// A mistake in the rules file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct InvalidRules {
    /// Where, counted from 1.
    pub line: usize,
    /// What, and what was expected.
    pub message: String,
}

/// The built-in rules with the overrides of a rules file. Empty text changes nothing.
pub fn parse(text: &str) -> Result<RuleSet, InvalidRules> {
    let document = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        InvalidRules { line: line_of(text, &span), message: error.message().to_owned() }
    })?;
    let mut rules = RuleSet::default();
    for (name, value) in document.get_ref() {
        let at = |message| InvalidRules { line: line_of(text, &name.span()), message };
        let built_in = BuiltIn::from_word(name.get_ref())
            .ok_or_else(|| at(format!("unknown rule `{}`; known are {}", name.get_ref(), words())))?;
        let DeValue::Table(table) = value.get_ref() else {
            return Err(at(format!("`{}` must be a table, such as [{}]", name.get_ref(), built_in.as_str())));
        };
        let rule = rules.rule_mut(built_in);
        for (key, value) in table {
            take(rule, key.get_ref(), value).map_err(|mistake| {
                let span = if mistake.of_key { key.span() } else { value.span() };
                InvalidRules {
                    line: line_of(text, &span),
                    message: format!("[{}] {}", built_in.as_str(), mistake.message),
                }
            })?;
        }
        check(rule).map_err(|message| at(format!("[{}] {message}", built_in.as_str())))?;
    }
    Ok(rules)
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}

fn words() -> String {
    BuiltIn::ALL.iter().map(|rule| rule.as_str()).collect::<Vec<_>>().join(", ")
}

struct Mistake {
    of_key: bool,
    message: String,
}

/// Takes one key of a rule's table into the rule.
fn take(rule: &mut Rule, key: &str, value: &Spanned<DeValue<'_>>) -> Result<(), Mistake> {
    let value = value.get_ref();
    let wrong = |expected: &str| Mistake {
        of_key: false,
        message: format!("`{key}` is {}, expected {expected}", notation::shown(value)),
    };
    match key {
        "enabled" => rule.enabled = value.as_bool().ok_or_else(|| wrong("true or false"))?,
        "work_order" => rule.work_order = value.as_bool().ok_or_else(|| wrong("true or false"))?,
        "severity" => {
            let severity = value.as_str().and_then(Severity::from_word);
            rule.severity = severity.ok_or_else(|| wrong("\"info\", \"warning\" or \"critical\""))?;
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
    wrong: impl Fn(&str) -> Mistake,
) -> Result<(), Mistake> {
    let known = builtin::levels(rule.built_in).iter().find(|(level, _, _)| level.as_str() == key);
    let Some((level, unit, _)) = known else {
        let levels = builtin::levels(rule.built_in).iter().map(|(level, _, _)| level.as_str());
        let keys: Vec<_> = COMMON_KEYS.iter().copied().chain(levels).collect();
        let message = format!("unknown key `{key}`; known are {}", keys.join(", "));
        return Err(Mistake { of_key: true, message });
    };
    let (number, expected) = match unit {
        Unit::Share => {
            (notation::number(value).filter(|share| (0.0..=1.0).contains(share)), "a share from 0 to 1")
        }
        Unit::Bytes => (notation::bytes(value), notation::BYTES),
        Unit::Number => (notation::number(value).filter(|number| *number >= 0.0), "a number, not below 0"),
        Unit::Duration => (notation::duration_ms(value).map(|ms| ms as f64), notation::DURATION),
        Unit::Celsius => (
            notation::number(value).filter(|celsius| (0.0..=150.0).contains(celsius)),
            "degrees Celsius from 0 to 150",
        ),
    };
    rule.levels[*level as usize] = Some(number.ok_or_else(|| wrong(expected))?);
    Ok(())
}

const COMMON_KEYS: &[&str] = &["enabled", "severity", "hold", "clear_hold", "work_order", "due"];

/// Levels that contradict each other would make an alert flap, or never fire.
fn check(rule: &Rule) -> Result<(), String> {
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
            let how = if strictly { "below" } else { "at most" };
            return Err(format!("`{}` must be {how} `{}`", low.as_str(), high.as_str()));
        }
    }
    if rule.built_in == BuiltIn::HostSilent && rule.level(Key::Intervals) < 1.0 {
        return Err("`intervals` must be at least 1: a host sends once in each".to_owned());
    }
    Ok(())
}
