//! Making an enrolment and its token: for the API and the command line alike.
//!
//! One of the few places that name the wire: a token is what an agent reads.

use crate::model::agency::Scope;
use crate::model::enrollment::EnrollmentId;
use crate::store::StoreError;
use crate::store::sqlite::{agency, enrollment};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use tram_proto::enroll::Token;

/// Machines that one token may let in, at most.
pub const USES_MAX: i64 = 10_000;
/// How long a token lives, at most: 90 days, in seconds.
pub const EXPIRES_S_MAX: i64 = 90 * 86_400;
/// How long a token lives unless told, in seconds.
pub const EXPIRES_S_DEFAULT: i64 = 86_400;

/// What to make.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Names of agencies from the root; made where absent.
    pub agency: &'a [String],
    /// The site's name within the last of them; made where absent.
    pub site: &'a str,
    /// How many machines may use it.
    pub uses: i64,
    /// Until when, milliseconds since 1970.
    pub expires_ms: i64,
    /// Who makes it.
    pub created_by: &'a str,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its record.
    pub id: EnrollmentId,
    /// The token's text: the only time that it is there.
    pub token: String,
}

/// Makes an enrolment within `scope`, for an authority with this fingerprint. `secret` is random.
pub fn make(
    connection: &Connection,
    scope: Scope,
    wanted: &Wanted<'_>,
    secret: [u8; 20],
    ca_sha256: [u8; 32],
    now_ms: i64,
) -> Result<Made, StoreError> {
    let path: Vec<&str> = wanted.agency.iter().map(String::as_str).collect();
    let agency = agency::ensure(connection, scope, &path)?;
    let site = agency::ensure_site(connection, agency, wanted.site)?;
    let token = Token { ca_sha256, issued_ms: now_ms, secret };
    let secret_sha256 = Sha256::digest(token.secret).into();
    let (uses, expires_ms) = (wanted.uses, wanted.expires_ms);
    let id = enrollment::add(connection, site, secret_sha256, uses, expires_ms, wanted.created_by, now_ms)?;
    Ok(Made { id, token: token.to_string() })
}

/// The authority's fingerprint and the time of issue that a token carries: what tests look at.
#[cfg(test)]
pub(crate) fn pinned(token: &str) -> Option<([u8; 32], i64)> {
    let token: Token = token.parse().ok()?;
    Some((token.ca_sha256, token.issued_ms))
}
