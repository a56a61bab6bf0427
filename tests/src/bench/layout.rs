//! Which of the agent's functions a host at rest never runs, as a linker script that lays them apart: a page that holds
//! only such code is not in memory.

use super::Options;
use super::rest::Rest;
use anyhow::{Context as _, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

mod watch;

/// A program with fewer named functions has lost their names.
const FUNCTIONS_MIN: usize = 1_000;
/// Names that begin alike are worth a line from this much code on.
const BYTES_MIN: u64 = 100;
/// What hosts run that this machine may not: sensors of what only real machines have.
const RUN_ELSEWHERE: &[&str] =
    &["6sensor5smart", "6sensor10kernel_log", "6sensor5hwmon", "6sensor9inventory"];

/// A function: its length, and its name as a pattern that the next build's has as well.
#[derive(Debug)]
struct Function {
    bytes: u64,
    name: String,
    pattern: String,
}

/// Watches an agent for a window and says what to tell the linker.
pub async fn run(options: &Options) -> anyhow::Result<String> {
    let functions = functions(&options.agent)?;
    ensure!(functions.len() > FUNCTIONS_MIN, "{}: no names of functions", options.agent.display());
    let folder = tempfile::tempdir()?;
    let (stopped, wrapper) = (folder.path().join("stopped"), folder.path().join("agent"));
    // Watched from before its first instruction on.
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *\" run \"*) echo $$ > {stopped:?}; kill -STOP $$;; esac\nexec {:?} \"$@\"\n",
        std::path::absolute(&options.agent)?
    );
    std::fs::write(&wrapper, script)?;
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))?;
    let is_over = Arc::new(AtomicBool::new(false));
    let offsets: BTreeSet<u64> = functions.keys().copied().collect();
    let watcher = std::thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || watch::ran(&stopped, &offsets, &is_over)
    });
    let rest = Rest::start(&Options { agent: wrapper, ..options.clone() }).await;
    if rest.is_ok() {
        tokio::time::sleep(Duration::from_secs(options.window_s)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let ran = watcher.join().ok().context("the watcher failed")?;
    drop(rest?);
    Ok(script_of(&seldom(&functions, &ran?)))
}

/// Functions by where they begin in the program.
fn functions(program: &Path) -> anyhow::Result<BTreeMap<u64, Function>> {
    let output = Command::new("nm").args(["--defined-only", "--print-size"]).arg(program).output();
    let output = output.context("running nm")?;
    let mut functions = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[offset, bytes, "t" | "T" | "w" | "W", name] = fields.as_slice() else { continue };
        // What the compiler moved out of several functions has no section of its own.
        if name.starts_with("OUTLINED_FUNCTION") {
            continue;
        }
        let (offset, bytes) = (u64::from_str_radix(offset, 16)?, u64::from_str_radix(bytes, 16)?);
        functions.insert(offset, Function { bytes, name: name.to_owned(), pattern: pattern(name) });
    }
    Ok(functions)
}

