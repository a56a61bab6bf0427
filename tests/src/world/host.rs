//! A host that reports what it is told to: its boots, its spool's numbers, its values.

use super::{Identity, World};
use crate::pki::{Connection, Reply};
use anyhow::{Result, ensure};
use serde_json::value::RawValue;
use std::net::SocketAddr;
use std::sync::Arc;
use tram_proto::ack::Ack;
use tram_proto::aggregate::Aggregate;
use tram_proto::catalogue::{Attributes, Catalogue, Column, Kind};
use tram_proto::component::{self, Component};
use tram_proto::id::{self, BootId, SpoolId};
use tram_proto::report::{Anchor, BATCH_VERSION, Batch, End, Framed, Moment, Report};
use tram_proto::sample;

/// A report that was made: its number and bytes, for ever the same.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its number.
    pub seq: u64,
    /// Its bytes.
    pub bytes: Box<RawValue>,
}

/// A host.
pub struct Host {
    /// Who it is.
    pub identity: Identity,
    /// Its spool.
    pub spool: SpoolId,
    /// Its boot.
    pub boot: BootId,
    /// Its boot clock.
    pub boot_ms: u64,
    /// Its wall clock, which may say anything.
    pub wall_ms: i64,
    /// The number of its next report.
    pub next: u64,
    /// The lowest number that it still holds.
    pub floor: u64,
    /// What it remembers of the collector's clock.
    pub anchors: Vec<Anchor>,
    /// Its component set.
    pub components: Vec<Component>,
    /// Share of its file system that is used, 0 to 1.
    pub disk_used: f64,
    /// Numbers that will never come.
    pub gone: Vec<(u64, u64)>,
    connection: Option<Connection>,
}

/// Size of the file system that hosts report.
const DISK_BYTES: f64 = 100e9;

impl Host {
    /// A host that has just booted.
    pub fn new(identity: Identity) -> Self {
        let number = identity.agent.0[0];
        Self {
            identity,
            spool: SpoolId([number; 8]),
            boot: BootId([1; 8]),
            boot_ms: 10_000,
            wall_ms: 0,
            next: 1,
            floor: 1,
            anchors: Vec::new(),
            components: Vec::new(),
            disk_used: 0.3,
            gone: Vec::new(),
            connection: None,
        }
    }

    /// What its reports say: one file system, an uptime, whether the last boot ended well.
    pub fn catalogue(&self) -> Catalogue {
        let column = |name: &str, attributes: &[(&str, &str)], unit: &str| Column {
            name: name.to_owned(),
            attributes: attributes
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            unit: unit.to_owned(),
            scale: 0,
            kind: Kind::Gauge,
        };
        let root = (sample::MOUNTPOINT, "/");
        let mut resource = Attributes::new();
        resource.insert(sample::HOST_NAME.to_owned(), self.identity.agent.to_string());
        resource.insert(sample::SERVICE_VERSION.to_owned(), "0.1.0".to_owned());
        Catalogue {
            resource,
            columns: vec![
                column(sample::UPTIME, &[], "s"),
                column(sample::BOOT_UNCLEAN, &[], "1"),
                column(sample::FILESYSTEM_USAGE, &[root, (sample::FILESYSTEM_STATE, "used")], "By"),
                column(sample::FILESYSTEM_USAGE, &[root, (sample::FILESYSTEM_STATE, "free")], "By"),
                column(sample::FILESYSTEM_LIMIT, &[root], "By"),
            ],
        }
    }

    /// Time passes on the host: its boot clock and its wall clock.
    pub fn pass(&mut self, ms: u64) {
        self.boot_ms += ms;
        self.wall_ms += ms as i64;
    }

    /// The host starts again: another boot, its boot clock from the beginning.
    pub fn reboot(&mut self) {
        self.boot.0[0] = self.boot.0[0].wrapping_add(1);
        self.boot_ms = 5_000;
        self.connection = None;
    }

