//! Answers: JSON when it went well, RFC 9457 when it did not.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use tram_proto::ack;

/// A whole answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// Seconds after which an agent may come again after something failed here.
const FAILED_RETRY_S: u64 = 5;
/// Seconds after which an agent may ask again whether an operator has accepted it.
const QUARANTINE_RETRY_S: u64 = 60;

/// An answer of status 200.
pub(super) fn json(body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// Why a request was not granted.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    word: &'static str,
    title: &'static str,
    detail: String,
    retry_s: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, word: &'static str, title: &'static str, detail: impl ToString) -> Self {
        Self { status, word, title, detail: detail.to_string(), retry_s: None }
    }

    /// There is no such endpoint.
    pub(super) fn path() -> Self {
        let known = "expected /agent/v1/enroll, /agent/v1/renew, /agent/v1/reports or /agent/v1/policy";
        Self::new(StatusCode::NOT_FOUND, "unknown-path", "no such endpoint", known)
    }

    /// The endpoint takes another method.
    pub(super) fn method() -> Self {
        let known = "expected GET for the policy, POST for everything else";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "unknown-method", "no such method here", known)
    }

    /// A body that cannot be read: says where.
    pub(super) fn bad_body(detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-body", "the body cannot be read", detail)
    }

    /// A body of more bytes than allowed.
    pub(super) fn too_large(bytes_max: usize) -> Self {
        let detail = format!("at most {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is too large", detail)
    }

    /// A body that took too long to come.
    pub(super) fn slow_body() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow-body", "the body took too long", "")
    }

    /// Come again: nothing was kept. When is said by [`Self::back_in`].
    pub(super) fn busy(detail: impl ToString) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "nothing was kept, send it again", detail)
    }

    /// This agent asks for more than its part: others are served meanwhile.
    pub(super) fn too_much(retry_s: u64) -> Self {
        let detail =
            "more requests at once, or more bytes, than one agent may send; nothing was kept, send it again";
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self { retry_s: Some(retry_s), ..Self::new(status, "too-much", "too much at once", detail) }
    }

    /// No certificate where one is needed.
    pub(super) fn no_certificate() -> Self {
        let detail = "enrol first, then connect with the certificate that enrolment gave";
        Self::new(StatusCode::UNAUTHORIZED, "certificate-required", "a client certificate is needed", detail)
    }

    /// The agent was revoked.
    pub(super) fn revoked() -> Self {
        let detail = "an operator revoked this agent; enrol again to let this machine report";
        Self::new(StatusCode::FORBIDDEN, "certificate-revoked", "this agent was revoked", detail)
    }

    /// The certificate has expired.
    pub(super) fn expired() -> Self {
        let detail = "an expired certificate may call /agent/v1/renew and nothing else";
        Self::new(StatusCode::FORBIDDEN, "certificate-expired", "the certificate has expired", detail)
    }

    /// A certificate that was replaced and is still used.
    pub(super) fn superseded() -> Self {
        let detail = "a newer certificate of this agent was used already, so two machines hold this identity: \
                      enrol again on the one that is a copy";
        Self::new(StatusCode::FORBIDDEN, "clone", "this identity is used twice", detail)
    }

    /// An operator has to decide first.
    pub(super) fn quarantined() -> Self {
        let detail = "an operator has to accept this agent: its machine is known under another agent, or this \
                      collector was restored from before its enrolment; keep the reports and try again";
        let problem =
            Self::new(StatusCode::FORBIDDEN, "unknown-agent", "this agent waits for an operator", detail);
        Self { retry_s: Some(QUARANTINE_RETRY_S), ..problem }
    }

    /// A batch in another agent's name.
    pub(super) fn wrong_agent() -> Self {
        let detail = "agent: not the one that the certificate names";
        Self::new(StatusCode::FORBIDDEN, "wrong-agent", "the batch is another agent's", detail)
    }

    /// No enrolment has this secret.
    pub(super) fn token_unknown() -> Self {
        let detail = "ask whoever gave you the token for a new one";
        Self::new(StatusCode::FORBIDDEN, "token-unknown", "no such enrolment token", detail)
    }

    /// The token's time is over.
    pub(super) fn token_expired() -> Self {
        let detail = "ask whoever gave you the token for a new one";
        Self::new(StatusCode::FORBIDDEN, "token-expired", "the enrolment token has expired", detail)
    }

    /// The token's uses are gone.
    pub(super) fn token_spent() -> Self {
        let detail = "it has been used as often as it may be; ask whoever gave you the token for a new one";
        Self::new(StatusCode::FORBIDDEN, "token-spent", "the enrolment token is used up", detail)
    }

    /// Something failed here; the log says what.
    pub(super) fn internal() -> Self {
        let detail = "the collector's log says why";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self {
            retry_s: Some(FAILED_RETRY_S),
            ..Self::new(status, "internal", "the collector failed", detail)
        }
    }

    /// Whether it is the collector that has no room or no store just now.
    pub(super) fn is_busy(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Says when to come again.
    pub(super) fn back_in(self, retry_s: u64) -> Self {
        Self { retry_s: Some(retry_s), ..self }
    }

    pub(super) const fn kind(&self) -> &'static str {
        self.word
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) fn into_answer(self) -> Answer {
        let problem = ack::Problem {
            kind: format!("about:blank#{}", self.word),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let mut answer =
            Response::new(Full::new(Bytes::from(serde_json::to_vec(&problem).unwrap_or_default())));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(retry_s) = self.retry_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_s));
        }
        answer
    }
}
