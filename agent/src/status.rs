//! What the agent says of itself: a small file that the running agent writes, and its words for people in both
//! languages. Knows nothing of how it came about.

use crate::config::Language;
use crate::spool::{RefusedForEver, SpoolError};
use crate::system;
use crate::uplink::{Failure, Refusal};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;
use tram_proto::id::{AgentId, BootId};

const FILE: &str = "status.json";
const OTHER: &str = "status.other";
/// What a file is filled up to: a block of the usual file systems.
const BLOCK_BYTES: usize = 4_096;
/// A clock that is off by more is worth a word.
const CLOCK_OFFSET_MAX_MS: u64 = 30_000;

/// A sensor that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// The sensor.
    pub sensor: String,
    /// Why.
    pub why: String,
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// How, as far as it decides what to do.
    pub how: How,
    /// What was said.
    pub words: String,
}

/// How a request can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// No answer, or none of a collector's.
    Unreachable,
    /// The collector has no time.
    Busy,
    /// The certificate has expired.
    Expired,
    /// The collector cannot take a batch.
    Batch,
    /// The certificate was revoked.
    Revoked,
    /// An operator has to accept this agent.
    Unknown,
    /// There is a copy of this agent.
    Clone,
    /// The certificate is another agent's.
    WrongAgent,
}

impl From<Failure> for How {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Unreachable,
            Failure::Busy { .. } => Self::Busy,
            Failure::Expired => Self::Expired,
            Failure::Batch { .. } => Self::Batch,
            Failure::Refused(Refusal::Revoked) => Self::Revoked,
            Failure::Refused(Refusal::Unknown) => Self::Unknown,
            Failure::Refused(Refusal::Clone) => Self::Clone,
            Failure::Refused(Refusal::WrongAgent) => Self::WrongAgent,
        }
    }
}

impl How {
    /// In Vietnamese and in English: what it is, and what to do if something is to be done.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreachable => ("Không tới được trung tâm", "The collector cannot be reached"),
            Self::Busy => {
                ("Trung tâm đang bận, sẽ gửi lại sau", "The collector is busy; it will be tried again")
            }
            Self::Expired => {
                ("Chứng thư đã hết hạn, đang xin cấp lại", "The certificate has expired and is being renewed")
            }
            Self::Batch => {
                ("Trung tâm không đọc được lần gửi cuối", "The collector cannot read what was sent last")
            }
            Self::Revoked => (
                "Trung tâm đã thu hồi chứng thư: hãy ghi danh lại bằng mã mới",
                "The certificate was revoked: enrol again with a new token",
            ),
            Self::Unknown => (
                "Chờ người vận hành duyệt tác tử này ở trung tâm (tram-collector agent accept)",
                "An operator has to accept this agent at the collector (tram-collector agent accept)",
            ),
            Self::Clone => (
                "Trung tâm thấy một bản sao của tác tử này: hãy ghi danh lại bằng mã mới",
                "The collector sees a copy of this agent: enrol this one again with a new token",
            ),
            Self::WrongAgent => (
                "Chứng thư thuộc về tác tử khác: hãy ghi danh lại bằng mã mới",
                "The certificate is another agent's: enrol again with a new token",
            ),
        }
    }
}

/// Reports that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unkept {
    /// Whether it is for lack of space.
    pub is_full: bool,
    /// What was said.
    pub words: String,
}

impl From<&SpoolError> for Unkept {
    fn from(error: &SpoolError) -> Self {
        Self { is_full: matches!(error, SpoolError::Full(_)), words: error.to_string() }
    }
}

/// What the running agent knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// Its boot.
    pub boot: BootId,
    /// When it last got an answer, in milliseconds of that boot; none: not in this run.
    pub reached_boot_ms: Option<u64>,
    /// Why the last request failed; none: it did not.
    pub failing: Option<Failing>,
    /// Why new reports cannot be kept; none: they are.
    pub unkept: Option<Unkept>,
    /// Reports that wait.
    pub pending: u64,
    /// Reports dropped because there was no room.
    pub dropped: u64,
    /// Reports that the collector refused for ever.
    pub refused: u64,
    /// The last of them.
    pub last_refused: Vec<RefusedForEver>,
    /// Sensors that could not be read.
    pub silent: Vec<Silent>,
    /// How far the wall clock is ahead of the collector's; none: not measured in this run.
    pub clock_ahead_ms: Option<i64>,
}

