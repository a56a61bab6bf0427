//! Windows: what the system is asked for through crates whose calls are safe, and through its own programs.

use super::Stop;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::windows::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

pub mod registry;

/// Where the settings are, unless said otherwise.
pub const CONFIG_FILE: &str = r"C:\ProgramData\Tram\agent.toml";
/// Where the agent keeps its identity, its spool and what it remembers, unless said otherwise.
pub const STATE_DIRECTORY: &str = r"C:\ProgramData\Tram\state";
/// Who may: the system, administrators and whoever made it, by the numbers that are the same in every language.
const ALLOWED: [&str; 3] = ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", "*S-1-3-4:(OI)(CI)F"];

/// The administrators, whoever they are.
const ADMINISTRATORS: &str = "*S-1-5-32-544";

/// Where a program of the system's own is.
pub fn program(name: &str) -> PathBuf {
    let directory = winsafe::GetSystemDirectory().unwrap_or_else(|_| r"C:\Windows\System32".to_owned());
    Path::new(&directory).join(name)
}

/// The language of the person who is logged in, such as `vi-VN`.
pub fn locale() -> Option<String> {
    registry::own_text(r"Control Panel\International", "LocaleName")
}

/// Milliseconds since this boot, sleep included.
pub fn boot_ms() -> u64 {
    winsafe::GetTickCount64()
}

/// Milliseconds since 1970 by the wall clock.
#[expect(clippy::disallowed_methods, reason = "only the clock calls this")]
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

/// Seconds that local time is ahead of UTC, now; none when the host does not say.
pub fn local_offset_s(_at_s: i64) -> Option<i32> {
    let key = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation";
    // Minutes that UTC is ahead, as a signed number.
    let bias = registry::number(key, "ActiveTimeBias")?.cast_signed();
    bias.checked_mul(-60)
}

/// Makes a directory, and those above it, that only the system, administrators and its owner can enter. One that is
/// there is left as it is: its administrator may have let others in.
pub fn private_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    close(directory)
}

/// Lets nobody into a directory but the system, administrators and its owner.
pub fn close(directory: &Path) -> io::Result<()> {
    icacls(directory, &["/inheritance:r", "/grant:r", ALLOWED[0], ALLOWED[1], ALLOWED[2]])
}

/// Makes a directory and what is in it the administrators': somebody else may have made it first.
pub fn own(directory: &Path) -> io::Result<()> {
    icacls(directory, &["/setowner", ADMINISTRATORS, "/t"])
}

fn icacls(directory: &Path, arguments: &[&str]) -> io::Result<()> {
    let mut command = Command::new(program("icacls.exe"));
    command.arg(directory).args(arguments).args(["/q"]);
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let refused = || io::Error::new(io::ErrorKind::PermissionDenied, "icacls could not set who may open it");
    if ended.success() { Ok(()) } else { Err(refused()) }
}

/// For files that only those can read who can enter their directory.
pub fn private_file() -> OpenOptions {
    OpenOptions::new()
}

/// Files belong here to whom their directory lets in.
pub fn give_to_owner_of(_directory: &Path, _file: &File) {}

/// Whether a file is a program: its name says so.
pub fn may_run(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("exe"))
}

/// Whether this process may make files in a directory: it makes one and removes it.
pub fn check_writable(directory: &Path) -> io::Result<()> {
    let trial = directory.join(format!("tram-{}.trial", std::process::id()));
    File::create_new(&trial)?;
    fs::remove_file(&trial)
}

/// Two files cannot change names here.
pub fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nothing is reserved here: a full disk is met when writing.
pub fn reserve(_file: &File, _bytes: u64) -> io::Result<()> {
    Ok(())
}

/// Opens a file at its end. Not to append only: such a file could not be cut.
pub fn open_to_append(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let mut file = options.write(true).open(path)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}

/// Cuts off what is behind a place in a file that was opened to append, and goes on there.
pub fn cut(mut file: &File, bytes: u64) -> io::Result<()> {
    file.set_len(bytes)?;
    file.seek(SeekFrom::Start(bytes)).map(|_| ())
}

/// Reads a whole buffer from a place in a file.
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let (mut filled, wanted) = (0, buffer.len());
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.seek_read(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if filled == wanted { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// The file system's own journal sees to that here; a directory cannot be synced.
pub fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Listens from now on for what asks the agent to stop. As a service it is asked by the service manager instead.
pub fn stop() -> io::Result<impl Future<Output = Stop>> {
    let (mut interrupt, mut stop, mut close, mut shutdown) =
        (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            biased;
            _ = shutdown.recv() => Stop::Host,
            _ = interrupt.recv() => Stop::Person,
            _ = stop.recv() => Stop::Person,
            _ = close.recv() => Stop::Person,
        }
    })
}

/// The service manager says so when it stops the agent, so there is nothing to ask.
#[expect(clippy::unused_async, reason = "the same on every system")]
pub async fn is_host_stopping() -> bool {
    false
}
