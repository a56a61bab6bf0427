//! A load of agents: each its own connection and certificate, over mutual TLS 1.3 and HTTP/1.1 that stays open.
//!
//! As thin as can be, so that little of the machine goes to the sender: requests are whole before they are sent, and
//! of an answer only the status, the length and the body are looked at.

use anyhow::{Context as _, bail, ensure};
use rustls::pki_types::ServerName;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tram_proto::ack::Ack;

/// Handshakes under way at once.
const HANDSHAKES: usize = 32;
/// An answer that takes longer than this is an error.
const ANSWER_WAIT: Duration = Duration::from_secs(60);
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long a sender leaves a collector alone that is busy.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// One agent's open connection and what it has still to send.
pub struct Sender {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    /// Numbers and compressed bodies of the reports to send.
    pub bodies: VecDeque<(u64, Vec<u8>)>,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("bodies", &self.bodies.len()).finish_non_exhaustive()
    }
}

/// What the collector said to a report.
enum Answer {
    /// It is on disk.
    Durable,
    /// It is to be sent again.
    Busy,
}

/// What a part of a run has come to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Time to the ack of each report, in milliseconds.
    pub latencies_ms: Vec<f64>,
    /// What that counts from.
    pub since: Vec<Instant>,
    /// Times that a report was sent again because the collector was busy.
    pub busy: usize,
    /// Answers that were not an ack of the report that was sent; the first says what it was.
    pub errors: usize,
    /// The first error.
    pub first_error: Option<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.latencies_ms.extend(other.latencies_ms);
        self.since.extend(other.since);
        self.busy += other.busy;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// Opens a connection for each identity, some handshakes at a time.
pub async fn connect(
    address: SocketAddr,
    identities: &[Arc<rustls::ClientConfig>],
) -> anyhow::Result<Vec<Sender>> {
    let turn = Arc::new(Semaphore::new(HANDSHAKES));
    let mut opening = JoinSet::new();
    for (place, identity) in identities.iter().enumerate() {
        let (turn, identity) = (Arc::clone(&turn), Arc::clone(identity));
        opening.spawn(async move {
            let _turn = turn.acquire_owned().await?;
            Ok::<_, anyhow::Error>((place, Sender::open(address, identity).await?))
        });
    }
    let mut senders = Vec::with_capacity(identities.len());
    while let Some(opened) = opening.join_next().await {
        senders.push(opened??);
    }
    senders.sort_by_key(|(place, _)| *place);
    Ok(senders.into_iter().map(|(_, sender)| sender).collect())
}

/// All of these connect at the same moment and send what they have; times count from that moment.
pub async fn storm(
    address: SocketAddr,
    identities: &[Arc<rustls::ClientConfig>],
    bodies: Vec<VecDeque<(u64, Vec<u8>)>>,
) -> anyhow::Result<(Vec<Sender>, Tally)> {
    let start = Instant::now();
    let mut coming = JoinSet::new();
    for (identity, mut bodies) in identities.iter().zip(bodies) {
        let identity = Arc::clone(identity);
        coming.spawn(async move {
            let mut sender = Sender::open(address, identity).await?;
            let mut tally = Tally::default();
            while let Some((seq, body)) = bodies.pop_front() {
                sender.send(seq, &body, start, &mut tally).await;
            }
            Ok::<_, anyhow::Error>((sender, tally))
        });
    }
    let (mut senders, mut total) = (Vec::new(), Tally::default());
    while let Some(came) = coming.join_next().await {
        let (sender, tally) = came??;
        senders.push(sender);
        total.add(tally);
    }
    Ok((senders, total))
}

/// Every sender sends all its bodies, each the next as soon as the one before is acked.
pub async fn flood(senders: Vec<Sender>) -> anyhow::Result<(Vec<Sender>, Tally)> {
    let all = senders.len();
    flood_by(senders, all).await
}

/// The same, so many reports under way at a time; a report counts from when it has its turn.
pub async fn flood_by(senders: Vec<Sender>, at_once: usize) -> anyhow::Result<(Vec<Sender>, Tally)> {
    let turns = Arc::new(Semaphore::new(at_once));
    each(senders, |mut sender, _| {
        let turns = Arc::clone(&turns);
        async move {
            let mut tally = Tally::default();
            while let Some((seq, body)) = sender.bodies.pop_front() {
                let _turn = turns.acquire().await;
                sender.send(seq, &body, Instant::now(), &mut tally).await;
            }
            (sender, tally)
        }
    })
    .await
}

