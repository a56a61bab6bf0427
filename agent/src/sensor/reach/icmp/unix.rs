//! ICMP echo, by the unprivileged socket that `ping_group_range` allows or by a raw one with `CAP_NET_RAW`.

use std::io;
use std::net::IpAddr;
use std::time::Duration;
use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence, SurgeError};

/// Bytes after the ICMP header: enough to tell ours apart, and within the smallest Ethernet frame.
const PAYLOAD: [u8; 16] = *b"tram ladder echo";
/// Type of an echo reply, RFC 792.
const ECHO_REPLY_V4: u8 = 0;
/// Type of an echo reply, RFC 4443.
const ECHO_REPLY_V6: u8 = 129;

/// The sockets of one climb. They live no longer: a raw socket wakes its process for every ICMP packet of the host.
pub(in crate::sensor::reach) struct Icmp {
    v4: io::Result<Client>,
    v6: io::Result<Client>,
}

impl Icmp {
    /// Opens what this process is permitted to.
    pub(in crate::sensor::reach) fn open() -> Self {
        let client = |kind| Client::new(&Config::builder().kind(kind).build());
        Self { v4: client(ICMP::V4), v6: client(ICMP::V6) }
    }

    /// The socket for an address, or none where ICMP is not permitted to us.
    pub(in crate::sensor::reach) fn permitted(&self, address: IpAddr) -> Option<&Client> {
        let client = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        client.as_ref().ok()
    }
}

/// One echo request; the round trip or why there is none.
pub(in crate::sensor::reach) async fn ask(
    client: &Client,
    address: IpAddr,
    scope: u32,
    sequence: u32,
    timeout: Duration,
) -> Result<Duration, String> {
    // The kernel sets the identifier on unprivileged sockets; on raw ones it keeps two agents on one host apart.
    let identifier = PingIdentifier(std::process::id() as u16);
    let mut pinger = client.pinger(address, identifier).await;
    pinger.timeout(timeout).scope_id(scope);
    match pinger.ping(PingSequence(sequence as u16), &PAYLOAD).await {
        Ok((packet, round_trip)) if is_echo_reply(&packet) => Ok(round_trip),
        Ok((packet, _)) => Err(format!("{} reports it unreachable", sender(&packet))),
        Err(SurgeError::Timeout { .. }) => Err("no answer".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn is_echo_reply(packet: &IcmpPacket) -> bool {
    match packet {
        IcmpPacket::V4(packet) => packet.get_icmp_type().0 == ECHO_REPLY_V4,
        IcmpPacket::V6(packet) => packet.get_icmpv6_type().0 == ECHO_REPLY_V6,
    }
}

fn sender(packet: &IcmpPacket) -> IpAddr {
    match packet {
        IcmpPacket::V4(packet) => packet.get_source().into(),
        IcmpPacket::V6(packet) => packet.get_source().into(),
    }
}
