//! Enrolments: the tokens that let agents in, bounded in uses and time.

use crate::model::agency::SiteId;

/// An enrolment's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnrollmentId(pub i64);

/// A token's record; the secret itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrollment {
    /// Id.
    pub id: EnrollmentId,
    /// Where agents that use it are put.
    pub site: SiteId,
    /// SHA-256 of the secret.
    pub secret_sha256: [u8; 32],
    /// How many more machines may use it.
    pub uses_left: i64,
    /// Until when, milliseconds since 1970.
    pub expires_ms: i64,
    /// Who made it.
    pub created_by: String,
    /// When, milliseconds since 1970.
    pub created_ms: i64,
}
