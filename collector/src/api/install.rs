//! Installing an agent from the collector itself: the script, the packages and the authority's certificate.
//!
//! Trust comes with the printed command: it carries the SHA-256 of the script, the script that of each package, and the
//! token that of the authority. So fetching without trusting anything is safe: nothing runs before its hash is checked.

use crate::api::error::ApiError;
use crate::api::state::{State, blocking};
use crate::config::Public;
use crate::hex::hex;
use crate::model::text::Text;
use axum::body::Body;
use axum::extract::Path as UrlPath;
use axum::http::{HeaderName, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// What a package's file name starts with; the processor's name, as `uname -m` gives it, follows, and for Windows
/// [`WINDOWS_SUFFIX`].
const PACKAGE_PREFIX: &str = "tram-agent-";
/// Packages that are served, at most.
const PACKAGES_MAX: usize = 16;
/// A package that is larger is none.
const PACKAGE_BYTES_MAX: u64 = 64 << 20;
/// How the file name of a package for Windows ends.
const WINDOWS_SUFFIX: &str = ".exe";
/// The script's fixed part.
const SCRIPT: &str = include_str!("install/install.sh");
/// The same for Windows.
const WINDOWS_SCRIPT: &str = include_str!("install/install.ps1");
/// The unit that keeps an agent running.
const UNIT: &str = include_str!("../../../deploy/systemd/tram-agent.service");

/// The unit that reads hardware for it, and when.
const HARDWARE_UNIT: &str = include_str!("../../../deploy/systemd/tram-hardware.service");
const HARDWARE_TIMER: &str = include_str!("../../../deploy/systemd/tram-hardware.timer");

/// An agent's program for one kind of processor, in memory, so that what is served is what was hashed.
#[derive(Debug, Clone)]
struct Package {
    modified: SystemTime,
    bytes: axum::body::Bytes,
    sha256: String,
}

/// How agents are installed.
#[derive(Debug)]
pub struct Installer {
    dir: Option<PathBuf>,
    collector: String,
    source: String,
    ca_pem: String,
    ca_sha256: [u8; 32],
    packages: Mutex<BTreeMap<String, Package>>,
}

impl Installer {
    /// Serves packages from a folder, for a collector that is reached by these names and ports.
    pub fn new(dir: Option<&Path>, public: &Public, ca_pem: &str, ca_sha256: [u8; 32]) -> Self {
        let (agents, operators) = public.told();
        Self {
            dir: dir.map(Path::to_owned),
            collector: format!("https://{agents}"),
            source: format!("https://{operators}/install"),
            ca_pem: ca_pem.to_owned(),
            ca_sha256,
            packages: Mutex::default(),
        }
    }

    /// SHA-256 of the authority's certificate: what tokens pin.
    pub const fn ca_sha256(&self) -> [u8; 32] {
        self.ca_sha256
    }

    /// The one line that installs and enrols an agent; none while there is no package. Blocks: reads packages.
    pub fn command(&self, token: &str) -> Option<String> {
        let script = self.script()?;
        let hash = hex(&Sha256::digest(script.as_bytes()));
        let source = &self.source;
        Some(format!(
            "f=$(mktemp) && curl -fsSko \"$f\" '{source}/install.sh' && echo \"{hash}  $f\" | sha256sum -c --quiet \
             && $([ \"$(id -u)\" = 0 ] || echo sudo) sh \"$f\" '{token}'"
        ))
    }

    /// The one line that does the same on Windows, in a PowerShell of an administrator; none while there is no package
    /// for Windows. The script runs from memory, as it was hashed. Blocks: reads packages.
    pub fn windows_command(&self, token: &str) -> Option<String> {
        let script = self.windows_script()?;
        let hash = hex(&Sha256::digest(script.as_bytes()));
        let source = &self.source;
        Some(format!(
            "$m=[Net.ServicePointManager]; $m::SecurityProtocol='Tls12'; $m::ServerCertificateValidationCallback={{$true}}; \
             $b=(New-Object Net.WebClient).DownloadData('{source}/install.ps1'); \
             $m::ServerCertificateValidationCallback=$null; \
             if ((Get-FileHash -InputStream (New-Object IO.MemoryStream(,$b))).Hash -ne '{hash}') {{throw 'SHA-256'}}; \
             & ([scriptblock]::Create([Text.Encoding]::UTF8.GetString($b))) '{token}'"
        ))
    }

    /// The line that enrols an agent on a machine that has one already.
    pub fn enrolment(&self, token: &str) -> String {
        format!("tram-agent enroll --collector {} --token {token}", self.collector)
    }

    /// The script; none while there is no package. Blocks: reads packages.
    pub fn script(&self) -> Option<String> {
        let packages = self.packages_for(false);
        if packages.is_empty() {
            return None;
        }
        let mut cases = String::new();
        for (name, package) in &packages {
            let processor = name.trim_start_matches(PACKAGE_PREFIX);
            let aliases = match processor {
                "x86_64" => "x86_64 | amd64",
                "aarch64" => "aarch64 | arm64",
                other => other,
            };
            // Writing to a string cannot fail.
            let _ = writeln!(cases, "  {aliases}) package='{name}' sum='{}' ;;", package.sha256);
        }
        let script = SCRIPT.replace("@COLLECTOR@", &self.collector).replace("@SOURCE@", &self.source);
        let script = script.replace("@CASES@\n", &cases).replace("@UNIT@\n", UNIT);
        Some(script.replace("@HARDWARE_UNIT@\n", HARDWARE_UNIT).replace("@HARDWARE_TIMER@\n", HARDWARE_TIMER))
    }

    /// The script for Windows; none while there is no package for it. Blocks: reads packages.
    pub fn windows_script(&self) -> Option<String> {
        let packages = self.packages_for(true);
        if packages.is_empty() {
            return None;
        }
        let mut cases = String::new();
        for (name, package) in &packages {
            let processor = match name.trim_start_matches(PACKAGE_PREFIX).trim_end_matches(WINDOWS_SUFFIX) {
                "x86_64" => "AMD64",
                "aarch64" => "ARM64",
                other => other,
            };
            let sum = &package.sha256;
            // Writing to a string cannot fail.
            let _ = writeln!(cases, "  '{processor}' {{ $package = '{name}'; $sum = '{sum}' }}");
        }
        let script = WINDOWS_SCRIPT.replace("@COLLECTOR@", &self.collector).replace("@SOURCE@", &self.source);
        Some(script.replace("@CASES@\n", &cases))
    }

    /// The packages for Windows, or those for everything else.
    fn packages_for(&self, windows: bool) -> BTreeMap<String, Package> {
        let mut packages = self.packages();
        packages.retain(|name, _| name.ends_with(WINDOWS_SUFFIX) == windows);
        packages
    }

    /// The packages in the folder as they are now; what has not changed is not read again.
    fn packages(&self) -> BTreeMap<String, Package> {
        let mut known = self.packages.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = BTreeMap::new();
        for (name, path) in self.dir.iter().flat_map(|dir| package_files(dir)).take(PACKAGES_MAX) {
            match read(&path, known.get(&name)) {
                Ok(package) => drop(found.insert(name, package)),
                Err(error) => tracing::warn!(path = %path.display(), %error, "package not served"),
            }
        }
        known.clone_from(&found);
        found
    }
}

/// Why no package is served from a folder, for whoever set it; none while there is one.
pub fn lacking(dir: &Path) -> Option<Text> {
    let shown = dir.display();
    let (vi, en) = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            ("không có thư mục này".to_owned(), "there is no such folder".to_owned())
        }
        Err(error) => (format!("không đọc được: {error}"), format!("cannot be read: {error}")),
        Ok(_) if package_files(dir).is_empty() => (
            "không có chương trình tác tử nào, ví dụ tram-agent-x86_64".to_owned(),
            "holds no agent's program, such as tram-agent-x86_64".to_owned(),
        ),
        Ok(_) => return None,
    };
    Some(Text::new(format!("[install] dir {shown}: {vi}"), format!("[install] dir {shown}: {en}")))
}

