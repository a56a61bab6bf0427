//! What the phrases of a management controller mean for a part's health: those of the specification's tables 42-2 and
//! 42-3, as ipmitool and FreeIPMI print them. Pure.

use tram_proto::component::State;

/// What a phrase says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The part is there.
    Present,
    /// It is not.
    Missing,
    /// Nothing of its health.
    Nothing,
    /// Its redundancy is as it should be, so that what it stands on is too.
    Redundant,
    /// Something is wrong with it.
    Wrong(State, &'static str),
}

use Meaning::{Missing, Nothing, Present, Redundant, Wrong};
use State::{Degraded, Failed, PredictedFailure};

/// The first entry that a phrase has in it counts, so that what is longer stands before what is shorter.
const PHRASES: &[(&str, Meaning)] = &[
    ("not present", Missing),
    ("absent", Missing),
    ("presence detected", Present),
    ("device present", Present),
    ("drive present", Present),
    ("present", Present),
    // Redundancy.
    ("non-redundant: insufficient", Wrong(Failed, "redundancy lost, too few left")),
    ("non-redundant", Wrong(Degraded, "redundancy lost")),
    ("redundancy lost", Wrong(Degraded, "redundancy lost")),
    ("redundancy degraded", Wrong(Degraded, "redundancy degraded")),
    ("fully redundant", Redundant),
    ("full redundancy", Redundant),
    // Severity.
    ("transition to ok", Nothing),
    ("non-critical", Wrong(Degraded, "not critical yet")),
    ("non-recoverable", Wrong(Failed, "not recoverable")),
    ("transition to critical", Wrong(Failed, "critical")),
    // Thresholds.
    ("upper critical going low", Nothing),
    ("lower critical going high", Nothing),
    ("upper critical", Wrong(Failed, "above its critical limit")),
    ("lower critical", Wrong(Failed, "below its critical limit")),
    // Power supplies.
    ("predictive failure deasserted", Nothing),
    ("predictive failure", Wrong(PredictedFailure, "predicts its failure")),
    ("failure detected", Wrong(Failed, "failure detected")),
    ("ac lost", Wrong(Degraded, "input lost")),
    ("input lost", Wrong(Degraded, "input lost")),
    ("out-of-range", Wrong(Degraded, "input out of range")),
    ("config error", Wrong(Degraded, "configuration error")),
    ("configuration error", Wrong(Degraded, "configuration error")),
    ("incorrect cable", Wrong(Degraded, "configuration error")),
    // Memory.
    ("correctable ecc logging limit", Wrong(PredictedFailure, "too many correctable errors")),
    ("logging limit reached", Wrong(PredictedFailure, "too many correctable errors")),
    ("uncorrectable", Wrong(Failed, "uncorrectable errors")),
    ("correctable", Wrong(Degraded, "correctable errors")),
    ("memory scrub failed", Wrong(Failed, "memory scrub failed")),
    ("memory device disabled", Wrong(Failed, "disabled")),
    ("parity check in progress", Nothing),
    ("parity", Wrong(Failed, "parity error")),
    ("critical overtemperature", Wrong(Failed, "too hot")),
    // Drives.
    ("drive fault", Wrong(Failed, "drive fault")),
    ("in failed array", Wrong(Failed, "in a failed array")),
    ("in critical array", Wrong(Degraded, "in a degraded array")),
    ("rebuild aborted", Wrong(Failed, "rebuild aborted")),
    ("remap aborted", Wrong(Failed, "rebuild aborted")),
    ("rebuild", Wrong(Degraded, "rebuilding")),
    // Processors and buses.
    ("ierr", Wrong(Failed, "internal error")),
    ("thermal trip", Wrong(Failed, "switched off by heat")),
    ("frb", Wrong(Failed, "failed its self-test")),
    ("machine check", Wrong(Failed, "machine check")),
    ("bus fatal", Wrong(Failed, "fatal bus error")),
    ("pci serr", Wrong(Failed, "fatal bus error")),
    ("pci perr", Wrong(Degraded, "bus parity error")),
    ("bus degraded", Wrong(Degraded, "bus degraded")),
    ("fatal nmi", Wrong(Failed, "fatal bus error")),
    ("smi timeout", Wrong(Degraded, "controller timed out")),
    // Batteries; the rest of the two words are not about them.
    ("battery low", Wrong(PredictedFailure, "battery low")),
    ("battery failed", Wrong(Failed, "battery failed")),
    // Generic.
    ("limit not exceeded", Nothing),
    ("limit exceeded", Wrong(Degraded, "limit exceeded")),
    ("performance lags", Wrong(Degraded, "performance lags")),
    ("log full", Wrong(Degraded, "event log full")),
];
/// What a sensor with nothing but "asserted" to say watches, by its name, when that is bad.
const FAULT_NAMES: &[&str] = &[
    "fault",
    "fail",
    "error",
    "ierr",
    "caterr",
    "overtemp",
    "over temp",
    "over-temp",
    "therm_trip",
    "thermtrip",
];

