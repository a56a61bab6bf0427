//! The agent's own enrolment, spool and uplink as a host in a world whose time the test moves, over a link that it cuts.
//!
//! Nothing of the agent is imitated here but its sensors and its clocks.

use super::World;
use anyhow::{Context as _, Result, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tram_agent::clock::Clock;
use tram_agent::delivery::{Delivery, Outcome, Settings};
use tram_agent::enroll::{Order, enroll};
use tram_agent::sensor::Sample;
use tram_agent::spool::Bounds;
use tram_agent::uplink::history::Hours;
use tram_agent::uplink::identity::IdentityStore;
use tram_agent::uplink::proxy::Route;
use tram_collector::model::agent::AgentId;
use tram_proto::catalogue::{Attributes, Column, Kind};
use tram_proto::enroll::Token;
use tram_proto::id::{BootId, Seq};
use tram_proto::report::{End, Moment, SpoolFigures};
use tram_proto::sample;

/// How long the agent may be at something before the test moves its timers on.
const PATIENCE: Duration = Duration::from_millis(40);
/// Steps that a delivery may take.
const STEPS_MAX: usize = 200;
/// How far the timers are moved then.
const SKIP: Duration = Duration::from_secs(61);
/// Size of the file system that hosts report.
const DISK_BYTES: f64 = 100e9;

/// A host's clocks: the boot and the wall clock stand until they are moved, timers run and can be moved besides.
#[derive(Debug)]
struct HeldClock {
    started: Instant,
    skipped_ms: AtomicU64,
    boot_ms: AtomicU64,
    wall_ms: AtomicI64,
}

impl Clock for HeldClock {
    fn monotonic(&self) -> Instant {
        self.started + self.started.elapsed() + Duration::from_millis(self.skipped_ms.load(Ordering::SeqCst))
    }

    fn boot_ms(&self) -> u64 {
        self.boot_ms.load(Ordering::SeqCst)
    }

    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::SeqCst)
    }
}

/// A host that runs the agent's own code.
pub struct AgentHost {
    state: tempfile::TempDir,
    clock: Arc<HeldClock>,
    boot: BootId,
    address: String,
    delivery: Option<Delivery>,
    /// How much its spool keeps, from the next time that it is opened.
    pub spool: Bounds,
    /// Share of its file system that is used, 0 to 1.
    pub disk_used: f64,
}

impl AgentHost {
    /// Enrols at `address` with the wall clock at `wall_ms`, and opens the spool.
    #[expect(clippy::disallowed_methods, reason = "the agent's timers run on real time")]
    pub async fn enroll(world: &World, address: SocketAddr, wall_ms: i64) -> Result<Self> {
        let clock = HeldClock {
            started: Instant::now(),
            skipped_ms: AtomicU64::new(0),
            boot_ms: AtomicU64::new(10_000),
            wall_ms: AtomicI64::new(wall_ms),
        };
        let mut host = Self {
            state: tempfile::tempdir()?,
            clock: Arc::new(clock),
            boot: BootId([1; 8]),
            address: format!("https://127.0.0.1:{}", address.port()),
            delivery: None,
            spool: Bounds { bytes_max: 64 << 20, age_max: Duration::from_secs(30 * 86_400) },
            disk_used: 0.3,
        };
        let token = Token {
            ca_sha256: world.running()?.pki.ca_sha256(),
            issued_ms: world.now_ms(),
            secret: world.secret(1).await?,
        };
        let mut resource = Attributes::new();
        resource.insert(sample::ASSET_KIND.to_owned(), "server".to_owned());
        let machine = format!("{:064x}", wall_ms.unsigned_abs());
        let order =
            Order { collector: host.address.clone(), token, machine, resource, route: Route::default() };
        let clock: Arc<dyn Clock> = host.clock.clone();
        enroll(&IdentityStore::open(host.state.path())?, order, clock).await?;
        host.open()?;
        Ok(host)
    }

