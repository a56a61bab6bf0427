//! Builds components, so that each sensor says only what its parts are and what speaks against them: texts are cleaned
//! and bounded here, and the worst that was said counts. Pure; knows nothing of where it comes from.

use crate::sensor::merge::rank;
use crate::sensor::sample::clean;
use tram_proto::component::{Component, State};
use tram_proto::limits;

/// The reason of what is there and could not be read, or not understood.
pub const CANNOT_READ: &str = "cannot read";

/// A part that nothing speaks against yet.
pub fn new(kind: &str, id: &str) -> Component {
    Component {
        kind: kind.to_owned(),
        id: clean(id.trim()),
        name: String::new(),
        model: String::new(),
        serial: String::new(),
        state: State::Ok,
        reasons: vec![],
        figures: std::collections::BTreeMap::new(),
    }
}

/// A part, or a whole source, that is there and whose health is not known.
pub fn unreadable(kind: &str, id: &str, why: &str) -> Component {
    let mut part = new(kind, id);
    mark(&mut part, State::Unknown, CANNOT_READ);
    if !why.is_empty() {
        mark(&mut part, State::Unknown, why);
    }
    part
}

/// Says something of a part. The worst state counts, and each reason is kept once, in the order said.
pub fn mark(part: &mut Component, state: State, reason: &str) {
    if rank(state) > rank(part.state) {
        part.state = state;
    }
    let reason = clean(reason.trim());
    let has_room = part.reasons.len() < limits::REASONS_MAX;
    if has_room && !reason.is_empty() && !part.reasons.contains(&reason) {
        part.reasons.push(reason);
    }
}

/// Gives a part a figure where there is one.
pub fn figure(part: &mut Component, key: &str, value: Option<f64>) {
    let has_room = part.figures.len() < limits::FIGURES_MAX || part.figures.contains_key(key);
    if let Some(value) = value.filter(|value| value.is_finite() && has_room) {
        part.figures.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_that_was_said_counts_and_reasons_are_said_once() {
        let mut part = new("fan", " 1 ");
        mark(&mut part, State::Degraded, "slow");
        mark(&mut part, State::Unknown, CANNOT_READ);
        mark(&mut part, State::Ok, "slow");
        assert_eq!((part.id.as_str(), part.state), ("1", State::Degraded));
        assert_eq!(part.reasons, ["slow", CANNOT_READ]);
    }

    #[test]
    fn bounds_of_the_wire_are_kept() {
        let mut part = new("fan", &"x".repeat(2_000));
        for number in 0..100 {
            mark(&mut part, State::Ok, &format!("{number}{}", "y".repeat(2_000)));
            figure(&mut part, &number.to_string(), Some(1.0));
        }
        figure(&mut part, "1", Some(2.0));
        figure(&mut part, "2", Some(f64::NAN));
        assert_eq!((part.figures["1"], part.figures["2"]), (2.0, 1.0));
        tram_proto::component::check(&[part]).unwrap();
    }
}
