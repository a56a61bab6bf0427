//! File systems: space of the volumes that have a drive letter and cannot be pulled out. Network drives belong to people,
//! not to the host, and are asked where they are.

use super::refused;
use crate::sensor::filesystem::mounts::Mount;
use crate::sensor::filesystem::{probe, samples};
use crate::sensor::globs::Globs;
use crate::sensor::{NoData, Paths, Reading, Sensor};
use std::path::Path;
use winsafe::co::DRIVE;
use winsafe::{GetDriveType, GetLogicalDriveStrings, GetVolumeInformation};

/// The sensor.
#[derive(Debug)]
pub(super) struct Filesystem {
    types_excluded: Globs,
    mount_points_excluded: Globs,
}

impl Filesystem {
    /// With globs of types (`NTFS`, written small) and of volumes (`D:`) to leave out.
    pub(super) fn new(types_excluded: Globs, mount_points_excluded: Globs) -> Self {
        Self { types_excluded, mount_points_excluded }
    }
}

impl Sensor for Filesystem {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        let drives = GetLogicalDriveStrings().map_err(|error| refused("volumes", error))?;
        let fixed = drives.iter().filter(|drive| GetDriveType(Some(drive)) == DRIVE::FIXED);
        let counted = fixed.filter_map(|drive| Some((drive, self.mount(drive)?)));
        let samples: Vec<_> =
            counted.flat_map(|(drive, mount)| samples(&mount, probe::space(Path::new(drive)))).collect();
        if samples.is_empty() { Err(NoData::Absent) } else { Ok(Reading { samples, components: vec![] }) }
    }
}

impl Filesystem {
    /// What a drive such as `C:\` is called; none where it is left out.
    fn mount(&self, drive: &str) -> Option<Mount> {
        let mut kind = String::new();
        GetVolumeInformation(Some(drive), None, None, None, None, Some(&mut kind)).ok()?;
        let (kind, point) = (kind.to_lowercase(), drive.trim_end_matches('\\').to_owned());
        let is_out = self.types_excluded.matches(&kind) || self.mount_points_excluded.matches(&point);
        (!is_out).then(|| Mount { device: point.clone(), root: "/".into(), point, kind, ..Mount::default() })
    }
}
