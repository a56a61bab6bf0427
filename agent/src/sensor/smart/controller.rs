//! Disks behind controllers that smartctl does not list by itself: which controllers there are is read in `/sys`, and
//! their places are tried one by one. MegaRAID's are in smartctl's own list.

use super::scan::Device;
use crate::sensor::source::{entries, name, word};
use std::path::Path;

/// A kind of controller: what its driver is called, smartctl's type, the places it may have, and where it is spoken to.
struct Kind {
    drivers: &'static [&'static str],
    kind: &'static str,
    places: std::ops::RangeInclusive<u32>,
    /// SCSI type of its own device in `/dev/sg*`; none: it has a device file of its own.
    scsi_type: Option<&'static str>,
    files: &'static [&'static str],
}

/// Places that are tried, at most, so that a controller with few disks is not asked for long.
const KINDS: &[Kind] = &[
    Kind { drivers: &["hpsa", "smartpqi"], kind: "cciss", places: 0..=15, scsi_type: Some("12"), files: &[] },
    Kind {
        drivers: &["cciss"],
        kind: "cciss",
        places: 0..=15,
        scsi_type: None,
        files: &["cciss/c0d0", "cciss/c1d0"],
    },
    Kind { drivers: &["arcmsr"], kind: "areca", places: 1..=24, scsi_type: Some("3"), files: &[] },
    Kind { drivers: &["3w-9xxx"], kind: "3ware", places: 0..=15, scsi_type: None, files: &["twa0", "twa1"] },
    Kind { drivers: &["3w-sas"], kind: "3ware", places: 0..=15, scsi_type: None, files: &["twl0", "twl1"] },
    Kind { drivers: &["3w-xxxx"], kind: "3ware", places: 0..=15, scsi_type: None, files: &["twe0", "twe1"] },
];

/// Places to try.
pub fn guesses(sysfs: &Path) -> Vec<Device> {
    let mut found = vec![];
    for kind in KINDS.iter().filter(|kind| kind.drivers.iter().any(|driver| has_driver(sysfs, driver))) {
        let files: Vec<String> = match kind.scsi_type {
            Some(scsi_type) => generic_devices(sysfs, kind.drivers, scsi_type),
            None => kind.files.iter().map(|file| format!("/dev/{file}")).collect(),
        };
        for file in files {
            let guess =
                |place| Device { name: file.clone(), kind: format!("{},{place}", kind.kind), is_guess: true };
            found.extend(kind.places.clone().map(guess));
        }
    }
    found
}

/// Whether a driver has a device, and is not only loaded.
fn has_driver(sysfs: &Path, driver: &str) -> bool {
    let bound = entries(&sysfs.join("bus/pci/drivers").join(driver)).unwrap_or_default();
    bound.iter().any(|path| name(path).contains(':'))
}

/// `/dev/sg*` of the controllers themselves: of that SCSI type, on a host of one of the drivers.
fn generic_devices(sysfs: &Path, drivers: &[&str], scsi_type: &str) -> Vec<String> {
    let is_one = |path: &&std::path::PathBuf| {
        let is_type = word(&path.join("device/type")).as_deref() == Some(scsi_type);
        let host = std::fs::canonicalize(path.join("device")).ok().and_then(|device| host_of(&device));
        let driver = host.and_then(|host| word(&sysfs.join("class/scsi_host").join(host).join("proc_name")));
        is_type && driver.is_some_and(|driver| drivers.contains(&driver.as_str()))
    };
    let devices = entries(&sysfs.join("class/scsi_generic")).unwrap_or_default();
    devices.iter().filter(is_one).map(|path| format!("/dev/{}", name(path))).collect()
}

/// `host0` in a device's path.
fn host_of(device: &Path) -> Option<String> {
    let mut parts = device.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.rfind(|part| part.strip_prefix("host").is_some_and(|rest| rest.parse::<u32>().is_ok()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn places_are_tried_only_behind_controllers_that_are_there() {
        let sys = tempfile::tempdir().unwrap();
        assert_eq!(guesses(sys.path()), []);
        let driver = sys.path().join("bus/pci/drivers/hpsa");
        fs::create_dir_all(&driver).unwrap();
        assert_eq!(guesses(sys.path()), []);
        fs::write(driver.join("0000:03:00.0"), "").unwrap();
        for (place, scsi_type) in [("0:0:0:0", "12"), ("0:1:0:0", "0")] {
            let device = sys.path().join("devices/pci/host0/target").join(place);
            fs::create_dir_all(&device).unwrap();
            fs::write(device.join("type"), scsi_type).unwrap();
            let generic = sys.path().join("class/scsi_generic").join(format!("sg{}", &place[2..3]));
            fs::create_dir_all(&generic).unwrap();
            std::os::unix::fs::symlink(&device, generic.join("device")).unwrap();
        }
        let host = sys.path().join("class/scsi_host/host0");
        fs::create_dir_all(&host).unwrap();
        fs::write(host.join("proc_name"), "hpsa\n").unwrap();
        let found = guesses(sys.path());
        assert_eq!(found.len(), 16);
        assert_eq!(
            (found[3].id().as_str(), found[3].arguments()),
            ("cciss,3@sg0", vec!["-d", "cciss,3", "/dev/sg0"])
        );
    }

    #[test]
    fn old_controllers_have_a_file_of_their_own() {
        let sys = tempfile::tempdir().unwrap();
        let driver = sys.path().join("bus/pci/drivers/3w-9xxx");
        fs::create_dir_all(&driver).unwrap();
        fs::write(driver.join("0000:04:00.0"), "").unwrap();
        let found = guesses(sys.path());
        assert_eq!((found.len(), found[0].id().as_str()), (32, "3ware,0@twa0"));
    }
}
