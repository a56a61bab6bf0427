//! What a server's management controller says of its health: sensors, event log, inventory and power, through `ipmitool`.
//! Owns which questions are asked and when; what the answers mean is below.

pub mod fru;
pub mod log;
pub mod parts;
pub mod said;
pub mod table;
pub mod words;

use crate::sensor::{NoData, Paths, Reading, Sensor, program};
use said::Said;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often it is asked unless set otherwise: the controller watches by itself, and many answer slowly.
pub const INTERVAL: Duration = Duration::from_secs(300);
/// How long one question may take. A hundred sensors behind a slow interface take most of a minute.
const QUESTION_DEADLINE: Duration = Duration::from_secs(60);
/// How long all of them may take.
const DEADLINE: Duration = Duration::from_secs(300);
/// Reads between two that ask for what hardly ever changes: every hour by default.
const SLOW_EVERY: u64 = 12;
/// Where the kernel's driver puts the controller.
const DEVICES: &[&str] = &["dev/ipmi0", "dev/ipmi/0", "dev/ipmidev/0"];
/// What is asked each time.
const QUESTIONS: &[&[&str]] = &[
    &["sdr", "elist", "all"],
    &["sel", "elist"],
    &["sel", "time", "get"],
    &["chassis", "status"],
    &["dcmi", "power", "reading"],
];
/// What is asked now and then: thresholds and inventory.
const SLOW_QUESTIONS: &[&[&str]] = &[&["sensor"], &["fru", "print"]];

/// The sensor.
#[derive(Debug)]
pub struct Ipmi {
    interval: Duration,
    reads: u64,
    slow: Said,
}

impl Ipmi {
    /// Asks so often.
    pub fn new(interval: Duration) -> Self {
        Self { interval, reads: 0, slow: Said::default() }
    }
}

impl Sensor for Ipmi {
    fn name(&self) -> &'static str {
        "ipmi"
    }

    fn interval(&self) -> Option<Duration> {
        Some(self.interval)
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn stand_in(&self) -> Option<(&'static str, &'static str)> {
        Some(("enclosure", "bmc"))
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let is_given = paths.programs.contains_key("ipmitool");
        let has_controller = DEVICES.iter().any(|device| paths.rootfs.join(device).exists());
        // The agent's unit may not see the controller; then another has asked it.
        let is_wanted = |program: &PathBuf| is_given || has_controller || program::is_answers(program);
        let program = program::find(paths, "ipmitool").filter(is_wanted);
        let program = program.ok_or(NoData::Absent)?;
        let mut said = Said::default();
        let complaint = ask(&program, QUESTIONS, &mut said);
        if self.reads.is_multiple_of(SLOW_EVERY) || !self.slow.is_understood {
            let mut slow = Said::default();
            ask(&program, SLOW_QUESTIONS, &mut slow);
            self.slow = slow;
        }
        self.reads += 1;
        if said.entries.is_empty() {
            said.entries.clone_from(&self.slow.entries);
        }
        said.recall(&self.slow);
        if !said.is_understood && !self.slow.is_understood {
            let what = program.display().to_string();
            return Err(complaint.unwrap_or(NoData::Malformed { what, expected: "an answer of ipmitool" }));
        }
        let mut reading = parts::reading(&said);
        program::drop_old(&program, &mut reading.samples);
        Ok(reading)
    }
}

/// Asks these questions. A controller that lacks a command answers the others; the first complaint is handed back.
fn ask(program: &Path, questions: &[&[&str]], said: &mut Said) -> Option<NoData> {
    let mut complaint = None;
    for question in questions {
        match program::run(program, question, QUESTION_DEADLINE) {
            Ok(answer) => {
                let text = answer.text();
                said.take(&text);
                if text.trim().is_empty() && !answer.complaint.is_empty() {
                    let why = answer.complaint.lines().next().unwrap_or_default().to_owned();
                    let what = program.display().to_string();
                    complaint.get_or_insert(NoData::Unreadable { what, why });
                }
            }
            // One that hangs, hangs at every question.
            Err(error) => {
                complaint.get_or_insert(error);
                break;
            }
        }
    }
    complaint
}

#[cfg(test)]
mod tests;
