//! File systems: space, inodes, whether read-only. Mounts from `/proc/self/mountinfo`, figures from statvfs.
//!
//! Owns which mounts count (see [`mounts`]) and that one which hangs, as a dead server's network mount does, holds up
//! nothing but itself (see [`probe`]).

pub mod mounts;
pub mod probe;

use crate::sensor::globs::Globs;
use crate::sensor::sample::{SCALE_WHOLE, gauge, rounded_size};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, source};
use mounts::Mount;
use probe::{Answer, Probes, Space};
use std::path::{Path, PathBuf};
use tram_proto::sample as names;

/// File systems that hold nothing of their own: the kernel's views, memory, images of packages, desktops' portals, and
/// layers of containers. The root is reported whatever its type.
pub const TYPES_EXCLUDED: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup*",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fuse.snapfuse",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nfsd",
    "nsfs",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
    "udf",
];

/// Places where containers, packages and sessions mount what is counted elsewhere.
pub const MOUNT_POINTS_EXCLUDED: &[&str] = &[
    "/dev",
    "/dev/*",
    "/proc",
    "/proc/*",
    "/sys",
    "/sys/*",
    "/run/credentials/*",
    "/run/docker/*",
    "/run/user/*",
    "/snap/*",
    "/var/lib/containers/storage/*",
    "/var/lib/docker/*",
    "/var/lib/kubelet/*",
    "/var/lib/snapd/*",
    "/var/snap/*",
];

/// File systems whose figures come from another machine or another program, and may never come.
const TYPES_THAT_MAY_HANG: &[&str] =
    &["9p", "afs", "ceph", "cifs", "davfs", "fuse*", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb*"];

/// The sensor.
#[derive(Debug)]
pub struct Filesystem {
    types_excluded: Globs,
    mount_points_excluded: Globs,
    may_hang: Globs,
    probes: Probes,
}

impl Filesystem {
    /// With globs of types and mount points to leave out.
    pub fn new(types_excluded: Globs, mount_points_excluded: Globs) -> Self {
        let may_hang = Globs::known(TYPES_THAT_MAY_HANG);
        Self { types_excluded, mount_points_excluded, may_hang, probes: Probes::default() }
    }
}

impl Sensor for Filesystem {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let mounts = mounts::select(read_mounts(paths)?, &self.types_excluded, &self.mount_points_excluded);
        if mounts.is_empty() {
            return Err(NoData::Absent);
        }
        let (remote, local): (Vec<Mount>, Vec<Mount>) =
            mounts.into_iter().partition(|mount| self.may_hang.matches(&mount.kind));
        let place = |mount: &Mount| below(&paths.rootfs, &mount.point);
        self.probes.begin(remote.iter().map(place));
        let mut samples: Vec<Sample> =
            local.iter().flat_map(|mount| samples(mount, probe::space(&place(mount)))).collect();
        let answers = self.probes.finish();
        for mount in &remote {
            match answers.get(&place(mount)) {
                Some(Answer::Space(space)) => samples.extend(self::samples(mount, *space)),
                Some(Answer::Hung) | None => {
                    samples.extend(self::samples(mount, None));
                    samples.push(hung(mount));
                }
            }
        }
        Ok(Reading { samples, components: vec![] })
    }
}

/// Kernels that hide mountinfo still have the older list.
fn read_mounts(paths: &Paths) -> Result<Vec<Mount>, NoData> {
    let info = paths.procfs.join("self/mountinfo");
    if let Ok(text) = source::text(&info) {
        return mounts::parse_mountinfo(&text, &info);
    }
    let list = paths.procfs.join("mounts");
    mounts::parse_mounts(&source::text(&list)?, &list)
}

fn below(root: &Path, point: &str) -> PathBuf {
    root.join(point.trim_start_matches('/'))
}

