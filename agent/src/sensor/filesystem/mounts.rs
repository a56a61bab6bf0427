//! Reads the kernel's list of mounts and chooses those that count: each file system once, none that is only a view.
//! Pure; asks no file system anything.

use crate::sensor::NoData;
use crate::sensor::globs::Globs;
use crate::sensor::source::malformed;
use std::collections::BTreeMap;
use std::path::Path;

/// One mounted file system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// Where.
    pub point: String,
    /// Type, such as `ext4`.
    pub kind: String,
    /// What tells this file system from others: device numbers, or the device's name in the older list.
    pub device: String,
    /// The part of the file system that is mounted: anything but `/` is a bind mount or a subvolume.
    pub root: String,
    /// Whether nothing can be written, here or to the file system at all.
    pub is_read_only: bool,
}

/// Mounts from the text of `/proc/self/mountinfo`, in its order.
pub fn parse_mountinfo(text: &str, path: &Path) -> Result<Vec<Mount>, NoData> {
    let mount = |(place, line): (usize, &str)| {
        let expected = "device numbers, root, mount point, ` - ` and type";
        let malformed = || malformed(path, Some(place + 1), expected);
        let (own, rest) = line.split_once(" - ").ok_or_else(malformed)?;
        let mut fields = own.split(' ').skip(2);
        let (Some(device), Some(root), Some(point)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(malformed());
        };
        let kind = rest.split(' ').next().filter(|kind| !kind.is_empty()).ok_or_else(malformed)?;
        let options = [fields.next(), rest.split(' ').nth(2)];
        let is_read_only = options.into_iter().flatten().any(is_read_only);
        let (point, root) = (unescape(point), unescape(root));
        Ok(Mount { point, kind: kind.to_owned(), device: device.to_owned(), root, is_read_only })
    };
    text.lines().enumerate().map(mount).collect()
}

/// Mounts from the text of `/proc/mounts`, in its order.
pub fn parse_mounts(text: &str, path: &Path) -> Result<Vec<Mount>, NoData> {
    let mount = |(place, line): (usize, &str)| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[device, point, kind, options, ..] = fields.as_slice() else {
            return Err(malformed(path, Some(place + 1), "device, mount point, type and options"));
        };
        let (device, point, is_read_only) = (unescape(device), unescape(point), is_read_only(options));
        Ok(Mount { point, kind: kind.to_owned(), device, root: "/".into(), is_read_only })
    };
    text.lines().enumerate().map(mount).collect()
}

fn is_read_only(options: &str) -> bool {
    options.split(',').any(|option| option == "ro")
}

/// The mounts that count: the topmost at each point, without those that a glob names, and each file system once, at the
/// mount that shows all of it or else at the shortest path. The root always counts, as a container's is an overlay.
pub fn select(mounts: Vec<Mount>, types_excluded: &Globs, points_excluded: &Globs) -> Vec<Mount> {
    let mut topmost: BTreeMap<String, Mount> = BTreeMap::new();
    for mount in mounts {
        topmost.insert(mount.point.clone(), mount);
    }
    let counts = |mount: &Mount| {
        let excluded = types_excluded.matches(&mount.kind) || points_excluded.matches(&mount.point);
        mount.point == "/" || !excluded
    };
    let mut chosen: BTreeMap<String, Mount> = BTreeMap::new();
    for mount in topmost.into_values().filter(counts) {
        let better = |held: &Mount| rank(&mount) < rank(held);
        if chosen.get(&mount.device).is_none_or(better) {
            chosen.insert(mount.device.clone(), mount);
        }
    }
    let mut chosen: Vec<Mount> = chosen.into_values().collect();
    chosen.sort_unstable_by(|a, b| a.point.cmp(&b.point));
    chosen
}

/// Lower is the better place to report a file system at.
fn rank(mount: &Mount) -> (bool, bool, usize) {
    (mount.point != "/", mount.root != "/", mount.point.len())
}

/// The kernel writes blanks, newlines and backslashes as three octal digits.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = octal.filter(|_| *first == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::filesystem::{MOUNT_POINTS_EXCLUDED, TYPES_EXCLUDED};
    use crate::sensor::testing::recording;

    const INFO: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 27 254:1 /var/lib/data /srv/bind rw - ext4 /dev/vda1 rw
