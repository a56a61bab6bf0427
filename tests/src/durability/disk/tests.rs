//! What the disk keeps, and that it may lose everything else.

use super::*;

fn path(name: &str) -> PathBuf {
    PathBuf::from(name)
}

fn write(name: &str, at: usize, bytes: &[u8]) -> Act {
    Act::Write(path(name), at, bytes.to_vec())
}

/// What was found of one file in many cuts after these acts; none where it was not there.
fn found(acts: &[Act], name: &str) -> BTreeSet<Option<Vec<u8>>> {
    let mut disk = Disk::default();
    acts.iter().for_each(|act| disk.perform(act));
    let cut = |seed| disk.cut(&mut Dice::new(seed, "disk")).files.remove(&path(name));
    (0..500).map(cut).collect()
}

#[test]
fn what_was_synced_is_there_and_what_was_not_may_be() {
    let acts = [
        Act::Create(path("a")),
        write("a", 0, b"old"),
        Act::Sync(path("a"), 2),
        Act::Sync(path(""), 3),
        write("a", 0, b"new"),
    ];
    assert_eq!(found(&acts[..4], "a"), [Some(b"old".to_vec())].into());
    assert_eq!(found(&acts, "a"), [Some(b"new".to_vec()), Some(b"old".to_vec())].into());
}

#[test]
fn a_sync_does_not_cover_what_came_while_it_went_on() {
    let acts = [Act::Create(path("a")), Act::Sync(path(""), 1), write("a", 0, b"x"), Act::Sync(path("a"), 2)];
    assert!(found(&acts, "a").contains(&Some(Vec::new())));
}

#[test]
fn pages_are_torn_between_sectors_and_lengths_come_without_their_bytes() {
    let page = [vec![1; SECTOR], vec![2; SECTOR]].concat();
    let acts = [Act::Create(path("a")), Act::Sync(path(""), 1), write("a", 0, &page)];
    let found = found(&acts, "a");
    for torn in [[vec![0; SECTOR], vec![2; SECTOR]].concat(), vec![1; SECTOR], vec![0; 2 * SECTOR], page] {
        assert!(found.contains(&Some(torn)));
    }
    assert!(found.iter().flatten().all(|bytes| bytes.len() % SECTOR == 0), "no sector is torn");
}

#[test]
fn names_last_once_their_folder_is_synced_whatever_became_of_the_file() {
    let made = [Act::Create(path("a")), write("a", 0, b"x"), Act::Sync(path("a"), 2)];
    assert_eq!(found(&made, "a"), [None, Some(b"x".to_vec())].into());
    let gone = [&made[..], &[Act::Sync(path(""), 3), Act::Unlink(path("a"))]].concat();
    assert_eq!(found(&gone, "a"), [None, Some(b"x".to_vec())].into());
    let synced = [&gone[..], &[Act::Sync(path(""), 5)]].concat();
    assert_eq!(found(&synced, "a"), [None].into());
}

#[test]
fn a_file_renamed_over_another_is_the_one_or_the_other() {
    let acts = [
        Act::Create(path("a")),
        Act::Create(path("b")),
        write("a", 0, b"a"),
        write("b", 0, b"b"),
        Act::Sync(path("a"), 4),
        Act::Sync(path("b"), 4),
        Act::Sync(path(""), 6),
        Act::Rename(path("b"), path("a")),
    ];
    assert_eq!(found(&acts, "a"), [Some(b"a".to_vec()), Some(b"b".to_vec())].into());
}

#[test]
fn a_folder_whose_name_is_lost_takes_everything_with_it() {
    let acts = [
        Act::Folder(path("days")),
        Act::Create(path("days/a")),
        write("days/a", 0, b"x"),
        Act::Sync(path("days/a"), 3),
        Act::Sync(path("days"), 4),
    ];
    assert_eq!(found(&acts, "days/a"), [None, Some(b"x".to_vec())].into());
    let synced = [&acts[..], &[Act::Sync(path(""), 5)]].concat();
    assert_eq!(found(&synced, "days/a"), [Some(b"x".to_vec())].into());
}

#[test]
fn shared_memory_is_never_found() {
    let acts = [Act::Create(path("a-shm")), Act::Sync(path(""), 1)];
    assert_eq!(found(&acts, "a-shm"), [None].into());
}
