//! A stand-in for the collector's agents listener: enrols whoever has its token, takes every report and remembers it.
//! For tests of what agents and fleets send; it decides nothing and stores nothing.

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tram_agent::clock::{Clock as _, SystemClock};
use tram_proto::ack::Ack;
use tram_proto::encoding;
use tram_proto::enroll::{EnrollRequest, Enrolled, Token, secret_text};
use tram_proto::id::{AgentId, Seq};
use tram_proto::report::{Batch, Report};

/// A report as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The host's name, as it enrolled.
    pub host: String,
    /// Its number.
    pub seq: Seq,
    /// What it says.
    pub report: Report,
}

/// A listener on a port of its own, until it is dropped.
pub struct Standin {
    /// `https://127.0.0.1:PORT`.
    pub address: String,
    /// A token that enrols any number of hosts.
    pub token: Token,
    memory: Arc<Mutex<Memory>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Memory {
    hosts: BTreeMap<AgentId, String>,
    reports: Vec<Received>,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    secret: String,
}

impl Standin {
    /// Makes an authority and listens.
    pub async fn start() -> anyhow::Result<Self> {
        let (authority, ca) = authority()?;
        let tls = Arc::new(server_config(&authority, &ca)?);
        let token = Token {
            ca_sha256: Sha256::digest(&ca).into(),
            issued_ms: SystemClock.wall_ms(),
            secret: [7; 20],
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("https://{}", listener.local_addr()?);
        let memory = Arc::new(Mutex::new(Memory::default()));
        let serving = serve(listener, TlsAcceptor::from(tls), Arc::new(authority), memory.clone());
        #[expect(clippy::disallowed_methods, reason = "the stand-in owns this task and ends it when dropped")]
        let task = tokio::spawn(serving);
        Ok(Self { address, token, memory, task })
    }

    /// What has come so far, in the order of its coming.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.memory).reports.clone()
    }

    /// What has come from one host.
    pub fn received_from(&self, host: &str) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.host == host).collect()
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

fn authority() -> anyhow::Result<(Authority, CertificateDer<'static>)> {
    let mut params = params("stand-in authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let (pem, der) = (certificate.pem(), certificate.der().clone());
    Ok((Authority { issuer: Issuer::new(params, key), pem, secret: secret_text(&[7; 20]) }, der))
}

fn server_config(authority: &Authority, ca: &CertificateDer<'static>) -> anyhow::Result<ServerConfig> {
    let mut params = params("stand-in");
    params.subject_alt_names = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.subject_alt_names;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let leaf = params.signed_by(&key, &authority.issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone())?;
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let clients = clients.allow_unauthenticated().build()?;
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_client_cert_verifier(clients);
    Ok(config.with_single_cert(vec![leaf.der().clone(), ca.clone()], key)?)
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2090, 1, 1);
    params
}

async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    authority: Arc<Authority>,
    memory: Arc<Mutex<Memory>>,
) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (tls, authority, memory) = (tls.clone(), authority.clone(), memory.clone());
        connections.spawn(async move {
            if let Err(error) = connection(socket, tls, authority, memory).await {
                tracing::debug!(%error, "stand-in: a connection ended");
            }
        });
    }
}

async fn connection(
    socket: TcpStream,
    tls: TlsAcceptor,
    authority: Arc<Authority>,
    memory: Arc<Mutex<Memory>>,
) -> anyhow::Result<()> {
    let stream = tls.accept(socket).await?;
    let shown =
        stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.to_vec());
    let service = hyper::service::service_fn(move |request| {
        let (authority, memory, shown) = (authority.clone(), memory.clone(), shown.clone());
        async move {
            Ok::<_, std::convert::Infallible>(answer(request, &authority, &memory, shown.as_deref()).await)
        }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    server.serve_connection(TokioIo::new(stream), service).await.map_err(|error| anyhow::anyhow!(error))
}

async fn answer(
    request: Request<Incoming>,
    authority: &Authority,
    memory: &Mutex<Memory>,
    shown: Option<&[u8]>,
) -> Response<Full<Bytes>> {
    let answered = respond(request, authority, memory, shown).await;
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}").into_bytes()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
}

async fn respond(
    request: Request<Incoming>,
    authority: &Authority,
    memory: &Mutex<Memory>,
    shown: Option<&[u8]>,
) -> anyhow::Result<Vec<u8>> {
    let path = request.uri().path().to_owned();
    let coding =
        request.headers().get("content-encoding").and_then(|value| value.to_str().ok().map(str::to_owned));
    let body = request.into_body().collect().await?.to_bytes();
    let body = encoding::decompress(coding.as_deref(), &body)?;
    match path.as_str() {
        "/agent/v1/enroll" => enroll(&body, authority, memory),
        "/agent/v1/reports" => take(&body, memory, shown.context("no client certificate")?),
        _ => anyhow::bail!("{path}: nothing here"),
    }
}

fn enroll(body: &[u8], authority: &Authority, memory: &Mutex<Memory>) -> anyhow::Result<Vec<u8>> {
    let request: EnrollRequest = serde_json::from_slice(body)?;
    anyhow::ensure!(request.secret == authority.secret, "another token");
    let mut agent = AgentId::default();
    getrandom::fill(&mut agent.0).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut leaf = CertificateSigningRequestParams::from_pem(&request.csr)?;
    leaf.params = params(&agent.to_string());
    leaf.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = leaf.signed_by(&authority.issuer)?.pem();
    let host = request.resource.get(tram_proto::sample::HOST_NAME).cloned().unwrap_or_default();
    lock(memory).hosts.insert(agent, host);
    let ca = authority.pem.clone();
    Ok(serde_json::to_vec(&Enrolled {
        agent,
        certificate,
        ca,
        collector_ms: SystemClock.wall_ms(),
        note: String::new(),
    })?)
}

fn take(body: &[u8], memory: &Mutex<Memory>, shown: &[u8]) -> anyhow::Result<Vec<u8>> {
    let batch = Batch::decode(body)?;
    let agent = batch.agent.to_string();
    let is_own = shown.windows(agent.len()).any(|window| window == agent.as_bytes());
    anyhow::ensure!(is_own, "a batch of {agent} under another's certificate");
    let mut ack = Ack {
        collector_ms: SystemClock.wall_ms(),
        durable: tram_proto::ranges::Ranges::default(),
        refused: vec![],
        need: None,
        need_catalogues: vec![],
        need_components: false,
        new_spool: false,
        policy: 0,
        pause_ms: None,
        history_bytes_per_minute: None,
    };
    let mut memory = lock(memory);
    let host = memory.hosts.get(&batch.agent).cloned().context("not enrolled here")?;
    for framed in &batch.reports {
        let report = Report::decode(framed.1.get().as_bytes())?;
        memory.reports.push(Received { host: host.clone(), seq: framed.0, report });
        ack.durable.insert(framed.0);
    }
    Ok(serde_json::to_vec(&ack)?)
}
