//! TLS as the listeners speak it: which certificate they show and whose they take.

use super::{Pki, PkiError, files};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ProducesTickets, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// TLS of the agents' listener: HTTP/1.1, a certificate of our CA where the peer has one.
pub fn agents(pki: &Pki) -> Result<ServerConfig, PkiError> {
    let mut roots = RootCertStore::empty();
    roots.add(pki.ca_der.clone()).map_err(|error| own(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(|error| own(&error))?;
    let (chain, key) = server_leaf(pki)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| own(&error))?
        .with_client_cert_verifier(Arc::new(OfOurAuthority { inner }))
        .with_single_cert(chain, key)
        .map_err(|error| own(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = ticketer()?;
    Ok(config)
}

/// TLS of the operators' listener: HTTP/2 and 1.1, a given certificate or a leaf of our own CA.
pub fn operators(
    pki: &Pki,
    given: Option<&(std::path::PathBuf, std::path::PathBuf)>,
) -> Result<ServerConfig, PkiError> {
    let (chain, key) = match given {
        None => server_leaf(pki)?,
        Some((certificate, key)) => {
            read(&files::read_text(certificate)?, &files::read_text(key)?, certificate)?
        }
    };
    let wrong = |error: rustls::Error| match given {
        None => own(&error),
        Some((certificate, _)) => PkiError::Content { path: certificate.clone(), message: error.to_string() },
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(wrong)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = ticketer()?;
    Ok(config)
}

fn ticketer() -> Result<Arc<dyn ProducesTickets>, PkiError> {
    rustls::crypto::ring::Ticketer::new().map_err(|error| own(&error))
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn server_leaf(pki: &Pki) -> Result<ChainAndKey, PkiError> {
    let (mut chain, key) =
        read(&pki.server.certificate_pem, &pki.server.key_pem, Path::new("pki/server.pem"))?;
    chain.push(pki.ca_der.clone());
    Ok((chain, key))
}

fn read(certificates: &str, key: &str, path: &Path) -> Result<ChainAndKey, PkiError> {
    let wrong = |error: rustls::pki_types::pem::Error| PkiError::Content {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(certificates.as_bytes()).collect::<Result<_, _>>().map_err(wrong)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(wrong)?;
    Ok((chain, key))
}

fn own(error: &dyn std::fmt::Display) -> PkiError {
    PkiError::Content { path: "pki/server.pem".into(), message: error.to_string() }
}

/// Takes every client certificate that our CA signed, whatever its dates: expiry and revocation are judged on each
/// request, because a resumed connection brings its certificate along unchecked, and an expired one may still renew.
#[derive(Debug)]
struct OfOurAuthority {
    inner: Arc<dyn ClientCertVerifier>,
}

impl ClientCertVerifier for OfOurAuthority {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let invalid = rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
        let (_, leaf) = X509Certificate::from_der(end_entity).map_err(|_| invalid.clone())?;
        // The dates are taken as met by judging in the middle of the leaf's own validity, which lies within that of
        // the CA even where the collector's clock was half a year wrong when either was made.
        let (from, until) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
        let middle = u64::try_from(from.midpoint(until)).map_err(|_| invalid)?;
        let then = UnixTime::since_unix_epoch(Duration::from_secs(middle));
        self.inner.verify_client_cert(end_entity, intermediates, then)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
