//! What `status` says, in Vietnamese and in English: what works, what does not, why, and what to do. Text only.

use super::{Enrolled, Failing, How, Picture, Queue, Status, Unkept};
use crate::config::Language;
use std::time::Duration;
use tram_proto::id::BootId;

mod advice;
mod history;
mod parts;

/// A clock that is off by more is worth a word.
const CLOCK_OFFSET_MAX_MS: u64 = 30_000;
const DAY_MS: i64 = 86_400_000;

/// Says things in one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Say(Language);

impl Say {
    /// The text of the language.
    pub(super) fn of<T>(self, vi: T, en: T) -> T {
        match self.0 {
            Language::Vietnamese => vi,
            Language::English => en,
        }
    }

    /// What a sensor or a part gave as its reason.
    pub(super) fn reason(self, reason: &str) -> String {
        let said = tram_proto::phrase::read(reason);
        self.of(said.vi, said.en)
    }

    /// What stood in the way, in this language where it is known in both.
    fn detail(self, why: &str) -> String {
        tram_proto::phrase::find(why).map_or_else(|| why.to_owned(), |said| self.of(said.vi, said.en))
    }

    /// A length of time in its largest whole unit.
    pub(super) fn duration(self, milliseconds: u64) -> String {
        let seconds = Duration::from_millis(milliseconds).as_secs();
        let (number, vi, en) = match seconds {
            0..120 => (seconds, "giây", "s"),
            120..7_200 => (seconds / 60, "phút", "min"),
            7_200..172_800 => (seconds / 3_600, "giờ", "h"),
            _ => (seconds / 86_400, "ngày", "days"),
        };
        format!("{number} {}", self.of(vi, en))
    }
}

impl Picture {
    /// In plain words.
    pub fn words(&self, language: Language) -> String {
        let say = Say(language);
        let mut lines = self.enrolment(say);
        lines.push(if self.is_running {
            say.of("Tác tử đang chạy", "The agent is running").to_owned()
        } else {
            say.of(
                "Tác tử không chạy: systemctl start tram-agent",
                "The agent is not running: systemctl start tram-agent",
            )
            .to_owned()
        });
        if let Some(status) = &self.status {
            lines.extend(self.delivery(status, say));
        }
        lines.extend(self.queue.as_ref().map(|queue| queue_words(queue, say)));
        if let Some(status) = &self.status {
            lines.extend(history::words(status, say));
            lines.extend(status.losses(say));
            lines.push(status.clock(say));
            lines.extend(status.reached_words(self.now, say));
            lines.extend(status.sensor_words(self.now, say));
        }
        lines.extend(self.advice(say));
        lines.extend(self.policy_words(say));
        lines.join("\n")
    }

    fn enrolment(&self, say: Say) -> Vec<String> {
        let Some(Enrolled { agent, collector, ends_ms }) = &self.enrolled else {
            return vec![
                say.of(
                    "Chưa ghi danh. Hãy chạy: tram-agent enroll --collector https://MÁY:8441 --token MÃ",
                    "Not enrolled. Run: tram-agent enroll --collector https://HOST:8441 --token TOKEN",
                )
                .to_owned(),
            ];
        };
        let now_ms =
            self.wall_ms - self.status.as_ref().and_then(|status| status.clock_ahead_ms).unwrap_or(0);
        let left_ms = ends_ms - now_ms;
        let certificate = match u64::try_from(left_ms) {
            Ok(left_ms) if left_ms > 0 => {
                let left = say.duration(left_ms);
                let renews = left_ms as i64 <= DAY_MS * 122;
                let renewal = if renews {
                    say.of("; đang xin cấp lại", "; it is being renewed")
                } else {
                    say.of("; sẽ tự xin cấp lại", "; it renews by itself")
                };
                say.of(format!("Chứng thư còn hạn {left}"), format!("The certificate is good for {left}"))
                    + renewal
            }
            _ => say
                .of(
                    "Chứng thư đã hết hạn; đang xin cấp lại",
                    "The certificate has expired; it is being renewed",
                )
                .to_owned(),
        };
        vec![format!("{} {collector} ({agent})", say.of("Đã ghi danh với", "Enrolled with")), certificate]
    }

