//! Agents in the store, and the assets that come into being with them.

use super::blob;
use crate::model::agency::SiteId;
use crate::model::agent::{Agent, AgentId, AgentState};
use crate::model::asset::{Asset, AssetId, AssetKind};
use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// An agent with the asset that it runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentOnAsset {
    /// The agent.
    pub agent: Agent,
    /// The asset's name.
    pub name: String,
    /// Where the asset stands.
    pub site: SiteId,
    /// What the asset is.
    pub kind: AssetKind,
    /// Whether silence of the asset means a fault.
    pub always_on: bool,
}

/// The word for a state in the store.
pub const fn state_word(state: AgentState) -> &'static str {
    match state {
        AgentState::Active => "active",
        AgentState::Quarantined => "quarantined",
        AgentState::Revoked => "revoked",
    }
}

/// The state for a word; anything else may not report.
pub fn state_from_word(word: &str) -> AgentState {
    match word {
        "active" => AgentState::Active,
        "quarantined" => AgentState::Quarantined,
        _ => AgentState::Revoked,
    }
}

const COLUMNS: &str = "agent.id, agent.asset, agent.state, agent.machine, agent.clone_seen_ms, agent.version, \
                       agent.enrolled_ms, asset.kind, asset.always_on, asset.name, asset.site";

/// Shows every agent, one after the other: there may be many.
pub fn each<E: From<StoreError>>(
    connection: &Connection,
    mut show: impl FnMut(AgentOnAsset) -> Result<(), E>,
) -> Result<(), E> {
    let sql = format!("SELECT {COLUMNS} FROM agent JOIN asset ON asset.id = agent.asset");
    let mut statement = connection.prepare(&sql).map_err(StoreError::from)?;
    let mut rows = statement.query([]).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        show(from_row(row).map_err(StoreError::from)?)?;
    }
    Ok(())
}

/// Shows every agent and whether it may report.
pub fn each_state<E: From<StoreError>>(
    connection: &Connection,
    mut show: impl FnMut(AgentId, AgentState) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = connection.prepare("SELECT id, state FROM agent").map_err(StoreError::from)?;
    let mut rows = statement.query([]).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        let read = || {
            let state = state_from_word(row.get_ref(1)?.as_str()?);
            Ok::<_, rusqlite::Error>((AgentId(blob(row, 0)?), state))
        };
        let (id, state) = read().map_err(StoreError::from)?;
        show(id, state)?;
    }
    Ok(())
}

/// Every agent that was ever on an asset.
pub fn of_asset(connection: &Connection, asset: AssetId) -> Result<Vec<AgentId>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM agent WHERE asset = ?1")?;
    let rows = statement.query_map([asset.0], |row| blob(row, 0).map(AgentId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One agent; none when there is no such.
pub fn one(connection: &Connection, id: AgentId) -> Result<Option<AgentOnAsset>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agent JOIN asset ON asset.id = agent.asset WHERE agent.id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([id.0], from_row).optional()?)
}

/// The agent, not revoked, that enrolled last on a machine; none when the machine is not known.
pub fn on_machine(connection: &Connection, machine: [u8; 32]) -> Result<Option<AgentOnAsset>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agent JOIN asset ON asset.id = agent.asset \
         WHERE agent.machine = ?1 AND agent.state <> 'revoked' ORDER BY agent.enrolled_ms DESC LIMIT 1"
    );
    Ok(connection.query_row(&sql, [machine], from_row).optional()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<AgentOnAsset> {
    let state: String = row.get(2)?;
    let kind: String = row.get(7)?;
    Ok(AgentOnAsset {
        agent: Agent {
            id: AgentId(blob(row, 0)?),
            asset: AssetId(row.get(1)?),
            state: state_from_word(&state),
            machine: blob(row, 3)?,
            clone_seen_ms: row.get(4)?,
            version: row.get(5)?,
            enrolled_ms: row.get(6)?,
        },
        name: row.get(9)?,
        site: SiteId(row.get(10)?),
        kind: AssetKind::from_word(&kind).unwrap_or(AssetKind::Server),
        always_on: row.get(8)?,
    })
}

/// Adds an agent.
pub fn add(connection: &Connection, agent: &Agent) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO agent (id, asset, state, machine, clone_seen_ms, version, enrolled_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            agent.id.0,
            agent.asset.0,
            state_word(agent.state),
            agent.machine,
            agent.clone_seen_ms,
            agent.version,
            agent.enrolled_ms
        ],
    )?;
    Ok(())
}

