//! The collector's own certificate authority: its key, the leaf of the listeners, the leaves of agents.
//!
//! Owns the files below `pki/` in the data folder. Knows no agent's state: who may have a certificate is decided
//! elsewhere. Validity is always explicit, counted from the time that the caller gives.

use crate::model::agent::AgentId;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use x509_parser::prelude::{FromDer as _, X509Certificate};

mod files;
pub mod tls;

const DAY_MS: i64 = 86_400_000;
/// Validity of the authority: 30 years, longer than any machine that it vouches for lives.
const CA_DAYS: i64 = 30 * 366;
/// Validity of the listeners' leaf. Browsers refuse more than 825 days, of any authority.
const SERVER_DAYS: i64 = 800;
/// The listeners' leaf is made anew at a start that finds less than this left.
const SERVER_DAYS_LEFT_MIN: i64 = 400;
/// Validity of an agent's leaf.
const AGENT_DAYS: i64 = 366;
/// How far back validity starts, so that a peer whose clock is a little behind takes the certificate at once.
const BACKDATED_MS: i64 = DAY_MS;

/// Why a key or certificate could not be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: not a certificate and key in PEM that belong together: {message}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A signing request that is none, or whose signature is wrong.
    #[error("not a certificate signing request in PEM: {0}")]
    Request(String),
    /// Making or signing a certificate failed.
    #[error("making a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// The public key of a signing request: all that is ever used of one.
#[derive(Debug, Clone)]
pub struct RequestedKey {
    key: rcgen::PublicKey,
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
}

impl RequestedKey {
    /// Reads a signing request and checks that its sender holds the key.
    pub fn from_request(pem: &str) -> Result<Self, PkiError> {
        let request = CertificateSigningRequestParams::from_pem(pem)
            .map_err(|error| PkiError::Request(error.to_string()))?;
        let sha256 = Sha256::digest(request.public_key.der_bytes()).into();
        Ok(Self { key: request.public_key, sha256 })
    }
}

/// A leaf certificate made for an agent.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The certificate, PEM.
    pub pem: String,
    /// SHA-256 of its DER.
    pub sha256: [u8; 32],
    /// SHA-256 of its public key.
    pub key_sha256: [u8; 32],
    /// When it was issued, milliseconds since 1970.
    pub issued_ms: i64,
    /// When it expires.
    pub expires_ms: i64,
}

/// The authority, and the leaf that both listeners show.
pub struct Pki {
    issuer: Issuer<'static, KeyPair>,
    ca_pem: String,
    ca_der: CertificateDer<'static>,
    server: files::Pair,
}

impl std::fmt::Debug for Pki {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pki").finish_non_exhaustive()
    }
}

/// Checks that the authority below a data folder can still sign: its key belongs to its certificate.
pub fn check(data_dir: &Path) -> Result<(), PkiError> {
    let dir = data_dir.join("pki");
    let path = dir.join("ca.pem");
    let wrong = |message: String| PkiError::Content { path: path.clone(), message };
    let pair = files::read_pair(&dir, "ca")?.ok_or_else(|| wrong("it is missing".to_owned()))?;
    let key = KeyPair::from_pem(&pair.key_pem)?;
    let der = files::first_certificate(&pair.certificate_pem, &path)?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| wrong(error.to_string()))?;
    if certificate.public_key().subject_public_key.data != key.public_key_raw() {
        return Err(wrong("the key is of another certificate".to_owned()));
    }
    Ok(())
}

impl Pki {
    /// Opens the authority below `data_dir`, making it at the first start, with a leaf for `names`.
    pub fn open(data_dir: &Path, names: &[String], now_ms: i64) -> Result<Self, PkiError> {
        let dir = data_dir.join("pki");
        files::make_private_dir(&dir)?;
        let ca = match files::read_pair(&dir, "ca")? {
            Some(pair) => pair,
            None => {
                let pair = make_authority(now_ms)?;
                files::write_pair(&dir, "ca", &pair)?;
                pair
            }
        };
        let key = KeyPair::from_pem(&ca.key_pem)?;
        let ca_der = files::first_certificate(&ca.certificate_pem, &dir.join("ca.pem"))?;
        let issuer = Issuer::from_ca_cert_der(&ca_der, key)?;
        let kept = files::read_pair(&dir, "server")?
            .filter(|pair| files::still_serves(&pair.certificate_pem, &ca_der, names, now_ms));
        let server = match kept {
            Some(pair) => pair,
            None => {
                let pair = make_server_leaf(&issuer, names, now_ms)?;
                files::write_pair(&dir, "server", &pair)?;
                pair
            }
        };
        Ok(Self { issuer, ca_pem: ca.certificate_pem, ca_der, server })
    }

