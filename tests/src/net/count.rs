//! Counting what passes to and from one port, by the host's own packet filter.

use super::SmallNet;
use anyhow::{Context, Result, ensure};
use std::process::Command;

const TABLE: &str = "count";

/// What a counter has seen: packets, and their bytes from the IP header on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Packets.
    pub packets: u64,
    /// Bytes with IP and TCP headers, without Ethernet's.
    pub bytes: u64,
}

impl SmallNet {
    /// Begins to count what the host sends to a TCP port anywhere, and what comes back.
    pub fn count_port(&self, port: u16) -> Result<()> {
        let chain = |hook: &str, side: &str, name: &str| {
            format!(
                "chain {hook} {{\n type filter hook {hook} priority 0\n tcp {side} {port} counter name {name}\n}}\n"
            )
        };
        let counters = "counter up { }\ncounter down { }\n";
        let chains = [chain("output", "dport", "up"), chain("input", "sport", "down")].concat();
        self.host.filter("inet", TABLE, &format!("{counters}{chains}"))
    }

    /// What was counted so far: up, then down.
    pub fn counted(&self) -> Result<[Counted; 2]> {
        let mut command = Command::new("nft");
        command.args(["-j", "list", "counters", "table", "inet", TABLE]);
        let output = self.host.enter(|| command.output())??;
        ensure!(output.status.success(), "nft: {}", String::from_utf8_lossy(&output.stderr).trim());
        let listed: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let of = |name: &str| {
            let objects = listed["nftables"].as_array().into_iter().flatten();
            let counter = objects.map(|object| &object["counter"]).find(|counter| counter["name"] == name);
            let number = |key: &str| counter.and_then(|counter| counter[key].as_u64());
            let counted =
                number("packets").zip(number("bytes")).map(|(packets, bytes)| Counted { packets, bytes });
            counted.with_context(|| format!("nft lists no counter {name}"))
        };
        Ok([of("up")?, of("down")?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Options, plan, privileged};
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn one_port_is_counted_and_no_other() {
        privileged(|| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let to = listener.local_addr().unwrap();
            let net =
                SmallNet::start(&Options { forwards: vec![(8441, to), (8440, to)], ..Options::default() })
                    .unwrap();
            net.count_port(8441).unwrap();
            let answering = std::thread::spawn(move || {
                for _ in 0..2 {
                    let (mut stream, _) = listener.accept().unwrap();
                    stream.read_exact(&mut [0; 1_000]).unwrap();
                    stream.write_all(&[1; 500]).unwrap();
                }
            });
            let ask = |port: u16| {
                let mut stream = TcpStream::connect((plan().collector, port)).unwrap();
                stream.write_all(&[0; 1_000]).unwrap();
                stream.read_exact(&mut [0; 500]).unwrap();
            };
            net.host().enter(|| ask(8440)).unwrap();
            assert_eq!(net.counted().unwrap(), [Counted::default(); 2]);
            net.host().enter(|| ask(8441)).unwrap();
            let [up, down] = net.counted().unwrap();
            let headers = |counted: Counted, payload: u64| (counted.bytes - payload) / counted.packets;
            assert!(
                (40..80).contains(&headers(up, 1_000)) && (40..80).contains(&headers(down, 500)),
                "{up:?} {down:?}"
            );
            answering.join().unwrap();
        });
    }
}
