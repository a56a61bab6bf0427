//! What a process does to the machine and the network around it, as `strace` sees it. Pure: lines come in, deeds come
//! out; what of it is allowed is decided in `conduct/bounds.rs`.
//!
//! Programs that it starts are let go: what they do is theirs. What is not understood is a deed too, a strange one.

use crate::strace::{Call, Calls, Line, open_file, split, string};
use anyhow::Context as _;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

mod bounds;

pub use bounds::{Bounds, Way};

/// Arguments of `strace`: every call by which a process starts, changes or reaches something.
pub const ARGUMENTS: &[&str] = &[
    "-D",
    "-f",
    "-y",
    "-xx",
    "-s",
    "65536",
    // Programs that it starts are not followed, and this call is the last that is seen of them.
    "-b",
    "execve",
    "-e",
    "trace=execve,execveat,open,openat,openat2,creat,truncate,rename,renameat,renameat2,link,linkat,symlink,symlinkat,\
     unlink,unlinkat,mkdir,mkdirat,rmdir,mknod,mknodat,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,setxattr,\
     lsetxattr,fsetxattr,removexattr,socket,connect,bind,listen,sendto,sendmsg,sendmmsg,write,writev,pwrite64,pwritev,\
     sendfile,splice,mount,umount2,pivot_root,chroot,setns,unshare,ptrace,process_vm_writev,bpf,init_module,\
     finit_module,kexec_load,reboot,swapon,sethostname,settimeofday,clock_settime,io_uring_setup,memfd_create,\
     open_by_handle_at",
];

/// How bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Echo requests; their port is 0.
    Icmp,
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Something that a process did, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It started a program.
    Run(PathBuf, Vec<String>),
    /// It made, opened for writing, renamed, removed or otherwise changed something by this name.
    Change(PathBuf),
    /// It opened a connection, or sent these bytes.
    Reach(Transport, SocketAddr, Vec<u8>),
    /// It opened a connection to a socket of this machine.
    Local(PathBuf),
    /// Anything else that was watched for.
    Strange(String),
}

#[derive(Debug, Clone, Copy)]
struct Socket {
    transport: Transport,
    peer: Option<SocketAddr>,
}

/// Reads a trace, line by line.
#[derive(Debug, Default)]
pub struct Reader {
    calls: Calls<()>,
    sockets: HashMap<Vec<u8>, Socket>,
    deeds: Vec<Deed>,
}

/// Calls that change what their paths name, wherever those stand.
const CHANGES: &[&str] = &[
    "creat",
    "truncate",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "mknod",
    "mknodat",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
];
/// Flags of an `open` that leaves everything as it is.
const WRITING: &[&str] = &["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"];

impl Reader {
    /// Reads the next line.
    pub fn line(&mut self, line: &str) -> anyhow::Result<()> {
        match self.calls.line(line, ())? {
            Line::Over(text, (), _) => self.call(&text).with_context(|| format!("in {text:.300}")),
            Line::Begun(_) | Line::Other => Ok(()),
        }
    }

    /// All deeds, in order.
    pub fn finish(mut self) -> anyhow::Result<Vec<Deed>> {
        let left: Vec<String> = self.calls.unfinished().collect();
        left.iter().try_for_each(|text| self.call(text))?;
        Ok(self.deeds)
    }