/// A name without what differs from build to build: the hash of a function or of a crate.
fn pattern(name: &str) -> String {
    let hashed = name.rfind("17h").filter(|place| {
        let hash = name.get(place + 3..place + 19).unwrap_or_default();
        hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let name = hashed.and_then(|place| name.get(..place + 3)).unwrap_or(name);
    let name = name.split(".llvm.").next().unwrap_or(name);
    let mut pattern = String::new();
    let mut parts = name.split("Cs");
    pattern.push_str(parts.next().unwrap_or_default());
    for part in parts {
        pattern.push_str("Cs");
        let (crate_hash, rest) = part.split_once('_').unwrap_or(("", part));
        let is_hash = !crate_hash.is_empty() && crate_hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
        pattern.push_str(&if is_hash { format!("*_{rest}") } else { part.to_owned() });
    }
    pattern
}

/// The shortest beginnings of names that nothing which ran has, with how much code they stand for.
fn seldom(functions: &BTreeMap<u64, Function>, ran: &BTreeSet<u64>) -> BTreeMap<String, u64> {
    let is_run = |(offset, function): &(&u64, &Function)| {
        ran.contains(offset) || RUN_ELSEWHERE.iter().any(|name| function.pattern.contains(name))
    };
    let all_run: Vec<&Function> = functions.iter().filter(is_run).map(|(_, function)| function).collect();
    let run: BTreeSet<&str> = all_run.iter().map(|function| function.pattern.as_str()).collect();
    let is_of_run = |start: &str| run.range(start..).next().is_some_and(|name| name.starts_with(start));
    let mut seldom: BTreeMap<String, u64> = BTreeMap::new();
    for function in functions.values().filter(|function| !run.contains(function.pattern.as_str())) {
        let name = &function.pattern;
        let start = ends_of_words(name).filter_map(|end| name.get(..end)).find(|start| !is_of_run(start));
        // Where the whole name begins that of something that ran, nothing may come after it.
        let pattern = start.map_or_else(|| name.clone(), |start| format!("{start}*"));
        *seldom.entry(pattern).or_default() += function.bytes;
    }
    seldom.retain(|pattern, bytes| {
        let pattern = for_linker(pattern);
        *bytes >= BYTES_MIN && !all_run.iter().any(|function| matches(&pattern, &function.name))
    });
    seldom
}

/// A pattern as the linker reads it, which knows no other way to name this character.
fn for_linker(pattern: &str) -> String {
    pattern.replace('$', "?")
}

/// Whether the linker takes a name to be of a pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return name.is_empty() };
    let (pattern, mut rest) = (&pattern[first.len_utf8()..], name.chars());
    match first {
        '*' => name.char_indices().any(|(place, _)| matches(pattern, &name[place..])) || matches(pattern, ""),
        '?' => rest.next().is_some() && matches(pattern, rest.as_str()),
        first => rest.next() == Some(first) && matches(pattern, rest.as_str()),
    }
}

/// Where a mangled name's words end: before the number that says how long the next one is, and after an underscore.
fn ends_of_words(name: &str) -> impl Iterator<Item = usize> {
    let bytes = name.as_bytes();
    (1..=bytes.len()).filter(move |&end| {
        let (before, after) = (bytes.get(end - 1), bytes.get(end));
        let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        after.is_none() || before == Some(&b'_') || (is_digit(after) && !is_digit(before))
    })
}

fn script_of(seldom: &BTreeMap<String, u64>) -> String {
    let lines: Vec<String> =
        seldom.keys().map(|pattern| format!("    *(.text.{})\n", for_linker(pattern))).collect();
    format!(
        "/* What an agent at rest does not run, behind everything else, so that its pages are not in memory. Made by\n   \
         `tests/bench/run layout`; a name that is missing or too many costs a page. */\n\
         SECTIONS\n{{\n  .text.seldom : {{\n{}  }}\n}}\nINSERT AFTER .text;\n",
        lines.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_the_next_build_has_otherwise() {
        assert_eq!(pattern("_ZN4clap5error5Error3new17h0123456789abcdefE"), "_ZN4clap5error5Error3new17h");
        assert_eq!(pattern("_RNvNtCsjrHSEGnQ3l9_3std4path4join"), "_RNvNtCs*_3std4path4join");
        assert_eq!(pattern("ZSTD_compress2.llvm.77"), "ZSTD_compress2");
    }

    #[test]
    fn beginnings_are_as_short_as_what_ran_allows() {
        let names = ["_ZN1a4runs17h", "_ZN1a5never3one17h", "_ZN1a5never3two17h", "_ZN1b1c17h", "_ZN1b1c17h"];
        let function = |name: &str| Function { bytes: 60, name: name.to_owned(), pattern: name.to_owned() };
        let functions: BTreeMap<u64, Function> = (0..).zip(names.map(function)).collect();
        let found = seldom(&functions, &BTreeSet::from([0]));
        assert_eq!(found, BTreeMap::from([("_ZN1a5never*".to_owned(), 120), ("_ZN1b*".to_owned(), 120)]));
        assert!(script_of(&found).contains("    *(.text._ZN1a5never*)\n"));
    }

    #[test]
    fn patterns_are_read_as_the_linker_does() {
        assert!(matches("_R*_3std*", "_RCsx_3std4path") && matches("a?b", "a$b") && matches("a", "a"));
        assert!(!matches("_R*_3std", "_RCsx_3std4path") && !matches("a?b", "ab") && !matches("", "a"));
    }
}
