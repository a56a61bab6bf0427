//! Configuration: what is typed and what it means, mistakes with their line.

use super::*;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    parse(Path::new("collector.toml"), text, &variables)
}

fn message(text: &str, variables: &[(&str, &str)]) -> String {
    read(text, variables).unwrap_err().to_string()
}

#[test]
fn an_empty_file_means_the_defaults() {
    let config = read("", &[]).unwrap();
    assert_eq!(config.listen.agents.port(), 8441);
    assert_eq!(config.public.operators_port, 8440);
    assert_eq!(config.window, Duration::from_millis(20));
    assert_eq!(config.agents.send_interval_ms(), 60_000);
}

#[test]
fn unknown_keys_are_errors_that_name_the_line() {
    let text = "data_dir = \"/tmp\"\n[listen]\nagnets = \"0.0.0.0:1\"\n";
    let message = message(text, &[]);
    assert!(message.contains("agnets") && message.contains("line 3"), "{message}");
}

#[test]
fn wrong_values_name_key_value_and_expectation() {
    let message = message("[listen]\nagents = \"8441\"\n", &[]);
    assert!(message.contains("listen.agents = 8441: expected an address and port"), "{message}");
    assert!(read("[agents]\nsend_interval_s = 1\n", &[]).is_err());
    assert!(read("[commit]\nwindow_ms = 5000\n", &[]).is_err());
    assert!(read("[listen]\nkey_file = \"key.pem\"\n", &[]).is_err());
    assert!(read("[public]\nnames = [\"a b\"]\n", &[]).is_err());
}

#[test]
fn variables_override_the_file() {
    let config = read(
        "[listen]\nagents = \"0.0.0.0:1\"\n",
        &[("TRAM_LISTEN_AGENTS", "127.0.0.1:2"), ("TRAM_DATA_DIR", "/data"), ("TRAM_PUBLIC_NAMES", "a, b")],
    )
    .unwrap();
    assert_eq!(config.listen.agents.port(), 2);
    assert_eq!(config.data_dir, Path::new("/data"));
    assert_eq!(config.public.names, ["a", "b"]);
}

#[test]
fn variables_that_mean_nothing_are_errors() {
    let message = message("", &[("TRAM_LISTEN_AGNETS", "x")]);
    assert!(message.contains("TRAM_LISTEN_AGNETS"), "{message}");
    assert!(message_is_number(&[("TRAM_COMMIT_WINDOW_MS", "soon")]));
}

fn message_is_number(variables: &[(&str, &str)]) -> bool {
    message("", variables).contains("a whole number")
}

#[test]
fn the_policy_version_follows_the_policy() {
    let one = read("[agents]\nsend_interval_s = 60\n", &[]).unwrap();
    let other = read("[agents]\nsend_interval_s = 30\n", &[]).unwrap();
    assert_ne!(one.agents.version(), other.agents.version());
    assert_eq!(one.agents.version(), one.clone().agents.version());
}

#[test]
fn the_example_is_the_default() {
    let text = include_str!("../../../deploy/examples/collector.toml");
    let example = read(text, &[]).unwrap();
    assert_eq!(format!("{example:?}"), format!("{:?}", read("", &[]).unwrap()));
    // What is commented out is spelled right, too.
    let all: String = text.lines().map(|line| format!("{}\n", uncommented(line))).collect();
    assert_eq!(read(&all, &[]).unwrap().agents.internet_targets, ["1.1.1.1"]);
}

/// A setting that the example comments out; comments proper have a space after the mark.
fn uncommented(line: &str) -> &str {
    line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())).unwrap_or(line)
}
