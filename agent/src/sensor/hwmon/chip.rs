//! What a monitoring chip says, as it says it: its inputs with their numbers in base units. Owns the names of the kernel's
//! files in `/sys/class/hwmon`; knows nothing of which numbers can be trusted.

use crate::sensor::{NoData, source};
use crate::tree::tree;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What an input measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Degrees Celsius.
    Temperature,
    /// Turns a minute.
    Fan,
    /// Volts.
    Voltage,
    /// Amperes.
    Current,
    /// Watts.
    Power,
}

/// Quantities by what their files start with, and what their numbers are divided by.
const PREFIXES: &[(&str, Quantity, f64)] = &[
    ("temp", Quantity::Temperature, 1e3),
    ("fan", Quantity::Fan, 1.0),
    ("in", Quantity::Voltage, 1e3),
    ("curr", Quantity::Current, 1e3),
    ("power", Quantity::Power, 1e6),
];
/// What is read of an input beside its value: each file may cost a transfer on a slow bus.
const LIMITS: &[&str] = &["max", "min", "crit", "lcrit"];
const FLAGS: &[&str] =
    &["fault", "alarm", "max_alarm", "min_alarm", "crit_alarm", "lcrit_alarm", "emergency_alarm"];
/// Chips that stand for a battery or an adapter, whose sensor is another.
const ELSEWHERE: &[&str] = &["BAT", "AC", "ADP", "ucsi_source_psy", "hidpp_battery", "hid_"];

/// One chip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chip {
    /// Stable over boots: the device that it sits on.
    pub seat: String,
    /// Its driver's name for it.
    pub name: String,
    /// What it measures.
    pub inputs: Vec<Input>,
}

/// One input of a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Stable over boots: the chip's seat and the input's name, such as `coretemp.0/temp1`.
    pub id: String,
    /// What it measures.
    pub quantity: Quantity,
    /// What somebody who knew its wiring called it.
    pub label: Option<String>,
    /// By the second half of their files' names (`input`, `max`, `crit_alarm`), in base units; flags are 0 or 1.
    pub numbers: BTreeMap<String, f64>,
}

impl Input {
    /// One of its numbers.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.get(name).copied()
    }

    /// Whether one of its flags is set.
    pub fn is_set(&self, flag: &str) -> bool {
        self.number(flag).is_some_and(|value| value != 0.0)
    }

    /// As people know it: its label, else its chip's name.
    pub fn name<'a>(&'a self, chip: &'a Chip) -> &'a str {
        self.label.as_deref().unwrap_or(&chip.name)
    }
}

/// What a file's name stands for: quantity, input (`temp1`), and which of its numbers.
pub fn split(file: &str) -> Option<(Quantity, &str, &str)> {
    let (stem, what) = file.split_once('_')?;
    let is_input = |prefix: &str| {
        let number = stem.strip_prefix(prefix).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    let (_, quantity, _) = PREFIXES.iter().find(|(prefix, ..)| is_input(prefix))?;
    Some((*quantity, stem, what))
}

/// Every chip with what it measures of these quantities. Absent when there is no chip at all.
pub fn read(sysfs: &Path, wanted: &[Quantity]) -> Result<Vec<Chip>, NoData> {
    let mut taken = BTreeSet::new();
    let mut chips = Vec::new();
    for folder in source::entries(&sysfs.join("class/hwmon"))? {
        let mut chip = read_chip(&folder, wanted);
        if ELSEWHERE.iter().any(|start| chip.name.starts_with(start)) {
            continue;
        }
        for input in &mut chip.inputs {
            // Two chips without a device of their own may share a name; the number keeps them apart.
            if !taken.insert(input.id.clone()) {
                input.id = format!("{}@{}", input.id, source::name(&folder));
                taken.insert(input.id.clone());
            }
        }
        chips.push(chip);
    }
    Ok(chips)
}

/// One chip. Chips of old drivers keep their files in `device`.
fn read_chip(folder: &Path, wanted: &[Quantity]) -> Chip {
    let device = std::fs::canonicalize(folder.join("device")).ok().filter(|device| device.is_dir());
    let name = source::word(&folder.join("name"))
        .or_else(|| source::word(&folder.join("device/name")))
        .unwrap_or_else(|| source::name(folder));
    let seat = device.as_deref().map_or_else(|| name.clone(), source::name);
    let mut inputs = read_inputs(folder, &seat, wanted);
    if inputs.is_empty() {
        inputs = device.map(|device| read_inputs(&device, &seat, wanted)).unwrap_or_default();
    }
    Chip { seat, name, inputs }
}

fn read_inputs(folder: &Path, seat: &str, wanted: &[Quantity]) -> Vec<Input> {
    let entries = source::entries(folder).unwrap_or_default();
    let files: BTreeSet<String> = tree(entries.iter().map(|path| source::name(path)));
    let mut inputs: Vec<Input> = Vec::new();
    for file in &files {
        let Some((quantity, stem, what)) = split(file) else { continue };
        // A power meter may have a mean alone; an input in fault may have lost its value.
        let is_value = what == "input" || (what == "average" && !files.contains(&format!("{stem}_input")));
        if is_value && wanted.contains(&quantity) {
            inputs.push(read_input(folder, &files, seat, (quantity, stem, what)));
        }
    }
    inputs
}

fn read_input(
    folder: &Path,
    files: &BTreeSet<String>,
    seat: &str,
    (quantity, stem, value): (Quantity, &str, &str),
) -> Input {
    let divisor =
        PREFIXES.iter().find(|(_, known, _)| *known == quantity).map_or(1.0, |(.., divisor)| *divisor);
    let mut numbers = BTreeMap::new();
    let mut take = |file: &str, name: &str, divisor: f64| {
        if let Some(number) = files.contains(file).then(|| source::number(&folder.join(file))).flatten() {
            numbers.insert(name.to_owned(), number / divisor);
        }
    };
    take(&format!("{stem}_{value}"), "input", divisor);
    for limit in LIMITS {
        take(&format!("{stem}_{limit}"), limit, divisor);
    }
    for flag in FLAGS {
        take(&format!("{stem}_{flag}"), flag, 1.0);
    }
    if let Some(number) = stem.strip_prefix("fan") {
        take(&format!("pwm{number}"), "pwm", 1.0);
    }
    let label = source::word(&folder.join(format!("{stem}_label")));
    Input { id: format!("{seat}/{stem}"), quantity, label, numbers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_told_apart() {
        assert_eq!(split("temp12_crit_alarm"), Some((Quantity::Temperature, "temp12", "crit_alarm")));
        assert_eq!(split("in0_input"), Some((Quantity::Voltage, "in0", "input")));
        for other in ["intrusion0_alarm", "tempX_input", "temp_input", "pwm1", "pwm1_enable", "name", "_", ""]
        {
            assert_eq!(split(other), None, "{other}");
        }
    }
}
