//! Agents: the programs on host assets, their certificates and what the collector thinks of them.

use crate::model::asset::AssetId;
use std::fmt;

/// An agent's id: the subject of its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AgentId(pub [u8; 16]);

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for AgentId {
    type Err = InvalidAgentId;
    fn from_str(text: &str) -> Result<Self, InvalidAgentId> {
        let mut id = Self::default();
        if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidAgentId);
        }
        for (place, byte) in id.0.iter_mut().enumerate() {
            let pair = text.get(place * 2..place * 2 + 2).ok_or(InvalidAgentId)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidAgentId)?;
        }
        Ok(id)
    }
}

/// Text that is not an agent's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an agent id has 32 hexadecimal digits")]
pub struct InvalidAgentId;

/// Whether an agent may report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentState {
    /// It may.
    Active,
    /// A certificate of our CA for an agent that this store does not know, or a machine that is known under another
    /// agent: shown to an operator, who accepts or revokes it.
    Quarantined,
    /// It may not, ever again.
    Revoked,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Id.
    pub id: AgentId,
    /// The asset that it runs on.
    pub asset: AssetId,
    /// Whether it may report.
    pub state: AgentState,
    /// SHA-256 of the host's machine id, as the agent gave it.
    pub machine: [u8; 32],
    /// Set when two hosts were seen to use this identity: why and since when, milliseconds since 1970.
    pub clone_seen_ms: Option<i64>,
    /// Version of the agent program, from its catalogue.
    pub version: String,
    /// When it enrolled, milliseconds since 1970.
    pub enrolled_ms: i64,
}

/// A leaf certificate that this collector issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER.
    pub sha256: [u8; 32],
    /// Whom it names.
    pub agent: AgentId,
    /// When it was issued, milliseconds since 1970.
    pub issued_ms: i64,
    /// When it expires, milliseconds since 1970.
    pub expires_ms: i64,
    /// When it was first used, milliseconds since 1970.
    pub first_used_ms: Option<i64>,
    /// Set once a newer certificate of the agent was used: from then on its use means a clone.
    pub superseded_ms: Option<i64>,
}
