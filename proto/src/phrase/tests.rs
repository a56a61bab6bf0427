//! That the two files say the same things, and that phrases are found and written as they should be.

use super::*;
use std::collections::BTreeSet;

fn check(reason: &str, vi: &str, en: &str) {
    assert_eq!(read(reason), Said { vi: vi.to_owned(), en: en.to_owned() }, "{reason}");
}

#[test]
fn both_files_have_the_same_messages_with_the_same_variables() {
    let variables = |file: &'static str| -> BTreeMap<&str, BTreeSet<&str>> {
        let of = |text| {
            pieces(text).into_iter().filter_map(|piece| match piece {
                Piece::Variable(name) => Some(name),
                Piece::Text(_) => None,
            })
        };
        messages(file).map(|(key, text)| (key, of(text).collect())).collect()
    };
    assert_eq!(variables(EN), variables(VI));
    assert_eq!(variables(PARTS_EN), variables(PARTS_VI));
    for (key, shown) in variables(SHOWN_EN) {
        assert_eq!(Some(&shown), variables(EN).get(key), "{key}");
    }
    assert!(variables(EN).len() > 200);
}

#[test]
fn no_phrase_is_there_twice_and_each_is_translated() {
    let vi: BTreeMap<_, _> = messages(VI).collect();
    let mut seen = BTreeSet::new();
    for (key, text) in messages(EN) {
        assert!(seen.insert(text), "{key} says what another says: {text}");
        let is_frame = pieces(text).iter().all(|piece| match piece {
            Piece::Text(text) => !text.contains(char::is_alphabetic),
            Piece::Variable(_) => true,
        });
        assert!(is_frame || vi[key] != text, "{key} is in English only");
    }
}

#[test]
fn every_phrase_is_found_by_itself() {
    for (key, text) in messages(EN) {
        let said = text
            .replace("{ $number }", "5")
            .replace("{ $number_best }", "6")
            .replace("{ $reason }", "degraded")
            .replace("{ $name }", "sda")
            .replace("{ $set }", "x")
            .replace("{ $said }", "odd");
        assert!(is_known(&said), "{key}: {said}");
    }
}

#[test]
fn figures_are_written_as_each_language_does() {
    check("reallocated sectors 1040", "1.040 cung từ đã bị thay thế", "reallocated sectors: 1,040");
    check(
        "rated life used percent 103",
        "đã dùng 103 % tuổi thọ định mức",
        "103 % of the rated life is used",
    );
    check(
        "reallocated sectors many",
        "thiết bị báo: “reallocated sectors many”",
        "the device says: “reallocated sectors many”",
    );
    let speed = read("100 Mbit/s, could be 1000");
    assert_eq!(speed.vi, "100 Mbit/s, lẽ ra được 1.000");
}

#[test]
fn kinds_and_figures_have_names() {
    assert_eq!(kind("physical_disk").unwrap().vi, "ổ đĩa");
    assert_eq!(figure("power_on_hours").unwrap().en, "Powered on");
    assert_eq!((kind("flux_capacitor"), figure("")), (None, None));
}

#[test]
fn phrases_within_phrases_are_translated_too() {
    check("event log: input lost", "nhật ký sự kiện: mất điện đầu vào", "event log: input lost");
    check(
        "event log: PSU 1: input lost",
        "nhật ký sự kiện: PSU 1: mất điện đầu vào",
        "event log: PSU 1: input lost",
    );
    check("fan failed", "quạt: đã hỏng", "fan failed");
    check("fan fault", "quạt báo lỗi", "fan fault");
}

#[test]
fn the_words_of_others_are_quoted() {
    check("unknown state \"Fredfish\"", "trạng thái lạ: “Fredfish”", "unknown state \"Fredfish\"");
    check("failed: exit-code", "đã hỏng: “exit-code”", "failed: exit-code");
    check(
        "Frobnicator 7 jammed",
        "thiết bị báo: “Frobnicator 7 jammed”",
        "the device says: “Frobnicator 7 jammed”",
    );
    assert!(!is_known(""));
}

#[test]
fn long_and_odd_reasons_end_soon() {
    let odd = "a: ".repeat(100_000) + "đ";
    assert!(!is_known(&odd));
    assert!(read(&odd).vi.contains("đ"));
}
