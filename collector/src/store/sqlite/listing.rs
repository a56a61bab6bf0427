//! Agents and enrolments as operators see them: with the names of where they are, within a scope.

use crate::model::agency::{AgencyId, Scope};
use crate::model::agent::{AgentId, AgentState};
use crate::model::asset::AssetId;
use crate::model::enrollment::EnrollmentId;
use crate::store::StoreError;
use crate::store::sqlite::{agent, blob, scope};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

/// An agent with its asset's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAgent {
    /// Id.
    pub id: AgentId,
    /// The asset that it runs on.
    pub asset: AssetId,
    /// That asset's name.
    pub asset_name: String,
    /// Version of the program.
    pub version: String,
    /// Whether it may report.
    pub state: AgentState,
    /// Set when two hosts were seen to use this identity.
    pub clone_seen_ms: Option<i64>,
    /// When it enrolled.
    pub enrolled_ms: i64,
    /// When its newest certificate expires.
    pub certificate_expires_ms: Option<i64>,
}

/// An enrolment with the names of where it puts machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEnrollment {
    /// Id.
    pub id: EnrollmentId,
    /// The site's id and name.
    pub site: (i64, String),
    /// The agency.
    pub agency: AgencyId,
    /// The agency's name.
    pub agency_name: String,
    /// How many more machines may use it.
    pub uses_left: i64,
    /// Until when.
    pub expires_ms: i64,
    /// Who made it.
    pub created_by: String,
}

const AGENTS: &str = "SELECT agent.id, agent.asset, asset.name, agent.version, agent.state, \
                      agent.clone_seen_ms, agent.enrolled_ms, \
                      (SELECT max(expires_ms) FROM certificate WHERE certificate.agent = agent.id) \
                      FROM agent JOIN asset ON asset.id = agent.asset JOIN site ON site.id = asset.site";

const ENROLLMENTS: &str = "SELECT enrollment.id, site.id, site.name, agency.id, agency.name, \
                           enrollment.uses_left, enrollment.expires_ms, enrollment.created_by \
                           FROM enrollment JOIN site ON site.id = enrollment.site \
                           JOIN agency ON agency.id = site.agency";

/// Agents within `scope` by id, at most `limit` of them behind `after`.
pub fn agents(
    connection: &Connection,
    scope: Scope,
    after: Option<AgentId>,
    limit: usize,
) -> Result<Vec<ListedAgent>, StoreError> {
    let sql = format!(
        "{AGENTS} WHERE (:after IS NULL OR agent.id > :after) AND {} ORDER BY agent.id LIMIT :limit",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = named_params! {
        ":after": after.map(|id| id.0), ":scope": scope::parameter(scope), ":limit": limit as i64,
    };
    let rows = statement.query_map(parameters, agent_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One agent; missing when it is not within `scope`.
pub fn agent(connection: &Connection, scope: Scope, id: AgentId) -> Result<ListedAgent, StoreError> {
    let sql = format!("{AGENTS} WHERE agent.id = :id AND {}", scope::within("site.agency", ":scope"));
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = named_params! { ":id": id.0, ":scope": scope::parameter(scope) };
    statement.query_row(parameters, agent_of).optional()?.ok_or(StoreError::Missing("agent"))
}

/// Agents that were ever let in on an asset within `scope`, oldest first: its history is theirs.
pub fn agents_of_asset(
    connection: &Connection,
    scope: Scope,
    asset: AssetId,
) -> Result<Vec<AgentId>, StoreError> {
    let sql = format!(
        "SELECT agent.id FROM agent JOIN asset ON asset.id = agent.asset JOIN site ON site.id = asset.site \
         WHERE agent.asset = :asset AND agent.state <> 'quarantined' AND {} ORDER BY agent.enrolled_ms",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = named_params! { ":asset": asset.0, ":scope": scope::parameter(scope) };
    let rows = statement.query_map(parameters, |row| blob(row, 0).map(AgentId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Enrolments within `scope`, newest first, at most `limit` of them before `before`.
pub fn enrollments(
    connection: &Connection,
    scope: Scope,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<ListedEnrollment>, StoreError> {
    let sql = format!(
        "{ENROLLMENTS} WHERE enrollment.id < :before AND {} ORDER BY enrollment.id DESC LIMIT :limit",
        scope::within("site.agency", ":scope")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = named_params! {
        ":before": before.unwrap_or(i64::MAX), ":scope": scope::parameter(scope), ":limit": limit as i64,
    };
    let rows = statement.query_map(parameters, enrollment_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One enrolment; missing when it is not within `scope`.
pub fn enrollment(
    connection: &Connection,
    scope: Scope,
    id: EnrollmentId,
) -> Result<ListedEnrollment, StoreError> {
    let sql =
        format!("{ENROLLMENTS} WHERE enrollment.id = :id AND {}", scope::within("site.agency", ":scope"));
    let parameters = named_params! { ":id": id.0, ":scope": scope::parameter(scope) };
    let found = connection.query_row(&sql, parameters, enrollment_of).optional()?;
    found.ok_or(StoreError::Missing("enrollment"))
}

fn agent_of(row: &Row<'_>) -> rusqlite::Result<ListedAgent> {
    let state: String = row.get(4)?;
    Ok(ListedAgent {
        id: AgentId(blob(row, 0)?),
        asset: AssetId(row.get(1)?),
        asset_name: row.get(2)?,
        version: row.get(3)?,
        state: agent::state_from_word(&state),
        clone_seen_ms: row.get(5)?,
        enrolled_ms: row.get(6)?,
        certificate_expires_ms: row.get(7)?,
    })
}

fn enrollment_of(row: &Row<'_>) -> rusqlite::Result<ListedEnrollment> {
    Ok(ListedEnrollment {
        id: EnrollmentId(row.get(0)?),
        site: (row.get(1)?, row.get(2)?),
        agency: AgencyId(row.get(3)?),
        agency_name: row.get(4)?,
        uses_left: row.get(5)?,
        expires_ms: row.get(6)?,
        created_by: row.get(7)?,
    })
}
