//! Recordings of whole trees: that of `/sys`, unpacked and read as if live by every sensor that has something in it, and the
//! lists of mounts of hosts that are well.

use crate::sensor::battery::Battery;
use crate::sensor::edac::Edac;
use crate::sensor::filesystem::{MOUNT_POINTS_EXCLUDED, TYPES_EXCLUDED, mounts};
use crate::sensor::globs::Globs;
use crate::sensor::hwmon::Hwmon;
use crate::sensor::temperature::Temperature;
use crate::sensor::testing::{recorded_files, values};
use crate::sensor::{Paths, Sensor};
use std::collections::BTreeMap;
use std::process::Command;
use tram_proto::component::State;

/// What the tree says, by hand.
const EXPECTED: &[(&str, f64)] = &[
    ("hw.temperature{hw.id=coretemp.0/temp1,hw.name=Physical id 0}", 55.0),
    ("hw.temperature{hw.id=coretemp.0/temp2,hw.name=Core 0}", 54.0),
    ("hw.temperature{hw.id=coretemp.0/temp3,hw.name=Core 1}", 52.0),
    ("hw.temperature{hw.id=coretemp.0/temp4,hw.name=Core 2}", 53.0),
    ("hw.temperature{hw.id=coretemp.0/temp5,hw.name=Core 3}", 50.0),
    ("hw.temperature{hw.id=coretemp.1/temp1,hw.name=Physical id 0}", 55.0),
    ("hw.temperature{hw.id=hwmon4/temp1,hw.name=foosensor}", 55.0),
    ("hw.temperature{hw.id=hwmon4/temp2,hw.name=foosensor}", 54.0),
    ("hw.temperature{hw.id=phy0/temp1@hwmon8,hw.name=mt7996_phy0_0}", 55.0),
    ("hw.temperature{hw.id=thermal/cpu-thermal,hw.name=cpu-thermal}", 12.376),
    ("hw.temperature.limit{hw.id=coretemp.0/temp1,hw.limit_type=high.degraded,hw.name=Physical id 0}", 84.0),
    ("hw.temperature.limit{hw.id=coretemp.0/temp1,hw.limit_type=high.critical,hw.name=Physical id 0}", 100.0),
    ("hw.fan.speed{hw.id=applesmc.768/fan1,hw.name=Left side}", 0.0),
    ("hw.fan.speed{hw.id=applesmc.768/fan2,hw.name=Right side}", 1_998.0),
    ("hw.fan.speed{hw.id=nct6779/fan2,hw.name=nct6779}", 1_098.0),
    ("hw.voltage{hw.id=nct6779/in0,hw.name=nct6779}", 0.792),
    ("hw.voltage{hw.id=nct6779/in1,hw.name=nct6779}", 1.024),
    ("hw.errors{error.type=corrected,hw.id=mc0}", 1.0),
    ("hw.errors{error.type=uncorrected,hw.id=mc0}", 5.0),
    ("hw.errors{error.type=corrected,hw.id=mc0/csrow0}", 3.0),
    ("hw.errors{error.type=uncorrected,hw.id=mc0/csrow0}", 4.0),
    ("hw.errors{error.type=uncorrected,hw.id=mc0/csrow2}", 5.0),
    ("hw.errors{error.type=uncorrected,hw.id=mc0/csrow0/ch0,hw.name=mc0csrow0channel0}", 2.0),
    ("hw.battery.charge{hw.id=BAT0}", 0.81),
    ("hw.power{hw.id=BAT0}", 5.002),
    ("tram.mains.online{hw.id=AC}", 0.0),
];

#[test]
fn the_recorded_tree_of_sys_says_what_it_holds() {
    let name = "sysfs-proc/node_exporter-sys-hwmon-edac-thermal-md.tar.gz";
    let Some((_, archive)) = recorded_files("sysfs-proc").into_iter().find(|(known, _)| known == name) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(folder.path()).status();
    assert!(unpacked.is_ok_and(|status| status.success()), "tar cannot unpack {}", archive.display());
    let paths = Paths { sysfs: folder.path().join("node_exporter/sys"), ..Paths::default() };
    let mut found: BTreeMap<String, Option<f64>> = BTreeMap::new();
    let mut components = Vec::new();
    let sensors: [Box<dyn Sensor>; 4] =
        [Box::new(Temperature), Box::new(Hwmon), Box::new(Edac::default()), Box::new(Battery)];
    for mut sensor in sensors {
        let reading = sensor.read(&paths).unwrap_or_else(|error| panic!("{}: {error}", sensor.name()));
        found.extend(values(&reading));
        components.extend(reading.components);
    }
    let wrong: Vec<&&str> = EXPECTED
        .iter()
        .filter(|(key, expected)| found.get(*key).copied().flatten() != Some(*expected))
        .map(|(key, _)| key)
        .collect();
    println!("tree of /sys: {} values expected, wrong: {wrong:?}", EXPECTED.len());
    assert!(wrong.is_empty(), "{wrong:#?} among {found:#?}");
    let mut bad: Vec<String> = components
        .iter()
        .filter(|part| part.state != State::Ok)
        .map(|part| format!("{} {}: {}", part.kind, part.id, part.reasons.join(", ")))
        .collect();
    bad.sort();
    let ue = "uncorrectable errors";
    let mut expected = vec![
        "fan applesmc.768/fan1: fan stopped".to_owned(),
        format!("memory mc0: {ue}"),
        format!("memory mc0/csrow2/ch0: {ue} in its row"),
        format!("memory mc0/csrow2/ch1: {ue} in its row"),
    ];
    expected.extend(
        ["csrow0/ch0", "csrow0/ch1", "csrow1/ch0", "csrow1/ch1"].map(|id| format!("memory mc0/{id}: {ue}")),
    );
    expected.sort();
    assert_eq!(bad, expected);
}

#[test]
fn recorded_mounts_of_healthy_hosts_have_none_that_is_read_only_by_accident() {
    let (mut read, mut wrong) = (0, vec![]);
    for (name, path) in recorded_files("sysfs-proc/linuxfabrik/fs-ro") {
        let text = std::fs::read_to_string(&path).unwrap();
        let parsed = mounts::parse_mounts(&text, &path);
        read += 1;
        let is_right = match parsed {
            Err(_) => name.contains("malformed"),
            Ok(found) => {
                let (types, points) = (Globs::known(TYPES_EXCLUDED), Globs::known(MOUNT_POINTS_EXCLUDED));
                let counted = mounts::select(found, &types, &points);
                let is_read_only = |point: &str| {
                    text.lines().any(|line| {
                        let mut fields = line.split(' ').skip(1);
                        fields.next() == Some(point)
                            && fields.nth(1).is_some_and(|options| options.starts_with("ro"))
                    })
                };
                !counted.iter().any(|mount| is_read_only(&mount.point))
            }
        };
        if !is_right {
            wrong.push(name);
        }
    }
    println!("mounts: {read} read, {} right, wrong: {wrong:?}", read - wrong.len());
    assert!(wrong.is_empty(), "{wrong:?}");
}
