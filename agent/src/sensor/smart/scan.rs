//! smartctl's list of the devices it found, as text; and what a device is called. Pure.

/// A device that smartctl can read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Device {
    /// Such as `/dev/sda`, `/dev/nvme0` or `/dev/bus/0`.
    pub name: String,
    /// smartctl's type, such as `sat`, `nvme` or `megaraid,5`; empty: it finds out itself.
    pub kind: String,
    /// Where it is only tried whether there is one: nothing is said of it when there is none.
    pub is_guess: bool,
}

/// Types that stand for one of several disks behind a controller.
const BEHIND: &[&str] = &["megaraid,", "cciss,", "areca,", "3ware,", "aacraid,", "sssraid,", "jmb39x,"];

impl Device {
    /// One of smartctl's list.
    pub fn new(name: &str, kind: &str) -> Self {
        Self { name: name.to_owned(), kind: kind.to_owned(), is_guess: false }
    }

    /// Whether it is one of several disks behind a controller.
    pub fn is_behind(&self) -> bool {
        let kind = self.kind.rsplit('+').next().unwrap_or_default();
        BEHIND.iter().any(|start| kind.starts_with(start))
    }

    /// What the part is called: the kernel's name, or which disk behind which device.
    pub fn id(&self) -> String {
        let name = self.name.strip_prefix("/dev/").unwrap_or(&self.name);
        let kind = self.kind.strip_prefix("sat+").unwrap_or(&self.kind);
        if self.is_behind() { format!("{kind}@{name}") } else { name.to_owned() }
    }

    /// Arguments that tell smartctl which disk is meant. What the kernel drives itself is recognised without a type, and
    /// a list made without opening the disks has no true one for it.
    pub fn arguments(&self) -> Vec<&str> {
        match self.kind.as_str() {
            "" | "scsi" | "ata" | "nvme" => vec![self.name.as_str()],
            kind => vec!["-d", kind, self.name.as_str()],
        }
    }
}

/// A line such as `/dev/sda -d sat # /dev/sda [SAT], ATA device`; what could not be opened has a `#` before it.
pub fn line(line: &str) -> Option<Device> {
    let line = line.trim().trim_start_matches('#').trim_start();
    let (words, _) = line.split_once('#')?;
    match words.split_whitespace().collect::<Vec<_>>().as_slice() {
        [name, "-d", kind] if name.starts_with('/') => Some(Device::new(name, kind)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_list_are_devices() {
        let device = line("/dev/sda -d sat # /dev/sda [SAT], ATA device").unwrap();
        assert_eq!(device, Device::new("/dev/sda", "sat"));
        assert_eq!(device.arguments(), ["-d", "sat", "/dev/sda"]);
        let failed = line("# /dev/sdb -d scsi # /dev/sdb, SCSI device open failed: No such device").unwrap();
        assert_eq!(failed.arguments(), ["/dev/sdb"]);
        for other in
            ["", "# nothing", "=== START OF INFORMATION SECTION ===", "# 1  Short offline  Completed"]
        {
            assert_eq!(line(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_disk_behind_a_controller_is_named_by_its_place() {
        assert_eq!(Device::new("/dev/sda", "megaraid,5").id(), "megaraid,5@sda");
        assert_eq!(Device::new("/dev/bus/0", "sat+megaraid,5").id(), "megaraid,5@bus/0");
        assert_eq!(Device::new("/dev/nvme0", "nvme").id(), "nvme0");
        assert_eq!(Device::new("/dev/sdb", "sat,12").id(), "sdb");
    }
}