/// Files of a folder that are named like packages; none where the folder cannot be read, of which [`lacking`] tells.
fn package_files(dir: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let is_processor = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let named = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let kind = name.strip_prefix(PACKAGE_PREFIX)?;
        is_processor(kind.strip_suffix(WINDOWS_SUFFIX).unwrap_or(kind)).then_some(())?;
        Some((name, entry.path()))
    };
    entries.filter_map(Result::ok).filter_map(named).collect()
}

fn read(path: &Path, known: Option<&Package>) -> std::io::Result<Package> {
    let metadata = std::fs::metadata(path)?;
    let modified = metadata.modified()?;
    if !metadata.is_file() || metadata.len() > PACKAGE_BYTES_MAX {
        return Err(std::io::Error::other(format!("not a file of at most {PACKAGE_BYTES_MAX} bytes")));
    }
    if let Some(known) = known.filter(|known| known.modified == modified) {
        return Ok(known.clone());
    }
    let bytes = std::fs::read(path)?;
    let sha256 = hex(&Sha256::digest(&bytes));
    Ok(Package { modified, bytes: bytes.into(), sha256 })
}

/// Serves the script, the authority's certificate and the packages. Open to all: there is no secret in them.
pub async fn file(
    axum::extract::State(state): axum::extract::State<Arc<State>>,
    UrlPath(name): UrlPath<String>,
) -> Result<([(HeaderName, HeaderValue); 1], Body), ApiError> {
    let served = match name.as_str() {
        "ca.pem" => Some(("application/x-pem-file", Body::from(state.installer.ca_pem.clone()))),
        "install.sh" => {
            let script = blocking(move || state.installer.script()).await?;
            script.map(|script| ("text/x-shellscript; charset=utf-8", Body::from(script)))
        }
        "install.ps1" => {
            let script = blocking(move || state.installer.windows_script()).await?;
            script.map(|script| ("text/plain; charset=utf-8", Body::from(script)))
        }
        _ => {
            let package = blocking(move || state.installer.packages().remove(&name)).await?;
            package.map(|package| ("application/octet-stream", Body::from(package.bytes)))
        }
    };
    let (kind, body) = served.ok_or(ApiError::Missing("file"))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body))
}

#[cfg(test)]
mod tests;
