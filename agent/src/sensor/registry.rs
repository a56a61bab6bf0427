//! The table of sensors: names, constructors, and what of them can be set. A new sensor is one line here.
//! Knows nothing of how a configuration is written down.

use crate::sensor::Sensor;
use crate::sensor::globs::Globs;
use crate::sensor::{
    battery, clock, cpu, disk, edac, filesystem, hwmon, inventory, ipmi, kernel_log, md, memory, network,
    raid, services, smart, temperature, updates, ups, uptime,
};
use std::time::Duration;

/// What can be set of the sensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorConfig {
    /// Names of sensors that are not read.
    pub disabled: Vec<String>,
    /// Types of file systems left out, `/` excepted; default [`filesystem::TYPES_EXCLUDED`].
    pub filesystem_types_excluded: Globs,
    /// Mount points left out, `/` excepted; default [`filesystem::MOUNT_POINTS_EXCLUDED`].
    pub mount_points_excluded: Globs,
    /// Block devices left out; default [`disk::DISKS_EXCLUDED`].
    pub disks_excluded: Globs,
    /// Network interfaces left out; default [`network::INTERFACES_EXCLUDED`].
    pub interfaces_excluded: Globs,
    /// How often the management controller is asked; default [`ipmi::INTERVAL`].
    pub ipmi_interval: Duration,
    /// How often RAID controllers are asked.
    pub raid_interval: Duration,
    /// How often disks are asked for their health; default [`smart::INTERVAL`].
    pub smart_interval: Duration,
    /// The NUT server, `HOST:PORT`; empty: none is asked. Default [`ups::SERVER`].
    pub ups_server: String,
    /// Short names of Windows services that are to run.
    pub windows_services: Vec<String>,
    /// Whether the boot before this one ended without a shutdown; none: not known.
    pub boot_unclean: Option<bool>,
}

impl Default for SensorConfig {
    fn default() -> Self {
        Self {
            disabled: vec![],
            filesystem_types_excluded: Globs::known(filesystem::TYPES_EXCLUDED),
            mount_points_excluded: Globs::known(filesystem::MOUNT_POINTS_EXCLUDED),
            disks_excluded: Globs::known(disk::DISKS_EXCLUDED),
            interfaces_excluded: Globs::known(network::INTERFACES_EXCLUDED),
            ipmi_interval: ipmi::INTERVAL,
            raid_interval: raid::INTERVAL,
            smart_interval: smart::INTERVAL,
            ups_server: ups::SERVER.to_owned(),
            windows_services: vec![],
            boot_unclean: None,
        }
    }
}

/// A name that no sensor has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no sensor {name:?}; known are {}", names().collect::<Vec<_>>().join(", "))]
pub struct UnknownSensor {
    /// The name.
    pub name: String,
}

/// How a sensor is made.
pub type Constructor = fn(&SensorConfig) -> Box<dyn Sensor>;

const TABLE: &[(&str, Constructor)] = &[
    ("cpu", |_| Box::new(cpu::Cpu::default())),
    ("memory", |_| Box::new(memory::Memory)),
    ("filesystem", |config| {
        let (types, points) = (&config.filesystem_types_excluded, &config.mount_points_excluded);
        Box::new(filesystem::Filesystem::new(types.clone(), points.clone()))
    }),
    ("disk", |config| Box::new(disk::Disk::new(config.disks_excluded.clone()))),
    ("md", |_| Box::new(md::Md::default())),
    ("raid", |config| Box::new(raid::Raid::new(config.raid_interval))),
    ("network", |config| Box::new(network::Network::new(config.interfaces_excluded.clone()))),
    ("temperature", |_| Box::new(temperature::Temperature)),
    ("hwmon", |_| Box::new(hwmon::Hwmon)),
    ("ipmi", |config| Box::new(ipmi::Ipmi::new(config.ipmi_interval))),
    ("edac", |_| Box::new(edac::Edac::default())),
    ("battery", |_| Box::new(battery::Battery)),
    ("kernel_log", |_| Box::new(kernel_log::KernelLog::default())),
    ("ups", |config| Box::new(ups::Ups::new(&config.ups_server))),
    ("uptime", |config| Box::new(uptime::Uptime::new(config.boot_unclean))),
    ("smart", |config| Box::new(smart::Smart::new(config.smart_interval))),
    ("clock", |_| Box::new(clock::Clock::default())),
    ("inventory", |_| Box::new(inventory::Inventory)),
    ("updates", |_| Box::new(updates::Updates)),
    ("services", |_| Box::new(services::Services::default())),
];

/// Sensors that take the place of those of the same name, or come after them all.
#[cfg(windows)]
const OWN: &[(&str, Constructor)] = crate::sensor::windows::TABLE;
#[cfg(not(windows))]
const OWN: &[(&str, Constructor)] = &[];