    fn call(&mut self, text: &str) -> anyhow::Result<()> {
        let call = Call::parse(text)?;
        match call.name {
            "execve" => {
                let list = call.argument(1)?.trim_matches(['[', ']']);
                let arguments: anyhow::Result<Vec<String>> = split(list).into_iter().map(words).collect();
                self.deeds.push(Deed::Run(path(call.argument(0)?)?, arguments?));
            }
            "open" => self.opened(&call, 0)?,
            "openat" | "openat2" => self.opened(&call, 1)?,
            "socket" => self.made(&call)?,
            "connect" => self.connected(&call)?,
            "sendto" => {
                let bytes = sent(call.argument(1)?)?;
                self.said(&call, call.arguments.get(4).copied(), bytes)?;
            }
            "sendmsg" | "sendmmsg" | "writev" => {
                let all = call.argument(1)?;
                let to = all.find("msg_name={").and_then(|place| all.get(place + "msg_name=".len()..));
                self.said(&call, to, gathered(all)?)?;
            }
            "write" => self.said(&call, None, sent(call.argument(1)?)?)?,
            // Of an open file; how it was opened was seen.
            "pwrite64" | "pwritev" => {}
            // A port of the system's choice for questions that are answered there.
            "bind" if call.argument(1)?.contains("port=htons(0)") || is_netlink(call.argument(1)?) => {}
            name if CHANGES.contains(&name) => self.changed(&call)?,
            _ => self.deeds.push(Deed::Strange(text.to_owned())),
        }
        Ok(())
    }

    fn opened(&mut self, call: &Call<'_>, place: usize) -> anyhow::Result<()> {
        let flags = call.argument(place + 1)?;
        if WRITING.iter().any(|flag| flags.contains(flag)) {
            let named = in_folder(call, place)?;
            // Where a link led.
            let found = open_file(call.result)?.map(as_path).filter(|found| *found != named);
            self.deeds.extend([Some(named), found].into_iter().flatten().map(Deed::Change));
        }
        Ok(())
    }

    fn changed(&mut self, call: &Call<'_>) -> anyhow::Result<()> {
        for place in 0..call.arguments.len() {
            if call.argument(place)?.starts_with('"') {
                self.deeds.push(Deed::Change(in_folder(call, place)?));
            }
        }
        if call.name.starts_with("fch") && !call.name.ends_with("at") {
            let file = open_file(call.argument(0)?)?.context("an open file")?;
            self.deeds.push(Deed::Change(as_path(file)));
        }
        Ok(())
    }

    fn made(&mut self, call: &Call<'_>) -> anyhow::Result<()> {
        let Some(inode) = open_file(call.result)? else { return Ok(()) };
        let (family, kind, protocol) = (call.argument(0)?, call.argument(1)?, call.argument(2)?);
        let is_internet = matches!(family, "AF_INET" | "AF_INET6");
        let is_echo = matches!(protocol, "IPPROTO_ICMP" | "IPPROTO_ICMPV6");
        let transport = match kind.split('|').next().unwrap_or_default() {
            _ if matches!(family, "AF_UNIX" | "AF_NETLINK") => return Ok(()),
            "SOCK_DGRAM" | "SOCK_RAW" if is_internet && is_echo => Transport::Icmp,
            "SOCK_STREAM" if is_internet => Transport::Tcp,
            "SOCK_DGRAM" if is_internet => Transport::Udp,
            _ => {
                self.deeds.push(Deed::Strange(format!("socket({family}, {kind}, {protocol})")));
                return Ok(());
            }
        };
        self.sockets.insert(inode, Socket { transport, peer: None });
        Ok(())
    }

    fn connected(&mut self, call: &Call<'_>) -> anyhow::Result<()> {
        let to = call.argument(1)?;
        if to.contains("sa_family=AF_UNIX") {
            let name = to.split_once("sun_path=").map_or("", |(_, name)| name.trim_end_matches('}'));
            self.deeds.push(Deed::Local(path(name.trim_start_matches('@'))?));
            return Ok(());
        }
        if is_netlink(to) || to.contains("AF_UNSPEC") {
            return Ok(());
        }
        let inode = open_file(call.argument(0)?)?.context("a socket")?;
        let socket = self.sockets.get_mut(&inode).context("a socket that was seen to be made")?;
        let peer = address(to)?;
        socket.peer = Some(peer);
        // To connect datagrams sends nothing.
        if socket.transport == Transport::Tcp {
            self.deeds.push(Deed::Reach(Transport::Tcp, peer, Vec::new()));
        }
        Ok(())
    }

