//! What older and newer versions of the programs print otherwise than the answers beside this.

use super::{is, part};

#[test]
fn ssacli_tells_the_state_behind_the_brackets_when_asked_for_it_alone() {
    is(
        "Smart Array P222 in Slot 2
   Controller Status: OK
   logicaldrive 1 (931.48 GB, RAID 1): OK
   logicaldrive 2 (2.7 TB, RAID 6 (ADG)): Interim Recovery Mode
   physicaldrive 2I:0:1 (port 2I:box 0:bay 1, 1 TB): OK
   physicaldrive 2I:0:2 (port 2I:box 0:bay 2, 1 TB): Failed
",
        &[
            ("disk_controller slot2", "ok "),
            ("logical_disk slot2/l1", "ok "),
            ("logical_disk slot2/l2", "degraded degraded"),
            ("physical_disk slot2/2I:0:1", "ok "),
            ("physical_disk slot2/2I:0:2", "failed failed"),
        ],
    );
}

#[test]
fn ssacli_warns_of_media_errors_between_a_controller_and_its_values() {
    is(
        "HPE Smart Array P816i-a SR Gen10 in Slot 0 (Embedded)


Warning: Unrecoverable Media Errors Detected on Drives during previous Rebuild
or Background Surface Analysis (ARM) scan. Errors will be fixed automatically
when the sector(s) are overwritten. Backup and Restore are recommended. The
following logical drives are affected: 4, 5

   Bus Interface: PCI
   Controller Status: OK
   Cache Status: OK
",
        &[("disk_controller slot0", "degraded unrecoverable media errors")],
    );
}

#[test]
fn a_cache_of_solid_state_disks_without_a_state_is_not_unknown() {
    is(
        "Adapter 0 -- Virtual Drive Information:
Virtual Drive: 0 (Target Id: 0)
State               : Optimal
CacheCade Virtual Drive: 1 (Target Id: 1)
Virtual Drive Type: CacheCade
Name:cachecade0
Size:512.0 GB

Exit Code: 0x00
",
        &[("logical_disk c0/v0", "ok ")],
    );
}

#[test]
fn a_list_of_disks_that_names_the_adapter_tells_nothing_of_it() {
    is(
        "Adapter: 0
Product Name: Intel(R) RAID Controller SRCSAS144E
BBU: Present
Serial No: P000000001
Virtual Disk: 0 (Target Id: 0)
State: Optimal
Physical Disk: 0
Enclosure Device ID: 252
Slot Number: 4
Firmware state: Online
Exit Code: 0x00
",
        &[("logical_disk c0/v0", "ok "), ("physical_disk c0/e252/s4", "ok ")],
    );
}

#[test]
fn a_battery_that_charges_is_not_operational_and_has_not_failed() {
    let state = |charging: &str, replace: &str| {
        let answer = format!(
            "BBU status for Adapter: 0\nBatteryType: iBBU08\nBattery State : Non Operational\n\
             Charging Status : {charging}\nLearn Cycle Active : No\nBattery Replacement required : {replace}\n\
             Exit Code: 0x00\n"
        );
        super::told(&answer).remove("battery c0/bbu").unwrap()
    };
    assert_eq!(state("Charging", "No"), "degraded charging");
    assert_eq!(state("None", "No"), "failed failed");
    assert_eq!(state("Charging", "Yes"), "failed charging, replace battery");
}

#[test]
fn arcconf_of_smart_controllers_has_other_headings_and_words() {
    is(
        "Controllers found: 1
Controller information
   Controller Status                               : Optimal
   Cache Properties
   Cache Status                                    : Temporarily Disabled
   Green Backup Information
   Backup Power Status                             : Ok
   Hardware Error                                  : Supercap short
Array Information
Array Number 0
   Status                                          : Ok
Logical device information
Logical Device number 0
   Status of Logical Device                        : Optimal
Physical Device information
   Channel #0:
      Device #0
         Device is a Hard drive
         State                                     : Auto Replace Hot-Spare
         Reported Location                         : Enclosure 0, Slot 3(Connector 0:I)
      Device #1
         Device is a Hard drive
         State                                     : Online
         Reported Location                         : Enclosure 0, Slot 4(Connector 0:I)
         56 Day Warning Present                    : True
      Device #2
         Device is a Hard drive
         State                                     : Online
         Reported Location                         : Enclosure 0, Slot 5(Connector 0:I)
         S.M.A.R.T.                                : Yes
",
        &[
            ("battery adaptec0/battery", "degraded supercap short"),
            ("disk_controller adaptec0", "ok write cache off"),
            ("logical_disk adaptec0/l0", "ok "),
            ("physical_disk adaptec0/e0/s3", "ok hot spare"),
            ("physical_disk adaptec0/e0/s4", "predicted_failure worn out"),
            ("physical_disk adaptec0/e0/s5", "predicted_failure SMART warning"),
        ],
    );
}

