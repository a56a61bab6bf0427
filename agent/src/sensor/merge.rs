//! Makes one part of what several sensors say of it: a disk is in `/sys`, in SMART and behind a RAID controller. Pure.

use std::collections::BTreeMap;
use tram_proto::component::{Component, State};

/// Serial numbers shorter than this are placeholders.
const SERIAL_LENGTH_MIN: usize = 4;

/// Joins parts of one kind that have the same serial number, or the same id where not both have a serial number. The
/// first keeps its id; the worst state counts, and every reason and figure is kept. The figures of the later one win.
pub fn merge(components: Vec<Component>) -> Vec<Component> {
    let mut merged: Vec<Component> = Vec::with_capacity(components.len());
    let mut by_serial: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut by_id: BTreeMap<(String, String), usize> = BTreeMap::new();
    for mut component in components {
        let serial = serial_key(&component);
        let same = serial.as_ref().and_then(|key| by_serial.get(key)).copied().or_else(|| {
            let place = by_id.get(&id_key(&component)).copied()?;
            let other = merged.get(place).and_then(serial_key);
            (serial.is_none() || other.is_none()).then_some(place)
        });
        match same.and_then(|place| Some((place, merged.get_mut(place)?))) {
            Some((place, known)) => {
                join(known, component);
                if let Some(key) = serial {
                    by_serial.insert(key, place);
                }
            }
            None => {
                // Another part under a taken id: told apart by its serial number.
                if by_id.contains_key(&id_key(&component)) {
                    component.id = format!("{}#{}", component.id, component.serial);
                }
                let place = merged.len();
                if let Some(key) = serial {
                    by_serial.insert(key, place);
                }
                by_id.insert(id_key(&component), place);
                merged.push(component);
            }
        }
    }
    merged
}

fn serial_key(component: &Component) -> Option<(String, String)> {
    let serial: String = component.serial.split_whitespace().collect::<String>().to_ascii_uppercase();
    let is_one = serial.len() >= SERIAL_LENGTH_MIN && serial.chars().any(|character| character != '0');
    is_one.then(|| (component.kind.clone(), serial))
}

fn id_key(component: &Component) -> (String, String) {
    (component.kind.clone(), component.id.clone())
}

fn join(known: &mut Component, other: Component) {
    if rank(other.state) > rank(known.state) {
        // A verdict replaces what was only not known.
        if known.state == State::Unknown {
            known.reasons.clear();
        }
        known.state = other.state;
        known.reasons.splice(0..0, other.reasons);
    } else if !(other.state == State::Unknown && is_bad(known.state)) {
        known.reasons.extend(other.reasons);
    }
    let mut taken = std::collections::BTreeSet::new();
    known.reasons.retain(|reason| taken.insert(reason.clone()));
    known.figures.extend(other.figures);
    for (text, more) in
        [(&mut known.name, other.name), (&mut known.model, other.model), (&mut known.serial, other.serial)]
    {
        if more.len() > text.len() {
            *text = more;
        }
    }
}

/// How bad a state is. What could not be read of a part outweighs that another source found nothing wrong, but no verdict against it.
pub fn rank(state: State) -> u8 {
    match state {
        State::Ok => 0,
        State::Unknown => 1,
        State::NeedsCleaning => 2,
        State::Degraded => 3,
        State::PredictedFailure => 4,
        State::Failed => 5,
    }
}

fn is_bad(state: State) -> bool {
    rank(state) > rank(State::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(id: &str, serial: &str, state: State, reason: &str) -> Component {
        Component {
            kind: "physical_disk".into(),
            id: id.into(),
            name: String::new(),
            model: String::new(),
            serial: serial.into(),
            state,
            reasons: Some(reason.to_owned()).filter(|reason| !reason.is_empty()).into_iter().collect(),
            figures: [(format!("{id}_figure"), 1.0)].into(),
        }
    }

    #[test]
    fn one_disk_from_two_sources_is_one_part_with_the_worse_state() {
        let kernel = disk("sda", " wd-1234 ", State::Ok, "");
        let smart = disk("smart", "WD-1234", State::PredictedFailure, "pending sectors");
        let one = merge(vec![kernel, disk("sdb", "ABCD", State::Ok, ""), smart]);
        assert_eq!(one.len(), 2);
        assert_eq!((one[0].id.as_str(), one[0].state), ("sda", State::PredictedFailure));
        assert_eq!(one[0].reasons, ["pending sectors"]);
        assert_eq!(one[0].figures.keys().collect::<Vec<_>>(), ["sda_figure", "smart_figure"]);
    }

    #[test]
    fn what_cannot_be_read_is_never_ok_and_never_hides_a_verdict() {
        let unknown = || disk("sda", "", State::Unknown, "cannot read");
        let after_ok = merge(vec![disk("sda", "ABCD", State::Ok, ""), unknown()]);
        assert_eq!((after_ok[0].state, after_ok[0].reasons.len()), (State::Unknown, 1));
        let failed = || disk("sda", "ABCD", State::Failed, "kernel says offline");
        for parts in [vec![failed(), unknown()], vec![unknown(), failed()]] {
            let one = merge(parts);
            assert_eq!((one.len(), one[0].state), (1, State::Failed));
            assert_eq!(one[0].reasons, ["kernel says offline"]);
        }
    }

    #[test]
    fn placeholders_are_no_serial_numbers_and_taken_ids_are_told_apart() {
        let parts = vec![
            disk("a", "0000", State::Ok, ""),
            disk("b", "0000", State::Ok, ""),
            disk("c", "1", State::Ok, ""),
        ];
        assert_eq!(merge(parts).len(), 3);
        let parts = merge(vec![disk("a", "AAAA", State::Ok, ""), disk("a", "BBBB", State::Ok, "")]);
        assert_eq!(parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ["a", "a#BBBB"]);
    }
}
