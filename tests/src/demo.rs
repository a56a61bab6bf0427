//! The demo: a collector, a real agent on this machine, a simulated province, and the facts that must be seen.
//!
//! Uses the programs as a person would: configuration files, command line, API. Nothing inside the programs exists for
//! the demo alone; hold times are shortened through the ordinary rules file.

mod facts;
mod process;

use crate::fleet::plan::{HostKind, Plan};
use crate::net;
use anyhow::{Context, Result};
use clap::Parser;
use process::Running;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the demo is run.
#[derive(Debug, Parser)]
#[command(
    name = "deploy/demo",
    about = "Trạm on this machine, with a simulated province / Trạm trên máy này, kèm một tỉnh mô phỏng"
)]
pub struct Options {
    /// Wait for what must be seen, print each fact, and exit / Chờ đủ các sự việc phải thấy, in ra rồi kết thúc
    #[arg(long)]
    pub check: bool,
    /// A small internet of the agent's own; touch nothing outside / Mạng internet nhỏ riêng, không chạm ra ngoài
    #[arg(long)]
    pub offline: bool,
    /// Machines in the simulated province / Số máy trong tỉnh mô phỏng
    #[arg(long, default_value_t = 40)]
    pub hosts: usize,
    /// Where people sign in; a free port when taken / Cổng đăng nhập; cổng khác nếu đã bận
    #[arg(long, default_value_t = 8440)]
    pub port: u16,
    /// Run the browser test against the demo once all is seen / Chạy thử trang web sau khi đã thấy đủ
    #[arg(long, hide = true)]
    pub then: Option<String>,
}

/// How long `--check` waits for every fact, counted from the collector's start.
const CHECK_DEADLINE: Duration = Duration::from_secs(180);
/// How long the collector may take to listen.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// The agency and site that this machine is put into.
const OWN_AGENCY: &str = "Sở Khoa học và Công nghệ";
const OWN_SITE: &str = "Phòng máy chủ";

/// The same province every time.
const SEED: u64 = 2_026;

/// Hold times that let a person see an alert within minutes; every level is as built in.
const RULES: &str = r#"
[filesystem_nearly_full]
hold = "10s"
clear_hold = "10s"

[temperature]
hold = "30s"

[network_errors]
hold = "30s"

[host_silent]
hold = "0s"
"#;

/// The demo's parts as they run; ended in the order of the fields when dropped, the folder last.
struct Demo {
    agent: Option<Running>,
    province: Option<Running>,
    collector: Running,
    plan: Plan,
    operators: u16,
    agents: u16,
    password: String,
    api_token: String,
    folder: tempfile::TempDir,
}

/// Runs the demo until Ctrl-C, or until every fact was seen.
pub async fn run(options: &Options) -> Result<()> {
    let offline = options.offline || options.check;
    let started = tokio::time::Instant::now();
    say("starting the collector / khởi động trung tâm");
    let mut demo = Demo::start_collector(options).await?;
    say("enrolling this machine / ghi danh máy này");
    demo.start_agent(offline)?;
    say("enrolling a simulated province / ghi danh một tỉnh mô phỏng");
    demo.start_province()?;
    say(&format!("open / mở:             https://127.0.0.1:{}", demo.operators));
    say(&format!("user / tài khoản:      admin\npassword / mật khẩu:   {}", demo.password));
    let config = demo.folder.path().join(CONFIG_FILE);
    say(&format!("config / cấu hình:     {}", config.display()));
    say(&format!(
        "add a machine / thêm máy:\n  {} --config {} enrollment create --agency {:?} --site {:?}",
        process::program("tram-collector")?.display(),
        config.display(),
        "Sở Y tế",
        OWN_SITE,
    ));
    if options.check || options.then.is_some() {
        let api = facts::Api::new(demo.operators, &demo.data_dir().join(CA_FILE), &demo.api_token)?;
        let cast = demo.cast()?;
        let left = CHECK_DEADLINE.saturating_sub(started.elapsed());
        tokio::select! {
            seen = facts::wait_for_all(&api, &cast, left) => seen.with_context(|| demo.logs())?,
            ended = watch(&mut demo.collector, &mut demo.agent, &mut demo.province) => ended?,
        }
        return match &options.then {
            Some(command) => demo.then(command, &cast),
            None => Ok(()),
        };
    }
    say("Ctrl-C ends it and removes everything / nhấn Ctrl-C để kết thúc và dọn sạch");
    tokio::select! {
        signal = stop() => signal,
        ended = watch(&mut demo.collector, &mut demo.agent, &mut demo.province) => ended,
    }
}

