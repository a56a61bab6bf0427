//! Arrays as `/sys/block/md*/md` tells of them. Judges nothing.

use crate::sensor::md::mdstat::{Action, Array, Member, Role};
use crate::sensor::source;
use std::path::{Path, PathBuf};

/// `/sys/block/md0/size` counts in these.
const SECTOR_BYTES: f64 = 512.0;

/// Every array there is, in the order of names.
pub(super) fn arrays(sysfs: &Path) -> Vec<Array> {
    let blocks = source::entries(&sysfs.join("block")).unwrap_or_default();
    // What the kernel calls otherwise is no array: a question less for each disk, every round.
    let is_array = |block: &&PathBuf| source::name(block).starts_with("md") && block.join("md").is_dir();
    blocks.iter().filter(is_array).map(|block| array(block)).collect()
}

fn array(block: &Path) -> Array {
    let md = block.join("md");
    let word = |file: &str| source::word(&md.join(file));
    let number = |file: &str| source::number(&md.join(file));
    let wanted = number("raid_disks").map(|count| count as u32).filter(|count| *count > 0);
    let degraded = number("degraded").map(|count| count as u32);
    let metadata = word("metadata_version").unwrap_or_default();
    Array {
        name: source::name(block),
        state: word("array_state").unwrap_or_default(),
        level: word("level").unwrap_or_default(),
        size_bytes: source::number(&block.join("size")).map(|sectors| sectors * SECTOR_BYTES),
        is_container: metadata.strip_prefix("external:").is_some_and(|of| !of.starts_with(['/', '-'])),
        wanted: degraded.and(wanted),
        working: wanted.zip(degraded).map(|(wanted, degraded)| wanted.saturating_sub(degraded)),
        members: members(&md),
        action: action(word("sync_action").as_deref(), word("sync_completed").as_deref()),
        uuid: word("uuid").unwrap_or_default(),
        mismatches: number("mismatch_cnt"),
    }
}

fn members(md: &Path) -> Vec<Member> {
    let member = |path: &std::path::PathBuf| {
        let name = source::name(path).strip_prefix("dev-")?.to_owned();
        let state = source::word(&path.join("state")).unwrap_or_default();
        let has = |wanted: &str| state.split(',').any(|word| word.trim() == wanted);
        let role = match () {
            () if has("faulty") => Role::Faulty,
            () if has("replacement") => Role::Replacement,
            () if has("in_sync") => Role::Active,
            () => Role::Spare,
        };
        Some(Member { name, role })
    };
    source::entries(md).unwrap_or_default().iter().filter_map(member).collect()
}

/// `recover` with `1569888 / 2093056`; `idle` and `frozen` are no work.
fn action(word: Option<&str>, completed: Option<&str>) -> Option<Action> {
    let word = match word? {
        "recover" => "recovery",
        other => other,
    };
    let progress = || {
        let (done, whole) = completed?.split_once('/')?;
        let (done, whole): (f64, f64) = (done.trim().parse().ok()?, whole.trim().parse().ok()?);
        (whole > 0.0).then(|| (done / whole).clamp(0.0, 1.0))
    };
    let is_work = ["recovery", "resync", "check", "repair", "reshape"].contains(&word);
    is_work.then(|| Action { word: word.to_owned(), progress: progress() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn members_work_and_state_are_read_and_other_devices_left_out() {
        let sys = tempfile::tempdir().unwrap();
        let md = sys.path().join("block/md6/md");
        for (file, text) in [
            ("array_state", "active"),
            ("level", "raid6"),
            ("raid_disks", "4"),
            ("degraded", "1"),
            ("metadata_version", "1.2"),
            ("sync_action", "recover"),
            ("sync_completed", "1569888 / 2093056"),
            ("dev-sdq/state", "in_sync,write_mostly"),
            ("dev-sds/state", "faulty"),
            ("dev-sdt/state", "spare"),
        ] {
            let path = md.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        }
        fs::create_dir_all(sys.path().join("block/sda")).unwrap();
        let arrays = arrays(sys.path());
        let [array] = arrays.as_slice() else { panic!("{arrays:?}") };
        assert_eq!((array.wanted, array.working), (Some(4), Some(3)));
        assert_eq!(
            array.action,
            Some(Action { word: "recovery".into(), progress: Some(1_569_888.0 / 2_093_056.0) })
        );
        let roles: Vec<Role> = array.members.iter().map(|member| member.role).collect();
        assert_eq!(roles, [Role::Active, Role::Faulty, Role::Spare]);
    }
}
