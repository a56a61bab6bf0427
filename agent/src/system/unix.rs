//! Linux: what the system is asked for by its own calls.

use super::{Stop, zone};
use rustix::fs::{Access, CWD, FallocateFlags, RenameFlags, access, fallocate, renameat_with};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Where the settings are, unless said otherwise.
pub const CONFIG_FILE: &str = "/etc/tram/agent.toml";
/// Where the agent keeps its identity, its spool and what it remembers, unless said otherwise.
pub const STATE_DIRECTORY: &str = "/var/lib/tram-agent";
/// The host's time zone.
const LOCAL_TIME: &str = "/etc/localtime";
/// How long the service manager is waited for when the agent is stopped.
const MANAGER_TIMEOUT: Duration = Duration::from_secs(1);

/// The language of the person who is logged in: here the environment alone says.
pub fn locale() -> Option<String> {
    None
}

/// Milliseconds of `CLOCK_BOOTTIME`: since this boot, sleep included.
pub fn boot_ms() -> u64 {
    u64::try_from(milliseconds(clock_gettime(ClockId::Boottime))).unwrap_or_default()
}

/// Milliseconds since 1970 by the wall clock.
pub fn wall_ms() -> i64 {
    milliseconds(clock_gettime(ClockId::Realtime))
}

/// Seconds that local time is ahead of UTC at a time, in seconds since 1970; none when the host does not say.
pub fn local_offset_s(at_s: i64) -> Option<i32> {
    zone::offset_s(&fs::read(LOCAL_TIME).ok()?, at_s)
}

fn milliseconds(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

/// Makes a directory, and those above it, that only its owner can enter; closes one that is there.
pub fn private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    if fs::metadata(directory)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// For files that only their owner can read.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Gives a file to whom a directory belongs to, where that is another: who enrols may be root while the agent runs as
/// another user.
pub fn give_to_owner_of(directory: &Path, file: &File) {
    let owners = fs::metadata(directory).ok().zip(file.metadata().ok());
    if let Some((directory, made)) = owners.filter(|(directory, made)| directory.uid() != made.uid()) {
        let given = std::os::unix::fs::fchown(file, Some(directory.uid()), Some(directory.gid()));
        tracing::debug!(from = made.uid(), to = directory.uid(), ?given, "a file changes its owner");
    }
}

/// Whether anybody may run a file.
pub fn may_run(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

/// Whether this process may make files in a directory.
pub fn check_writable(directory: &Path) -> io::Result<()> {
    Ok(access(directory, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Lets two files change names, where the file system can.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Reserves space beyond a file's end. Not every file system can; then a full disk is met when writing.
pub fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
        Err(rustix::io::Errno::NOSPC) => Err(io::Error::from(io::ErrorKind::StorageFull)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens a file whose writes go to its end.
pub fn open_to_append(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.append(true).open(path)
}

/// Cuts off what is behind a place in a file that was opened to append.
pub fn cut(file: &File, bytes: u64) -> io::Result<()> {
    file.set_len(bytes)
}

/// Reads a whole buffer from a place in a file.
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Makes what was made, renamed or removed in a directory durable.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Listens from now on for what asks the agent to stop.
pub fn stop() -> io::Result<impl Future<Output = Stop>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => Stop::Manager,
            _ = interrupt.recv() => Stop::Person,
        }
    })
}

/// Whether the host goes down, or only the agent: the service manager knows. Without one it is only the agent.
pub async fn is_host_stopping() -> bool {
    let asked = tokio::task::spawn_blocking(|| {
        std::process::Command::new("/usr/bin/systemctl").arg("is-system-running").output()
    });
    let answer = tokio::time::timeout(MANAGER_TIMEOUT, asked).await;
    answer.is_ok_and(|joined| {
        joined.is_ok_and(|output| output.is_ok_and(|output| output.stdout.trim_ascii() == b"stopping"))
    })
}
