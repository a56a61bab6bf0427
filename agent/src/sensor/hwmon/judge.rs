//! Which numbers of a chip can be trusted, and what follows from them. Pure. Knows nothing of where a chip was read.
//!
//! A limit that was never set reads as nought or as all bits set, and its alarm flag then says nothing. A board's own
//! monitoring chip has more inputs than the board uses: what is not wired floats, and only a label that somebody gave
//! says that an input means something.

use crate::sensor::hwmon::chip::{Chip, Input, Quantity};
use std::ops::RangeInclusive;
use tram_proto::component::State;

/// What a part of a computer can have. Outside it lie the answers of open inputs (-128, 255) and absent ones (-273).
const TRUSTED_CELSIUS: RangeInclusive<f64> = -50.0..=150.0;
/// What a maker's limit can be. Below lie unset registers (0, 1); above, all bits set (65,261 on NVMe).
const TRUSTED_LIMIT_CELSIUS: RangeInclusive<f64> = 30.0..=150.0;
/// Above lie the answers of a counter that has not counted: 65,535, and 1,350,000 divided by what is left in it.
pub const TRUSTED_RPM: RangeInclusive<f64> = 0.0..=50_000.0;
/// A fan that is meant to turn turns faster than the one, and nothing in an office faster than the other.
const TRUSTED_MINIMUM_RPM: RangeInclusive<f64> = 100.0..=20_000.0;
/// A fan that is held at its minimum wanders about it.
const REGULATED_SHARE: f64 = 0.1;
/// From mains down, either side of nought.
const TRUSTED_VOLTS: RangeInclusive<f64> = -500.0..=500.0;
/// What a part inside a computer draws.
const TRUSTED_AMPERES: RangeInclusive<f64> = -1_000.0..=1_000.0;
/// What a whole server draws.
const TRUSTED_WATTS: RangeInclusive<f64> = 0.0..=20_000.0;
/// A rail this far from its limit, as a share of it, could not run the machine that reports it: the input measures
/// something else.
const RAIL_OFF_SHARE_MAX: f64 = 0.25;

/// Drivers of chips that watch a board and know nothing of its wiring.
const BOARD_CHIPS: &[&str] = &[
    "nct6", "nct7", "w836", "w8378", "w8379", "it86", "it87", "it89", "f718", "f818", "f71", "sch5",
    "dme1737", "lm78", "lm79", "lm85", "smsc", "vt12", "via686", "asb100", "pc87", "adm9240", "gl5",
    "sis5595", "emc6",
];
/// What drivers call the inputs of such a chip when nobody has given them a name.
///
/// `Vcore` is what lm_sensors' own settings call the first voltage of most of them, whatever the board feeds its processor.
const BOARD_LABELS: &[&str] = &["SYSTIN", "CPUTIN", "AUXTIN", "PCH_", "BYTE_TEMP", "VIRTUAL_TEMP", "VCORE"];
/// Drivers whose high limit nobody chose: AMD's is always 70, a memory module's 55 after each reset. Both work as they
/// should far above.
const HIGH_IS_NO_LIMIT: &[&str] = &["k10temp", "spd5118"];

