//! Commands beside a store that a collector has made.

use super::*;
use crate::api::secret;
use crate::model::agency::{AgencyId, Scope};
use crate::model::agent::{Agent, AgentId, AgentState};
use crate::model::asset::AssetKind;
use crate::model::user::Role;
use crate::revocations::Revocations;
use crate::store::sqlite::{
    self, Readers, agency, agent as agent_rows, api_token, audit, change, enrollment as enrollments,
    user as users,
};
use std::collections::BTreeMap;
use std::path::Path;

struct Place {
    dir: tempfile::TempDir,
    config: Config,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        drop(sqlite::open_writer(dir.path()).unwrap());
        let config = config_of(dir.path());
        Self { dir, config }
    }

    /// Runs a command line; what it says, or its complaint, in one language.
    fn run(&self, line: &[&str], language: Language) -> Result<String, Complaint> {
        let arguments = [&["tram-collector"], line].concat();
        let matches =
            help::translate(Arguments::command(), language).try_get_matches_from(arguments).unwrap();
        let answer = match Arguments::from_arg_matches(&matches).unwrap().command {
            Command::Backup(asked) => backup::run(&self.config, language, asked),
            Command::Restore(asked) => backup::restore(&self.config, language, asked),
            Command::Enrollment(command) => enrollment::run(&self.config, command),
            Command::Agent(command) => agent::run(&self.config, language, command),
            Command::Policy(command) => policy::run(&self.config, command),
            Command::Site(command) => site::run(&self.config, command),
            Command::User(command) => user::run(&self.config, language, command),
            Command::Token(command) => token::run(&self.config, command),
            Command::Serve | Command::CheckConfig => panic!("not a command beside the store"),
        };
        answer.map(|answer| answer.in_language(language).to_owned())
    }

    fn read<T>(&self, read: impl FnOnce(&rusqlite::Connection) -> Result<T, crate::store::StoreError>) -> T {
        Readers::new(self.dir.path()).read(read).unwrap()
    }

    fn password_file(&self, password: &str) -> String {
        let path = self.dir.path().join("password");
        std::fs::write(&path, format!("{password}\n")).unwrap();
        path.display().to_string()
    }
}

fn config_of(dir: &Path) -> Config {
    let text = format!("data_dir = {:?}\n[public]\nnames = [\"tram.test\"]\n", dir.display().to_string());
    config::parse(Path::new("collector.toml"), &text, &BTreeMap::new()).unwrap()
}

#[test]
fn a_user_is_added_once_and_gets_a_new_password() {
    let place = Place::new();
    let file = place.password_file("mật khẩu số một");
    let add = ["user", "add", "an", "--role", "operator", "--password-file", &file];
    assert!(place.run(&add, Language::Vi).unwrap().contains("Đã thêm người dùng an"));
    let twice = place.run(&add, Language::En).unwrap_err();
    assert!(twice.say(Language::En).contains("an exists"), "{twice:?}");
    assert!(twice.say(Language::Vi).contains("đã có người dùng"), "{twice:?}");
    let (user, first) = place.read(|connection| users::by_name(connection, "an")).unwrap();
    assert_eq!((user.role, user.scope, user.language), (Role::Operator, Scope::All, Language::Vi));
    let file = place.password_file("mật khẩu số hai");
    let reset = ["user", "reset-password", "an", "--password-file", &file];
    place.run(&reset, Language::Vi).unwrap();
    let (_, second) = place.read(|connection| users::by_name(connection, "an")).unwrap();
    assert_ne!(first, second);
    let unknown = place.run(&["user", "reset-password", "ai", "--password-file", &file], Language::Vi);
    assert!(unknown.unwrap_err().say(Language::Vi).contains("người dùng"));
    let actions: Vec<_> = place
        .read(|connection| audit::page(connection, None, 10))
        .into_iter()
        .map(|row| (row.action, row.actor.name.starts_with("cli:")))
        .collect();
    assert_eq!(actions, [("user.reset_password".to_owned(), true), ("user.add".to_owned(), true)]);
    assert_eq!(place.read(change::latest), 2, "a running collector is told");
}

