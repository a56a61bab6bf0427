//! What keeps the log whole while a backup is being read: a lock beside the store.
//!
//! It is the kernel's lock on a file, so a backup that dies lets go of it. A backup that hangs is waited for so long
//! and no longer: the log must not grow without end.

use super::{BackupError, at};
use crate::clock::Clock;
use crate::owner::give_to_owner_of;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

/// The file below the data folder.
const FILE_NAME: &str = "backup.lock";
/// How long a backup may keep the log from being trimmed.
pub const HELD_MS_MAX: i64 = 6 * 3_600_000;
/// How often a backup that finds the log being trimmed asks again, and how long it waits in between.
const TRIES: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// Held by a backup: until it is dropped, the log is not trimmed.
#[derive(Debug)]
pub(super) struct Hold {
    _lock: File,
    since_ms: i64,
}

impl Hold {
    pub(super) fn take(data_dir: &Path, clock: &Clock) -> Result<Self, BackupError> {
        let path = data_dir.join(FILE_NAME);
        let mut lock = File::create(&path).map_err(at(&path))?;
        give_to_owner_of(data_dir, &lock);
        for _ in 0..TRIES {
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                // The file's own time says since when.
                lock.write_all(b"held\n").map_err(at(&path))?;
                return Ok(Self { _lock: lock, since_ms: clock.now_ms() });
            }
            std::thread::sleep(PAUSE);
        }
        Err(BackupError::Held(data_dir.to_owned()))
    }

    /// Whether the log may have been trimmed meanwhile.
    pub(super) fn is_over(&self, clock: &Clock) -> bool {
        clock.now_ms() - self.since_ms >= HELD_MS_MAX
    }
}

/// Held while the log is trimmed: no backup begins meanwhile.
#[derive(Debug)]
pub struct Trimming {
    _lock: Option<File>,
}

/// Whether the log may be trimmed now; none while a backup is being read.
pub fn may_trim(data_dir: &Path) -> std::io::Result<Option<Trimming>> {
    let lock = match File::open(data_dir.join(FILE_NAME)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Some(Trimming { _lock: None }));
        }
        Err(error) => return Err(error),
    };
    if flock(&lock, FlockOperation::NonBlockingLockShared).is_ok() {
        return Ok(Some(Trimming { _lock: Some(lock) }));
    }
    let held = lock.metadata()?.modified()?.elapsed().unwrap_or_default();
    let is_hung = i64::try_from(held.as_millis()).is_ok_and(|held_ms| held_ms > HELD_MS_MAX);
    Ok(is_hung.then_some(Trimming { _lock: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_and_trimming_wait_for_each_other_but_not_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        assert!(may_trim(dir.path()).unwrap().is_some(), "no backup was ever made");
        let held = Hold::take(dir.path(), &Clock::system()).unwrap();
        assert!(may_trim(dir.path()).unwrap().is_none());
        let since = held._lock.metadata().unwrap().modified().unwrap();
        let long_ago = since - Duration::from_millis(HELD_MS_MAX as u64 + 60_000);
        held._lock.set_times(std::fs::FileTimes::new().set_modified(long_ago)).unwrap();
        assert!(may_trim(dir.path()).unwrap().is_some(), "a backup that hangs");
        drop(held);
        let trimming = may_trim(dir.path()).unwrap();
        let lock = File::open(dir.path().join(FILE_NAME)).unwrap();
        assert!(flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err());
        drop(trimming);
        Hold::take(dir.path(), &Clock::system()).unwrap();
    }
}
