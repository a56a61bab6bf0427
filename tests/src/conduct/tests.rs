//! Traces by hand: what is a breach must be one, or the story that looks for them proves nothing.

use super::*;

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn bounds() -> Bounds {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    Bounds {
        programs: ["/usr/sbin/smartctl".into()].into(),
        state: "/state".into(),
        texts: ["$(reboot)".to_owned(), "-x".to_owned()].into(),
        collectors: [address("198.51.100.20:8441")].into(),
        resolvers: [address("10.77.0.53:53")].into(),
        own: [(Transport::Icmp, address("10.77.0.1:0")), (Transport::Tcp, address("198.51.100.80:80"))]
            .into(),
        asked: [(Transport::Tcp, "203.0.113.9:443"), (Transport::Icmp, "203.0.113.9:0")]
            .map(|(how, to)| ((how, address(to)), 1))
            .into(),
        asked_max: 1,
    }
}

fn breaches(lines: &[String]) -> Vec<String> {
    let mut reader = Reader::default();
    lines.iter().for_each(|line| reader.line(line).unwrap());
    bounds().breaches(&reader.finish().unwrap())
}

fn execve(program: &str, argument: &str) -> String {
    let (program, argument) = (hex(program), hex(argument));
    format!("7  execve(\"{program}\", [\"{program}\", \"{argument}\"], 0x7f /* 2 vars */ <detached ...>")
}

fn socket(number: u8, kind: &str) -> String {
    format!("7  socket(AF_INET, {kind}) = {number}<{}>", hex(&format!("socket:[{number}]")))
}

fn to(address: &str, port: u16) -> String {
    format!("{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"{}\")}}", hex(address))
}

fn connect(address: &str, port: u16) -> Vec<String> {
    let file = hex("socket:[4]");
    let called = format!(
        "7  connect(4<{file}>, {}, 16) = -1 EINPROGRESS (Operation now in progress)",
        to(address, port)
    );
    vec![socket(4, "SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP"), called]
}

fn say(text: &str) -> String {
    format!("7  writev(4<{}>, [{{iov_base=\"{}\", iov_len=9}}], 1) = 9", hex("socket:[4]"), hex(text))
}

fn echo(address: &str, payload: &str) -> String {
    let (file, bytes) = (hex("socket:[5]"), format!("\\x08{}{}", "\\x00".repeat(7), hex(payload)));
    format!("7  sendto(5<{file}>, \"{bytes}\", 24, 0, {}, 16) = 24", to(address, 0))
}

fn ask(question: &[u8]) -> Vec<String> {
    let file = hex("socket:[6]");
    let bytes: String = question.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    vec![
        socket(6, "SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP"),
        format!("7  connect(6<{file}>, {}, 16) = 0", to("10.77.0.53", 53)),
        format!("7  sendto(6<{file}>, \"{bytes}\", 20, MSG_NOSIGNAL, NULL, 0) = 20"),
    ]
}

const QUESTION: &[u8] = b"\x01\x02\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x02vn\x00\x00\x01\x00\x01";
const ICMP: &str = "SOCK_RAW|SOCK_CLOEXEC, IPPROTO_ICMP";

#[test]
fn what_an_agent_does_within_its_bounds_is_no_breach() {
    let dev_null = hex("/dev/null");
    let mut lines = vec![
        execve("/usr/sbin/smartctl", "--json"),
        format!(
            "7  openat(AT_FDCWD<{}>, \"{}\", O_RDONLY|O_CLOEXEC) = 3<{}>",
            hex("/"),
            hex("/proc/stat"),
            hex("/proc/stat")
        ),
        format!("7  openat(AT_FDCWD<{}>, \"{dev_null}\", O_RDWR) = 3<{dev_null}>", hex("/")),
        format!("7  rename(\"{}\", \"{}\") = 0", hex("/state/a"), hex("/state/spool/b")),
        format!("7  write(2<{}>, \"{}\", 1) = 1", hex("pipe:[9]"), hex("x")),
        socket(5, ICMP),
        echo("10.77.0.1", "tram ladder echo"),
    ];
    lines.extend(connect("198.51.100.20", 8441));
    lines.push(say("\x16\x03\x01"));
    lines.extend(connect("198.51.100.80", 80));
    lines.push(say("GET /generate_204 HTTP/1.1\r\naccept: */*\r\nhost: a\r\n\r\n"));
    lines.extend(connect("203.0.113.9", 443));
    lines.push(say("HEAD /a HTTP/1.1\r\naccept: */*\r\nHost: a:443\r\n\r\n"));
    lines.extend(ask(QUESTION));
    assert_eq!(breaches(&lines), [""; 0]);
}

