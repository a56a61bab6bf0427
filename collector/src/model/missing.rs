//! Parts of an asset that are gone though they should be there: what a complete set lacks, by serial number. Pure.
//!
//! Owns what counts as missed. A part that was swapped for another is not missed, nor one that goes with the source that
//! told of it, nor what is meant to be carried away.

use crate::model::component::Component;

/// Kinds of parts that do not leave by themselves.
const KINDS: &[&str] =
    &["physical_disk", "logical_disk", "disk_controller", "memory", "power_supply", "battery"];
/// Shorter serial numbers are placeholders.
const SERIAL_LENGTH_MIN: usize = 4;
/// A part is missed only where it was there for this long: what comes and goes within a day is being worked at.
const THERE_MIN_MS: i64 = 86_400_000;
/// Parts of one asset that are kept in mind, the latest.
const MISSING_MAX: usize = 64;
/// Figures of parts that are made to be carried away: a stick, a disk on a USB cable.
const CARRIED: &[&str] = &["removable", "external"];

/// A part that is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// As it was last.
    pub component: Component,
    /// Since when it is gone, milliseconds since 1970.
    pub since_ms: i64,
}

/// Tells each part of a new set since when it is there.
pub fn date(before: &[Component], after: &mut [Component], at_ms: i64) {
    for part in after {
        let known = before.iter().find(|old| old.kind == part.kind && is_same(old, part));
        part.since_ms = known.map_or(at_ms, |old| old.since_ms);
    }
}

fn is_same(old: &Component, part: &Component) -> bool {
    match serial(old).zip(serial(part)) {
        Some((old, new)) => old == new,
        None => old.id == part.id,
    }
}

/// What is missing after a new set, by what was missing before it.
pub fn next(missing: &[Missing], before: &[Component], after: &[Component], at_ms: i64) -> Vec<Missing> {
    let is_there = |part: &Component| after.iter().any(|new| new.kind == part.kind && is_same(new, part));
    // What comes back stands for itself.
    let known = || before.iter().chain(missing.iter().map(|gone| &gone.component));
    let is_new = |new: &&Component| !known().any(|old| old.kind == new.kind && is_same(old, new));
    let mut arrived: Vec<&Component> =
        after.iter().filter(|part| serial(part).is_some()).filter(is_new).collect();
    // Each new part takes the place of one that is gone: of that in its own slot first, else of any of its kind.
    let mut is_replaced = |gone: &Component| {
        let of_kind = |new: &&Component| new.kind == gone.kind && serial(new) != serial(gone);
        let in_slot = arrived.iter().position(|new| of_kind(new) && new.id == gone.id);
        let place = in_slot.or_else(|| arrived.iter().position(of_kind));
        place.map(|place| arrived.remove(place)).is_some()
    };
    let left = before.iter().filter(|old| is_missed(old, at_ms) && !is_there(old) && has_sibling(old, after));
    let left = left.map(|old| Missing { component: old.clone(), since_ms: at_ms });
    let mut next: Vec<Missing> = missing.iter().cloned().chain(left).collect();
    next.retain(|gone| !is_there(&gone.component));
    next.retain(|gone| !is_replaced(&gone.component));
    let surplus = next.len().saturating_sub(MISSING_MAX);
    next.drain(..surplus);
    next
}

fn is_missed(part: &Component, at_ms: i64) -> bool {
    let is_carried =
        CARRIED.iter().any(|figure| part.figures.get(*figure).is_some_and(|value| *value != 0.0));
    let was_there = at_ms.saturating_sub(part.since_ms) >= THERE_MIN_MS;
    KINDS.contains(&part.kind.as_str()) && serial(part).is_some() && !is_carried && was_there
}

/// Whether what told of a part still tells of others: of the same controller, `c0` of `c0/e252/s1`, or of the same kind.
/// A program that was removed takes all its parts along, and none of them is missing.
fn has_sibling(part: &Component, after: &[Component]) -> bool {
    let root = |part: &Component| part.id.split_once('/').map(|(root, _)| root.to_owned());
    match root(part) {
        Some(own) => after.iter().any(|new| new.id == own || root(new).as_ref() == Some(&own)),
        None => after.iter().any(|new| new.kind == part.kind && root(new).is_none()),
    }
}

