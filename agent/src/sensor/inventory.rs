//! What this host is made of and runs: maker, model, firmware, processors, memory modules, power supplies, operating
//! system. Disks and network cards come from their own sensors. Owns where it is read; what it amounts to is in `parts`.

use crate::sensor::{NoData, Paths, Reading, Sensor, program, source};
use crate::tree::tree;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub mod parts;
pub mod smbios;
#[cfg(test)]
mod tests;

use parts::Found;
use smbios::Structure;

/// Hardware is not changed more often than that.
const INTERVAL: Duration = Duration::from_secs(3600);
/// `dmidecode` reads a file.
const DEADLINE: Duration = Duration::from_secs(4);
/// Copies of the firmware's table and its texts that root made for an agent that is not root.
const COPY: &str = "run/tram-agent/dmi";

/// The sensor.
#[derive(Debug, Default)]
pub struct Inventory;

impl Sensor for Inventory {
    fn name(&self) -> &'static str {
        "inventory"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let found = Found {
            structures: structures(paths)?,
            dmi: dmi(&paths.sysfs.join("class/dmi/id")),
            device_tree: device_tree(&paths.procfs.join("device-tree")),
            hypervisor: source::word(&paths.sysfs.join("hypervisor/type")),
            xen_capabilities: source::word(&paths.procfs.join("xen/capabilities")),
            container: source::word(&paths.rootfs.join("run/systemd/container")),
            cpuinfo: source::text(&paths.procfs.join("cpuinfo")).unwrap_or_default(),
            memory_bytes: memory_bytes(&source::text(&paths.procfs.join("meminfo")).unwrap_or_default()),
            os_release: source::text(&paths.rootfs.join("etc/os-release")).unwrap_or_default(),
            kernel: source::word(&paths.procfs.join("sys/kernel/osrelease")),
        };
        let components = parts::parts(&found);
        if components.is_empty() {
            return Err(NoData::Absent);
        }
        Ok(Reading { samples: vec![], components })
    }
}

/// From `dmidecode` where one is given, else the table itself, else the copy that the service's start made of it. What
/// only root may read and has not copied is left out.
fn structures(paths: &Paths) -> Result<Vec<Structure>, NoData> {
    if let Some(program) = paths.programs.get("dmidecode") {
        let answer = program::run(program, &[], DEADLINE)?;
        return Ok(smbios::parse_dmidecode(&answer.text()));
    }
    let tables = [paths.sysfs.join("firmware/dmi/tables/DMI"), paths.rootfs.join(COPY)];
    let table = tables.iter().find_map(|table| source::bytes(table).ok()).unwrap_or_default();
    Ok(smbios::parse_table(&table))
}

/// What anyone may read of the same: each a file of its own.
fn dmi(directory: &Path) -> BTreeMap<String, String> {
    let files = source::entries(directory).unwrap_or_default();
    tree(files.iter().filter_map(|file| Some((source::name(file), source::word(file)?))))
}

/// Boards without such firmware: their model and serial number.
fn device_tree(directory: &Path) -> (Option<String>, Option<String>) {
    let text =
        |file: &str| source::word(&directory.join(file)).map(|text| text.trim_matches('\0').to_owned());
    (text("model"), text("serial-number"))
}

/// `MemTotal`, what the kernel has to give.
fn memory_bytes(meminfo: &str) -> Option<f64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
}