/// Samples of one mount. Without figures the columns stay and have no values, so that the report's shape does not change;
/// whether it is read-only, the list itself tells.
pub(in crate::sensor) fn samples(mount: &Mount, space: Option<Space>) -> Vec<Sample> {
    let on = [(names::MOUNTPOINT, mount.point.as_str()), (names::FILESYSTEM_TYPE, mount.kind.as_str())];
    let of = |name: &str, unit: &str, state: &str, value: Option<f64>| {
        gauge(name, unit, SCALE_WHOLE, &[on[0], on[1], (names::FILESYSTEM_STATE, state)], value)
    };
    let value = |field: fn(&Space) -> u64| space.as_ref().map(|space| field(space) as f64);
    let size = |field: fn(&Space) -> u64| {
        space.as_ref().map(|space| rounded_size(field(space) as f64, space.size_bytes as f64))
    };
    let read_only = mount.is_read_only || space.is_some_and(|space| space.read_only);
    let mut samples = vec![
        of(names::FILESYSTEM_USAGE, "By", "used", size(|space| space.used_bytes)),
        of(names::FILESYSTEM_USAGE, "By", "free", size(|space| space.free_bytes)),
        gauge(names::FILESYSTEM_LIMIT, "By", SCALE_WHOLE, &on, value(|space| space.size_bytes)),
        gauge(names::FILESYSTEM_READ_ONLY, "1", SCALE_WHOLE, &on, Some(f64::from(u8::from(read_only)))),
    ];
    // btrfs, vfat and most network file systems do not count inodes.
    if let Some((used, free)) = space.and_then(|space| space.inodes) {
        samples.push(of(names::FILESYSTEM_INODES, "{inode}", "used", Some(used as f64)));
        samples.push(of(names::FILESYSTEM_INODES, "{inode}", "free", Some(free as f64)));
    }
    samples
}

/// This mount alone is stale; the sensor is not.
fn hung(mount: &Mount) -> Sample {
    let attributes = [(names::SENSOR, "filesystem"), (names::MOUNTPOINT, mount.point.as_str())];
    gauge(names::SENSOR_STATE, "1", SCALE_WHOLE, &attributes, Some(2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::testing::values;

    fn sensor() -> Filesystem {
        Filesystem::new(Globs::known(TYPES_EXCLUDED), Globs::known(MOUNT_POINTS_EXCLUDED))
    }

    #[test]
    fn every_default_glob_is_one() {
        for list in [TYPES_EXCLUDED, MOUNT_POINTS_EXCLUDED, TYPES_THAT_MAY_HANG] {
            assert_eq!(Globs::parse(list).unwrap().len(), list.len());
        }
    }

    #[test]
    fn the_root_of_the_host_that_runs_this_test_is_read() {
        let values = values(&sensor().read(&Paths::default()).unwrap());
        let root = |name: &str, state: &str| {
            let found = values.iter().find(|(key, _)| {
                key.starts_with(&format!("{name}{{system.filesystem.mountpoint=/,")) && key.contains(state)
            });
            found.and_then(|(_, value)| *value).unwrap()
        };
        let (used, free) =
            (root(names::FILESYSTEM_USAGE, "state=used"), root(names::FILESYSTEM_USAGE, "state=free"));
        let size = root(names::FILESYSTEM_LIMIT, "");
        assert!(used > 0.0 && used + free <= size, "{used} + {free} of {size}");
    }

    #[test]
    fn a_mount_that_has_no_answer_has_no_values_and_is_marked() {
        let mount = Mount { point: "/srv/nfs".into(), kind: "nfs4".into(), ..Mount::default() };
        let mut samples = samples(&mount, None);
        samples.push(hung(&mount));
        let values = values(&Reading { samples, components: vec![] });
        let stale = "tram.sensor.state{system.filesystem.mountpoint=/srv/nfs,tram.sensor=filesystem}";
        assert_eq!(values[stale], Some(2.0));
        let is_listed = |key: &str| key == stale || key.starts_with(names::FILESYSTEM_READ_ONLY);
        assert!(values.iter().all(|(key, value)| is_listed(key) || value.is_none()));
    }

    #[test]
    fn a_list_of_mounts_that_is_none_is_refused_by_name() {
        let procfs = tempfile::tempdir().unwrap();
        std::fs::write(procfs.path().join("mounts"), "gobbledygook not-a-mount-line\n").unwrap();
        let paths = Paths { procfs: procfs.path().to_owned(), ..Paths::default() };
        let error = sensor().read(&paths).unwrap_err().to_string();
        assert!(error.ends_with("mounts: line 1: expected device, mount point, type and options"), "{error}");
    }
}