fn serial(part: &Component) -> Option<&str> {
    let serial = part.serial.trim();
    (serial.len() >= SERIAL_LENGTH_MIN).then_some(serial)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::component::ComponentState;

    const NOW_MS: i64 = 10 * THERE_MIN_MS;

    fn part(kind: &str, id: &str, serial: &str) -> Component {
        Component { serial: serial.into(), ..Component::plain(kind, id) }
    }

    fn disk(id: &str, serial: &str) -> Component {
        part("physical_disk", id, serial)
    }

    fn check(
        missing: &[Missing],
        before: &[Component],
        after: &[Component],
        expected: &[&str],
    ) -> Vec<Missing> {
        let next = next(missing, before, after, NOW_MS);
        let serials: Vec<&str> = next.iter().map(|gone| gone.component.serial.as_str()).collect();
        assert_eq!(serials, expected);
        next
    }

    #[test]
    fn a_disk_that_is_gone_is_missed_until_it_is_back_or_another_is_there() {
        let two = [disk("sda", "AAAA1"), disk("sdb", "BBBB1")];
        let gone = check(&[], &two, &two[..1], &["BBBB1"]);
        assert_eq!(gone[0].since_ms, NOW_MS);
        check(&gone, &two[..1], &two[..1], &["BBBB1"]);
        check(&gone, &two[..1], &two, &[]);
        check(&gone, &two[..1], &[disk("sda", "BBBB1")], &["AAAA1"]);
        check(&gone, &two[..1], &[disk("sda", "AAAA1"), disk("sdc", "CCCC1")], &[]);
        check(&gone, &two[..1], &[disk("sda", "AAAA1"), part("memory", "dimm0", "MMMM1")], &["BBBB1"]);
    }

    #[test]
    fn another_one_in_its_place_is_a_replacement() {
        let before = [disk("sda", "AAAA1"), disk("sdb", "BBBB1")];
        check(&[], &before, &[disk("sda", "AAAA1"), disk("sdb", "CCCC1")], &[]);
        check(&[], &before, &[disk("sda", "CCCC1")], &["BBBB1"]);
        check(&[], &before, &[disk("sda", "BBBB1")], &["AAAA1"]);
    }

    #[test]
    fn what_could_not_be_read_is_not_gone() {
        let before = [disk("sda", "AAAA1"), disk("sdb", "BBBB1")];
        let mut after = before.clone();
        after[1].state = ComponentState::Unknown;
        check(&[], &before, &after, &[]);
        after[1].serial.clear();
        check(&[], &before, &after, &[]);
    }

    #[test]
    fn a_source_that_is_gone_takes_its_parts_along() {
        let raid = ["c0/e252/s0", "c0/e252/s1"].map(|id| disk(id, &format!("{id}-serial")));
        let before = [&raid[..], &[part("disk_controller", "c0", "SV1234"), disk("sda", "AAAA1")]].concat();
        check(&[], &before, &[disk("sda", "AAAA1")], &[]);
        let after = [raid[0].clone(), part("disk_controller", "c0", "SV1234"), disk("sda", "AAAA1")];
        check(&[], &before, &after, &["c0/e252/s1-serial"]);
    }

    #[test]
    fn what_is_carried_away_new_or_without_a_serial_number_is_not_missed() {
        let root = disk("sda", "AAAA1");
        let mut stick = disk("sdb", "BBBB1");
        stick.figures.insert("external".into(), 1.0);
        let mut young = disk("sdb", "BBBB1");
        young.since_ms = NOW_MS - THERE_MIN_MS + 1;
        for other in [stick, young, disk("sdb", ""), part("network", "eth1", "00:11:22:33:44:55")] {
            check(&[], &[root.clone(), other], std::slice::from_ref(&root), &[]);
        }
    }

    #[test]
    fn parts_keep_since_when_they_are_there_wherever_they_go() {
        let mut before = vec![disk("sda", "AAAA1"), part("fan", "fan1", "")];
        before[0].since_ms = 5;
        before[1].since_ms = 6;
        let mut after = vec![disk("sdb", "AAAA1"), disk("sda", "CCCC1"), part("fan", "fan1", "")];
        date(&before, &mut after, 9);
        let dates: Vec<i64> = after.iter().map(|part| part.since_ms).collect();
        assert_eq!(dates, [5, 9, 6]);
    }
}
