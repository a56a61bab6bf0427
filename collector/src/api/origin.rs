//! Whether a page of ours caused a request: what a cookie alone does not prove.
//!
//! Browsers name the origin of every request that changes something. Where none is named, a header that forms cannot
//! send must be there. Programs with a bearer token need neither.

use crate::api::error::ApiError;
use axum::http::{HeaderMap, Method, Uri, header};

/// The header that a client without an origin sends with its cookie, with any value.
pub const OWN_HEADER: &str = "x-tram-request";

/// Refuses what another site caused. Reading is always allowed: other sites cannot see the answer.
/// `own` are further addresses that our pages are reached by, such as that of a proxy, as `HOST:PORT`.
pub fn check(method: &Method, headers: &HeaderMap, uri: &Uri, own: &[String]) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return if headers.contains_key(OWN_HEADER) { Ok(()) } else { Err(ApiError::CrossSite) };
    };
    let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("https://"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = uri.authority().map(|authority| authority.as_str()).or(host);
    let mut hosts = host.into_iter().chain(own.iter().map(String::as_str));
    if origin.is_some_and(|origin| hosts.any(|host| same(origin, host))) {
        Ok(())
    } else {
        Err(ApiError::CrossSite)
    }
}

/// Whether both name the same host and port; the standard port may be left out.
fn same(origin: &str, host: &str) -> bool {
    let bare = |text: &str| text.strip_suffix(":443").unwrap_or(text).to_ascii_lowercase();
    bare(origin) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(method: &Method, origin: Option<&str>, own: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "tram.example:8440".parse().unwrap());
        origin.map(|origin| headers.insert(header::ORIGIN, origin.parse().unwrap()));
        if own {
            headers.insert(OWN_HEADER, "1".parse().unwrap());
        }
        check(method, &headers, &Uri::from_static("/api/v1/session"), &["proxy.example:443".to_owned()])
            .is_ok()
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        assert!(allowed(&Method::POST, Some("https://tram.example:8440"), false));
        assert!(allowed(&Method::POST, Some("https://proxy.example"), false));
        assert!(allowed(&Method::POST, None, true));
        assert!(allowed(&Method::GET, Some("https://elsewhere.example"), false));
        for origin in
            ["https://elsewhere.example", "http://tram.example:8440", "https://tram.example", "null"]
        {
            assert!(!allowed(&Method::POST, Some(origin), true), "{origin}");
        }
        assert!(!allowed(&Method::DELETE, None, false));
    }
}
