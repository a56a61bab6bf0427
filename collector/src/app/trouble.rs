//! Why a collector did not start. What people are told of it is the command line's affair.

use crate::api::password::PasswordError;
use crate::commit::NoRebuild;
use crate::pki::PkiError;
use crate::rules::InvalidRules;
use crate::store::StoreError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a collector did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder, or the lock in it, cannot be made.
    #[error("data_dir: {path} cannot be made: {why}")]
    Folder {
        /// What cannot be made.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Another collector has the data folder.
    #[error("data_dir {0}: another collector is running on it")]
    Taken(PathBuf),
    /// An address cannot be listened on: in use, not ours, or not allowed.
    #[error("cannot listen on {address} ({key}): {why}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The configuration's key that it is from.
        key: &'static str,
        /// Why.
        why: io::Error,
    },
    /// The rules file cannot be read.
    #[error("rules {path} cannot be read: {why}")]
    RulesFile {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// The rules file has a mistake.
    #[error("rules {path}, {mistake}")]
    Rules {
        /// The file.
        path: PathBuf,
        /// The mistake, with its line.
        mistake: InvalidRules,
    },
    /// The authority or a certificate.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// Memory could not be rebuilt from the store.
    #[error(transparent)]
    Rebuild(#[from] NoRebuild),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No password can be checked.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Something else that the system refused.
    #[error(transparent)]
    System(#[from] io::Error),
}
