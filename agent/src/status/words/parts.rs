//! What `status` says of the ladder and the sensors. Text only.

use super::Say;
use crate::sensor::reach::NO_TARGET;
use crate::status::{Probe, Read, Sensed, Status};
use tram_proto::id::BootId;
use tram_proto::reach::{Outcome, Rung, Verdict};

impl Status {
    pub(super) fn reached_words(&self, now: (BootId, u64), say: Say) -> Vec<String> {
        let Some(reached) = &self.reached else {
            return vec![say.of("Kết nối: chưa thử", "Reachability: not tried yet").to_owned()];
        };
        let (vi, en) = verdict(reached.verdict);
        let ago = self.ago(reached.boot_ms, now).map(|ago| say.duration(ago));
        let when = ago.map(|ago| say.of(format!(" ({ago} trước)"), format!(" ({ago} ago)")));
        let when = when.unwrap_or_default();
        let mut lines = vec![format!("{}{}{when}", say.of("Kết nối: ", "Reachability: "), say.of(vi, en))];
        lines.extend(reached.probes.iter().map(|probe| probe_words(probe, say)));
        lines
    }

    pub(super) fn sensor_words(&self, now: (BootId, u64), say: Say) -> Vec<String> {
        let named = |read: Read| self.sensors.iter().filter(move |sensed| sensed.read == read);
        let mut lines = Vec::new();
        let read: Vec<String> = named(Read::Done).map(|sensed| self.read_words(sensed, now, say)).collect();
        if !read.is_empty() {
            lines.push(say.of("Đọc được: ", "Read: ").to_owned() + &read.join(", "));
        }
        let absent: Vec<&str> = named(Read::Absent).map(|sensed| sensed.sensor.as_str()).collect();
        if !absent.is_empty() {
            lines.push(say.of("Máy này không có: ", "This host has none: ").to_owned() + &absent.join(", "));
        }
        for sensed in named(Read::Failed) {
            let last = sensed.read_boot_ms.and_then(|last| self.ago(last, now)).map(|ago| say.duration(ago));
            let last = match last {
                Some(ago) => say.of(format!("; lần cuối {ago} trước"), format!("; last {ago} ago")),
                None => String::new(),
            };
            let (why, hint) = (say.reason(&sensed.why), hint(&sensed.why, say));
            lines.push(say.of(
                format!("Cảm biến {} không đọc được: {why}{hint}{last}", sensed.sensor),
                format!("Sensor {} cannot be read: {why}{hint}{last}", sensed.sensor),
            ));
        }
        for part in &self.unknown {
            let why: Vec<String> = part.why.split("; ").map(|reason| say.reason(reason)).collect();
            let (why, hint) = (why.join("; "), hint(&part.why, say));
            let before = say.of("Không rõ tình trạng: ", "State unknown: ");
            lines.push(format!("{before}{}: {why}{hint}", name(&part.part, say)));
        }
        lines
    }

    fn read_words(&self, sensed: &Sensed, now: (BootId, u64), say: Say) -> String {
        let name = &sensed.sensor;
        let ago = sensed.read_boot_ms.and_then(|last| self.ago(last, now));
        match ago.map(|ago| say.duration(ago)) {
            Some(ago) => say.of(format!("{name} ({ago} trước)"), format!("{name} ({ago} ago)")),
            None => name.clone(),
        }
    }
}

/// `physical_disk sda` as people say it.
fn name(part: &str, say: Say) -> String {
    let Some((kind, id)) = part.split_once(' ') else { return part.to_owned() };
    let said = tram_proto::phrase::kind(kind);
    said.map_or_else(|| part.to_owned(), |said| format!("{} {id}", say.of(said.vi, said.en)))
}

/// What to do about a reason that the system gave.
fn hint(why: &str, say: Say) -> &'static str {
    let why = why.to_lowercase();
    if why.contains("permission denied") || why.contains("not permitted") {
        return say.of(" (tác tử thiếu quyền)", " (the agent lacks the right)");
    }
    ""
}

fn probe_words(probe: &Probe, say: Say) -> String {
    let (vi, en) = match probe.rung {
        Some(Rung::Interface) => ("cổng mạng", "interface"),
        Some(Rung::Gateway) => ("cổng ra", "gateway"),
        Some(Rung::Resolver) => ("máy chủ tên miền", "name server"),
        Some(Rung::Name) => ("tên miền", "name"),
        Some(Rung::Internet) => ("internet", "internet"),
        Some(Rung::Web) => ("trang web", "web page"),
        Some(Rung::Collector) => ("trung tâm", "collector"),
        None => ("theo chính sách", "by policy"),
    };
    let (outcome_vi, outcome_en) = match probe.outcome {
        Outcome::Ok => ("tốt", "is fine"),
        Outcome::Failed => ("không trả lời", "does not answer"),
        Outcome::Lossy => ("trả lời nhưng mất gói", "answers with losses"),
        Outcome::Captive => ("bị trang đăng nhập chặn", "is behind a sign-in page"),
        Outcome::Skipped => ("không thử", "is not tried"),
    };
    let outcome = say.of(outcome_vi, outcome_en);
    let mut words = match probe.target.as_str() {
        NO_TARGET => format!("  {}: {}", say.of(vi, en), say.of("không có", "there is none")),
        target => format!("  {} {target} {outcome}", say.of(vi, en)),
    };
    if let Some(rtt_s) = probe.rtt_s {
        words += &format!(", {:.0} ms", rtt_s * 1_000.0);
    }
    if let Some(reason) = &probe.reason {
        words += &format!(": {}", say.reason(reason));
    }
    words
}

fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Ok => ("tốt", "fine"),
        Verdict::LanDown => (
            "mạng nội bộ đứt: không cổng mạng nào có dây và địa chỉ",
            "the local network is down: no interface has a link and an address",
        ),
        Verdict::GatewayDown => ("cổng ra (gateway) không trả lời", "the gateway does not answer"),
        Verdict::DnsBroken => ("tên miền không phân giải được", "names are not resolved"),
        Verdict::UplinkDown => {
            ("đường internet đứt phía sau cổng ra", "the uplink behind the gateway is down")
        }
        Verdict::Captive => {
            ("một trang đăng nhập chặn đường ra internet", "a sign-in page stands before the internet")
        }
        Verdict::Degraded => ("internet chậm hoặc mất gói", "the internet is slow or lossy"),
        Verdict::CollectorUnreachable => {
            ("internet tốt, trung tâm không trả lời", "the internet answers, the collector does not")
        }
        Verdict::Unknown => ("chưa rõ", "not known"),
    }
}
