//! What a line of the kernel's log says of the hardware. Pure. Owns which lines count, each failure by one line of the
//! several that the kernel writes of it; knows nothing of when they were written.

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A disk did not do what it was asked.
    DiskIo,
    /// A disk could not read or write its own medium.
    DiskMedium,
    /// A disk's command failed and was tried again.
    DiskCommand,
    /// A disk's link or controller was reset.
    DiskReset,
    /// A disk went away or was given up.
    DiskLost,
    /// A file system found itself damaged, or could not write.
    Filesystem,
    /// A file system was made read-only to save it.
    ReadOnly,
    /// A member failed out of a software RAID.
    Raid,
    /// The processor reported an error, mostly one that was corrected.
    MachineCheck,
    /// The same, and it was not corrected.
    MachineCheckFatal,
    /// A memory error was corrected.
    MemoryCorrected,
    /// A memory error was not.
    MemoryUncorrected,
    /// An error on a bus was corrected.
    BusCorrected,
    /// An error on a bus was not.
    BusUncorrected,
    /// A process was killed because memory ran out.
    OutOfMemory,
    /// The same, within the limit of its own group.
    OutOfMemoryLimit,
    /// A process waited two minutes for a disk or the like.
    HungTask,
    /// A processor did not get on.
    Lockup,
    /// A processor was slowed down by heat.
    Throttled,
    /// Something reached the temperature at which the machine is switched off.
    TooHot,
    /// A network interface stopped sending and was reset.
    NetworkReset,
    /// The kernel itself stumbled.
    Crash,
}

impl Class {
    /// The word for it in samples.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DiskIo => "disk_io",
            Self::DiskMedium => "disk_medium",
            Self::DiskCommand => "disk_command",
            Self::DiskReset => "disk_reset",
            Self::DiskLost => "disk_lost",
            Self::Filesystem => "filesystem",
            Self::ReadOnly => "read_only",
            Self::Raid => "raid",
            Self::MachineCheck => "machine_check",
            Self::MachineCheckFatal => "machine_check_fatal",
            Self::MemoryCorrected => "memory_corrected",
            Self::MemoryUncorrected => "memory_uncorrected",
            Self::BusCorrected => "bus_corrected",
            Self::BusUncorrected => "bus_uncorrected",
            Self::OutOfMemory => "out_of_memory",
            Self::OutOfMemoryLimit => "out_of_memory_limit",
            Self::HungTask => "hung_task",
            Self::Lockup => "lockup",
            Self::Throttled => "throttled",
            Self::TooHot => "too_hot",
            Self::NetworkReset => "network_reset",
            Self::Crash => "crash",
        }
    }
}

/// Where a line names the device that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nowhere.
    No,
    /// Before its first colon, without a unit behind a point: `ata1.00: ...`.
    First,
    /// Behind these words.
    After(&'static str),
}

use Class::{
    BusCorrected, BusUncorrected, Crash, DiskCommand, DiskIo, DiskLost, DiskMedium, DiskReset, Filesystem,
    HungTask, Lockup, MachineCheck, MachineCheckFatal, MemoryCorrected, MemoryUncorrected, NetworkReset,
    OutOfMemory, OutOfMemoryLimit, Raid, ReadOnly, Throttled, TooHot,
};
use Place::{After, First, No};