    fn delivery(&self, status: &Status, say: Say) -> Vec<String> {
        let (boot, boot_ms) = self.now;
        let reached = status.reached_boot_ms.filter(|_| status.boot == boot);
        let ago = reached.map(|reached| say.duration(boot_ms.saturating_sub(reached)));
        let mut lines = vec![match ago {
            Some(ago) => say.of(
                format!("Trung tâm nhận báo cáo lần cuối: {ago} trước"),
                format!("The collector last took reports {ago} ago"),
            ),
            None => say
                .of(
                    "Trung tâm chưa nhận báo cáo nào kể từ khi tác tử khởi động",
                    "The collector has taken no reports since the agent was started",
                )
                .to_owned(),
        }];
        if !status.address.is_empty() {
            let way = match &self.proxy {
                Some(proxy) => say.of(format!(", qua proxy {proxy}"), format!(", through the proxy {proxy}")),
                None => String::new(),
            };
            let before = say.of("Địa chỉ trung tâm đang dùng: ", "Collector address in use: ");
            lines.push(format!("{before}{}{way}", status.address));
        }
        if let Some(Failing { how, words }) = &status.failing {
            let (vi, en) = how.words();
            lines.push(format!("{}: {}", say.of(vi, en), say.detail(words)));
        }
        if let Some(Unkept { is_full, words }) = &status.unkept {
            let why = if *is_full { say.of("hết chỗ trên đĩa", "the disk is full") } else { words };
            lines.push(
                say.of("Không lưu được báo cáo mới: ", "New reports cannot be kept: ").to_owned() + why,
            );
        }
        lines
    }
}

fn queue_words(queue: &Queue, say: Say) -> String {
    let mut words = format!("{}{}", say.of("Báo cáo đang chờ gửi: ", "Reports waiting: "), queue.pending);
    if let Some(oldest_ms) = queue.oldest_ms {
        let age = say.duration(oldest_ms);
        words += &say.of(format!(", cũ nhất {age} trước"), format!(", the oldest {age} old"));
    }
    let (used, most) = (queue.bytes.div_ceil(1 << 20), queue.bytes_max >> 20);
    words += &say.of(
        format!("; hàng đợi dùng {used} trong {most} MiB"),
        format!("; the spool takes {used} of {most} MiB"),
    );
    if let Some(days) = queue.days {
        words += &say.of(
            format!(", giữ được khoảng {days} ngày mất kết nối"),
            format!(", which hold about {days} days without a connection"),
        );
    }
    words
}

impl Status {
    fn losses(&self, say: Say) -> Vec<String> {
        let mut lines = Vec::new();
        if self.thinned > 0 {
            let before = say.of("Báo cáo đã gộp lại vì hết chỗ: ", "Reports thinned for lack of room: ");
            lines.push(format!("{before}{}", self.thinned));
        }
        if self.dropped > 0 {
            let before = say.of("Báo cáo bị bỏ vì hết chỗ: ", "Reports dropped for lack of room: ");
            lines.push(format!("{before}{}", self.dropped));
        }
        if self.refused > 0 {
            let before = say.of("Báo cáo bị trung tâm từ chối: ", "Reports refused by the collector: ");
            lines.push(format!("{before}{}", self.refused_words()));
        }
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

    fn clock(&self, say: Say) -> String {
        let Some(ahead_ms) = self.clock_ahead_ms else {
            return say
                .of("Đồng hồ: chưa so với trung tâm", "Clock: not compared with the collector yet")
                .to_owned();
        };
        let off = say.duration(ahead_ms.unsigned_abs());
        if ahead_ms.unsigned_abs() <= CLOCK_OFFSET_MAX_MS {
            say.of("Đồng hồ: đúng", "Clock: right").to_owned()
        } else if ahead_ms > 0 {
            say.of(
                format!("Đồng hồ: nhanh {off} so với trung tâm"),
                format!("Clock: {off} ahead of the collector"),
            )
        } else {
            say.of(
                format!("Đồng hồ: chậm {off} so với trung tâm"),
                format!("Clock: {off} behind the collector"),
            )
        }
    }

    /// How long ago something was in this boot; none: it was in an earlier one.
    fn ago(&self, then_ms: u64, (boot, boot_ms): (BootId, u64)) -> Option<u64> {
        (self.boot == boot).then(|| boot_ms.saturating_sub(then_ms))
    }
}

impl How {
    /// In Vietnamese and in English: what it is, and what to do if something is to be done.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreachable => ("Không tới được trung tâm", "The collector cannot be reached"),
            Self::Busy => (
                "Trung tâm tạm thời chưa nhận; báo cáo được giữ ở đây và gửi lại sau",
                "The collector takes nothing at the moment; reports are kept here and sent again",
            ),
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
