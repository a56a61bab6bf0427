//! Makes parts of what disks said: names, figures, a verdict; one part for one disk, however often it is seen. Pure.

use super::drive::{Drive, Refusal};
use super::verdict::judge;
use crate::sensor::part;
use crate::sensor::sample::clean;
use crate::tree::tree;
use tram_proto::component::{Component, State};

/// What a disk's part is of.
pub const KIND: &str = "physical_disk";
/// Serial numbers shorter than this are placeholders.
const SERIAL_LENGTH_MIN: usize = 4;

/// A disk that was read. Its figures have the names of [`super::figure`].
pub fn of_drive(id: &str, drive: &Drive) -> Component {
    let (state, reasons) = judge(drive);
    reasons.iter().for_each(|reason| part::own(reason));
    if cfg!(test) {
        assert!(drive.figures.keys().all(|name| tram_proto::phrase::figure(name).is_some()), "{drive:?}");
    }
    Component {
        kind: KIND.into(),
        id: clean(id),
        name: String::new(),
        model: clean(&drive.model),
        serial: clean(&drive.serial),
        state,
        reasons,
        figures: tree(drive.figures.iter().map(|(name, value)| ((*name).to_owned(), *value))),
    }
}

/// A disk of which nothing was read: what was known of its identity stays, its figures do not.
pub fn unreadable(id: &str, refusal: &Refusal, known: Option<&Component>) -> Component {
    let why = Some(reason(&refusal.why)).filter(|why| !why.is_empty());
    unknown(id, std::iter::once("cannot read".to_owned()).chain(why).collect(), known)
}

/// A disk that sleeps: what was known of it stands.
pub fn asleep(id: &str, known: Option<&Component>) -> Component {
    let stands = known.filter(|known| known.state != State::Unknown).cloned();
    stands.unwrap_or_else(|| unknown(id, vec!["asleep".into()], known))
}

fn unknown(id: &str, reasons: Vec<String>, known: Option<&Component>) -> Component {
    let text = |of: fn(&Component) -> &String| known.map(of).cloned().unwrap_or_default();
    Component {
        kind: KIND.into(),
        id: clean(id),
        name: String::new(),
        model: text(|known| &known.model),
        serial: text(|known| &known.serial),
        state: State::Unknown,
        reasons,
        figures: std::collections::BTreeMap::new(),
    }
}

/// The system's reason in smartctl's words, such as `Permission denied` in `Smartctl open device: /dev/sda failed:
/// Permission denied`.
fn reason(words: &str) -> String {
    let words = words.split_once("failed: ").map_or(words, |(_, why)| why);
    let words = clean(words.trim().trim_end_matches('.'));
    let mut characters = words.chars();
    match (characters.next(), characters.next()) {
        // A word, and no abbreviation.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(words.chars().skip(1)).collect()
        }
        _ => words,
    }
}

/// One part for each disk: the same serial number is the same disk, by another path or behind a controller. The first
/// keeps its name; what could be read counts.
pub fn once_each(components: Vec<Component>) -> Vec<Component> {
    let mut kept: Vec<Component> = vec![];
    for component in components {
        let key = serial_key(&component);
        let same = kept.iter_mut().find(|known| {
            known.id == component.id
                || (key.is_some() && serial_key(known) == key && is_one_model(known, &component))
        });
        match same {
            None => kept.push(component),
            Some(known) if known.state == State::Unknown && component.state != State::Unknown => {
                *known = Component { id: known.id.clone(), ..component };
            }
            Some(_) => {}
        }
    }
    kept
}

fn serial_key(component: &Component) -> Option<String> {
    let serial: String = component.serial.split_whitespace().collect::<String>().to_ascii_uppercase();
    (serial.len() >= SERIAL_LENGTH_MIN && serial.chars().any(|character| character != '0')).then_some(serial)
}

fn is_one_model(one: &Component, other: &Component) -> bool {
    one.model.is_empty() || other.model.is_empty() || one.model == other.model
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(id: &str, serial: &str, state: State) -> Component {
        Component { serial: serial.into(), state, ..unreadable(id, &Refusal::default(), None) }
    }

    #[test]
    fn a_disk_by_two_paths_is_one_part() {
        let parts = once_each(vec![
            disk("sda", "WD-1234", State::Unknown),
            disk("sdb", "WD-5678", State::Ok),
            disk("megaraid,5@sda", "wd-1234 ", State::Ok),
            disk("sdc", "", State::Ok),
            disk("sdd", "", State::Ok),
        ]);
        let found: Vec<_> = parts.iter().map(|part| (part.id.as_str(), part.state)).collect();
        assert_eq!(found, [("sda", State::Ok), ("sdb", State::Ok), ("sdc", State::Ok), ("sdd", State::Ok)]);
    }

    #[test]
    fn what_cannot_be_read_keeps_its_identity_and_says_why() {
        let known = Component { model: "X".into(), ..disk("sda", "WD-1234", State::PredictedFailure) };
        let why = "Smartctl open device: /dev/sda failed: Permission denied";
        let refusal = Refusal { device: "/dev/sda".into(), why: why.into() };
        let part = unreadable("sda", &refusal, Some(&known));
        assert_eq!((part.state, part.serial.as_str(), part.model.as_str()), (State::Unknown, "WD-1234", "X"));
        assert_eq!(part.reasons, ["cannot read", "permission denied"]);
        assert_eq!(reason("SMART Disabled. Use option -s"), "SMART Disabled. Use option -s");
        assert_eq!(asleep("sda", Some(&known)), known);
        assert_eq!(asleep("sda", None).reasons, ["asleep"]);
    }
}
