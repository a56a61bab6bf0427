//! `user add | reset-password`.

use super::complaint::{Complaint, line};
use super::store::{self, Written};
use super::{Answer, password};
use crate::config::Config;
use crate::model::line;
use crate::model::text::Language;
use crate::model::user::Role;
use crate::store::sqlite::scope;
use crate::store::sqlite::user::{self, NewUser};
use clap::{Subcommand, ValueEnum};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Adds someone who may sign in.
    Add {
        /// The name to sign in with.
        name: String,
        /// What they may do: viewer, operator or admin.
        #[arg(long)]
        role: RoleArgument,
        /// The agency whose part of the tree they see, as a path from the root; everything without it.
        #[arg(long, value_name = "PATH")]
        agency: Option<String>,
        /// A file with the password; without it TRAM_PASSWORD, the keyboard, or one that is made and printed.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// The language of what they are shown: vi, unless told, or en.
        #[arg(long, default_value = "vi")]
        language: LanguageArgument,
    },
    /// Gives someone a new password and ends their sessions.
    ResetPassword {
        /// The name to sign in with.
        name: String,
        /// A file with the password; without it TRAM_PASSWORD, the keyboard, or one that is made and printed.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RoleArgument {
    Viewer,
    Operator,
    Admin,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::Viewer => Self::Viewer,
            RoleArgument::Operator => Self::Operator,
            RoleArgument::Admin => Self::Admin,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LanguageArgument {
    Vi,
    En,
}

impl From<LanguageArgument> for Language {
    fn from(language: LanguageArgument) -> Self {
        match language {
            LanguageArgument::Vi => Self::Vi,
            LanguageArgument::En => Self::En,
        }
    }
}

pub(super) fn run(config: &Config, language: Language, command: UserCommand) -> Result<Answer, Complaint> {
    match command {
        UserCommand::Add { name, role, agency, password_file, language: theirs } => {
            let name = line::name(&name).map_err(line("NAME"))?;
            let scope = store::scope(config, agency.as_deref())?;
            if store::read(config, |connection| user::by_name(connection, &name))?.is_some() {
                return Err(Complaint::usage(
                    format!("đã có người dùng tên {name}"),
                    format!("a user named {name} exists"),
                ));
            }
            let new = password::new(password_file, language)?;
            let role = Role::from(role);
            store::change(config, "user.add", |transaction, now_ms| {
                let password_hash = new.hash.as_str();
                let user = NewUser { name: &name, password_hash, role, scope, language: theirs.into() };
                let id = user::insert(transaction, &user, now_ms)?;
                let detail =
                    json!({ "name": name, "role": role.as_str(), "agency": scope::parameter(scope) });
                Ok(Written { value: (), subject: format!("user:{}", id.0), detail })
            })?;
            Ok(answer(
                format!("Đã thêm người dùng {name} ({}).", role.as_str()),
                format!("Added the user {name} ({}).", role.as_str()),
                new.generated,
            ))
        }
        UserCommand::ResetPassword { name, password_file } => {
            let new = password::new(password_file, language)?;
            store::change(config, "user.reset_password", |transaction, _| {
                user::set_password(transaction, &name, &new.hash)?;
                Ok(Written { value: (), subject: format!("user:{name}"), detail: json!({}) })
            })?;
            Ok(answer(
                format!("Đã đặt mật khẩu mới cho {name}; các phiên đang mở đã kết thúc."),
                format!("{name} has a new password; open sessions have ended."),
                new.generated,
            ))
        }
    }
}

fn answer(vi: String, en: String, generated: Option<String>) -> Answer {
    match generated {
        None => Answer::new(vi, en),
        Some(password) => {
            Answer::new(format!("{vi}\nMật khẩu: {password}"), format!("{en}\nPassword: {password}"))
        }
    }
}
