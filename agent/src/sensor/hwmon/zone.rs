//! Thermal zones of `/sys/class/thermal` that no monitoring chip has. Knows nothing of what they are judged by.

use crate::sensor::hwmon::chip::{Chip, Input, Quantity};
use crate::sensor::{NoData, source};
use std::collections::BTreeMap;
use std::path::Path;

/// What the package's own thermometer is called where the kernel makes a zone of it.
const PACKAGE_ZONE: &str = "x86_pkg_temp";
/// Trip points of one zone, at most.
const TRIPS_MAX: usize = 16;

/// Zones beside these chips; none is no error.
pub(super) fn read(sysfs: &Path, chips: &[Chip]) -> Result<Vec<Chip>, NoData> {
    let mut zones: Vec<Chip> = Vec::new();
    let entries = match source::entries(&sysfs.join("class/thermal")) {
        Err(NoData::Absent) => return Ok(zones),
        entries => entries?,
    };
    for folder in entries.iter().filter(|path| source::name(path).starts_with("thermal_zone")) {
        let Some(kind) = source::word(&folder.join("type")) else { continue };
        if has_chip(&kind, chips) {
            continue;
        }
        let mut numbers = BTreeMap::new();
        if let Some(millidegrees) = source::number(&folder.join("temp")) {
            numbers.insert("input".to_owned(), millidegrees / 1e3);
        }
        for (limit, value) in trips(folder) {
            numbers.insert(limit.to_owned(), value);
        }
        let mut id = format!("thermal/{kind}");
        if zones.iter().any(|zone| zone.seat == id) {
            id = format!("{id}@{}", source::name(folder));
        }
        let input = Input { id: id.clone(), quantity: Quantity::Temperature, label: None, numbers };
        zones.push(Chip { seat: id, name: kind, inputs: vec![input] });
    }
    Ok(zones)
}

/// The kernel registers a chip for most zones, under the zone's name with dashes replaced.
fn has_chip(kind: &str, chips: &[Chip]) -> bool {
    let name = kind.replace('-', "_");
    chips.iter().any(|chip| chip.name == name || chip.name == kind)
        || (kind == PACKAGE_ZONE && chips.iter().any(|chip| chip.name == "coretemp"))
}

/// Where the kernel would act on the zone's own account: throttle at `hot`, power off at `critical`.
fn trips(folder: &Path) -> Vec<(&'static str, f64)> {
    let trip = |number: usize| {
        let limit = match source::word(&folder.join(format!("trip_point_{number}_type")))?.as_str() {
            "critical" => "crit",
            "hot" => "max",
            _ => return None,
        };
        let millidegrees = source::number(&folder.join(format!("trip_point_{number}_temp")))?;
        Some((limit, millidegrees / 1e3))
    };
    let exists = |number: &usize| folder.join(format!("trip_point_{number}_type")).exists();
    (0..TRIPS_MAX).take_while(exists).filter_map(trip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_zones_without_a_chip_are_read_and_their_trips_are_limits() {
        let sys = tempfile::tempdir().unwrap();
        let zone = |number: usize, kind: &str, temperature: &str| {
            let folder = sys.path().join(format!("class/thermal/thermal_zone{number}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("type"), kind).unwrap();
            fs::write(folder.join("temp"), temperature).unwrap();
            folder
        };
        let folder = zone(0, "gpu-thermal\n", "45000\n");
        fs::write(folder.join("trip_point_0_type"), "passive\n").unwrap();
        fs::write(folder.join("trip_point_0_temp"), "70000\n").unwrap();
        fs::write(folder.join("trip_point_1_type"), "critical\n").unwrap();
        fs::write(folder.join("trip_point_1_temp"), "105000\n").unwrap();
        zone(1, "cpu-thermal", "50000");
        zone(2, "x86_pkg_temp", "50000");
        zone(3, "gpu-thermal", "46000");
        let chips = ["cpu_thermal", "coretemp"].map(|name| Chip { name: name.into(), ..Chip::default() });
        let zones = read(sys.path(), &chips).unwrap();
        let ids: Vec<&str> = zones.iter().map(|zone| zone.inputs[0].id.as_str()).collect();
        assert_eq!(ids, ["thermal/gpu-thermal", "thermal/gpu-thermal@thermal_zone3"]);
        assert_eq!(zones[0].inputs[0].number("input"), Some(45.0));
        assert_eq!(
            (zones[0].inputs[0].number("crit"), zones[0].inputs[0].number("max")),
            (Some(105.0), None)
        );
        assert_eq!(read(Path::new("/nonexistent"), &[]).unwrap(), []);
    }
}