    /// The authority's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The authority's certificate.
    pub const fn ca_der(&self) -> &CertificateDer<'static> {
        &self.ca_der
    }

    /// SHA-256 of the authority's certificate: what tokens pin.
    pub fn ca_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.ca_der).into()
    }

    /// Makes a leaf for `agent` and `key`: client authentication only, no names, the agent's id as its subject.
    pub fn issue(&self, agent: AgentId, key: &RequestedKey, now_ms: i64) -> Result<Leaf, PkiError> {
        let expires_ms = now_ms + AGENT_DAYS * DAY_MS;
        let mut params = params(&agent.to_string(), now_ms - BACKDATED_MS, expires_ms)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key.key, &self.issuer)?;
        Ok(Leaf {
            pem: certificate.pem(),
            sha256: Sha256::digest(certificate.der()).into(),
            key_sha256: key.sha256,
            issued_ms: now_ms,
            expires_ms,
        })
    }
}

fn make_authority(now_ms: i64) -> Result<files::Pair, PkiError> {
    let key = KeyPair::generate()?;
    let mut params = params("Trạm CA", now_ms - BACKDATED_MS, now_ms + CA_DAYS * DAY_MS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key)?;
    Ok(files::Pair { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}

fn make_server_leaf(
    issuer: &Issuer<'static, KeyPair>,
    names: &[String],
    now_ms: i64,
) -> Result<files::Pair, PkiError> {
    let key = KeyPair::generate()?;
    let mut params = params("Trạm collector", now_ms - BACKDATED_MS, now_ms + SERVER_DAYS * DAY_MS)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.subject_alt_names = names.iter().map(|name| alternative_name(name)).collect::<Result<_, _>>()?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok(files::Pair { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}

fn alternative_name(name: &str) -> Result<SanType, PkiError> {
    match name.parse() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into()?)),
    }
}

fn params(common_name: &str, from_ms: i64, until_ms: i64) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let after = |ms: i64| std::time::Duration::from_secs(u64::try_from(ms / 1_000).unwrap_or(0));
    params.not_before = epoch + after(from_ms);
    params.not_after = epoch + after(until_ms);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    let mut serial = [0_u8; 16];
    getrandom::fill(&mut serial).map_err(|_| rcgen::Error::RingUnspecified)?;
    // A serial number is positive: its highest bit stays clear.
    if let Some(first) = serial.first_mut() {
        *first &= 0x7f;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn names() -> Vec<String> {
        vec!["collector.test".to_owned(), "127.0.0.1".to_owned()]
    }

    #[test]
    fn the_authority_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let made = Pki::open(dir.path(), &names(), NOW_MS).unwrap();
        let read = Pki::open(dir.path(), &names(), NOW_MS + DAY_MS).unwrap();
        assert_eq!(made.ca_sha256(), read.ca_sha256());
        assert_eq!(made.server.certificate_pem, read.server.certificate_pem);
    }

    #[test]
    fn the_listeners_leaf_follows_names_and_age() {
        let dir = tempfile::tempdir().unwrap();
        let made = Pki::open(dir.path(), &names(), NOW_MS).unwrap();
        let renamed = Pki::open(dir.path(), &["other.test".to_owned()], NOW_MS).unwrap();
        assert_ne!(made.server.certificate_pem, renamed.server.certificate_pem);
        let later = NOW_MS + (SERVER_DAYS - SERVER_DAYS_LEFT_MIN + 1) * DAY_MS;
        let aged = Pki::open(dir.path(), &["other.test".to_owned()], later).unwrap();
        assert_ne!(renamed.server.certificate_pem, aged.server.certificate_pem);
        assert_eq!(made.ca_sha256(), aged.ca_sha256());
    }

    #[test]
    fn a_request_for_a_server_certificate_gets_a_client_leaf_without_names() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::open(dir.path(), &names(), NOW_MS).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut wished = CertificateParams::new(vec!["collector.test".to_owned()]).unwrap();
        wished.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        wished.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let request = wished.serialize_request(&key).unwrap().pem().unwrap();
        let requested = RequestedKey::from_request(&request).unwrap();
        let leaf = pki.issue(AgentId([7; 16]), &requested, NOW_MS).unwrap();
        let der = files::first_certificate(&leaf.pem, Path::new("leaf")).unwrap();
        let (_, parsed) = X509Certificate::from_der(&der).unwrap();
        let usage = parsed.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth && !usage.any);
        assert!(parsed.subject_alternative_name().unwrap().is_none());
        assert!(!parsed.is_ca());
        let subject = parsed.subject().iter_common_name().next().unwrap().as_str().unwrap();
        assert_eq!(subject, AgentId([7; 16]).to_string());
        assert_eq!(parsed.validity().not_after.timestamp(), leaf.expires_ms / 1_000);
    }

    #[test]
    fn a_request_with_a_broken_signature_is_refused() {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap();
        let mut der = request.der().to_vec();
        *der.last_mut().unwrap() ^= 1;
        let text = format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der)
        );
        assert!(matches!(RequestedKey::from_request(&text), Err(PkiError::Request(_))));
        assert!(RequestedKey::from_request("garbage").is_err());
    }
}
