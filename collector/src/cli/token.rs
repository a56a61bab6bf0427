//! `token create`: bearer tokens for programs.

use super::Answer;
use super::complaint::{Complaint, line};
use super::store::{self, Written};
use super::user::RoleArgument;
use crate::api::secret;
use crate::config::Config;
use crate::model::line;
use crate::model::user::Role;
use crate::store::sqlite::api_token::{self, ApiToken};
use crate::store::sqlite::scope;
use clap::Subcommand;
use serde_json::json;

/// A token lives 10 years at most, when an end is given.
const EXPIRES_S_MAX: i64 = 3_650 * 86_400;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Makes a bearer token for a program that reads or changes things through the API.
    Create {
        /// What its bearer may do: viewer, operator or admin.
        #[arg(long)]
        role: RoleArgument,
        /// What it is for, as the audit names it; api, unless told.
        #[arg(long, default_value = "api")]
        name: String,
        /// The agency whose part of the tree its bearer sees, as a path from the root; everything without it.
        #[arg(long, value_name = "PATH")]
        agency: Option<String>,
        /// For how long it is valid, such as 90d; without it, for ever.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
}

pub(super) fn run(config: &Config, command: TokenCommand) -> Result<Answer, Complaint> {
    let TokenCommand::Create { role, name, agency, expires } = command;
    let name = line::name(&name).map_err(line("--name"))?;
    let scope = store::scope(config, agency.as_deref())?;
    let expires_s = expires.map(|text| store::expires_s(&text, EXPIRES_S_MAX)).transpose()?;
    let (text, role) = (secret::token()?, Role::from(role));
    store::change(config, "token.create", |transaction, now_ms| {
        let expires_ms = expires_s.map(|seconds| now_ms + seconds * 1_000);
        let token = ApiToken { name, role, scope, expires_ms };
        api_token::insert(transaction, &secret::digest(text.as_bytes()), &token, now_ms)?;
        let agency = scope::parameter(scope);
        let detail = json!({ "role": role.as_str(), "agency": agency, "expires_ms": expires_ms });
        Ok(Written { value: (), subject: format!("token:{}", token.name), detail })
    })?;
    Ok(Answer::new(
        format!("Mã truy cập, chỉ hiện một lần này:\n{text}"),
        format!("The token, shown only this once:\n{text}"),
    ))
}
