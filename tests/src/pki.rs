//! Keys, signing requests and raw connections: peers that an honest agent would never be.
//!
//! Knows TLS and HTTP, nothing of reports.

use anyhow::{Context as _, Result, anyhow};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A signing request in PEM for a key, asking for nothing in particular.
pub fn request_for(key: &KeyPair) -> Result<String> {
    Ok(CertificateParams::new(Vec::new())?.serialize_request(key)?.pem()?)
}

/// TLS of a peer that trusts `ca_pem` and shows a certificate (PEM) with its key, or none. Sessions are resumed among
/// connections made with one configuration.
pub fn client_config(ca_pem: &str, leaf: Option<(&str, &KeyPair)>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match leaf {
        None => builder.with_no_client_auth(),
        Some((pem, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes())?];
            let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    Ok(Arc::new(config))
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Seconds of `Retry-After`.
    pub retry_s: Option<u64>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The word of a problem, without what all of them start with; empty when it is none.
    pub fn problem(&self) -> String {
        let problem: Option<tram_proto::ack::Problem> = serde_json::from_slice(&self.body).ok();
        problem.map(|problem| problem.kind.replace("about:blank#", "")).unwrap_or_default()
    }

    /// The body as what it should be.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        let said = || format!("status {}: {}", self.status, String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).with_context(said)
    }
}

/// One connection to a collector's listener.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Whether its session was resumed.
    pub resumed: bool,
}

impl Connection {
    /// Connects; fails where the handshake does.
    pub async fn open(address: SocketAddr, config: Arc<ClientConfig>) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(config).connect(name, stream).await?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender, or when the collector closes it; what failed shows in the request.
        #[expect(clippy::disallowed_methods, reason = "the harness drives its own client's connection")]
        tokio::spawn(connection);
        Ok(Self { sender, resumed })
    }

    /// Sends one request with these headers and waits for the whole answer.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply> {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let retry = response.headers().get("retry-after");
        let retry_s = retry.and_then(|value| value.to_str().ok()?.parse().ok());
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.map_err(|error| anyhow!(error))?.to_bytes();
        Ok(Reply { status, retry_s, headers, body: body.to_vec() })
    }

    /// Posts a body.
    pub async fn post(&mut self, path: &str, body: Vec<u8>) -> Result<Reply> {
        self.send(Method::POST, path, &[], body).await
    }
}
