//! `agent list | accept | revoke`.

use super::Answer;
use super::complaint::Complaint;
use super::store::{self, Written};
use crate::config::Config;
use crate::model::agency::Scope;
use crate::model::agent::{AgentId, AgentState};
use crate::model::text::Language;
use crate::revocations::Revocations;
use crate::store::sqlite::agent as row;
use crate::store::sqlite::listing::{self, ListedAgent};
use clap::Subcommand;
use serde_json::json;
use std::fmt::Write as _;

/// Agents that are read at once.
const CHUNK: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum AgentCommand {
    /// Lists the agents: id, state, asset, version, end of the certificate.
    List {
        /// Only those of this agency and below, as a path from the root.
        #[arg(long, value_name = "PATH")]
        agency: Option<String>,
    },
    /// Accepts an agent that waits; where its machine was known under another, that one is revoked.
    Accept {
        /// The agent's id: 32 hexadecimal digits, as `agent list` shows it.
        id: String,
    },
    /// Revokes an agent, for ever: from its next request on it is refused.
    Revoke {
        /// The agent's id: 32 hexadecimal digits, as `agent list` shows it.
        id: String,
    },
}

pub(super) fn run(config: &Config, language: Language, command: AgentCommand) -> Result<Answer, Complaint> {
    match command {
        AgentCommand::List { agency } => list(config, store::scope(config, agency.as_deref())?, language),
        AgentCommand::Accept { id } => accept(config, parse(&id)?),
        AgentCommand::Revoke { id } => revoke(config, parse(&id)?),
    }
}

fn list(config: &Config, scope: Scope, language: Language) -> Result<Answer, Complaint> {
    let mut text = String::new();
    let mut after = None;
    loop {
        let rows = store::read(config, |connection| listing::agents(connection, scope, after, CHUNK))?;
        for agent in &rows {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", shown(agent, language));
        }
        after = rows.last().map(|agent| agent.id);
        if rows.len() < CHUNK {
            break;
        }
    }
    if text.is_empty() {
        return Ok(Answer::new("Chưa có tác tử nào.", "There are no agents yet."));
    }
    let text = text.trim_end();
    Ok(Answer::new(text, text))
}

fn shown(agent: &ListedAgent, language: Language) -> String {
    let (vi, en) = match (agent.state, agent.clone_seen_ms) {
        (AgentState::Active, None) => ("hoạt động", "active"),
        (AgentState::Active, Some(_)) => ("bị sao chép", "clone"),
        (AgentState::Quarantined, _) => ("chờ duyệt", "quarantined"),
        (AgentState::Revoked, _) => ("đã thu hồi", "revoked"),
    };
    let state = match language {
        Language::Vi => vi,
        Language::En => en,
    };
    let expires = agent.certificate_expires_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let expires = expires.map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%d").to_string());
    // What a host calls itself must not reach the terminal as commands.
    let name: String = agent.asset_name.chars().filter(|letter| !letter.is_control()).collect();
    let version = if agent.version.is_empty() { "-" } else { &agent.version };
    format!("{}  {state:<12} {name:<32} {version:<10} {expires}", agent.id)
}

fn parse(id: &str) -> Result<AgentId, Complaint> {
    id.parse().map_err(|_| {
        Complaint::usage(
            format!(
                "{id:?} không phải mã tác tử: cần 32 chữ số thập lục phân, xem tram-collector agent list"
            ),
            format!("{id:?} is no agent's id: expected 32 hexadecimal digits, see tram-collector agent list"),
        )
    })
}

fn unwritten(error: std::io::Error) -> Complaint {
    Complaint::failure(
        format!("không ghi được tệp thu hồi: {error}"),
        format!("cannot write the file of revocations: {error}"),
    )
}

fn accept(config: &Config, id: AgentId) -> Result<Answer, Complaint> {
    let mut file = Revocations::read(store::existing(config)?).map_err(unwritten)?;
    let (revoked, at_ms) = store::change(config, "agent.accept", |transaction, now_ms| {
        listing::agent(transaction, Scope::All, id)?;
        let revoked = row::accept(transaction, id)?;
        let ids: Vec<String> = revoked.iter().map(AgentId::to_string).collect();
        let detail = json!({ "revoked": ids });
        Ok(Written { value: (revoked, now_ms), subject: format!("agent:{id}"), detail })
    })?;
    for other in &revoked {
        file.add(*other, at_ms).map_err(unwritten)?;
    }
    let (vi, en) = match revoked.len() {
        0 => (String::new(), String::new()),
        others => (
            format!(" Đã thu hồi {others} tác tử cũ của máy."),
            format!(" Revoked {others} earlier agent(s) of the machine."),
        ),
    };
    Ok(Answer::new(format!("Đã duyệt tác tử {id}.{vi}"), format!("Accepted the agent {id}.{en}")))
}

fn revoke(config: &Config, id: AgentId) -> Result<Answer, Complaint> {
    let mut file = Revocations::read(store::existing(config)?).map_err(unwritten)?;
    let at_ms = store::change(config, "agent.revoke", |transaction, now_ms| {
        let before = listing::agent(transaction, Scope::All, id)?;
        row::set_state(transaction, id, AgentState::Revoked)?;
        let detail = json!({ "asset": before.asset.0 });
        Ok(Written { value: now_ms, subject: format!("agent:{id}"), detail })
    })?;
    file.add(id, at_ms).map_err(unwritten)?;
    Ok(Answer::new(format!("Đã thu hồi tác tử {id}."), format!("Revoked the agent {id}.")))
}