    /// Makes the next report.
    pub fn measure(&mut self) -> Result<Sent> {
        self.measure_with(None, None)
    }

    /// Makes the next report with its component set, or as last words.
    pub fn measure_with(&mut self, components: Option<Vec<Component>>, end: Option<End>) -> Result<Sent> {
        let used = (DISK_BYTES * self.disk_used) as i64;
        let uptime = (self.boot_ms / 1_000) as i64;
        self.number(Report {
            boot: self.boot,
            boot_ms: self.boot_ms,
            wall_ms: self.wall_ms,
            catalogue: self.catalogue().id(),
            values: vec![
                Some(uptime),
                Some(0),
                Some(used),
                Some(DISK_BYTES as i64 - used),
                Some(DISK_BYTES as i64),
            ],
            set: component::digest(&self.components),
            components,
            end,
            aggregate: None,
        })
    }

    /// Makes what is left of the next `count` reports, one each 15 s, the last of them now: an aggregate. Their values
    /// ran from 10 lower to 10 higher than the last.
    pub fn measure_aggregate(&mut self, count: u32) -> Result<Sent> {
        let last = self.measure()?;
        let mut report = Report::decode(last.bytes.get().as_bytes())?;
        let of = |by: i64| report.values.iter().map(|value| value.map(|value| value + by)).collect();
        let sum = |value: &i64| value * i64::from(count);
        report.aggregate = Some(Box::new(Aggregate {
            count,
            since_boot_ms: self.boot_ms.saturating_sub(u64::from(count - 1) * 15_000),
            step_ms: 300_000,
            counts: vec![count; report.values.len()],
            min: of(-10),
            max: of(10),
            sum: report.values.iter().map(|value| value.as_ref().map(sum)).collect(),
        }));
        self.next += u64::from(count) - 2;
        self.number(report)
    }

    fn number(&mut self, report: Report) -> Result<Sent> {
        let bytes = RawValue::from_string(String::from_utf8(report.encode())?)?;
        self.next += 1;
        Ok(Sent { seq: self.next - 1, bytes })
    }

    /// The body that carries these reports now.
    pub fn batch(&self, reports: &[Sent], catalogues: Vec<Catalogue>) -> Vec<u8> {
        Batch {
            v: BATCH_VERSION,
            agent: id::AgentId(self.identity.agent.0),
            spool: self.spool,
            floor: self.floor,
            sent: Moment { boot: self.boot, boot_ms: self.boot_ms, wall_ms: self.wall_ms },
            anchors: self.anchors.clone(),
            catalogues,
            figures: None,
            shut: false,
            gone: self.gone.clone(),
            reports: reports.iter().map(|sent| Framed(sent.seq, &sent.bytes)).collect(),
        }
        .encode()
    }

    /// Sends a body on the host's connection, opened when there is none.
    pub async fn post(&mut self, world: &World, body: Vec<u8>) -> Result<Reply> {
        self.post_to(world.address()?, body).await
    }

    /// The same, to a collector at an address.
    pub async fn post_to(&mut self, address: SocketAddr, body: Vec<u8>) -> Result<Reply> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(address, Arc::clone(&self.identity.tls)).await?,
        };
        let reply = connection.post("/agent/v1/reports", body).await?;
        self.connection = Some(connection);
        Ok(reply)
    }

    /// Forgets the host's connection.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Sends reports with their catalogue and reads the ack.
    pub async fn send(&mut self, world: &World, reports: &[Sent]) -> Result<Ack> {
        let body = self.batch(reports, vec![self.catalogue()]);
        let reply = self.post(world, body).await?;
        ensure!(reply.status == 200, "reports: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        reply.read()
    }

    /// Measures once and sends it.
    pub async fn report(&mut self, world: &World) -> Result<Ack> {
        let sent = self.measure()?;
        self.send(world, &[sent]).await
    }
}
