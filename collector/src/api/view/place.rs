//! Agencies and sites as the API shows them.

use crate::api::input;
use crate::model::agency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An agency's place in the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgencyKind {
    /// The province itself.
    Province,
    /// A provincial department.
    Department,
    /// A district.
    District,
    /// A commune.
    Commune,
}

impl From<agency::AgencyKind> for AgencyKind {
    fn from(kind: agency::AgencyKind) -> Self {
        match kind {
            agency::AgencyKind::Province => Self::Province,
            agency::AgencyKind::Department => Self::Department,
            agency::AgencyKind::District => Self::District,
            agency::AgencyKind::Commune => Self::Commune,
        }
    }
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Agency {
    /// Id.
    pub id: i64,
    /// Name, unique within its parent.
    pub name: String,
    /// Place in the administration.
    pub kind: AgencyKind,
    /// The agency above; null for a root.
    pub parent_id: Option<i64>,
}

impl From<agency::Agency> for Agency {
    fn from(agency: agency::Agency) -> Self {
        Self {
            id: agency.id.0,
            name: agency.name,
            kind: agency.kind.into(),
            parent_id: agency.parent.map(|parent| parent.0),
        }
    }
}

/// A place with an uplink.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Site {
    /// Id.
    pub id: i64,
    /// Name, unique within its agency.
    pub name: String,
    /// The agency it belongs to.
    pub agency_id: i64,
    /// Postal address.
    pub address: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Bytes a minute that its agents together may send of history; null for no bound.
    pub history_bytes_per_minute: Option<u32>,
    /// What `If-Match` needs for a change.
    pub etag: String,
}

/// What to change about a site.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteChange {
    /// Bytes a minute that its agents together may send of history: from 4096, 0 for nothing, null for no bound.
    #[serde(deserialize_with = "Deserialize::deserialize")]
    #[schema(required)]
    pub history_bytes_per_minute: Option<u32>,
}

impl From<agency::Site> for Site {
    fn from(site: agency::Site) -> Self {
        Self {
            id: site.id.0,
            name: site.name,
            agency_id: site.agency.0,
            address: site.address,
            latitude: site.latitude,
            longitude: site.longitude,
            history_bytes_per_minute: site.history_bytes_per_minute,
            etag: input::etag(site.version),
        }
    }
}
