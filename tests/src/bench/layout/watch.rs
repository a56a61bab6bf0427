//! Which functions of a process run at least once: each begins with a breakpoint until then.

use anyhow::{Context as _, ensure};
use nix::errno::Errno;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The instruction that stops a process.
const BREAKPOINT: u8 = 0xcc;
/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// The process's program: where it lies, and what stood where breakpoints are.
struct Planted {
    memory: File,
    base: u64,
    offsets: BTreeMap<u64, u8>,
}

impl Planted {
    fn plant(process: Pid, offsets: &BTreeSet<u64>) -> anyhow::Result<Self> {
        let maps = std::fs::read_to_string(format!("/proc/{process}/maps"))?;
        let base = maps.split('-').next().context("no maps")?;
        let base = u64::from_str_radix(base, 16)?;
        let memory = File::options().read(true).write(true).open(format!("/proc/{process}/mem"))?;
        let mut planted = Self { memory, base, offsets: BTreeMap::new() };
        for offset in offsets {
            let mut byte = [0];
            planted.memory.read_exact_at(&mut byte, base + offset)?;
            planted.memory.write_all_at(&[BREAKPOINT], base + offset)?;
            planted.offsets.insert(*offset, byte[0]);
        }
        Ok(planted)
    }

    /// Puts back what stood where a thread stopped and has it go on from there; where it was, if at a breakpoint.
    fn pass(&self, thread: Pid) -> anyhow::Result<Option<u64>> {
        let mut registers = ptrace::getregs(thread)?;
        let offset = registers.rip.wrapping_sub(1).wrapping_sub(self.base);
        let Some(byte) = self.offsets.get(&offset) else { return Ok(None) };
        self.memory.write_all_at(&[*byte], self.base + offset)?;
        registers.rip -= 1;
        ptrace::setregs(thread, registers)?;
        Ok(Some(offset))
    }
}

/// Which of the offsets ran, of the program that a stopped process is about to become; its id is in a file.
pub(super) fn ran(
    stopped: &Path,
    offsets: &BTreeSet<u64>,
    is_over: &AtomicBool,
) -> anyhow::Result<BTreeSet<u64>> {
    let Some(process) = process_in(stopped, is_over)? else { return Ok(BTreeSet::new()) };
    let options = Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(process, options).context("watching the agent")?;
    kill(process, Signal::SIGCONT)?;
    let (mut ran, mut planted, mut threads) = (BTreeSet::new(), None, vec![process]);
    while !is_over.load(Ordering::Relaxed) && !threads.is_empty() {
        std::thread::sleep(LOOK_INTERVAL);
        for thread in threads.clone() {
            let status = match waitpid(thread, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
                Ok(status) => status,
                Err(Errno::EINVAL) => continue,
                Err(_) => WaitStatus::Exited(thread, 0),
            };
            match status {
                WaitStatus::StillAlive => {}
                WaitStatus::Stopped(_, signal) => {
                    let planted = planted.as_ref().filter(|_| signal == Signal::SIGTRAP);
                    let passed = planted.map(|planted: &Planted| planted.pass(thread)).transpose()?.flatten();
                    ran.extend(passed);
                    ptrace::cont(thread, (signal != Signal::SIGTRAP).then_some(signal))?;
                }
                WaitStatus::PtraceEvent(_, _, event) if event == Event::PTRACE_EVENT_EXEC as i32 => {
                    if thread == process {
                        planted = Some(Planted::plant(process, offsets)?);
                        ptrace::cont(thread, None)?;
                    } else {
                        // Another program now, of which nothing is asked.
                        threads.retain(|known| *known != thread);
                        ptrace::detach(thread, None)?;
                    }
                }
                WaitStatus::PtraceEvent(_, _, event) => {
                    if event != Event::PTRACE_EVENT_STOP as i32 {
                        threads.push(Pid::from_raw(i32::try_from(ptrace::getevent(thread)?)?));
                    }
                    ptrace::cont(thread, None)?;
                }
                WaitStatus::Exited(..)
                | WaitStatus::Signaled(..)
                | WaitStatus::PtraceSyscall(_)
                | WaitStatus::Continued(_) => threads.retain(|known| *known != thread),
            }
        }
    }
    ensure!(planted.is_some(), "the agent never began");
    Ok(ran)
}

/// The process, once it has stopped.
fn process_in(file: &Path, is_over: &AtomicBool) -> anyhow::Result<Option<Pid>> {
    while !is_over.load(Ordering::Relaxed) {
        let id = std::fs::read_to_string(file).unwrap_or_default();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
        if stat.contains(") T ") {
            return Ok(Some(Pid::from_raw(id.trim().parse()?)));
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    Ok(None)
}
