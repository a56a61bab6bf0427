//! Builds components, so that each sensor says only what its parts are and what speaks against them: texts are cleaned
//! and bounded here, and the worst that was said counts. Pure; knows nothing of where it comes from.

use crate::sensor::merge::rank;
use crate::sensor::sample::clean;
use crate::tree::tree;
use std::collections::BTreeMap;
use tram_proto::component::{Component, State};
use tram_proto::limits;
use tram_proto::phrase;

/// The reason of what is there and could not be read, or not understood.
pub const CANNOT_READ: &str = "cannot read";

/// A part that nothing speaks against yet.
pub fn new(kind: &str, id: &str) -> Component {
    if cfg!(test) {
        assert!(phrase::kind(kind).is_some(), "not in proto/locales: the kind {kind:?}");
    }
    Component {
        kind: kind.to_owned(),
        id: clean(id.trim()),
        name: String::new(),
        model: String::new(),
        serial: String::new(),
        state: State::Ok,
        reasons: vec![],
        figures: BTreeMap::new(),
    }
}

/// Figures by their names, those that are known.
pub fn figures(told: &[(&str, Option<f64>)]) -> BTreeMap<String, f64> {
    tree(told.iter().filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?))))
}

/// A part, or a whole source, that is there and whose health is not known.
pub fn unreadable(kind: &str, id: &str, why: &str) -> Component {
    let mut part = new(kind, id);
    mark(&mut part, State::Unknown, CANNOT_READ);
    if !why.is_empty() {
        quote(&mut part, State::Unknown, why);
    }
    part
}

/// Says something of a part in a phrase that `proto/locales` has in both languages. The worst state counts, and each
/// reason is kept once, in the order said.
pub fn mark(part: &mut Component, state: State, reason: &str) {
    own(reason);
    quote(part, state, reason);
}

/// Says something of a part in the words of its maker, or of the system, which people read quoted.
pub fn quote(part: &mut Component, state: State, reason: &str) {
    if rank(state) > rank(part.state) {
        part.state = state;
    }
    let reason = clean(reason.trim());
    let has_room = part.reasons.len() < limits::REASONS_MAX;
    if has_room && !reason.is_empty() && !part.reasons.contains(&reason) {
        part.reasons.push(reason);
    }
}

/// A reason in our own words: no test may see one that people could read in English only.
pub fn own(reason: &str) {
    if cfg!(test) {
        assert!(
            reason.trim().is_empty() || phrase::is_known(reason.trim()),
            "not in proto/locales: {reason:?}"
        );
    }
}

/// Gives a part a figure where there is one.
pub fn figure(part: &mut Component, key: &str, value: Option<f64>) {
    if cfg!(test) {
        assert!(phrase::figure(key).is_some(), "not in proto/locales: the figure {key:?}");
    }
    let has_room = part.figures.len() < limits::FIGURES_MAX || part.figures.contains_key(key);
    if let Some(value) = value.filter(|value| value.is_finite() && has_room) {
        part.figures.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
