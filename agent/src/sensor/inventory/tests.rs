//! The sensor against small trees, a stand-in for `dmidecode` and what that printed on real machines.

use super::*;
use crate::sensor::testing::{named, recorded_files, script, tree};
use proptest::prelude::*;
use std::fs;
use tram_proto::component::{Component, State};

fn read(files: &[(&str, &str)]) -> Vec<Component> {
    let parts = Inventory.read(&tree(files).1).unwrap().components;
    parts.iter().for_each(named);
    parts
}

fn of<'a>(parts: &'a [Component], kind: &str) -> Vec<&'a Component> {
    parts.iter().filter(|part| part.kind == kind).collect()
}

#[test]
fn what_anyone_may_read_names_the_machine_and_its_firmware() {
    let parts = read(&[
        ("sys/class/dmi/id/sys_vendor", "Dell Inc.\n"),
        ("sys/class/dmi/id/product_name", "PowerEdge R6515\n"),
        ("sys/class/dmi/id/product_serial", "7N62AI2\n"),
        ("sys/class/dmi/id/chassis_type", "23\n"),
        ("sys/class/dmi/id/bios_vendor", "Dell Inc.\n"),
        ("sys/class/dmi/id/bios_version", "2.2.4\n"),
        ("sys/class/dmi/id/bios_date", "04/12/2021\n"),
        ("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
        ("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n"),
        ("proc/meminfo", "MemTotal:       16384 kB\n"),
        (
            "proc/cpuinfo",
            "processor\t: 0\nmodel name\t: AMD EPYC 7302P  16-Core Processor\nphysical id\t: 0\ncore id\t: 0\nflags\t: fpu\n\nprocessor\t: 1\nmodel name\t: AMD EPYC 7302P  16-Core Processor\nphysical id\t: 0\ncore id\t: 0\n",
        ),
    ]);
    let [host, bios, os, cpu] = parts.as_slice() else { panic!("{parts:#?}") };
    assert_eq!(
        (host.kind.as_str(), host.id.as_str(), host.name.as_str()),
        ("enclosure", "host", "Rack Mount Chassis")
    );
    assert_eq!((host.model.as_str(), host.serial.as_str()), ("Dell Inc. PowerEdge R6515", "7N62AI2"));
    assert_eq!(
        (host.figures["memory_bytes"], host.figures["processors_count"], host.figures["virtual"]),
        (16_777_216.0, 2.0, 0.0)
    );
    assert_eq!((bios.kind.as_str(), bios.model.as_str()), ("firmware", "Dell Inc. 2.2.4"));
    assert_eq!(bios.figures["released_unix_seconds"], 1_618_185_600.0);
    assert_eq!(
        (os.name.as_str(), os.model.as_str()),
        ("Debian GNU/Linux 12 (bookworm)", "Linux 6.1.0-18-amd64")
    );
    assert_eq!(
        (cpu.model.as_str(), cpu.figures["cores_count"], cpu.figures["threads_count"]),
        ("AMD EPYC 7302P 16-Core Processor", 1.0, 2.0)
    );
}

#[test]
fn placeholders_are_nothing_and_the_board_stands_in() {
    let parts = read(&[
        ("sys/class/dmi/id/sys_vendor", "To Be Filled By O.E.M.\n"),
        ("sys/class/dmi/id/product_name", "System Product Name\n"),
        ("sys/class/dmi/id/product_serial", "Default string\n"),
        ("sys/class/dmi/id/board_vendor", "ASUSTeK COMPUTER INC.\n"),
        ("sys/class/dmi/id/board_name", "PRIME B450M-A\n"),
        ("sys/class/dmi/id/board_serial", "191058600000001\n"),
        ("sys/class/dmi/id/bios_version", "00000000\n"),
    ]);
    let [host] = parts.as_slice() else { panic!("{parts:#?}") };
    assert_eq!(
        (host.model.as_str(), host.serial.as_str()),
        ("ASUSTeK COMPUTER INC. PRIME B450M-A", "191058600000001")
    );
}

#[test]
fn a_lenovo_is_called_what_people_call_it() {
    let parts = read(&[
        ("sys/class/dmi/id/sys_vendor", "LENOVO\n"),
        ("sys/class/dmi/id/product_name", "20XXS00000\n"),
        ("sys/class/dmi/id/product_version", "ThinkPad X1 Carbon Gen 9\n"),
    ]);
    assert_eq!(parts[0].model, "LENOVO ThinkPad X1 Carbon Gen 9 (20XXS00000)");
}

#[test]
fn virtual_machines_are_told_from_machines() {
    let name = |files: &[(&str, &str)]| read(files).remove(0).name;
    let vmware = ("sys/class/dmi/id/product_name", "VMware Virtual Platform\n");
    assert_eq!(name(&[vmware]), "virtual machine (VMware)");
    let flag = ("proc/cpuinfo", "processor\t: 0\nmodel name\t: x\nflags\t\t: fpu hypervisor\n");
    assert_eq!(name(&[flag]), "virtual machine");
    assert_eq!(name(&[flag, ("sys/hypervisor/type", "xen\n")]), "virtual machine (xen)");
    let first_domain = ("proc/xen/capabilities", "control_d\n");
    assert_eq!(name(&[flag, ("sys/hypervisor/type", "xen\n"), first_domain]), "");
    assert_eq!(name(&[flag, ("run/systemd/container", "lxc\n")]), "virtual machine (lxc)");
    let board = ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0");
    assert_eq!(read(&[board])[0].model, "Raspberry Pi 4 Model B Rev 1.4");
}

const DMIDECODE: &str = "# dmidecode 3.3\nHandle 0x0400, DMI type 4, 48 bytes\nProcessor Information\n\tSocket Designation: CPU1\n\tVersion: Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz\n\tMax Speed: 4000 MHz\n\tStatus: Populated, Enabled\n\tCore Count: 8\n\tThread Count: 16\n\nHandle 0x0401, DMI type 4, 48 bytes\nProcessor Information\n\tSocket Designation: CPU2\n\tVersion: Not Specified\n\tStatus: Unpopulated\n\nHandle 0x1100, DMI type 17, 40 bytes\nMemory Device\n\tSize: 16 GB\n\tLocator: A1\n\tBank Locator: Not Specified\n\tSpeed: 2400 MT/s\n\tManufacturer: 00AD00B300AD\n\tSerial Number: 2A5C3F01\n\tPart Number: HMA82GR7MFR8N-UH    \n\nHandle 0x1101, DMI type 17, 40 bytes\nMemory Device\n\tSize: No Module Installed\n\tLocator: A2\n\nHandle 0x1102, DMI type 17, 40 bytes\nMemory Device\n\tSize: 16384 MB\n\tLocator: A1\n\tSerial Number: 00000000\n";

#[test]
fn processors_and_modules_come_from_the_firmware_and_empty_places_do_not() {
    let (root, mut paths) = tree(&[("proc/cpuinfo", "processor\t: 0\nmodel name\t: x\n")]);
    fs::write(root.path().join("text"), DMIDECODE).unwrap();
    paths.programs.insert("dmidecode", script(root.path(), "dmidecode", "cat $(dirname $0)/text"));
    let parts = Inventory.read(&paths).unwrap().components;
    let [cpu] = of(&parts, "cpu")[..] else { panic!("{parts:#?}") };
    assert_eq!(
        (cpu.id.as_str(), cpu.figures["cores_count"], cpu.figures["speed_max_hertz"]),
        ("CPU1", 8.0, 4e9)
    );
    let [first, second] = of(&parts, "memory")[..] else { panic!("{parts:#?}") };
    assert_eq!(
        (first.id.as_str(), first.serial.as_str(), first.model.as_str()),
        ("A1", "2A5C3F01", "00AD00B300AD HMA82GR7MFR8N-UH")
    );
    assert_eq!(
        (first.figures["size_bytes"], first.figures["speed_transfers_per_second"]),
        (17_179_869_184.0, 2.4e9)
    );
    assert_eq!((second.id.as_str(), second.serial.as_str()), ("A1 #2", ""));
}

#[test]
fn the_copy_for_an_agent_that_is_not_root_is_read() {
    let table = [&[1, 8, 0, 0, 1, 2, 0, 3][..], b"HP\0ProDesk 400\0CZC1234567\0\0"].concat();
    let (root, paths) = tree(&[("proc/cpuinfo", "processor: 0\n")]);
    fs::create_dir_all(root.path().join("run/tram-agent")).unwrap();
    fs::write(root.path().join(COPY), table).unwrap();
    let parts = Inventory.read(&paths).unwrap().components;
    assert_eq!((parts[0].model.as_str(), parts[0].serial.as_str()), ("HP ProDesk 400", "CZC1234567"));
}

/// Supplies by file: how many there are, and of these how many have a serial number.
const SUPPLIES: &[(&str, usize, usize)] = &[
    ("ipmi/dmidecode_type39.txt", 2, 2),
    ("ipmi/powersupplies/dmidecode_1.txt", 0, 0),
    // All that they say is `To Be Filled By O.E.M.`.
    ("ipmi/powersupplies/dmidecode_2.txt", 0, 0),
    ("ipmi/powersupplies/dmidecode_4.txt", 0, 0),
];

#[test]
fn recorded_power_supplies_are_read() {
    let mut read = 0;
    for (name, path) in recorded_files("ipmi").iter().filter(|(name, _)| name.contains("dmidecode")) {
        let structures = smbios::parse_dmidecode(&fs::read_to_string(path).unwrap());
        let parts = parts::parts(&Found { structures, ..Found::default() });
        let supplies = of(&parts, "power_supply");
        let (_, count, serials) = SUPPLIES.iter().find(|(known, ..)| known == name).unwrap();
        assert_eq!(supplies.len(), *count, "{name}");
        assert_eq!(supplies.iter().filter(|supply| !supply.serial.is_empty()).count(), *serials, "{name}");
        assert!(supplies.iter().all(|supply| supply.state == State::Ok));
        read += 1;
    }
    assert!(read == 0 || read == SUPPLIES.len());
}

proptest! {
    #[test]
    fn noise_makes_no_parser_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in prop::sample::select(vec![0_u8, 1, 2, 3, 4, 17, 39]),
        text in "(Handle 0x1, DMI type (0|1|4|17|39), 1 bytes\n(\tSize: .{0,9}|\tStatus: .{0,9}|\tSpeed: .{0,9}|.{0,20})\n){0,4}",
    ) {
        bytes.iter_mut().zip([kind, 40]).for_each(|(byte, given)| *byte = given);
        for structures in [smbios::parse_table(&bytes), smbios::parse_dmidecode(&text)] {
            parts::parts(&Found { structures, cpuinfo: text.clone(), os_release: text.clone(), ..Found::default() });
        }
    }
}
