//! Signing in, asking who one is, signing out.

use crate::api::caller::{COOKIE, Caller, Origin, SESSION_MS};
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::login::Verdict;
use crate::api::password::{self, PasswordError};
use crate::api::secret;
use crate::api::state::State;
use crate::api::view::Problem;
use crate::api::view::person::{NewSession, Session, SessionUser, agency_of};
use crate::model::line::NAME_CHARS_MAX;
use crate::model::user::User;
use crate::store::sqlite::audit::{self, Actor};
use crate::store::sqlite::{session, user};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Signs in: sets the cookie `tram_session`.
#[utoipa::path(post, path = "/session", tag = "session", request_body = NewSession, security(()), responses(
    (status = 200, body = Session, headers(("set-cookie" = String, description = "tram_session"))),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_in(
    axum::extract::State(state): axum::extract::State<Arc<State>>,
    Origin { address }: Origin,
    Body(asked): Body<NewSession>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Session>), ApiError> {
    let name = asked.name.trim().to_owned();
    if name.chars().count() > NAME_CHARS_MAX || asked.password.len() > password::BYTES_MAX {
        return Err(ApiError::WrongPassword);
    }
    let _going = admit(&state, &name, address).await?;
    let user = checked(&state, name.clone(), asked.password).await?.ok_or(ApiError::WrongPassword)?;
    state.attempted.lock().unwrap_or_else(PoisonError::into_inner).succeeded(&name, address);
    let cookie = open(&state, &user, address).await?;
    let view = Session {
        user: SessionUser {
            name: user.name,
            role: user.role.into(),
            agency_id: agency_of(user.scope),
            language: user.language.into(),
        },
    };
    Ok(([(header::SET_COOKIE, cookie)], Json(view)))
}

/// Who the caller is.
#[utoipa::path(get, path = "/session", tag = "session", responses(
    (status = 200, body = Session),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub async fn who(caller: Caller) -> Json<Session> {
    let user = SessionUser {
        agency_id: agency_of(caller.scope),
        role: caller.role.into(),
        language: caller.language.into(),
        name: caller.name,
    };
    Json(Session { user })
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses(
    (status = 204),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_out(caller: Caller) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), ApiError> {
    if let Some(sha256) = caller.session {
        let end = move |transaction: &rusqlite::Transaction<'_>| {
            session::delete(transaction, &sha256)?;
            Ok(((), Vec::new()))
        };
        caller.state().commit.write(end).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie("", 0)?)]))
}

/// A check of a password that is going; gone when it is dropped, also because the caller has hung up.
struct Going<'a> {
    state: &'a State,
    address: Option<IpAddr>,
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.state.attempted.lock().unwrap_or_else(PoisonError::into_inner).ended(self.address);
    }
}

/// Holds an attempt up, or refuses it, by what was tried before.
async fn admit<'a>(state: &'a State, name: &str, address: Option<IpAddr>) -> Result<Going<'a>, ApiError> {
    let now_ms = state.clock.now_ms();
    let verdict = state.attempted.lock().unwrap_or_else(PoisonError::into_inner).admit(name, address, now_ms);
    match verdict {
        Verdict::Refuse { retry_after_ms } => {
            let retry_after_s = u64::try_from(retry_after_ms).unwrap_or(0).div_ceil(1_000);
            Err(ApiError::TooManyAttempts { retry_after_s })
        }
        Verdict::Check { hold_ms } => {
            let going = Going { state, address };
            if hold_ms > 0 {
                tokio::time::sleep(Duration::from_millis(u64::try_from(hold_ms).unwrap_or(0))).await;
            }
            Ok(going)
        }
    }
}

/// The user, if the password is theirs.
async fn checked(state: &State, name: String, password: String) -> Result<Option<User>, ApiError> {
    let found = state.read(move |connection| user::by_name(connection, &name)).await?;
    let (user, hash) = found.unzip();
    let is_right = state.passwords.check(password, hash).await.map_err(|error| match error {
        PasswordError::Busy => ApiError::Busy,
        PasswordError::Failed => ApiError::Internal(error.to_string()),
    })?;
    Ok(user.filter(|_| is_right))
}

/// Opens a session and gives the cookie for it.
async fn open(state: &State, user: &User, address: Option<IpAddr>) -> Result<HeaderValue, ApiError> {
    let secret = secret::session().map_err(|error| ApiError::Internal(error.to_string()))?;
    let (sha256, now_ms, id) = (secret::digest(secret.as_bytes()), state.clock.now_ms(), user.id);
    let actor =
        Actor { name: user.name.clone(), address: address.map(|one| one.to_string()).unwrap_or_default() };
    let add = move |transaction: &rusqlite::Transaction<'_>| {
        session::insert(transaction, &sha256, id, now_ms, now_ms + SESSION_MS)?;
        audit::insert(transaction, &actor, "session.open", &format!("user:{}", id.0), "{}", now_ms)?;
        Ok(((), Vec::new()))
    };
    state.commit.write(add).await?;
    cookie(&secret, SESSION_MS / 1_000)
}

fn cookie(secret: &str, max_age_s: i64) -> Result<HeaderValue, ApiError> {
    let text = format!("{COOKIE}={secret}; Path=/; Max-Age={max_age_s}; HttpOnly; Secure; SameSite=Strict");
    HeaderValue::from_str(&text).map_err(|error| ApiError::Internal(error.to_string()))
}
