//! `enrollment create`: tokens that let agents in, and the line that installs them.

use super::Answer;
use super::complaint::{Complaint, line};
use super::store::{self, Written};
use crate::api::install::{Installer, lacking};
use crate::api::secret;
use crate::clock::Clock;
use crate::config::Config;
use crate::enrollment_token::{self, EXPIRES_S_MAX, USES_MAX, Wanted};
use crate::model::agency::Scope;
use crate::model::line;
use crate::model::text::Text;
use crate::pki::Pki;
use clap::Subcommand;
use serde_json::json;
use std::path::Path;

#[derive(Debug, Subcommand)]
pub(super) enum EnrollmentCommand {
    /// Makes a token that lets machines of one site in, and prints the line that installs an agent there.
    Create {
        /// The agency as a path from the root, such as "Province/District/Commune"; made where absent.
        #[arg(long, value_name = "PATH")]
        agency: String,
        /// The site's name within the agency; made where absent.
        #[arg(long, value_name = "NAME")]
        site: String,
        /// How many machines may use it; 1, unless told.
        #[arg(long, default_value_t = 1)]
        uses: i64,
        /// For how long it is valid, such as 30m or 7d; 24h, unless told.
        #[arg(long, default_value = "24h", value_name = "TIME")]
        expires: String,
    },
}

pub(super) fn run(config: &Config, command: EnrollmentCommand) -> Result<Answer, Complaint> {
    let EnrollmentCommand::Create { agency, site, uses, expires } = command;
    let agency = line::path(&agency).map_err(line("--agency"))?;
    let site = line::name(&site).map_err(line("--site"))?;
    let expires_s = store::expires_s(&expires, EXPIRES_S_MAX)?;
    if !(1..=USES_MAX).contains(&uses) {
        return Err(Complaint::usage(
            format!("--uses {uses}: cần từ 1 đến {USES_MAX}"),
            format!("--uses {uses}: expected 1 to {USES_MAX}"),
        ));
    }
    let data_dir = store::existing(config)?;
    let pki = Pki::open(data_dir, &config.public.names, Clock::system().now_ms())?;
    let secret = secret::random()?;
    let created_by = store::actor().name;
    let token = store::change(config, "enrollment.create", |transaction, now_ms| {
        let expires_ms = now_ms + expires_s * 1_000;
        let wanted = Wanted { agency: &agency, site: &site, uses, expires_ms, created_by: &created_by };
        let ca_sha256 = pki.ca_sha256();
        let made = enrollment_token::make(transaction, Scope::All, &wanted, secret, ca_sha256, now_ms)?;
        let detail =
            json!({ "agency": agency.join("/"), "site": site, "uses": uses, "expires_ms": expires_ms });
        Ok(Written { value: made.token, subject: format!("enrollment:{}", made.id.0), detail })
    })?;
    let dir = config.install_dir.as_deref();
    let installer = Installer::new(dir, &config.public, pki.ca_pem(), pki.ca_sha256());
    Ok(answer(&installer, dir, &token, uses, &expires))
}

fn answer(installer: &Installer, dir: Option<&Path>, token: &str, uses: i64, expires: &str) -> Answer {
    let vi = format!("Mã ghi danh, dùng cho {uses} máy, hiệu lực {expires}:\n{token}\n");
    let en = format!("Enrolment token for {uses} machine(s), valid for {expires}:\n{token}\n");
    let (linux, windows) = (installer.command(token), installer.windows_command(token));
    if linux.is_some() || windows.is_some() {
        let on = |system: &str, line: &Option<String>| {
            line.as_ref().map_or_else(String::new, |line| format!("\n{system}\n{line}\n"))
        };
        let vi =
            vi + &on(
                "Trên máy Windows cần theo dõi, mở PowerShell bằng quyền quản trị và chạy dòng này:",
                &windows,
            ) + &on("Trên máy Linux cần theo dõi, chạy dòng này:", &linux);
        let en =
            en + &on(
                "On the Windows machine to be watched, open PowerShell as administrator and run this line:",
                &windows,
            ) + &on("On the Linux machine to be watched, run this line:", &linux);
        return Answer::new(vi.trim_end().to_owned(), en.trim_end().to_owned());
    }
    let command = installer.enrolment(token);
    let why = dir
        .and_then(lacking)
        .unwrap_or_else(|| Text::new("chưa đặt [install] dir", "[install] dir is not set"));
    Answer::new(
        format!(
            "{vi}\nTrung tâm không có gói tác tử để phát ({}). Trên máy đã có tác tử, chạy:\n{command}",
            why.vi
        ),
        format!(
            "{en}\nThe collector serves no agent packages ({}). On a machine that has the agent, run:\n{command}",
            why.en
        ),
    )
}
