//! How requests travel when they do not go over TLS: a simulation's way. Knows nothing of what they carry.

use crate::uplink::post::{Answer, Poster};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A request on its way.
pub type Sending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Carries requests, uncompressed.
pub trait Courier: Send + Sync {
    /// Sends a body.
    fn post(&self, url: String, body: Vec<u8>) -> Sending;

    /// Asks for a resource.
    fn fetch(&self, url: String) -> Sending;
}

/// How a delivery's requests travel.
#[derive(Clone)]
pub(super) enum Way {
    /// Over TLS, as on every real host.
    Tls(Poster),
    /// As a simulation has it.
    Courier(Arc<dyn Courier>),
}

impl Way {
    pub(super) fn post(&self, url: String, body: Vec<u8>) -> Sending {
        match self {
            Self::Tls(poster) => Box::pin(poster.clone().post(url, body)),
            Self::Courier(courier) => courier.post(url, body),
        }
    }

    pub(super) fn fetch(&self, url: String) -> Sending {
        match self {
            Self::Tls(poster) => Box::pin(poster.clone().fetch(url)),
            Self::Courier(courier) => courier.fetch(url),
        }
    }
}
