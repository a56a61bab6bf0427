//! Where Linux says what a host is. Reads below redirected roots as if live.

use super::{Facts, text};
use crate::sensor::Paths;
use std::fs;
use tram_proto::id::BootId;

/// Chassis types of SMBIOS that are carried about.
const LAPTOPS: [u8; 7] = [8, 9, 10, 14, 30, 31, 32];
/// Chassis types of SMBIOS that stand under or on a desk.
const DESKTOPS: [u8; 11] = [3, 4, 5, 6, 7, 13, 15, 16, 24, 35, 36];

/// Reads what there is.
pub(super) fn facts(paths: &Paths) -> Facts {
    let kernel = paths.procfs.join("sys/kernel");
    let release = fs::read_to_string(paths.rootfs.join("etc/os-release")).unwrap_or_default();
    Facts {
        name: text(&kernel.join("hostname")),
        id: text(&paths.rootfs.join("etc/machine-id"))
            .or_else(|| text(&paths.sysfs.join("class/dmi/id/product_uuid"))),
        boot: text(&kernel.join("random/boot_id")).and_then(|id| parse_boot_id(&id)),
        description: parse_os_release(&release),
        version: text(&kernel.join("osrelease")),
        kind: asset_kind(paths),
    }
}

/// The kind of asset that a host most likely is.
fn asset_kind(paths: &Paths) -> &'static str {
    let chassis = text(&paths.sysfs.join("class/dmi/id/chassis_type")).and_then(|number| number.parse().ok());
    match chassis {
        Some(chassis) if LAPTOPS.contains(&chassis) => "laptop",
        _ if has_battery(paths) => "laptop",
        Some(chassis) if DESKTOPS.contains(&chassis) => "workstation",
        Some(_) | None => "server",
    }
}

/// Whether the host itself, not a mouse, runs on a battery.
fn has_battery(paths: &Paths) -> bool {
    let Ok(supplies) = fs::read_dir(paths.sysfs.join("class/power_supply")) else { return false };
    supplies.flatten().any(|supply| {
        let is = |file: &str, word: &str| text(&supply.path().join(file)).is_some_and(|found| found == word);
        is("type", "Battery") && !is("scope", "Device")
    })
}

/// The first half of the kernel's boot id.
fn parse_boot_id(text: &str) -> Option<BootId> {
    let digits: String = text.chars().filter(|digit| *digit != '-').collect();
    digits.get(..BootId::BYTES * 2)?.parse().ok()
}

/// The system's description of itself.
fn parse_os_release(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::sensor::testing::tree;
    use tram_proto::sample;

    #[test]
    fn a_host_says_what_it_is() {
        let (_root, paths) = tree(&[
            ("proc/sys/kernel/hostname", "ubnd-xa-01\n"),
            ("proc/sys/kernel/random/boot_id", "0123abcd-4567-89ef-0123-456789abcdef\n"),
            ("etc/machine-id", "00112233445566778899aabbccddeeff\n"),
            ("etc/os-release", "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
            ("sys/class/dmi/id/chassis_type", "3\n"),
            ("sys/class/power_supply/mouse/type", "Battery\n"),
            ("sys/class/power_supply/mouse/scope", "Device\n"),
        ]);
        let host = Host::read(&paths);
        assert_eq!(host.boot.to_string(), "0123abcd456789ef");
        assert_eq!(host.machine.len(), 64);
        assert_eq!(host.resource.get(sample::HOST_NAME).unwrap(), "ubnd-xa-01");
        assert_eq!(host.resource.get(sample::OS_DESCRIPTION).unwrap(), "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(host.resource.get(sample::ASSET_KIND).unwrap(), "workstation");
    }

    #[test]
    fn a_battery_makes_a_laptop_and_nothing_at_all_a_server() {
        let (_root, paths) = tree(&[("sys/class/power_supply/BAT0/type", "Battery\n")]);
        assert_eq!(asset_kind(&paths), "laptop");
        let (_root, paths) = tree(&[]);
        assert_eq!(asset_kind(&paths), "server");
    }
}
