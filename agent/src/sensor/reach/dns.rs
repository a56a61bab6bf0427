//! Name servers: which there are, whether each answers, and what it says.
//!
//! Every server is asked by itself, so that a dead one beside a working one is seen.

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Resolver, system_conf};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

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

/// The host's name servers, in order.
pub(super) fn servers(resolv_conf: &Path) -> Result<Vec<IpAddr>, String> {
    let text = std::fs::read(resolv_conf)
        .map_err(|error| format!("cannot read {}: {error}", resolv_conf.display()))?;
    // An empty list is an error here too: without one there is nobody to ask.
    let (config, _) = system_conf::parse_resolv_conf(text).map_err(|error| error.to_string())?;
    Ok(config.name_servers().iter().take(SERVERS_MAX).map(|server| server.ip).collect())
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
    let asked = tokio::time::timeout(timeout, lookup(server, name, want_v6, timeout)).await;
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

async fn lookup(server: IpAddr, name: &str, want_v6: bool, timeout: Duration) -> Result<Reply, String> {
    let mut name = Name::from_utf8(name).map_err(|error| format!("{name} is not a name: {error}"))?;
    // Complete as it is: no search domains, which would multiply the queries.
    name.set_fqdn(true);
    let config = ResolverConfig::from_name_servers(vec![NameServerConfig::udp(server)]);
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    set_options(builder.options_mut(), timeout);
    let resolver = builder.build().map_err(|error| error.to_string())?;
    let kind = if want_v6 { RecordType::AAAA } else { RecordType::A };
    match resolver.lookup(name, kind).await {
        Ok(found) => {
            Ok(Reply::Addresses(found.answers().iter().filter_map(|record| record.data.ip_addr()).collect()))
        }
        Err(error) => refusal(&error).ok_or_else(|| error.to_string()),
    }
}

fn set_options(options: &mut ResolverOpts, timeout: Duration) {
    options.timeout = timeout;
    options.attempts = 0;
    options.cache_size = 0;
    options.edns0 = false;
    options.use_hosts_file = ResolveHosts::Never;
}

/// The reply behind an error; none when there was no reply at all.
fn refusal(error: &NetError) -> Option<Reply> {
    let NetError::Dns(error) = error else { return None };
    let code = if let DnsError::NoRecordsFound(found) = error {
        found.response_code
    } else if let DnsError::ResponseCode(code) = error {
        *code
    } else {
        return Some(Reply::Unwilling(error.to_string()));
    };
    Some(if code == ResponseCode::NXDomain {
        Reply::NoSuchName("the name does not exist")
    } else if code == ResponseCode::NoError {
        Reply::NoSuchName("the name has no address")
    } else {
        Reply::Unwilling(format!("the name server answers {code}"))
    })
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
