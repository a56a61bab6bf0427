//! That every text is there, in both languages, and reads as it should.

use super::*;
use crate::health::{BuiltIn, RETIRED};
use crate::model::component::ComponentState;
use std::collections::{BTreeMap, BTreeSet};

const VI: &str = include_str!("../../locales/vi/alerts.ftl");
const EN: &str = include_str!("../../locales/en/alerts.ftl");

/// Messages and attributes of a file, each with the variables that it names and the variants that it chooses from.
fn messages(file: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut message, mut place) = (String::new(), String::new());
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some((id, _)) = line.split_once(" =").filter(|(id, _)| !id.starts_with(' ')) {
            (message, place) = (id.to_owned(), id.to_owned());
            found.entry(place.clone()).or_default();
        } else if let Some((attribute, _)) =
            line.trim().strip_prefix('.').and_then(|rest| rest.split_once(" ="))
        {
            place = format!("{message}.{attribute}");
            found.entry(place.clone()).or_default();
        }
        let variables = line.split('$').skip(1).map(|rest| {
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            format!("${}", &rest[..end.unwrap_or(rest.len())])
        });
        let variants =
            line.trim().trim_start_matches('*').strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let named = variables.chain(variants.map(|(variant, _)| format!("[{variant}]")));
        found.entry(place.clone()).or_default().extend(named);
    }
    found
}

