//! Certificates and keys as files: written whole or not at all, keys readable by their owner only.

use super::{DAY_MS, PkiError, SERVER_DAYS_LEFT_MIN};
use crate::owner::give_to_owner_of;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// A certificate (chain) and its key, PEM.
pub(super) struct Pair {
    pub(super) certificate_pem: String,
    pub(super) key_pem: String,
}

/// Makes a folder that only its owner may enter.
pub(super) fn make_private_dir(dir: &Path) -> Result<(), PkiError> {
    let wrong = |source| PkiError::File { path: dir.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(wrong)
}

/// Reads `NAME.pem` and `NAME.key`; none when there is no such key yet.
pub(super) fn read_pair(dir: &Path, name: &str) -> Result<Option<Pair>, PkiError> {
    let key = dir.join(format!("{name}.key"));
    let certificate = dir.join(format!("{name}.pem"));
    if !key.exists() && !certificate.exists() {
        return Ok(None);
    }
    Ok(Some(Pair { certificate_pem: read_text(&certificate)?, key_pem: read_text(&key)? }))
}

/// Reads a file's text.
pub(super) fn read_text(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|source| PkiError::File { path: path.to_owned(), source })
}

/// Writes `NAME.key`, then `NAME.pem`.
pub(super) fn write_pair(dir: &Path, name: &str, pair: &Pair) -> Result<(), PkiError> {
    write_whole(dir, &format!("{name}.key"), &pair.key_pem, 0o600)?;
    write_whole(dir, &format!("{name}.pem"), &pair.certificate_pem, 0o644)
}

fn write_whole(dir: &Path, name: &str, text: &str, mode: u32) -> Result<(), PkiError> {
    let path = dir.join(name);
    let new = dir.join(format!("{name}.new"));
    let write = || -> std::io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&new)?;
        give_to_owner_of(dir, &file);
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        fs::File::open(dir)?.sync_all()
    };
    write().map_err(|source| PkiError::File { path: path.clone(), source })
}

/// The first certificate of a PEM text.
pub(super) fn first_certificate(pem: &str, path: &Path) -> Result<CertificateDer<'static>, PkiError> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| PkiError::Content { path: path.to_owned(), message: error.to_string() })
}

/// Whether the listeners' leaf can stay: of this authority, for these names, and far from its end.
pub(super) fn still_serves(pem: &str, ca: &CertificateDer<'_>, names: &[String], now_ms: i64) -> bool {
    let Ok(der) = first_certificate(pem, Path::new("server.pem")) else { return false };
    let (Ok((_, leaf)), Ok((_, ca))) = (X509Certificate::from_der(&der), X509Certificate::from_der(ca))
    else {
        return false;
    };
    let ends_ms = leaf.validity().not_after.timestamp().saturating_mul(1_000);
    let began = leaf.validity().not_before.timestamp().saturating_mul(1_000) <= now_ms;
    leaf.verify_signature(Some(ca.public_key())).is_ok()
        && began
        && ends_ms - now_ms >= SERVER_DAYS_LEFT_MIN * DAY_MS
        && alternative_names(&leaf) == *names
}

fn alternative_names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = leaf.subject_alternative_name() else { return Vec::new() };
    let text = |name: &GeneralName<'_>| {
        if let GeneralName::DNSName(name) = name {
            return Some((*name).to_owned());
        }
        if let GeneralName::IPAddress(bytes) = name { address_text(bytes) } else { None }
    };
    extension.value.general_names.iter().filter_map(text).collect()
}

fn address_text(bytes: &[u8]) -> Option<String> {
    let four: Result<[u8; 4], _> = bytes.try_into();
    let sixteen: Result<[u8; 16], _> = bytes.try_into();
    match (four, sixteen) {
        (Ok(four), _) => Some(IpAddr::from(four).to_string()),
        (_, Ok(sixteen)) => Some(IpAddr::from(sixteen).to_string()),
        (Err(_), Err(_)) => None,
    }
}
