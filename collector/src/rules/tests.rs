//! What rules files say, and what is said about mistakes in them.

use super::*;

const EXAMPLE: &str = include_str!("../../../deploy/examples/rules.toml");

fn mistake(text: &str) -> (usize, String) {
    let error = parse(text).unwrap_err();
    let Text { vi, en } = error.text();
    for (text, line) in [(&vi, "dòng"), (&en, "line")] {
        assert!(text.starts_with(&format!("{line} {}: ", error.line)), "{text}");
    }
    assert_eq!(en, error.to_string());
    (error.line, error.message.en)
}

#[test]
fn the_example_is_exactly_the_built_in_rules() {
    assert_eq!(parse(EXAMPLE), Ok(RuleSet::default()));
}

#[test]
fn the_example_documents_every_rule_and_every_key() {
    let document = DeTable::parse(EXAMPLE).unwrap();
    for built_in in BuiltIn::ALL {
        let table = document.get_ref().get(built_in.as_str()).and_then(|table| table.get_ref().as_table());
        let table = table.unwrap_or_else(|| panic!("[{}] is missing", built_in.as_str()));
        let levels = builtin::levels(*built_in).iter().map(|(key, _, _)| key.as_str());
        for key in COMMON_KEYS.iter().copied().chain(levels) {
            assert!(table.contains_key(key), "[{}] {key}", built_in.as_str());
        }
    }
}

#[test]
fn every_built_in_rule_keeps_its_own_checks() {
    for rule in RuleSet::default().iter() {
        assert_eq!(check(rule), Ok(()), "{}", rule.built_in.as_str());
    }
}

#[test]
fn only_what_is_written_changes() {
    let rules = parse("[cpu_busy]\nhold = \"1h30m\"\nraise = 0.8\n\n[clock_off]\nenabled = false\n").unwrap();
    let mut expected = RuleSet::default();
    expected.rule_mut(BuiltIn::CpuBusy).hold_ms = 5_400_000;
    expected.rule_mut(BuiltIn::CpuBusy).levels[Key::Raise as usize] = Some(0.8);
    expected.rule_mut(BuiltIn::ClockOff).enabled = false;
    assert_eq!(rules, expected);
    assert_eq!(parse(""), Ok(RuleSet::default()));
}

#[test]
fn sizes_and_durations_are_read_in_every_notation() {
    let rules =
        parse("[filesystem_nearly_full]\nfree_bytes = 1073741824\nfree_bytes_critical = \"512MiB\"").unwrap();
    let rule = rules.rule(BuiltIn::FilesystemNearlyFull);
    assert_eq!(rule.level(Key::FreeBytes), 1_073_741_824.0);
    assert_eq!(rule.level(Key::FreeBytesCritical), 536_870_912.0);
    let rules = parse("[host_silent]\nintervals = 3\ngrace = \"1m500ms\"\nclear_hold = \"0s\"").unwrap();
    let rule = rules.rule(BuiltIn::HostSilent);
    assert_eq!((rule.level(Key::Intervals), rule.level(Key::Grace), rule.clear_hold_ms), (3.0, 60_500.0, 0));
}

#[test]
fn an_unknown_rule_or_key_is_named_with_its_line() {
    let (line, message) = mistake("# rules\n\n[cpu_bussy]\nhold = \"1m\"\n");
    assert_eq!(line, 3);
    assert!(message.contains("`cpu_bussy`") && message.contains("cpu_busy"), "{message}");
    let (line, message) = mistake("[cpu_busy]\nraise = 0.9\nhodl = \"1m\"\n");
    assert_eq!(line, 3);
    assert!(message.contains("[cpu_busy] unknown key `hodl`") && message.contains("hold"), "{message}");
    // A key of another rule is unknown too.
    assert_eq!(mistake("[memory_low]\nfree_bytes = 1\n").0, 2);
}

