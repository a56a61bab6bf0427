//! `policy show | set`: what is asked of agents, placed by the command line.

use super::Answer;
use super::complaint::{Complaint, line};
use super::store::{self, Written};
use crate::api::view::policy::Policy;
use crate::config::{Config, toml_mistake};
use crate::ingest::policy as asked;
use crate::model::agency::{AgencyId, Scope};
use crate::model::line;
use crate::model::policy::Place;
use crate::model::text::{Text, parser};
use crate::store::sqlite::{agency, policy};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Shows what is asked at a place: of everyone, of an agency and all below it, or of a site.
    Show {
        #[command(flatten)]
        place: PlaceArguments,
    },
    /// Puts what a TOML file asks in the place of what was asked there; an empty file asks nothing.
    Set {
        #[command(flatten)]
        place: PlaceArguments,
        /// The file; every field is in deploy/examples/policy.toml.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct PlaceArguments {
    /// The agency as a path from the root; without it every agent is meant.
    #[arg(long, value_name = "PATH")]
    agency: Option<String>,
    /// The site's name within the agency.
    #[arg(long, value_name = "NAME", requires = "agency")]
    site: Option<String>,
}

pub(super) fn run(config: &Config, command: PolicyCommand) -> Result<Answer, Complaint> {
    match command {
        PolicyCommand::Show { place } => show(config, find(config, &place)?),
        PolicyCommand::Set { place, file } => set(config, find(config, &place)?, &file),
    }
}

fn find(config: &Config, place: &PlaceArguments) -> Result<Place, Complaint> {
    let agency = match store::scope(config, place.agency.as_deref())? {
        Scope::All => return Ok(Place::All),
        Scope::Agency(id) => id,
    };
    let Some(site) = &place.site else { return Ok(Place::Agency(agency)) };
    site_of(config, agency, site)
}

fn site_of(config: &Config, owner: AgencyId, name: &str) -> Result<Place, Complaint> {
    let name = line::name(name).map_err(line("--site"))?;
    let found = store::read(config, |connection| agency::find_site(connection, owner, &name))?;
    found.map(Place::Site).ok_or_else(|| {
        Complaint::usage(
            format!("cơ quan này không có địa điểm {name:?}"),
            format!("this agency has no site {name:?}"),
        )
    })
}

fn show(config: &Config, place: Place) -> Result<Answer, Complaint> {
    let placed = store::read(config, |connection| policy::at(connection, Scope::All, place))?;
    if placed.version == 0 {
        return Ok(Answer::new("Chưa yêu cầu gì ở đây.", "Nothing is asked here."));
    }
    let asked: Policy = serde_json::from_str(&placed.body).unwrap_or_default();
    let text = toml::to_string(&asked).unwrap_or_default();
    let version = placed.version;
    Ok(Answer::new(
        format!("# Chính sách, lần sửa {version}\n{}", text.trim_end()),
        format!("# Policy, change {version}\n{}", text.trim_end()),
    ))
}

fn set(config: &Config, place: Place, file: &Path) -> Result<Answer, Complaint> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        Complaint::usage(format!("không đọc được {shown}: {error}"), format!("cannot read {shown}: {error}"))
    })?;
    let wrong = |why: Text| {
        Complaint::usage(
            format!("{shown}: chính sách không hợp lệ: {}", why.vi),
            format!("{shown}: not a policy: {}", why.en),
        )
    };
    let asked: Policy = toml::from_str(&text).map_err(|error| wrong(toml_mistake(&text, &error)))?;
    let body = serde_json::to_string(&asked).map_err(|error| wrong(parser::complaint(&error.to_string())))?;
    asked::check(&body).map_err(wrong)?;
    let version = store::change(config, "policy.put", |transaction, now_ms| {
        let version = policy::put(transaction, Scope::All, place, &body, now_ms)?;
        let detail = json!({ "version": version, "policy": asked });
        Ok(Written { value: version, subject: place.subject(), detail })
    })?;
    Ok(Answer::new(
        format!("Đã đặt chính sách, lần sửa {version}. Tác tử nhận được ở lần gửi kế tiếp."),
        format!("The policy is set, change {version}. Agents get it with their next send."),
    ))
}
