//! Policies: where what is asked of agents is placed. What it asks is text to the model; only the agents' door reads it.

use crate::model::agency::{AgencyId, Scope, SiteId};

/// Whom a policy is for. The nearer one of several says more: a site's before its agency's, that before the one above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Every agent.
    All,
    /// Agents of an agency and of all below it.
    Agency(AgencyId),
    /// Agents of a site.
    Site(SiteId),
}

impl Place {
    /// As the audit names it.
    pub fn subject(self) -> String {
        match self {
            Self::All => "policy:all".to_owned(),
            Self::Agency(id) => format!("policy:agency:{}", id.0),
            Self::Site(id) => format!("policy:site:{}", id.0),
        }
    }

    /// Whether a caller with this scope may see a policy for everyone.
    pub fn is_open_to(self, scope: Scope) -> bool {
        self != Self::All || scope == Scope::All
    }
}

/// A policy at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedPolicy {
    /// What it asks, as JSON text.
    pub body: String,
    /// Rises with every change; 0: there is none here yet.
    pub version: i64,
}

impl Default for PlacedPolicy {
    fn default() -> Self {
        Self { body: "{}".to_owned(), version: 0 }
    }
}
