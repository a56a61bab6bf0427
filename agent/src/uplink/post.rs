//! Requests to the collector: reqwest over HTTP/1.1 with keep-alive, and what each answer means. Owns the connection;
//! knows nothing of spools.

use crate::uplink::proxy::Proxy;
use crate::uplink::{ANSWER_TIMEOUT, Failure, Refusal};
use reqwest::header::{CONTENT_ENCODING, RETRY_AFTER};
use reqwest::{Client, Method, Response, Url};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use std::error::Error as _;
use std::time::Duration;
use tram_proto::ack::Problem;
use tram_proto::encoding;

/// Where reports go.
pub const REPORTS: &str = "/agent/v1/reports";
/// Where the policy is.
pub const POLICY: &str = "/agent/v1/policy";
/// Where certificates are renewed.
pub const RENEW: &str = "/agent/v1/renew";
/// Where an agent enrols.
pub const ENROLL: &str = "/agent/v1/enroll";

/// Bytes of an answer that are read, at most: an ack that refuses a full batch has room.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Bodies smaller than this are not worth compressing.
const COMPRESS_FROM_BYTES: usize = 256;
/// Speed of a link on which the largest batches pass, in bytes per second; on a slower one they shrink.
const SLOWEST_LINK: u64 = 2_000;
/// How long a connection is kept for the next request; a little more than the longest usual interval.
const KEEP_ALIVE: Duration = Duration::from_secs(600);

/// An address that is not a collector's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: expected https://HOST:PORT")]
pub struct InvalidAddress(pub String);

/// Checks a collector's address and brings it into the form `https://HOST:PORT`.
pub fn address(text: &str) -> Result<String, InvalidAddress> {
    let invalid = || InvalidAddress(text.to_owned());
    let url = Url::parse(text.trim()).map_err(|_| invalid())?;
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
    let host = url.host_str().filter(|_| url.scheme() == "https" && is_bare).ok_or_else(invalid)?;
    Ok(format!("https://{host}:{}", url.port_or_known_default().unwrap_or(443)))
}

/// What came back.
#[derive(Debug)]
pub enum Answer {
    /// A success, with its body.
    Success(Vec<u8>),
    /// The collector said no.
    Problem {
        /// What it said.
        problem: Problem,
        /// When to come again, if it said so.
        retry_after: Option<Duration>,
    },
    /// Nothing, or nothing that a collector would say; in words for the log.
    Silence(String),
    /// Not even a connection came about, so nothing has left this host; in words for the log.
    Unsent(String),
}

impl Answer {
    /// The body as `T`, or why there is none.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        match self {
            Self::Success(body) => serde_json::from_slice(body).map_err(|_| Failure::Unreachable),
            Self::Problem { problem, retry_after } => Err(failure_of(problem, *retry_after)),
            Self::Silence(_) | Self::Unsent(_) => Err(Failure::Unreachable),
        }
    }

    /// In words, for the log and for people.
    pub fn words(&self) -> String {
        match self {
            Self::Success(body) => format!("an answer of {} bytes", body.len()),
            Self::Problem { problem, .. } if problem.detail.is_empty() => problem.title.clone(),
            Self::Problem { problem, .. } => format!("{}: {}", problem.title, problem.detail),
            Self::Silence(words) | Self::Unsent(words) => words.clone(),
        }
    }

    /// Whether the collector has certainly kept nothing of what was sent: it never came, or the collector says so.
    pub fn is_certainly_unkept(&self) -> bool {
        match self {
            Self::Success(_) | Self::Silence(_) => false,
            // What has no word of ours may come from something in between.
            Self::Problem { problem, .. } => problem.kind.contains('#'),
            Self::Unsent(_) => true,
        }
    }
}

/// What a refusal as a whole means for what comes next.
pub fn failure_of(problem: &Problem, retry_after: Option<Duration>) -> Failure {
    let word = problem.kind.rsplit('#').next().unwrap_or_default();
    match (word, problem.status) {
        ("certificate-revoked", _) => Failure::Refused(Refusal::Revoked),
        ("certificate-expired", _) => Failure::Expired,
        ("unknown-agent", _) => Failure::Refused(Refusal::Unknown),
        ("clone", _) => Failure::Refused(Refusal::Clone),
        ("wrong-agent", _) => Failure::Refused(Refusal::WrongAgent),
        ("bad-body" | "too-large", _) => Failure::Batch { was_single: false },
        (_, 429 | 503) => Failure::Busy { retry_after },
        _ => Failure::Unreachable,
    }
}

