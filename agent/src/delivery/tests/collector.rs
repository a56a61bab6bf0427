//! A collector of a few lines for the agent's own tests: an authority, TLS 1.3, HTTP/1.1, answers as told.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tram_proto::encoding;
use tram_proto::enroll::{EnrollRequest, Enrolled, RenewRequest};
use tram_proto::id::AgentId;
use tram_proto::report::Batch;

/// Days that a leaf of an agent lives.
const LIFE: Duration = Duration::from_secs(365 * 86_400);

/// An answer.
pub(super) enum Reply {
    /// A status and a body.
    Answer { status: u16, body: Vec<u8> },
    /// The connection ends without one.
    Hangup,
}

impl Reply {
    pub(super) fn json(status: u16, value: &impl Serialize) -> Self {
        Self::Answer { status, body: serde_json::to_vec(value).unwrap() }
    }
}

/// A certificate authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "authority");
        let certificate = parameters.self_signed(&key).unwrap();
        Self { der: certificate.der().clone(), pem: certificate.pem(), issuer: Issuer::new(parameters, key) }
    }

    pub(super) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn server(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        let name = "localhost".try_into().unwrap();
        parameters.subject_alt_names =
            vec![SanType::IpAddress([127, 0, 0, 1].into()), SanType::DnsName(name)];
        parameters.not_before = date_time_ymd(1970, 1, 1) + now() - Duration::from_secs(3_600);
        parameters.not_after = date_time_ymd(1970, 1, 1) + now() + LIFE;
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        (vec![certificate.der().clone(), self.der.clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }

    fn leaf(&self, csr: &str, age: Duration) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(csr).unwrap();
        request.params.not_before = date_time_ymd(1970, 1, 1) + now() - age;
        request.params.not_after = date_time_ymd(1970, 1, 1) + now() - age + LIFE;
        request.signed_by(&self.issuer).unwrap().pem()
    }
}

/// The real time since 1970.
fn now() -> Duration {
    Duration::from_millis(super::real_ms().try_into().unwrap())
}

type Answerer = dyn Fn(usize, &[u8]) -> Reply + Send + Sync;

struct Shared {
    authority: Authority,
    age: Mutex<Duration>,
    batches: Mutex<Vec<Vec<u8>>>,
    heads: Mutex<Vec<Vec<String>>>,
    shown: Mutex<Vec<Vec<u8>>>,
    requests: Mutex<usize>,
    answer: Box<Answerer>,
}

/// A collector on the loopback; `answer` gets each batch's number and body.
pub(super) struct Collector {
    shared: Arc<Shared>,
    tls: Arc<ServerConfig>,
    url: String,
}

impl Collector {
    pub(super) fn start(answer: impl Fn(usize, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let authority = Authority::new();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.der.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .unwrap();
        let (chain, key) = authority.server();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        let shared = Arc::new(Shared {
            authority,
            age: Mutex::default(),
            batches: Mutex::default(),
            heads: Mutex::default(),
            shown: Mutex::default(),
            requests: Mutex::default(),
            answer: Box::new(answer),
        });
        let tls = Arc::new(config);
        let url = listen(&tls, &shared);
        Self { shared, tls, url }
    }

    /// Listens at one more address.
    pub(super) fn another_url(&self) -> String {
        listen(&self.tls, &self.shared)
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.shared.authority
    }

    /// Leaves are given out as if they had been for so long already.
    pub(super) fn age_leaves(&self, age: Duration) {
        *self.shared.age.lock().unwrap() = age;
    }

    pub(super) fn requests(&self) -> usize {
        *self.shared.requests.lock().unwrap()
    }

    /// The certificates shown with batches.
    pub(super) fn shown(&self) -> Vec<Vec<u8>> {
        self.shared.shown.lock().unwrap().clone()
    }

    /// The batches as they came.
    pub(super) fn batches(&self) -> Vec<Vec<u8>> {
        self.shared.batches.lock().unwrap().clone()
    }

    /// The head of the last request, line by line and in lower case.
    pub(super) fn last_head(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().last().cloned().unwrap_or_default()
    }

    /// Reports of each batch that came.
    pub(super) fn reports(&self) -> Vec<Vec<String>> {
        self.decoded(|batch| {
            batch.reports.iter().map(|framed| format!("{} {}", framed.0, framed.1.get())).collect()
        })
    }

    /// How many catalogues came with each batch.
    pub(super) fn catalogues(&self) -> Vec<usize> {
        self.decoded(|batch| batch.catalogues.len())
    }

    fn decoded<T>(&self, look: impl Fn(&Batch<'_>) -> T) -> Vec<T> {
        let batches = self.shared.batches.lock().unwrap();
        let decode = |body: &Vec<u8>| {
            let bytes = encoding::decompress(Some("zstd"), body).unwrap_or_else(|_| body.clone());
            look(&Batch::decode(&bytes).unwrap())
        };
        batches.iter().map(decode).collect()
    }
}

fn listen(tls: &Arc<ServerConfig>, shared: &Arc<Shared>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (tls, shared) = (tls.clone(), shared.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (tls, shared) = (tls.clone(), shared.clone());
            std::thread::spawn(move || serve(stream, tls, &shared));
        }
    });
    url
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, shared: &Shared) -> Option<()> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).ok()?, stream));
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.to_lowercase());
        }
        let length = lines.iter().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).ok()?;
        *shared.requests.lock().unwrap() += 1;
        let certificate = stream.get_ref().conn.peer_certificates().and_then(|chain| chain.first()).cloned();
        shared.heads.lock().unwrap().push(lines.iter().map(|line| line.trim().to_owned()).collect());
        let path = lines.first()?.split(' ').nth(1)?.to_owned();
        match reply(&path, body, certificate, shared) {
            Reply::Hangup => return None,
            Reply::Answer { status, body } => {
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", body.len());
                let stream = stream.get_mut();
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).ok()?;
                stream.flush().ok()?;
            }
        }
    }
}

fn reply(path: &str, body: Vec<u8>, certificate: Option<CertificateDer<'static>>, shared: &Shared) -> Reply {
    let enrolled = |csr: &str| Enrolled {
        agent: AgentId([8; 16]),
        certificate: shared.authority.leaf(csr, *shared.age.lock().unwrap()),
        ca: shared.authority.pem.clone(),
        collector_ms: super::real_ms(),
        note: String::new(),
    };
    let plain = encoding::decompress(Some("zstd"), &body).unwrap_or_else(|_| body.clone());
    match path {
        "/agent/v1/enroll" => {
            let request: EnrollRequest = serde_json::from_slice(&plain).unwrap();
            Reply::json(200, &enrolled(&request.csr))
        }
        "/agent/v1/renew" => {
            let request: RenewRequest = serde_json::from_slice(&plain).unwrap();
            Reply::json(200, &enrolled(&request.csr))
        }
        _ => {
            shared.shown.lock().unwrap().extend(certificate.map(|certificate| certificate.to_vec()));
            let number = {
                let mut batches = shared.batches.lock().unwrap();
                batches.push(body.clone());
                batches.len() - 1
            };
            (shared.answer)(number, &body)
        }
    }
}
