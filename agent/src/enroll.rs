//! Enrolment: from a token to an identity. The token's secret leaves only after the server has shown, in a handshake
//! verified as of the token's issue, that it is under the authority that the token pins.
//!
//! It can be repeated with the same token: the key is on disk before the first request.

use crate::clock::Clock;
use crate::uplink::CONNECT_TIMEOUT;
use crate::uplink::identity::{Identity, IdentityError, IdentityStore, Key, token_sha256};
use crate::uplink::post::{self, Answer, InvalidAddress, Poster};
use crate::uplink::proxy::{Proxy, Route};
use crate::uplink::trust::{self, CollectorTime};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tram_proto::catalogue::Attributes;
use tram_proto::enroll::{EnrollRequest, Enrolled, Token, secret_text};

/// What an enrolment needs.
#[derive(Debug, Clone)]
pub struct Order {
    /// The collector, `https://HOST:PORT`.
    pub collector: String,
    /// What the operator handed out.
    pub token: Token,
    /// SHA-256 of the host's machine id, hexadecimal.
    pub machine: String,
    /// What is known of the host.
    pub resource: Attributes,
    /// The way there; its addresses do not count, the one above does.
    pub route: Route,
}

/// Why an enrolment failed.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The address is not a collector's.
    #[error("collector: {0}")]
    Address(#[from] InvalidAddress),
    /// The authority that was given in advance is not the one that the token pins.
    #[error("collector.ca_file is not the authority that the token names")]
    OtherAuthority,
    /// The collector cannot be told apart from the proxy.
    #[error("{0} has the proxy's own name: a proxy under TLS needs another")]
    Shadowed(String),
    /// No answer, or the server is not under the authority that the token pins.
    #[error("no trusted answer from {collector}: {why}")]
    Unreachable {
        /// The collector.
        collector: String,
        /// In words.
        why: String,
    },
    /// The token's uses are spent.
    #[error("the token is spent: ask for a new one")]
    Spent,
    /// The token is too old.
    #[error("the token has expired: ask for a new one")]
    Expired,
    /// The collector does not know the token.
    #[error("the collector does not know this token")]
    Unknown,
    /// The collector said no for another reason.
    #[error("the collector refused: {0}")]
    Refused(String),
    /// What came back cannot be used.
    #[error("the collector's answer cannot be used: {0}")]
    Answer(String),
    /// The file that is to name this machine cannot be read, or names nothing.
    #[error("agent.machine_id = {path}: expected a file with an id of this machine")]
    Machine {
        /// The file.
        path: String,
    },
    /// The identity cannot be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Enrols this host and keeps its identity.
pub async fn enroll(
    store: &IdentityStore,
    order: Order,
    clock: Arc<dyn Clock>,
) -> Result<Identity, EnrollError> {
    let collector = post::address(&order.collector)?;
    let proxy = order.route.proxy.as_ref();
    if proxy.is_some_and(|proxy| proxy.shadows(&collector)) {
        return Err(EnrollError::Shadowed(collector));
    }
    if order.route.ca.as_ref().is_some_and(|ca| Sha256::digest(ca)[..] != order.token.ca_sha256) {
        return Err(EnrollError::OtherAuthority);
    }
    let token_sha256 = token_sha256(&order.token.secret);
    let key = key_for(store, &token_sha256)?;
    let time = Arc::new(CollectorTime::at_least(clock.clone(), order.token.issued_ms));
    let unusable = |error: String| EnrollError::Answer(error);
    let tls = trust::pinned(order.token.ca_sha256, order.route.ca.as_deref(), time.clone(), proxy)
        .map_err(|error| unusable(error.to_string()))?;
    let poster = Poster::new(tls, proxy, CONNECT_TIMEOUT).map_err(|error| unusable(error.to_string()))?;
    let secret = secret_text(&order.token.secret);
    let request =
        EnrollRequest { secret, csr: key.request()?, machine: order.machine, resource: order.resource };
    let body = serde_json::to_vec(&request).map_err(|error| unusable(error.to_string()))?;
    let answer = poster.post(format!("{collector}{}", post::ENROLL), body).await;
    let enrolled = read(&answer, &collector, proxy)?;
    let identity = key.identity(enrolled, collector, token_sha256);
    let sent_ca = Sha256::digest(identity.ca_der()?);
    if sent_ca[..] != order.token.ca_sha256 {
        return Err(EnrollError::Answer("its authority is not the one that the token pins".into()));
    }
    // Also shows that the certificate belongs to our key.
    trust::enrolled(&identity, time, proxy)?;
    store.save(&identity)?;
    Ok(identity)
}

/// The key that this token was used with before, or a new one, which is kept before it is used.
fn key_for(store: &IdentityStore, token_sha256: &str) -> Result<Key, IdentityError> {
    let enrolled = unless_damaged(store.current())?.filter(|identity| identity.token_sha256 == token_sha256);
    let begun = unless_damaged(store.begun(token_sha256))?;
    if let Some(key) = enrolled.map(|identity| identity.key()).or(begun) {
        return Ok(key);
    }
    let key = Key::generate(token_sha256)?;
    store.begin(&key)?;
    Ok(key)
}

/// Enrolling is what mends a damaged file, so it must not stand in the way.
fn unless_damaged<T>(read: Result<Option<T>, IdentityError>) -> Result<Option<T>, IdentityError> {
    match read {
        Err(IdentityError::Damaged { path, why }) => {
            tracing::warn!(path = %path.display(), why, "a damaged file is replaced");
            Ok(None)
        }
        read => read,
    }
}

fn read(answer: &Answer, collector: &str, proxy: Option<&Proxy>) -> Result<Enrolled, EnrollError> {
    match answer {
        Answer::Success(body) => {
            serde_json::from_slice(body).map_err(|error| EnrollError::Answer(error.to_string()))
        }
        Answer::Problem { problem, .. } => Err(match problem.kind.rsplit('#').next().unwrap_or_default() {
            "token-spent" => EnrollError::Spent,
            "token-expired" => EnrollError::Expired,
            "token-unknown" => EnrollError::Unknown,
            _ => EnrollError::Refused(answer.words()),
        }),
        Answer::Silence(why) | Answer::Unsent(why) => {
            let why = match proxy {
                Some(proxy) => format!("{why} (through the proxy {proxy})"),
                None => why.clone(),
            };
            Err(EnrollError::Unreachable { collector: collector.to_owned(), why })
        }
    }
}
