//! What `sensors -j` prints, and Python's psutil where a site's own script stands in for it. Owns these two shapes; knows
//! nothing of which numbers can be trusted.

use crate::sensor::hwmon::chip::{Chip, Input, Quantity, split};
use crate::sensor::{NoData, source};
use crate::tree::tree;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What a program printed of this host's sensors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Printed {
    /// Its chips.
    pub chips: Vec<Chip>,
    /// Its battery, where psutil was asked for that.
    pub battery: Option<Charge>,
}

/// How full a battery is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Charge {
    /// Share of what it holds when full.
    pub share: f64,
    /// Whether mains power is there; none: not known.
    pub is_plugged: Option<bool>,
}

/// Reads what was printed; `program` is named in errors. A host without sensors prints nothing, `null` or `{}`.
pub fn parse(text: &str, program: &Path) -> Result<Printed, NoData> {
    if text.trim().is_empty() {
        return Err(NoData::Absent);
    }
    let value: Value = serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&repaired(text)))
        .map_err(|error| source::malformed(program, Some(error.line()), "the JSON of sensors -j"))?;
    let shape = || source::malformed(program, None, "chips by name, as of sensors -j");
    let object = match &value {
        Value::Null => return Err(NoData::Absent),
        Value::Object(object) => object,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return Err(shape()),
    };
    if let Some(percent) = object.get("percent").and_then(Value::as_f64) {
        let is_plugged = object.get("power_plugged").and_then(Value::as_bool);
        let battery = Some(Charge { share: percent / 100.0, is_plugged });
        return Ok(Printed { battery, ..Printed::default() });
    }
    let mut chips = Vec::new();
    for (name, value) in object {
        match value {
            Value::Object(features) => chips.push(lm_chip(name, features)),
            Value::Array(readings) => chips.push(psutil_chip(name, readings)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(shape()),
        }
    }
    if chips.is_empty() { Err(NoData::Absent) } else { Ok(Printed { chips, battery: None }) }
}

/// Without the complaints between its lines, and the commas that older versions leave behind an input that they could not
/// read.
fn repaired(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("ERROR"));
    let mut kept = String::with_capacity(text.len());
    for character in lines.flat_map(|line| line.chars().chain(['\n'])) {
        if matches!(character, '}' | ']') {
            let end = kept.trim_end().len();
            if kept.get(..end).is_some_and(|before| before.ends_with(',')) {
                kept.truncate(end - 1);
            }
        }
        kept.push(character);
    }
    kept
}

fn lm_chip(full_name: &str, features: &Map<String, Value>) -> Chip {
    let name = full_name.split('-').next().unwrap_or(full_name);
    let mut chip = Chip { seat: full_name.to_owned(), name: name.to_owned(), inputs: vec![] };
    for (label, feature) in features {
        let mut numbers = BTreeMap::new();
        let mut known = None;
        for (file, value) in feature.as_object().into_iter().flatten() {
            let (Some((quantity, stem, what)), Some(value)) = (split(file), value.as_f64()) else { continue };
            known = Some((quantity, stem.to_owned()));
            numbers.insert(what.to_owned(), value);
        }
        let Some((quantity, stem)) = known else { continue };
        if let Some(mean) = numbers.get("average").copied() {
            numbers.entry("input".to_owned()).or_insert(mean);
        }
        let id = format!("{full_name}/{stem}");
        let label = (*label != stem).then(|| label.clone());
        chip.inputs.push(Input { id, quantity, label, numbers });
    }
    chip
}

/// psutil's temperatures have limits, if only empty ones; its fans have none.
fn psutil_chip(name: &str, readings: &[Value]) -> Chip {
    let mut chip = Chip { seat: name.to_owned(), name: name.to_owned(), inputs: vec![] };
    for (place, reading) in readings.iter().enumerate() {
        let field = |key: &str, at: usize| reading.get(key).or_else(|| reading.get(at));
        let Some(value) = field("current", 1).and_then(Value::as_f64) else { continue };
        let limits = [("max", field("high", 2)), ("crit", field("critical", 3))];
        let (quantity, prefix) = match limits.iter().any(|(_, limit)| limit.is_some()) {
            true => (Quantity::Temperature, "temp"),
            false => (Quantity::Fan, "fan"),
        };
        let limits = limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.as_f64()?)));
        let numbers = tree(limits.chain([("input".to_owned(), value)]));
        let label = field("label", 0).and_then(Value::as_str).filter(|label| !label.is_empty());
        let id = format!("{name}/{prefix}{}", place + 1);
        chip.inputs.push(Input { id, quantity, label: label.map(str::to_owned), numbers });
    }
    chip
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Printed {
        parse(text, Path::new("sensors")).unwrap()
    }

    #[test]
    fn chips_of_lm_sensors_keep_labels_and_numbers() {
        let printed = parsed(
            r#"{"nct6798-isa-02a0":{"Adapter":"ISA adapter","CPUTIN":{"temp2_input":37.0,"temp2_max":80.0},
            "fan1":{"fan1_input":1278.0,"fan1_min":0.0},"intrusion0":{"intrusion0_alarm":1.0}}}"#,
        );
        let [chip] = printed.chips.as_slice() else { panic!("{printed:?}") };
        assert_eq!((chip.name.as_str(), chip.inputs.len()), ("nct6798", 2));
        let labels: Vec<_> =
            chip.inputs.iter().map(|input| (input.id.as_str(), input.label.as_deref())).collect();
        assert_eq!(labels, [("nct6798-isa-02a0/temp2", Some("CPUTIN")), ("nct6798-isa-02a0/fan1", None)]);
        assert_eq!(chip.inputs[0].number("max"), Some(80.0));
    }

    #[test]
    fn complaints_and_commas_of_older_versions_are_no_error() {
        let printed = parsed(
            "{\n\"a-pci-1\":{\n\"temp1\":{\nERROR: Can't get value of subfeature temp1_input\n},\n\"fan1\":{\"fan1_input\":900.0,},\n},\n}",
        );
        assert_eq!(printed.chips[0].inputs[0].number("input"), Some(900.0));
    }

    #[test]
    fn shapes_of_psutil_are_read() {
        let printed = parsed(r#"{"coretemp":[{"label":"","current":40.5,"high":null,"critical":100.0}]}"#);
        let input = &printed.chips[0].inputs[0];
        assert_eq!((input.quantity, input.number("crit")), (Quantity::Temperature, Some(100.0)));
        let tuples = parsed(r#"{"coretemp":[["Core 0",40.5,80.0,100.0]],"dell":[["CPU",2800]]}"#);
        assert_eq!(tuples.chips[0].inputs[0].number("max"), Some(80.0));
        assert_eq!(tuples.chips[1].inputs[0].quantity, Quantity::Fan);
        let battery = parsed(r#"{"percent":3.0,"secsleft":420,"power_plugged":false}"#).battery;
        assert_eq!(battery, Some(Charge { share: 0.03, is_plugged: Some(false) }));
    }

    #[test]
    fn nothing_is_absent_and_another_shape_is_an_error() {
        for none in ["", "null", "{}", "\n"] {
            assert!(matches!(parse(none, Path::new("x")), Err(NoData::Absent)), "{none}");
        }
        for wrong in ["[1]", "{\"a\":1}", "{", "No sensors found!"] {
            assert!(matches!(parse(wrong, Path::new("x")), Err(NoData::Malformed { .. })), "{wrong}");
        }
    }
}
