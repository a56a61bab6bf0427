//! Web servers that answer 204, and the captive portal that stands before them.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How the portal shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Portal {
    /// By a redirect to its page.
    #[default]
    Redirect,
    /// By its page in place of the one asked for.
    Page,
    /// By status 511.
    Status,
}

impl Portal {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Redirect, Self::Page, Self::Status];

    /// The word for it in commands.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Page => "page",
            Self::Status => "511",
        }
    }

    const fn response(self) -> &'static str {
        match self {
            Self::Redirect => {
                "HTTP/1.1 302 Found\r\nlocation: http://portal.tram.example/login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            }
            Self::Page => {
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 19\r\nconnection: close\r\n\r\n<html>login</html>\n"
            }
            Self::Status => {
                "HTTP/1.1 511 Network Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            }
        }
    }
}

/// With the headers that the largest of the real targets sends, so that bytes counted here are bytes there.
const EXPECTED: &str = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nCross-Origin-Resource-Policy: cross-origin\r\n\
     Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: close\r\n\r\n";

/// Answers every request until the listener breaks: with 204, or as the portal.
pub(super) async fn serve(listener: TcpListener, portal: Option<Arc<Mutex<Portal>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, portal.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(mut stream: TcpStream, portal: Option<Arc<Mutex<Portal>>>) {
    let mut request: Vec<u8> = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(length) if length > 0 && request.len() < 16_384 => request.extend(part.iter().take(length)),
            _ => return,
        }
    }
    let response =
        portal.map_or(EXPECTED, |portal| portal.lock().unwrap_or_else(PoisonError::into_inner).response());
    // A client that is gone needs no answer.
    drop(stream.write_all(response.as_bytes()).await);
    drop(stream.shutdown().await);
}
