//! That parts keep the wire's bounds, and that no reason is in English only.

use super::*;
use crate::sensor::testing::sources;

/// The literals of a call that begins at `code`, up to the bracket that ends it.
fn literals(code: &str) -> Vec<String> {
    let (mut depth, mut found, mut open) = (1, vec![], None::<String>);
    let mut letters = code.chars();
    while let Some(letter) = letters.next().filter(|_| depth > 0) {
        match (letter, &mut open) {
            ('"', Some(_)) => found.extend(open.take()),
            ('\\', Some(text)) => text.extend(letters.next()),
            (letter, Some(text)) => text.push(letter),
            ('"', None) => open = Some(String::new()),
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            _ => {}
        }
    }
    found
}

/// A pattern of `format!` with something of a kind in its places.
fn filled(pattern: &str, filling: &str) -> String {
    let mut pieces = pattern.split('{');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + filling + piece.split_once('}').map_or("", |(_, rest)| rest))
}

#[test]
fn every_phrase_in_the_code_reads_in_both_languages() {
    let mut seen = 0;
    for (path, text) in sources("src/sensor").into_iter().filter(|(path, _)| !path.contains("tests")) {
        let text = text.replace("'\"'", "");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for call in ["part::mark(", " mark(", ".say(", ".note(", ".summarise("] {
            // SMART's drives note figures, and NUT's protocol says requests.
            if [".note(", ".say("].contains(&call) && !path.contains("raid") {
                continue;
            }
            for (place, _) in code.match_indices(call).filter(|(place, _)| !code[..*place].ends_with("fn")) {
                for literal in literals(&code[place + call.len()..]) {
                    let is_known =
                        ["5", "degraded", "sda"].iter().any(|word| phrase::is_known(&filled(&literal, word)));
                    assert!(
                        is_known
                            || phrase::kind(&literal).is_some()
                            || literal.is_empty()
                            || NOT_PHRASES.contains(&literal.as_str()),
                        "{path}: {literal:?}"
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100, "{seen} phrases: the calls have other names now");
}

/// Literals within the calls that are looked at, which are no phrases: `voltage low` and its like, put together of words
/// that are listed beside the call.
const NOT_PHRASES: &[&str] = &["{} {}", "{what} {}"];

#[test]
fn phrases_that_are_put_together_read_in_both_languages() {
    for what in ["voltage", "temperature"] {
        for word in ["low", "high", "critical", "too-low", "too-high", "low-fail", "high-fail"] {
            own(&format!("{what} {word}"));
        }
    }
}

#[test]
fn the_worst_that_was_said_counts_and_reasons_are_said_once() {
    let mut part = new("fan", " 1 ");
    mark(&mut part, State::Degraded, "rebuilding");
    mark(&mut part, State::Unknown, CANNOT_READ);
    mark(&mut part, State::Ok, "rebuilding");
    assert_eq!((part.id.as_str(), part.state), ("1", State::Degraded));
    assert_eq!(part.reasons, ["rebuilding", CANNOT_READ]);
}

#[test]
fn bounds_of_the_wire_are_kept() {
    let mut part = new("fan", &"x".repeat(2_000));
    figure(&mut part, "members", Some(1.0));
    for number in 0..100 {
        quote(&mut part, State::Ok, &format!("{number}{}", "y".repeat(2_000)));
        if part.figures.len() < limits::FIGURES_MAX {
            part.figures.insert(number.to_string(), 1.0);
        }
    }
    figure(&mut part, "size_bytes", Some(1.0));
    figure(&mut part, "members", Some(2.0));
    figure(&mut part, "members", Some(f64::NAN));
    assert_eq!((part.figures["members"], part.figures.len()), (2.0, limits::FIGURES_MAX));
    assert!(!part.figures.contains_key("size_bytes"));
    tram_proto::component::check(&[part]).unwrap();
}
