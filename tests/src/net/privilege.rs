//! Whether this process may make network namespaces, and how it comes to.

use super::Namespace;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is missing, and the one command that helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A program.
    #[error("the small internet needs the program {0}; run: apt-get install -y iproute2 nftables util-linux")]
    Program(&'static str),
    /// The right to make namespaces, with or without a user namespace.
    #[error(
        "the small internet needs root or unprivileged user namespaces; run as root, or allow them with: sysctl -w \
         kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=10000"
    )]
    Right,
}

/// The programs that set it up.
const PROGRAMS: [(&str, &str); 4] = [("ip", "-V"), ("nft", "-v"), ("tc", "-V"), ("unshare", "-V")];

/// Whether this process can set a small internet up as it is.
pub fn check() -> Result<(), Missing> {
    for (program, version) in PROGRAMS {
        let found = Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            return Err(Missing::Program(program));
        }
    }
    Namespace::create("trial").map(drop).map_err(|_| Missing::Right)
}

/// A command that runs a program of ours again inside a user namespace of its own, where it may set one up.
pub fn again(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--"]).arg(program);
    command
}

/// Whether this process is root, of the machine or of a user namespace.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Runs the body of a test where it may set up a small internet: here, or in the same test run again inside a user
/// namespace. Where neither can be had, says so and runs nothing. The body is a closure written in the test itself:
/// that is what the test's name is taken from.
pub fn privileged<Body: FnOnce()>(body: Body) {
    let test = test_name::<Body>();
    match check() {
        Ok(()) => body(),
        Err(Missing::Right) if !is_root() => run_again(test),
        Err(missing) => skip(test, &missing),
    }
}

/// `it::story::test::{{closure}}` is a closure in the test `story::test`.
fn test_name<Body>() -> &'static str {
    let name = std::any::type_name::<Body>();
    let name = name.split_once("::{{closure}}").map_or(name, |(test, _)| test);
    name.split_once("::").map_or(name, |(_, test)| test)
}

fn run_again(test: &str) {
    let myself = std::env::current_exe().expect("a test binary has a path");
    let allowed = again(Path::new("true")).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        return skip(test, &Missing::Right);
    }
    let output =
        again(&myself).args(["--exact", test, "--nocapture"]).output().expect("unshare has just run");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A name that no test has runs nothing and succeeds.
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{test} in its user namespace:\n{said}\n{errors}"
    );
}

#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so where people look")]
fn skip(test: &str, missing: &Missing) {
    eprintln!("skipped: {test}: {missing}");
}
