//! The examples that people copy: each is read by the program that it is for, and names every key.

use std::collections::BTreeMap;
use std::path::Path;

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The same text with the keys that are commented out put in force.
fn all_keys(text: &str) -> String {
    let key = |line: &str| {
        line.split_once('=')
            .is_some_and(|(key, _)| key.trim().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    text.lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| key(rest)).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn collector_example_is_the_default_and_every_key_is_known() {
    let text = example("collector.toml");
    let path = Path::new("collector.toml");
    let read = |text: &str| tram_collector::config::parse(path, text, &BTreeMap::new()).unwrap();
    let (example, default) = (read(&text), read(""));
    assert_eq!(format!("{example:?}"), format!("{default:?}"));
    let full = all_keys(&text);
    let keys = full.lines().filter(|line| !line.starts_with('#') && line.contains('=')).count();
    assert_eq!(keys, 18, "{full}");
    read(&full);
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = example("collector.toml").replace("window_ms = 20", "windows_ms = 20");
    let error =
        tram_collector::config::parse(Path::new("collector.toml"), &text, &BTreeMap::new()).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("windows_ms") && said.contains("line"), "{said}");
}