/// What an input comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Its value, where it can be one.
    pub value: Option<f64>,
    /// Its maker's limits that can be some, by OpenTelemetry's `hw.limit_type`.
    pub limits: Vec<(&'static str, f64)>,
    /// Its health and why; none: nothing says what would be wrong.
    pub health: Option<(State, Option<&'static str>)>,
}

impl Verdict {
    fn limit(&self, kind: &str) -> Option<f64> {
        self.limits.iter().find(|(known, _)| *known == kind).map(|(_, value)| *value)
    }
}

/// What one input of a chip comes to.
pub fn judge(chip: &Chip, input: &Input) -> Verdict {
    let trusted = match input.quantity {
        Quantity::Temperature => TRUSTED_CELSIUS,
        Quantity::Fan => TRUSTED_RPM,
        Quantity::Voltage => TRUSTED_VOLTS,
        Quantity::Current => TRUSTED_AMPERES,
        Quantity::Power => TRUSTED_WATTS,
    };
    let is_wired = !is_guesswork(chip, input);
    let value =
        input.number("input").filter(|value| trusted.contains(value)).filter(|_| !input.is_set("fault"));
    // An input that is not there reads as exactly nought.
    let value = value.filter(|value| is_wired || input.quantity != Quantity::Temperature || *value != 0.0);
    let mut verdict = Verdict { value, ..Verdict::default() };
    if is_wired || input.quantity == Quantity::Fan {
        verdict.limits = limits(input);
        if HIGH_IS_NO_LIMIT.contains(&chip.name.as_str()) {
            verdict.limits.retain(|(kind, _)| *kind != "high.degraded");
        }
        verdict.health = health(input, &verdict, is_board(chip));
    }
    // A board's header without a fan stands still too, and its minimum is what the firmware left there.
    let is_empty = !is_wired && input.quantity == Quantity::Fan && verdict.value == Some(0.0);
    if is_empty && !input.is_set("fault") {
        verdict.health = Some((State::Ok, None));
    }
    verdict
}

/// Whether this chip watches a board without knowing its wiring.
fn is_board(chip: &Chip) -> bool {
    BOARD_CHIPS.iter().any(|start| chip.name.starts_with(start))
}

/// Whether nobody has said what an input of a board's chip measures. What it got over a digital bus is no guess.
fn is_guesswork(chip: &Chip, input: &Input) -> bool {
    let is_generic = |label: &str| BOARD_LABELS.iter().any(|known| label.to_uppercase().starts_with(known));
    is_board(chip) && input.label.as_deref().is_none_or(is_generic)
}

fn limits(input: &Input) -> Vec<(&'static str, f64)> {
    let number = |name| input.number(name);
    match input.quantity {
        Quantity::Temperature => {
            let trusted = |name| number(name).filter(|limit| TRUSTED_LIMIT_CELSIUS.contains(limit));
            let critical = trusted("crit");
            // A warning limit above the critical one was never set by anyone.
            let high = trusted("max").filter(|high| critical.is_none_or(|critical| *high <= critical));
            named([("high.degraded", high), ("high.critical", critical)])
        }
        Quantity::Fan => {
            let low = number("min").filter(|low| TRUSTED_MINIMUM_RPM.contains(low));
            named([("low.degraded", low)])
        }
        Quantity::Voltage | Quantity::Current | Quantity::Power => {
            let (low, high) = pair(number("min"), number("max"));
            let (low_critical, high_critical) = pair(number("lcrit"), number("crit"));
            named([
                ("low.critical", low_critical),
                ("low.degraded", low),
                ("high.degraded", high),
                ("high.critical", high_critical),
            ])
        }
    }
}

fn named<const COUNT: usize>(limits: [(&'static str, Option<f64>); COUNT]) -> Vec<(&'static str, f64)> {
    limits.into_iter().filter_map(|(kind, limit)| Some((kind, limit?))).collect()
}

/// A lower and an upper limit, where they leave room between them. Nought is none.
fn pair(low: Option<f64>, high: Option<f64>) -> (Option<f64>, Option<f64>) {
    match (low, high) {
        (Some(low), Some(high)) if low >= high => (None, None),
        _ => (low.filter(|low| *low != 0.0), high.filter(|high| *high != 0.0)),
    }
}

fn health(input: &Input, verdict: &Verdict, is_board: bool) -> Option<(State, Option<&'static str>)> {
    if input.is_set("fault") {
        return match input.quantity {
            Quantity::Fan => Some((State::Failed, Some("fan fault"))),
            // Nothing is connected to many of a board's inputs.
            Quantity::Temperature | Quantity::Voltage | Quantity::Current | Quantity::Power => {
                (!is_board).then_some((State::Unknown, Some("sensor fault")))
            }
        };
    }
    let Some(value) = verdict.value else {
        return has_lone_alarm(input).then_some((State::Degraded, Some("alarm")));
    };
    match input.quantity {
        Quantity::Temperature => hot(value, verdict).or_else(|| alarm(input)),
        Quantity::Fan => slow(value, input, verdict).or_else(|| alarm(input)).or(Some((State::Ok, None))),
        Quantity::Voltage | Quantity::Current | Quantity::Power => {
            outside(value, input.quantity, verdict, is_board).or_else(|| alarm(input))
        }
    }
}

/// A flag without any limit that it could be the alarm of: only the chip knows, and says so.
fn has_lone_alarm(input: &Input) -> bool {
    let has_limit = ["max", "min", "crit", "lcrit"].iter().any(|limit| input.number(limit).is_some());
    let is_set = |flag: &str| input.is_set(flag);
    !has_limit
        && ["alarm", "max_alarm", "min_alarm", "crit_alarm", "lcrit_alarm", "emergency_alarm"]
            .iter()
            .any(|flag| is_set(flag))
}

fn alarm(input: &Input) -> Option<(State, Option<&'static str>)> {
    has_lone_alarm(input).then_some((State::Degraded, Some("alarm")))
}

fn hot(value: f64, verdict: &Verdict) -> Option<(State, Option<&'static str>)> {
    let reaches = |kind| verdict.limit(kind).is_some_and(|limit| value >= limit);
    match () {
        () if verdict.limits.is_empty() => None,
        () if reaches("high.critical") => Some((State::Failed, Some("temperature above its critical limit"))),
        () if reaches("high.degraded") => Some((State::Degraded, Some("temperature above its high limit"))),
        () => Some((State::Ok, None)),
    }
}

fn slow(value: f64, input: &Input, verdict: &Verdict) -> Option<(State, Option<&'static str>)> {
    let minimum = verdict.limit("low.degraded")?;
    let is_told_to_stop = input.number("pwm") == Some(0.0);
    match () {
        () if value >= minimum * (1.0 - REGULATED_SHARE) || (value == 0.0 && is_told_to_stop) => {
            Some((State::Ok, None))
        }
        () if value == 0.0 => Some((State::Failed, Some("fan stopped"))),
        () => Some((State::Degraded, Some("fan below its minimum speed"))),
    }
}

fn outside(
    value: f64,
    quantity: Quantity,
    verdict: &Verdict,
    is_board: bool,
) -> Option<(State, Option<&'static str>)> {
    if verdict.limits.is_empty() {
        return None;
    }
    let (low_words, high_words) = match quantity {
        Quantity::Current => ("current below its limit", "current above its limit"),
        Quantity::Power => ("power below its limit", "power above its limit"),
        Quantity::Voltage | Quantity::Temperature | Quantity::Fan => {
            ("voltage below its limit", "voltage above its limit")
        }
    };
    let crossed = |(kind, limit): &(&'static str, f64)| {
        let (is_crossed, words) = match kind.starts_with("low") {
            true => (value < *limit, low_words),
            false => (value > *limit, high_words),
        };
        let state = if kind.ends_with("critical") { State::Failed } else { State::Degraded };
        is_crossed.then_some((state, words, *limit))
    };
    let crossed = verdict.limits.iter().filter_map(crossed).max_by_key(|(state, ..)| *state == State::Failed);
    let is_elsewhere = |limit: f64| (value - limit).abs() > limit.abs() * RAIL_OFF_SHARE_MAX;
    match crossed {
        Some((.., limit)) if is_board && is_elsewhere(limit) => None,
        Some((state, words, _)) => Some((state, Some(words))),
        None => Some((State::Ok, None)),
    }
}
