//! Builds the operators' pages, so that they can be embedded: `npm ci` and `vite build` in `web/`, into `web/build/site`.
//!
//! Owns when that is needed: only when a source of the pages, a text or a dependency changed since the pages were built,
//! whichever profile or target directory asks. Knows nothing of what the pages are.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// What the pages are made of, relative to this crate. `src/lib/types.gen.ts` is in there, made by `npm run types`.
const SOURCES: &[&str] = &[
    "web/src",
    "web/static",
    "web/package.json",
    "web/package-lock.json",
    "web/svelte.config.js",
    "web/vite.config.ts",
    "web/tsconfig.json",
    "locales/vi/ui.ftl",
    "locales/en/ui.ftl",
];
/// Digest of the sources that the pages in `web/build` were made from.
const BUILT_FROM: &str = "web/build/inputs";
/// Digest of the lock file that `web/node_modules` was installed from.
const INSTALLED_FROM: &str = "web/node_modules/.inputs";
/// Held while building: several cargo processes may share this checkout.
const LOCK: &str = "web/.build-lock";
/// What Vite needs.
const NODE_MINIMUM: (u32, u32) = (20, 19);

fn main() -> Result<(), String> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    // Rerun also when somebody removed the pages: a missing file counts as changed.
    println!("cargo::rerun-if-changed={BUILT_FROM}");
    println!("cargo::rerun-if-changed=build.rs");
    build().map_err(|error| format!("the pages in collector/web could not be built: {error}"))
}

fn build() -> Result<(), Box<dyn Error>> {
    let lock = File::create(LOCK)?;
    lock.lock()?;
    let sources = digest(SOURCES)?;
    if is_digest_of(BUILT_FROM, &sources) {
        return Ok(());
    }
    check_node()?;
    let installed = digest(&["web/package-lock.json"])?;
    if !is_digest_of(INSTALLED_FROM, &installed) {
        run("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"], &sources)?;
        remember(INSTALLED_FROM, &installed)?;
    }
    run("npm", &["run", "--silent", "build"], &sources)?;
    remember(BUILT_FROM, &sources)
}

/// One command in `web/`; what it printed is the error when it fails.
fn run(program: &str, arguments: &[&str], sources: &str) -> Result<(), Box<dyn Error>> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir("web")
        .env("TRAM_WEB_INPUTS", sources)
        .output()
        .map_err(|error| format!("{program}: {error}; {}", how_to_install()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("`{program} {}` failed\n{}", arguments.join(" "), String::from_utf8_lossy(&said)).into())
}

fn check_node() -> Result<(), Box<dyn Error>> {
    let output = Command::new("node")
        .arg("--version")
        .output()
        .map_err(|_| format!("Node.js is missing; {}", how_to_install()))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut numbers = version.trim_start_matches('v').split('.').map(|number| number.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < NODE_MINIMUM {
        return Err(format!("Node.js {version} is too old; {}", how_to_install()).into());
    }
    Ok(())
}

fn how_to_install() -> String {
    let (major, minor) = NODE_MINIMUM;
    format!(
        "Node.js {major}.{minor} or newer with npm is needed to build (not to run): apt-get install -y nodejs npm"
    )
}

/// Digest of the files' names and bytes. The standard hasher has fixed keys, and nobody attacks their own checkout.
fn digest(roots: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    for root in roots {
        collect(Path::new(root), &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

fn is_digest_of(note: &str, digest: &str) -> bool {
    fs::read_to_string(note).is_ok_and(|noted| noted == digest)
}

/// Notes a digest. The note is dated 1970: cargo runs this script again for watched files younger than its last run, and
/// the note is written by that very run.
fn remember(note: &str, digest: &str) -> Result<(), Box<dyn Error>> {
    fs::write(note, digest)?;
    File::options().write(true).open(note)?.set_modified(SystemTime::UNIX_EPOCH)?;
    Ok(())
}