fn figures(items: &[(&str, f64)]) -> Figures {
    items.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

#[test]
fn both_languages_have_the_same_messages_variables_and_variants() {
    assert_eq!(messages(VI), messages(EN));
    assert!(messages(EN)["filesystem_nearly_full.detail"].contains("$free_bytes"));
    assert!(messages(EN)["reachability.title"].contains("[uplink_down]"));
}

#[test]
fn both_files_are_without_mistakes() {
    for file in [VI, EN] {
        let mistakes = FluentResource::try_new(file.to_owned()).err().map(|(_, mistakes)| mistakes);
        assert!(mistakes.is_none(), "{mistakes:?}");
    }
}

#[test]
fn every_rule_has_title_detail_action_and_source_in_both_languages() {
    for rule in BuiltIn::ALL.iter().map(|rule| rule.id()).chain([RETIRED]) {
        // Any message that is missing, or names a variable that is not given, fails in `say`.
        let text = alert(rule, "/srv", &Figures::new(), Severity::Warning, None);
        for text in [text.title, text.detail, text.action, text.source] {
            for spoken in [&text.vi, &text.en] {
                assert!(!spoken.is_empty() && spoken != rule.0, "{}", rule.0);
            }
            assert_ne!(text.vi, text.en, "{}", rule.0);
        }
    }
}

#[test]
fn every_known_figure_is_named_by_some_text() {
    for name in figure::KNOWN {
        assert!(EN.contains(&format!("${name} ")), "{name}");
    }
}

#[test]
fn figures_are_written_as_each_language_does() {
    let figures = figures(&[("used_share", 0.9234), ("free_bytes", 1.5e9), ("size_bytes", 2e10)]);
    let text = alert(BuiltIn::FilesystemNearlyFull.id(), "/srv", &figures, Severity::Warning, None);
    assert_eq!(text.detail.en, "92.3% of 18.6 GiB is used; 1.4 GiB is left.");
    assert_eq!(text.detail.vi, "Đã dùng 92,3% của 18,6 GiB; chỉ còn trống 1,4 GiB.");
    assert_eq!(text.title.vi, "Hệ thống tệp /srv sắp đầy");
}

#[test]
fn durations_have_two_units_and_a_clock_its_direction() {
    let text = |offset_s| {
        alert(BuiltIn::ClockOff.id(), "", &figures(&[("offset_s", offset_s)]), Severity::Warning, None).detail
    };
    assert_eq!(text(-7_500.0).en, "The host's clock is 2 h 5 min behind the collector's.");
    assert_eq!(text(45.0).vi, "Đồng hồ của máy chạy nhanh 45 giây so với trung tâm.");
}

#[test]
fn last_words_and_verdict_choose_the_text() {
    let silent = |ended| {
        let figures = figures(&[("silent_s", 300.0), ("ended", ended)]);
        alert(BuiltIn::HostSilent.id(), "", &figures, Severity::Critical, None).title.en
    };
    assert_eq!(silent(0.0), "The host no longer reports");
    assert_eq!(silent(1.0), "The host was shut down");
    assert_eq!(silent(2.0), "The agent on the host was stopped");
    let figures = figures(&[("verdict", tram_proto::reach::Verdict::UplinkDown.code() as f64)]);
    let text = alert(BuiltIn::Reachability.id(), "", &figures, Severity::Warning, None);
    assert_eq!(text.title.en, "No internet beyond the gateway");
}

#[test]
fn every_bad_verdict_has_words_of_its_own() {
    use tram_proto::reach::Verdict;
    let title = |verdict: &Verdict| {
        let figures = figures(&[("verdict", verdict.code() as f64)]);
        alert(BuiltIn::Reachability.id(), "", &figures, Severity::Warning, None).title.vi
    };
    let bad = [
        Verdict::LanDown,
        Verdict::GatewayDown,
        Verdict::DnsBroken,
        Verdict::UplinkDown,
        Verdict::Captive,
        Verdict::Degraded,
    ];
    let mut titles: BTreeSet<_> = bad.iter().map(title).collect();
    titles.insert(title(&Verdict::Unknown));
    assert_eq!(titles.len(), bad.len() + 1);
}

#[test]
fn a_resolved_alert_says_why_when_nothing_was_repaired() {
    let figures = figures(&[("used_share", 0.97), (crate::alert::GONE, 1.0)]);
    let text = alert(BuiltIn::FilesystemNearlyFull.id(), "/mnt/usb", &figures, Severity::Warning, None);
    assert!(text.detail.en.ends_with("It was resolved because /mnt/usb is no longer there."));
}

#[test]
fn names_from_hosts_cannot_break_or_turn_the_text() {
    let long = "x".repeat(10_000);
    let figures = Figures::new();
    let title = |part: &str| {
        alert(BuiltIn::FilesystemNearlyFull.id(), part, &figures, Severity::Warning, None).title.en
    };
    assert_eq!(title("/a\nb\u{202e}c\u{2066}"), "File system /abc is nearly full");
    assert!(title(&long).chars().count() < 200);
    assert_eq!(title("<b>\"{ $x }\"</b>"), "File system <b>\"{ $x }\"</b> is nearly full");
    assert_eq!(title(""), "File system an unnamed part is nearly full");
}

fn failing_disk() -> Component {
    Component {
        kind: "physical_disk".into(),
        id: "c0/e252/s3".into(),
        name: String::new(),
        model: "ST8000NM".into(),
        serial: "ZA1B2C3D".into(),
        state: ComponentState::PredictedFailure,
        reasons: vec!["pending sectors 1040".into(), "Frobnicator jammed".into()],
        figures: [
            ("power_on_hours", 31_000.0),
            ("pending_sectors", 1_040.0),
            ("size_bytes", 8e12),
            ("removable", 0.0),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        since_ms: 0,
    }
}

#[test]
fn an_alert_over_a_part_says_what_is_wrong_with_it_and_which_it_is() {
    let figures = figures(&[("state", 3.0)]);
    let part = "physical_disk ZA1B2C3D";
    let disk = failing_disk();
    let text = alert(BuiltIn::ComponentHealth.id(), part, &figures, Severity::Warning, Some(&disk));
    assert_eq!(text.title.en, "Disk c0/e252/s3: will fail");
    assert_eq!(
        text.detail.en,
        "It says itself, or by its figures, that it will fail. Reasons: pending sectors: 1,040; the device says: \
         “Frobnicator jammed”. The part: model ST8000NM, serial number ZA1B2C3D. Figures: Size 7.3 TiB; Powered on \
         31,000 h; Pending sectors 1,040."
    );
    assert_eq!(
        text.detail.vi,
        "Tự nó, hoặc các số đo của nó, cho thấy nó sắp hỏng. Lý do: 1.040 cung từ chờ thay thế; thiết bị báo: \
         “Frobnicator jammed”. Bộ phận: kiểu ST8000NM, số sê-ri ZA1B2C3D. Số liệu: Dung lượng 7,3 TiB; Đã chạy 31.000 giờ; \
         Cung từ chờ thay thế 1.040."
    );
    let bare = alert(BuiltIn::ComponentHealth.id(), part, &figures, Severity::Warning, None);
    assert_eq!(bare.title.en, "Disk ZA1B2C3D: will fail");
}

#[test]
fn a_part_that_is_gone_is_told_with_since_when() {
    let figures = figures(&[("gone_s", 7_200.0)]);
    let disk = failing_disk();
    let text = alert(
        BuiltIn::ComponentMissing.id(),
        "physical_disk ZA1B2C3D",
        &figures,
        Severity::Critical,
        Some(&disk),
    );
    assert_eq!(text.title.vi, "Ổ đĩa c0/e252/s3 đã biến mất");
    assert!(text.detail.en.contains("missing for 2 h") && text.detail.en.contains("serial number ZA1B2C3D"));
}

#[test]
fn every_kind_of_part_has_a_name_on_the_pages() {
    let kinds = include_str!("../../../proto/locales/en/parts.ftl")
        .lines()
        .filter_map(|line| line.strip_prefix("kind-"));
    for page in [include_str!("../../locales/en/ui.ftl"), include_str!("../../locales/vi/ui.ftl")] {
        for kind in kinds.clone().filter_map(|line| line.split_once(" = ")) {
            assert!(page.contains(&format!("\ncomponent-{} = ", kind.0)), "component-{}", kind.0);
        }
    }
}
