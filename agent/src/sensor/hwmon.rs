//! Fans, voltages, currents and power as the monitoring chips say them, and the health of all that they watch,
//! temperatures included. Owns which source is read; the temperatures themselves are another sensor's, which is read more
//! often.

pub mod chip;
pub mod json;
pub mod judge;
mod zone;

use crate::sensor::battery::CHARGE_CRITICAL_SHARE;
use crate::sensor::sample::{SCALE_FRACTION, SCALE_VOLTS, SCALE_WATTS, SCALE_WHOLE, clean, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, part, program};
use chip::{Chip, Input, Quantity};
use json::{Charge, Printed};
use judge::{Verdict, judge};
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// What changes faster is noise, and each chip on a slow bus costs milliseconds.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long `sensors` may take where it is given.
const PROGRAM_DEADLINE: Duration = Duration::from_secs(4);
/// Chips that are a power supply, by what their drivers' names have in them.
const POWER_SUPPLIES: &[&str] = &["psu", "cffps", "ipsps", "pfe", "dps", "fsp", "crps", "pmbus", "acbel"];

/// The sensor.
#[derive(Debug, Default)]
pub struct Hwmon;

impl Sensor for Hwmon {
    fn name(&self) -> &'static str {
        "hwmon"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn stand_in(&self) -> Option<(&'static str, &'static str)> {
        Some(("temperature", "sensors"))
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        use Quantity::{Current, Fan, Power, Temperature, Voltage};
        read(paths, &[Temperature, Fan, Voltage, Current, Power]).map(|printed| parse(&printed))
    }
}

/// What the chips of this host say of these quantities: by `sensors` where it was given, else from the kernel's files,
/// with the thermal zones that have no chip. Absent where there is nothing.
pub fn read(paths: &Paths, wanted: &[Quantity]) -> Result<Printed, NoData> {
    if let Some(given) = program::find(paths, "sensors") {
        let answer = program::run(&given, &["-j"], PROGRAM_DEADLINE)?;
        if answer.output.is_empty() && answer.status != Some(0) {
            let why = answer.complaint.lines().next().unwrap_or("it failed").to_owned();
            return Err(NoData::Unreadable { what: given.display().to_string(), why });
        }
        return json::parse(&answer.text(), &given);
    }
    let mut chips = match chip::read(&paths.sysfs, wanted) {
        Err(NoData::Absent) => vec![],
        chips => chips?,
    };
    if wanted.contains(&Quantity::Temperature) {
        let zones = zone::read(&paths.sysfs, &chips)?;
        chips.extend(zones);
    }
    let has_input = chips.iter().any(|chip| !chip.inputs.is_empty());
    if has_input { Ok(Printed { chips, battery: None }) } else { Err(NoData::Absent) }
}

/// Samples of all but temperatures, and components.
pub fn parse(printed: &Printed) -> Reading {
    let mut reading = Reading::default();
    for chip in &printed.chips {
        let mut supply = POWER_SUPPLIES
            .iter()
            .any(|word| chip.name.to_lowercase().contains(word))
            .then(|| Component { name: chip.name.clone(), ..part::new("power_supply", &chip.seat) });
        for input in &chip.inputs {
            let verdict = judge(chip, input);
            reading.samples.extend(samples(chip, input, &verdict));
            match &mut supply {
                Some(supply) => blame(supply, &verdict),
                None => reading.components.extend(component(chip, input, &verdict)),
            }
        }
        reading.components.extend(supply);
    }
    if let Some(charge) = printed.battery {
        let (sample, component) = battery(charge);
        reading.samples.push(sample);
        reading.components.push(component);
    }
    reading
}

fn samples(chip: &Chip, input: &Input, verdict: &Verdict) -> Vec<Sample> {
    let (name, limit_name, unit, scale) = match input.quantity {
        Quantity::Temperature => return vec![],
        Quantity::Fan => (names::FAN_SPEED, Some(names::FAN_SPEED_LIMIT), "rpm", SCALE_WHOLE),
        Quantity::Voltage => (names::VOLTAGE, Some(names::VOLTAGE_LIMIT), "V", SCALE_VOLTS),
        Quantity::Current => (names::CURRENT, None, "A", SCALE_VOLTS),
        Quantity::Power => (names::POWER, None, "W", SCALE_WATTS),
    };
    let (id, shown) = ((names::HW_ID, input.id.as_str()), (names::HW_NAME, input.name(chip)));
    let mut samples = vec![gauge(name, unit, scale, &[id, shown], verdict.value)];
    for (limit_type, limit) in verdict.limits.iter().filter(|_| limit_name.is_some()) {
        let attributes = [id, shown, (names::LIMIT_TYPE, *limit_type)];
        samples.push(gauge(limit_name.unwrap_or_default(), unit, scale, &attributes, Some(*limit)));
    }
    samples
}

/// The part that an input watches. What OpenTelemetry has no kind for is a sample alone.
fn component(chip: &Chip, input: &Input, verdict: &Verdict) -> Option<Component> {
    let kind = match input.quantity {
        Quantity::Temperature => "temperature",
        Quantity::Fan => "fan",
        Quantity::Voltage => "voltage",
        Quantity::Current | Quantity::Power => return None,
    };
    verdict.health?;
    let mut component = part::new(kind, &input.id);
    component.name = clean(input.name(chip));
    blame(&mut component, verdict);
    Some(component)
}

fn blame(component: &mut Component, verdict: &Verdict) {
    if let Some((state, reason)) = verdict.health {
        part::mark(component, state, reason.unwrap_or_default());
    }
}

fn battery(charge: Charge) -> (Sample, Component) {
    let mut component = part::new("battery", "battery");
    if charge.is_plugged == Some(false) && charge.share <= CHARGE_CRITICAL_SHARE {
        part::mark(&mut component, State::Degraded, "charge critical");
    }
    let attributes = [(names::HW_ID, "battery")];
    (gauge(names::BATTERY_CHARGE, "1", SCALE_FRACTION, &attributes, Some(charge.share)), component)
}

#[cfg(test)]
mod tests;
