//! Where Windows says what a host is: its registry.

use super::Facts;
use crate::sensor::Paths;
use crate::system::registry;
use tram_proto::id::BootId;

const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
/// Kept in memory only: what is in it has been written since this boot.
const THIS_BOOT: &str = r"SOFTWARE\Tram\ThisBoot";
/// The first build that is called Windows 11, which its own `ProductName` does not know.
const WINDOWS_11_BUILD: u32 = 22_000;

/// Reads what there is.
pub(super) fn facts(_paths: &Paths) -> Facts {
    let version = |name: &str| registry::text(VERSION, name);
    let build = version("CurrentBuildNumber").and_then(|build| build.parse().ok());
    Facts {
        name: registry::text(r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters", "Hostname")
            .or_else(|| winsafe::GetComputerName().ok()),
        id: registry::text(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid"),
        boot: boot_id(),
        description: version("ProductName")
            .map(|name| description(&name, version("DisplayVersion").as_deref(), build)),
        version: build.map(|build| version_of(build, registry::number(VERSION, "UBR"))),
        kind: asset_kind(version("InstallationType").as_deref(), has_battery()),
    }
}

/// A number that this boot was given when it was first asked for. None where this process may not write it down.
fn boot_id() -> Option<BootId> {
    let known = registry::text(THIS_BOOT, "Id").and_then(|id| id.parse().ok());
    known.or_else(|| {
        let mut id = BootId::default();
        getrandom::fill(&mut id.0).ok()?;
        registry::put_until_shutdown(THIS_BOOT, "Id", &id.to_string())?;
        Some(id)
    })
}

fn description(name: &str, display: Option<&str>, build: Option<u32>) -> String {
    let is_11 = build.is_some_and(|build| build >= WINDOWS_11_BUILD);
    let name = if is_11 { name.replace("Windows 10", "Windows 11") } else { name.to_owned() };
    display.map_or_else(|| name.clone(), |display| format!("{name} {display}"))
}

fn version_of(build: u32, revision: Option<u32>) -> String {
    revision.map_or_else(|| format!("10.0.{build}"), |revision| format!("10.0.{build}.{revision}"))
}

/// A server's edition says so; of the others those with a battery are carried about.
fn asset_kind(installation: Option<&str>, has_battery: bool) -> &'static str {
    match installation {
        Some(kind) if kind.starts_with("Server") => "server",
        Some(_) | None if has_battery => "laptop",
        Some(_) | None => "workstation",
    }
}

/// Batteries of the machine itself; those of a UPS have another driver.
fn has_battery() -> bool {
    registry::number(r"SYSTEM\CurrentControlSet\Services\CmBatt\Enum", "Count").is_some_and(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_called_what_its_edition_is_called() {
        assert_eq!(description("Windows 10 Pro", Some("23H2"), Some(22_631)), "Windows 11 Pro 23H2");
        assert_eq!(description("Windows 10 Pro", None, Some(19_045)), "Windows 10 Pro");
        assert_eq!(
            description("Windows Server 2016 Standard", None, Some(14_393)),
            "Windows Server 2016 Standard"
        );
        assert_eq!(version_of(14_393, Some(6_614)), "10.0.14393.6614");
    }

    #[test]
    fn servers_are_servers_and_a_battery_makes_a_laptop() {
        assert_eq!(asset_kind(Some("Server Core"), true), "server");
        assert_eq!(asset_kind(Some("Client"), true), "laptop");
        assert_eq!(asset_kind(Some("Client"), false), "workstation");
    }

    #[test]
    fn a_boot_keeps_its_number() {
        assert_eq!(boot_id(), boot_id());
    }
}
