//! Opening a TCP connection and dropping it at once: the collector's port, and whatever ICMP is not permitted for.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::time::Instant;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The connection opened.
    Open(Duration),
    /// The other side is there and refused it.
    Refused(Duration),
    /// Nothing, and why.
    Silence(String),
}

impl Answer {
    /// The round trip when the port is open.
    pub(super) fn open(self) -> Result<Duration, String> {
        match self {
            Self::Open(round_trip) => Ok(round_trip),
            Self::Refused(_) => Err("connection refused".to_owned()),
            Self::Silence(reason) => Err(reason),
        }
    }

    /// The round trip when the other side is alive, port open or not.
    pub(super) fn alive(self) -> Result<Duration, String> {
        match self {
            Self::Open(round_trip) | Self::Refused(round_trip) => Ok(round_trip),
            Self::Silence(reason) => Err(reason),
        }
    }
}

/// Opens a connection and drops it.
pub(super) async fn ask(address: SocketAddr, timeout: Duration) -> Answer {
    let started = Instant::now();
    match tokio::time::timeout(timeout, connect(address)).await {
        Ok(Ok(())) => Answer::Open(started.elapsed()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Answer::Refused(started.elapsed())
        }
        Ok(Err(error)) => Answer::Silence(error.to_string()),
        Err(_) => Answer::Silence("no answer".to_owned()),
    }
}

async fn connect(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Nothing was said, so nothing need be closed in order: one packet instead of four.
    socket.set_zero_linger()?;
    socket.connect(address).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn open_and_refused_ports_are_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let timeout = Duration::from_secs(2);
        assert!(matches!(ask(address, timeout).await, Answer::Open(_)));
        drop(listener);
        let refused = ask(address, timeout).await;
        assert!(matches!(refused, Answer::Refused(_)), "{refused:?}");
        assert!(refused.clone().open().is_err());
        assert!(refused.alive().is_ok());
    }
}
