//! `site list | set`: what the command line knows and sets of sites.

use super::Answer;
use super::complaint::{Complaint, line};
use super::store::{self, Written};
use crate::budget::BYTES_MIN;
use crate::config::Config;
use crate::model::agency::Scope;
use crate::model::line;
use crate::store::sqlite::agency;
use clap::Subcommand;
use serde_json::json;

/// Sites that are listed at most.
const LISTED_MAX: usize = 100_000;

#[derive(Debug, Subcommand)]
pub(super) enum SiteCommand {
    /// Lists the sites: id, name, bytes a minute that history may take of the uplink.
    List {
        /// Only those of this agency and below, as a path from the root.
        #[arg(long, value_name = "PATH")]
        agency: Option<String>,
    },
    /// Sets what a site's uplink can bear; what is not named stays.
    Set {
        /// The agency as a path from the root.
        #[arg(long, value_name = "PATH")]
        agency: String,
        /// The site's name within the agency.
        #[arg(long, value_name = "NAME")]
        site: String,
        /// Bytes a minute that all agents of the site together may send of history: a number from 4096, 0 for nothing, or
        /// `none` for no bound. Current state always goes.
        #[arg(long, value_name = "BYTES|none")]
        history_bytes_per_minute: String,
    },
}

pub(super) fn run(config: &Config, command: SiteCommand) -> Result<Answer, Complaint> {
    match command {
        SiteCommand::List { agency } => list(config, agency.as_deref()),
        SiteCommand::Set { agency, site, history_bytes_per_minute } => {
            set(config, &agency, &site, &history_bytes_per_minute)
        }
    }
}

fn list(config: &Config, agency: Option<&str>) -> Result<Answer, Complaint> {
    let scope = store::scope(config, agency)?;
    let sites = store::read(config, |connection| agency::sites(connection, scope, None, LISTED_MAX))?;
    let lines = |none: &str| -> String {
        let line = |site: &crate::model::agency::Site| {
            let budget =
                site.history_bytes_per_minute.map_or_else(|| none.to_owned(), |bytes| bytes.to_string());
            format!("{}\t{}\t{budget}", site.id.0, site.name)
        };
        sites.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    Ok(Answer::new(lines("không giới hạn"), lines("no bound")))
}

fn set(config: &Config, path: &str, name: &str, typed: &str) -> Result<Answer, Complaint> {
    let budget = budget(typed)?;
    let path = line::path(path).map_err(line("--agency"))?;
    let name = line::name(name).map_err(line("--site"))?;
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let found = store::read(config, |connection| match agency::find(connection, &path)? {
        Some(owner) => agency::find_site(connection, owner, &name),
        None => Ok(None),
    })?;
    let id = found.ok_or_else(|| {
        Complaint::usage(
            format!("không có địa điểm {name:?} ở cơ quan này"),
            format!("there is no site {name:?} of this agency"),
        )
    })?;
    store::change(config, "site.change", |transaction, _| {
        let before = agency::site(transaction, Scope::All, id)?;
        let mut after = before.clone();
        after.history_bytes_per_minute = budget;
        let after = agency::update_site(transaction, &after)?;
        let detail = json!({
            "history_bytes_per_minute": [before.history_bytes_per_minute, after.history_bytes_per_minute],
        });
        Ok(Written { value: (), subject: format!("site:{}", id.0), detail })
    })?;
    Ok(match budget {
        Some(bytes) => Answer::new(
            format!("Các tác tử của địa điểm cùng gửi tối đa {bytes} byte dữ liệu cũ mỗi phút."),
            format!("The site's agents together send at most {bytes} bytes of history a minute."),
        ),
        None => Answer::new("Dữ liệu cũ của địa điểm không bị giới hạn.", "The site's history has no bound."),
    })
}

fn budget(typed: &str) -> Result<Option<u32>, Complaint> {
    if typed == "none" {
        return Ok(None);
    }
    let sound = typed.parse().ok().filter(|bytes| *bytes == 0 || *bytes >= BYTES_MIN);
    sound.map(Some).ok_or_else(|| {
        Complaint::usage(
            format!("--history-bytes-per-minute {typed}: cần số byte từ {BYTES_MIN}, 0, hoặc none"),
            format!("--history-bytes-per-minute {typed}: expected bytes from {BYTES_MIN}, 0, or none"),
        )
    })
}
