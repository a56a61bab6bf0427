//! The house rules that a program can check: floors, sizes, headers, duplicates of dependencies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lines that no file exceeds.
const FILE_LINES_MAX: usize = 500;
/// Lines that no function exceeds.
const FUNCTION_LINES_MAX: usize = 70;
/// Crates that the lock file may hold in more than one version. Only ever lowered.
const DUPLICATE_CRATES_MAX: usize = 12;

/// The floor of each module, by crate. The longest matching path counts; a module without a floor fails the test.
const FLOORS: &[(&str, &[(&str, u8)])] = &[
    (
        "agent",
        &[
            ("main", 6),
            ("cli", 5),
            ("app", 5),
            ("enroll", 4),
            ("gather", 3),
            ("status", 4),
            ("spool", 3),
            ("spool::record", 1),
            ("spool::ledger", 1),
            ("uplink", 1),
            ("uplink::post", 3),
            ("uplink::proxy", 3),
            ("uplink::remembered", 3),
            ("uplink::identity", 3),
            ("uplink::trust", 3),
            ("delivery", 4),
            ("sensor", 2),
            ("service", 5),
            ("sensor::registry", 4),
            ("sensor::windows", 4),
            ("sensor::merge", 1),
            ("sensor::runner", 4),
            ("sensor::", 3),
            ("sensor::reach::", 3),
            ("clock", 2),
            ("system", 2),
            ("host", 3),
            ("config", 4),
            ("batch", 1),
            ("sample", 1),
            ("schedule", 1),
            ("urgency", 1),
            ("thinning", 1),
            ("tree", 1),
        ],
    ),
    (
        "collector",
        &[
            ("main", 6),
            ("cli", 5),
            ("app", 5),
            ("api", 4),
            ("ingest", 4),
            ("web", 4),
            ("tasks", 4),
            ("backup", 3),
            ("commit", 3),
            ("owner", 2),
            ("pki", 3),
            ("revocations", 3),
            ("room", 1),
            ("store::sqlite", 3),
            ("store", 2),
            ("catalogues", 2),
            ("latest", 2),
            ("trust", 2),
            ("admission", 1),
            ("budget", 1),
            ("budgets", 3),
            ("placing", 1),
            ("policies", 3),
            ("series", 3),
            ("clock", 2),
            ("config", 3),
            ("enrollment_token", 3),
            ("rules", 1),
            ("texts", 2),
            ("model", 1),
            ("varint", 1),
            ("health", 1),
            ("hex", 1),
            ("alert", 1),
            ("maintenance", 1),
        ],
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules", ".git", ".svelte-kit"].contains(&name.as_str()) {
                open.push(path);
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn every_rust_file() -> Vec<PathBuf> {
    ["proto", "agent", "collector", "tests"]
        .iter()
        .flat_map(|folder| rust_files(&root().join(folder)))
        .collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn every_file_says_what_it_owns() {
    let silent: Vec<String> = every_rust_file()
        .iter()
        .filter(|path| !std::fs::read_to_string(path).unwrap().starts_with("//! "))
        .map(|path| shown(path))
        .collect();
    assert!(silent.is_empty(), "without a //! header: {silent:#?}");
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let long: Vec<String> = every_rust_file()
        .iter()
        .map(|path| (shown(path), std::fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines}"))
        .collect();
    assert!(long.is_empty(), "longer than {FILE_LINES_MAX} lines: {long:#?}");
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let long: Vec<String> = every_rust_file()
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let path = shown(path);
            long_functions(&text)
                .into_iter()
                .map(move |(line, lines)| format!("{path}:{line}: {lines} lines"))
        })
        .collect();
    assert!(long.is_empty(), "functions longer than {FUNCTION_LINES_MAX} lines: {long:#?}");
}

/// Line and length of each function that is too long. rustfmt puts a function's closing brace at its own indentation.
fn long_functions(text: &str) -> Vec<(usize, usize)> {
    let mut open: Option<(usize, usize)> = None;
    let mut long = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let indentation = line.len() - trimmed.len();
        let before_name = trimmed.split("fn ").next().unwrap_or("");
        let starts = trimmed.contains("fn ")
            && before_name.split_whitespace().all(|word| {
                word.starts_with("pub") || ["async", "const", "unsafe", "extern", "\"C\""].contains(&word)
            });
        match open {
            None if starts && !trimmed.ends_with(';') => open = Some((number, indentation)),
            Some((start, at)) if trimmed == "}" && indentation == at => {
                let lines = number - start + 1;
                if lines > FUNCTION_LINES_MAX {
                    long.push((start + 1, lines));
                }
                open = None;
            }
            Some((start, at)) if number == start && indentation == at && trimmed.ends_with('}') => {
                open = None
            }
            Some((_, at)) if starts && indentation == at => open = Some((number, indentation)),
            None | Some(_) => {}
        }
    }
    long
}

#[test]
fn imports_point_down_only() {
    let mut wrong = Vec::new();
    for (name, floors) in FLOORS {
        let source = root().join(name).join("src");
        for path in rust_files(&source) {
            let module = module_path(path.strip_prefix(&source).unwrap());
            if module == "lib" || module.ends_with("tests") {
                continue;
            }
            let Some(own) = floor_of(floors, &module) else {
                wrong.push(format!("{}: give `{module}` a floor in tests/it/tidy.rs", shown(&path)));
                continue;
            };
            for (line, target) in imports(&std::fs::read_to_string(&path).unwrap()) {
                match floor_of(floors, &target) {
                    Some(floor) if floor > own => {
                        wrong.push(format!(
                            "{}:{line}: `{module}` (floor {own}) names `{target}` (floor {floor})",
                            shown(&path)
                        ));
                    }
                    Some(_) | None => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_doors_of_the_collector_name_the_wire() {
    // Words, names of samples, sets of numbers and bounds are vocabulary, not the wire's shapes.
    let vocabulary =
        ["sample", "reach", "ranges", "limits", "phrase"].map(|word| format!("tram_proto::{word}"));
    let doors = ["ingest", "enrollment_token.rs"];
    let source = root().join("collector/src");
    let wrong: Vec<String> = rust_files(&source)
        .iter()
        .filter(|path| {
            !doors.iter().any(|door| shown(path).contains(door))
                && !shown(path).trim_start_matches("tests/").contains("/tests")
        })
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let lines = text.lines().enumerate().filter(|(_, line)| {
                let code = line.split("//").next().unwrap_or("");
                code.contains("tram_proto::") && !vocabulary.iter().any(|word| code.contains(word.as_str()))
            });
            lines.map(|(number, _)| format!("{}:{}", shown(path), number + 1)).collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "only ingest knows the wire: {wrong:#?}");
}

/// Words of code that run something, or write to a file.
const DEEDS: &[&str] = &[
    "std::process",
    "process::Command",
    "sensor::program",
    "program::run",
    "fs::write",
    "fs::rename",
    "fs::remove",
    "fs::copy",
    "File::create",
    "OpenOptions",
    "DirBuilder",
    "create_dir",
];

#[test]
fn nothing_that_reads_a_policy_runs_or_writes_but_its_own_file() {
    let source = root().join("agent/src");
    let mut readers = Vec::new();
    for path in rust_files(&source).iter().filter(|path| !shown(path).contains("tests")) {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        if !code.contains("tram_proto::policy") {
            continue;
        }
        let deeds: Vec<&str> = DEEDS.iter().copied().filter(|deed| code.contains(deed)).collect();
        // The policy itself is kept for the next start, under one constant name in the state directory.
        let may = if path.ends_with("app/policy.rs") { vec!["fs::write"] } else { vec![] };
        assert_eq!(deeds, may, "{}", shown(path));
        readers.push(path.clone());
    }
    assert!(readers.len() > 4, "the rule sees who reads policies: {readers:?}");
    // And where it is applied, it goes to the settings of the ladder, the rhythm and the uplink: not to sensors.
    let runs = |path: &&PathBuf| std::fs::read_to_string(path).unwrap().contains("program::");
    let policies = rust_files(&source.join("sensor")).into_iter().collect::<Vec<_>>();
    let both: Vec<_> = policies.iter().filter(runs).filter(|path| readers.contains(path)).collect();
    assert!(both.is_empty(), "{both:?}");
}

fn module_path(file: &Path) -> String {
    file.with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("::")
}

fn floor_of(floors: &[(&str, u8)], module: &str) -> Option<u8> {
    let matches = |prefix: &str| {
        module == prefix
            || module
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with("::") || prefix.ends_with("::"))
    };
    floors
        .iter()
        .filter(|(prefix, _)| matches(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .map(|(_, floor)| *floor)
}

/// Lines that name `crate::...` in code before the tests, with the lower-case part of the path.
fn imports(text: &str) -> Vec<(usize, String)> {
    let code = text.split("#[cfg(test)]").next().unwrap_or("");
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let line = line.split("//").next().unwrap_or("");
        for rest in line.split("crate::").skip(1) {
            let path: Vec<&str> = rest
                .split("::")
                .map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
                .take_while(|part| part.starts_with(|c: char| c.is_ascii_lowercase()))
                .collect();
            if !path.is_empty() {
                found.push((number + 1, path.join("::")));
            }
        }
    }
    found
}

#[test]
fn dependencies_in_several_versions_do_not_grow() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for name in lock.lines().filter_map(|line| line.strip_prefix("name = ")) {
        *versions.entry(name).or_default() += 1;
    }
    let twice: Vec<&&str> = versions.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name).collect();
    assert!(twice.len() <= DUPLICATE_CRATES_MAX, "{} crates in several versions: {twice:?}", twice.len());
}

#[test]
fn the_rules_see_what_they_should() {
    let floors: &[(&str, u8)] = &[("store", 2), ("store::sqlite", 3), ("sensor::", 3), ("sensor", 2)];
    assert_eq!(floor_of(floors, "store::sqlite::alert"), Some(3));
    assert_eq!(floor_of(floors, "sensor::cpu"), Some(3));
    assert_eq!(floor_of(floors, "sensor"), Some(2));
    assert_eq!(floor_of(floors, "other"), None);
    assert_eq!(
        imports("use crate::store::sqlite::Readers; // crate::app\n"),
        [(1, "store::sqlite".to_owned())]
    );
    let long = format!("fn long() {{\n{}}}\nfn short() {{\n}}\n", "    x();\n".repeat(70));
    assert_eq!(long_functions(&long), [(1, 72)]);
}

/// Where what a policy says is kept and obeyed.
const POLICY_REACHES: &[&str] = &[
    "proto/src/policy.rs",
    "proto/src/hours.rs",
    "agent/src/config/policy.rs",
    "agent/src/config/history.rs",
    "agent/src/app/policy.rs",
    "agent/src/delivery.rs",
    "agent/src/delivery/",
    "agent/src/uplink.rs",
    "agent/src/uplink/",
    "agent/src/urgency.rs",
    "agent/src/schedule.rs",
    "agent/src/sensor/reach.rs",
    "agent/src/sensor/reach/",
];
/// Of these, what writes to the state folder, under names of its own; and what asks the system for its own gateway.
const POLICY_EXCEPTIONS: &[&str] = &[
    "agent/src/app/policy.rs",
    "agent/src/uplink/identity.rs",
    "agent/src/uplink/remembered.rs",
    "agent/src/sensor/reach/host/windows.rs",
];

#[test]
fn nothing_that_a_policy_reaches_runs_a_program_or_writes_a_file_outside_the_state_folder() {
    let acts = [
        "Command::new",
        "process::Command",
        "program::",
        "OpenOptions",
        "File::create",
        "fs::write",
        "fs::rename",
        "fs::copy",
        "fs::remove",
        "create_dir",
        "private_file",
    ];
    let mut seen = 0;
    for path in every_rust_file() {
        let name = shown(&path);
        let is_test = name.ends_with("tests.rs") || name.contains("/tests/");
        let is_reached = POLICY_REACHES
            .iter()
            .any(|place| if place.ends_with('/') { name.starts_with(place) } else { name == *place });
        if !is_reached || is_test {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let found: Vec<_> = acts.iter().filter(|act| code.contains(**act)).collect();
        if !POLICY_EXCEPTIONS.contains(&name.as_str()) {
            assert!(found.is_empty(), "{name} has {found:?}");
            continue;
        }
        // What they write has names that are fixed here, below the state folder, or it is the gateway's address.
        let is_run = found.iter().any(|act| ["Command::new", "process::Command"].contains(act));
        assert!(!is_run && !found.is_empty(), "{name} has {found:?}");
    }
    assert!(seen > 25, "{seen} files are looked at");
}
