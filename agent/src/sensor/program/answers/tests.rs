//! Answers kept and given back, with a stand-in for smartctl.

use super::*;
use crate::sensor::program::{find, run};
use crate::sensor::testing::script;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

struct Folders {
    programs: tempfile::TempDir,
    answers: tempfile::TempDir,
}

impl Folders {
    /// One with a stand-in for smartctl, and an empty one.
    fn new(commands: &str) -> (Self, Paths) {
        let folders = Self { programs: tempfile::tempdir().unwrap(), answers: tempfile::tempdir().unwrap() };
        let program = script(folders.programs.path(), "smartctl", commands);
        (folders, Paths { programs: [("smartctl", program)].into(), ..Paths::default() })
    }
}

#[test]
fn what_one_ran_another_gets_without_running_it() {
    let (folders, paths) = Folders::new("echo x >> $(dirname $0)/ran; echo \"<$*>\"; echo bad >&2; exit 4");
    let program = find(&paths, "smartctl").unwrap();
    let (first, answers) = listen(|| run(&program, &["-x", "/dev/sda"], SOON).unwrap());
    assert_eq!(write(folders.answers.path(), &paths, &answers).unwrap(), [("smartctl", 1)]);
    let agent = Paths { answers: Some(folders.answers.path().to_owned()), ..paths };
    let file = find(&agent, "smartctl").unwrap();
    assert_eq!(file, folders.answers.path().join("smartctl.answers"));
    assert_eq!(run(&file, &["-x", "/dev/sda"], SOON).unwrap(), first);
    assert_eq!((first.text().as_str(), first.status), ("<-x /dev/sda>\n", Some(4)));
    let other = run(&file, &["-x", "/dev/sdb"], SOON).unwrap_err().to_string();
    assert!(other.ends_with("nothing was asked so"), "{other}");
    assert_eq!(std::fs::read_to_string(folders.programs.path().join("ran")).unwrap(), "x\n");
}

#[test]
fn a_failure_is_an_answer_too() {
    let (folders, paths) = Folders::new("sleep 600");
    let program = find(&paths, "smartctl").unwrap();
    let (_, answers) = listen(|| run(&program, &[], Duration::from_millis(100)).unwrap_err());
    write(folders.answers.path(), &paths, &answers).unwrap();
    let error = run(&folders.answers.path().join("smartctl.answers"), &[], SOON).unwrap_err().to_string();
    assert_eq!(error, format!("cannot read {}: no answer within 0.1 s", program.display()));
}

#[test]
fn answers_of_another_program_torn_and_old_ones_are_not_taken() {
    let (folders, paths) = Folders::new("true");
    let file = folders.answers.path().join("smartctl.answers");
    let agent = || Paths { answers: Some(folders.answers.path().to_owned()), ..paths.clone() };
    let own = paths.programs["smartctl"].clone();
    for text in ["", "{\"format\":1", "{\"format\":1,\"program\":\"/other\",\"boot_ms\":0}\n"] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(find(&agent(), "smartctl"), Some(own.clone()), "{text:?}");
    }
    assert_eq!(find(&agent(), "smartctl"), Some(own.clone()));
    let now = SystemClock.boot_ms();
    let heading =
        |boot_ms: u64| format!("{{\"format\":1,\"program\":\"{}\",\"boot_ms\":{boot_ms}}}\n", own.display());
    if let Some(then) = now.checked_sub(AGE_MAX_MS + 3_600_000) {
        std::fs::write(&file, heading(then)).unwrap();
        let error = run(&find(&agent(), "smartctl").unwrap(), &[], SOON).unwrap_err().to_string();
        assert!(error.ends_with("its answers are 4 h old"), "{error}");
    }
    std::fs::write(&file, heading(now) + "{\"arguments\":[").unwrap();
    assert!(run(&file, &[], SOON).is_err());
}

#[test]
fn a_program_that_is_gone_leaves_no_answers_and_nobody_listens_unasked() {
    let (folders, paths) = Folders::new("echo x");
    let program = find(&paths, "smartctl").unwrap();
    let (_, answers) = listen(|| run(&program, &[], SOON).unwrap());
    write(folders.answers.path(), &paths, &answers).unwrap();
    run(&program, &[], SOON).unwrap();
    let (_, none) = listen(|| ());
    assert_eq!(none, []);
    assert_eq!(write(folders.answers.path(), &paths, &none).unwrap(), []);
    assert_eq!(std::fs::read_dir(folders.answers.path()).unwrap().count(), 0);
}
