//! What `smartctl -j -x` would print of a simulated disk that is about to fail, read by the agent's own code. Knows of no
//! verdict: that is the sensor's.

use crate::fleet::hardware::DiskPart;
use serde_json::{Value, json};
use tram_agent::sensor::smart::{component, drive, parse};
use tram_proto::component::Component;

/// Sectors that a worn disk has put others in place of, and that it cannot read and has not replaced yet.
const REALLOCATED: u64 = 148;
const PENDING: u64 = 24;
/// What is left of a worn drive's spare blocks, and what it should have, in percent.
const SPARE: [u8; 2] = [4, 10];

/// The part that the agent makes of a worn disk.
pub fn worn_disk(disk: &DiskPart) -> Option<Component> {
    let said = if disk.rotational { worn_disk_of_plates(disk) } else { worn_nvme(disk) };
    match parse(&said.to_string()) {
        drive::Answer::Drive(drive) => Some(component::of_drive(&disk.device, &drive)),
        drive::Answer::Unreadable(_) | drive::Answer::Devices(_) | drive::Answer::Asleep => None,
    }
}

/// A SATA disk three years on, whose own verdict still is that all is well, as it often is.
fn worn_disk_of_plates(disk: &DiskPart) -> Value {
    let attribute = |id: u8, name: &str, value: u8, threshold: u8, is_prefail: bool, raw: u64| {
        json!({
            "id": id, "name": name, "value": value, "worst": value, "thresh": threshold, "when_failed": "",
            "flags": {"value": 51, "string": "PO-RCK ", "prefailure": is_prefail},
            "raw": {"value": raw, "string": raw.to_string()},
        })
    };
    let table = [
        attribute(5, "Reallocated_Sector_Ct", 96, 50, true, REALLOCATED),
        attribute(9, "Power_On_Hours", 31, 0, false, 27_840),
        attribute(12, "Power_Cycle_Count", 100, 0, false, 61),
        attribute(194, "Temperature_Celsius", 100, 0, false, 39),
        attribute(197, "Current_Pending_Sector", 100, 0, false, PENDING),
        attribute(198, "Offline_Uncorrectable", 100, 0, false, PENDING),
        attribute(199, "UDMA_CRC_Error_Count", 200, 0, false, 0),
    ];
    json!({
        "json_format_version": [1, 0],
        "smartctl": {"version": [7, 3], "exit_status": 0},
        "device": {"name": format!("/dev/{}", disk.device), "type": "sat", "protocol": "ATA"},
        "model_name": disk.model,
        "serial_number": disk.serial,
        "user_capacity": {"blocks": disk.bytes / 512, "bytes": disk.bytes},
        "rotation_rate": 7_200,
        "smart_support": {"available": true, "enabled": true},
        "smart_status": {"passed": true},
        "ata_smart_attributes": {"revision": 16, "table": table},
        "power_on_time": {"hours": 27_840},
        "power_cycle_count": 61,
        "temperature": {"current": 39},
    })
}

/// An NVMe drive whose spare blocks are used up, which it says itself.
fn worn_nvme(disk: &DiskPart) -> Value {
    let [spare, threshold] = SPARE;
    json!({
        "json_format_version": [1, 0],
        "smartctl": {"version": [7, 3], "exit_status": 8},
        "device": {"name": format!("/dev/{}", disk.device), "type": "nvme", "protocol": "NVMe"},
        "model_name": disk.model,
        "serial_number": disk.serial,
        "user_capacity": {"blocks": disk.bytes / 512, "bytes": disk.bytes},
        "smart_support": {"available": true, "enabled": true},
        "smart_status": {"passed": false, "nvme": {"value": 1}},
        "nvme_smart_health_information_log": {
            "critical_warning": 1, "temperature": 47, "available_spare": spare,
            "available_spare_threshold": threshold, "percentage_used": 103, "data_units_read": 41_870_212,
            "data_units_written": 78_412_904, "power_cycles": 1_204, "power_on_hours": 9_312,
            "unsafe_shutdowns": 87, "media_errors": 0, "num_err_log_entries": 0,
        },
        "power_on_time": {"hours": 9_312},
        "power_cycle_count": 1_204,
        "temperature": {"current": 47},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_proto::component::State;

    #[test]
    fn a_worn_disk_is_judged_by_the_agents_own_sensor_and_stays_the_disk_that_it_is() {
        for (rotational, expected) in [
            (true, vec![format!("reallocated sectors {REALLOCATED}"), format!("pending sectors {PENDING}")]),
            (false, vec!["spare below threshold".to_owned()]),
        ] {
            let (device, serial, bytes) = ("sdb".to_owned(), "S0123".to_owned(), 2_000_398_934_016);
            let disk = DiskPart { device, model: "TOSHIBA MG04ACA200E", serial, bytes, rotational };
            let part = worn_disk(&disk).unwrap();
            let known = (part.id.as_str(), part.model.as_str(), part.serial.as_str());
            assert_eq!(known, ("sdb", disk.model, "S0123"));
            assert_eq!(part.state, State::PredictedFailure);
            assert!(expected.iter().all(|reason| part.reasons.contains(reason)), "{part:?}");
        }
    }
}