/// Rules in order; the first of which a line has all words counts.
const RULES: &[(&[&str], Class, Place)] = &[
    // Block layer: one line for each request that failed for good.
    (&["critical medium error, dev "], DiskMedium, After("dev ")),
    // Kernels before 3.x say no more of it than this and an I/O error. A hardware error is not the same: bridges answer so
    // to commands that they do not know.
    (&["[sd", "] ", "Sense Key : Medium Error"], DiskMedium, After("[")),
    (&["critical target error, dev "], DiskIo, After("dev ")),
    (&["critical nexus error, dev "], DiskIo, After("dev ")),
    (&["timeout error, dev "], DiskIo, After("dev ")),
    (&["protection error, dev "], DiskIo, After("dev ")),
    (&["Buffer I/O error on device "], Filesystem, After("device ")),
    (&["Buffer I/O error on dev "], Filesystem, After("dev ")),
    (&["lost page write due to I/O error"], Filesystem, After("on ")),
    (&["lost async page write"], Filesystem, After("dev ")),
    (&["I/O error, dev "], DiskIo, After("dev ")),
    // Links, controllers, drives that go away.
    (&["ata", ": hard resetting link"], DiskReset, First),
    (&["ata", "COMRESET failed"], DiskReset, First),
    (&["ata", "softreset failed"], DiskReset, First),
    (&["ata", ": failed command: "], DiskCommand, First),
    (&["ata", ".0", ": disabled"], DiskLost, First),
    (&["nvme", "timeout, reset controller"], DiskReset, After("nvme ")),
    (&["nvme", "controller is down; will reset"], DiskReset, After("nvme ")),
    (&["nvme", "resetting controller"], DiskReset, After("nvme ")),
    (&["nvme", "Removing after probe failure"], DiskLost, After("nvme ")),
    (&["nvme", "Disabling device after reset failure"], DiskLost, After("nvme ")),
    (&["nvme", "I/O ", "timeout"], DiskCommand, After("nvme ")),
    (&["rejecting I/O to offline device"], DiskLost, After("sd ")),
    (&["Device offlined - not ready after error recovery"], DiskLost, After("sd ")),
    (&["resetting fusion adapter"], DiskReset, No),
    (&["mpt", "sending diag reset"], DiskReset, First),
    (&["mpt", "sending host reset"], DiskReset, First),
    (&["aacraid", "adapter reset request"], DiskReset, No),
    (&["hpsa", "controller lockup detected"], DiskLost, No),
    (&["md/raid", "Disk failure on "], Raid, After("Disk failure on ")),
    // File systems.
    (&["EXT", "emounting filesystem read-only"], ReadOnly, After("(")),
    (&["BTRFS", "forced readonly"], ReadOnly, After("device ")),
    (&["FAT-fs", "Filesystem has been set read-only"], ReadOnly, After("(")),
    (&["XFS", "ilesystem has been shut down"], ReadOnly, After("(")),
    (&["XFS", "hutting down filesystem"], ReadOnly, After("(")),
    (&["EXT", "-fs error (device "], Filesystem, After("device ")),
    (&["XFS", "etadata corruption detected"], Filesystem, After("(")),
    (&["XFS", "metadata I/O error"], Filesystem, After("(")),
    (&["XFS", "nternal error"], Filesystem, After("(")),
    (&["BTRFS", "error (device "], Filesystem, After("device ")),
    (&["BTRFS", "critical (device "], Filesystem, After("device ")),
    (&["BTRFS warning (device ", "): csum failed"], Filesystem, After("device ")),
    (&["BTRFS warning (device ", "): checksum error"], Filesystem, After("device ")),
    (&["EXT4-fs (", "error count since last fsck"], Filesystem, After("(")),
    (&["EXT", "mounting fs with errors"], Filesystem, After("(")),
    (&["JBD2: ", "IO errors while flushing", " on "], Filesystem, After(" on ")),
    (&["JBD2: Error ", "journal superblock for "], Filesystem, After("superblock for ")),
    (&["FAT-fs (", "error"], Filesystem, After("(")),
    (&["F2FS-fs (", "nconsisten"], Filesystem, After("(")),
    (&["borting journal on device "], Filesystem, After("device ")),
    // Processors and memory. An error source of the firmware writes several lines, of which one has the severity.
    (&["EDAC ", " UE "], MemoryUncorrected, No),
    (&["EDAC ", " CE "], MemoryCorrected, No),
    (&["EDAC ", ": UE "], MemoryUncorrected, No),
    (&["EDAC ", ": CE "], MemoryCorrected, No),
    (&["[Hardware Error]: event severity: corrected"], MachineCheck, No),
    (&["[Hardware Error]: event severity: info"], MachineCheck, No),
    (&["[Hardware Error]: event severity: "], MachineCheckFatal, No),
    (&["Machine check events logged"], MachineCheck, No),
    (&["Machine Check Exception"], MachineCheckFatal, No),
    (&["mce: Uncorrected hardware memory error"], MemoryUncorrected, No),
    (&["Memory failure: ", "ecovery action for"], MemoryUncorrected, No),
    (&["PCIe Bus Error: severity=Corrected"], BusCorrected, After("pcieport ")),
    (&["PCIe Bus Error: severity="], BusUncorrected, After("pcieport ")),
    // What the machine suffers from.
    (&["Memory cgroup out of memory: Kill"], OutOfMemoryLimit, No),
    (&["Out of memory: Kill"], OutOfMemory, No),
    (&["Out of memory", "illed process"], OutOfMemory, No),
    (&["INFO: task ", " blocked for more than "], HungTask, No),
    (&["soft lockup - CPU#"], Lockup, No),
    (&["hard LOCKUP"], Lockup, No),
    (&["rcu", "detected stall"], Lockup, No),
    (&["critical temperature reached"], TooHot, No),
    (&["temperature above threshold, cpu clock throttled"], Throttled, No),
    (&["NETDEV WATCHDOG: "], NetworkReset, After("NETDEV WATCHDOG: ")),
    (&["BUG: unable to handle "], Crash, No),
    (&["BUG: kernel NULL pointer"], Crash, No),
    (&["kernel BUG at "], Crash, No),
    (&["general protection fault"], Crash, No),
    (&["Kernel panic - not syncing"], Crash, No),
];
/// Devices whose errors say nothing of the host: media that people put in, and files mounted as disks.
const OTHERS: &[&str] = &["fd", "sr", "loop", "ram", "nbd", "zram"];

