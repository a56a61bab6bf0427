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
fn listeners_have_a_port_each_and_the_data_folder_is_the_same_from_everywhere() {
    let listen = |agents: &str, operators: &str| {
        read(&format!("[listen]\nagents = {agents:?}\noperators = {operators:?}\n"), &[])
    };
    for (agents, operators) in [
        ("127.0.0.1:8440", "127.0.0.1:8440"),
        ("0.0.0.0:8440", "10.0.0.5:8440"),
        ("[::]:8440", "10.0.0.5:8440"),
        ("[::1]:8440", "[::]:8440"),
    ] {
        let error = listen(agents, operators).unwrap_err().text();
        assert!(error.en.contains("expected another port than that of listen.agents"), "{error:?}");
        assert!(error.vi.contains("cần một cổng khác"), "{error:?}");
    }
    for (agents, operators) in [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("10.0.0.5:443", "10.0.0.6:443"),
        ("0.0.0.0:443", "[::1]:443"),
        ("0.0.0.0:443", "0.0.0.0:444"),
    ] {
        assert!(listen(agents, operators).is_ok(), "{agents} {operators}");
    }
    let relative = message("data_dir = \"data\"\n", &[]);
    assert!(relative.contains("data_dir = data: expected an absolute path"), "{relative}");
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

#[test]
fn every_kind_of_mistake_is_said_in_both_languages() {
    let path = Path::new("/nowhere/collector.toml");
    let missing = load(Some(path)).unwrap_err().text();
    assert!(missing.vi.starts_with("không đọc được /nowhere/collector.toml: "), "{missing:?}");
    assert!(missing.en.starts_with("/nowhere/collector.toml cannot be read: "), "{missing:?}");
    let variable: &[(&str, &str)] = &[("TRAM_DATA_DIR", "/data")];
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: [Case<'_>; 14] = [
        ("\nagnets = 1\n", &[], "dòng 2: không có khóa `agnets`; các khóa có: `data_dir`", "line 2: unknown"),
        ("\nagnets = 1\n", variable, "không có khóa `agnets`", "unknown field `agnets`"),
        ("[commit]\nx = 1\n", &[], "dòng 2: không có khóa `x`; các khóa có: `window_ms`", "line 2: unknown"),
        ("[commit\n", &[], "collector.toml, dòng 1: không đúng cú pháp", "collector.toml, line 1: "),
        ("[commit\n", variable, "collector.toml, dòng 1: không đúng cú pháp", "collector.toml, line 1: "),
        (
            "[commit]\nwindow_ms = \"1\"\n",
            &[],
            "dòng 2: có chuỗi \"1\", cần số nguyên không âm",
            "line 2: invalid type",
        ),
        (
            "[commit]\nwindow_ms = 5000\n",
            &[],
            "commit.window_ms = 5000: cần từ 0 đến 1000",
            "expected 0 to 1000",
        ),
        ("[listen]\nagents = \"1\"\n", &[], "listen.agents = 1: cần địa chỉ và cổng", "expected an address"),
        ("[listen]\nkey_file = \"k\"\n", &[], "cần cả listen.certificate_file và", "expected both"),
        (
            "[public]\nnames = [\"a b\"]\n",
            &[],
            "public.names = a b: cần tên máy",
            "public.names = a b: expected",
        ),
        (
            "[agents]\nsend_interval_s = 1\n",
            &[],
            "agents.send_interval_s = 1: cần từ 5",
            "expected 5 to 86400",
        ),
        (
            "[agents]\ncollectors = [\"\"]\n",
            &[],
            "agents.collectors = : cần tối đa 32",
            "expected at most 32",
        ),
        ("", &[("TRAM_COMMIT_WINDOW_MS", "x")], "TRAM_COMMIT_WINDOW_MS = x: cần một số", "a whole number"),
        ("", &[("TRAM_LISTEN_AGNETS", "x")], "TRAM_LISTEN_AGNETS = x: cần một thiết lập", "a setting of the"),
    ];
    for (text, variables, vi, en) in cases {
        let said = read(text, variables).unwrap_err().text();
        assert!(said.vi.contains(vi), "{}", said.vi);
        assert!(said.en.contains(en), "{}", said.en);
    }
}
