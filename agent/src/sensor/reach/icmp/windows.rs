//! ICMP echo by the call that Windows' own `ping` uses: any process may, and no firewall rule is needed.

use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;
use winping::{Buffer, Error, Pinger};

/// As much as on other systems.
const PAYLOAD: [u8; 16] = *b"tram ladder echo";

/// What may be asked; always.
pub(in crate::sensor::reach) struct Icmp(Permit);

/// Stands for the permission to ask.
pub(in crate::sensor::reach) struct Permit;

impl Icmp {
    /// Nothing is opened before it is needed.
    pub(in crate::sensor::reach) fn open() -> Self {
        Self(Permit)
    }

    /// The permission to ask an address.
    pub(in crate::sensor::reach) fn permitted(&self, _address: IpAddr) -> Option<&Permit> {
        Some(&self.0)
    }
}

/// One echo request; the round trip or why there is none. The system finds the way to link-local addresses itself.
pub(in crate::sensor::reach) async fn ask(
    _permit: &Permit,
    address: IpAddr,
    _scope: u32,
    _sequence: u32,
    timeout: Duration,
) -> Result<Duration, String> {
    let asked = tokio::task::spawn_blocking(move || {
        let pinger = if address.is_ipv4() { Pinger::new_v4() } else { Pinger::new_v6() };
        let mut pinger = pinger.ok_or_else(|| "ICMP cannot be used".to_owned())?;
        pinger.set_timeout(u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX).max(1));
        let started = Instant::now();
        // Its own figure has whole milliseconds only.
        pinger.send(address, &mut Buffer::with_data(PAYLOAD.to_vec())).map_err(words)?;
        Ok(started.elapsed())
    });
    asked.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn words(error: Error) -> String {
    match error {
        Error::Timeout => "no answer".to_owned(),
        other => other.to_string(),
    }
}
