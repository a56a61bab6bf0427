//! Updates that wait to be installed, and whether the host waits for a restart since. Asks the package manager for what
//! it already knows: nothing is fetched. Owns whom it asks; what they answer is read in `packages`, kernels in `kernel`.

use crate::sensor::sample::{SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Paths, Reading, Sensor, program, source};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tram_proto::sample as names;

pub mod kernel;
pub mod packages;
#[cfg(test)]
mod tests;

use packages::Pending;

/// Lists of packages are refreshed once a day.
const INTERVAL: Duration = Duration::from_secs(6 * 3600);
/// For each question to a package manager.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most questions that one read asks, in a row.
const DEADLINE: Duration = Duration::from_secs(130);

/// The sensor.
#[derive(Debug, Default)]
pub struct Updates;

impl Sensor for Updates {
    fn name(&self) -> &'static str {
        "updates"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let restart = restart_required(paths);
        let mut samples = Vec::new();
        match pending(paths) {
            Ok(pending) => {
                for (kind, count) in [("all", Some(pending.all)), ("security", pending.security)] {
                    let attributes = [(names::UPDATE_KIND, kind)];
                    let count = count.map(|count| count as f64);
                    samples.push(gauge(names::UPDATES_PENDING, "{package}", SCALE_WHOLE, &attributes, count));
                }
                let refreshed = refreshed_unix_seconds(paths);
                samples.push(gauge(names::UPDATES_REFRESHED, "s", SCALE_WHOLE, &[], refreshed));
            }
            Err(NoData::Absent) => {}
            // Whether a restart is due is known all the same.
            Err(error) if restart.is_none() => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "updates are not known");
                for kind in ["all", "security"] {
                    let attributes = [(names::UPDATE_KIND, kind)];
                    samples.push(gauge(names::UPDATES_PENDING, "{package}", SCALE_WHOLE, &attributes, None));
                }
            }
        }
        if restart.is_some() {
            let value = restart.map(|restart| f64::from(u8::from(restart)));
            samples.push(gauge(names::REBOOT_REQUIRED, "1", SCALE_WHOLE, &[], value));
        }
        if samples.is_empty() { Err(NoData::Absent) } else { Ok(Reading { samples, components: vec![] }) }
    }
}

/// Each manager that there can be, the surest first. One that was given is asked whatever else is there.
fn pending(paths: &Paths) -> Result<Pending, NoData> {
    type Ask = fn(&Paths, &Path) -> Result<Pending, NoData>;
    let managers: [(&str, Ask); 4] =
        [("apt", ask_apt), ("dnf", ask_dnf), ("yum", ask_dnf), ("zypper", ask_zypper)];
    let given = managers.iter().find(|(name, _)| paths.programs.contains_key(*name));
    let notice = source::text(&paths.rootfs.join("var/lib/update-notifier/updates-available"));
    if given.is_none()
        && let Some(pending) = notice.ok().and_then(|text| packages::parse_notice(&text))
    {
        return Ok(pending);
    }
    // Another root's packages are not this system's: its own managers are not asked about them.
    let is_live = paths.rootfs == Path::new("/");
    let found =
        given.or_else(|| managers.iter().find(|(name, _)| is_live && program::find(paths, name).is_some()));
    let (name, ask) = found.ok_or(NoData::Absent)?;
    let program = program::find(paths, name).ok_or(NoData::Absent)?;
    ask(paths, &program)
}

fn refused(program: &Path, answer: &program::Answer) -> NoData {
    let said = answer.complaint.lines().next_back().unwrap_or("no answer that is understood");
    NoData::Unreadable { what: program.display().to_string(), why: said.to_owned() }
}

fn ask_apt(paths: &Paths, program: &Path) -> Result<Pending, NoData> {
    let lists = paths.rootfs.join("var/lib/apt/lists");
    let is_given = paths.programs.contains_key("apt");
    // Where nothing was ever fetched, nothing is pending as far as it knows.
    let has_lists = source::entries(&lists)
        .unwrap_or_default()
        .iter()
        .any(|list| source::name(list).contains("_Packages"));
    if !has_lists && !is_given {
        return Err(NoData::Unreadable {
            what: lists.display().to_string(),
            why: "no lists of packages".into(),
        });
    }
    let arguments = [
        "-s",
        "-q",
        "-o",
        "Debug::NoLocking=true",
        "-o",
        "APT::Get::Show-User-Simulation-Note=false",
        "dist-upgrade",
    ];
    let answer = program::run(program, &arguments, PATIENCE)?;
    packages::parse_apt(&answer.text()).ok_or_else(|| refused(program, &answer))
}

fn ask_dnf(_: &Paths, program: &Path) -> Result<Pending, NoData> {
    let answer = program::run(program, &["-q", "-C", "check-update"], PATIENCE)?;
    // 100: there are some.
    let all = match answer.status {
        Some(0 | 100) => packages::parse_dnf(&answer.text()),
        _ => return Err(refused(program, &answer)),
    };
    let advisories = program::run(program, &["-q", "-C", "updateinfo", "list", "--security"], PATIENCE);
    let security = advisories.ok().filter(|answer| answer.status == Some(0));
    Ok(Pending { all, security: security.map(|answer| packages::parse_updateinfo(&answer.text())) })
}

fn ask_zypper(_: &Paths, program: &Path) -> Result<Pending, NoData> {
    let common = ["--non-interactive", "--no-refresh", "--quiet"];
    let answer = program::run(program, &[&common[..], &["list-updates"]].concat(), PATIENCE)?;
    if answer.status != Some(0) {
        return Err(refused(program, &answer));
    }
    let patches =
        program::run(program, &[&common[..], &["list-patches", "--category", "security"]].concat(), PATIENCE);
    let security = patches.ok().filter(|answer| matches!(answer.status, Some(0 | 100 | 101)));
    let security = security.map(|answer| packages::parse_zypper(&answer.text(), "needed"));
    Ok(Pending { all: packages::parse_zypper(&answer.text(), "v"), security })
}

/// When the lists were fetched last: none pending in lists of last year says nothing.
fn refreshed_unix_seconds(paths: &Paths) -> Option<f64> {
    let places = [
        "var/lib/apt/periodic/update-success-stamp",
        "var/lib/apt/lists/partial",
        "var/cache/dnf",
        "var/cache/yum",
        "var/cache/zypp/raw",
    ];
    let changed =
        places.iter().find_map(|place| paths.rootfs.join(place).metadata().ok()?.modified().ok())?;
    Some(changed.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs() as f64)
}

/// What the package manager left as a note, or that a newer kernel than the running one is installed. None where
/// neither can be known.
fn restart_required(paths: &Paths) -> Option<bool> {
    let notes = ["run/reboot-required", "var/run/reboot-required", "run/reboot-needed"];
    if notes.iter().any(|note| paths.rootfs.join(note).exists()) {
        return Some(true);
    }
    let running = source::word(&paths.procfs.join("sys/kernel/osrelease"))?;
    let installed = source::entries(&paths.rootfs.join("lib/modules")).ok()?;
    let is_whole = |folder: &Path| {
        let image = paths.rootfs.join("boot").join(format!("vmlinuz-{}", source::name(folder)));
        image.exists() || folder.join("vmlinuz").exists()
    };
    let installed: Vec<String> =
        installed.iter().filter(|folder| is_whole(folder)).map(|folder| source::name(folder)).collect();
    kernel::is_outdated(&running, &installed)
}