impl Demo {
    async fn start_collector(options: &Options) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tram-demo-").tempdir()?;
        let operators = free_port(options.port)?;
        let agents = free_port(0)?;
        let data_dir = folder.path().join("collector");
        std::fs::create_dir_all(&data_dir)?;
        let rules = folder.path().join("rules.toml");
        std::fs::write(&rules, RULES)?;
        let config = folder.path().join(CONFIG_FILE);
        let packages = packages(folder.path())?;
        std::fs::write(&config, collector_config(&data_dir, &rules, &packages, operators, agents))?;
        let mut collector =
            Running::start("tram-collector", &with_config(&config, &["serve"]), folder.path())?;
        wait_until_ready(&data_dir, operators, &mut collector).await?;
        let password = random_word()?;
        let password_file = folder.path().join("password");
        std::fs::write(&password_file, &password)?;
        let file = password_file.display().to_string();
        let add = ["user", "add", "admin", "--role", "admin", "--password-file", &file];
        process::output("tram-collector", &with_config(&config, &add))?;
        let create = ["token", "create", "--role", "admin", "--name", "demo"];
        let printed = process::output("tram-collector", &with_config(&config, &create))?;
        let api_token = facts::last_word(&printed).context("token create printed nothing")?.to_owned();
        let plan = Plan::new(SEED, options.hosts);
        Ok(Self {
            agent: None,
            province: None,
            collector,
            plan,
            operators,
            agents,
            password,
            api_token,
            folder,
        })
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("collector")
    }

    fn enrollment(&self, agency: &str, site: &str, uses: u32) -> Result<String> {
        let config = self.folder.path().join(CONFIG_FILE);
        let uses = uses.to_string();
        let create = ["enrollment", "create", "--agency", agency, "--site", site, "--uses", &uses];
        let printed = process::output("tram-collector", &with_config(&config, &create))?;
        let token = printed.split_whitespace().find(|word| word.starts_with("tram1_"));
        Ok(token.context("enrollment create printed no token")?.to_owned())
    }

    fn start_province(&mut self) -> Result<()> {
        let mut entries = Vec::new();
        for site in self.plan.sites.iter().filter(|site| site.hosts > 0) {
            let token = self.enrollment(&site.path, &site.name, site.hosts)?;
            entries.push(serde_json::json!({"agency": site.path, "site": site.name, "token": token}));
        }
        let tokens = self.folder.path().join("tokens.json");
        std::fs::write(&tokens, serde_json::to_vec(&entries)?)?;
        let cast = self.cast()?;
        let mut arguments = vec![
            "run".to_owned(),
            format!("--collector=https://127.0.0.1:{}", self.agents),
            format!("--hosts={}", self.plan.hosts.len()),
            format!("--seed={SEED}"),
            format!("--state={}", self.folder.path().join("province").display()),
            format!("--token={}", tokens.display()),
            // Working hours, whatever the hour is: workstations are on.
            "--hour=9.5".to_owned(),
        ];
        arguments.extend(cast.failures().into_iter().map(|failure| format!("--fail={failure}")));
        self.province = Some(Running::start("fleet", &arguments, self.folder.path())?);
        Ok(())
    }

    fn start_agent(&mut self, offline: bool) -> Result<()> {
        let root = self.plan.agencies.first().map_or("", |agency| agency.name.as_str());
        let token = self.enrollment(&format!("{root}/{OWN_AGENCY}"), OWN_SITE, 1)?;
        let folder = self.folder.path().to_owned();
        let resolv_conf = folder.join("resolv.conf");
        let config = folder.join("agent.toml");
        // An id of the demo's own, so that an agent that a person installs beside it is another machine's.
        let machine_id = folder.join("machine-id");
        std::fs::write(&machine_id, random_word()?)?;
        let mut settings =
            format!("[agent]\nstate_dir = {:?}\nmachine_id = {machine_id:?}\n", folder.join("agent"));
        let mut prefix = Vec::new();
        let mut url = format!("https://127.0.0.1:{}", self.agents);
        if offline {
            settings += &format!("[reach]\nresolv_conf = {resolv_conf:?}\n");
            url = format!("https://{}:{}", net::plan().collector, self.agents);
            let forward = format!("--forward={0}=127.0.0.1:{0}", self.agents);
            let resolv_conf = format!("--resolv-conf={}", resolv_conf.display());
            prefix = vec!["run".to_owned(), forward, resolv_conf, "--".to_owned()];
        }
        std::fs::write(&config, settings)?;
        let agent = process::program("tram-agent")?.display().to_string();
        let script = folder.join("enrol-and-run");
        let config = config.display().to_string();
        std::fs::write(
            &script,
            format!(
                "#!/bin/sh\nset -e\n'{agent}' --config '{config}' enroll --collector {url} --token {token}\n\
                 exec '{agent}' --config '{config}' run\n"
            ),
        )?;
        let script = script.display().to_string();
        let (program, arguments) = if offline {
            ("smallnet", prefix.into_iter().chain(["sh".to_owned(), script]).collect())
        } else {
            ("sh", vec![script])
        };
        self.agent = Some(Running::start(program, &arguments, &folder)?);
        Ok(())
    }

    /// Which hosts of the province play which part: servers, each at another site, and a workstation with a bad disk.
    fn cast(&self) -> Result<facts::Cast> {
        let mut sites = std::collections::BTreeSet::new();
        let servers = self.plan.hosts.iter().filter(|host| host.kind == HostKind::Server);
        let mut names = servers.filter(|host| sites.insert(host.site.as_str())).map(|host| host.name.clone());
        let mut next = || names.next().context("the province is too small for the demo: take more --hosts");
        let worn = self.plan.hosts.iter().find(|host| host.kind == HostKind::Workstation);
        let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Ok(facts::Cast {
            own,
            failing: next()?,
            recovered: next()?,
            hot: next()?,
            silent: next().ok(),
            more: [next().ok(), next().ok(), next().ok()],
            worn: worn.map(|host| host.name.clone()),
        })
    }

    /// Runs a shell command with what it needs to sign in, as the browser test does.
    fn then(&self, command: &str, cast: &facts::Cast) -> Result<()> {
        let status = std::process::Command::new("sh")
            .args(["-c", command])
            .env("TRAM_URL", format!("https://127.0.0.1:{}", self.operators))
            .env("TRAM_USER", "admin")
            .env("TRAM_PASSWORD", &self.password)
            .env("TRAM_HOST", &cast.own)
            .env("TRAM_FAILING", &cast.failing)
            .status()?;
        anyhow::ensure!(status.success(), "`{command}`: {status}");
        Ok(())
    }

    fn logs(&self) -> String {
        let parts = [Some(&self.collector), self.agent.as_ref(), self.province.as_ref()];
        parts.into_iter().flatten().map(Running::log_end).collect::<Vec<_>>().join("\n")
    }
}