31 27 8:17 / /srv/my\\040disk rw master:2 propagate_from:1 - xfs /dev/sdb1 rw
32 27 8:17 /sub /a rw - xfs /dev/sdb1 rw
33 27 0:50 / /mnt/share rw - nfs4 server:/export rw
34 27 0:51 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
35 27 0:52 / /run rw - tmpfs tmpfs rw
36 33 0:53 / /mnt/share rw - nfs4 other:/export rw
";

    fn chosen(mounts: Vec<Mount>) -> Vec<String> {
        let excluded = (Globs::known(TYPES_EXCLUDED), Globs::known(MOUNT_POINTS_EXCLUDED));
        let chosen = select(mounts, &excluded.0, &excluded.1);
        chosen.into_iter().map(|mount| format!("{} {} {}", mount.point, mount.kind, mount.device)).collect()
    }

    #[test]
    fn each_real_file_system_counts_once_at_its_whole_mount() {
        let mounts = parse_mountinfo(INFO, Path::new("mountinfo")).unwrap();
        assert_eq!(chosen(mounts), ["/ ext4 254:1", "/mnt/share nfs4 0:53", "/srv/my disk xfs 8:17"]);
    }

    #[test]
    fn the_root_of_a_container_counts_though_it_is_an_overlay() {
        let text = "700 600 0:99 / / rw - overlay overlay rw\n701 700 0:98 / /dev rw - tmpfs tmpfs rw\n";
        assert_eq!(chosen(parse_mountinfo(text, Path::new("mountinfo")).unwrap()), ["/ overlay 0:99"]);
    }

    #[test]
    fn read_only_is_said_of_the_mount_or_of_the_file_system() {
        let read_only = |text: &str| {
            let mounts = parse_mountinfo(text, Path::new("mountinfo")).unwrap();
            mounts.iter().map(|mount| mount.is_read_only).collect::<Vec<_>>()
        };
        let mount = "1 2 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 ro,errors=remount-ro\n";
        assert_eq!(read_only(mount), [true]);
        assert_eq!(read_only(&mount.replace(" ro,", " rw,")), [false]);
        assert_eq!(read_only("1 2 8:1 / /a ro - ext4 /dev/sda1 rw\n"), [true]);
        let list =
            "/dev/sda1 / ext4 ro,relatime,data=ordered 0 0\n/dev/sda2 /a ext4 rw,errors=remount-ro 0 0\n";
        let mounts = parse_mounts(list, Path::new("mounts")).unwrap();
        assert_eq!(mounts.iter().map(|mount| mount.is_read_only).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn text_that_is_no_list_of_mounts_is_refused_by_line() {
        for text in ["x", "1 2 3:4 / / rw ext4 /dev/sda rw", "1 2 - ext4 /dev/sda rw", "1 2 3:4 / / rw - "] {
            let error = parse_mountinfo(text, Path::new("mountinfo")).unwrap_err().to_string();
            assert!(error.starts_with("mountinfo: line 1: expected device numbers"), "{error}");
        }
    }

    #[test]
    fn octal_escapes_are_read_and_broken_ones_left_as_they_are() {
        assert_eq!(unescape(r"a\040b\134c\012d"), "a b\\c\nd");
        assert_eq!(unescape(r"a\04"), r"a\04");
        assert_eq!(unescape(r"\999"), r"\999");
        assert_eq!(unescape("ổ\\040đĩa"), "ổ đĩa");
    }

    #[test]
    fn a_recorded_desktop_has_its_three_disks_and_no_packages() {
        let Some(text) = recording("linuxfabrik/fs-ro/all-mounts-healthy-twenty-two-mounts.txt") else {
            return;
        };
        let mounts = parse_mounts(&text, Path::new("mounts")).unwrap();
        let points: Vec<String> = chosen(mounts)
            .iter()
            .map(|mount| mount.split(' ').take(2).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(points, ["/ ext4", "/boot ext4", "/boot/efi vfat"]);
    }
}