#[test]
fn what_cannot_be_is_complained_about_in_the_language_asked_for() {
    let place = Place::new();
    let file = place.password_file("ngắn");
    let short = ["user", "add", "an", "--role", "viewer", "--password-file", &file];
    let complaint = place.run(&short, Language::Vi).unwrap_err();
    assert!(complaint.is_usage && complaint.say(Language::Vi).contains("4 ký tự"), "{complaint:?}");
    let lines: [(&[&str], &str, &str); 6] = [
        (&["user", "add", "a\nb", "--role", "viewer"], "xuống dòng", "line break"),
        (&["user", "add", "an", "--role", "viewer", "--agency", "Không/Có"], "không có cơ quan", "no agency"),
        (&["agent", "revoke", "xyz"], "32 chữ số", "32 hexadecimal"),
        (&["agent", "revoke", "00000000000000000000000000000000"], "Không có tác tử", "no such agent"),
        (&["enrollment", "create", "--agency", "A", "--site", "S", "--uses", "0"], "từ 1", "expected 1"),
        (&["enrollment", "create", "--agency", "A", "--site", "S", "--expires", "1y"], "24h", "such as 30m"),
    ];
    for (line, vi, en) in lines {
        let complaint = place.run(line, Language::Vi).unwrap_err();
        assert!(complaint.say(Language::Vi).contains(vi), "{complaint:?}");
        assert!(complaint.say(Language::En).contains(en), "{complaint:?}");
    }
    assert_eq!(place.read(change::latest), 0, "nothing was changed");
    let empty = tempfile::tempdir().unwrap();
    let nowhere = Place { config: config_of(empty.path()), dir: empty };
    let complaint = nowhere.run(&["agent", "list"], Language::En).unwrap_err();
    assert!(complaint.say(Language::En).contains("there is no store"), "{complaint:?}");
    assert!(!nowhere.dir.path().join("state.db").exists());
}

#[test]
fn an_enrolment_is_for_a_place_and_its_token_pins_the_authority() {
    let place = Place::new();
    let create = [
        "enrollment",
        "create",
        "--agency",
        "Tỉnh/Huyện/Xã",
        "--site",
        "Trụ sở",
        "--uses",
        "30",
        "--expires",
        "7d",
    ];
    let said = place.run(&create, Language::Vi).unwrap();
    let text = said.split_whitespace().find(|word| word.starts_with("tram1_")).unwrap();
    let token: tram_proto::enroll::Token = text.parse().unwrap();
    let pki = crate::pki::Pki::open(place.dir.path(), &place.config.public.names, 0).unwrap();
    assert_eq!(token.ca_sha256, pki.ca_sha256());
    let secret = secret::digest(&token.secret);
    let stored = place.read(move |connection| enrollments::by_secret(connection, secret)).unwrap();
    assert_eq!((stored.uses_left, stored.expires_ms), (30, token.issued_ms + 7 * 86_400_000));
    let commune = place.read(|connection| agency::find(connection, &["Tỉnh", "Huyện", "Xã"]));
    assert_eq!(commune, Some(AgencyId(3)));
    assert!(said.contains("tram-agent enroll --collector https://tram.test:8441"), "{said}");
}

#[test]
fn with_packages_the_whole_installation_is_one_line() {
    let mut place = Place::new();
    let packages = tempfile::tempdir().unwrap();
    std::fs::write(packages.path().join("tram-agent-x86_64"), "program").unwrap();
    place.config.install_dir = Some(packages.path().to_owned());
    let said = place.run(&["enrollment", "create", "--agency", "A", "--site", "S"], Language::En).unwrap();
    let command = said.lines().last().unwrap();
    assert!(command.starts_with("f=$(mktemp) && curl ") && command.contains("sha256sum -c"), "{said}");
}