/// Changes whether an agent may report. Revoking is for ever: a revoked agent is not found.
pub fn set_state(connection: &Connection, id: AgentId, state: AgentState) -> Result<(), StoreError> {
    let changed = connection.execute(
        "UPDATE agent SET state = ?2 WHERE id = ?1 AND (state <> 'revoked' OR ?2 = 'revoked')",
        params![id.0, state_word(state)],
    )?;
    if changed == 0 { Err(StoreError::Missing("agent")) } else { Ok(()) }
}

/// Lets a quarantined agent report. Where it stands for a machine that was known under another agent, that one is
/// revoked: an asset has one agent. Returns the agents that were revoked for it.
pub fn accept(connection: &Connection, id: AgentId) -> Result<Vec<AgentId>, StoreError> {
    let asset: Option<i64> = connection
        .query_row("SELECT asset FROM agent WHERE id = ?1 AND state = 'quarantined'", [id.0], |row| {
            row.get(0)
        })
        .optional()?;
    let asset = asset.ok_or(StoreError::Missing("quarantined agent"))?;
    let mut statement = connection
        .prepare("UPDATE agent SET state = 'revoked' WHERE asset = ?1 AND id <> ?2 AND state <> 'revoked' RETURNING id")?;
    let others = statement.query_map(params![asset, id.0], |row| blob(row, 0).map(AgentId))?;
    let others = others.collect::<Result<_, _>>()?;
    set_state(connection, id, AgentState::Active)?;
    Ok(others)
}

/// Flags that two hosts use an agent's identity; the first time counts.
pub fn flag_clone(connection: &Connection, id: AgentId, seen_ms: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE agent SET clone_seen_ms = coalesce(clone_seen_ms, ?2) WHERE id = ?1")?
        .execute(params![id.0, seen_ms])?;
    Ok(())
}

/// Notes the version of the agent program.
pub fn set_version(connection: &Connection, id: AgentId, version: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE agent SET version = ?2 WHERE id = ?1 AND version <> ?2")?
        .execute(params![id.0, version])?;
    Ok(())
}

/// Adds an asset and returns it.
pub fn add_asset(
    connection: &Connection,
    site: SiteId,
    name: &str,
    kind: AssetKind,
) -> Result<Asset, StoreError> {
    let always_on = kind.is_always_on();
    connection.execute(
        "INSERT INTO asset (site, name, kind, always_on) VALUES (?1, ?2, ?3, ?4)",
        params![site.0, name, kind.as_str(), always_on],
    )?;
    let id = AssetId(connection.last_insert_rowid());
    Ok(Asset { id, site, name: name.to_owned(), kind, always_on, version: 1 })
}

/// Names of the agency and site for assets that nobody has placed yet.
const UNASSIGNED: &str = "Chưa phân loại / Unassigned";

/// The site for assets that nobody has placed yet, made when it is first needed.
pub fn unassigned_site(connection: &Connection) -> Result<SiteId, StoreError> {
    connection.execute(
        "INSERT INTO agency (parent, name, kind) SELECT NULL, ?1, 'department' \
         WHERE NOT EXISTS (SELECT 1 FROM agency WHERE parent IS NULL AND name = ?1)",
        [UNASSIGNED],
    )?;
    connection.execute(
        "INSERT INTO site (agency, name) SELECT id, ?1 FROM agency WHERE parent IS NULL AND name = ?1 \
         ON CONFLICT DO NOTHING",
        [UNASSIGNED],
    )?;
    let site = connection.query_row(
        "SELECT site.id FROM site JOIN agency ON agency.id = site.agency \
         WHERE agency.parent IS NULL AND agency.name = ?1 AND site.name = ?1",
        [UNASSIGNED],
        |row| row.get(0),
    )?;
    Ok(SiteId(site))
}
