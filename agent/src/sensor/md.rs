//! Software RAID, from `/proc/mdstat` and `/sys/block/md*/md`: arrays, and the disks that were put out of one. Owns what
//! an array's state means; cheap enough to be read with every report. Controllers are another sensor's.

pub mod mdstat;
mod sysfs;

use crate::sensor::md::mdstat::{Array, Role};
use crate::sensor::sample::{SCALE_FRACTION, gauge};
use crate::sensor::{NoData, Paths, Reading, Sample, Sensor, part, source};
use crate::tree::tree;
use std::collections::BTreeMap;
use std::path::Path;
use tram_proto::component::{Component, State};
use tram_proto::sample as names;

/// The sensor.
#[derive(Debug, Default)]
pub struct Md {
    /// Whether arrays were found before: then a text that is none makes those arrays unknown, else something has to
    /// stand for them.
    has_found: bool,
}

impl Sensor for Md {
    fn name(&self) -> &'static str {
        "md"
    }

    fn read(&mut self, paths: &Paths) -> Result<Reading, NoData> {
        let path = paths.procfs.join("mdstat");
        let told = match path.exists() {
            true => source::text(&path).and_then(|text| mdstat::parse(&text, &path)).map(Some),
            false => Ok(None),
        };
        let seen = sysfs::arrays(&paths.sysfs);
        let arrays = match told {
            Ok(Some(told)) => joined(told, seen),
            Ok(None) => seen,
            Err(error) if self.has_found => return Err(error),
            Err(error) => {
                let unread = part::unreadable("logical_disk", "mdstat", &error.to_string());
                return Ok(Reading { samples: vec![], components: vec![unread] });
            }
        };
        let arrays: Vec<Array> = arrays.into_iter().filter(|array| !array.is_container).collect();
        if arrays.is_empty() {
            return Err(NoData::Absent);
        }
        self.has_found = true;
        let mut components: Vec<Component> = arrays.iter().map(judge).collect();
        components.extend(failed_disks(&arrays, &paths.sysfs));
        Ok(Reading { samples: arrays.iter().filter_map(progress).collect(), components })
    }
}

/// What `/proc/mdstat` tells of each array, completed by `/sys` where that speaks of the same array.
fn joined(told: Vec<Array>, seen: Vec<Array>) -> Vec<Array> {
    let mut seen: BTreeMap<String, Array> = tree(seen.into_iter().map(|array| (array.name.clone(), array)));
    let complete = |mut array: Array| {
        // A recorded `/proc` beside this host's own `/sys` is not one host.
        let same = seen.remove(&array.name).filter(|other| {
            let has = |name: &str| other.members.iter().any(|member| member.name == name);
            array.members.iter().all(|member| has(&member.name))
        });
        if let Some(other) = same {
            array.uuid = other.uuid;
            array.mismatches = other.mismatches;
            if other.state == "broken" {
                array.state = other.state;
            }
        }
        array
    };
    told.into_iter().map(complete).collect()
}

/// An array as a part, with what speaks against it.
fn judge(array: &Array) -> Component {
    let mut part = part::new("logical_disk", &array.name);
    part.model = crate::sensor::sample::clean(&array.level);
    part.serial = crate::sensor::sample::clean(&array.uuid);
    match array.state.as_str() {
        "active" | "clean" | "readonly" | "read-auto" | "active-idle" | "write-pending" | "suspended" => {}
        "inactive" | "broken" | "clear" => part::mark(&mut part, State::Failed, &array.state),
        _ => {
            part::mark(&mut part, State::Unknown, part::CANNOT_READ);
            part::mark(&mut part, State::Unknown, &format!("state \"{}\"", array.state));
        }
    }
    judge_members(&mut part, array);
    judge_action(&mut part, array);
    let count = |role: Role| array.members.iter().filter(|member| member.role == role).count() as f64;
    part::figure(&mut part, "members", array.wanted.map(f64::from).or(Some(count(Role::Active))));
    part::figure(&mut part, "members_active", array.working.map(f64::from).or(Some(count(Role::Active))));
    part::figure(&mut part, "members_failed", Some(count(Role::Faulty)));
    part::figure(&mut part, "members_spare", Some(count(Role::Spare)));
    part::figure(&mut part, "size_bytes", array.size_bytes);
    part::figure(&mut part, "mismatch_sectors", array.mismatches);
    part
}

