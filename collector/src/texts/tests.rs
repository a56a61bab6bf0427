//! That every text is there, in both languages, and reads as it should.

use super::*;
use crate::health::{BuiltIn, RETIRED};
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
        let text = alert(rule, "/srv", &Figures::new(), Severity::Warning);
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
    let text = alert(BuiltIn::FilesystemNearlyFull.id(), "/srv", &figures, Severity::Warning);
    assert_eq!(text.detail.en, "92.3% of 18.6 GiB is used; 1.4 GiB is left.");
    assert_eq!(text.detail.vi, "Đã dùng 92,3% của 18,6 GiB; chỉ còn trống 1,4 GiB.");
    assert_eq!(text.title.vi, "Hệ thống tệp /srv sắp đầy");
}

#[test]
fn durations_have_two_units_and_a_clock_its_direction() {
    let text = |offset_s| {
        alert(BuiltIn::ClockOff.id(), "", &figures(&[("offset_s", offset_s)]), Severity::Warning).detail
    };
    assert_eq!(text(-7_500.0).en, "The host's clock is 2 h 5 min behind the collector's.");
    assert_eq!(text(45.0).vi, "Đồng hồ của máy chạy nhanh 45 giây so với trung tâm.");
}

#[test]
fn last_words_and_verdict_choose_the_text() {
    let silent = |ended| {
        let figures = figures(&[("silent_s", 300.0), ("ended", ended)]);
        alert(BuiltIn::HostSilent.id(), "", &figures, Severity::Critical).title.en
    };
    assert_eq!(silent(0.0), "The host no longer reports");
    assert_eq!(silent(1.0), "The host was shut down");
    assert_eq!(silent(2.0), "The agent on the host was stopped");
    let figures = figures(&[("verdict", tram_proto::reach::Verdict::UplinkDown.code() as f64)]);
    let text = alert(BuiltIn::Reachability.id(), "", &figures, Severity::Warning);
    assert_eq!(text.title.en, "No internet beyond the gateway");
}

#[test]
fn every_bad_verdict_has_words_of_its_own() {
    use tram_proto::reach::Verdict;
    let title = |verdict: &Verdict| {
        let figures = figures(&[("verdict", verdict.code() as f64)]);
        alert(BuiltIn::Reachability.id(), "", &figures, Severity::Warning).title.vi
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
    let text = alert(BuiltIn::FilesystemNearlyFull.id(), "/mnt/usb", &figures, Severity::Warning);
    assert!(text.detail.en.ends_with("It was resolved because /mnt/usb is no longer there."));
}

#[test]
fn names_from_hosts_cannot_break_or_turn_the_text() {
    let long = "x".repeat(10_000);
    let figures = Figures::new();
    let title =
        |part: &str| alert(BuiltIn::FilesystemNearlyFull.id(), part, &figures, Severity::Warning).title.en;
    assert_eq!(title("/a\nb\u{202e}c\u{2066}"), "File system /abc is nearly full");
    assert!(title(&long).chars().count() < 200);
    assert_eq!(title("<b>\"{ $x }\"</b>"), "File system <b>\"{ $x }\"</b> is nearly full");
    assert_eq!(title(""), "File system an unnamed part is nearly full");
}
