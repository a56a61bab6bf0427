//! What a process costs, from `/proc`: CPU time and memory.

use anyhow::Context as _;
use std::path::PathBuf;
use std::time::Duration;

/// Clock ticks a second, as `/proc/PID/stat` counts them on every Linux.
const TICKS_PER_S: f64 = 100.0;
/// A process is quiet when it used less than this in each of [`QUIET_SECONDS`] seconds in a row.
const QUIET_CPU_S: f64 = 0.03;
const QUIET_SECONDS: u32 = 3;
const QUIET_WAIT_SECONDS: u32 = 20;

/// A process to charge.
#[derive(Debug, Clone, Copy)]
pub struct Process(
    /// Its number.
    pub u32,
);

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Resident.
    pub rss_bytes: u64,
    /// Resident, what is shared counted in part.
    pub pss_bytes: u64,
}

impl Process {
    fn file(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0))
    }

    fn read(self, name: &str) -> anyhow::Result<String> {
        let file = self.file(name);
        std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
    }

    /// CPU seconds so far, user and system, with children already reaped; in steps of 10 ms.
    pub fn cpu_s(self) -> anyhow::Result<f64> {
        let stat = self.read("stat")?;
        // The name in parentheses may hold blanks; the fields after it do not.
        let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
        let ticks = fields.split_whitespace().skip(11).take(4).map(str::parse::<u64>);
        Ok(ticks.sum::<Result<u64, _>>()? as f64 / TICKS_PER_S)
    }

    /// CPU seconds so far of the threads that are alive, by the scheduler's finer clock, without children.
    pub fn cpu_fine_s(self) -> anyhow::Result<f64> {
        let mut nanoseconds = 0_u64;
        for task in std::fs::read_dir(self.file("task"))? {
            let schedstat = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            nanoseconds += schedstat.split_whitespace().next().unwrap_or("0").parse::<u64>()?;
        }
        Ok(nanoseconds as f64 / 1e9)
    }

    /// Memory now.
    pub fn memory(self) -> anyhow::Result<Memory> {
        let rollup = self.read("smaps_rollup")?;
        let bytes = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0 kB");
            line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1_024
        };
        Ok(Memory { rss_bytes: bytes("Rss:"), pss_bytes: bytes("Pss:") })
    }

    /// The most that was ever resident.
    pub fn peak_bytes(self) -> anyhow::Result<u64> {
        let status = self.read("status")?;
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in status")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1_024)
    }

    /// Waits until the process does next to nothing, at most [`QUIET_WAIT_SECONDS`].
    pub async fn quiet(self) -> anyhow::Result<()> {
        self.quiet_within(QUIET_WAIT_SECONDS).await
    }

    /// The same, at most so many seconds.
    pub async fn quiet_within(self, wait_seconds: u32) -> anyhow::Result<()> {
        let (mut before, mut quiet) = (self.cpu_s()?, 0);
        for _ in 0..wait_seconds {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.cpu_s()?;
            quiet = if now - before < QUIET_CPU_S { quiet + 1 } else { 0 };
            before = now;
            if quiet == QUIET_SECONDS {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_cost_something() {
        let own = Process(std::process::id());
        let memory = own.memory().unwrap();
        assert!(memory.rss_bytes >= memory.pss_bytes && memory.pss_bytes > 100_000, "{memory:?}");
        assert!(own.cpu_fine_s().unwrap() > 0.0);
        assert!(own.cpu_s().unwrap() < 3_600.0);
    }
}
