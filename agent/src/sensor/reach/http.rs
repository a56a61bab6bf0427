//! Web pages that answer 204: whether the internet, or a page standing before it, answers.
//!
//! Plain HTTP on purpose: a captive portal can only be seen where it can answer. No proxy, no redirect followed, no
//! cookie, and no more of a body is read than shows that there is one.

use reqwest::header::{HOST, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// The expected page.
    Expected,
    /// Another page in its place, and how it showed.
    Captive(String),
    /// A server that is neither.
    Wrong(String),
}

/// A web target as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebTarget {
    url: Url,
}

impl WebTarget {
    /// Understands an address of the form `http://HOST[:PORT]/PATH`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
        let plain =
            url.scheme() == "http" && url.has_host() && url.username().is_empty() && url.password().is_none();
        if plain { Ok(Self { url }) } else { Err("expected http://HOST/PATH".to_owned()) }
    }

    /// Whether it asks for something besides a page.
    pub(super) fn has_query(&self) -> bool {
        self.url.query().is_some()
    }

    /// The host when it is a name.
    pub(super) fn name(&self) -> Option<&str> {
        self.url.domain()
    }

    /// The host when it is an address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.url.host_str()?.trim_matches(['[', ']']).parse().ok()
    }

    /// The value of the Host header.
    fn host_header(&self) -> Option<HeaderValue> {
        let host = self.url.host_str()?;
        let text = self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        HeaderValue::from_str(&text).ok()
    }
}

/// The client, kept from climb to climb without connections.
pub(super) struct Web {
    client: Result<Client, String>,
}

impl Web {
    /// A client that trusts nobody: no page that it asks for is under TLS.
    pub(super) fn new() -> Self {
        Self { client: client() }
    }

    /// Asks for a page at an address that its name was resolved to.
    pub(super) async fn ask(
        &self,
        target: &WebTarget,
        address: IpAddr,
        timeout: Duration,
    ) -> Result<(Duration, Page), String> {
        let (elapsed, response) = self.request(Method::GET, target, address, timeout).await?;
        Ok((elapsed, judge_response(response).await))
    }

    /// Asks for the head of a page: the status, and nothing that the page says.
    pub(super) async fn status(
        &self,
        target: &WebTarget,
        address: IpAddr,
        timeout: Duration,
    ) -> Result<(Duration, u16), String> {
        let (elapsed, response) = self.request(Method::HEAD, target, address, timeout).await?;
        Ok((elapsed, response.status().as_u16()))
    }

    async fn request(
        &self,
        method: Method,
        target: &WebTarget,
        address: IpAddr,
        timeout: Duration,
    ) -> Result<(Duration, Response), String> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let mut url = target.url.clone();
        url.set_ip_host(address).map_err(|()| format!("{address} cannot stand in a URL"))?;
        let mut headers = HeaderMap::new();
        headers.extend(target.host_header().map(|host| (HOST, host)));
        let started = Instant::now();
        let request = client.request(method, url).headers(headers).timeout(timeout);
        let response = request.send().await.map_err(|error| innermost(&error))?;
        Ok((started.elapsed(), response))
    }
}

fn client() -> Result<Client, String> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let builder = Client::builder().tls_backend_preconfigured(tls).no_proxy().redirect(Policy::none());
    builder.http1_only().pool_max_idle_per_host(0).referer(false).build().map_err(|error| error.to_string())
}

async fn judge_response(mut response: Response) -> Page {
    let status = response.status();
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // Only a success can hide a page in the body; the first bytes of it prove one.
    let has_body = status.is_success()
        && status != StatusCode::NO_CONTENT
        && response.chunk().await.ok().flatten().is_some_and(|chunk| !chunk.is_empty());
    judge(status.as_u16(), location.as_deref(), has_body)
}

/// What a response to a request for a 204 means.
fn judge(status: u16, location: Option<&str>, has_body: bool) -> Page {
    match status {
        204 => Page::Expected,
        // RFC 6585: network authentication required.
        511 => Page::Captive("status 511".to_owned()),
        300..=399 => Page::Captive(format!("redirected to {}", shorten(location.unwrap_or("nowhere")))),
        200..=299 if has_body => Page::Captive(format!("status {status} with a page")),
        // Nobody can sign in on an empty page: a broken server or proxy.
        200..=299 => Page::Wrong(format!("status {status} without a page, expected 204")),
        _ => Page::Wrong(format!("status {status}, expected 204")),
    }
}

/// A portal's address may carry a session: the host is enough to find it.
fn shorten(location: &str) -> String {
    let host = Url::parse(location).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "another page of the same host".to_owned())
}

fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
