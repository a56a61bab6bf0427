//! Programs that this host's hardware needs to be read with and that are not there. Knows where hardware shows; not
//! what the programs say.

use crate::sensor::program::find;
use crate::sensor::{Paths, source};
use std::path::Path;

/// A program that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What cannot be read without it.
    pub what: What,
    /// Programs that read it, the usual one first; one is enough.
    pub programs: &'static [&'static str],
    /// The Debian package; none: the maker's own pages have it.
    pub package: Option<&'static str>,
}

/// What cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Disks' own health.
    Disks,
    /// A RAID controller, its disks and battery.
    Raid,
    /// The board's management controller: sensors and event log.
    Board,
}

/// What it is, the folders of /sys that show it, the programs that read it, and the package that has one.
type Need = (What, &'static [&'static str], &'static [&'static str], Option<&'static str>);

/// Drivers in the kernel that show hardware, and what reads it.
const NEEDS: &[Need] = &[
    (What::Raid, &["bus/pci/drivers/megaraid_sas"], &["storcli", "perccli", "megacli"], None),
    (What::Raid, &["bus/pci/drivers/hpsa", "bus/pci/drivers/smartpqi"], &["ssacli", "arcconf"], None),
    (What::Raid, &["bus/pci/drivers/aacraid"], &["arcconf"], None),
    (What::Board, &["class/ipmi"], &["ipmitool"], Some("ipmitool")),
];
/// Disks that have a health of their own; those of virtual machines have none.
const DISKS: &[&str] = &["sd", "hd", "nvme"];

/// What is missing on this host.
pub fn missing(paths: &Paths) -> Vec<Missing> {
    let is_there = |name: &str| find(paths, name).is_some_and(|place| place.is_file());
    let mut missing = Vec::new();
    if has_disks(&paths.sysfs) && !is_there("smartctl") {
        let programs = &["smartctl"];
        missing.push(Missing { what: What::Disks, programs, package: Some("smartmontools") });
    }
    for (what, drivers, programs, package) in NEEDS {
        let is_needed = drivers.iter().any(|driver| drives(&paths.sysfs.join(driver)));
        if is_needed && !programs.iter().any(|name| is_there(name)) {
            missing.push(Missing { what: *what, programs, package: *package });
        }
    }
    missing
}

fn has_disks(sysfs: &Path) -> bool {
    let is_disk = |name: &String| DISKS.iter().any(|prefix| name.starts_with(prefix));
    names(&sysfs.join("block")).iter().any(is_disk)
}

/// Whether a driver has a device: an entry that is named by a PCI address, or numbered.
fn drives(driver: &Path) -> bool {
    let is_device = |name: &String| {
        name.contains(':') || (name.starts_with("ipmi") && name.ends_with(|last: char| last.is_ascii_digit()))
    };
    names(driver).iter().any(is_device)
}

fn names(folder: &Path) -> Vec<String> {
    source::entries(folder).unwrap_or_default().iter().map(|path| source::name(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::program::PROGRAMS;

    /// What is missed on a host with these folders below `/sys` and these programs.
    fn missed(folders: &[&str], programs: &[&str]) -> Vec<(What, &'static str)> {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let mut paths = Paths { sysfs: root.path().to_owned(), ..Paths::default() };
        for (name, _) in PROGRAMS {
            let place = root.path().join(name);
            if programs.contains(name) {
                std::fs::write(&place, "").unwrap();
            }
            paths.programs.insert(name, place);
        }
        missing(&paths).iter().map(|missing| (missing.what, missing.programs[0])).collect()
    }

    #[test]
    fn only_what_the_hardware_needs_is_missed() {
        let megaraid = "bus/pci/drivers/megaraid_sas/0000:03:00.0";
        assert_eq!(missed(&["block/vda", "bus/pci/drivers/megaraid_sas/bind"], &[]), []);
        assert_eq!(missed(&["block/sda"], &[]), [(What::Disks, "smartctl")]);
        assert_eq!(missed(&["block/nvme0n1"], &["smartctl"]), []);
        assert_eq!(
            missed(&[megaraid, "class/ipmi/ipmi0"], &[]),
            [(What::Raid, "storcli"), (What::Board, "ipmitool")]
        );
        assert_eq!(missed(&[megaraid], &["perccli"]), [], "one is enough");
    }
}
