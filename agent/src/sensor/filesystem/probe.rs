//! Asks file systems for their figures. One that may hang is asked on a thread of its own, which is left behind when it
//! does, never waited for twice and never joined by a second one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// All file systems that may hang have this long together, once. Well below the sensor's own deadline.
const PATIENCE: Duration = Duration::from_secs(1);
/// What asking needs; the default stack would be 2 MiB of address space for each dead mount.
const STACK_BYTES: usize = 128 << 10;

/// Figures of one file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes it can hold.
    pub size_bytes: u64,
    /// Bytes taken.
    pub used_bytes: u64,
    /// Bytes that ordinary users can still have.
    pub free_bytes: u64,
    /// Inodes used and free, where it counts them.
    pub inodes: Option<(u64, u64)>,
    /// Whether nothing can be written.
    pub read_only: bool,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The figures, or none where asking is refused.
    Space(Option<Space>),
    /// Nothing so far.
    Hung,
}

/// File systems that are being asked, some perhaps for ever.
#[derive(Debug, Default)]
pub struct Probes {
    asked: BTreeMap<PathBuf, Asked>,
}

#[derive(Debug)]
struct Asked {
    answer: Receiver<Option<Space>>,
    /// It was waited for once already.
    late: bool,
}

/// The figures of the file system at a place; none where it cannot be asked or has no size.
#[cfg(unix)]
pub fn space(place: &Path) -> Option<Space> {
    let figures = rustix::fs::statvfs(place).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(figures.f_frsize);
    let inodes =
        (figures.f_files > 0).then(|| (figures.f_files.saturating_sub(figures.f_ffree), figures.f_favail));
    let space = Space {
        size_bytes: bytes(figures.f_blocks),
        used_bytes: bytes(figures.f_blocks.saturating_sub(figures.f_bfree)),
        free_bytes: bytes(figures.f_bavail),
        inodes,
        read_only: figures.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    };
    (space.size_bytes > 0).then_some(space)
}

/// The figures of the file system at a place; none where it cannot be asked or has no size.
#[cfg(windows)]
pub fn space(place: &Path) -> Option<Space> {
    let place = place.to_str();
    let (mut free, mut size, mut unused, mut flags) = (0, 0, 0, winsafe::co::FILE_VOL::default());
    winsafe::GetDiskFreeSpaceEx(place, Some(&mut free), Some(&mut size), Some(&mut unused)).ok()?;
    winsafe::GetVolumeInformation(place, None, None, None, Some(&mut flags), None).ok()?;
    let read_only = flags.has(winsafe::co::FILE_VOL::READ_ONLY_VOLUME);
    let used_bytes = size.saturating_sub(unused);
    (size > 0).then_some(Space { size_bytes: size, used_bytes, free_bytes: free, inodes: None, read_only })
}

impl Probes {
    /// Starts to ask; places still unanswered from before are not asked again, and those no longer mounted forgotten.
    pub fn begin(&mut self, places: impl Iterator<Item = PathBuf>) {
        self.begin_with(places, space);
    }

    fn begin_with(&mut self, places: impl Iterator<Item = PathBuf>, ask: fn(&Path) -> Option<Space>) {
        let mut before = std::mem::take(&mut self.asked);
        for place in places {
            let asked = before.remove(&place).or_else(|| spawn(place.clone(), ask));
            self.asked.extend(asked.map(|asked| (place, asked)));
        }
    }

    /// What has come, after waiting a bounded time for those asked first just now.
    pub fn finish(&mut self) -> BTreeMap<PathBuf, Answer> {
        self.finish_within(PATIENCE)
    }

    fn finish_within(&mut self, patience: Duration) -> BTreeMap<PathBuf, Answer> {
        // One hung mount uses up the patience that all share; after it the others are only looked at.
        let mut patience = patience;
        let mut answers = BTreeMap::new();
        self.asked.retain(|place, asked| {
            let wait = if asked.late { Duration::ZERO } else { patience };
            let answer = match asked.answer.recv_timeout(wait) {
                Ok(space) => Answer::Space(space),
                Err(RecvTimeoutError::Timeout) => Answer::Hung,
                Err(RecvTimeoutError::Disconnected) => Answer::Space(None),
            };
            let hung = answer == Answer::Hung;
            if hung && !asked.late {
                patience = Duration::from_millis(50).min(patience);
            }
            asked.late = hung;
            answers.insert(place.clone(), answer);
            hung
        });
        answers
    }
}

/// None: the system has no thread to give; the place is asked again with the next read.
fn spawn(place: PathBuf, ask: fn(&Path) -> Option<Space>) -> Option<Asked> {
    let (sender, answer) = sync_channel(1);
    let thread = std::thread::Builder::new().name("statvfs".into()).stack_size(STACK_BYTES);
    let work = move || {
        // A receiver that is gone means that the mount is gone.
        let _ = sender.send(ask(&place));
    };
    thread.spawn(work).ok().map(|_| Asked { answer, late: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};

    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static DOOR: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

    /// Hangs at `/dead` until the door opens.
    fn ask(place: &Path) -> Option<Space> {
        if place == Path::new("/dead") {
            ASKED.fetch_add(1, Ordering::SeqCst);
            let open = DOOR.0.lock().unwrap();
            drop(DOOR.1.wait_while(open, |open| !*open).unwrap());
        }
        Some(Space { size_bytes: 1, used_bytes: 1, free_bytes: 0, inodes: None, read_only: false })
    }

    fn round(probes: &mut Probes, patience: Duration) -> Vec<(String, bool)> {
        probes.begin_with(["/dead", "/live"].into_iter().map(PathBuf::from), ask);
        let answers = probes.finish_within(patience);
        answers
            .into_iter()
            .map(|(place, answer)| (place.display().to_string(), answer == Answer::Hung))
            .collect()
    }

    #[test]
    fn a_hung_mount_hides_no_other_is_asked_once_and_comes_back() {
        let mut probes = Probes::default();
        let hung = [("/dead".to_owned(), true), ("/live".to_owned(), false)];
        for patience in [20, 10_000, 10_000].map(Duration::from_millis) {
            assert_eq!(round(&mut probes, patience), hung);
        }
        assert_eq!(ASKED.load(Ordering::SeqCst), 1);
        *DOOR.0.lock().unwrap() = true;
        DOOR.1.notify_all();
        let waited = (0..1_000).any(|_| {
            std::thread::yield_now();
            round(&mut probes, Duration::from_secs(5)).iter().all(|(_, hung)| !hung)
        });
        assert!(waited);
    }

    #[test]
    fn a_place_that_is_not_there_has_no_figures() {
        assert_eq!(space(Path::new("/nonexistent")), None);
        assert!(space(Path::new("/")).is_some_and(|space| space.used_bytes <= space.size_bytes));
    }
}
