//! The small internet as a program: `smallnet run -- COMMAND` runs a command on a host of its own, with a gateway,
//! name servers, an internet, and words that break them.
//!
//! Words are read as lines from standard input and from a Unix socket; each is answered by `ok` or `error: WHY`.

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::BufRead;
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tram_tests::net::{Missing, Options, SmallNet, again, check, is_root, parse, plan};

/// How long the command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// The command sees the interfaces of its own namespace in /sys too, as it does in /proc.
const WRAP: &str = "umount -l /sys 2>/dev/null; mount -t sysfs sysfs /sys 2>/dev/null; exec \"$@\"";

/// A small internet of this machine's own, for demonstrations and tests.
#[derive(Parser)]
#[command(name = "smallnet")]
struct Cli {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Sets the net up, runs a command on its host, and removes everything when the command ends.
    Run(Run),
    /// Prints the addresses in it as JSON.
    Plan,
    /// Says whether it can be set up here, and if not what would help.
    Check,
}

#[derive(Args)]
struct Run {
    /// Port at which the collector's addresses in the net lead to an address out here.
    #[arg(long, value_name = "PORT=HOST:PORT", value_parser = parse_forward)]
    forward: Vec<(u16, SocketAddr)>,
    /// Writes the host's list of name servers to this file, before the command starts.
    #[arg(long, value_name = "FILE")]
    resolv_conf: Option<PathBuf>,
    /// Listens for words on this Unix socket.
    #[arg(long, value_name = "SOCKET")]
    control: Option<PathBuf>,
    /// Gives the host no IPv4.
    #[arg(long)]
    v6_only: bool,
    /// The command and its arguments.
    #[arg(required = true, last = true)]
    command: Vec<String>,
}

#[expect(clippy::print_stdout, reason = "printing the plan is what was asked for")]
fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    match cli.action {
        Action::Plan => println!("{}", serde_json::to_string_pretty(&plan())?),
        Action::Check => become_able()?,
        Action::Run(run) => {
            become_able()?;
            return run_command(&run);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns when a net can be set up: at once, or in this same program started again inside a user namespace.
fn become_able() -> Result<()> {
    match check() {
        Ok(()) => Ok(()),
        Err(Missing::Right) if !is_root() => {
            let myself = std::env::current_exe()?;
            Err(again(&myself).args(std::env::args_os().skip(1)).exec()).context(Missing::Right)
        }
        Err(missing) => Err(missing.into()),
    }
}

fn run_command(run: &Run) -> Result<ExitCode> {
    let options = Options { forwards: run.forward.clone(), v6_only: run.v6_only, ..Options::default() };
    let net = SmallNet::start(&options)?;
    if let Some(path) = &run.resolv_conf {
        std::fs::copy(net.resolv_conf(), path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(supervise(&net, run))?;
    // A reader of standard input may still be waiting for a line.
    runtime.shutdown_background();
    Ok(exit_code(status))
}

/// What can happen while the command runs.
enum Event {
    Ended(ExitStatus),
    Stop,
    Word(String, Option<UnixStream>),
}

async fn supervise(net: &SmallNet, run: &Run) -> Result<ExitStatus> {
    let (events, mut next) = mpsc::channel(16);
    listen(run.control.as_deref(), &events)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let group = start(net, &run.command, &events)?;
    loop {
        let event = tokio::select! {
            Some(event) = next.recv() => event,
            _ = terminate.recv() => Event::Stop,
            _ = interrupt.recv() => Event::Stop,
        };
        match event {
            Event::Ended(status) => {
                // What the command has left behind has no net any more; usually there is nothing.
                killpg(group, Signal::SIGKILL).ok();
                return Ok(status);
            }
            Event::Stop => stop(group, &events)?,
            Event::Word(word, from) => answer(net, &word, from).await,
        }
    }
}

/// Starts the command in a process group of its own and reports its end.
fn start(net: &SmallNet, command: &[String], events: &mpsc::Sender<Event>) -> Result<Pid> {
    let mut wrapped = Command::new("unshare");
    wrapped
        .args(["--mount", "--", "sh", "-c", WRAP, "sh"])
        .args(command)
        .stdin(Stdio::null())
        .process_group(0);
    let mut child = net.spawn(&mut wrapped)?;
    let group = Pid::from_raw(i32::try_from(child.id())?);
    let events = events.clone();
    std::thread::Builder::new().name("child".to_owned()).spawn(move || {
        if let Ok(status) = child.wait() {
            // The receiver is gone only when the program ends anyway.
            drop(events.blocking_send(Event::Ended(status)));
        }
    })?;
    Ok(group)
}

/// Asks the command to end, and makes it after [`GRACE`].
fn stop(group: Pid, events: &mpsc::Sender<Event>) -> Result<()> {
    killpg(group, Signal::SIGTERM).context("cannot stop the command")?;
    let events = events.clone();
    std::thread::Builder::new().name("stop".to_owned()).spawn(move || {
        std::thread::sleep(GRACE);
        if !events.is_closed() {
            killpg(group, Signal::SIGKILL).ok();
        }
    })?;
    Ok(())
}

/// Words from standard input and from the socket become events.
fn listen(control: Option<&Path>, events: &mpsc::Sender<Event>) -> Result<()> {
    let from_input = events.clone();
    std::thread::Builder::new().name("words".to_owned()).spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if from_input.blocking_send(Event::Word(line, None)).is_err() {
                return;
            }
        }
    })?;
    let Some(path) = control else { return Ok(()) };
    if path.exists() {
        std::fs::remove_file(path).with_context(|| format!("cannot replace {}", path.display()))?;
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    spawn(accept(listener, events.clone()));
    Ok(())
}

async fn accept(listener: UnixListener, events: mpsc::Sender<Event>) {
    while let Ok((stream, _)) = listener.accept().await {
        spawn(read_word(stream, events.clone()));
    }
}

/// One word for each connection.
async fn read_word(stream: UnixStream, events: mpsc::Sender<Event>) {
    let mut reader = BufReader::new(stream);
    let mut word = String::new();
    if reader.read_line(&mut word).await.is_ok() {
        drop(events.send(Event::Word(word, Some(reader.into_inner()))).await);
    }
}

#[expect(clippy::disallowed_methods, reason = "this program has no app.rs: its own tasks start here")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}

#[expect(clippy::print_stderr, reason = "standard output belongs to the command")]
async fn answer(net: &SmallNet, word: &str, from: Option<UnixStream>) {
    let done = parse(word).map_err(anyhow::Error::from).and_then(|fault| match fault {
        Some(fault) => net.inflict(fault),
        None => net.restore(),
    });
    let text = done.map_or_else(|error| format!("error: {error:#}\n"), |()| "ok\n".to_owned());
    match from {
        // Whoever asked may be gone.
        Some(mut stream) => drop(stream.write_all(text.as_bytes()).await),
        None => eprint!("smallnet: {}: {text}", word.trim()),
    }
}

/// The command's own code; as shells do, 128 and the signal's number when one ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

fn parse_forward(text: &str) -> Result<(u16, SocketAddr)> {
    let (port, to) = text.split_once('=').context("expected PORT=HOST:PORT")?;
    let to: SocketAddr = to.parse().context("expected an address and a port after =")?;
    if !to.ip().is_loopback() {
        bail!("{to} is not an address of this machine alone: expected 127.0.0.1 or ::1");
    }
    Ok((port.parse().context("expected a port before =")?, to))
}
