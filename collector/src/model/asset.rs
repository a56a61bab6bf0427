//! Assets: anything that may need care.

use crate::model::agency::SiteId;

/// An asset's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId(pub i64);

/// What an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssetKind {
    /// Serves others; always on.
    Server,
    /// A desktop; goes off in the evening.
    Workstation,
    /// A portable computer.
    Laptop,
    /// A printer.
    Printer,
    /// A scanner.
    Scanner,
    /// A wireless access point.
    AccessPoint,
    /// A switch.
    Switch,
    /// A router.
    Router,
    /// A firewall or similar.
    SecurityAppliance,
    /// A storage system.
    Storage,
    /// An uninterruptible power supply.
    Ups,
}

impl AssetKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Server,
        Self::Workstation,
        Self::Laptop,
        Self::Printer,
        Self::Scanner,
        Self::AccessPoint,
        Self::Switch,
        Self::Router,
        Self::SecurityAppliance,
        Self::Storage,
        Self::Ups,
    ];

    /// The word for it in the API, the store and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Workstation => "workstation",
            Self::Laptop => "laptop",
            Self::Printer => "printer",
            Self::Scanner => "scanner",
            Self::AccessPoint => "access_point",
            Self::Switch => "switch",
            Self::Router => "router",
            Self::SecurityAppliance => "security_appliance",
            Self::Storage => "storage",
            Self::Ups => "ups",
        }
    }

    /// The kind for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether an asset of this kind is expected to be on at all times, unless its own record says otherwise.
    pub const fn is_always_on(self) -> bool {
        !matches!(self, Self::Workstation | Self::Laptop | Self::Printer | Self::Scanner)
    }
}

/// Anything that may need care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Id.
    pub id: AssetId,
    /// Where it stands.
    pub site: SiteId,
    /// Name, as the host gives it or an operator typed it.
    pub name: String,
    /// What it is: guessed at first, editable.
    pub kind: AssetKind,
    /// Whether silence means a fault.
    pub always_on: bool,
    /// Rises with every change; the ETag.
    pub version: i64,
}