#[test]
fn programs_files_and_words_beyond_the_bounds_are_breaches() {
    let state = hex("/state");
    for line in [
        execve("/bin/sh", "-c"),
        execve("/usr/sbin/smartctl", "--json=$(reboot)"),
        format!("7  execve(\"{}\", [\"{}\"], 0x7f /* 0 vars */ <unfinished ...>", hex("/bin/sh"), hex("sh")),
        format!("7  execveat(3<{state}>, \"\", [\"{}\"], NULL, AT_EMPTY_PATH) = 0", hex("a")),
        format!(
            "7  openat(AT_FDCWD<{state}>, \"{}\", O_WRONLY|O_CREAT, 0600) = -1 EACCES (Permission denied)",
            hex("/etc/a")
        ),
        format!(
            "7  openat(AT_FDCWD<{}>, \"{}\", O_RDWR|O_CREAT, 0600) = 3<{}>",
            hex("/"),
            hex("a"),
            hex("/a")
        ),
        format!(
            "7  openat(AT_FDCWD<{state}>, \"{}\", O_WRONLY) = 3<{}>",
            hex("/state/link"),
            hex("/etc/passwd")
        ),
        format!("7  unlink(\"{}\") = 0", hex("/state/../etc/a")),
        format!("7  rename(\"{}\", \"{}\") = 0", hex("/state/a"), hex("/stately")),
        format!("7  mkdirat(AT_FDCWD<{}>, \"{}\", 0700) = 0", hex("/tmp"), hex("a")),
        format!("7  fchmod(3<{}>, 04755) = 0", hex("/bin/sh")),
        format!(
            "7  connect(3<{}>, {{sa_family=AF_UNIX, sun_path=\"{}\"}}, 9) = 0",
            hex("socket:[3]"),
            hex("/run/docker.sock")
        ),
        format!("7  listen(3<{}>, 128) = 0", hex("socket:[3]")),
        "7  memfd_create(\"\\x61\", 0) = 3".to_owned(),
        socket(8, "SOCK_RAW, IPPROTO_RAW"),
    ] {
        assert_eq!(breaches(std::slice::from_ref(&line)).len(), 1, "{line}");
    }
}

#[test]
fn a_trace_ends_with_its_own_process() {
    assert!(has_ended("7   write(2, \"\", 0) = 0\n7     +++ exited with 0 +++\n", "7"));
    assert!(!has_ended("7     +++ exited with 0 +++\n8     +++ exited with 0 +++\n", "7"));
    assert!(!has_ended("71234 write(2<", "71234") && !has_ended("", "7"));
}

#[test]
fn what_reaches_further_or_says_more_than_a_probe_is_a_breach() {
    let with = |mut lines: Vec<String>, more: &str| {
        lines.push(say(more));
        lines
    };
    let mut long = QUESTION.to_vec();
    long.extend(b"secret");
    let often = |line: String| [vec![socket(5, ICMP)], vec![line; 6]].concat();
    let two = || {
        [connect("203.0.113.9", 443), vec![socket(5, ICMP), echo("203.0.113.9", "tram ladder echo")]].concat()
    };
    for lines in [
        connect("198.51.100.20", 22),
        connect("10.0.0.1", 443),
        connect("127.0.0.1", 8441),
        with(connect("198.51.100.20", 8441), "POST /agent/v1/reports HTTP/1.1\r\n\r\n"),
        with(connect("203.0.113.9", 443), "hello"),
        with(connect("203.0.113.9", 443), "HEAD /reboot?now HTTP/1.1\r\n\r\n"),
        with(connect("203.0.113.9", 443), "POST /a HTTP/1.1\r\nhost: a\r\n\r\nroot"),
        with(connect("203.0.113.9", 443), "HEAD /a HTTP/1.1\r\nhost: a\r\ncookie: b\r\n\r\n"),
        with(connect("198.51.100.80", 80), "GET /reboot HTTP/1.1\r\nhost: a\r\n\r\n"),
        ask(b"secret"),
        ask(&long),
        vec![socket(5, ICMP), echo("10.0.0.1", "tram ladder echo")],
        vec![socket(5, ICMP), echo("10.77.0.1", "root:x:0:0:/root")],
        often(echo("10.77.0.1", "tram ladder echo")),
        two(),
    ] {
        assert_eq!(breaches(&lines).len(), 1, "{lines:?}");
    }
}