fn judge_members(part: &mut Component, array: &Array) {
    match array.wanted.zip(array.working) {
        Some((wanted, working)) if working < wanted => {
            let missing = wanted - working;
            match missing > tolerated(&array.level, wanted) {
                true => part::mark(part, State::Failed, "more members missing than it can lose"),
                false => part::mark(part, State::Degraded, "degraded"),
            }
            part::mark(part, State::Degraded, "missing member");
        }
        Some(_) => {}
        // The kernel counts the members of every running array that can lose one.
        None if tolerated(&array.level, u32::MAX) > 0 && array.state != "inactive" => {
            part::mark(part, State::Unknown, part::CANNOT_READ);
            part::mark(part, State::Unknown, "members not told");
        }
        None => {}
    }
    for member in array.members.iter().filter(|member| member.role == Role::Faulty) {
        let state = if tolerated(&array.level, u32::MAX) == 0 { State::Failed } else { State::Degraded };
        part::mark(part, state, &format!("failed member {}", member.name));
    }
}

/// Members that an array of this level can be without.
fn tolerated(level: &str, wanted: u32) -> u32 {
    match level {
        "raid4" | "raid5" => 1,
        "raid6" => 2,
        "raid1" | "raid10" | "multipath" => wanted.saturating_sub(1),
        _ => 0,
    }
}

fn judge_action(part: &mut Component, array: &Array) {
    let Some(action) = &array.action else { return };
    // A member that still works is being replaced by another: nothing is missing meanwhile.
    let is_replacing = array.members.iter().any(|member| member.role == Role::Replacement);
    match action.word.as_str() {
        "recovery" if is_replacing && array.wanted == array.working => {
            part::mark(part, State::Ok, "replacing member");
        }
        "recovery" => part::mark(part, State::Degraded, "rebuilding"),
        "resync" if array.working < array.wanted => part::mark(part, State::Degraded, "waiting to rebuild"),
        word => part::quote(part, State::Ok, word),
    }
}

/// Share done of what an array is busy with. An array that can rebuild has it always, mostly without a value, so that a
/// report's shape stays.
fn progress(array: &Array) -> Option<Sample> {
    let value = array.action.as_ref().and_then(|action| action.progress);
    let can_rebuild = tolerated(&array.level, u32::MAX) > 0;
    let attributes = [(names::HW_ID, array.name.as_str())];
    can_rebuild.then(|| gauge(names::RAID_PROGRESS, "1", SCALE_FRACTION, &attributes, value))
}

/// Whole disks whose parts were put out of an array because they failed.
fn failed_disks(arrays: &[Array], sysfs: &Path) -> Vec<Component> {
    let mut disks: BTreeMap<String, Component> = BTreeMap::new();
    for array in arrays {
        for member in array.members.iter().filter(|member| member.role == Role::Faulty) {
            let Some(name) = whole_disk(&member.name, sysfs) else { continue };
            let disk = disks.entry(name.clone()).or_insert_with(|| part::new("physical_disk", &name));
            part::mark(disk, State::Failed, &format!("failed in {}", array.name));
        }
    }
    disks.into_values().collect()
}

/// The disk that a member is, or is a partition of; none for what is no disk, such as device mapper's.
fn whole_disk(member: &str, sysfs: &Path) -> Option<String> {
    let device = sysfs.join("class/block").join(member);
    if device.join("partition").exists() {
        let parent = std::fs::canonicalize(&device).ok()?.parent().map(source::name);
        return parent.filter(|name| !name.is_empty());
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if ["sd", "hd", "vd", "xvd"].iter().any(|prefix| member.starts_with(prefix)) {
        return Some(member.trim_end_matches(|character: char| character.is_ascii_digit()).to_owned());
    }
    if ["nvme", "mmcblk"].iter().any(|prefix| member.starts_with(prefix)) {
        let whole = member.rsplit_once('p').filter(|(_, number)| digits(number)).map(|(whole, _)| whole);
        return Some(whole.unwrap_or(member).to_owned());
    }
    None
}

#[cfg(test)]
mod tests;