#[test]
fn mvcli_has_two_words_for_a_virtual_disk_and_other_banners() {
    let pair =
        "SG driver version 3.5.36.\nVirtual Disk Information\nid: 0\nstatus: functional\nBlock ids: 0 4\n";
    is(&format!("{pair}VD status: optimal\n"), &[("logical_disk mv/v0", "ok ")]);
    is(&format!("{pair}VD status: degraded\n"), &[("logical_disk mv/v0", "degraded degraded")]);
    let old = "Welcome to Marvell RAID Command Line Interface.\n> info -o BLK\nBlock Information\nBlock id: 0\nPD id: 2\n\
         VD id: 0\nBlock status: assigned\n";
    is(old, &[("physical_disk mv/d2", "ok ")]);
}

#[test]
fn a_few_media_errors_are_a_figure_and_many_speak_against_a_disk() {
    let disk = |errors: u32| {
        format!(
            "Adapter #0\nEnclosure Device ID: 32\nSlot Number: 1\nMedia Error Count: {errors}\nFirmware state: Online\n"
        )
    };
    is(&disk(8), &[("physical_disk c0/e32/s1", "ok ")]);
    is(&disk(94), &[("physical_disk c0/e32/s1", "degraded unrecoverable media errors")]);
}

#[test]
fn unknown_words_stay_unknown_in_pieces_too() {
    let state = |word: &str| {
        let answer = format!("Adapter #0\nSlot Number: 1\nFirmware state: {word}\n");
        super::told(&answer).remove("physical_disk c0/s1").unwrap()
    };
    assert_eq!(state("Unconfigured(bad), Spun Up"), "failed failed");
    assert_eq!(state("Bewitched, Spun Up"), "unknown cannot read, unknown state \"Bewitched, Spun Up\"");
}

#[test]
fn cciss_vol_status_pads_the_number_of_the_bay_since_1_12() {
    let line = "         connector 1I box 1 bay 1                  HP      EG0900FCVBL                          S0N200000000K50600AA     HPD9 OK";
    let answer = format!(
        "/dev/sda: (Smart Array P420i) RAID 1(1+0) Volume 0 status: OK. \n  Physical drives: 1\n{line}\n"
    );
    is(&answer, &[("logical_disk sda/l0", "ok "), ("physical_disk sda/1I:1:1", "ok ")]);
    assert_eq!(part(&answer, "sda/1I:1:1").serial, "S0N200000000K50600AA");
}

#[test]
fn storcli_2_calls_the_state_of_its_capacitor_a_status() {
    let pack = |status: &str| {
        format!(
            "CLI Version = 008.0004.0000.0022\nController = 0\nStatus = Success\n\nEnergy Pack Info :\n=====\n\n-----\n\
             Type     SubType Voltage(mV) Temperature(C) Status\n-----\n\
             Supercap FBU345         9000             26 {status}\n-----\n"
        )
    };
    is(&pack("Optimal"), &[("battery c0/bbu", "ok ")]);
    is(&pack("Critical"), &[("battery c0/bbu", "failed failed")]);
}

#[test]
fn storcli_2_has_other_columns_in_its_overview() {
    let row = "0    Some 24G RAID w/4GB 0X52CF RAID        Optimal     1     1     0 Critical X1";
    let answer = format!(
        "CLI Version = 008.0011.0000.0014\nStatus = Success\n\nSystem Overview :\n=====\n\n-----\n\
         Ctrl Product Name SASAddress Personality Status PD(s) VD(s) VNOpt EPack SerialNumber\n-----\n{row}\n-----\n"
    );
    is(&answer, &[("battery c0/bbu", "failed failed"), ("disk_controller c0", "ok ")]);
}
