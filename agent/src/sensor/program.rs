//! Runs the programs that sensors read hardware with: by fixed absolute path and argument list, never through a shell,
//! with a deadline and a bounded answer. Knows what programs are called and where they live, not what they say.

use crate::sensor::{NoData, Paths, Sample, source};
use crate::system;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

pub mod answers;
mod running;

use running::Running;
pub use running::end_all;

/// Values older than this are not told as current.
const CURRENT_MAX: Duration = Duration::from_secs(15 * 60);
/// No program answers more; one that does is not what it should be.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// What of its complaints is kept.
const COMPLAINT_BYTES_MAX: usize = 4 << 10;
/// All that programs learn of an environment, whatever the agent's own says.
#[cfg(unix)]
const ENVIRONMENT: &[(&str, &str)] = &[("LC_ALL", "C"), ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")];
/// The same where programs do not start without knowing where the system is.
#[cfg(windows)]
const ENVIRONMENT: &[(&str, &str)] =
    &[("SystemRoot", r"C:\Windows"), ("PATH", r"C:\Windows\System32"), ("TEMP", r"C:\Windows\Temp")];
/// No window for a program that is run by a service or beside one.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;
/// Between two looks whether a program has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// What reading an answer needs.
const STACK_BYTES: usize = 64 << 10;

/// Programs by the name of their setting (`paths.NAME`, `--path.NAME`), with the places where they are looked for. The
/// first that exists is used.
pub const PROGRAMS: &[(&str, &[&str])] = &[
    ("smartctl", &["/usr/sbin/smartctl", "/usr/local/sbin/smartctl", "/sbin/smartctl"]),
    (
        "storcli",
        &[
            "/opt/MegaRAID/storcli/storcli64",
            "/opt/MegaRAID/storcli2/storcli2",
            "/usr/sbin/storcli64",
            "/usr/sbin/storcli",
            "/usr/local/sbin/storcli64",
            "/usr/local/sbin/storcli",
        ],
    ),
    (
        "perccli",
        &[
            "/opt/MegaRAID/perccli/perccli64",
            "/opt/MegaRAID/perccli2/perccli2",
            "/usr/sbin/perccli64",
            "/usr/sbin/perccli",
        ],
    ),
    (
        "ssacli",
        &[
            "/usr/sbin/ssacli",
            "/usr/sbin/hpssacli",
            "/usr/sbin/hpacucli",
            "/opt/smartstorageadmin/ssacli/bin/ssacli",
        ],
    ),
    (
        "megacli",
        &["/opt/MegaRAID/MegaCli/MegaCli64", "/usr/sbin/megacli", "/usr/sbin/MegaCli64", "/usr/sbin/MegaCli"],
    ),
    ("arcconf", &["/usr/Arcconf/arcconf", "/usr/sbin/arcconf", "/usr/local/sbin/arcconf"]),
    ("sas2ircu", &["/usr/sbin/sas2ircu", "/usr/local/sbin/sas2ircu"]),
    ("sas3ircu", &["/usr/sbin/sas3ircu", "/usr/local/sbin/sas3ircu"]),
    ("tw_cli", &["/usr/sbin/tw_cli", "/usr/local/sbin/tw_cli", "/usr/local/bin/tw_cli", "/opt/3ware/tw_cli"]),
    ("areca", &["/usr/sbin/cli64", "/usr/local/sbin/cli64", "/usr/local/bin/cli64", "/opt/areca/cli64"]),
    ("cciss_vol_status", &["/usr/bin/cciss_vol_status", "/usr/sbin/cciss_vol_status"]),
    ("mpt_status", &["/usr/sbin/mpt-status"]),
    ("mvcli", &["/usr/sbin/mvcli", "/usr/local/bin/mvcli", "/opt/marvell/storage/cli/mvcli"]),
    ("dmraid", &["/usr/sbin/dmraid", "/sbin/dmraid"]),
    ("dmsetup", &["/usr/sbin/dmsetup", "/sbin/dmsetup"]),
    ("zpool", &["/usr/sbin/zpool", "/sbin/zpool", "/usr/local/sbin/zpool"]),
    ("ipmitool", &["/usr/bin/ipmitool", "/usr/sbin/ipmitool", "/usr/local/bin/ipmitool"]),
    // The kernel's own files say the same at less cost, so that it is only run where it is given.
    ("sensors", &[]),
    ("ethtool", &["/usr/sbin/ethtool", "/sbin/ethtool"]),
    // Needs root; the firmware's table is read without it where it may be. Only run where it is given.
    ("dmidecode", &[]),
    ("apt", &["/usr/bin/apt-get"]),
    ("dnf", &["/usr/bin/dnf"]),
    ("yum", &["/usr/bin/yum"]),
    ("zypper", &["/usr/bin/zypper"]),
    ("systemctl", &["/usr/bin/systemctl", "/bin/systemctl"]),
    ("timedatectl", &["/usr/bin/timedatectl", "/bin/timedatectl"]),
    ("chronyc", &["/usr/bin/chronyc"]),
    ("ntpq", &["/usr/bin/ntpq", "/usr/sbin/ntpq"]),
];

/// Time that is shared by several runs.
#[derive(Debug, Clone, Copy)]
pub struct Budget(Instant);

impl Budget {
    /// That much, from now.
    pub fn new(time: Duration) -> Self {
        Self(started() + time)
    }

    /// What of it a run may take, `most` at most; none when it is used up.
    pub fn share(self, most: Duration) -> Option<Duration> {
        Some(self.0.saturating_duration_since(started()).min(most)).filter(|left| !left.is_zero())
    }
}
/// Where this system keeps them, when that is elsewhere.
#[cfg(unix)]
const PLACES_HERE: &[(&str, &[&str])] = &[];
#[cfg(windows)]
const PLACES_HERE: &[(&str, &[&str])] = &[
    ("smartctl", &[r"C:\Program Files\smartmontools\bin\smartctl.exe"]),
    ("storcli", &[r"C:\Program Files\MegaRAID\storcli\storcli64.exe", r"C:\MegaRAID\storcli\storcli64.exe"]),
    ("perccli", &[r"C:\Program Files\MegaRAID\perccli\perccli64.exe", r"C:\Dell\perccli\perccli64.exe"]),
    ("ssacli", &[r"C:\Program Files\Smart Storage Administrator\ssacli\bin\ssacli.exe"]),
    ("arcconf", &[r"C:\Program Files\Adaptec\maxView Storage Manager\arcconf.exe"]),
    ("ipmitool", &[r"C:\Program Files\ipmitool\ipmitool.exe"]),
];

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it exited with; none: a signal ended it.
    pub status: Option<i32>,
    /// What it wrote.
    pub output: Vec<u8>,
    /// What it complained of, cut short.
    pub complaint: String,
}

