//! Proxies of a few lines for the agent's own tests: CONNECT, in the open or under TLS, and SOCKS5, each with one name
//! and password.

use rustls::ServerConfig;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What the proxies want to be told.
pub(super) const NAME: &str = "name";
pub(super) const PASSWORD: &str = "pass:word";
/// The same, as HTTP has it.
const BASIC: &str = "Basic bmFtZTpwYXNzOndvcmQ=";

/// Which proxy.
#[derive(Clone)]
pub(super) enum Kind {
    Http,
    Https(Arc<ServerConfig>),
    Socks,
}

/// A proxy on the loopback.
pub(super) struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Proxy {
    pub(super) fn start(kind: Kind) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = asked.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(listen(listener, kind, noted));
        });
        Self { port, asked }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Where ways were opened to.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn listen(listener: std::net::TcpListener, kind: Kind, asked: Arc<Mutex<Vec<String>>>) {
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let mut tunnels = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (kind, asked) = (kind.clone(), asked.clone());
        tunnels.spawn(async move {
            match kind {
                Kind::Http => connect(stream, &asked).await,
                Kind::Https(tls) => connect(TlsAcceptor::from(tls).accept(stream).await?, &asked).await,
                Kind::Socks => socks(stream, &asked).await,
            }
        });
    }
}

async fn connect(mut stream: impl Stream, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    if !head.contains(BASIC) {
        return stream.write_all(b"HTTP/1.1 407 no\r\n\r\n").await;
    }
    let mut way = TcpStream::connect(&target).await?;
    asked.lock().unwrap().push(target);
    stream.write_all(b"HTTP/1.1 200 yes\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut way).await.map(drop)
}

async fn socks(mut stream: impl Stream, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut methods = [0; 2];
    stream.read_exact(&mut methods).await?;
    let mut offered = vec![0; methods[1].into()];
    stream.read_exact(&mut offered).await?;
    if !offered.contains(&2) {
        return stream.write_all(&[5, 0xff]).await;
    }
    stream.write_all(&[5, 2]).await?;
    let _version = stream.read_u8().await?;
    let (name, password) = (text(&mut stream).await?, text(&mut stream).await?);
    if (name.as_str(), password.as_str()) != (NAME, PASSWORD) {
        return stream.write_all(&[1, 1]).await;
    }
    stream.write_all(&[1, 0]).await?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => Ipv4Addr::from(stream.read_u32().await?).to_string(),
        _ => text(&mut stream).await?,
    };
    let target = format!("{host}:{}", stream.read_u16().await?);
    let mut way = TcpStream::connect(&target).await?;
    asked.lock().unwrap().push(target);
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut stream, &mut way).await.map(drop)
}

async fn text(stream: &mut impl Stream) -> std::io::Result<String> {
    let mut bytes = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
