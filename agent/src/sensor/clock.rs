//! Whether something keeps the host's wall clock synchronised. How far it is off, the collector measures.
//!
//! The kernel's own answer needs a call that is not to be had without unsafe code, so the answer is taken from what
//! the time service leaves in `/run` (systemd-timesyncd makes `synchronized` once it has set the clock), or says when
//! it is asked: chrony, ntpd, and systemd, which asks the kernel whoever keeps the time. Of others nothing is said.

use crate::sensor::sample::{SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Paths, Reading, Sensor, program};
use std::path::Path;
use std::time::Duration;
use tram_proto::sample as names;

/// Reads between two questions to a program: five minutes at the usual pace. Clocks do not lose their source faster.
const READS_BETWEEN: u32 = 20;
/// For one program's answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The sensor.
#[derive(Debug, Default)]
pub struct Clock {
    reads: u32,
    answered: Option<bool>,
}

type Understand = fn(&str) -> Option<bool>;

/// Whom to ask, how, and what the answer means.
const PROGRAMS: &[(&str, &[&str], Understand)] = &[
    ("chronyc", &["-n", "tracking"], chrony),
    ("ntpq", &["-c", "rv 0 leap,stratum"], ntp),
    ("timedatectl", &["show", "--property=NTPSynchronized"], systemd),
];

impl Sensor for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let left = timesyncd(&paths.rootfs.join("run/systemd/timesync"));
        let synchronized = left.or_else(|| self.asked(paths)).ok_or(NoData::Absent)?;
        let value = Some(f64::from(u8::from(synchronized)));
        let sample = gauge(names::CLOCK_SYNCHRONIZED, "1", SCALE_WHOLE, &[], value);
        Ok(Reading { samples: vec![sample], components: vec![] })
    }
}

impl Clock {
    fn asked(&mut self, paths: &Paths) -> Option<bool> {
        if self.reads.is_multiple_of(READS_BETWEEN) {
            self.answered = PROGRAMS.iter().find_map(|(name, arguments, understand)| {
                // Another root's clock is not this system's.
                let may_ask = paths.rootfs == Path::new("/") || paths.programs.contains_key(name);
                let program = program::find(paths, name).filter(|_| may_ask)?;
                understand(&program::run(&program, arguments, PATIENCE).ok()?.text())
            });
        }
        self.reads = self.reads.wrapping_add(1);
        self.answered
    }
}

/// Whether systemd-timesyncd has set the clock since boot; none where it does not run.
fn timesyncd(directory: &Path) -> Option<bool> {
    directory.is_dir().then(|| directory.join("synchronized").exists())
}

/// `Leap status     : Normal`, or `Not synchronised`.
fn chrony(text: &str) -> Option<bool> {
    let line = text.lines().find_map(|line| line.strip_prefix("Leap status"))?;
    Some(line.split_once(':')?.1.trim() != "Not synchronised")
}

/// `leap=00, stratum=3`: a leap of 11 and a stratum of 16 say that it is not.
fn ntp(text: &str) -> Option<bool> {
    let of = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        rest.split([',', ' ', '\n']).next().map(str::trim)
    };
    let stratum: u32 = of("stratum=")?.parse().ok()?;
    Some(stratum < 16 && of("leap=") != Some("11"))
}

/// `NTPSynchronized=yes`.
fn systemd(text: &str) -> Option<bool> {
    match text.trim().strip_prefix("NTPSynchronized=")? {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::{script, values};

    fn read(root: &Path) -> Result<Reading, NoData> {
        Clock::default().read(&Paths { rootfs: root.to_owned(), ..Paths::default() })
    }

    #[test]
    fn a_host_without_timesyncd_says_nothing_and_one_with_it_says_both() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(read(root.path()), Err(NoData::Absent)));
        let directory = root.path().join("run/systemd/timesync");
        std::fs::create_dir_all(&directory).unwrap();
        assert_eq!(values(&read(root.path()).unwrap())["tram.clock.synchronized"], Some(0.0));
        std::fs::write(directory.join("synchronized"), "").unwrap();
        assert_eq!(values(&read(root.path()).unwrap())["tram.clock.synchronized"], Some(1.0));
    }

    #[test]
    fn time_services_are_understood() {
        assert_eq!(
            chrony(
                "Reference ID    : C0A80101 (192.168.1.1)\nStratum         : 3\nLeap status     : Normal\n"
            ),
            Some(true)
        );
        assert_eq!(chrony("Stratum         : 0\nLeap status     : Not synchronised\n"), Some(false));
        assert_eq!(chrony("506 Cannot talk to daemon\n"), None);
        assert_eq!(ntp("leap=00, stratum=3\n"), Some(true));
        assert_eq!(ntp("stratum=16, leap=11\n"), Some(false));
        assert_eq!(ntp("ntpq: read: Connection refused\n"), None);
        assert_eq!(
            (systemd("NTPSynchronized=yes\n"), systemd("NTPSynchronized=no\n"), systemd("")),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn a_program_is_asked_now_and_then_and_its_answer_stands_meanwhile() {
        let root = tempfile::tempdir().unwrap();
        let program =
            script(root.path(), "chronyc", "echo x >> $(dirname $0)/asked; echo 'Leap status : Normal'");
        let mut paths = Paths { rootfs: root.path().to_owned(), ..Paths::default() };
        paths.programs.insert("chronyc", program);
        let mut clock = Clock::default();
        for _ in 0..=READS_BETWEEN {
            assert_eq!(values(&clock.read(&paths).unwrap())["tram.clock.synchronized"], Some(1.0));
        }
        assert_eq!(std::fs::read_to_string(root.path().join("asked")).unwrap().lines().count(), 2);
    }
}