#[test]
fn a_token_is_the_last_word_and_works() {
    let place = Place::new();
    place.run(&["enrollment", "create", "--agency", "Tỉnh/Huyện", "--site", "S"], Language::En).unwrap();
    for (agency, scope) in [(None, Scope::All), (Some("Tỉnh/Huyện"), Scope::Agency(AgencyId(2)))] {
        let mut line = vec!["token", "create", "--role", "viewer", "--name", "giám sát"];
        line.extend(agency.into_iter().flat_map(|path| ["--agency", path]));
        let said = place.run(&line, Language::Vi).unwrap();
        let sha256 = secret::digest(said.split_whitespace().last().unwrap().as_bytes());
        let found = place.read(|connection| api_token::live(connection, &sha256, i64::MAX)).unwrap();
        assert_eq!((found.role, found.scope, found.name.as_str()), (Role::Viewer, scope, "giám sát"));
    }
}

#[test]
fn an_agent_that_waits_is_accepted_in_place_of_the_one_before() {
    let place = Place::new();
    let connection = sqlite::open_writer(place.dir.path()).unwrap();
    let agency = agency::ensure(&connection, Scope::All, &["Tỉnh"]).unwrap();
    let site = agency::ensure_site(&connection, agency, "S").unwrap();
    let asset = agent_rows::add_asset(&connection, site, "may-chu", AssetKind::Server).unwrap().id;
    let (old, new) = (AgentId([1; 16]), AgentId([2; 16]));
    for (id, state) in [(old, AgentState::Active), (new, AgentState::Quarantined)] {
        let (machine, version) = ([1; 32], String::new());
        let agent = Agent { id, asset, state, machine, clone_seen_ms: None, version, enrolled_ms: 0 };
        agent_rows::add(&connection, &agent).unwrap();
    }
    let said = place.run(&["agent", "accept", &new.to_string()], Language::En).unwrap();
    assert!(said.contains("Revoked 1 earlier"), "{said}");
    let listed = place.run(&["agent", "list"], Language::En).unwrap();
    assert!(
        listed.contains(&format!("{old}  revoked")) && listed.contains(&format!("{new}  active")),
        "{listed}"
    );
    assert!(Revocations::read(place.dir.path()).unwrap().contains(old), "it survives an older backup");
    place.run(&["agent", "accept", &new.to_string()], Language::En).unwrap_err();
}

#[test]
fn an_agent_is_listed_and_revoked_for_ever() {
    let place = Place::new();
    let id = AgentId([0xab; 16]);
    let connection = sqlite::open_writer(place.dir.path()).unwrap();
    let agency = agency::ensure(&connection, Scope::All, &["Tỉnh"]).unwrap();
    let site = agency::ensure_site(&connection, agency, "S").unwrap();
    let asset = agent_rows::add_asset(&connection, site, "may\u{1b}[2J-chu", AssetKind::Server).unwrap().id;
    let (machine, version) = ([1; 32], String::new());
    let agent =
        Agent { id, asset, state: AgentState::Active, machine, clone_seen_ms: None, version, enrolled_ms: 0 };
    agent_rows::add(&connection, &agent).unwrap();
    let listed = place.run(&["agent", "list"], Language::En).unwrap();
    assert!(listed.contains("active") && !listed.contains('\u{1b}'), "{listed:?}");
    assert!(place.run(&["agent", "revoke", &id.to_string()], Language::Vi).unwrap().contains("Đã thu hồi"));
    assert!(place.run(&["agent", "list"], Language::Vi).unwrap().contains("đã thu hồi"));
    assert!(Revocations::read(place.dir.path()).unwrap().contains(id), "it survives an older backup");
}

