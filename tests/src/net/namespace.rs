//! One network namespace: made, entered and configured. It has no name and lives as long as its handle.

use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often a link is looked at while it comes up.
const LINK_POLL: Duration = Duration::from_millis(20);
/// How many times at most: ten seconds, on a machine with much else to do.
const LINK_POLLS: u32 = 500;

/// A network namespace.
#[derive(Debug)]
pub struct Namespace {
    /// For messages.
    name: &'static str,
    /// Keeps it alive.
    handle: File,
}

impl Namespace {
    /// Makes one, with its loopback up.
    pub fn create(name: &'static str) -> Result<Self> {
        let handle = on_thread(|| -> Result<File> {
            unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace")?;
            Ok(File::open("/proc/thread-self/ns/net")?)
        })??;
        let namespace = Self { name, handle };
        // Nobody else can have an address here: waiting to see whether somebody has would only take a second.
        namespace.set_kernel("ipv6/conf/default/accept_dad", "0")?;
        namespace.run("ip", &["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Runs something on a thread inside it. Sockets and programs made there stay inside.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        on_thread(|| -> Result<T> {
            // Nothing is run when this fails: what is meant for the small internet must never meet the real one.
            setns(&self.handle, CloneFlags::CLONE_NEWNET)
                .with_context(|| format!("cannot enter namespace {}", self.name))?;
            Ok(work())
        })?
    }

    /// Runs a program inside it to its end.
    pub(super) fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        self.run_with_input(program, arguments, "")
    }

    /// Adds rules as a table of this family and name, replacing what the table held.
    pub(super) fn filter(&self, family: &str, table: &str, chains: &str) -> Result<()> {
        let name = format!("table {family} {table}");
        self.run_with_input("nft", &["-f", "-"], &format!("{name}\ndelete {name}\n{name} {{\n{chains}\n}}\n"))
    }

    /// Runs lines of `ip`.
    pub(super) fn configure(&self, lines: &[String]) -> Result<()> {
        self.run_with_input("ip", &["-batch", "-"], &(lines.join("\n") + "\n"))
    }

    /// Joins two namespaces with a cable.
    pub(super) fn join(&self, interface: &str, other: &Self, other_interface: &str) -> Result<()> {
        let target = format!("/proc/{}/fd/{}", std::process::id(), other.handle.as_raw_fd());
        let peer = ["peer", "name", other_interface, "netns", &target];
        self.run("ip", &[&["link", "add", interface, "type", "veth"][..], &peer].concat())?;
        self.run("ip", &["link", "set", interface, "up"])?;
        other.run("ip", &["link", "set", other_interface, "up"])
    }

    /// Waits until an interface passes packets: the kernel takes up to a second after its link is there.
    pub(super) fn wait_for_link(&self, interface: &str) -> Result<()> {
        for _ in 0..LINK_POLLS {
            let output =
                self.enter(|| Command::new("ip").args(["link", "show", "dev", interface]).output())??;
            if String::from_utf8_lossy(&output.stdout).contains("state UP") {
                return Ok(());
            }
            std::thread::sleep(LINK_POLL);
        }
        bail!("{interface} in namespace {} has no link", self.name)
    }

    /// Sets a switch below `/proc/sys/net`.
    pub(super) fn set_kernel(&self, key: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/net/{key}");
        self.enter(|| std::fs::write(&path, value))?.with_context(|| format!("cannot write {path}"))
    }

    /// A listener on every address inside it, for use by any thread.
    pub(super) fn tcp(&self, port: u16) -> Result<tokio::net::TcpListener> {
        let listener = self.enter(|| TcpListener::bind(("::", port)))?;
        let listener = listener.with_context(|| format!("port {port} in namespace {}", self.name))?;
        listener.set_nonblocking(true)?;
        Ok(tokio::net::TcpListener::from_std(listener)?)
    }

    /// A datagram socket on one address inside it, for use by any thread.
    pub(super) fn udp(&self, address: IpAddr, port: u16) -> Result<tokio::net::UdpSocket> {
        let socket = self.enter(|| UdpSocket::bind(SocketAddr::new(address, port)))?;
        let socket = socket.with_context(|| format!("{address} port {port} in namespace {}", self.name))?;
        socket.set_nonblocking(true)?;
        Ok(tokio::net::UdpSocket::from_std(socket)?)
    }

    fn run_with_input(&self, program: &str, arguments: &[&str], input: &str) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = self.enter(|| command.spawn())?.with_context(|| format!("cannot start {program}"))?;
        child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!("{program} {} in namespace {}: {}", arguments.join(" "), self.name, error.trim());
        }
        Ok(())
    }
}

/// A thread's namespace is its own: the caller's stays as it is.
fn on_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| scope.spawn(work).join())
        .map_err(|_| anyhow::anyhow!("a thread of the small internet panicked"))
}
