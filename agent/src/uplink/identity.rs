//! Who this agent is: its key, its certificate, its collector, and where they are kept. Knows nothing of the network.

mod validity;

use crate::system;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tram_proto::enroll::Enrolled;
use tram_proto::id::AgentId;

const IDENTITY: &str = "identity.json";
/// The renewed identity, until it has worked once.
const NEXT: &str = "identity-next.json";
/// The key of an enrolment that was begun, so that it can be repeated.
const BEGUN: &str = "enrolling.json";

/// Why an identity cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read or written.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// A file is not what this program wrote.
    #[error("{path} is damaged ({why}): enrol again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A key or certificate that cannot be used.
    #[error("key or certificate: {0}")]
    Unusable(String),
}

/// An agent's identity.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The agent.
    pub agent: AgentId,
    /// The collector it enrolled with, `https://HOST:PORT`.
    pub collector: String,
    /// SHA-256 of the secret that it enrolled with, hexadecimal: the same token enrols the same key again.
    pub token_sha256: String,
    /// Private key, PEM.
    key: String,
    /// Leaf certificate, PEM.
    certificate: String,
    /// The collector's authority, PEM.
    ca: String,
    /// The collector's time when the certificate was given, milliseconds since 1970.
    pub given_ms: i64,
    /// What the collector had to say when it gave it; not kept.
    #[serde(skip)]
    pub note: String,
}

/// Never prints the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("agent", &self.agent)
            .field("collector", &self.collector)
            .finish_non_exhaustive()
    }
}

/// A new key, or one of an enrolment that was begun.
#[derive(Clone, Serialize, Deserialize)]
pub struct Key {
    /// PEM.
    key: String,
    /// The token it was made for; empty for a renewal.
    token_sha256: String,
}

impl Key {
    /// Makes a key.
    pub fn generate(token_sha256: &str) -> Result<Self, IdentityError> {
        let key = KeyPair::generate().map_err(|error| IdentityError::Unusable(error.to_string()))?;
        Ok(Self { key: key.serialize_pem(), token_sha256: token_sha256.to_owned() })
    }

    /// A certificate signing request, PEM. It says nothing but the public key.
    pub fn request(&self) -> Result<String, IdentityError> {
        let unusable = |error: rcgen::Error| IdentityError::Unusable(error.to_string());
        let key = KeyPair::from_pem(&self.key).map_err(unusable)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.serialize_request(&key).and_then(|request| request.pem()).map_err(unusable)
    }

    /// The identity that an answer makes of this key.
    pub fn identity(&self, enrolled: Enrolled, collector: String, token_sha256: String) -> Identity {
        Identity {
            agent: enrolled.agent,
            collector,
            token_sha256,
            key: self.key.clone(),
            certificate: enrolled.certificate,
            ca: enrolled.ca,
            given_ms: enrolled.collector_ms,
            note: enrolled.note,
        }
    }
}

impl Identity {
    /// The leaf certificate.
    pub fn certificate_der(&self) -> Result<CertificateDer<'static>, IdentityError> {
        certificate(&self.certificate)
    }

    /// The collector's authority.
    pub fn ca_der(&self) -> Result<CertificateDer<'static>, IdentityError> {
        certificate(&self.ca)
    }

    /// The authority, PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// The private key.
    pub fn key_der(&self) -> Result<PrivateKeyDer<'static>, IdentityError> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|error| IdentityError::Unusable(error.to_string()))
    }

    /// The key, to enrol once more with the token that it was made for.
    pub fn key(&self) -> Key {
        Key { key: self.key.clone(), token_sha256: self.token_sha256.clone() }
    }

    /// First and last millisecond since 1970 that the certificate is valid in.
    pub fn validity_ms(&self) -> Result<(i64, i64), IdentityError> {
        let der = self.certificate_der()?;
        validity::of_certificate(&der).map_err(|error| IdentityError::Unusable(error.to_string()))
    }

    /// Whether a third of the certificate's life or less is left.
    pub fn should_renew(&self, collector_ms: i64) -> Result<bool, IdentityError> {
        let (from_ms, until_ms) = self.validity_ms()?;
        Ok(until_ms.saturating_sub(collector_ms) <= until_ms.saturating_sub(from_ms) / 3)
    }
}