#[test]
fn a_policy_is_set_shown_and_written_down_and_what_agents_would_not_follow_is_refused() {
    let place = Place::new();
    place.run(&["enrollment", "create", "--agency", "Tỉnh/Huyện", "--site", "Trụ sở"], Language::En).ok();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples/policy.toml");
    let none = place.run(&["policy", "show"], Language::Vi).unwrap();
    assert_eq!(none, "Chưa yêu cầu gì ở đây.");
    let set = place.run(&["policy", "set", example], Language::En).unwrap();
    assert!(set.starts_with("The policy is set, change 1."), "{set}");
    let shown = place.run(&["policy", "show"], Language::En).unwrap();
    let read = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
    assert_eq!(read(&shown), read(&std::fs::read_to_string(example).unwrap()));
    let rows = place.read(|connection| audit::page(connection, None, 10));
    assert_eq!((rows[0].action.as_str(), rows[0].subject.as_str()), ("policy.put", "policy:all"));
    let file = place.dir.path().join("policy.toml");
    let path = file.display().to_string();
    for (text, why, vi) in [
        (
            "send_interval_s = 60",
            "unknown field `send_interval_s`",
            "dòng 1: không có khóa `send_interval_s`",
        ),
        ("run = \"reboot\"", "unknown field `run`", "không có khóa `run`; các khóa có: "),
        ("sample_interval_s = 1", "outside 5 to 86400", "1 giây nằm ngoài"),
        ("[[probes]]\nkind = \"exec\"\nhost = \"a\"", "unknown variant `exec`", "không có giá trị `exec`"),
    ] {
        std::fs::write(&file, text).unwrap();
        let refused = place.run(&["policy", "set", &path], Language::En).unwrap_err();
        assert!(
            refused.is_usage && refused.text.en.contains(why) && refused.text.vi.contains(vi),
            "{refused:?}"
        );
    }
    let nowhere = place.run(&["policy", "show", "--agency", "Nowhere"], Language::En).unwrap_err();
    assert!(nowhere.text.en.contains("there is no agency"), "{nowhere:?}");
}

#[test]
fn a_sites_budget_is_set_listed_and_written_down() {
    let place = Place::new();
    let make = ["enrollment", "create", "--agency", "P/A", "--site", "s"];
    place.run(&make, Language::En).unwrap();
    let set = |typed: &str| {
        let line = ["site", "set", "--agency", "P/A", "--site", "s", "--history-bytes-per-minute", typed];
        place.run(&line, Language::En)
    };
    assert!(set("240000").unwrap().contains("at most 240000 bytes"));
    assert_eq!(place.run(&["site", "list"], Language::En).unwrap(), "1\ts\t240000");
    assert_eq!(place.read(agency::budgets).len(), 1);
    for wrong in ["12", "4294967296", "all", ""] {
        assert!(set(wrong).unwrap_err().is_usage, "{wrong}");
    }
    set("none").unwrap();
    assert_eq!(place.run(&["site", "list"], Language::Vi).unwrap(), "1\ts\tkhông giới hạn");
    let unknown = ["site", "set", "--agency", "P/A", "--site", "x", "--history-bytes-per-minute", "0"];
    assert!(place.run(&unknown, Language::En).unwrap_err().is_usage);
    let audit = place.read(|connection| audit::page(connection, None, 10));
    assert_eq!(audit.iter().filter(|entry| entry.action == "site.change").count(), 2);
}

#[test]
fn a_folder_of_agents_that_is_missing_is_said_once_and_is_no_mistake() {
    let place = Place::new();
    let missing = place.dir.path().join("agents");
    let config = Config { install_dir: Some(missing), ..place.config.clone() };
    let said = check_config(&config).unwrap();
    assert!(
        said.in_language(Language::En).contains("sound.\nBut it serves no agents: [install] dir "),
        "{said:?}"
    );
    assert!(said.in_language(Language::Vi).ends_with("agents: không có thư mục này."), "{said:?}");
    assert_eq!(check_config(&place.config).unwrap().in_language(Language::En), "The configuration is sound.");
    let place = Place { config, ..place };
    let create = ["enrollment", "create", "--agency", "A", "--site", "S"];
    let told = place.run(&create, Language::En).unwrap();
    assert_eq!(told.matches("there is no such folder").count(), 1, "{told}");
}
