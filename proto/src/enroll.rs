//! Enrolment: the token that an operator hands out, and the bodies of `/enroll` and `/renew`.

use crate::catalogue::Attributes;
use crate::id::AgentId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a token starts with.
const PREFIX: &str = "tram1_";
const CA_BYTES: usize = 32;
const TIME_BYTES: usize = 8;
const SECRET_BYTES: usize = 20;

/// An enrolment token: pins the CA, says when it was issued, and carries a secret that is sent only after a handshake
/// verified against that CA.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the CA certificate's DER.
    pub ca_sha256: [u8; CA_BYTES],
    /// The collector's time at issue, milliseconds since 1970: the first time that a new agent may trust.
    pub issued_ms: i64,
    /// The secret.
    pub secret: [u8; SECRET_BYTES],
}

/// Text that is not a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an enrolment token: expected tram1_ and 80 characters, as `tram-collector enrollment create` prints it"
)]
pub struct InvalidToken;

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(CA_BYTES + TIME_BYTES + SECRET_BYTES);
        bytes.extend_from_slice(&self.ca_sha256);
        bytes.extend_from_slice(&self.issued_ms.to_be_bytes());
        bytes.extend_from_slice(&self.secret);
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Never prints the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("issued_ms", &self.issued_ms).finish_non_exhaustive()
    }
}

impl FromStr for Token {
    type Err = InvalidToken;
    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(InvalidToken)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidToken)?;
        let (ca, rest) = bytes.split_at_checked(CA_BYTES).ok_or(InvalidToken)?;
        let (time, secret) = rest.split_at_checked(TIME_BYTES).ok_or(InvalidToken)?;
        Ok(Self {
            ca_sha256: ca.try_into().map_err(|_| InvalidToken)?,
            issued_ms: i64::from_be_bytes(time.try_into().map_err(|_| InvalidToken)?),
            secret: secret.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

/// Body of `POST /agent/v1/enroll`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// The token's secret, base64url.
    pub secret: String,
    /// A certificate signing request, PEM. Only its public key is used.
    pub csr: String,
    /// SHA-256 of the host's machine id, hexadecimal: tells a clone or a reinstallation.
    pub machine: String,
    /// What is known of the host, with the keys of [`crate::catalogue::Catalogue::resource`].
    pub resource: Attributes,
}

/// Body of `POST /agent/v1/renew`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// A certificate signing request with a new key, PEM. Only its public key is used.
    pub csr: String,
}

/// Answer to both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The agent's id.
    pub agent: AgentId,
    /// The leaf certificate, PEM.
    pub certificate: String,
    /// The CA certificate, PEM; its SHA-256 must be the one pinned.
    pub ca: String,
    /// The collector's time, milliseconds since 1970.
    #[serde(rename = "time")]
    pub collector_ms: i64,
    /// What the person who enrols should know, such as that an operator has to accept this agent first; empty when
    /// there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The secret as it is sent: base64url.
pub fn secret_text(secret: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_round_trips_and_hides_its_secret() {
        let token = Token { ca_sha256: [7; 32], issued_ms: 1_795_000_000_000, secret: [9; 20] };
        assert_eq!(token.to_string().parse(), Ok(token.clone()));
        assert_eq!(token.to_string().len(), PREFIX.len() + 80);
        assert!(!format!("{token:?}").contains('9'.to_string().repeat(3).as_str()));
    }

    #[test]
    fn other_text_is_no_token() {
        for text in ["", "tram1_", "tram1_!!!!", "eyJhbGciOi", "tram2_AAAA"] {
            assert_eq!(text.parse::<Token>(), Err(InvalidToken), "{text}");
        }
    }
}
