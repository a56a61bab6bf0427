//! What is said, in both languages.

use super::*;
use crate::config::{Cut, Language};
use crate::sensor::advice::{Missing, What};
use tram_proto::ack::Reason;
use tram_proto::id::AgentId;

const DAY_MS: i64 = 86_400_000;

fn sensed(sensor: &str, read: Read, why: &str) -> Sensed {
    Sensed { sensor: sensor.into(), read, read_boot_ms: Some(586_000), why: why.into() }
}

fn picture() -> Picture {
    let probe = |rung, target: &str, outcome, rtt_s, reason: Option<&str>| Probe {
        rung,
        target: target.into(),
        outcome,
        rtt_s,
        reason: reason.map(str::to_owned),
    };
    let reached = Reached {
        boot_ms: 571_000,
        verdict: Verdict::UplinkDown,
        probes: vec![
            probe(Some(Rung::Gateway), "10.0.0.1", Outcome::Ok, Some(0.0012), None),
            probe(Some(Rung::Internet), "1.1.1.1", Outcome::Failed, None, Some("no answer")),
            probe(
                None,
                "portal:443",
                Outcome::Skipped,
                None,
                Some("a private address outside this host's own subnets"),
            ),
        ],
    };
    let status = Status {
        boot: BootId([1; 8]),
        reached_boot_ms: Some(1_000),
        refused: 1,
        last_refused: vec![RefusedForEver { seq: 3, reason: Reason::Limit }],
        sensors: vec![
            sensed("cpu", Read::Done, ""),
            sensed("ups", Read::Absent, ""),
            sensed("disk", Read::Failed, "cannot read /proc/diskstats: permission denied"),
        ],
        unknown: vec![Unknown { part: "physical_disk sda".into(), why: "cannot read".into() }],
        reached: Some(reached),
        address: "https://second:8441".into(),
        clock_ahead_ms: Some(-3 * 365 * DAY_MS),
        ..Status::default()
    };
    let ends_ms = 4 * 365 * DAY_MS;
    let collector = "https://tram:8441".to_owned();
    let queue = Queue {
        pending: 7,
        oldest_ms: Some(7_300_000),
        bytes: 3 << 20,
        bytes_max: 128 << 20,
        days: Some(31),
    };
    let missing = |what, programs, package| Missing { what, programs, package };
    Picture {
        enrolled: Some(Enrolled { agent: AgentId([2; 16]), collector, ends_ms }),
        is_running: true,
        status: Some(status),
        proxy: Some("http://proxy:3128".into()),
        queue: Some(queue),
        missing: vec![
            missing(What::Disks, &["smartctl"], Some("smartmontools")),
            missing(What::Raid, &["storcli", "perccli"], None),
        ],
        policy: Some((3, vec![Cut::Targets { asked: 40, most: 26 }])),
        now: (BootId([1; 8]), 601_000),
        wall_ms: 0,
    }
}

fn says(picture: &Picture, language: Language, parts: &[&str]) {
    let words = picture.words(language);
    for part in parts {
        assert!(words.contains(part), "{part:?} in\n{words}");
    }
}

#[test]
fn words_are_plain_in_both_languages() {
    let picture = picture();
    let english = [
        "Enrolled with https://tram:8441",
        "The certificate is good for 365 days; it renews by itself",
        "last took reports 10 min ago",
        "address in use: https://second:8441, through the proxy http://proxy:3128",
        "Reports waiting: 7, the oldest 2 h old; the spool takes 3 of 128 MiB, which hold about 31 days",
        "refused by the collector: 1\n  3 limit",
        "1095 days behind",
        "Reachability: the uplink behind the gateway is down (30 s ago)",
        "  gateway 10.0.0.1 is fine, 1 ms",
        "  internet 1.1.1.1 does not answer: no answer",
        "  by policy portal:443 is not tried: a private address outside this host's own subnets",
        "Read: cpu (15 s ago)",
        "This host has none: ups",
        "Sensor disk cannot be read: cannot read /proc/diskstats: permission denied (the agent lacks the right)",
        "State unknown: disk sda: cannot read",
        "SMART (health of disks): smartctl is not installed: apt install smartmontools",
        "RAID controller: storcli or perccli is not installed: from the maker's own pages",
        "Policy of the collector: number 3",
        "  40 targets; 26 are probed",
    ];
    says(&picture, Language::English, &english);
    let vietnamese = [
        "lần cuối: 10 phút trước",
        "  theo chính sách portal:443 không thử: địa chỉ nội bộ ngoài các mạng con của máy này",
        "ổ đĩa sda: không đọc được",
        "qua proxy http://proxy:3128",
        "chờ gửi: 7, cũ nhất 2 giờ trước",
        "đường internet đứt phía sau cổng ra",
        "Cảm biến disk không đọc được: không đọc được /proc/diskstats: thiếu quyền (tác tử thiếu quyền)",
        "  internet 1.1.1.1 không trả lời: không trả lời",
        "chưa cài smartctl: apt install smartmontools",
        "chỉ 26 được thử",
        "chậm 1095 ngày",
    ];
    says(&picture, Language::Vietnamese, &vietnamese);
    let lines = |language| picture.words(language).lines().count();
    assert_eq!(lines(Language::English), lines(Language::Vietnamese));
    assert!(!picture.is_well());
}

