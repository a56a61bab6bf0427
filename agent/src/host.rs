//! What is fixed about this host while it runs: names, boot, kind; and how the boot before ended. Reads below redirected
//! roots as if live. Knows nothing of the wire beyond the names of what it finds.

use crate::sensor::Paths;
use crate::uplink::identity::hexadecimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tram_proto::catalogue::Attributes;
use tram_proto::id::BootId;
use tram_proto::report::End;
use tram_proto::sample;

/// Chassis types of SMBIOS that are carried about.
const LAPTOPS: [u8; 7] = [8, 9, 10, 14, 30, 31, 32];
/// Chassis types of SMBIOS that stand under or on a desk.
const DESKTOPS: [u8; 11] = [3, 4, 5, 6, 7, 13, 15, 16, 24, 35, 36];
/// How long the service manager is waited for when the agent is stopped.
const MANAGER_TIMEOUT: Duration = Duration::from_secs(1);

/// What is fixed about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its boot.
    pub boot: BootId,
    /// SHA-256 of its machine id, hexadecimal.
    pub machine: String,
    /// Names, system, kind.
    pub resource: Attributes,
}

impl Host {
    /// Reads them. What cannot be read is left out; the boot then is all zeros.
    pub fn read(paths: &Paths) -> Self {
        let kernel = paths.procfs.join("sys/kernel");
        let name = text(&kernel.join("hostname")).unwrap_or_else(|| "localhost".to_owned());
        let id = text(&paths.rootfs.join("etc/machine-id"))
            .or_else(|| text(&paths.sysfs.join("class/dmi/id/product_uuid")))
            .unwrap_or_else(|| name.clone());
        let machine = machine_of(&id);
        let boot = text(&kernel.join("random/boot_id")).and_then(|id| parse_boot_id(&id)).unwrap_or_default();
        let release = fs::read_to_string(paths.rootfs.join("etc/os-release")).unwrap_or_default();
        let known = [
            (sample::HOST_NAME, Some(name)),
            (sample::OS_TYPE, Some(std::env::consts::OS.to_owned())),
            (sample::OS_DESCRIPTION, parse_os_release(&release)),
            (sample::OS_VERSION, text(&kernel.join("osrelease"))),
            (sample::HOST_ARCH, Some(std::env::consts::ARCH.to_owned())),
            (sample::SERVICE_VERSION, Some(env!("CARGO_PKG_VERSION").to_owned())),
            (sample::ASSET_KIND, Some(asset_kind(paths).to_owned())),
        ];
        let resource = known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        Self { boot, machine, resource }
    }
}

/// What stands for a machine on the wire: SHA-256 of its id, hexadecimal.
fn machine_of(id: &str) -> String {
    hexadecimal(&Sha256::digest(id))
}

/// The same for the id in a file; none where it cannot be read or is empty.
pub fn machine_in(file: &Path) -> Option<String> {
    text(file).map(|id| machine_of(&id))
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

fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// How a run of the agent ended, as the next one finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ended {
    /// It did not say: the host went down under it, or it still runs.
    Not,
    /// The host was shut down.
    Clean,
    /// The agent was stopped before the host: nobody saw how that ended.
    Unseen,
}

/// A file that says whether this boot was ended properly.
#[derive(Debug, Clone)]
pub struct BootMarker {
    path: PathBuf,
    boot: BootId,
    unclean: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct Marked {
    boot: BootId,
    ended: Ended,
    /// Whether the boot before this one ended without a shutdown; none: not known.
    unclean: Option<bool>,
}

impl BootMarker {
    /// Marks in a state directory that the agent runs in `boot`. A full disk does not keep the agent from running; then
    /// the next boot may not know how this one ended.
    pub fn open(state: &Path, boot: BootId) -> Self {
        let path = state.join("boot.json");
        let last = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Marked>(&bytes).ok());
        let unclean = last.and_then(|last| match last.ended {
            _ if last.boot == boot => last.unclean,
            Ended::Not => Some(true),
            Ended::Clean => Some(false),
            Ended::Unseen => None,
        });
        let marker = Self { path, boot, unclean };
        if let Err(error) = marker.write(Ended::Not) {
            tracing::warn!(path = %marker.path.display(), %error, "cannot mark that this boot began");
        }
        marker
    }

    /// Whether the boot before this one ended without a shutdown; none: not known.
    pub fn unclean(&self) -> Option<bool> {
        self.unclean
    }

    /// Marks how this run ends.
    pub fn close(&self, end: End) -> io::Result<()> {
        self.write(match end {
            End::HostShutdown => Ended::Clean,
            End::AgentStop => Ended::Unseen,
        })
    }

    fn write(&self, ended: Ended) -> io::Result<()> {
        let marked = Marked { boot: self.boot, ended, unclean: self.unclean };
        let unfinished = self.path.with_extension("unfinished");
        let mut file = File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(&marked)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)
    }
}

/// Whether the host goes down or only the agent: the service manager knows. Without one it is only the agent.
pub async fn end_at_stop() -> End {
    let asked = tokio::task::spawn_blocking(|| {
        std::process::Command::new("/usr/bin/systemctl").arg("is-system-running").output()
    });
    let answer = tokio::time::timeout(MANAGER_TIMEOUT, asked).await;
    let is_stopping = answer.is_ok_and(|joined| {
        joined.is_ok_and(|output| output.is_ok_and(|output| output.stdout.trim_ascii() == b"stopping"))
    });
    if is_stopping { End::HostShutdown } else { End::AgentStop }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boots_that_ended_without_a_shutdown_are_told() {
        let state = tempfile::tempdir().unwrap();
        let boot = |number: u8| BootMarker::open(state.path(), BootId([number; 8]));
        let first = boot(1);
        assert_eq!(first.unclean(), None);
        assert_eq!(boot(2).unclean(), Some(true), "the first boot said nothing");
        let second = boot(2);
        assert_eq!(second.unclean(), Some(true), "a restart of the agent changes nothing");
        second.close(End::HostShutdown).unwrap();
        let third = boot(3);
        assert_eq!(third.unclean(), Some(false));
        third.close(End::AgentStop).unwrap();
        assert_eq!(boot(4).unclean(), None, "nobody saw how the third ended");
    }

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Paths) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let paths = Paths {
            procfs: root.path().join("proc"),
            sysfs: root.path().join("sys"),
            rootfs: root.path().to_owned(),
            ..Paths::default()
        };
        (root, paths)
    }

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
        assert_eq!(host.resource[sample::HOST_NAME], "ubnd-xa-01");
        assert_eq!(host.resource[sample::OS_DESCRIPTION], "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(host.resource[sample::ASSET_KIND], "workstation");
    }

    #[test]
    fn a_battery_makes_a_laptop_and_nothing_at_all_a_server() {
        let (_root, paths) = tree(&[("sys/class/power_supply/BAT0/type", "Battery\n")]);
        assert_eq!(asset_kind(&paths), "laptop");
        let (_root, paths) = tree(&[]);
        assert_eq!(asset_kind(&paths), "server");
    }

    #[test]
    fn an_id_in_a_file_stands_for_a_machine_and_an_empty_file_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        assert_eq!(machine_in(&file), None);
        fs::write(&file, " \n").unwrap();
        assert_eq!(machine_in(&file), None);
        fs::write(&file, "second\n").unwrap();
        assert_eq!(machine_in(&file), Some(machine_of("second")));
        assert_ne!(machine_of("second"), machine_of("first"));
    }
}
