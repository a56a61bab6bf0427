//! What requests bring: paths, queries, bodies and `If-Match`, with refusals that say what was expected.

use crate::api::error::ApiError;
use crate::model::line::{self, LineFault};
use crate::model::text::{Text, parser};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

/// Bytes of a request's body at most.
pub const BODY_BYTES_MAX: usize = 64 * 1_024;

/// The id in a path; what is no number is an id that does not exist.
#[derive(Debug, Clone, Copy)]
pub struct Id(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|_| ApiError::Missing("item"))?.0;
        text.parse().map(Id).map_err(|_| ApiError::Missing("item"))
    }
}

/// The query, with unknown parameters refused by name.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|query| Self(query.0)).map_err(|rejection| {
            let why = rejection.body_text();
            let why = why.strip_prefix("Failed to deserialize query string: ").unwrap_or(&why);
            let Text { vi, en } = parser::complaint(why);
            let vi = format!("Tham số truy vấn không hợp lệ: {vi}.");
            ApiError::invalid("query", vi, format!("The query is not acceptable: {en}."))
        })
    }
}

/// A JSON body, with unknown fields refused by name.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("application/json"));
        if !is_json {
            return Err(ApiError::BadBody(Text::new(
                "tiêu đề Content-Type không phải là application/json",
                "content-type is not application/json",
            )));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let is_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
            if is_large {
                ApiError::TooLarge
            } else {
                ApiError::BadBody(parser::complaint(&rejection.body_text()))
            }
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::BadBody(parser::complaint(&error.to_string())))
    }
}

/// The ETag of a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The header for a version.
pub fn etag_header(version: i64) -> [(header::HeaderName, HeaderValue); 1] {
    let value = HeaderValue::from_str(&etag(version)).unwrap_or(HeaderValue::from_static("\"\""));
    [(header::ETAG, value)]
}

/// The version that a caller has read and wants to change; none for whatever there is (`*`).
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let given = headers.get(header::IF_MATCH).ok_or(ApiError::PreconditionRequired)?;
    let text = given.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let bare = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    // An etag that we never gave matches nothing.
    bare.parse().map(Some).map_err(|_| ApiError::Stale)
}

/// A name that someone typed.
pub fn name(field: &'static str, text: &str) -> Result<String, ApiError> {
    line::name(text).map_err(|fault| refused(field, fault))
}

/// A note that someone typed.
pub fn note(field: &'static str, text: &str) -> Result<String, ApiError> {
    line::note(text).map_err(|fault| refused(field, fault))
}

/// An agency's path that someone typed.
pub fn path(field: &'static str, text: &str) -> Result<Vec<String>, ApiError> {
    line::path(text).map_err(|fault| refused(field, fault))
}

fn refused(field: &'static str, fault: LineFault) -> ApiError {
    ApiError::Invalid { field: field.to_owned(), text: fault.text(field).into() }
}