#[test]
fn what_was_written_last_is_read() {
    let state = tempfile::tempdir().unwrap();
    for pending in [1, 2, 3] {
        let status = Status { pending, ..picture().status.unwrap() };
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
    let accept = "An operator has to accept this agent at the collector (tram-collector agent accept): wait";
    says(&picture, Language::English, &[accept, "New reports cannot be kept: the disk is full"]);
    says(&picture, Language::Vietnamese, &["Chờ người vận hành duyệt", "hết chỗ trên đĩa"]);
}

#[test]
fn history_that_waits_for_its_hours_is_told_with_when_and_why() {
    let mut picture = picture();
    let shut = |until_ms, by_policy| Some(Shut { reports: 900, until_ms, by_policy, by_limits: !by_policy });
    picture.status.as_mut().unwrap().shut = shut(Some(0), true);
    says(&picture, Language::English, &["History (900 reports) waits until ", ": the policy's hours for it"]);
    says(&picture, Language::Vietnamese, &["Dữ liệu cũ (900 báo cáo) chờ đến ", ": giờ gửi theo chính sách"]);
    picture.status.as_mut().unwrap().shut = shut(None, false);
    says(&picture, Language::English, &["is never sent: this host's own hours for it, in [limits]"]);
    says(&picture, Language::Vietnamese, &["không được gửi: giờ gửi theo [limits]"]);
    let paced = |bytes_per_minute, is_shared| Some(Paced { reports: 900, bytes_per_minute, is_shared });
    for (bytes, is_shared, english, vietnamese) in [
        (
            6_000,
            true,
            "at most 6000 bytes a minute: its share of the site's uplink",
            "tối đa 6000 byte mỗi phút: phần",
        ),
        (
            6_000,
            false,
            "at most 6000 bytes a minute: this host's own [limits]",
            "byte mỗi phút: [limits] của máy này",
        ),
        (0, true, "waits for its turn", "chờ đến lượt"),
    ] {
        let status = picture.status.as_mut().unwrap();
        (status.shut, status.paced) = (None, paced(bytes, is_shared));
        says(&picture, Language::English, &[english]);
        says(&picture, Language::Vietnamese, &[vietnamese]);
    }
}

#[test]
fn a_policy_that_cannot_be_followed_is_called_that_and_not_a_cut() {
    let mut picture = picture();
    picture.status.as_mut().unwrap().unfollowed =
        Some(Unfollowed { version: Some(7), words: "send_interval_s: 1 s is outside 5 to 86400".into() });
    let english = "A new policy 7 of the collector is not sound and not followed: send_interval_s: 1 s";
    says(&picture, Language::English, &[english, "Policy of the collector: number 3"]);
    says(&picture, Language::Vietnamese, &["Chính sách mới số 7 của trung tâm không hợp lệ"]);
    picture.status.as_mut().unwrap().sensors.clear();
    assert!(!picture.is_well());
}

#[test]
fn an_answer_in_an_earlier_boot_is_not_called_recent() {
    let picture = Picture { now: (BootId([9; 8]), 5), ..picture() };
    says(&picture, Language::English, &["has taken no reports since", "Read: cpu\n"]);
}

#[test]
fn a_certificate_that_has_ended_is_told() {
    let mut picture = picture();
    picture.wall_ms = 365 * DAY_MS;
    says(&picture, Language::English, &["The certificate has expired; it is being renewed"]);
}