    fn open(&mut self) -> Result<()> {
        let settings = Settings {
            boot: self.boot,
            resource: Attributes::new(),
            send_interval: Duration::from_secs(60),
            spool: self.spool,
            policy: 0,
            route: Route::default(),
            collectors: vec![],
            hours: Hours::default(),
            history_limit: None,
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        self.delivery = Some(Delivery::open(self.state.path(), settings, clock)?);
        Ok(())
    }

    fn delivery(&mut self) -> Result<&mut Delivery> {
        self.delivery.as_mut().context("the agent is not running")
    }

    /// The agent.
    pub fn agent(&mut self) -> Result<AgentId> {
        Ok(AgentId(self.delivery()?.identity().agent.0))
    }

    /// The collector's port, as the agent knows it.
    pub fn port(&self) -> u16 {
        self.address.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default()
    }

    /// Reports that wait.
    pub fn pending(&mut self) -> Result<u64> {
        Ok(self.delivery()?.spool().pending())
    }

    /// What the spool counts.
    pub fn figures(&mut self) -> Result<SpoolFigures> {
        Ok(self.delivery()?.spool().figures())
    }

    /// The agent stops and starts again; the host stays up.
    pub fn restart_agent(&mut self) -> Result<()> {
        self.delivery = None;
        self.open()
    }

    /// The host starts again, and the agent with it.
    pub fn reboot(&mut self) -> Result<()> {
        self.delivery = None;
        self.boot.0[0] += 1;
        self.clock.boot_ms.store(5_000, Ordering::SeqCst);
        self.open()
    }

    /// Time passes on the host.
    pub fn pass(&self, ms: u64) {
        self.clock.skipped_ms.fetch_add(ms, Ordering::SeqCst);
        self.clock.boot_ms.fetch_add(ms, Ordering::SeqCst);
        self.clock.wall_ms.fetch_add(ms as i64, Ordering::SeqCst);
    }

    /// Measures and spools.
    pub fn measure(&mut self, end: Option<End>) -> Result<Seq> {
        let moment = Moment { boot: self.boot, boot_ms: self.clock.boot_ms(), wall_ms: self.clock.wall_ms() };
        let used = (DISK_BYTES * self.disk_used).round();
        let samples = [
            gauge(sample::UPTIME, None, "s", moment.boot_ms as f64 / 1_000.0),
            gauge(sample::FILESYSTEM_USAGE, Some("used"), "By", used),
            gauge(sample::FILESYSTEM_USAGE, Some("free"), "By", DISK_BYTES - used),
            gauge(sample::FILESYSTEM_LIMIT, Some(""), "By", DISK_BYTES),
        ];
        Ok(self.delivery()?.submit(&samples, &[], end, moment)?)
    }

    /// One step of the agent, its timers moved on until there is something to do.
    pub async fn step(&mut self) -> Result<Outcome> {
        for _ in 0..STEPS_MAX {
            let clock = Arc::clone(&self.clock);
            match tokio::time::timeout(PATIENCE, self.delivery()?.step()).await {
                Ok(outcome) => return Ok(outcome),
                Err(_) => {
                    clock.skipped_ms.fetch_add(SKIP.as_millis() as u64, Ordering::SeqCst);
                }
            }
        }
        bail!("the agent found nothing to do")
    }

    /// Steps until nothing waits any more; fails when that does not come about.
    pub async fn deliver(&mut self) -> Result<()> {
        let mut last = None;
        for _ in 0..STEPS_MAX {
            if self.pending()? == 0 {
                return Ok(());
            }
            last = Some(self.step().await?);
        }
        bail!("reports still wait after {STEPS_MAX} steps: {last:?}")
    }
}

fn gauge(name: &str, state: Option<&str>, unit: &str, value: f64) -> Sample {
    let mut attributes = Attributes::new();
    if let Some(state) = state {
        attributes.insert(sample::MOUNTPOINT.to_owned(), "/".to_owned());
        if !state.is_empty() {
            attributes.insert(sample::FILESYSTEM_STATE.to_owned(), state.to_owned());
        }
    }
    let (name, unit) = (name.to_owned(), unit.to_owned());
    Sample { column: Column { name, attributes, unit, scale: 0, kind: Kind::Gauge }, value: Some(value) }
}

/// A link to a collector that can be cut: a relay of its own port.
pub struct Link {
    /// Where the relay listens.
    pub address: SocketAddr,
    is_cut: Arc<AtomicBool>,
    cut: watch::Sender<()>,
}

impl Link {
    /// A link to `target`.
    #[expect(clippy::disallowed_methods, reason = "the relay runs beside the story")]
    pub async fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, is_cut) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let (cut, cutting) = watch::channel(());
        let state = Arc::clone(&is_cut);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !state.load(Ordering::SeqCst) {
                    tokio::spawn(relay(stream, target, cutting.clone()));
                }
            }
        });
        Ok(Self { address, is_cut, cut })
    }

    /// Cuts it: what is open ends, what is new is closed at once.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cut.send_replace(());
    }

    /// Mends it.
    pub fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

async fn relay(mut near: TcpStream, target: SocketAddr, mut cutting: watch::Receiver<()>) {
    cutting.borrow_and_update();
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = cutting.changed() => {}
    }
}