fn certificate(pem: &str) -> Result<CertificateDer<'static>, IdentityError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| IdentityError::Unusable(error.to_string()))
}

/// SHA-256 of a token's secret, hexadecimal.
pub fn token_sha256(secret: &[u8]) -> String {
    hexadecimal(&Sha256::digest(secret))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The agent's state directory, as far as its identity goes. Only its owner can enter it.
#[derive(Debug, Clone)]
pub struct IdentityStore {
    directory: PathBuf,
}

impl IdentityStore {
    /// In a state directory, which is made if need be.
    pub fn open(directory: &Path) -> Result<Self, IdentityError> {
        let failed = |why| IdentityError::Io { path: directory.to_owned(), why };
        system::private_directory(directory).map_err(failed)?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// In a state directory that is only looked at, and need not be there.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The identity in use; none before enrolment.
    pub fn current(&self) -> Result<Option<Identity>, IdentityError> {
        self.read(IDENTITY)
    }

    /// The renewed one that has not worked yet.
    pub fn next(&self) -> Result<Option<Identity>, IdentityError> {
        self.read(NEXT)
    }

    /// The key of an enrolment that was begun with a token.
    pub fn begun(&self, token_sha256: &str) -> Result<Option<Key>, IdentityError> {
        let begun: Option<Key> = self.read(BEGUN)?;
        Ok(begun.filter(|key| key.token_sha256 == token_sha256))
    }

    /// Remembers the key of an enrolment before it is sent.
    pub fn begin(&self, key: &Key) -> Result<(), IdentityError> {
        self.write(BEGUN, key)
    }

    /// Takes an identity into use.
    pub fn save(&self, identity: &Identity) -> Result<(), IdentityError> {
        self.write(IDENTITY, identity)?;
        self.remove(NEXT)?;
        self.remove(BEGUN)
    }

    /// Keeps a renewed identity beside the old one.
    pub fn save_next(&self, identity: &Identity) -> Result<(), IdentityError> {
        self.write(NEXT, identity)
    }

    /// The renewed identity has worked: the old one goes.
    pub fn promote(&self) -> Result<(), IdentityError> {
        let path = self.directory.join(IDENTITY);
        let failed = |why| IdentityError::Io { path: path.clone(), why };
        fs::rename(self.directory.join(NEXT), &path).map_err(failed)?;
        self.sync().map_err(failed)
    }

    /// The renewed identity was refused: the old one stays.
    pub fn discard_next(&self) -> Result<(), IdentityError> {
        self.remove(NEXT)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, IdentityError> {
        let path = self.directory.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(IdentityError::Io { path, why }),
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(IdentityError::Damaged { path, why: error.to_string() }),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), IdentityError> {
        let path = self.directory.join(name);
        let failed = |why| IdentityError::Io { path: path.clone(), why };
        let bytes = serde_json::to_vec_pretty(value).map_err(|error| failed(io::Error::other(error)))?;
        let unfinished = path.with_extension("unfinished");
        let opened = system::private_file().write(true).create(true).truncate(true).open(&unfinished);
        let written = opened.and_then(|mut file| {
            system::give_to_owner_of(&self.directory, &file);
            file.write_all(&bytes).and_then(|()| file.sync_all())
        });
        written.and_then(|()| fs::rename(&unfinished, &path)).and_then(|()| self.sync()).map_err(failed)
    }

    fn remove(&self, name: &str) -> Result<(), IdentityError> {
        let path = self.directory.join(name);
        match fs::remove_file(&path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(IdentityError::Io { path, why }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        system::sync_directory(&self.directory)
    }
}