#[test]
fn a_wrong_value_is_named_with_its_line_and_what_was_expected() {
    let wrong = [
        ("[cpu_busy]\nraise = 90\n", 2, "share from 0 to 1"),
        ("[cpu_busy]\nraise = nan\n", 2, "share from 0 to 1"),
        ("[cpu_busy]\n\nhold = 10\n", 3, "duration"),
        ("[cpu_busy]\nhold = \"10\"\n", 2, "duration"),
        ("[cpu_busy]\nhold = \"\"\n", 2, "duration"),
        ("[cpu_busy]\nhold = \"-5m\"\n", 2, "duration"),
        ("[cpu_busy]\nhold = \"99999999999999999999d\"\n", 2, "duration"),
        ("[cpu_busy]\nhold = \"9000000d\"\n", 2, "duration"),
        ("[cpu_busy]\nseverity = \"fatal\"\n", 2, "\"critical\""),
        ("[cpu_busy]\nenabled = \"yes\"\n", 2, "true or false"),
        ("[filesystem_nearly_full]\nfree_bytes = \"10GB\"\n", 2, "GiB"),
        ("[filesystem_nearly_full]\nfree_bytes = -1\n", 2, "GiB"),
        ("[temperature]\ndisk = 400\n", 2, "Celsius"),
        ("[host_silent]\nintervals = []\n", 2, "number"),
        ("cpu_busy = 1\n", 1, "table"),
    ];
    for (text, line, expected) in wrong {
        let (found, message) = mistake(text);
        assert_eq!(found, line, "{text}: {message}");
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn levels_that_contradict_each_other_are_refused() {
    for (text, expected) in [
        ("[cpu_busy]\nraise = 0.7\n", "`clear` must be below `raise`"),
        ("[memory_low]\nraise = 0.96\n", "`raise` must be at most `raise_critical`"),
        (
            "[filesystem_nearly_full]\nfree_bytes = \"20GiB\"\n",
            "`free_bytes` must be below `free_bytes_clear`",
        ),
        ("[temperature]\nprocessor = 120\n", "`processor` must be at most `processor_critical`"),
        ("[host_silent]\nintervals = 0.5\n", "`intervals` must be at least 1"),
    ] {
        let (line, message) = mistake(text);
        assert_eq!(line, 1);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn what_is_no_toml_is_named_with_its_line() {
    assert_eq!(mistake("[cpu_busy]\nhold = \n").0, 2);
    assert_eq!(mistake("[cpu_busy]\nhold = \"1m\"\nhold = \"2m\"\n").0, 3);
}

#[test]
fn every_kind_of_mistake_is_said_in_vietnamese_with_its_line_and_its_word() {
    for (text, expected) in [
        ("\n[cpu_bussy]\n", "dòng 2: không có quy tắc `cpu_bussy`; các quy tắc có: "),
        ("cpu_busy = 1\n", "dòng 1: `cpu_busy` phải là một bảng, viết [cpu_busy]"),
        ("[cpu_busy]\nhodl = 1\n", "dòng 2: [cpu_busy] không có khóa `hodl`; các khóa có: enabled, "),
        ("[cpu_busy]\nenabled = 1\n", "dòng 2: [cpu_busy] `enabled` là 1, cần true hoặc false"),
        ("[cpu_busy]\nenabled = []\n", "dòng 2: [cpu_busy] `enabled` là kiểu array, cần true hoặc false"),
        (
            "[cpu_busy]\nseverity = \"x\"\n",
            "`severity` là \"x\", cần \"info\", \"warning\" hoặc \"critical\"",
        ),
        ("[cpu_busy]\nhold = 1\n", "`hold` là 1, cần một khoảng thời gian như "),
        ("[cpu_busy]\nraise = 9\n", "`raise` là 9, cần một tỷ lệ từ 0 đến 1"),
        ("[temperature]\ndisk = 400\n", "`disk` là 400, cần nhiệt độ từ 0 đến 150 độ C"),
        ("[filesystem_nearly_full]\nfree_bytes = -1\n", "`free_bytes` là -1, cần số byte, ví dụ "),
        ("[reboots_too_often]\nraise = -1\n", "`raise` là -1, cần một số không âm"),
        ("[cpu_busy]\nraise = 0.7\n", "dòng 1: [cpu_busy] `clear` phải nhỏ hơn `raise`"),
        ("[memory_low]\nraise = 0.96\n", "[memory_low] `raise` phải không lớn hơn `raise_critical`"),
        ("[host_silent]\nintervals = 0.5\n", "[host_silent] `intervals` phải từ 1 trở lên"),
        ("[cpu_busy]\nhold = \n", "dòng 2: không đúng cú pháp TOML: "),
    ] {
        let said = parse(text).unwrap_err().text().vi;
        assert!(said.contains(expected), "{said}");
    }
}