/// A request as it leaves, but for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes; by `POST`.
    pub url: String,
    /// How the body is coded; none: as it is.
    pub coding: Option<&'static str>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Outgoing {
    /// Of a JSON body: reports compressed where that helps, everything else as it is. That is small and rare, and
    /// reports are all that a collector takes compressed.
    pub fn new(url: String, body: Vec<u8>) -> Self {
        if url.ends_with(REPORTS) && body.len() >= COMPRESS_FROM_BYTES {
            Self { url, coding: Some("zstd"), body: encoding::compress(&body) }
        } else {
            Self { url, coding: None, body }
        }
    }

    /// Every header that goes along, as the HTTP client sends them; a test compares.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let host =
            self.url.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let mut headers: Vec<_> =
            self.coding.map(|coding| ("content-encoding", coding.to_owned())).into_iter().collect();
        headers.push(("accept", "*/*".to_owned()));
        headers.push(("host", host.to_owned()));
        headers.push(("content-length", self.body.len().to_string()));
        headers
    }
}

/// A way to the collector.
#[derive(Debug, Clone)]
pub struct Poster {
    client: Client,
}

impl Poster {
    /// One that trusts and shows what `tls` says, by way of a proxy if there is one. Proxies that the environment names
    /// are not ours.
    pub fn new(
        tls: ClientConfig,
        proxy: Option<&Proxy>,
        connect_timeout: Duration,
    ) -> Result<Self, reqwest::Error> {
        let builder = Client::builder().tls_backend_preconfigured(tls).http1_only().no_proxy();
        let builder = match proxy {
            Some(proxy) => builder.proxy(proxy.client()?),
            None => builder,
        };
        let builder = builder
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(connect_timeout)
            .pool_idle_timeout(KEEP_ALIVE)
            .pool_max_idle_per_host(1)
            .tcp_keepalive(None);
        #[cfg(target_os = "linux")]
        let builder = builder.tcp_user_timeout(ANSWER_TIMEOUT);
        Ok(Self { client: builder.build()? })
    }

    /// Sends a JSON body.
    pub async fn post(self, url: String, body: Vec<u8>) -> Answer {
        let outgoing = Outgoing::new(url, body);
        let timeout = ANSWER_TIMEOUT + Duration::from_secs(outgoing.body.len() as u64 / SLOWEST_LINK);
        let mut request = self.client.request(Method::POST, outgoing.url).timeout(timeout);
        if let Some(coding) = outgoing.coding {
            request = request.header(CONTENT_ENCODING, coding);
        }
        // No content type: a collector knows of each path what comes there, and a header costs bytes each minute.
        receive(request.body(outgoing.body).send().await).await
    }

    /// Asks for a resource.
    pub async fn fetch(self, url: String) -> Answer {
        receive(self.client.request(Method::GET, url).timeout(ANSWER_TIMEOUT).send().await).await
    }
}

async fn receive(response: reqwest::Result<Response>) -> Answer {
    let response = match response {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Answer::Unsent(chain(&error)),
        Err(error) => return Answer::Silence(chain(&error)),
    };
    let status = response.status();
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    let body = match read_bounded(response).await {
        Ok(body) => body,
        Err(words) => return Answer::Silence(words),
    };
    let problem = serde_json::from_slice::<Problem>(&body);
    if status.is_success() && problem.is_err() {
        return Answer::Success(body);
    }
    match problem {
        Ok(problem) => Answer::Problem { problem, retry_after },
        Err(_) if matches!(status.as_u16(), 429 | 503) => {
            let title = status.to_string();
            let problem =
                Problem { kind: "about:blank".into(), title, status: status.as_u16(), detail: String::new() };
            Answer::Problem { problem, retry_after }
        }
        // The pages of a collector have a port of their own, under the same authority.
        Err(_) => Answer::Silence(format!(
            "status {}, which no collector answers at its port for agents",
            status.as_u16()
        )),
    }
}

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("an answer of more than {ANSWER_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error and what lies below it, once each; in words that have a translation where it is a usual one.
fn chain(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if kind == Some(std::io::ErrorKind::ConnectionRefused) {
            return "connection refused".to_owned();
        }
        let text = cause.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_hosts_and_nothing_more() {
        assert_eq!(address("https://tram.example:8441/").unwrap(), "https://tram.example:8441");
        assert_eq!(address("https://10.0.0.1").unwrap(), "https://10.0.0.1:443");
        for text in ["http://tram.example", "tram.example:8441", "https://a/b", "https://u@a", ""] {
            assert_eq!(address(text), Err(InvalidAddress(text.to_owned())));
        }
    }

    #[test]
    fn problems_decide_what_comes_next() {
        let check = |kind: &str, status, expect| {
            let kind = kind.to_owned();
            let problem = Problem { kind, title: String::new(), status, detail: String::new() };
            assert_eq!(failure_of(&problem, None), expect);
        };
        check("about:blank#certificate-revoked", 403, Failure::Refused(Refusal::Revoked));
        check("about:blank#certificate-expired", 403, Failure::Expired);
        check("about:blank#too-large", 413, Failure::Batch { was_single: false });
        check("about:blank#busy", 503, Failure::Busy { retry_after: None });
        check("about:blank", 404, Failure::Unreachable);
    }
}