    fn said(&mut self, call: &Call<'_>, to: Option<&str>, bytes: Vec<u8>) -> anyhow::Result<()> {
        let Some(inode) = open_file(call.argument(0)?)? else { return Ok(()) };
        let Some(socket) = self.sockets.get(&inode) else {
            let asks = call.arguments.get(1).is_some_and(|message| {
                let is_question = |kind: &str| kind.starts_with("RTM_GET") || kind.starts_with("SOCK_DIAG");
                message.split("nlmsg_type=").skip(1).all(is_question)
            });
            let is_file = !inode.starts_with(b"socket:") && call.name.starts_with("write");
            if !is_file && !asks {
                self.deeds.push(Deed::Strange(format!("{} of {:?}", call.name, call.arguments)));
            }
            return Ok(());
        };
        let to = to.filter(|to| to.contains("sa_family=")).map(address).transpose()?;
        let peer = to.or(socket.peer).context("bytes that are sent to nobody")?;
        self.deeds.push(Deed::Reach(socket.transport, peer, bytes));
        Ok(())
    }
}

fn is_netlink(address: &str) -> bool {
    address.contains("sa_family=AF_NETLINK")
}

/// The bytes of one argument; none where there is a null.
fn sent(text: &str) -> anyhow::Result<Vec<u8>> {
    // What is longer than was asked for is shown cut.
    if text.starts_with('"') { string(text.trim_end_matches("...")) } else { Ok(Vec::new()) }
}

/// The bytes of all parts of a gathering write.
fn gathered(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut all = Vec::new();
    for part in text.split("iov_base=\"").skip(1) {
        let part = part.split('"').next().unwrap_or_default();
        all.extend(crate::strace::bytes(part)?);
    }
    Ok(all)
}

fn words(text: &str) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&string(text)?).into_owned())
}

fn path(text: &str) -> anyhow::Result<PathBuf> {
    Ok(as_path(string(text)?))
}

fn as_path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

/// A path given as a string, in the open folder that comes before it.
fn in_folder(call: &Call<'_>, place: usize) -> anyhow::Result<PathBuf> {
    let named = path(call.argument(place)?)?;
    let folder = place.checked_sub(1).map(|place| call.argument(place)).transpose()?;
    match folder.map(open_file).transpose()?.flatten() {
        Some(folder) if named.is_relative() => Ok(as_path(folder).join(named)),
        _ => Ok(named),
    }
}

/// `{sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("…")}` and the same of IPv6.
fn address(text: &str) -> anyhow::Result<SocketAddr> {
    let port = text.split_once("port=htons(").and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    let quoted = text.split('"').nth(1).context("an address")?;
    let written = String::from_utf8(crate::strace::bytes(quoted)?)?;
    let address: IpAddr = written.parse().with_context(|| format!("an address: {written}"))?;
    Ok(SocketAddr::new(address, port.context("a port")?))
}

/// Whether a trace has come to the end of a process, which is its last line. Short ids are padded there.
pub fn has_ended(trace: &str, process: &str) -> bool {
    let last = trace.lines().next_back().and_then(|line| line.split_once(' '));
    last.is_some_and(|(thread, what)| thread == process && what.trim_start().starts_with("+++ exited"))
}

/// The deeds of a whole trace without its first, which started the traced program itself.
pub fn read(trace: &Path) -> anyhow::Result<Vec<Deed>> {
    let mut reader = Reader::default();
    for (number, line) in std::fs::read_to_string(trace)?.lines().enumerate() {
        reader.line(line).with_context(|| format!("line {} of {}", number + 1, trace.display()))?;
    }
    let mut deeds = reader.finish()?;
    anyhow::ensure!(matches!(deeds.first(), Some(Deed::Run(..))), "a trace begins with a program");
    deeds.remove(0);
    Ok(deeds)
}

#[cfg(test)]
mod tests;
