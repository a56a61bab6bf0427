//! The phrases that agents give as reasons, and how each reads in both languages of the product; and the names of kinds
//! and figures of parts.
//!
//! On the wire a reason is a short English phrase, which rules match. `locales/{en,vi}/reasons.ftl` has each of them,
//! keyed alike: the English file as it is said on the wire, with a figure, a name or a maker's words as a variable.
//! Where that reads badly, `locales/en/shown.ftl` has what people are shown instead.
//! Only this subset of Fluent is used there: one line a message, and variables. Pure; what nobody knows is quoted.

use std::collections::BTreeMap;
use std::sync::LazyLock;

#[cfg(test)]
mod tests;

const EN: &str = include_str!("../locales/en/reasons.ftl");
const SHOWN_EN: &str = include_str!("../locales/en/shown.ftl");
const VI: &str = include_str!("../locales/vi/reasons.ftl");
const PARTS_EN: &str = include_str!("../locales/en/parts.ftl");
const PARTS_VI: &str = include_str!("../locales/vi/parts.ftl");

/// How deep a phrase may stand within another: `event log: PSU 1: input lost`.
const DEPTH_MAX: u8 = 3;

/// A reason in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// A reason as people read it. One that no catalogue knows is quoted, and said to be the device's own words.
pub fn read(reason: &str) -> Said {
    find(reason).unwrap_or_else(|| Said {
        vi: format!("thiết bị báo: “{reason}”"),
        en: format!("the device says: “{reason}”"),
    })
}

/// What a kind of part is called, such as `physical_disk`; none for one that no release knew.
pub fn kind(kind: &str) -> Option<Said> {
    named("kind", kind)
}

/// What a figure of a part is called, such as `power_on_hours`; none for one that no release knew.
pub fn figure(figure: &str) -> Option<Said> {
    named("figure", figure)
}

fn named(what: &str, name: &str) -> Option<Said> {
    let key = format!("{what}-{}", name.replace('_', "-"));
    let (vi, en) = NAMES.get(key.as_str())?;
    Some(Said { vi: (*vi).to_owned(), en: (*en).to_owned() })
}

/// Names by key: Vietnamese, English.
static NAMES: LazyLock<BTreeMap<&str, (&str, &str)>> = LazyLock::new(|| {
    let (vi, mut names) = (by_key(PARTS_VI), BTreeMap::new());
    for (key, en) in messages(PARTS_EN) {
        names.insert(key, (vi.get(key).copied().unwrap_or(en), en));
    }
    names
});

/// A reason as people read it, where it is a phrase of the catalogue.
pub fn find(reason: &str) -> Option<Said> {
    known(reason, DEPTH_MAX)
}

/// Whether a reason is a phrase of the catalogue, so that it reads in both languages.
pub fn is_known(reason: &str) -> bool {
    find(reason).is_some()
}

/// A message: how it is said on the wire, and how it reads in both languages.
struct Phrase {
    wire: Vec<Piece>,
    en: Vec<Piece>,
    vi: Vec<Piece>,
    /// Bytes of it that are no variable: what has more of them says more.
    fixed: usize,
}

/// A piece of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Text(&'static str),
    Variable(&'static str),
}

/// The catalogue, the most particular phrases first.
static PHRASES: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    let (vi, shown) = (by_key(VI), by_key(SHOWN_EN));
    let phrase = |(key, text)| {
        let wire = pieces(text);
        let fixed = wire.iter().map(Piece::fixed).sum();
        let or_wire = |text: Option<&&'static str>| text.map_or_else(|| wire.clone(), |text| pieces(text));
        // A test compares the two files: what is missing in one is in English until then.
        let (en, vi) = (or_wire(shown.get(key)), or_wire(vi.get(key)));
        Phrase { wire, en, vi, fixed }
    };
    let mut phrases: Vec<Phrase> = messages(EN).map(phrase).collect();
    phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.fixed));
    phrases
});

impl Piece {
    const fn fixed(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Variable(_) => 0,
        }
    }
}

/// One by one: `collect` would bring code that sorts into the agent, once for each place.
fn by_key(file: &'static str) -> BTreeMap<&'static str, &'static str> {
    let mut texts = BTreeMap::new();
    texts.extend(messages(file));
    texts
}

fn messages(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "))
}

fn pieces(text: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (place, part) in text.split("{ $").enumerate() {
        let text = match part.split_once(" }") {
            Some((variable, rest)) if place > 0 => {
                pieces.push(Piece::Variable(variable));
                rest
            }
            _ => part,
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
    }
    pieces
}

/// What stands for a variable.
type Bound<'a> = Vec<(&'static str, &'a str)>;

fn known(reason: &str, depth: u8) -> Option<Said> {
    if depth == 0 || reason.is_empty() {
        return None;
    }
    PHRASES.iter().find_map(|phrase| {
        let mut bound = Vec::new();
        bind(&phrase.wire, reason, depth, &mut bound).then(|| Said {
            vi: written(&phrase.vi, &bound, depth, |said| said.vi, ('.', ',')),
            en: written(&phrase.en, &bound, depth, |said| said.en, (',', '.')),
        })
    })
}

/// Whether the pieces make up the whole text; what stands for each variable is pushed. Each
/// takes as little as it can, and nothing is tried twice: these texts come from outside.
fn bind<'a>(pieces: &[Piece], text: &'a str, depth: u8, bound: &mut Bound<'a>) -> bool {
    match pieces.split_first() {
        None => text.is_empty(),
        Some((Piece::Text(fixed), rest)) => {
            text.strip_prefix(fixed).is_some_and(|text| bind(rest, text, depth, bound))
        }
        Some((Piece::Variable(name), rest)) => {
            let end = match rest.first() {
                Some(Piece::Text(next)) => text.find(next),
                Some(Piece::Variable(_)) | None => Some(text.len()),
            };
            let Some((value, after)) = end.and_then(|end| text.split_at_checked(end)) else { return false };
            bound.push((name, value));
            !value.is_empty() && bind(rest, after, depth, bound) && may_be(name, value, depth)
        }
    }
}

/// Whether a text can stand for a variable, by the variable's name.
fn may_be(variable: &str, value: &str, depth: u8) -> bool {
    match variable {
        "reason" => known(value, depth - 1).is_some(),
        name if name.starts_with("number") => value.parse::<f64>().is_ok_and(f64::is_finite),
        _ => true,
    }
}

fn written(
    pieces: &[Piece],
    bound: &Bound<'_>,
    depth: u8,
    language: fn(Said) -> String,
    (group, point): (char, char),
) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(fixed) => text.push_str(fixed),
            Piece::Variable(variable) => {
                let value = bound.iter().find(|(name, _)| name == variable).map_or("", |(_, value)| *value);
                match *variable {
                    "reason" => text.extend(known(value, depth - 1).map(language)),
                    name if name.starts_with("number") => text.push_str(&number(value, group, point)),
                    _ => text.push_str(value),
                }
            }
        }
    }
    text
}

/// A figure with a language's marks for thousands and decimals.
fn number(value: &str, group: char, point: char) -> String {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = whole.trim_start_matches('-');
    let mut text = if digits.len() < whole.len() { "-".to_owned() } else { String::new() };
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(point);
        text.push_str(fraction);
    }
    text
}
