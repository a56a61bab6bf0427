//! Asking a proxy for a way to a host and port, and dropping it at once: whether the collector can be reached through
//! it. HTTP CONNECT (RFC 9110) and SOCKS5 (RFC 1928, RFC 1929).

use crate::uplink::proxy::{Credentials, Kind, Proxy};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Bytes of an answer to CONNECT that are read; its first line is all that counts.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Asks the proxy at `place` for a way to `name` and `port`; how long that took, or why there is none.
pub(super) async fn ask(
    proxy: &Proxy,
    place: SocketAddr,
    (name, port): (&str, u16),
    timeout: Duration,
) -> Result<Duration, String> {
    let started = Instant::now();
    let asked = async {
        let mut stream = TcpStream::connect(place).await.map_err(|error| format!("the proxy: {error}"))?;
        match proxy.kind {
            // What is under TLS is left to those who know whom to believe: that the proxy is there has to do.
            Kind::Https => Ok(()),
            Kind::Http => connect(&mut stream, proxy.credentials.as_ref(), name, port).await,
            Kind::Socks5 | Kind::Socks5h => socks(&mut stream, proxy.credentials.as_ref(), name, port).await,
        }
    };
    match tokio::time::timeout(timeout, asked).await {
        Ok(answer) => answer.map(|()| started.elapsed()),
        Err(_) => Err("no answer through the proxy".to_owned()),
    }
}

async fn connect(
    stream: &mut TcpStream,
    credentials: Option<&Credentials>,
    name: &str,
    port: u16,
) -> Result<(), String> {
    let target = if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") };
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(Credentials { user, password }) = credentials {
        let secret = STANDARD.encode(format!("{user}:{password}"));
        request += &format!("Proxy-Authorization: Basic {secret}\r\n");
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < ANSWER_BYTES_MAX {
        if stream.read_buf(&mut answer).await.map_err(|error| error.to_string())? == 0 {
            return Err("the proxy ends the connection".to_owned());
        }
    }
    judge(&answer)
}

/// What the first line of an answer to CONNECT means.
fn judge(answer: &[u8]) -> Result<(), String> {
    let line = String::from_utf8_lossy(answer.split(|byte| *byte == b'\n').next().unwrap_or_default());
    let mut words = line.split_ascii_whitespace();
    let is_http = words.next().is_some_and(|word| word.starts_with("HTTP/"));
    match words.next().and_then(|word| word.parse::<u16>().ok()).filter(|_| is_http) {
        Some(200..=299) => Ok(()),
        Some(407) => Err("the proxy wants another name or password (407)".to_owned()),
        Some(status) => Err(format!("the proxy answers {status}")),
        None => Err("what answers is no HTTP proxy".to_owned()),
    }
}

async fn socks(
    stream: &mut TcpStream,
    credentials: Option<&Credentials>,
    name: &str,
    port: u16,
) -> Result<(), String> {
    const NONE: u8 = 0;
    const PASSWORD: u8 = 2;
    let gone = |error: std::io::Error| format!("the proxy ends the connection: {error}");
    let method = if credentials.is_some() { PASSWORD } else { NONE };
    stream.write_all(&[5, 1, method]).await.map_err(gone)?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await.map_err(gone)?;
    match (answer, credentials) {
        ([5, PASSWORD], Some(credentials)) => {
            stream.write_all(&password(credentials)?).await.map_err(gone)?;
            stream.read_exact(&mut answer).await.map_err(gone)?;
            if answer != [1, 0] {
                return Err("the proxy wants another name or password".to_owned());
            }
        }
        ([5, NONE], None) => {}
        ([5, _], _) => return Err("the proxy wants a name and a password, or none".to_owned()),
        _ => return Err("what answers is no SOCKS5 proxy".to_owned()),
    }
    stream.write_all(&request(name, port)?).await.map_err(gone)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.map_err(gone)?;
    match answer {
        [5, 0, ..] => Ok(()),
        [5, code, ..] => Err(format!("the proxy cannot reach it (SOCKS5 code {code})")),
        _ => Err("what answers is no SOCKS5 proxy".to_owned()),
    }
}

fn password(Credentials { user, password }: &Credentials) -> Result<Vec<u8>, String> {
    let mut bytes = vec![1];
    for text in [user, password] {
        let length = u8::try_from(text.len());
        bytes.push(length.map_err(|_| "a proxy's name and password have at most 255 bytes".to_owned())?);
        bytes.extend(text.as_bytes());
    }
    Ok(bytes)
}

fn request(name: &str, port: u16) -> Result<Vec<u8>, String> {
    let mut bytes = vec![5, 1, 0];
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            bytes.push(1);
            bytes.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            bytes.push(4);
            bytes.extend(address.octets());
        }
        Err(_) => {
            let length =
                u8::try_from(name.len()).map_err(|_| "the name is too long for SOCKS5".to_owned())?;
            bytes.extend([3, length]);
            bytes.extend(name.as_bytes());
        }
    }
    bytes.extend(port.to_be_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Asks a proxy that says `answers`, each after it has heard something; the outcome and what was heard.
    async fn asked(proxy: &str, answers: &'static [&'static [u8]]) -> (Result<(), String>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        let proxy = Proxy::parse(&format!("{proxy}:{}", place.port()), None).unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::with_capacity(ANSWER_BYTES_MAX);
            for answer in answers {
                stream.read_buf(&mut heard).await.unwrap();
                stream.write_all(answer).await.unwrap();
            }
            heard
        };
        let asking = ask(&proxy, place, ("tram.example", 8441), Duration::from_secs(5));
        let (found, heard) = tokio::join!(asking, serve);
        (found.map(drop), heard)
    }

    #[tokio::test]
    async fn an_http_proxy_is_asked_for_the_collector_with_name_and_password() {
        let (found, heard) = asked("http://a:b@127.0.0.1", &[b"HTTP/1.1 200 OK\r\n\r\n"]).await;
        assert_eq!(found, Ok(()));
        let heard = String::from_utf8(heard).unwrap();
        assert!(heard.starts_with("CONNECT tram.example:8441 HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains("Proxy-Authorization: Basic YTpi\r\n"), "{heard}");
        let check = async |answer: &'static [&'static [u8]], why: &str| {
            let found = asked("http://127.0.0.1", answer).await.0.unwrap_err();
            assert!(found.contains(why), "{found}");
        };
        check(&[b"HTTP/1.1 407 x\r\n"], "407").await;
        check(&[b"HTTP/1.1 502 x\r\n"], "502").await;
        check(&[b"SSH-2.0\r\n"], "no HTTP proxy").await;
    }

    #[tokio::test]
    async fn a_socks_proxy_is_asked_by_name_and_its_refusals_are_told() {
        let open: &'static [&'static [u8]] = &[&[5, 2], &[1, 0], &[5, 0, 0, 1]];
        let (found, heard) = asked("socks5h://a:b@127.0.0.1", open).await;
        assert_eq!(found, Ok(()));
        assert!(heard.starts_with(&[5, 1, 2, 1, 1, b'a', 1, b'b', 5, 1, 0, 3, 12]), "{heard:?}");
        let none: &'static [&'static [u8]] = &[&[5, 0], &[5, 5, 0, 1]];
        assert!(asked("socks5h://127.0.0.1", none).await.0.unwrap_err().contains("code 5"));
        let wrong: &'static [&'static [u8]] = &[&[5, 2], &[1, 1]];
        assert!(asked("socks5h://a:b@127.0.0.1", wrong).await.0.unwrap_err().contains("password"));
    }
}
