//! Who calls: a user by the cookie of their session, or a program by its bearer token. Everything that a handler reads
//! or changes goes through the caller, whose scope every statement gets and whose name every change is written down with.

use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::{origin, secret};
use crate::latest::Effect;
use crate::model::agency::Scope;
use crate::model::text::Language;
use crate::model::user::Role;
use crate::store::StoreError;
use crate::store::sqlite::audit::{self, Actor};
use crate::store::sqlite::{api_token, session};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use rusqlite::{Connection, Transaction};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The cookie that holds a session's secret.
pub const COOKIE: &str = "tram_session";
/// How long a session lives after its last use.
pub const SESSION_MS: i64 = 12 * 3_600_000;
/// A session's end is moved at most so often.
const EXTEND_EVERY_MS: i64 = 10 * 60_000;

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// A user's name, or `token:NAME`.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What they may see.
    pub scope: Scope,
    /// The language of what they are shown.
    pub language: Language,
    /// SHA-256 of the session's secret; none for a program.
    pub session: Option<[u8; 32]>,
    address: Option<IpAddr>,
    state: Arc<State>,
}

/// A change that was made, to be written down and taken over by the state in memory.
#[derive(Debug)]
pub struct Changed<T> {
    /// What the handler goes on with.
    pub value: T,
    /// To what it was done, such as `work_order:7`.
    pub subject: String,
    /// The change itself.
    pub detail: serde_json::Value,
    /// What the state in memory must take over.
    pub effects: Vec<Effect>,
}

impl Caller {
    /// Refuses a caller whose role is lower.
    pub fn needs(&self, role: Role) -> Result<(), ApiError> {
        if self.role < role { Err(ApiError::Forbidden { needs: role }) } else { Ok(()) }
    }

    /// What the handlers work with.
    pub const fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Runs one read with the caller's scope, on a thread that may block.
    pub async fn read<T, F>(&self, read: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, Scope) -> Result<T, StoreError> + Send + 'static,
    {
        let scope = self.scope;
        self.state.read(move |connection| read(connection, scope)).await
    }

    /// Makes one change with the caller's scope, and writes down who made it in the same transaction. A change that is
    /// refused leaves nothing behind.
    pub async fn change<T, F>(&self, action: &'static str, change: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, Scope) -> Result<Changed<T>, ApiError> + Send + 'static,
    {
        let (scope, actor, now_ms) = (self.scope, self.actor(), self.state.clock.now_ms());
        let changed = self.state.commit.write(move |transaction| {
            transaction.execute_batch("SAVEPOINT change")?;
            match change(transaction, scope) {
                Ok(Changed { value, subject, detail, effects }) => {
                    audit::insert(transaction, &actor, action, &subject, &detail.to_string(), now_ms)?;
                    Ok((Ok(value), effects))
                }
                Err(refused) => {
                    transaction.execute_batch("ROLLBACK TO change")?;
                    Ok((Err(refused), Vec::new()))
                }
            }
        });
        changed.await?
    }

    fn actor(&self) -> Actor {
        Actor {
            name: self.name.clone(),
            address: self.address.map(|one| one.to_string()).unwrap_or_default(),
        }
    }
}

impl FromRequestParts<Arc<State>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, ApiError> {
        let address = address(parts);
        if let Some(token) = bearer(&parts.headers) {
            return by_token(state, token, address).await;
        }
        let secret = cookie(&parts.headers).ok_or(ApiError::Unauthenticated)?;
        origin::check(&parts.method, &parts.headers, &parts.uri, &state.origins)?;
        by_session(state, secret, address).await
    }
}

/// Where a request without a caller comes from, checked as if it came with a cookie: for signing in.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The address; none when the listener did not say.
    pub address: Option<IpAddr>,
}

impl FromRequestParts<Arc<State>> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, ApiError> {
        // A program that signs in may name no origin; a page of another site always does.
        if parts.headers.contains_key(header::ORIGIN) {
            origin::check(&parts.method, &parts.headers, &parts.uri, &state.origins)?;
        }
        Ok(Self { address: address(parts) })
    }
}

fn address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical())
}

async fn by_token(state: &Arc<State>, token: &str, address: Option<IpAddr>) -> Result<Caller, ApiError> {
    let (sha256, now_ms) = (secret::digest(token.as_bytes()), state.clock.now_ms());
    let found = state.read(move |connection| api_token::live(connection, &sha256, now_ms)).await?;
    let token = found.ok_or(ApiError::Unauthenticated)?;
    Ok(Caller {
        name: format!("token:{}", token.name),
        role: token.role,
        scope: token.scope,
        language: Language::En,
        session: None,
        address,
        state: Arc::clone(state),
    })
}

async fn by_session(state: &Arc<State>, secret: &str, address: Option<IpAddr>) -> Result<Caller, ApiError> {
    let (sha256, now_ms) = (secret::digest(secret.as_bytes()), state.clock.now_ms());
    let found = state.read(move |connection| session::live(connection, &sha256, now_ms)).await?;
    let live = found.ok_or(ApiError::Unauthenticated)?;
    if live.expires_ms < now_ms + SESSION_MS - EXTEND_EVERY_MS {
        let extend = move |transaction: &Transaction<'_>| {
            session::extend(transaction, &sha256, now_ms + SESSION_MS)?;
            Ok(((), Vec::new()))
        };
        state.commit.write(extend).await?;
    }
    Ok(Caller {
        name: live.user.name,
        role: live.user.role,
        scope: live.user.scope,
        language: live.user.language,
        session: Some(sha256),
        address,
        state: Arc::clone(state),
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, secret)| secret)
}
