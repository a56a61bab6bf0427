//! The sensor against small roots and stand-ins for package managers.

use super::*;
use crate::sensor::testing::{script, values};
use proptest::prelude::*;
use std::fs;

fn root(files: &[(&str, &str)]) -> (tempfile::TempDir, Paths) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let paths =
        Paths { procfs: root.path().join("proc"), rootfs: root.path().to_owned(), ..Paths::default() };
    (root, paths)
}

#[test]
fn what_apt_would_do_is_counted_without_touching_anything() {
    let (root, mut paths) = root(&[]);
    let program = script(
        root.path(),
        "apt-get",
        "test \"$1\" = -s || exit 9\necho 'Inst a [1] (2 Debian-Security:12/stable-security [amd64])'\necho '1 upgraded, 0 newly installed, 0 to remove'",
    );
    paths.programs.insert("apt", program);
    let values = values(&Updates.read(&paths).unwrap());
    assert_eq!(values["tram.updates.pending{tram.update.kind=all}"], Some(1.0));
    assert_eq!(values["tram.updates.pending{tram.update.kind=security}"], Some(1.0));
    assert!(!values.contains_key("tram.reboot.required"));
}

#[test]
fn a_manager_that_cannot_answer_is_not_taken_for_none_pending() {
    let (root, mut paths) = root(&[]);
    let program =
        script(root.path(), "apt-get", "echo 'E: The package cache file is corrupted' >&2; exit 100");
    paths.programs.insert("apt", program);
    let error = Updates.read(&paths).unwrap_err().to_string();
    assert!(error.ends_with("E: The package cache file is corrupted"), "{error}");
    fs::create_dir_all(root.path().join("run")).unwrap();
    fs::write(root.path().join("run/reboot-required"), "").unwrap();
    let values = values(&Updates.read(&paths).unwrap());
    assert_eq!(values["tram.updates.pending{tram.update.kind=all}"], None);
    assert_eq!(values["tram.reboot.required"], Some(1.0));
}

#[test]
fn dnf_says_by_its_status_that_there_are_some() {
    let (root, mut paths) = root(&[]);
    let commands = "case \"$*\" in *updateinfo*) echo 'RHSA-2023:1 Important/Sec. a-1-2.el9.x86_64';; *) echo 'a.x86_64 1-2.el9 baseos'; echo 'b.noarch 3 baseos'; exit 100;; esac";
    paths.programs.insert("dnf", script(root.path(), "dnf", commands));
    let values = values(&Updates.read(&paths).unwrap());
    assert_eq!(values["tram.updates.pending{tram.update.kind=all}"], Some(2.0));
    assert_eq!(values["tram.updates.pending{tram.update.kind=security}"], Some(1.0));
}

#[test]
fn a_newer_kernel_wants_a_restart_and_a_root_without_any_says_nothing() {
    let running = ("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    let (_root, paths) =
        root(&[running, ("lib/modules/6.1.0-18-amd64/vmlinuz", ""), ("lib/modules/6.1.0-21-amd64/x", "")]);
    assert_eq!(
        restart_required(&paths),
        Some(false),
        "modules without their kernel are what was left of one"
    );
    let (_root, paths) = root(&[
        running,
        ("lib/modules/6.1.0-18-amd64/vmlinuz", ""),
        ("lib/modules/6.1.0-21-amd64/x", ""),
        ("boot/vmlinuz-6.1.0-21-amd64", ""),
    ]);
    assert_eq!(restart_required(&paths), Some(true));
    let (_root, paths) = root(&[running]);
    assert!(matches!(Updates.read(&paths), Err(NoData::Absent)));
}

#[test]
fn ubuntus_note_is_enough() {
    let (_root, paths) = root(&[(
        "var/lib/update-notifier/updates-available",
        "\n7 updates can be applied immediately.\n2 of these updates are standard security updates.\n",
    )]);
    let values = values(&Updates.read(&paths).unwrap());
    assert_eq!(values["tram.updates.pending{tram.update.kind=all}"], Some(7.0));
    assert_eq!(values["tram.updates.pending{tram.update.kind=security}"], Some(2.0));
}

proptest! {
    #[test]
    fn noise_makes_no_parser_panic(text in "((Inst |Obsoleting|[0-9]{0,30} updates can be |v \\| )?.{0,30}\n){0,6}") {
        let _ = (packages::parse_apt(&text), packages::parse_notice(&text), packages::parse_dnf(&text));
        let _ = (packages::parse_updateinfo(&text), packages::parse_zypper(&text, "v"));
        kernel::is_outdated(&text, std::slice::from_ref(&text));
        crate::sensor::services::parse(&text);
    }
}
