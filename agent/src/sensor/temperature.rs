//! Temperatures and their makers' limits, from `/sys/class/hwmon`. Owns what is trusted: an input that answers with
//! nonsense has no value, and a limit that cannot be one is not reported.

use crate::sensor::sample::{SCALE_CELSIUS, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, source};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use tram_proto::sample as names;

/// What a part of a computer can have. Outside it lie the answers of open inputs (-128, 255) and absent ones (-273).
const TRUSTED_CELSIUS: RangeInclusive<f64> = -50.0..=150.0;
/// What a maker's limit can be. Below lie unset registers (0, 1); above, all bits set (65,261 on NVMe).
const TRUSTED_LIMIT_CELSIUS: RangeInclusive<f64> = 30.0..=150.0;

/// The sensor.
#[derive(Debug, Default)]
pub struct Temperature;

/// The text of one input's files in `/sys`, as far as they could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    /// Stable over boots: the device it sits on and the input's name, such as `coretemp.0/temp1`.
    pub id: String,
    /// Its label, or the chip's name.
    pub name: String,
    /// `tempN_input`: thousandths of a degree.
    pub input: Option<String>,
    /// `tempN_max`.
    pub max: Option<String>,
    /// `tempN_crit`.
    pub critical: Option<String>,
}

impl Sensor for Temperature {
    fn name(&self) -> &'static str {
        "temperature"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let mut inputs: BTreeMap<String, Input> = BTreeMap::new();
        for chip in source::entries(&paths.sysfs.join("class/hwmon"))? {
            for input in chip_inputs(&chip) {
                // Two chips without a device of their own may share a name; the number keeps them apart.
                let taken = inputs.contains_key(&input.id);
                let id =
                    if taken { format!("{}@{}", input.id, source::name(&chip)) } else { input.id.clone() };
                inputs.insert(id.clone(), Input { id, ..input });
            }
        }
        if inputs.is_empty() {
            return Err(NoData::Absent);
        }
        Ok(Reading { samples: inputs.values().flat_map(parse).collect(), components: vec![] })
    }
}

/// Samples of one input: its value, which may be none, and those limits that can be trusted.
pub fn parse(input: &Input) -> Vec<Sample> {
    let celsius = |text: &Option<String>, trusted: &RangeInclusive<f64>| {
        let thousandths: f64 = text.as_deref()?.trim().parse().ok()?;
        Some(thousandths / 1000.0).filter(|value| trusted.contains(value))
    };
    let attributes = [(names::HW_ID, input.id.as_str()), (names::HW_NAME, input.name.as_str())];
    let value = celsius(&input.input, &TRUSTED_CELSIUS);
    let mut samples = vec![gauge(names::TEMPERATURE, "Cel", SCALE_CELSIUS, &attributes, value)];
    let critical = celsius(&input.critical, &TRUSTED_LIMIT_CELSIUS);
    // A warning limit above the critical one was never set by anyone.
    let high = celsius(&input.max, &TRUSTED_LIMIT_CELSIUS)
        .filter(|high| critical.is_none_or(|critical| *high <= critical));
    for (limit_type, limit) in [("high.degraded", high), ("high.critical", critical)] {
        if limit.is_some() {
            let attributes = [attributes[0], attributes[1], (names::LIMIT_TYPE, limit_type)];
            samples.push(gauge(names::TEMPERATURE_LIMIT, "Cel", SCALE_CELSIUS, &attributes, limit));
        }
    }
    samples
}

/// The inputs of one chip. Chips of old drivers keep their files in `device`.
fn chip_inputs(chip: &Path) -> Vec<Input> {
    let device = std::fs::canonicalize(chip.join("device")).ok().filter(|device| device.is_dir());
    let name = source::word(&chip.join("name"))
        .or_else(|| source::word(&chip.join("device/name")))
        .unwrap_or_else(|| source::name(chip));
    let seat = device.as_deref().map_or_else(|| name.clone(), source::name);
    let mut inputs = directory_inputs(chip, &seat, &name);
    if inputs.is_empty() {
        inputs = device.map(|device| directory_inputs(&device, &seat, &name)).unwrap_or_default();
    }
    inputs
}

fn directory_inputs(directory: &Path, seat: &str, chip_name: &str) -> Vec<Input> {
    let entries = source::entries(directory).unwrap_or_default();
    let stem = |path: &Path| {
        let name = source::name(path);
        let stem = name.strip_suffix("_input")?;
        let number = stem.strip_prefix("temp")?;
        (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())).then(|| stem.to_owned())
    };
    let input = |stem: String| {
        let file = |what: &str| source::word(&directory.join(format!("{stem}_{what}")));
        Input {
            id: format!("{seat}/{stem}"),
            name: file("label").unwrap_or_else(|| chip_name.to_owned()),
            input: file("input"),
            max: file("max"),
            critical: file("crit"),
        }
    };
    entries.iter().filter_map(|path| stem(path)).map(input).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::values;
    use std::fs;

    fn parsed(input: &str, max: &str, critical: &str) -> BTreeMap<String, Option<f64>> {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let input = Input {
            id: "x".into(),
            name: "Core 0".into(),
            input: text(input),
            max: text(max),
            critical: text(critical),
        };
        values(&Reading { samples: parse(&input), components: vec![] })
    }

    #[test]
    fn value_and_both_limits_are_read() {
        let values = parsed("54500", "84000", "100000");
        assert_eq!(values["hw.temperature{hw.id=x,hw.name=Core 0}"], Some(54.5));
        let limit =
            |kind| values[&format!("hw.temperature.limit{{hw.id=x,hw.limit_type={kind},hw.name=Core 0}}")];
        assert_eq!((limit("high.degraded"), limit("high.critical")), (Some(84.0), Some(100.0)));
    }

    #[test]
    fn nonsense_has_no_value_and_no_limit() {
        for input in ["-128000", "255000", "-273150", "", "abc", "NaN"] {
            let values = parsed(input, "0", "65261850");
            assert_eq!(values.into_values().collect::<Vec<_>>(), [None], "{input}");
        }
        assert_eq!(parsed("50000", "120000", "110000").len(), 2);
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
