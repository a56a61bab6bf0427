//! The operators' pages: files that the build embedded, and `index.html` for every address that is a page.
//!
//! Owns caching, compression as the build prepared it, and what a browser may do with a page. Knows nothing of what the
//! pages show, nor of the API that they ask.

use axum::Router;
use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "web/build/site"]
struct Files;

/// The page that every page address gets; it finds out by itself what to show.
const PAGE: &str = "index.html";
/// Files below here carry a digest of their content in their names.
const IMMUTABLE: &str = "_app/immutable/";
/// First parts of addresses that are never pages: programs ask for them, and a page would mislead a program.
const NOT_PAGES: &[&str] = &["api", "agent", "install", "metrics", "healthz", "readyz", "_app"];
/// Encodings that the build prepared, best first, with what each adds to a file's name.
const ENCODINGS: &[(&str, &str)] = &[("br", ".br"), ("gzip", ".gz")];

/// Serves the pages at every address that no other route takes. A router has one fallback: merge this one last.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().fallback_service(get(serve))
}

/// Answers one request for a file or a page.
pub async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_embedded = is_servable(path) && Files::get(path).is_some();
    let name = if is_embedded {
        path
    } else if is_page(path) {
        PAGE
    } else {
        return guarded(StatusCode::NOT_FOUND.into_response());
    };
    guarded(file(name, &headers).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response()))
}

/// The compressed twins are reached through the name of what they are twins of.
fn is_servable(path: &str) -> bool {
    !path.is_empty() && !ENCODINGS.iter().any(|(_, suffix)| path.ends_with(suffix))
}

/// Whether an address without a file of its own is a page: not a program's address, and not that of a missing file.
fn is_page(path: &str) -> bool {
    let mut parts = path.split('/');
    let is_program = parts.next().is_some_and(|first| NOT_PAGES.contains(&first));
    !is_program && !parts.next_back().unwrap_or(path).contains('.')
}

fn file(name: &str, asked: &HeaderMap) -> Option<Response> {
    let original = Files::get(name)?;
    let (chosen, encoding) = encoded(name, asked)
        .map_or_else(|| (original.clone(), None), |(file, encoding)| (file, Some(encoding)));
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(chosen.metadata.sha256_hash()));
    let is_known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { owned(chosen.data).into_response() };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(etag).ok()?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching(name)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_known {
        return Some(response);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

/// The smallest twin of a file that the browser can read.
fn encoded(name: &str, asked: &HeaderMap) -> Option<(EmbeddedFile, &'static str)> {
    let accepted = asked.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    ENCODINGS
        .iter()
        .filter(|(encoding, _)| accepts(accepted, encoding))
        .find_map(|(encoding, suffix)| Some((Files::get(&format!("{name}{suffix}"))?, *encoding)))
}

/// Whether an `Accept-Encoding` names an encoding without refusing it by `q=0`.
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut fields = part.split(';').map(str::trim);
        let is_named = fields.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = fields.find_map(|field| field.strip_prefix("q=")).unwrap_or("1");
        is_named && weight.parse().unwrap_or(0.0) > 0.0
    })
}

/// A name with a digest never means other bytes; every other file is asked for again, at the price of a 304.
fn caching(name: &str) -> &'static str {
    if name.starts_with(IMMUTABLE) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn owned(data: Cow<'static, [u8]>) -> Body {
    match data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    }
}

/// What a browser may do with anything that comes from here. The other headers are those of every answer to an operator.
fn guarded(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

/// The content security policy. The page carries one with the digest of its own script, which only the build knows;
/// framing can be forbidden in a header alone.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let page = Files::get(PAGE).map(|page| page.data).unwrap_or_default();
    let page = String::from_utf8_lossy(&page);
    let from_page = page
        .split_once("<meta http-equiv=\"content-security-policy\" content=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("default-src 'none'", |(policy, _)| policy);
    HeaderValue::try_from(format!("{from_page}; frame-ancestors 'none'"))
        .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
});

#[cfg(test)]
mod tests;
