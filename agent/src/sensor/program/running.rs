//! Which programs run now, so that none outlives the agent. Does not know what they are.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The programs by their process ids, each of which leads a group; none once the agent goes: then no more are started.
static RUNNING: Mutex<Option<BTreeSet<u32>>> = Mutex::new(Some(BTreeSet::new()));

/// A program that runs, until it is dropped.
pub(super) struct Running(u32);

impl Running {
    /// Keeps a program in mind; none when the agent goes.
    pub(super) fn begin(id: u32) -> Option<Self> {
        with(|running| running.as_mut().map(|running| running.insert(id)))?;
        Some(Self(id))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        with(|running| running.as_mut().map(|running| running.remove(&self.0)));
    }
}

/// Ends all programs that run, with what they started, and lets no more begin.
pub fn end_all() {
    with(|running| running.take().into_iter().flatten().for_each(kill_group));
}

/// Ends a group of processes by its leader, where there are groups.
pub(super) fn kill_group(leader: u32) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw) {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
    #[cfg(not(unix))]
    let _alone = leader;
}

fn with<T>(act: impl FnOnce(&mut Option<BTreeSet<u32>>) -> T) -> T {
    act(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}
