//! How a scope becomes a condition of a statement. Every read of what belongs to an agency uses it.

use crate::model::agency::{AgencyId, Scope};

/// A condition that holds where `column`, an agency's id, is the agency of `parameter` or below it, and everywhere
/// when the parameter is null.
pub fn within(column: &str, parameter: &str) -> String {
    format!(
        "({parameter} IS NULL OR {column} IN (WITH RECURSIVE below (id) AS (SELECT {parameter} \
         UNION SELECT agency.id FROM agency JOIN below ON agency.parent = below.id) SELECT id FROM below))"
    )
}

/// The parameter for a scope: the agency at its top, null for everything.
pub fn parameter(scope: Scope) -> Option<i64> {
    match scope {
        Scope::All => None,
        Scope::Agency(AgencyId(id)) => Some(id),
    }
}

/// The scope for a stored agency.
pub fn from_column(agency: Option<i64>) -> Scope {
    agency.map_or(Scope::All, |id| Scope::Agency(AgencyId(id)))
}