/// What a message says; none: nothing of the kind.
pub fn classify(message: &str) -> Option<(Class, Option<String>)> {
    let has = |words: &[&str]| {
        let mut rest = message;
        words.iter().all(|word| match rest.find(word) {
            Some(place) => {
                rest = rest.get(place + word.len()..).unwrap_or_default();
                true
            }
            None => false,
        })
    };
    let (_, class, place) = RULES.iter().find(|(words, ..)| has(words))?;
    let device = match place {
        No => None,
        First => message.split([':', '.']).next().map(str::trim),
        After(words) => message.split_once(words).map(|(_, rest)| rest),
    };
    let end = |character: char| !(character.is_ascii_alphanumeric() || "-_:.".contains(character));
    let device = device.and_then(|text| text.split(end).next());
    let device = device.map(|name| name.trim_end_matches([':', '.', ','])).filter(|name| !name.is_empty());
    let is_other = |name: &str| {
        let stem = name.trim_end_matches(|character: char| character.is_ascii_digit());
        OTHERS.contains(&stem)
    };
    let is_about_other = device.is_some_and(is_other);
    (!is_about_other).then(|| (*class, device.map(str::to_owned)))
}

/// The disk that a partition is on: `sda1`, `nvme0n1p2` and `mmcblk0p1` are on `sda`, `nvme0n1` and `mmcblk0`. None: not the
/// name of a disk.
pub fn disk_of(device: &str) -> Option<&str> {
    let digits =
        |text: &str| text.len() - text.trim_end_matches(|character: char| character.is_ascii_digit()).len();
    let without_number = device.get(..device.len() - digits(device)).unwrap_or_default();
    if device.starts_with("nvme") || device.starts_with("mmcblk") {
        let whole = without_number.strip_suffix('p').filter(|whole| digits(whole) > 0).unwrap_or(device);
        let is_namespace = device.starts_with("mmcblk") || whole.trim_start_matches("nvme").contains('n');
        return is_namespace.then_some(whole);
    }
    let letters = ["sd", "hd", "vd", "xvd"].iter().find_map(|prefix| without_number.strip_prefix(prefix))?;
    let is_disk = !letters.is_empty() && letters.bytes().all(|letter| letter.is_ascii_lowercase());
    is_disk.then_some(without_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, class: Class, device: &str) {
        let device = Some(device).filter(|device| !device.is_empty()).map(str::to_owned);
        assert_eq!(classify(message), Some((class, device)), "{message}");
    }

    #[test]
    fn failures_of_disks_are_told_apart_with_their_device() {
        check("blk_update_request: I/O error, dev sda, sector 567760 op 0x0:(READ) flags 0x0", DiskIo, "sda");
        check("end_request: I/O error, dev sdb, sector 1", DiskIo, "sdb");
        check("I/O error, dev nvme0n1, sector 8 op 0x1:(WRITE)", DiskIo, "nvme0n1");
        check("critical medium error, dev sdc, sector 1234 op 0x0:(READ)", DiskMedium, "sdc");
        check("Buffer I/O error on dev sda1, logical block 0, async page read", Filesystem, "sda1");
        check("ata1: hard resetting link", DiskReset, "ata1");
        check("ata3.00: failed command: READ FPDMA QUEUED", DiskCommand, "ata3");
        check("ata3.00: disabled", DiskLost, "ata3");
        check("nvme nvme0: controller is down; will reset: CSTS=0xffffffff", DiskReset, "nvme0");
        check("nvme nvme0: I/O 12 QID 3 timeout, aborting", DiskCommand, "nvme0");
        check("sd 0:0:1:0: rejecting I/O to offline device", DiskLost, "0:0:1:0");
        check("md/raid1:md0: Disk failure on sdb1, disabling device.", Raid, "sdb1");
        check("sd 0:0:0:0: [sda] tag#6 Sense Key : Medium Error [current] [descriptor] ", DiskMedium, "sda");
    }

    #[test]
    fn failures_of_file_systems_are_told_apart() {
        check(
            "EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading",
            Filesystem,
            "sda1",
        );
        check("EXT4-fs (sda1): Remounting filesystem read-only", ReadOnly, "sda1");
        check("XFS (dm-0): Metadata corruption detected at xfs_agf_read_verify", Filesystem, "dm-0");
        check(
            "XFS (sdb2): Corruption of in-memory data (0x8) detected.  Shutting down filesystem.",
            ReadOnly,
            "sdb2",
        );
        check("BTRFS error (device sda3): bdev /dev/sda3 errs: wr 1, rd 0", Filesystem, "sda3");
        check("Aborting journal on device sda1-8.", Filesystem, "sda1-8");
        check("Buffer I/O error on device sdc1, logical block 12", Filesystem, "sdc1");
        check("BTRFS warning (device sdd1): csum failed root 5 ino 263 off 0 csum 0x1", Filesystem, "sdd1");
        check("EXT4-fs (dm-3): error count since last fsck: 4", Filesystem, "dm-3");
        check("EXT4-fs (sda2): warning: mounting fs with errors, running e2fsck", Filesystem, "sda2");
        check("JBD2: Detected IO errors while flushing file data on sda1-8", Filesystem, "sda1-8");
        check("JBD2: Error -5 detected when updating journal superblock for dm-1-8.", Filesystem, "dm-1-8");
    }

    #[test]
    fn what_happens_to_processors_and_memory_is_told_apart() {
        check("mce: [Hardware Error]: Machine check events logged", MachineCheck, "");
        check("{1}[Hardware Error]: event severity: fatal", MachineCheckFatal, "");
        check("{1}[Hardware Error]: event severity: corrected", MachineCheck, "");
        check("EDAC MC0: 1 CE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#0", MemoryCorrected, "");
        check("EDAC MC1: 1 UE memory read error on unknown memory", MemoryUncorrected, "");
        check("Out of memory: Killed process 123 (mysqld) total-vm:1kB", OutOfMemory, "");
        check("Memory cgroup out of memory: Killed process 9 (java)", OutOfMemoryLimit, "");
        check("INFO: task jbd2/sda1-8:123 blocked for more than 120 seconds.", HungTask, "");
        check(
            "INFO: rcu_sched detected stalls on CPUs/tasks: { 1} (detected by 0, t=60002 jiffies)",
            Lockup,
            "",
        );
        check("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [kworker/0:1:123]", Lockup, "");
        check(
            "CPU0: Package temperature above threshold, cpu clock throttled (total events = 1)",
            Throttled,
            "",
        );
        check("NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out", NetworkReset, "eth0");
        check(
            "pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected, type=Physical Layer",
            BusCorrected,
            "0000:00:1c.0",
        );
    }

    #[test]
    fn ordinary_lines_and_other_devices_count_for_nothing() {
        for line in [
            "",
            "sd 3:0:0:0: [sdb] Asking for cache data failed",
            "sd 3:0:0:0: [sdb] Assuming drive cache: write through",
            "tmpfs: Bad mount option huge",
            "shpchp 0000:01:00.0: pci_hp_register failed with error -16",
            "EXT4-fs (sda1): re-mounted. Opts: errors=remount-ro",
            "EDAC MC0: Giving out device to module ie31200_edac",
            "mce: CPU supports 20 MCE banks",
            "blk_update_request: I/O error, dev fd0, sector 0",
            "I/O error, dev sr0, sector 0 op 0x0:(READ)",
            "sr 1:0:0:0: [sr0] tag#1 Sense Key : Medium Error [current] ",
            "sd 6:0:0:0: [sdc] tag#0 Sense Key : Hardware Error [current] [descriptor] ",
            "BTRFS warning (device sda4): qgroup rescan init failed, qgroup is not enabled",
            "BTRFS info (device sda1): bdev /dev/sda1 errs: wr 0, rd 0, flush 0, corrupt 2, gen 0",
            "Lorem ipsum dolor sit amet error",
        ] {
            assert_eq!(classify(line), None, "{line}");
        }
    }

    #[test]
    fn partitions_are_on_their_disks() {
        for (device, disk) in [
            ("sda", Some("sda")),
            ("sdab12", Some("sdab")),
            ("nvme0n1p2", Some("nvme0n1")),
            ("nvme0n1", Some("nvme0n1")),
            ("mmcblk0p1", Some("mmcblk0")),
            ("mmcblk0", Some("mmcblk0")),
            ("nvme0", None),
            ("dm-0", None),
            ("ata1", None),
            ("md127", None),
            ("", None),
        ] {
            assert_eq!(disk_of(device), disk, "{device}");
        }
    }
}