impl Answer {
    /// What it wrote, bytes that are not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// Where a program is, or the file with its answers where another has run it; none: this host has neither.
pub fn find(paths: &Paths, name: &str) -> Option<PathBuf> {
    let place = place(paths, name);
    let file = paths.answers.as_ref().map(|folder| folder.join(format!("{name}.{}", answers::ENDING)));
    let is_of_it = |program: PathBuf| place.as_ref().is_none_or(|place| *place == program);
    file.filter(|file| answers::program_of(file).is_some_and(is_of_it)).or(place)
}

/// Whether what [`find`] gave is a file with answers rather than the program.
pub fn is_answers(program: &Path) -> bool {
    program.extension().is_some_and(|ending| ending == answers::ENDING)
}

/// Whether what [`find`] gave are answers given too long ago to be called current.
pub fn is_old(program: &Path) -> bool {
    is_answers(program) && answers::age(program).is_none_or(|age| age > CURRENT_MAX)
}

/// Takes the values out of samples that were made from answers given too long ago to be called current. Parts and their
/// figures stand: they move slowly.
pub fn drop_old(program: &Path, samples: &mut [Sample]) {
    if is_old(program) {
        samples.iter_mut().for_each(|sample| sample.value = None);
    }
}

/// Where a program itself is.
fn place(paths: &Paths, name: &str) -> Option<PathBuf> {
    if let Some(given) = paths.programs.get(name) {
        return Some(given.clone());
    }
    let places = |(_, places): &(&str, &'static [&'static str])| *places;
    let known = PLACES_HERE.iter().chain(PROGRAMS).filter(|(known, _)| *known == name).flat_map(places);
    // Another system's place, such as `/usr/sbin/smartctl` on Windows, would be sought on the drive that is current.
    known.map(PathBuf::from).find(|place| place.is_absolute() && place.is_file())
}

/// Runs a program and waits for its end, for `deadline` at most: then it is killed, with all that it started. It gets
/// nothing of the agent's environment, no input, and answers in English.
pub fn run(program: &Path, arguments: &[&str], deadline: Duration) -> Result<Answer, NoData> {
    if is_answers(program) {
        return answers::replay(program, arguments);
    }
    let answer = run_itself(program, arguments, deadline);
    answers::keep(program, arguments, &answer);
    answer
}