/// The senders send by the clock, `reports_per_s` together; a report that had to wait for the one before it counts
/// from when it should have been sent.
pub async fn pace(senders: Vec<Sender>, reports_per_s: f64) -> anyhow::Result<(Vec<Sender>, Tally)> {
    let start = Instant::now() + Duration::from_millis(100);
    let gap_s = 1.0 / reports_per_s;
    let period_s = gap_s * senders.len() as f64;
    each(senders, move |mut sender, place| async move {
        let mut tally = Tally::default();
        let mut due = start + Duration::from_secs_f64(gap_s * place as f64);
        while let Some((seq, body)) = sender.bodies.pop_front() {
            tokio::time::sleep_until(due).await;
            sender.send(seq, &body, due, &mut tally).await;
            due += Duration::from_secs_f64(period_s);
        }
        (sender, tally)
    })
    .await
}

async fn each<F>(
    senders: Vec<Sender>,
    run: impl Fn(Sender, usize) -> F,
) -> anyhow::Result<(Vec<Sender>, Tally)>
where
    F: Future<Output = (Sender, Tally)> + Send + 'static,
{
    let mut running: JoinSet<(usize, F::Output)> = JoinSet::new();
    for (place, sender) in senders.into_iter().enumerate() {
        let run = run(sender, place);
        running.spawn(async move { (place, run.await) });
    }
    let (mut senders, mut total) = (Vec::new(), Tally::default());
    while let Some(done) = running.join_next().await {
        let (place, (sender, tally)) = done?;
        total.add(tally);
        senders.push((place, sender));
    }
    senders.sort_by_key(|(place, _)| *place);
    Ok((senders.into_iter().map(|(_, sender)| sender).collect(), total))
}

impl Sender {
    async fn open(address: SocketAddr, identity: Arc<rustls::ClientConfig>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(identity).connect(name, stream).await.context("handshake")?;
        Ok(Self { stream, buffer: Vec::with_capacity(1_024), bodies: VecDeque::new() })
    }

    /// Sends one report, again as long as the collector is busy, and waits for its ack; the time counts from `since`.
    async fn send(&mut self, seq: u64, body: &[u8], since: Instant, tally: &mut Tally) {
        loop {
            let answer = tokio::time::timeout(ANSWER_WAIT, self.post(seq, body)).await;
            match answer.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {ANSWER_WAIT:?}"))) {
                Ok(Answer::Durable) => {
                    tally.latencies_ms.push(since.elapsed().as_secs_f64() * 1e3);
                    tally.since.push(since);
                    return;
                }
                Ok(Answer::Busy) => {
                    tally.busy += 1;
                    tokio::time::sleep(BUSY_WAIT).await;
                }
                Err(error) => {
                    tally.errors += 1;
                    tally.first_error.get_or_insert_with(|| format!("{error:#}"));
                    return;
                }
            }
        }
    }

    async fn post(&mut self, seq: u64, body: &[u8]) -> anyhow::Result<Answer> {
        let mut request = format!(
            "POST /agent/v1/reports HTTP/1.1\r\nhost: collector\r\ncontent-type: application/json\r\n\
             content-encoding: zstd\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request).await?;
        let (status, answer) = self.answer().await?;
        if status == 503 {
            return Ok(Answer::Busy);
        }
        ensure!(status == 200, "status {status}: {}", String::from_utf8_lossy(&answer));
        let ack: Ack = serde_json::from_slice(&answer).context("not an ack")?;
        ensure!(
            ack.durable.contains(seq),
            "report {seq} is not durable: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(Answer::Durable)
    }

    async fn answer(&mut self) -> anyhow::Result<(u16, Vec<u8>)> {
        self.buffer.clear();
        let head_end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            ensure!(self.buffer.len() < HEAD_BYTES_MAX, "an answer without end of its head");
            self.more().await?;
        };
        let head = String::from_utf8_lossy(self.buffer.get(..head_end).unwrap_or_default()).to_lowercase();
        let status =
            head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer without length")?.trim().parse()?;
        while self.buffer.len() < head_end + length {
            self.more().await?;
        }
        Ok((status, self.buffer.get(head_end..head_end + length).unwrap_or_default().to_vec()))
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the collector closed the connection");
        }
        Ok(())
    }
}
