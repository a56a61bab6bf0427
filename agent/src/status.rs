//! What the agent says of itself: a small file that the running agent writes, and its words for people in both
//! languages. Knows nothing of how it came about.

use crate::config::Language;
use crate::spool::RefusedForEver;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;
use tram_proto::id::{AgentId, BootId};

const FILE: &str = "status.json";
/// A clock that is off by more is worth a word.
const CLOCK_OFFSET_MAX_MS: u64 = 30_000;

/// What the collector holds against this agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objection {
    /// An operator has to accept it first.
    Waits,
    /// It was revoked.
    Revoked,
    /// Its identity is used by two machines.
    Clone,
}

impl Objection {
    fn words(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Waits, Language::Vietnamese) => {
                "Trung tâm chờ quản trị viên duyệt tác tử này: tram-collector agent accept MÃ"
            }
            (Self::Waits, Language::English) => {
                "The collector waits for an administrator to accept this agent: tram-collector agent accept ID"
            }
            (Self::Revoked, Language::Vietnamese) => {
                "Trung tâm đã thu hồi tác tử này: hãy ghi danh lại bằng mã mới"
            }
            (Self::Revoked, Language::English) => {
                "The collector has revoked this agent: enrol again with a new token"
            }
            (Self::Clone, Language::Vietnamese) => {
                "Danh tính này được dùng trên hai máy: hãy ghi danh lại trên máy là bản sao"
            }
            (Self::Clone, Language::English) => {
                "This identity is used on two machines: enrol again on the one that is a copy"
            }
        }
    }
}

/// A sensor that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// The sensor.
    pub sensor: String,
    /// Why.
    pub why: String,
}

/// What the running agent knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// Its boot.
    pub boot: BootId,
    /// When it last got an answer, in milliseconds of that boot; none: not in this run.
    pub reached_boot_ms: Option<u64>,
    /// Why the last request failed; none: it did not.
    pub failing: Option<String>,
    /// What the collector holds against this agent; none: nothing that is known.
    #[serde(default)]
    pub objection: Option<Objection>,
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
    pub fn write(&self, state: &Path) -> io::Result<()> {
        let unfinished = state.join("status.unfinished");
        fs::write(&unfinished, serde_json::to_vec(self)?)?;
        fs::rename(unfinished, state.join(FILE))
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
        let is_fine = |status: &Status| status.failing.is_none() && status.silent.is_empty();
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
            Some(ago) if is_vietnamese => format!("Trung tâm trả lời lần cuối: {ago} trước"),
            Some(ago) => format!("The collector last answered {ago} ago"),
            None => say(
                "Trung tâm chưa trả lời lần nào kể từ khi tác tử khởi động",
                "The collector has not answered since the agent was started",
            ),
        }];
        if let Some(objection) = self.objection {
            lines.push(objection.words(language).to_owned());
        } else if let Some(why) = &self.failing {
            lines.push(say("Lần gửi cuối không thành: ", "The last try failed: ") + why);
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
            // Writing to a string does not fail.
            write!(words, "\n  {} {reason}", refused.seq).ok();
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
        for part in ["last answered 10 min ago", "waiting: 7", "3 limit", "Sensor disk", "1095 days behind"] {
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
    fn what_the_collector_holds_against_it_is_said_in_both_languages() {
        for (objection, english, vietnamese) in [
            (Objection::Waits, "agent accept ID", "duyệt tác tử này"),
            (Objection::Revoked, "has revoked", "đã thu hồi"),
            (Objection::Clone, "on two machines", "trên hai máy"),
        ] {
            let failing = Some("from the wire".to_owned());
            let status = Status { failing, objection: Some(objection), ..Status::default() };
            let picture = Picture { status: Some(status), ..picture() };
            for (language, words) in [(Language::English, english), (Language::Vietnamese, vietnamese)] {
                let said = picture.words(language);
                assert!(said.contains(words) && !said.contains("from the wire"), "{said}");
            }
            assert!(!picture.is_well());
        }
    }

    #[test]
    fn an_answer_in_an_earlier_boot_is_not_called_recent() {
        let picture = Picture { now: (BootId([9; 8]), 5), ..picture() };
        assert!(picture.words(Language::English).contains("has not answered since"));
    }
}