fn run_itself(program: &Path, arguments: &[&str], deadline: Duration) -> Result<Answer, NoData> {
    let failed = |why: String| NoData::Unreadable { what: program.display().to_string(), why };
    if !program.is_absolute() {
        return Err(failed("not an absolute path".into()));
    }
    if let Some(output) = recorded(program)? {
        return Ok(Answer { status: Some(0), output, complaint: String::new() });
    }
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(ENVIRONMENT.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir("/");
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NO_WINDOW);
    let mut child = command.spawn().map_err(|error| failed(error.kind().to_string()))?;
    let Some(_known) = Running::begin(child.id()) else {
        kill(&mut child);
        return Err(failed("the agent stops".into()));
    };
    let output = drain(child.stdout.take(), ANSWER_BYTES_MAX);
    let complaint = drain(child.stderr.take(), COMPLAINT_BYTES_MAX);
    let until = started() + deadline;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started() >= until => {
                kill(&mut child);
                return Err(failed(format!("no answer within {} s", deadline.as_secs_f64())));
            }
            Ok(None) => thread::sleep(LOOK_INTERVAL),
            Err(error) => {
                kill(&mut child);
                return Err(failed(error.kind().to_string()));
            }
        }
    };
    // What it left running may hold its output open; that is not waited for longer than the program itself.
    let left = until.saturating_duration_since(started()).max(LOOK_INTERVAL);
    let Ok(output) = output.recv_timeout(left) else {
        kill(&mut child);
        return Err(failed(format!("no answer within {} s", deadline.as_secs_f64())));
    };
    if output.len() > ANSWER_BYTES_MAX {
        return Err(NoData::Malformed { what: program.display().to_string(), expected: "at most 8 MiB" });
    }
    let complaint = complaint.recv_timeout(LOOK_INTERVAL).unwrap_or_default();
    let complaint = String::from_utf8_lossy(&complaint).trim().to_owned();
    Ok(Answer { status: status.code(), output, complaint })
}

/// The contents of a file that nobody may run: what a program printed elsewhere, recorded. None: it is a program, or is
/// not there.
fn recorded(program: &Path) -> Result<Option<Vec<u8>>, NoData> {
    let is_recording = program.is_file() && !system::may_run(program);
    if is_recording { source::bytes(program).map(Some) } else { Ok(None) }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline of a blocking call; sensors decide nothing by this time"
)]
fn started() -> Instant {
    Instant::now()
}

/// Reads on a thread of its own to the end, so that the program is never held up; keeps one byte more than allowed.
fn drain(source: Option<impl Read + Send + 'static>, bytes_max: usize) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let read = move || {
        let Some(mut source) = source else { return };
        let mut kept = Vec::new();
        let wanted = bytes_max as u64 + 1;
        source.by_ref().take(wanted).read_to_end(&mut kept).ok();
        std::io::copy(&mut source, &mut std::io::sink()).ok();
        sender.send(kept).ok();
    };
    // Without a thread the sender is dropped, and waiting for it ends at once.
    thread::Builder::new().name("answer".into()).stack_size(STACK_BYTES).spawn(read).ok();
    receiver
}

/// Ends a program and, where it leads a group, all that it started.
fn kill(child: &mut Child) {
    running::kill_group(child.id());
    child.kill().ok();
    child.wait().ok();
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::script;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn output_complaint_and_status_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "x", "echo \"$1 $#\"; echo bad >&2; exit 3");
        let answer = run(&program, &["a b", "$(c)"], SOON).unwrap();
        assert_eq!((answer.text().as_str(), answer.complaint.as_str()), ("a b 2\n", "bad"));
        assert_eq!(answer.status, Some(3));
    }

    #[test]
    fn a_program_sees_nothing_of_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "x", "echo \"$HOME|$LC_ALL|$PWD\"");
        assert_eq!(run(&program, &[], SOON).unwrap().text(), "|C|/\n");
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "x", "sleep 600 & echo $! > $(dirname $0)/child; wait");
        let error = run(&program, &[], Duration::from_millis(300)).unwrap_err().to_string();
        assert!(error.ends_with("no answer within 0.3 s"), "{error}");
        let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
        let stat = PathBuf::from(format!("/proc/{}/stat", child.trim()));
        let is_gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        while !is_gone() {
            thread::yield_now();
        }
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        let error = run(Path::new("/nonexistent/x"), &[], SOON).unwrap_err().to_string();
        assert_eq!(error, "cannot read /nonexistent/x: entity not found");
        assert!(run(Path::new("x"), &[], SOON).is_err());
    }

    #[test]
    fn a_file_that_nobody_may_run_is_what_a_program_printed() {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("recording");
        std::fs::write(&recording, "printed\n").unwrap();
        assert_eq!(run(&recording, &["-x"], SOON).unwrap().text(), "printed\n");
    }

    #[test]
    fn a_budget_gives_until_it_is_used_up() {
        assert_eq!(Budget::new(SOON).share(Duration::from_millis(1)), Some(Duration::from_millis(1)));
        assert_eq!(Budget::new(Duration::ZERO).share(SOON), None);
    }

    #[test]
    fn an_endless_answer_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "x", "head -c 9000000 /dev/zero");
        let error = run(&program, &[], SOON).unwrap_err().to_string();
        assert!(error.ends_with("expected at most 8 MiB"), "{error}");
    }

    #[test]
    fn a_program_that_was_given_comes_before_the_known_places() {
        let given = PathBuf::from("/given/smartctl");
        let paths = Paths { programs: [("smartctl", given.clone())].into(), ..Paths::default() };
        assert_eq!(find(&paths, "smartctl"), Some(given));
        assert_eq!(find(&paths, "nonsense"), None);
    }
}