/// All sensors of this system, in the order they are read.
fn table() -> impl Iterator<Item = (&'static str, Constructor)> {
    let is_in = |table: &[(&str, Constructor)], name: &str| table.iter().any(|(known, _)| *known == name);
    let own = |name: &str| OWN.iter().find(|(known, _)| *known == name).map(|(_, constructor)| *constructor);
    let shared = TABLE.iter().map(move |(name, constructor)| (*name, own(name).unwrap_or(*constructor)));
    shared.chain(OWN.iter().filter(move |(name, _)| !is_in(TABLE, name)).copied())
}

/// Sensors that read hardware by programs which only root may run: those that `gather` reads.
const BY_PROGRAM: &[&str] = &["smart", "raid", "bmc", "ipmi"];

/// The sensors that read hardware by programs and are not disabled.
pub fn by_program(config: &SensorConfig) -> Vec<Box<dyn Sensor>> {
    all(config).into_iter().filter(|sensor| BY_PROGRAM.contains(&sensor.name())).collect()
}

/// Names of all sensors, in the order they are read.
pub fn names() -> impl Iterator<Item = &'static str> {
    table().map(|(name, _)| name)
}

/// Whether each name is a sensor's: for lists in a configuration.
pub fn check<T: AsRef<str>>(wanted: &[T]) -> Result<(), UnknownSensor> {
    let unknown = wanted.iter().map(AsRef::as_ref).find(|name| !names().any(|known| known == *name));
    unknown.map_or(Ok(()), |name| Err(UnknownSensor { name: name.to_owned() }))
}

/// All sensors that are not disabled.
pub fn all(config: &SensorConfig) -> Vec<Box<dyn Sensor>> {
    let enabled = |name: &str| !config.disabled.iter().any(|disabled| disabled == name);
    table().filter(|(name, _)| enabled(name)).map(|(_, constructor)| constructor(config)).collect()
}

/// Sensors that one name asks for: what is RAID is told by two of them, the cheap one with each report.
const FAMILIES: &[(&str, &str)] = &[("raid", "md")];

/// The sensors named, disabled or not, each once.
pub fn select<T: AsRef<str>>(
    config: &SensorConfig,
    wanted: &[T],
) -> Result<Vec<Box<dyn Sensor>>, UnknownSensor> {
    check(wanted)?;
    let is_asked = |name: &str| wanted.iter().any(|wanted| wanted.as_ref() == name);
    let asked = |name: &str| {
        is_asked(name) || FAMILIES.iter().any(|(family, member)| *member == name && is_asked(family))
    };
    Ok(table().filter(|(name, _)| asked(name)).map(|(_, constructor)| constructor(config)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sensor_has_the_name_of_its_line() {
        let built: Vec<&str> = all(&SensorConfig::default()).iter().map(|sensor| sensor.name()).collect();
        assert_eq!(built, names().collect::<Vec<_>>());
    }

    #[test]
    fn sensors_are_disabled_and_selected_by_name() {
        let config = SensorConfig { disabled: vec!["disk".into()], ..SensorConfig::default() };
        assert!(!all(&config).iter().any(|sensor| sensor.name() == "disk"));
        let chosen = select(&config, &["uptime", "cpu", "cpu", "disk"]).unwrap();
        assert_eq!(chosen.iter().map(|sensor| sensor.name()).collect::<Vec<_>>(), ["cpu", "disk", "uptime"]);
        let raid = select(&SensorConfig::default(), &["raid"]).unwrap();
        assert_eq!(raid.iter().map(|sensor| sensor.name()).collect::<Vec<_>>(), ["md", "raid"]);
    }

    /// Linux's defaults: other systems ask some of them less often.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_readme_lists_every_sensor_with_its_interval() {
        let readme = include_str!("../../../README.md");
        let table = readme.split("## What is measured").nth(1).unwrap().split("On Windows").next().unwrap();
        let rows: Vec<Vec<&str>> =
            table.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>()).collect();
        let sensors = all(&SensorConfig::default());
        for sensor in &sensors {
            let seconds = sensor.interval().map_or(15, |interval| interval.as_secs());
            let expected = match seconds {
                0..120 => format!("{seconds} s"),
                120..3_600 => format!("{} min", seconds / 60),
                _ => format!("{} h", seconds / 3_600),
            };
            let name = format!("`{}`", sensor.name());
            let row = rows.iter().find(|row| row.get(1) == Some(&name.as_str()));
            let said = row.and_then(|row| row.get(3)).copied();
            assert_eq!(said, Some(expected.as_str()), "{name}");
        }
        let listed = rows.iter().filter(|row| row.get(1).is_some_and(|name| name.starts_with('`'))).count();
        assert_eq!(listed, sensors.len(), "the table lists what is no sensor");
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known() {
        let error = select(&SensorConfig::default(), &["cpu", "nonsense"]).err().unwrap().to_string();
        let known = names().collect::<Vec<_>>().join(", ");
        assert_eq!(error, format!("there is no sensor \"nonsense\"; known are {known}"));
    }
}
