//! Batteries that the host itself runs on, and its mains: `/sys/class/power_supply`. Owns from when on a battery is worn;
//! knows nothing of batteries of mice, keyboards and uninterruptible power supplies.

use crate::sensor::sample::{SCALE_FRACTION, SCALE_WATTS, SCALE_WHOLE, clean, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, part, source};
use std::path::Path;
use std::time::Duration;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// A battery is emptied over hours.
const INTERVAL: Duration = Duration::from_secs(60);
/// What is left of its first capacity below which a battery is worn out: where desktops tell their users so
/// (gnome-power-manager's "may be broken"). Makers promise 80 % after some hundred cycles.
const HEALTH_WORN_SHARE: f64 = 0.5;
/// Shares above which the two capacities are not of one battery.
const HEALTH_SHARE_MAX: f64 = 1.5;
/// Below this a battery in use ends soon: UPower's `PercentageCritical`.
pub const CHARGE_CRITICAL_SHARE: f64 = 0.05;
/// Steps that health is told in: firmware corrects itself all the time.
const HEALTH_STEPS: f64 = 100.0;

/// The sensor.
#[derive(Debug, Default)]
pub struct Battery;

/// One battery's files, as far as they could be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    /// Name of its folder, such as `BAT0`.
    pub id: String,
    /// Maker, model, serial number.
    pub maker: String,
    /// See there.
    pub model: String,
    /// See there.
    pub serial: String,
    /// `Charging`, `Discharging`, `Full`, `Not charging`, `Unknown`.
    pub status: String,
    /// What its firmware says of itself: `Good`, `Dead`, `Overheat`.
    pub health: String,
    /// Share of charge.
    pub charge: Option<f64>,
    /// What it holds when full, and held when new, in the same unit.
    pub full: Option<f64>,
    /// See there.
    pub design: Option<f64>,
    /// Times that it was emptied; makers who do not count say nought.
    pub cycles: Option<f64>,
    /// What it takes or gives.
    pub watts: Option<f64>,
}

impl Sensor for Battery {
    fn name(&self) -> &'static str {
        "battery"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let mut reading = Reading::default();
        for folder in source::entries(&paths.sysfs.join("class/power_supply"))? {
            let word = |file: &str| source::word(&folder.join(file)).unwrap_or_default();
            // What has a scope feeds that device, and not the host.
            if word("scope") == "Device" {
                continue;
            }
            let id = source::name(&folder);
            match word("type").as_str() {
                "Battery" if word("present") != "0" => {
                    let (samples, component) = parse(&read_cell(&folder, id));
                    reading.samples.extend(samples);
                    reading.components.push(component);
                }
                "Mains" | "USB" => reading.samples.extend(mains(&folder, &id)),
                _ => {}
            }
        }
        if reading.samples.is_empty() { Err(NoData::Absent) } else { Ok(reading) }
    }
}

/// Whether mains power is there. Ports that could take a charger and have none say so too: only those that have one, or
/// can have nothing else, count.
fn mains(folder: &Path, id: &str) -> Option<Sample> {
    let online = source::number(&folder.join("online"))?;
    let is_port = source::word(&folder.join("type")).as_deref() == Some("USB");
    let attributes = [(names::HW_ID, id)];
    (!is_port || online != 0.0)
        .then(|| gauge(names::MAINS_ONLINE, "1", SCALE_WHOLE, &attributes, Some(online)))
}

fn read_cell(folder: &Path, id: String) -> Cell {
    let word = |file: &str| source::word(&folder.join(file)).unwrap_or_default();
    let number = |file: &str| source::number(&folder.join(file));
    // Energy in millionths of a watt-hour, or charge in millionths of an ampere-hour.
    let pair = |kind: &str| (number(&format!("{kind}_full")), number(&format!("{kind}_full_design")));
    let (full, design) = match pair("energy") {
        (None, None) => pair("charge"),
        energy => energy,
    };
    let now = number("energy_now").or_else(|| number("charge_now"));
    let by_amount = now.zip(full).filter(|(_, full)| *full > 0.0).map(|(now, full)| now / full);
    let watts = number("power_now")
        .map(|microwatts| microwatts / 1e6)
        .or_else(|| Some(number("current_now")? * number("voltage_now")? / 1e12));
    Cell {
        id,
        maker: word("manufacturer"),
        model: word("model_name"),
        serial: word("serial_number"),
        status: word("status"),
        health: word("health"),
        charge: number("capacity").map(|percent| percent / 100.0).or(by_amount),
        full,
        design,
        cycles: number("cycle_count").filter(|cycles| *cycles > 0.0),
        watts: watts.map(f64::abs),
    }
}

/// Samples and the component of one battery.
pub fn parse(cell: &Cell) -> (Vec<Sample>, Component) {
    let charge = cell.charge.filter(|share| (0.0..=1.1).contains(share)).map(|share| share.min(1.0));
    let attributes = [(names::HW_ID, cell.id.as_str())];
    let mut samples = vec![gauge(names::BATTERY_CHARGE, "1", SCALE_FRACTION, &attributes, charge)];
    if cell.watts.is_some() {
        samples.push(gauge(names::POWER, "W", SCALE_WATTS, &attributes, cell.watts));
    }
    let mut component = part::new("battery", &cell.id);
    component.model = clean(format!("{} {}", cell.maker, cell.model).trim());
    component.serial = clean(&cell.serial);
    let health = cell.full.zip(cell.design).filter(|(full, design)| *full > 0.0 && *design > 0.0);
    let health = health.map(|(full, design)| full / design).filter(|share| *share <= HEALTH_SHARE_MAX);
    part::figure(
        &mut component,
        "health_share",
        health.map(|share| (share * HEALTH_STEPS).round() / HEALTH_STEPS),
    );
    part::figure(&mut component, "charge_cycles", cell.cycles);
    if health.is_some_and(|share| share < HEALTH_WORN_SHARE) {
        part::mark(&mut component, State::Degraded, "holds less than half of its design charge");
    }
    match cell.health.as_str() {
        "Dead" | "Unspecified failure" | "No battery" => {
            part::mark(&mut component, State::Failed, "battery failed")
        }
        "Overheat" | "Hot" => part::mark(&mut component, State::Degraded, "battery too hot"),
        "Over voltage" | "Over current" => {
            part::mark(&mut component, State::Degraded, "battery outside its limits")
        }
        _ => {}
    }
    if cell.status == "Discharging" && charge.is_some_and(|share| share <= CHARGE_CRITICAL_SHARE) {
        part::mark(&mut component, State::Degraded, "charge critical");
    }
    (samples, component)
}

#[cfg(test)]
mod tests;
