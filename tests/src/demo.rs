//! The demo: a collector, a real agent on this machine, a simulated province, and the facts that must be seen.
//!
//! Uses the programs as a person would: configuration files, command line, API. Nothing here exists only for the demo
//! inside the programs; hold times are shortened through the ordinary rules file.

mod facts;
mod process;

use anyhow::{Context, Result, bail};
use clap::Parser;
use process::Running;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the demo is run.
#[derive(Debug, Parser)]
#[command(name = "deploy/demo", about = "Trạm on this machine, with a simulated province / Trạm trên máy này, kèm một tỉnh mô phỏng")]
pub struct Options {
    /// Wait for what must be seen, print each fact, and exit / Chờ đủ các sự việc phải thấy, in từng việc rồi kết thúc
    #[arg(long)]
    pub check: bool,
    /// Give the agent a small internet of its own; touch nothing outside this machine / Cho tác tử một mạng internet nhỏ riêng
    #[arg(long)]
    pub offline: bool,
    /// Machines in the simulated province / Số máy trong tỉnh mô phỏng
    #[arg(long, default_value_t = 40)]
    pub hosts: usize,
    /// Where to listen for operators; a free port when taken / Cổng cho người vận hành
    #[arg(long, default_value_t = 8440)]
    pub port: u16,
}

/// How long `--check` waits for every fact, counted from the collector's start.
const CHECK_DEADLINE: Duration = Duration::from_secs(180);

/// The agency and site that this machine is put into.
const OWN_AGENCY: &str = "Sở Thông tin và Truyền thông";
const OWN_SITE: &str = "Phòng máy chủ";

/// The demo's parts as they run; ended in the opposite order when dropped.
struct Demo {
    province: Option<Running>,
    agent: Option<Running>,
    collector: Running,
    folder: tempfile::TempDir,
    operators: u16,
    agents: u16,
    password: String,
    api_token: String,
}

/// Runs the demo until Ctrl-C, or until every fact was seen.
pub async fn run(options: &Options) -> Result<()> {
    let offline = options.offline || options.check;
    say("starting the collector / khởi động máy thu thập");
    let mut demo = Demo::start_collector(options).await?;
    say("enrolling a simulated province / ghi danh một tỉnh mô phỏng");
    demo.start_province(options).await?;
    say("enrolling this machine / ghi danh máy này");
    demo.start_agent(offline).await?;
    say(&format!(
        "ready / sẵn sàng: https://127.0.0.1:{}  user/tài khoản: admin  password/mật khẩu: {}",
        demo.operators, demo.password
    ));
    if options.check {
        let api = facts::Api::new(demo.operators, &demo.data_dir().join("ca.pem"), &demo.api_token)?;
        facts::wait_for_all(&api, CHECK_DEADLINE).await?;
        return Ok(());
    }
    say("Ctrl-C ends it and removes everything / nhấn Ctrl-C để kết thúc và dọn sạch");
    tokio::select! {
        signal = tokio::signal::ctrl_c() => signal.context("cannot wait for Ctrl-C"),
        ended = demo.any_ended() => ended,
    }
}

