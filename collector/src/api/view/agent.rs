//! Agents as the API shows them.

use serde::Serialize;
use utoipa::ToSchema;

/// Whether an agent may report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It may.
    Active,
    /// It may not, ever again.
    Revoked,
    /// Waits for an operator to accept or revoke it.
    Quarantined,
    /// It may, and two machines were seen to use its identity.
    Clone,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Agent {
    /// Id: 32 hexadecimal digits.
    pub id: String,
    /// The asset that it runs on.
    pub asset_id: i64,
    /// That asset's name.
    pub asset_name: String,
    /// Version of the program.
    pub version: String,
    /// Whether it may report.
    pub state: AgentState,
    /// When it enrolled.
    pub enrolled_ms: i64,
    /// When it was last heard of.
    pub last_seen_ms: Option<i64>,
    /// When its newest certificate expires.
    pub certificate_expires_ms: Option<i64>,
    /// How many spools it has been seen with.
    pub spools: u32,
}

/// The agent of an asset, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentBrief {
    /// Id: 32 hexadecimal digits.
    pub id: String,
    /// Version of the program.
    pub version: String,
    /// Whether it may report.
    pub state: AgentState,
}
