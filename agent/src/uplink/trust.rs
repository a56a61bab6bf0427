//! Whom this agent believes: one certificate authority, and the time as the collector tells it. A proxy is believed to
//! be the proxy, and no more.
//!
//! The host's wall clock is never asked. Collector time is a lower bound while a host has been off, so a certificate
//! that begins after it is taken as of its beginning; one that ended before it has certainly expired.

use crate::clock::Clock;
use crate::uplink::identity::{Identity, IdentityError};
use crate::uplink::proxy::Proxy;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tram_proto::id::BootId;
use tram_proto::report::Anchor;

/// TLS sessions that are kept for quick reconnects: a collector and its spare addresses.
const SESSIONS_MAX: usize = 8;
/// Certificates of a chain whose beginning may lie after collector time.
const CHAIN_MAX: usize = 4;

/// The collector's time, carried on by this host's boot clock.
pub struct CollectorTime {
    clock: Arc<dyn Clock>,
    /// Collector time less boot time.
    ahead_ms: AtomicI64,
}

impl CollectorTime {
    /// From what an ack said in this boot or an earlier one. After a restart of the host it is the least that the
    /// time can be: the ack's, and what has passed since this boot began.
    pub fn since(clock: Arc<dyn Clock>, anchor: Anchor, boot: BootId) -> Self {
        let boot_ms = if anchor.boot == boot { anchor.boot_ms } else { 0 };
        let time = Self { clock, ahead_ms: AtomicI64::new(0) };
        time.set(anchor.collector_ms, boot_ms);
        time
    }

    /// From a time that is not later than now, such as a token's issue.
    pub fn at_least(clock: Arc<dyn Clock>, collector_ms: i64) -> Self {
        let boot_ms = clock.boot_ms();
        let time = Self { clock, ahead_ms: AtomicI64::new(0) };
        time.set(collector_ms, boot_ms);
        time
    }

    /// The collector said that it was `collector_ms` when the boot clock said `boot_ms`.
    pub fn set(&self, collector_ms: i64, boot_ms: u64) {
        self.ahead_ms.store(collector_ms.saturating_sub(signed(boot_ms)), Ordering::Relaxed);
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed).saturating_add(signed(self.clock.boot_ms()))
    }
}

impl fmt::Debug for CollectorTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorTime").field("now_ms", &self.now_ms()).finish_non_exhaustive()
    }
}

impl TimeProvider for CollectorTime {
    fn current_time(&self) -> Option<UnixTime> {
        u64::try_from(self.now_ms())
            .ok()
            .map(|now_ms| UnixTime::since_unix_epoch(Duration::from_millis(now_ms)))
    }
}

/// How an enrolled agent connects: with its own certificate, believing its own authority only. A proxy under TLS, which
/// only carries bytes, has to prove its own.
pub fn enrolled(
    identity: &Identity,
    time: Arc<CollectorTime>,
    proxy: Option<&Proxy>,
) -> Result<ClientConfig, IdentityError> {
    let ca = identity.ca_der()?;
    let unusable = |error: Error| IdentityError::Unusable(error.to_string());
    let verifier = Pinned::known(&ca).and_then(|pinned| pinned.before(proxy)).map_err(unusable)?;
    let builder = builder(time, verifier).map_err(unusable)?;
    let config = builder.with_client_auth_cert(vec![identity.certificate_der()?], identity.key_der()?);
    config.map(few_sessions).map_err(unusable)
}

/// How an agent connects to enrol: it knows no more than the hash of an authority. The server must send that along,
/// unless it was given in advance.
pub fn pinned(
    ca_sha256: [u8; 32],
    ca: Option<&[u8]>,
    time: Arc<CollectorTime>,
    proxy: Option<&Proxy>,
) -> Result<ClientConfig, Error> {
    let pinned = match ca {
        Some(ca) => Pinned::known(&CertificateDer::from(ca))?,
        None => Pinned { ca_sha256, known: None, proxy: None, provider: provider() },
    };
    let verifier = pinned.before(proxy)?;
    Ok(few_sessions(builder(time, verifier)?.with_no_client_auth()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn builder(
    time: Arc<CollectorTime>,
    verifier: Pinned,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, Error> {
    let builder = ClientConfig::builder_with_details(provider(), time);
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13])?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

fn few_sessions(mut config: ClientConfig) -> ClientConfig {
    config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    config
}

/// Checks servers as rustls always does, against one authority.
#[derive(Debug)]
struct Pinned {
    ca_sha256: [u8; 32],
    known: Option<Arc<WebPkiServerVerifier>>,
    /// A proxy under TLS: its name, and the authority that it has to prove. It vouches for nobody else; that no address
    /// of the collector has its name is seen to by [`Proxy::shadows`].
    proxy: Option<(ServerName<'static>, Arc<WebPkiServerVerifier>)>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn known(ca: &CertificateDer<'_>) -> Result<Self, Error> {
        let provider = provider();
        let known = Some(verifier_for(ca, &provider)?);
        Ok(Self { ca_sha256: Sha256::digest(ca).into(), known, proxy: None, provider })
    }

    fn before(self, proxy: Option<&Proxy>) -> Result<Self, Error> {
        let Some(proxy) = proxy.filter(|proxy| proxy.is_under_tls()) else { return Ok(self) };
        let (Some(name), Some(ca)) = (proxy.server_name(), &proxy.ca) else {
            return Err(Error::General(format!("{proxy}: its authority is not known")));
        };
        let verifier = verifier_for(&CertificateDer::from(ca.as_slice()), &self.provider)?;
        Ok(Self { proxy: Some((name, verifier)), ..self })
    }

    fn verifier(
        &self,
        name: &ServerName<'_>,
        sent: &[CertificateDer<'_>],
    ) -> Result<Arc<WebPkiServerVerifier>, Error> {
        if let Some((_, verifier)) = self.proxy.as_ref().filter(|(proxy, _)| proxy == name) {
            return Ok(verifier.clone());
        }
        if let Some(known) = &self.known {
            return Ok(known.clone());
        }
        let is_pinned = |certificate: &&CertificateDer<'_>| Sha256::digest(certificate)[..] == self.ca_sha256;
        let ca = sent.iter().find(is_pinned).ok_or(CertificateError::UnknownIssuer)?;
        verifier_for(ca, &self.provider)
    }
}

fn verifier_for(
    ca: &CertificateDer<'_>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone().into_owned())?;
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| Error::General(error.to_string()))
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.verifier(server_name, intermediates)?;
        let mut time = now;
        for _ in 0..CHAIN_MAX {
            match verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, time) {
                Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
                    not_before, ..
                })) => {
                    time = not_before;
                }
                answer => return answer,
            }
        }
        Err(CertificateError::NotValidYet.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn signed(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}