impl Demo {
    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("collector")
    }

    async fn start_collector(options: &Options) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tram-demo-").tempdir()?;
        let operators = free_port(options.port)?;
        let agents = free_port(0)?;
        let data_dir = folder.path().join("collector");
        std::fs::create_dir_all(&data_dir)?;
        let rules = folder.path().join("rules.toml");
        std::fs::write(&rules, RULES)?;
        let config = folder.path().join("collector.toml");
        std::fs::write(&config, collector_config(&data_dir, &rules, operators, agents))?;
        let collector = Running::start("tram-collector", &config_then(&config, &["serve"]), folder.path())?;
        let ready = format!("127.0.0.1:{operators}");
        process::wait_for_port(&ready, &collector, Duration::from_secs(30)).await?;
        let password_file = folder.path().join("password");
        let password = random_word()?;
        std::fs::write(&password_file, &password)?;
        let add = ["user", "add", "admin", "--role", "admin", "--password-file"];
        let mut add = config_then(&config, &add);
        add.push(password_file.display().to_string());
        process::output("tram-collector", &add)?;
        let token = process::output("tram-collector", &config_then(&config, &["token", "create", "--role", "admin"]))?;
        let api_token = facts::last_word(&token).context("token create printed no token")?.to_owned();
        Ok(Self { province: None, agent: None, collector, folder, operators, agents, password, api_token })
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("collector.toml")
    }

    fn enrollment(&self, agency: &str, site: &str, uses: usize) -> Result<String> {
        let uses = uses.to_string();
        let arguments = ["enrollment", "create", "--agency", agency, "--site", site, "--uses", &uses];
        let printed = process::output("tram-collector", &config_then(&self.config(), &arguments))?;
        let token = printed.split_whitespace().find(|word| word.starts_with("tram1_"));
        Ok(token.context("enrollment create printed no token")?.to_owned())
    }

    async fn start_province(&mut self, options: &Options) -> Result<()> {
        let hosts = options.hosts.to_string();
        let plan = process::output("fleet", &["plan".into(), "--hosts".into(), hosts.clone(), "--seed".into(), SEED.into()])?;
        let plan: Vec<facts::PlannedSite> = serde_json::from_str(&plan).context("fleet plan")?;
        let mut sites = Vec::new();
        for site in plan {
            let token = self.enrollment(&site.agency, &site.site, site.hosts)?;
            sites.push(serde_json::json!({"agency": site.agency, "site": site.site, "token": token}));
        }
        let tokens = self.folder.path().join("tokens.json");
        std::fs::write(&tokens, serde_json::to_vec(&sites)?)?;
        let url = format!("https://127.0.0.1:{}", self.agents);
        let state = self.folder.path().join("province");
        let arguments = ["run", "--collector", &url, "--tokens", &tokens.display().to_string(), "--hosts", &hosts]
            .into_iter()
            .chain(["--seed", SEED, "--state", &state.display().to_string()])
            .chain(FAILURES.iter().flat_map(|failure| ["--fail", failure]))
            .map(str::to_owned)
            .collect::<Vec<_>>();
        self.province = Some(Running::start("fleet", &arguments, self.folder.path())?);
        Ok(())
    }

    async fn start_agent(&mut self, offline: bool) -> Result<()> {
        let token = self.enrollment(OWN_AGENCY, OWN_SITE, 1)?;
        let state = self.folder.path().join("agent");
        let config = self.folder.path().join("agent.toml");
        std::fs::write(&config, format!("state_dir = {:?}\n", state.display().to_string()))?;
        let _ = (token, offline, config);
        bail!("not wired yet")
    }

    async fn any_ended(&mut self) -> Result<()> {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            for running in [Some(&mut self.collector), self.agent.as_mut(), self.province.as_mut()].into_iter().flatten() {
                running.check()?;
            }
        }
    }
}

fn config_then(config: &Path, arguments: &[&str]) -> Vec<String> {
    ["--config".to_owned(), config.display().to_string()].into_iter().chain(arguments.iter().map(|s| (*s).to_owned())).collect()
}

/// The same province every time.
const SEED: &str = "2026";
/// What goes wrong in it.
const FAILURES: &[&str] = &[];

/// Hold times that let a person see an alert within minutes; everything else is as built in.
const RULES: &str = "";

fn collector_config(data_dir: &Path, rules: &Path, operators: u16, agents: u16) -> String {
    format!("data_dir = {data_dir:?}\nrules = {rules:?}\n[listen]\noperators = \"127.0.0.1:{operators}\"\nagents = \"127.0.0.1:{agents}\"\n")
}

fn free_port(wanted: u16) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", wanted)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
    Ok(listener.local_addr()?.port())
}

fn random_word() -> Result<String> {
    let mut bytes = [0_u8; 9];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[expect(clippy::print_stdout, reason = "the demo speaks to the person who started it")]
fn say(line: &str) {
    println!("{line}");
}
