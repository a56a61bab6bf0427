//! Name servers: which there are, whether each answers, and what it says.
//!
//! Every server is asked by itself, so that a dead one beside a working one is seen.

mod packet;

use super::host;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::Instant;

const PORT: u16 = 53;
/// Bytes of an answer: what fits one Ethernet frame; servers send at most 512 unless asked for more.
const ANSWER_BYTES_MAX: usize = 1_500;

/// Name servers that are used, as in the C library (`MAXNS`).
const SERVERS_MAX: usize = 3;

/// What a name server said. It is alive whichever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// Addresses.
    Addresses(Vec<IpAddr>),
    /// The name does not exist, or has no address of the kind: final.
    NoSuchName(&'static str),
    /// The server could not or would not say: another may.
    Unwilling(String),
}

/// The host's name servers, in order: those of a file or, where none is named, those that the system knows.
pub(super) fn servers(resolv_conf: &Path) -> Result<Vec<IpAddr>, String> {
    if resolv_conf.as_os_str().is_empty() {
        let servers: Vec<IpAddr> = host::name_servers().into_iter().take(SERVERS_MAX).collect();
        return if servers.is_empty() { Err("no adapter names a server".to_owned()) } else { Ok(servers) };
    }
    let text = std::fs::read(resolv_conf)
        .map_err(|error| format!("cannot read {}: {}", resolv_conf.display(), error.kind()))?;
    // Lines that are wrong are left out, as the C library does.
    let (config, _) = resolv_conf::Config::parse_with_errors(&text);
    let servers: Vec<IpAddr> = config.nameservers.iter().take(SERVERS_MAX).map(IpAddr::from).collect();
    if servers.is_empty() { Err(format!("{} names no server", resolv_conf.display())) } else { Ok(servers) }
}

/// Whether a server can be asked at all: a link-local one needs a scope, which is lost on the way here.
pub(super) fn is_askable(server: IpAddr) -> bool {
    match server {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    }
}

/// Asks one server for a name once; the round trip and the reply, or why there is none.
pub(super) async fn ask(
    server: IpAddr,
    name: &str,
    want_v6: bool,
    timeout: Duration,
) -> Result<(Duration, Reply), String> {
    let started = Instant::now();
    let asked = tokio::time::timeout(timeout, lookup(server, name, want_v6)).await;
    let reply = match asked {
        Ok(reply) => reply?,
        Err(_) => return Err("no answer".to_owned()),
    };
    Ok((started.elapsed(), reply))
}

/// What the replies of the host's servers, in their order, come to: the first that is final decides, as it does for
/// every program on the host.
pub(super) fn settle(replies: &[Option<Reply>]) -> Result<Vec<IpAddr>, String> {
    let mut reason = "no name server answers".to_owned();
    for reply in replies.iter().flatten() {
        match reply {
            Reply::Addresses(addresses) => return Ok(addresses.clone()),
            Reply::NoSuchName(why) => return Err((*why).to_owned()),
            Reply::Unwilling(why) => reason.clone_from(why),
        }
    }
    Err(reason)
}

/// The address that a hosts file gives for a name.
pub(super) fn from_hosts(hosts: &str, name: &str) -> Option<IpAddr> {
    hosts.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut fields = line.split_ascii_whitespace();
        let address = fields.next()?.parse().ok()?;
        fields.any(|field| field.eq_ignore_ascii_case(name)).then_some(address)
    })
}

/// One question in one packet and its answer, without cache, retry or search domains: a resolver of its own would be
/// several times the size of everything else that the ladder needs.
async fn lookup(server: IpAddr, name: &str, want_v6: bool) -> Result<Reply, String> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(|error| error.to_string())?;
    let question = packet::question(u16::from_be_bytes(id), name, want_v6)?;
    exchange(SocketAddr::new(server, PORT), &question, |answer| packet::answer(answer, &question))
        .await
        .map_err(|error| error.to_string())
}

/// Sends a packet and waits for the first one back that `read` takes for its answer.
async fn exchange<T>(
    server: SocketAddr,
    question: &[u8],
    read: impl Fn(&[u8]) -> Option<T>,
) -> std::io::Result<T> {
    let any =
        if server.is_ipv6() { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
    // A port of the system's choosing, and only packets from the server's own.
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut answer = [0; ANSWER_BYTES_MAX];
    loop {
        let length = socket.recv(&mut answer).await?;
        if let Some(found) = read(answer.get(..length).unwrap_or_default()) {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn addresses(text: &str) -> Option<Reply> {
        Some(Reply::Addresses(vec![text.parse().unwrap()]))
    }

    #[test]
    fn the_first_final_reply_decides() {
        let missing = || Some(Reply::NoSuchName("the name does not exist"));
        let unwilling = || Some(Reply::Unwilling("servfail".to_owned()));
        assert_eq!(settle(&[None, addresses("1.2.3.4")]).unwrap().len(), 1);
        assert_eq!(settle(&[unwilling(), addresses("1.2.3.4")]).unwrap().len(), 1);
        assert_eq!(settle(&[missing(), addresses("1.2.3.4")]).unwrap_err(), "the name does not exist");
        assert_eq!(settle(&[None, unwilling()]).unwrap_err(), "servfail");
        assert_eq!(settle(&[]).unwrap_err(), "no name server answers");
    }

    #[tokio::test]
    async fn a_packet_that_is_not_the_answer_is_passed_over() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let answering = async {
            let mut bytes = [0; ANSWER_BYTES_MAX];
            let (length, from) = server.recv_from(&mut bytes).await.unwrap();
            assert_eq!(&bytes[..length], b"question");
            for answer in [b"forged".as_slice(), b"right"] {
                server.send_to(answer, from).await.unwrap();
            }
        };
        let read = |bytes: &[u8]| (bytes == b"right").then_some(5);
        let (found, ()) = tokio::join!(exchange(address, b"question", read), answering);
        assert_eq!(found.unwrap(), 5);
    }

    #[test]
    fn name_servers_are_read_in_order_and_at_most_three() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let text = "# comment\nsearch a.vn\nnameserver 10.0.0.1\nnonsense\nnameserver 10.0.0.2\nnameserver fd00::3\nnameserver 10.0.0.4\n";
        file.write_all(text.as_bytes()).unwrap();
        let found: Vec<String> = servers(file.path()).unwrap().iter().map(IpAddr::to_string).collect();
        assert_eq!(found, ["10.0.0.1", "10.0.0.2", "fd00::3"]);
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert!(servers(empty.path()).is_err());
        assert!(
            servers(Path::new("/nonexistent/resolv.conf")).unwrap_err().contains("/nonexistent/resolv.conf")
        );
    }

    #[test]
    fn hosts_files_are_read_with_comments_and_aliases() {
        let hosts =
            "127.0.0.1 localhost\n10.2.3.4\ttram.tinh.gov.vn tram # collector\n#10.9.9.9 other\nbroken\n";
        assert_eq!(from_hosts(hosts, "TRAM"), "10.2.3.4".parse().ok());
        assert_eq!(from_hosts(hosts, "other"), None);
        assert_eq!(from_hosts(hosts, "collector"), None);
    }
}
