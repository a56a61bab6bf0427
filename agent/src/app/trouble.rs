//! Why a command came to nothing, as far as people are told in their own language. Text is the command line's.

use crate::delivery::DeliveryError;
use crate::sensor::registry::UnknownSensor;
use crate::uplink::identity::IdentityError;
use std::path::PathBuf;

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Another process has the state directory.
    #[error("another agent runs with the state directory {0}")]
    Taken(PathBuf),
    /// The state directory cannot be used.
    #[error("cannot use the state directory {path}: {why}")]
    State {
        /// The directory, or the file in it.
        path: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
    /// The identity cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Reports cannot be kept or delivered.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// A sensor was named that does not exist.
    #[error(transparent)]
    Sensor(#[from] UnknownSensor),
    /// Anything else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}