/// What a phrase says of a part of this kind, under this name.
pub fn meaning(kind: &str, name: &str, phrase: &str) -> Meaning {
    let phrase = phrase.to_lowercase();
    match (kind, phrase.as_str()) {
        ("battery", "low") => return Wrong(PredictedFailure, "battery low"),
        ("battery", "failed") => return Wrong(Failed, "battery failed"),
        (_, "state asserted") => {
            return if is_fault(name) { Wrong(Degraded, "fault asserted") } else { Nothing };
        }
        _ => {}
    }
    PHRASES.iter().find(|(known, _)| phrase.contains(known)).map_or(Nothing, |(_, meaning)| *meaning)
}

/// Whether a phrase says what somebody did rather than how a part is: an open lid, an unplugged leash, a wrong password.
pub fn is_of_people(phrase: &str) -> bool {
    let phrase = phrase.to_lowercase();
    ["intrusion", "leash", "violation", "password"].iter().any(|word| phrase.contains(word))
}

/// Whether a sensor with only two states watches for a fault, by its name.
fn is_fault(name: &str) -> bool {
    let name = name.to_lowercase();
    FAULT_NAMES.iter().any(|word| name.contains(word))
}

/// What the specification numbers power supplies as.
pub const ENTITY_POWER_SUPPLY: u16 = 10;

/// Phrases of the bits of sensors that watch one part, and which of them says that the part is there: without it the bits
/// may belong to another table.
const BITS: &[(&str, usize, &[&str])] = &[
    (
        "power_supply",
        0,
        &[
            "presence detected",
            "failure detected",
            "predictive failure",
            "ac lost",
            "ac lost or out-of-range",
            "ac out-of-range but present",
            "config error",
        ],
    ),
    ("physical_disk", 0, &["drive present", "drive fault", "predictive failure"]),
    (
        "memory",
        6,
        &[
            "correctable ecc",
            "uncorrectable ecc",
            "parity",
            "memory scrub failed",
            "memory device disabled",
            "correctable ecc logging limit reached",
            "presence detected",
        ],
    ),
    ("battery", 2, &["low", "failed", "presence detected"]),
];
/// Phrases of the bits of a redundancy sensor.
const REDUNDANCY_BITS: &[&str] = &[
    "fully redundant",
    "redundancy lost",
    "redundancy degraded",
    "non-redundant: sufficient from redundant",
    "non-redundant: sufficient from insufficient",
    "non-redundant: insufficient resources",
    "redundancy degraded from fully redundant",
    "redundancy degraded from non-redundant",
];

/// Whether a sensor watches the redundancy of several parts, by its name.
pub fn is_redundancy(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("redund") || name.ends_with("supplies") || name == "fans"
}

/// The phrases of a sensor's bits, for tables that do not spell them out.
pub fn spelled(kind: &str, name: &str, bits: u16) -> Vec<&'static str> {
    let is_set = |place: usize| bits & (1 << place) != 0;
    let known = BITS.iter().find(|(known, present, _)| *known == kind && is_set(*present));
    let phrases = match known {
        _ if is_redundancy(name) => REDUNDANCY_BITS,
        Some((.., phrases)) => phrases,
        // The second bit of a sensor that watches for a fault: asserted, if it has two states, and as bad if it has more.
        None if is_fault(name) && bits & 0b11 == 0b10 => return vec!["state asserted"],
        None => &[],
    };
    let set = |(place, phrase): (usize, &&'static str)| is_set(place).then_some(*phrase);
    phrases.iter().enumerate().filter_map(set).collect()
}

/// The kind of part that a sensor watches: by its type, by what the specification numbers its entity, or by its name.
pub fn kind(type_name: &str, entity: Option<u16>, name: &str) -> &'static str {
    let by_type = match type_name.to_lowercase().as_str() {
        "fan" | "cooling device" => Some("fan"),
        "power supply" | "power unit" => Some("power_supply"),
        "memory" => Some("memory"),
        "drive slot" | "drive bay" | "drive slot / bay" => Some("physical_disk"),
        "battery" => Some("battery"),
        "processor" => Some("cpu"),
        "temperature" => Some("temperature"),
        "voltage" => Some("voltage"),
        _ => None,
    };
    let by_entity = match entity {
        Some(3) => Some("cpu"),
        Some(4 | 26) => Some("physical_disk"),
        Some(8 | 32) => Some("memory"),
        Some(ENTITY_POWER_SUPPLY) => Some("power_supply"),
        Some(29 | 30) => Some("fan"),
        Some(40) => Some("battery"),
        _ => None,
    };
    by_type.or(by_entity).unwrap_or_else(|| kind_of_name(name))
}

