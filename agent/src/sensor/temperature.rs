//! Temperatures and their makers' limits, as the monitoring chips say them. Owns their samples; what is trusted, and the
//! health that follows, belong to `hwmon`.

use crate::sensor::hwmon::chip::{Chip, Input, Quantity};
use crate::sensor::hwmon::{self, judge::judge};
use crate::sensor::sample::{SCALE_CELSIUS, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor};
use tram_proto::sample as names;

/// The sensor.
#[derive(Debug, Default)]
pub struct Temperature;

impl Sensor for Temperature {
    fn name(&self) -> &'static str {
        "temperature"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let printed = hwmon::read(paths, &[Quantity::Temperature])?;
        let of_chip =
            |chip: &Chip| chip.inputs.iter().flat_map(|input| parse(chip, input)).collect::<Vec<_>>();
        let samples: Vec<Sample> = printed.chips.iter().flat_map(of_chip).collect();
        if samples.is_empty() { Err(NoData::Absent) } else { Ok(Reading { samples, components: vec![] }) }
    }
}

/// Samples of one input, where it is a temperature: its value, which may be none, and those limits that can be trusted.
pub fn parse(chip: &Chip, input: &Input) -> Vec<Sample> {
    if input.quantity != Quantity::Temperature {
        return vec![];
    }
    let verdict = judge(chip, input);
    let (id, name) = ((names::HW_ID, input.id.as_str()), (names::HW_NAME, input.name(chip)));
    let mut samples = vec![gauge(names::TEMPERATURE, "Cel", SCALE_CELSIUS, &[id, name], verdict.value)];
    for (limit_type, limit) in verdict.limits {
        let attributes = [id, name, (names::LIMIT_TYPE, limit_type)];
        samples.push(gauge(names::TEMPERATURE_LIMIT, "Cel", SCALE_CELSIUS, &attributes, Some(limit)));
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::values;
    use std::collections::BTreeMap;
    use std::fs;

    fn parsed(input: f64, max: Option<f64>, critical: Option<f64>) -> BTreeMap<String, Option<f64>> {
        let numbers = [("input", Some(input)), ("max", max), ("crit", critical)];
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name.to_owned(), number?)));
        let input = Input {
            id: "x".into(),
            quantity: Quantity::Temperature,
            label: Some("Core 0".into()),
            numbers: numbers.collect(),
        };
        values(&Reading { samples: parse(&Chip::default(), &input), components: vec![] })
    }

    #[test]
    fn value_and_both_limits_are_read() {
        let values = parsed(54.5, Some(84.0), Some(100.0));
        assert_eq!(values["hw.temperature{hw.id=x,hw.name=Core 0}"], Some(54.5));
        let limit =
            |kind| values[&format!("hw.temperature.limit{{hw.id=x,hw.limit_type={kind},hw.name=Core 0}}")];
        assert_eq!((limit("high.degraded"), limit("high.critical")), (Some(84.0), Some(100.0)));
    }

    #[test]
    fn nonsense_has_no_value_and_no_limit() {
        for input in [-128.0, 255.0, -273.15] {
            let values = parsed(input, Some(0.0), Some(65_261.85));
            assert_eq!(values.into_values().collect::<Vec<_>>(), [None], "{input}");
        }
        assert_eq!(parsed(50.0, Some(120.0), Some(110.0)).len(), 2);
    }

    #[test]
    fn chips_are_told_apart_by_their_device_and_old_drivers_are_read() {
        let sys = tempfile::tempdir().unwrap();
        let hwmon = sys.path().join("class/hwmon");
        for (chip, device) in [("hwmon0", "coretemp.0"), ("hwmon1", "coretemp.1")] {
            let device = sys.path().join("devices").join(device);
            fs::create_dir_all(&device).unwrap();
            fs::create_dir_all(hwmon.join(chip)).unwrap();
            fs::write(hwmon.join(chip).join("name"), "coretemp\n").unwrap();
            std::os::unix::fs::symlink(&device, hwmon.join(chip).join("device")).unwrap();
        }
        fs::write(hwmon.join("hwmon0/temp1_input"), "41000\n").unwrap();
        fs::write(hwmon.join("hwmon0/temp1_label"), "Package id 0\n").unwrap();
        fs::write(hwmon.join("hwmon0/tempX_input"), "1\n").unwrap();
        fs::write(hwmon.join("hwmon0/fan1_input"), "900\n").unwrap();
        fs::write(sys.path().join("devices/coretemp.1/temp2_input"), "42000\n").unwrap();
        let paths = Paths { sysfs: sys.path().to_owned(), ..Paths::default() };
        let values = values(&Temperature.read(&paths).unwrap());
        assert_eq!(values["hw.temperature{hw.id=coretemp.0/temp1,hw.name=Package id 0}"], Some(41.0));
        assert_eq!(values["hw.temperature{hw.id=coretemp.1/temp2,hw.name=coretemp}"], Some(42.0));
        assert_eq!(values.len(), 2);
    }

    #[test]
    fn a_host_without_chips_has_none() {
        let sys = tempfile::tempdir().unwrap();
        let paths = Paths { sysfs: sys.path().to_owned(), ..Paths::default() };
        assert!(matches!(Temperature.read(&paths), Err(NoData::Absent)));
    }
}
