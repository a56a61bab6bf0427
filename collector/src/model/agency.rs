//! Agencies, their tree, and sites: who owns assets, and where they stand.

/// An agency's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgencyId(pub i64);

/// A site's id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub i64);

/// An agency's place in the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgencyKind {
    /// The province itself: the root.
    Province,
    /// A provincial department.
    Department,
    /// A district.
    District,
    /// A commune.
    Commune,
}

/// An organisation; agencies form a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// Id.
    pub id: AgencyId,
    /// Name, unique within its parent.
    pub name: String,
    /// Place in the administration.
    pub kind: AgencyKind,
    /// The agency above; none for a root.
    pub parent: Option<AgencyId>,
}

/// A place with an uplink.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Id.
    pub id: SiteId,
    /// The agency it belongs to.
    pub agency: AgencyId,
    /// Name, unique within its agency.
    pub name: String,
    /// Postal address, as typed.
    pub address: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Bytes a minute that its agents together may send of history; none: no bound.
    pub history_bytes_per_minute: Option<u32>,
    /// Rises with every change; the ETag.
    pub version: i64,
}

/// The part of the agency tree that a caller may see: a required argument of every read in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// One agency and every agency below it.
    Agency(AgencyId),
}
