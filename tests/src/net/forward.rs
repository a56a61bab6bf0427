//! A port inside the small internet that leads to a port outside it, on this machine.
//!
//! Only bytes pass, and only from inside to the one address given: nothing outside this machine can be reached, and
//! nothing outside gains a way in.

use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Accepts inside, connects outside, until the listener breaks. Runs on a thread that is outside: that is where its
/// connections start.
pub(super) async fn serve(listener: TcpListener, to: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(pass(stream, to));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(mut inside: TcpStream, to: SocketAddr) {
    // Dropping the inner connection tells its client that nobody is there.
    let Ok(mut outside) = TcpStream::connect(to).await else { return };
    drop(copy_bidirectional(&mut inside, &mut outside).await);
}
