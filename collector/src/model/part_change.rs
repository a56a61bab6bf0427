//! What became of an asset's parts between two of its complete sets: what an inventory's history is made of. Pure.
//!
//! Only what has a model or a serial number is kept track of: a fan's speed sensor or a failed service has neither, and
//! comes and goes for other reasons.

use crate::model::component::Component;

/// Shorter serial numbers are placeholders.
const SERIAL_LENGTH_MIN: usize = 4;

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// It was not there before.
    Appeared,
    /// It is no longer there.
    Vanished,
    /// Another one is in its place: its serial number is another.
    Replaced,
    /// It is the same one, and says otherwise what it is: new firmware, another kernel.
    Changed,
}

impl What {
    /// Everything that can become of one.
    pub const ALL: [Self; 4] = [Self::Appeared, Self::Vanished, Self::Replaced, Self::Changed];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::Vanished => "vanished",
            Self::Replaced => "replaced",
            Self::Changed => "changed",
        }
    }

    /// What a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == word)
    }
}

/// One change of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartChange {
    /// The part's kind.
    pub kind: String,
    /// Its id within the asset.
    pub part: String,
    /// What became of it.
    pub what: What,
    /// What it was; empty for one that appeared.
    pub before: String,
    /// What it is; empty for one that vanished.
    pub after: String,
}

/// What changed from one set to the next. An asset's first set changes nothing, and neither does the first part of a
/// kind: that is a sensor which has been read for the first time.
pub fn between(before: &[Component], after: &[Component]) -> Vec<PartChange> {
    let mut changes = Vec::new();
    let mut matched = vec![false; before.len()];
    for part in after.iter().filter(|part| is_tracked(part)) {
        let place = same(before, part, after);
        if let Some((place, old)) = place.and_then(|place| Some((place, before.get(place)?))) {
            if let Some(matched) = matched.get_mut(place) {
                *matched = true;
            }
            changes.extend(difference(old, part));
        } else if before.iter().any(|old| old.kind == part.kind) {
            changes.push(change(part, What::Appeared, String::new(), identity(part)));
        }
    }
    let gone = before.iter().zip(matched).filter(|(old, matched)| !matched && is_tracked(old));
    changes.extend(gone.map(|(old, _)| change(old, What::Vanished, identity(old), String::new())));
    changes
}

fn is_tracked(part: &Component) -> bool {
    !part.model.is_empty() || serial(part).is_some()
}

fn serial(part: &Component) -> Option<&str> {
    let serial = part.serial.trim();
    (serial.len() >= SERIAL_LENGTH_MIN).then_some(serial)
}

/// The place of the part that a new one was, or that stood where it stands: by its serial number, wherever that was, else
/// by its id. A part that has moved on is not what stands in its place now.
fn same(before: &[Component], part: &Component, after: &[Component]) -> Option<usize> {
    let of_kind = |old: &Component| old.kind == part.kind;
    let by_serial =
        serial(part).and_then(|own| before.iter().position(|old| of_kind(old) && serial(old) == Some(own)));
    by_serial.or_else(|| {
        let place = before.iter().position(|old| of_kind(old) && old.id == part.id)?;
        let old = before.get(place).and_then(serial);
        let is_elsewhere = |new: &Component| of_kind(new) && new.id != part.id && serial(new) == old;
        let has_moved = old.is_some() && after.iter().any(is_elsewhere);
        (!has_moved).then_some(place)
    })
}

fn difference(old: &Component, part: &Component) -> Option<PartChange> {
    if let Some((before, after)) = serial(old).zip(serial(part))
        && before != after
    {
        return Some(change(part, What::Replaced, identity(old), identity(part)));
    }
    let texts = [(&old.model, &part.model), (&old.name, &part.name)];
    let (before, after) = texts.into_iter().find(|(before, after)| says_otherwise(before, after))?;
    Some(change(part, What::Changed, before.clone(), after.clone()))
}

/// One source may word the same more fully than another: that is no change.
fn says_otherwise(before: &str, after: &str) -> bool {
    let (before, after) = (before.to_lowercase(), after.to_lowercase());
    !before.is_empty() && !after.is_empty() && !before.contains(&after) && !after.contains(&before)
}

fn identity(part: &Component) -> String {
    let model = if part.model.is_empty() { &part.name } else { &part.model };
    format!("{model} {}", part.serial).trim().to_owned()
}

fn change(part: &Component, what: What, before: String, after: String) -> PartChange {
    PartChange { kind: part.kind.clone(), part: part.id.clone(), what, before, after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: &str, id: &str, model: &str, serial: &str) -> Component {
        Component { model: model.into(), serial: serial.into(), ..Component::plain(kind, id) }
    }

    fn disk(id: &str, serial: &str) -> Component {
        part("physical_disk", id, "ST1000", serial)
    }

    fn check(before: &[Component], after: &[Component], expected: &[(&str, What, &str, &str)]) {
        let changes = between(before, after);
        let changes: Vec<_> = changes
            .iter()
            .map(|change| (change.part.as_str(), change.what, change.before.as_str(), change.after.as_str()))
            .collect();
        assert_eq!(changes, expected);
    }

    #[test]
    fn parts_appear_vanish_and_are_replaced() {
        let two = [disk("sda", "AAAA1"), disk("sdb", "BBBB1")];
        check(&two[..1], &two, &[("sdb", What::Appeared, "", "ST1000 BBBB1")]);
        check(&two, &two[..1], &[("sdb", What::Vanished, "ST1000 BBBB1", "")]);
        check(&two[..1], &[disk("sda", "CCCC1")], &[("sda", What::Replaced, "ST1000 AAAA1", "ST1000 CCCC1")]);
    }

    #[test]
    fn parts_that_change_their_names_at_a_start_are_the_same() {
        let before = [disk("sda", "AAAA1"), disk("sdb", "BBBB1")];
        check(&before, &[disk("sda", "BBBB1"), disk("sdb", "AAAA1")], &[]);
        check(&before, &[disk("sda", "BBBB1")], &[("sda", What::Vanished, "ST1000 AAAA1", "")]);
    }

    #[test]
    fn new_firmware_is_a_change_and_another_wording_is_none() {
        let bios = |model: &str| [part("firmware", "bios", model, "")];
        check(
            &bios("Dell Inc. 2.2.4"),
            &bios("Dell Inc. 2.3.0"),
            &[("bios", What::Changed, "Dell Inc. 2.2.4", "Dell Inc. 2.3.0")],
        );
        check(&bios("2.2.4"), &bios("Dell Inc. 2.2.4"), &[]);
        check(&[disk("sda", "")], &[disk("sda", "AAAA1")], &[]);
    }

    #[test]
    fn first_sets_first_parts_of_a_kind_and_what_has_no_identity_are_not_told() {
        check(&[], &[disk("sda", "AAAA1")], &[]);
        check(&[disk("sda", "AAAA1")], &[disk("sda", "AAAA1"), part("ups", "ups", "Ellipse", "")], &[]);
        let with = [disk("sda", "AAAA1"), part("service", "x.service", "", "")];
        check(&with, &with[..1], &[]);
        check(&with[..1], &with, &[]);
    }

    #[test]
    fn every_word_stands_for_what_it_says() {
        for what in What::ALL {
            assert_eq!(What::from_word(what.as_str()), Some(what));
        }
    }
}
