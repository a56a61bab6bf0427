//! Counters of modules, of rows and of the recorded tree; rates over a day.

use super::*;
use crate::sensor::testing::values;
use std::fs;

fn write(folder: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(folder).unwrap();
    for (file, text) in files {
        fs::write(folder.join(file), format!("{text}\n")).unwrap();
    }
}

fn module(corrected: f64) -> Count {
    Count { id: "mc0/dimm0".into(), corrected: Some(corrected), is_module: true, ..Count::default() }
}

fn state(edac: &mut Edac, corrected: f64, uptime_s: f64) -> State {
    edac.parse(&[module(corrected)], Some(uptime_s)).components[0].state
}

#[test]
fn modules_are_parts_with_label_and_size_and_empty_slots_are_none() {
    let sys = tempfile::tempdir().unwrap();
    let controller = sys.path().join("devices/system/edac/mc/mc0");
    write(&controller, &[("ce_count", "3"), ("ue_count", "1"), ("ue_noinfo_count", "0")]);
    let (label, size) = ("dimm_label", "size");
    write(
        &controller.join("dimm0"),
        &[(label, "CPU_A1"), (size, "16384"), ("dimm_ce_count", "3"), ("dimm_ue_count", "0")],
    );
    write(
        &controller.join("dimm1"),
        &[(label, "CPU_A2"), (size, "16384"), ("dimm_ce_count", "0"), ("dimm_ue_count", "1")],
    );
    write(
        &controller.join("dimm2"),
        &[(label, ""), (size, "0"), ("dimm_ce_count", "0"), ("dimm_ue_count", "0")],
    );
    write(&controller.join("csrow0"), &[("ce_count", "3"), ("ue_count", "1")]);
    let counts = read(sys.path()).unwrap();
    let reading = Edac::default().parse(&counts, Some(100.0));
    let parts: Vec<_> =
        reading.components.iter().map(|part| (part.id.as_str(), part.name.as_str(), part.state)).collect();
    assert_eq!(parts, [("mc0/dimm0", "CPU_A1", State::Ok), ("mc0/dimm1", "CPU_A2", State::Failed)]);
    assert_eq!(reading.components[0].figures["capacity_bytes"], 17_179_869_184.0);
    let values = values(&reading);
    assert_eq!(values["hw.errors{error.type=corrected,hw.id=mc0/dimm0,hw.name=CPU_A1}"], Some(3.0));
    assert_eq!(values["hw.errors{error.type=uncorrected,hw.id=mc0}"], Some(1.0));
}

#[test]
fn errors_of_a_row_are_against_each_module_that_it_spans_and_unplaced_ones_against_the_controller() {
    let sys = tempfile::tempdir().unwrap();
    let controller = sys.path().join("devices/system/edac/mc/mc0");
    write(&controller, &[("ce_count", "0"), ("ue_count", "2"), ("ue_noinfo_count", "1")]);
    let row = [
        ("ce_count", "0"),
        ("ue_count", "1"),
        ("ch0_ce_count", "0"),
        ("ch0_dimm_label", "A1"),
        ("ch1_ce_count", "0"),
    ];
    write(&controller.join("csrow0"), &row);
    let reading = Edac::default().parse(&read(sys.path()).unwrap(), None);
    let parts: Vec<_> =
        reading.components.iter().map(|part| (part.id.as_str(), part.reasons.join(","))).collect();
    let row = "uncorrectable errors in its row";
    let own = "uncorrectable errors";
    assert_eq!(
        parts,
        [("mc0", own.into()), ("mc0/csrow0/ch0", row.into()), ("mc0/csrow0/ch1", row.to_owned())]
    );
}

#[test]
fn ten_corrected_errors_a_day_are_many_and_old_ones_are_history() {
    let day = 86_400.0;
    assert_eq!(state(&mut Edac::default(), 9.0, 3_600.0), State::Ok);
    assert_eq!(state(&mut Edac::default(), 10.0, 3_600.0), State::Degraded);
    assert_eq!(state(&mut Edac::default(), 900.0, 100.0 * day), State::Ok);
    assert_eq!(state(&mut Edac::default(), 1_000.0, 100.0 * day), State::Degraded);
    let mut edac = Edac::default();
    for hour in 0..48 {
        state(&mut edac, 1_000.0, 100.0 * day + f64::from(hour) * 3_600.0);
    }
    assert_eq!(state(&mut edac, 1_000.0, 102.0 * day), State::Ok);
    assert_eq!(state(&mut edac, 1_011.0, 102.0 * day), State::Degraded);
    // After a reset only what came since is known.
    assert_eq!(state(&mut edac, 2.0, 102.1 * day), State::Ok);
}

#[test]
fn a_host_without_counters_has_none() {
    assert!(matches!(read(Path::new("/nonexistent")), Err(NoData::Absent)));
}