impl Status {
    /// Writes it to a state directory. It is a convenience, so it is not synced.
    ///
    /// It matters most when the disk is full. Two files of a size that hardly changes take turns: what was written
    /// before is overwritten in its own blocks, then the two change names.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        let (file, other) = (state.join(FILE), state.join(OTHER));
        let mut bytes = serde_json::to_vec(self)?;
        bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), b' ');
        let mut open = system::private_file().write(true).create(true).truncate(false).open(&other)?;
        open.write_all(&bytes)?;
        open.set_len(bytes.len() as u64)?;
        if system::exchange(&other, &file).is_err() {
            // The first time, and where the file system cannot exchange.
            fs::copy(&other, &file)?;
        }
        Ok(())
    }

    /// Reads the last one; none when no agent has run with this state directory.
    pub fn read(state: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(state.join(FILE)).ok()?).ok()
    }
}

/// Everything that `status` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The agent and its collector; none: not enrolled.
    pub enrolled: Option<(AgentId, String)>,
    /// Whether an agent runs.
    pub is_running: bool,
    /// What the last one wrote.
    pub status: Option<Status>,
    /// This boot and how long it has lasted.
    pub now: (BootId, u64),
}

impl Picture {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        let is_fine =
            |status: &Status| status.failing.is_none() && status.unkept.is_none() && status.silent.is_empty();
        self.enrolled.is_some() && self.is_running && self.status.as_ref().is_some_and(is_fine)
    }

    /// In plain words.
    pub fn words(&self, language: Language) -> String {
        let say = |vi: &str, en: &str| match language {
            Language::Vietnamese => vi.to_owned(),
            Language::English => en.to_owned(),
        };
        let mut lines = vec![match &self.enrolled {
            None => say(
                "Chưa ghi danh. Hãy chạy: tram-agent enroll --collector https://MÁY:8441 --token MÃ",
                "Not enrolled. Run: tram-agent enroll --collector https://HOST:8441 --token TOKEN",
            ),
            Some((agent, collector)) => {
                say("Đã ghi danh với", "Enrolled with") + &format!(" {collector} ({agent})")
            }
        }];
        lines.push(if self.is_running {
            say("Tác tử đang chạy", "The agent is running")
        } else {
            say("Tác tử không chạy", "The agent is not running")
        });
        if let Some(status) = &self.status {
            lines.extend(status.words(self.now, language));
        }
        lines.join("\n")
    }
}

impl Status {
    fn words(&self, (boot, boot_ms): (BootId, u64), language: Language) -> Vec<String> {
        let is_vietnamese = language == Language::Vietnamese;
        let say = |vi: &str, en: &str| if is_vietnamese { vi.to_owned() } else { en.to_owned() };
        let reached = self.reached_boot_ms.filter(|_| self.boot == boot);
        let ago = reached.map(|reached| duration(boot_ms.saturating_sub(reached), language));
        let mut lines = vec![match ago {
            Some(ago) if is_vietnamese => format!("Trung tâm nhận báo cáo lần cuối: {ago} trước"),
            Some(ago) => format!("The collector last took reports {ago} ago"),
            None => say(
                "Trung tâm chưa nhận báo cáo nào kể từ khi tác tử khởi động",
                "The collector has taken no reports since the agent was started",
            ),
        }];
        if let Some(Failing { how, words }) = &self.failing {
            let (vi, en) = how.words();
            lines.push(format!("{}: {words}", say(vi, en)));
        }
        if let Some(Unkept { is_full, words }) = &self.unkept {
            let why =
                if *is_full { say("hết chỗ trên đĩa", "the disk is full") } else { words.clone() };
            lines.push(say("Không lưu được báo cáo mới: ", "New reports cannot be kept: ") + &why);
        }
        lines.push(say("Báo cáo đang chờ gửi: ", "Reports waiting: ") + &self.pending.to_string());
        if self.dropped > 0 {
            lines.push(
                say("Báo cáo bị bỏ vì hết chỗ: ", "Reports dropped for lack of room: ")
                    + &self.dropped.to_string(),
            );
        }
        if self.refused > 0 {
            lines.push(
                say("Báo cáo bị trung tâm từ chối: ", "Reports refused by the collector: ")
                    + &self.refused_words(),
            );
        }
        for silent in &self.silent {
            let (before, between) = if is_vietnamese {
                ("Cảm biến", "không đọc được")
            } else {
                ("Sensor", "cannot be read")
            };
            lines.push(format!("{before} {} {between}: {}", silent.sensor, silent.why));
        }
        lines.push(self.clock_words(language));
        lines
    }

    fn refused_words(&self) -> String {
        let mut words = self.refused.to_string();
        for refused in &self.last_refused {
            let reason = serde_json::to_value(refused.reason).ok();
            let reason = reason.as_ref().and_then(|reason| reason.as_str()).unwrap_or_default();
            words += &format!("\n  {} {reason}", refused.seq);
        }
        words
    }

