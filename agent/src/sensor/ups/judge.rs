//! What a supply's variables mean: its health, and those of its figures that can be true. Pure.
//!
//! Drivers pass on what firmware says, and firmware says nonsense: all bits set for what it does not measure, zero for
//! a runtime while the mains are there, charges of 120 %. What cannot be true is not known.

use crate::sensor::Sample;
use crate::sensor::date;
use crate::sensor::part;
use crate::sensor::placeholder::real;
use crate::sensor::sample::{SCALE_CELSIUS, SCALE_FRACTION, SCALE_WHOLE, clean, gauge};
use crate::sensor::ups::Known;
use crate::sensor::ups::protocol::Variables;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// Kind of the components.
pub const KIND: &str = "ups";
/// Reason: the mains are gone; works as it should, for a while.
pub const ON_BATTERY: &str = "on battery";
/// Reason: little is left in the battery.
pub const BATTERY_LOW: &str = "battery low";
/// Reason: the hosts that it feeds are told to shut down.
pub const FORCED_SHUTDOWN: &str = "forced shutdown";

/// Longer runtimes are counters at their end, in seconds or minutes.
const RUNTIME_S_MAX: f64 = 30.0 * 86_400.0;
/// A shutdown takes minutes; drivers that pass on other units say a runtime is low when it is below 59,940 s.
const RUNTIME_LOW_S_MAX: f64 = 7_200.0;
/// Counters at their end that lie below it, in seconds, or in minutes made seconds.
const RUNTIMES_UNKNOWN_S: &[f64] = &[65_535.0, 32_767.0, 32_767.0 * 60.0];
/// A supply trips before it gives twice what it can.
const LOAD_PERCENT: RangeInclusive<f64> = 0.0..=200.0;
const CHARGE_PERCENT: RangeInclusive<f64> = 0.0..=100.0;
/// Between phases of low-voltage networks it is 480 V at most, and a tenth more.
const MAINS_VOLTS: RangeInclusive<f64> = 0.0..=530.0;
/// Strings of large supplies reach 600 V.
const BATTERY_VOLTS: RangeInclusive<f64> = 0.5..=1_000.0;
/// Of a room or what stands in it. Exactly zero is what drivers say where there is no probe.
const CELSIUS: RangeInclusive<f64> = -40.0..=100.0;
const HERTZ: RangeInclusive<f64> = 40.0..=70.0;
const WATTS: RangeInclusive<f64> = 0.0..=10_000_000.0;
/// Decimal digits of volts, and of hertz.
const SCALE_TENTH: u8 = 1;

/// What `ups.status` says: words in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Status {
    on_mains: bool,
    on_battery: bool,
    battery_low: bool,
    replace_battery: bool,
    bypass: bool,
    calibrating: bool,
    off: bool,
    overloaded: bool,
    overheated: bool,
    faulty: bool,
    no_battery: bool,
    regulating: bool,
    forced_shutdown: bool,
    alarm: bool,
    charging: bool,
}

impl Status {
    fn parse(text: &str) -> Self {
        let mut status = Self::default();
        for word in text.split_whitespace() {
            match word.to_ascii_uppercase().as_str() {
                "OL" => status.on_mains = true,
                "OB" => status.on_battery = true,
                // `DEPLETED`, and the two of heat and fault below, are words of single drivers.
                "LB" | "DEPLETED" => status.battery_low = true,
                "RB" => status.replace_battery = true,
                "BYPASS" => status.bypass = true,
                "CAL" => status.calibrating = true,
                "OFF" => status.off = true,
                "OVER" => status.overloaded = true,
                "OVERHEAT" => status.overheated = true,
                "COMMFAULT" => status.faulty = true,
                "NOBATT" => status.no_battery = true,
                "TRIM" | "BOOST" => status.regulating = true,
                "FSD" => status.forced_shutdown = true,
                "ALARM" => status.alarm = true,
                "CHRG" => status.charging = true,
                // HB (full, floating), DISCHRG, ECO, HE, TEST and what is not known say nothing against it.
                _ => {}
            }
        }
        status
    }

    /// Whether it says anything of the supply at all. `WAIT`, of a driver that starts, does not; nor does nothing.
    fn is_known(self) -> bool {
        self != Self::default()
    }

    /// Firmware that says both does not know.
    fn contradicts_itself(self) -> bool {
        self.on_mains && self.on_battery
    }
}

/// A supply as a part of the host, and its values.
pub fn judge(name: &str, variables: &Variables) -> Known {
    let status = Status::parse(variables.get("ups.status").map_or("", String::as_str));
    let numbers = Numbers { variables, status };
    let (state, reasons) = verdict(status, &numbers);
    reasons.iter().for_each(|reason| part::own(reason));
    let first = |names: [&str; 2]| {
        names.iter().find_map(|name| real(variables.get(*name)?)).map(clean).unwrap_or_default()
    };
    let maker = first(["device.mfr", "ups.mfr"]);
    let model = first(["device.model", "ups.model"]);
    let is_said_already = model.to_lowercase().starts_with(&maker.to_lowercase());
    let model = if is_said_already { model } else { format!("{maker} {model}").trim().to_owned() };
    let component = Component {
        kind: KIND.into(),
        id: clean(name),
        name: String::new(),
        model,
        serial: first(["device.serial", "ups.serial"]),
        state,
        reasons,
        figures: figures(&numbers),
    };
    (component, samples(name, &numbers))
}