/// Words of names, each whole; `ps` and `p` and the like are followed by their number.
fn kind_of_name(name: &str) -> &'static str {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower
        .split(|character: char| !character.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    match () {
        () if has(&["psu", "ps", "pwr", "power"]) && (has(&["psu", "ps"]) || lower.contains("suppl")) => {
            "power_supply"
        }
        () if has(&["mem", "memory", "ecc"]) || words.iter().any(|word| word.starts_with("dimm")) => "memory",
        () if has(&["drive", "hdd", "disk", "bay", "ssd"]) => "physical_disk",
        () if has(&["fan", "fans"]) => "fan",
        () if has(&["batt", "battery", "bat", "vbat", "cmos", "megacell", "romb"]) => "battery",
        () if has(&["cpu", "proc", "processor", "ierr", "caterr"]) => "cpu",
        () => "enclosure",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_mean_what_the_specification_says() {
        for (kind, phrase, expected) in [
            ("power_supply", "Presence detected", Present),
            ("power_supply", "Power Supply AC lost", Wrong(Degraded, "input lost")),
            ("power_supply", "Power Supply Failure detected", Wrong(Failed, "failure detected")),
            ("power_supply", "Predictive failure", Wrong(PredictedFailure, "predicts its failure")),
            ("power_supply", "Fully Redundant", Redundant),
            ("power_supply", "Redundancy Lost", Wrong(Degraded, "redundancy lost")),
            ("memory", "Correctable ECC", Wrong(Degraded, "correctable errors")),
            ("memory", "Uncorrectable ECC", Wrong(Failed, "uncorrectable errors")),
            ("memory", "Presence Detected", Present),
            ("physical_disk", "Drive Fault", Wrong(Failed, "drive fault")),
            ("physical_disk", "Drive Present", Present),
            ("battery", "Low", Wrong(PredictedFailure, "battery low")),
            ("battery", "Failed", Wrong(Failed, "battery failed")),
            ("fan", "Device Absent", Missing),
            ("fan", "Transition to OK", Nothing),
            ("enclosure", "transition to Non-recoverable from less severe", Wrong(Failed, "not recoverable")),
            ("enclosure", "General Chassis intrusion", Nothing),
            ("enclosure", "OS graceful shutdown", Nothing),
        ] {
            assert_eq!(meaning(kind, "x", phrase), expected, "{phrase}");
        }
        assert_eq!(meaning("cpu", "CPU1 Fault", "State Asserted"), Wrong(Degraded, "fault asserted"));
        assert_eq!(meaning("cpu", "CPU1 Presence", "State Asserted"), Nothing);
    }

    #[test]
    fn every_meaning_reads_in_both_languages() {
        for (_, meaning) in PHRASES {
            if let Wrong(_, reason) = meaning {
                crate::sensor::part::own(reason);
            }
        }
    }

    #[test]
    fn kinds_come_from_type_entity_or_name() {
        assert_eq!(kind("Power Supply", None, "Status"), "power_supply");
        assert_eq!(kind("", Some(10), "Status"), "power_supply");
        for (name, expected) in [
            ("PS1 Status", "power_supply"),
            ("Power Supply 2", "power_supply"),
            ("Pwr Supply 1 FRU", "power_supply"),
            ("P1-DIMMA1", "memory"),
            ("HDD 3 Status", "physical_disk"),
            ("FAN A", "fan"),
            ("CMOS Battery", "battery"),
            ("CPU_CATERR", "cpu"),
            ("SysHealth_Stat", "enclosure"),
            ("Power Meter", "enclosure"),
        ] {
            assert_eq!(kind("", None, name), expected, "{name}");
        }
    }

    #[test]
    fn bits_are_spelled_for_parts_that_have_a_table() {
        let supply = |bits| spelled("power_supply", "Power Supply 1", bits);
        assert_eq!(supply(0b1011), ["presence detected", "failure detected", "ac lost"]);
        assert_eq!(supply(0b0010), Vec::<&str>::new());
        assert_eq!(spelled("power_supply", "Power Supplies", 0b10), ["redundancy lost"]);
        assert_eq!(spelled("enclosure", "Pwr Unit Redund", 0b10), ["redundancy lost"]);
        assert_eq!(spelled("power_supply", "PS 1 Fan Fault", 0b10), ["state asserted"]);
        assert_eq!(spelled("cpu", "CPU Presence", 0b10), Vec::<&str>::new());
        assert_eq!(spelled("memory", "Memory Status", 0x40), ["presence detected"]);
        assert_eq!(spelled("enclosure", "x", 0xffff), Vec::<&str>::new());
    }
}
