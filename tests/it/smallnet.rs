//! The small internet as a program: what runs inside it, what reaches out of it, and that nothing stays.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tram_tests::net::{Options, SmallNet, plan, privileged};

fn smallnet(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smallnet"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Sends one word to a running net and returns its answer.
fn say(control: &Path, word: &str) -> String {
    let mut stream = UnixStream::connect(control).unwrap();
    writeln!(stream, "{word}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A net whose command prints a line when it runs.
fn start(control: &Path, script: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let control = control.to_str().unwrap();
    let mut child = smallnet(&["run", "--control", control, "--", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "the command did not start");
    (child, lines)
}

#[test]
fn a_command_runs_on_a_host_of_its_own_and_its_exit_code_passes_through() {
    privileged(|| {
        let directory = tempfile::tempdir().unwrap();
        let resolv_conf = directory.path().join("resolv.conf");
        let arguments = ["run", "--resolv-conf", resolv_conf.to_str().unwrap(), "--", "sh", "-c"];
        let script = "ip -br address; ls /sys/class/net; exit 7";
        let output = smallnet(&[&arguments[..], &[script]].concat()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(7), "{output:?}");
        assert!(text.contains(&format!("{}/24", plan().host)), "{text}");
        let interfaces: Vec<&str> = text.lines().filter(|line| !line.contains(' ')).collect();
        assert_eq!(interfaces, ["lan0", "lo"], "{text}");
        assert_eq!(
            std::fs::read_to_string(resolv_conf).unwrap(),
            "nameserver 10.77.0.53\nnameserver 10.77.0.54\n"
        );
    });
}

#[test]
fn words_break_and_mend_and_nonsense_is_refused() {
    privileged(|| {
        let directory = tempfile::tempdir().unwrap();
        let control = directory.path().join("control");
        let (mut child, _lines) = start(&control, "echo up; exec sleep 60");
        for word in ["cut uplink", "captive on", "dns off", "gateway off", "loss 30", "rate 64", "restore"] {
            assert_eq!(say(&control, word), "ok\n", "{word}");
        }
        assert!(say(&control, "cut everything").starts_with("error: unknown command \"cut everything\""));
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    });
}

#[test]
fn a_signal_ends_the_command_and_what_it_started() {
    privileged(|| {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let directory = tempfile::tempdir().unwrap();
            let script = "sleep 600 & echo $!; wait";
            let (mut child, mut lines) = start(&directory.path().join("control"), script);
            let started = Instant::now();
            kill(Pid::from_raw(child.id() as i32), signal).unwrap();
            child.wait().unwrap();
            // The pipe ends when the last holder of it, the sleeping grandchild, has ended.
            lines.read_to_string(&mut String::new()).unwrap();
            assert!(started.elapsed() < Duration::from_secs(20), "{signal} took {:?}", started.elapsed());
        }
    });
}

#[test]
fn bytes_pass_from_inside_to_a_loopback_port_outside() {
    privileged(|| {
        let outside = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = outside.local_addr().unwrap();
        let echo = std::thread::spawn(move || {
            let (mut stream, _) = outside.accept().unwrap();
            let mut bytes = [0; 5];
            stream.read_exact(&mut bytes).unwrap();
            stream.write_all(&bytes).unwrap();
        });
        let net = SmallNet::start(&Options { forwards: vec![(8441, to)], ..Options::default() }).unwrap();
        let answer = net.host().enter(|| -> std::io::Result<[u8; 5]> {
            let mut stream = TcpStream::connect((plan().collector, 8441))?;
            stream.write_all(b"hello")?;
            let mut bytes = [0; 5];
            stream.read_exact(&mut bytes)?;
            Ok(bytes)
        });
        assert_eq!(&answer.unwrap().unwrap(), b"hello");
        echo.join().unwrap();
    });
}

#[test]
fn nothing_inside_can_reach_the_outside_by_itself() {
    privileged(|| {
        let outside = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = outside.local_addr().unwrap();
        let net = SmallNet::start(&Options::default()).unwrap();
        let reached =
            net.host().enter(|| TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok());
        assert!(!reached.unwrap());
    });
}

#[test]
fn only_loopback_addresses_are_forwarded_to() {
    let output = smallnet(&["run", "--forward", "8441=203.0.113.9:8441", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("not an address of this machine alone"), "{error}");
}
