//! What is fixed about this host while it runs: names, boot, kind; and how the boot before ended. Where that is written
//! is each system's own. Knows nothing of the wire beyond the names of what it finds.

use crate::sensor::Paths;
use crate::system::{self, Stop};
use crate::tree::attributes;
use crate::uplink::identity::hexadecimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tram_proto::catalogue::Attributes;
use tram_proto::id::BootId;
use tram_proto::report::End;
use tram_proto::sample;

#[cfg(unix)]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use linux::facts;
#[cfg(windows)]
use windows::facts;

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
        let facts = facts(paths);
        let name = facts.name.unwrap_or_else(|| "localhost".to_owned());
        let machine = machine_of(facts.id.as_ref().unwrap_or(&name));
        let known = [
            (sample::HOST_NAME, Some(name)),
            (sample::OS_TYPE, Some(std::env::consts::OS.to_owned())),
            (sample::OS_DESCRIPTION, facts.description),
            (sample::OS_VERSION, facts.version),
            (sample::HOST_ARCH, Some(std::env::consts::ARCH.to_owned())),
            (sample::SERVICE_VERSION, Some(env!("CARGO_PKG_VERSION").to_owned())),
            (sample::ASSET_KIND, Some(facts.kind.to_owned())),
        ];
        let resource =
            attributes(known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        Self { boot: facts.boot.unwrap_or_default(), machine, resource }
    }
}

/// What the system says of itself.
#[derive(Debug)]
struct Facts {
    name: Option<String>,
    /// Of the machine, for ever.
    id: Option<String>,
    boot: Option<BootId>,
    description: Option<String>,
    version: Option<String>,
    /// The kind of asset that the host most likely is.
    kind: &'static str,
}

/// What stands for a machine on the wire: SHA-256 of its id, hexadecimal.
fn machine_of(id: &str) -> String {
    hexadecimal(&Sha256::digest(id))
}

/// The same for the id in a file; none where it cannot be read or is empty.
pub fn machine_in(file: &Path) -> Option<String> {
    text(file).map(|id| machine_of(&id))
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

/// How the agent ends: with its host or without it.
pub async fn end_at(stop: Stop) -> End {
    let goes_down = match stop {
        Stop::Host => true,
        Stop::Manager => system::is_host_stopping().await,
        Stop::Person => false,
    };
    if goes_down { End::HostShutdown } else { End::AgentStop }
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