/// A supply of which the server says only why it says nothing. Its values stay named, without values.
pub fn refused(name: &str, refusal: &str, known: Option<&Known>) -> Known {
    let (component, samples) = known.cloned().unwrap_or_else(|| judge(name, &Variables::new()));
    let reason = match refusal {
        "DATA-STALE" => "data stale".to_owned(),
        "DRIVER-NOT-CONNECTED" => "driver not connected".to_owned(),
        other => clean(&other.to_lowercase().replace('-', " ")),
    };
    let component =
        Component { state: State::Unknown, reasons: vec!["cannot read".to_owned(), reason], ..component };
    (component, samples.into_iter().map(|sample| Sample { value: None, ..sample }).collect())
}

fn verdict(status: Status, numbers: &Numbers<'_>) -> (State, Vec<String>) {
    if !status.is_known() {
        return (State::Unknown, vec!["cannot read".into(), "no status".into()]);
    }
    if status.contradicts_itself() && !status.replace_battery {
        return (State::Unknown, vec!["cannot read".into(), "on mains and on battery at once".into()]);
    }
    let is_emptying = status.on_battery && !status.on_mains;
    let battery_low = status.battery_low || (is_emptying && numbers.is_battery_low());
    let packs_bad = numbers.of("battery.packs.bad").is_some_and(|packs| packs > 0.0);
    let facts = [
        (status.replace_battery, "replace battery"),
        (status.forced_shutdown, FORCED_SHUTDOWN),
        (is_emptying, ON_BATTERY),
        (battery_low, BATTERY_LOW),
        (packs_bad, "battery pack bad"),
        (numbers.has_failed_its_test(), "self-test failed"),
        (status.overloaded, "overloaded"),
        (status.overheated, "overheated"),
        (status.faulty, "internal fault"),
        (status.no_battery, "no battery"),
        (status.bypass, "on bypass"),
        (status.off, "output off"),
    ];
    let mut reasons: Vec<String> =
        facts.iter().filter(|(is_so, _)| *is_so).map(|(_, reason)| (*reason).to_owned()).collect();
    if status.alarm {
        reasons.push(alarm(numbers.variables));
    }
    // It says itself that it, or what it feeds, is about to stop.
    let will_fail = status.replace_battery || status.forced_shutdown || (is_emptying && battery_low);
    let state = match (will_fail, reasons.is_empty()) {
        (true, _) => State::PredictedFailure,
        (false, false) => State::Degraded,
        (false, true) => State::Ok,
    };
    if status.calibrating && !reasons.is_empty() {
        reasons.push("calibrating".into());
    }
    (state, reasons)
}

/// With what the supply says of it, where it does.
fn alarm(variables: &Variables) -> String {
    let text = variables.get("ups.alarm").map(|text| text.trim()).unwrap_or_default();
    let is_text = text.chars().any(char::is_alphabetic);
    if is_text { clean(&format!("alarm: {text}")) } else { "alarm".to_owned() }
}

/// Variables as numbers, those that can be true.
struct Numbers<'a> {
    variables: &'a Variables,
    status: Status,
}

impl Numbers<'_> {
    fn of(&self, name: &str) -> Option<f64> {
        self.variables.get(name)?.trim().parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn within(&self, name: &str, range: &RangeInclusive<f64>) -> Option<f64> {
        self.of(name).filter(|value| range.contains(value))
    }

    fn charge(&self) -> Option<f64> {
        self.within("battery.charge", &CHARGE_PERCENT).map(|percent| percent / 100.0)
    }

    /// Zero is true only where it runs out, not while the mains are there.
    fn runtime(&self) -> Option<f64> {
        let is_emptying = self.status.on_battery && !self.status.on_mains;
        self.within("battery.runtime", &(0.0..=RUNTIME_S_MAX))
            .filter(|runtime| *runtime > 0.0 || is_emptying)
            .filter(|runtime| !RUNTIMES_UNKNOWN_S.contains(runtime))
    }

    /// By its own limits, where the driver does not set the flag.
    fn is_battery_low(&self) -> bool {
        let charge_low = self.within("battery.charge.low", &CHARGE_PERCENT).map(|percent| percent / 100.0);
        let runtime_low = self.within("battery.runtime.low", &(0.0..=RUNTIME_LOW_S_MAX));
        let is_below = |value: Option<f64>, limit: Option<f64>| {
            value.zip(limit).is_some_and(|(value, limit)| value <= limit)
        };
        is_below(self.charge(), charge_low) || is_below(self.runtime(), runtime_low)
    }

    /// Of one phase, or the first of three. No voltage where there must be one is not a measurement.
    fn voltage(&self, side: &str, must_be_there: bool) -> Option<f64> {
        let of = |infix: &str| self.within(&format!("{side}.{infix}voltage"), &MAINS_VOLTS);
        let volts = of("").or_else(|| of("L1-N.")).or_else(|| of("L1."))?;
        let nominal = self.of(&format!("{side}.voltage.nominal")).filter(|nominal| *nominal > 0.0);
        let is_too_high = nominal.is_some_and(|nominal| volts > 2.0 * nominal);
        let is_too_low = volts <= nominal.map_or(0.0, |nominal| nominal / 4.0);
        let is_nonsense = is_too_high || (is_too_low && must_be_there);
        (!is_nonsense).then_some(volts)
    }

    fn temperature(&self) -> Option<f64> {
        ["ups.temperature", "battery.temperature"]
            .iter()
            .find_map(|name| self.within(name, &CELSIUS).filter(|celsius| *celsius != 0.0))
    }

    fn has_failed_its_test(&self) -> bool {
        let said = self.variables.get("ups.test.result").map(|text| text.to_lowercase()).unwrap_or_default();
        let is_failure =
            ["done and error", "failed", "bad battery", "battery bad"].iter().any(|word| said.contains(word));
        is_failure || matches!(said.trim(), "bt" | "ng" | "fail")
    }
}

