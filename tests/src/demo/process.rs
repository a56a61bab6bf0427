//! Programs that the demo starts: found beside its own, ended by their own process id.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a program may take to end after SIGTERM before it is killed.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// A program that runs until this is dropped.
pub(super) struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Where the programs are: in the folder of this one.
pub(super) fn program(name: &str) -> Result<PathBuf> {
    if name == "sh" {
        return Ok(name.into());
    }
    let own = std::env::current_exe().context("where am I?")?;
    let path = own.with_file_name(name);
    if path.exists() { Ok(path) } else { bail!("{} is not built", path.display()) }
}

/// Runs a program to its end and returns what it printed.
pub(super) fn output(name: &str, arguments: &[String]) -> Result<String> {
    let result = Command::new(program(name)?).args(arguments).output().with_context(|| name.to_owned())?;
    if !result.status.success() {
        bail!("{name} {}: {}", arguments.join(" "), String::from_utf8_lossy(&result.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&result.stdout).into_owned())
}

impl Running {
    /// Starts a program; what it logs goes to `NAME.log` in `folder`.
    pub(super) fn start(name: &str, arguments: &[String], folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log)?;
        let child = Command::new(program(name)?)
            .args(arguments)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| name.to_owned())?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// An error when it has ended by itself, with the end of its log.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended: {status}\n{}", self.name, self.log_end()),
        }
    }

    /// The last lines of its log.
    pub(super) fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or(&[]).join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let step = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        while waited < END_PATIENCE {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(step);
            waited += step;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