/// The collector's own CA, below its data folder.
const CA_FILE: &str = "pki/ca.pem";
const CONFIG_FILE: &str = "collector.toml";

/// Waits for this very collector: whoever else may listen on the port does not have its CA.
async fn wait_until_ready(data_dir: &Path, operators: u16, collector: &mut Running) -> Result<()> {
    let wait = async {
        loop {
            collector.check()?;
            let api = facts::Api::new(operators, &data_dir.join(CA_FILE), "");
            if let Ok(api) = api
                && api.is_ready().await
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(START_PATIENCE, wait).await.context("the collector does not get ready")?
}

/// Ends with an error when a part has ended by itself.
async fn watch(
    collector: &mut Running,
    agent: &mut Option<Running>,
    province: &mut Option<Running>,
) -> Result<()> {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        collector.check()?;
        agent.as_mut().map_or(Ok(()), Running::check)?;
        province.as_mut().map_or(Ok(()), Running::check)?;
    }
}

async fn stop() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        signal = tokio::signal::ctrl_c() => signal.context("cannot wait for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}

fn with_config(config: &Path, arguments: &[&str]) -> Vec<String> {
    let config = ["--config".to_owned(), config.display().to_string()];
    config.into_iter().chain(arguments.iter().map(|argument| (*argument).to_owned())).collect()
}

/// A folder with this build's agent, for the collector to serve to whoever installs one.
fn packages(folder: &Path) -> Result<PathBuf> {
    let packages = folder.join("packages");
    std::fs::create_dir_all(&packages)?;
    let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
    std::fs::copy(process::program("tram-agent")?, packages.join(format!("tram-agent-{machine}")))?;
    Ok(packages)
}

fn collector_config(data_dir: &Path, rules: &Path, packages: &Path, operators: u16, agents: u16) -> String {
    let collector = net::plan().collector;
    format!(
        "data_dir = {data_dir:?}\n\
         [listen]\noperators = \"127.0.0.1:{operators}\"\nagents = \"127.0.0.1:{agents}\"\n\
         [public]\nnames = [\"127.0.0.1\", \"localhost\", \"{collector}\"]\n\
         [rules]\nfile = {rules:?}\n[install]\ndir = {packages:?}\n"
    )
}

fn free_port(wanted: u16) -> Result<u16> {
    let listener =
        TcpListener::bind(("127.0.0.1", wanted)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
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
