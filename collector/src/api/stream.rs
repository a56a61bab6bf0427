//! Answers that are sent while they are made: a body fed from a thread that may block.
//!
//! A few pieces wait at most, so that a slow reader slows the making and takes no memory; when the reader goes, the
//! maker is told with the next piece.

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Pieces that wait for the reader.
const PIECES: usize = 4;
/// Bytes from which a piece is sent.
pub const PIECE_BYTES: usize = 64 << 10;

/// Where pieces go in.
#[derive(Debug, Clone)]
pub struct Sender(mpsc::Sender<Bytes>);

impl Sender {
    /// Whether anybody still reads.
    pub fn is_wanted(&self) -> bool {
        !self.0.is_closed()
    }

    /// Sends a piece, once there is room; says whether anybody still reads. Blocks.
    pub fn send(&self, piece: Vec<u8>) -> bool {
        self.0.blocking_send(piece.into()).is_ok()
    }
}

struct Stream(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// A body, and where its pieces go in. The body ends when every sender is gone.
pub fn body() -> (Sender, Body) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Sender(sender), Body::new(Stream(receiver)))
}
