//! Settings from text: what is read, what is refused and how it is named.

use super::*;

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::parse(Path::new("agent.toml"), text, variables).map_err(|error| error.to_string())
}

#[test]
fn unknown_keys_and_wrong_values_are_named_with_their_line() {
    let check = |text, expect: &str| {
        let error = parse(text, &[]).unwrap_err();
        assert!(error.starts_with(expect), "{error}");
    };
    check("[spool]\nsize_mib = 8\nsise = 1\n", "agent.toml, line 3: unknown field `sise`");
    check("[spol]\n", "agent.toml, line 1: unknown field `spol`");
    check("\n[intervals]\nsample_s = \"x\"", "agent.toml, line 3: invalid type");
    check("[agent", "agent.toml, line 1: ");
    check("[intervals]\nsample_s = 0", "intervals.sample_s = 0: expected 1 to 86400 seconds");
    check("[collector]\nurl = \"http://a\"", "collector.url = http://a: expected https://HOST:PORT");
    check(
        "[collector]\nurls = [\"https://a/b\"]",
        "collector.urls = https://a/b: expected https://HOST:PORT",
    );
    check("[collector]\nproxy = \"a:1\"", "collector.proxy = a:1: expected http://USER@HOST:PORT");
    check("[collector]\nproxy = \"https://a\"", "collector.proxy_ca_file = : expected with an https proxy,");
    check("[collector]\nca_file = \"/nonexistent\"", "/nonexistent: ");
    check("[collector]\nca_file = \"/dev/null\"", "collector.ca_file = /dev/null: expected a certificate");
    check("[limits]\nprobe_kinds = [\"snmp\"]", "limits.probe_kinds = snmp: expected kinds among icmp, tcp");
    check("[limits]\nprivate_networks = [\"10/8\"]", "limits.private_networks = 10/8: expected ADDRESS/BITS");
    check("[sensors]\ndisabled = [\"cpus\"]", "sensors.disabled = cpus: expected names among cpu, ");
    check("[log]\nlevel = \"loud\"", "log.level = loud: expected off, error, ");
    check("[reach]\ntcp_port = 0", "reach.tcp_port = 0: expected 1 to 65535");
    check("[reach]\nname = \"a b\"", "reach.name = a b: expected a domain name");
    check("[reach]\ninternet_targets = [\"x\"]", "reach.internet_targets = x: expected at most 32 of the");
    check("[reach]\nweb_targets = [\"ftp://x\"]", "reach.web_targets = ftp://x: expected at most 32 of the");
    check("[paths]\n\nsmart = \"/x\"", "agent.toml, line 3: unknown field `smart`");
    check("[paths]\nsmartctl = \"smartctl\"", "paths = smartctl: expected an absolute path");
    check("[paths]\nnut = \"nut.dev\"", "paths = nut.dev: expected an absolute path");
    check("[ups]\nserver = \"ups\"", "ups.server = ups: expected HOST:PORT");
    check("[sensors]\ndisks_excluded = [\"[\"]", "sensors.disks_excluded = [: expected a glob");
}

#[test]
fn variables_override_the_file() {
    let variables = [
        ("TRAM_INTERVALS_SAMPLE_S", "5"),
        ("TRAM_AGENT_STATE_DIR", "/x"),
        ("TRAM_SENSORS_DISABLED", "[\"disk\"]"),
        ("TRAM_INSTALL_DIR", "not ours"),
        ("HOME", "/root"),
    ];
    let config = parse("[intervals]\nsample_s = 30\nsend_s = 120", &variables).unwrap();
    assert_eq!(
        (config.sample_interval, config.send_interval),
        (Duration::from_secs(5), Duration::from_secs(120))
    );
    assert_eq!((config.state, config.sensors.disabled), ("/x".into(), vec!["disk".to_owned()]));
}

#[test]
fn sources_are_redirected_by_the_file_then_a_variable_then_the_command_line() {
    let mut config =
        parse("[paths]\nsysfs = \"/s\"\nprocfs = \"/p\"", &[("TRAM_PATHS_PROCFS", "/q")]).unwrap();
    assert_eq!((config.paths.sysfs.clone(), config.paths.procfs.clone()), ("/s".into(), "/q".into()));
    config.redirect(&[("smartctl".to_owned(), "/x/smartctl".to_owned())].into()).unwrap();
    assert_eq!(config.paths.programs["smartctl"], PathBuf::from("/x/smartctl"));
    assert_eq!(config.paths.procfs, PathBuf::from("/q"));
}

#[test]
fn a_password_comes_from_a_file_and_is_never_printed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "secret\n").unwrap();
    let variables = [("TRAM_COLLECTOR_PROXY_PASSWORD_FILE", file.to_str().unwrap())];
    let text = "[collector]\nurl = \"https://a\"\nurls = [\"https://b:1\"]\nproxy = \"http://me@proxy:3128\"";
    let route = parse(text, &variables).unwrap().route;
    assert_eq!(route.collectors, ["https://a:443", "https://b:1"]);
    assert!(!format!("{route:?}").contains("secret"));
    assert_eq!(route.proxy.unwrap().credentials.unwrap().password, "secret");
}

#[test]
fn a_wrong_variable_is_named() {
    let error = parse("", &[("TRAM_SPOOL_SIZE", "5")]).unwrap_err();
    assert!(error.starts_with("variable TRAM_SPOOL_SIZE: unknown field `size`"), "{error}");
}

#[test]
fn the_example_says_every_key_with_its_default() {
    let example = include_str!("../../../deploy/examples/agent.toml");
    assert_eq!(parse(example, &[]).unwrap(), parse("", &[]).unwrap());
    let table: toml::Table = toml::from_str(example).unwrap();
    let defaults = toml::Table::try_from(RawConfig::default()).unwrap();
    for (section, keys) in defaults {
        for key in keys.as_table().unwrap().keys() {
            assert!(table[&section].get(key).is_some(), "{section}.{key} is not in the example");
        }
    }
}