    fn clock_words(&self, language: Language) -> String {
        let is_vietnamese = language == Language::Vietnamese;
        let Some(ahead_ms) = self.clock_ahead_ms else {
            let unknown = if is_vietnamese {
                "Đồng hồ: chưa so với trung tâm"
            } else {
                "Clock: not compared with the collector yet"
            };
            return unknown.to_owned();
        };
        let off = duration(ahead_ms.unsigned_abs(), language);
        match (is_vietnamese, ahead_ms.unsigned_abs() > CLOCK_OFFSET_MAX_MS, ahead_ms > 0) {
            (true, false, _) => "Đồng hồ: đúng".to_owned(),
            (false, false, _) => "Clock: right".to_owned(),
            (true, true, true) => format!("Đồng hồ: nhanh {off} so với trung tâm"),
            (true, true, false) => format!("Đồng hồ: chậm {off} so với trung tâm"),
            (false, true, true) => format!("Clock: {off} ahead of the collector"),
            (false, true, false) => format!("Clock: {off} behind the collector"),
        }
    }
}

/// A length of time in its largest whole unit.
fn duration(milliseconds: u64, language: Language) -> String {
    let seconds = Duration::from_millis(milliseconds).as_secs();
    let (number, vi, en) = match seconds {
        0..120 => (seconds, "giây", "s"),
        120..7_200 => (seconds / 60, "phút", "min"),
        7_200..172_800 => (seconds / 3_600, "giờ", "h"),
        _ => (seconds / 86_400, "ngày", "days"),
    };
    match language {
        Language::Vietnamese => format!("{number} {vi}"),
        Language::English => format!("{number} {en}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_proto::ack::Reason;

    fn picture() -> Picture {
        let status = Status {
            boot: BootId([1; 8]),
            reached_boot_ms: Some(1_000),
            pending: 7,
            refused: 1,
            last_refused: vec![RefusedForEver { seq: 3, reason: Reason::Limit }],
            silent: vec![Silent { sensor: "disk".into(), why: "cannot read".into() }],
            clock_ahead_ms: Some(-3 * 365 * 86_400_000),
            ..Status::default()
        };
        let enrolled = Some((AgentId([2; 16]), "https://tram:8441".to_owned()));
        Picture { enrolled, is_running: true, status: Some(status), now: (BootId([1; 8]), 601_000) }
    }

    #[test]
    fn words_are_plain_in_both_languages() {
        let picture = picture();
        let english = picture.words(Language::English);
        let vietnamese = picture.words(Language::Vietnamese);
        for part in
            ["last took reports 10 min ago", "waiting: 7", "3 limit", "Sensor disk", "1095 days behind"]
        {
            assert!(english.contains(part), "{part} in {english}");
        }
        for part in ["lần cuối: 10 phút trước", "chờ gửi: 7", "Cảm biến disk", "chậm 1095 ngày"]
        {
            assert!(vietnamese.contains(part), "{part} in {vietnamese}");
        }
        assert_eq!(english.lines().count(), vietnamese.lines().count());
        assert!(!picture.is_well());
    }

    #[test]
    fn what_was_written_last_is_read() {
        let state = tempfile::tempdir().unwrap();
        for pending in [1, 2, 3] {
            let status = Status { pending, ..Status::default() };
            status.write(state.path()).unwrap();
            assert_eq!(Status::read(state.path()), Some(status));
        }
    }

    #[test]
    fn a_full_disk_and_a_refusal_are_told_with_what_to_do() {
        let mut picture = picture();
        let status = picture.status.as_mut().unwrap();
        status.failing = Some(Failing { how: How::Unknown, words: "wait".into() });
        status.unkept = Some(Unkept::from(&SpoolError::Full("/x".into())));
        let english = picture.words(Language::English);
        assert!(
            english.contains(
                "An operator has to accept this agent at the collector (tram-collector agent accept): wait"
            ),
            "{english}"
        );
        assert!(english.contains("New reports cannot be kept: the disk is full"), "{english}");
        let vietnamese = picture.words(Language::Vietnamese);
        assert!(vietnamese.contains("Chờ người vận hành duyệt"), "{vietnamese}");
        assert!(vietnamese.contains("hết chỗ trên đĩa"), "{vietnamese}");
    }

    #[test]
    fn an_answer_in_an_earlier_boot_is_not_called_recent() {
        let picture = Picture { now: (BootId([9; 8]), 5), ..picture() };
        assert!(picture.words(Language::English).contains("has taken no reports since"));
    }
}