fn figures(numbers: &Numbers<'_>) -> BTreeMap<String, f64> {
    let dated = |name: &str| numbers.variables.get(name).and_then(|text| date::seconds(text));
    let nonzero = |name: &str, most: f64| numbers.of(name).filter(|value| *value > 0.0 && *value <= most);
    let figures = [
        // When it was put in, which people set; when it was made, which the maker did.
        ("battery_installed_unix_seconds", dated("battery.date").map(|seconds| seconds as f64)),
        ("battery_made_unix_seconds", dated("battery.mfr.date").map(|seconds| seconds as f64)),
        ("made_unix_seconds", dated("ups.mfr.date").map(|seconds| seconds as f64)),
        ("battery_nominal_volts", nonzero("battery.voltage.nominal", 1_000.0)),
        ("battery_capacity_ampere_hours", nonzero("battery.capacity", 10_000.0)),
        ("battery_low_ratio", nonzero("battery.charge.low", 100.0).map(|percent| percent / 100.0)),
        ("nominal_volt_amperes", nonzero("ups.power.nominal", 10_000_000.0)),
        ("nominal_watts", nonzero("ups.realpower.nominal", 10_000_000.0)),
    ];
    part::figures(&figures)
}

fn samples(name: &str, numbers: &Numbers<'_>) -> Vec<Sample> {
    let status = numbers.status;
    let id = [(names::HW_ID, name)];
    let whether = |is_so: bool| Some(f64::from(u8::from(is_so)));
    let on_battery = (status.is_known() && !status.contradicts_itself()).then_some(status.on_battery);
    let mut samples = vec![
        gauge(names::UPS_ON_BATTERY, "1", SCALE_WHOLE, &id, on_battery.and_then(whether)),
        gauge(names::BATTERY_CHARGE, "1", SCALE_FRACTION, &id, numbers.charge()),
        gauge(names::BATTERY_TIME_LEFT, "s", SCALE_WHOLE, &id, numbers.runtime()),
        gauge(
            names::UPS_LOAD,
            "1",
            SCALE_FRACTION,
            &id,
            numbers.within("ups.load", &LOAD_PERCENT).map(|percent| percent / 100.0),
        ),
    ];
    // What a supply does not measure at all is not named; what it measures and does not know at the moment is.
    let measures = |prefix: &str, suffix: &str| {
        numbers
            .variables
            .iter()
            .any(|(name, value)| name.starts_with(prefix) && name.ends_with(suffix) && !value.is_empty())
    };
    let must_be_in = status.on_mains && !status.on_battery;
    let must_be_out = !status.off;
    for (location, value) in [
        ("input", numbers.voltage("input", must_be_in)),
        ("output", numbers.voltage("output", must_be_out)),
        ("battery", numbers.within("battery.voltage", &BATTERY_VOLTS)),
    ] {
        if measures(&format!("{location}."), "voltage") {
            let attributes = [id[0], (names::SENSOR_LOCATION, location)];
            samples.push(gauge(names::VOLTAGE, "V", SCALE_TENTH, &attributes, value));
        }
    }
    let others = [
        (
            "input.frequency",
            names::UPS_INPUT_FREQUENCY,
            "Hz",
            SCALE_TENTH,
            numbers.within("input.frequency", &HERTZ),
        ),
        ("ups.realpower", names::POWER, "W", SCALE_WHOLE, numbers.within("ups.realpower", &WATTS)),
    ];
    for (variable, name, unit, scale, value) in others {
        if numbers.variables.contains_key(variable) {
            samples.push(gauge(name, unit, scale, &id, value));
        }
    }
    let temperature = numbers.temperature();
    if temperature.is_some() {
        let attributes = [id[0], (names::HW_NAME, "ups")];
        samples.push(gauge(names::TEMPERATURE, "Cel", SCALE_CELSIUS, &attributes, temperature));
    }
    samples
}
