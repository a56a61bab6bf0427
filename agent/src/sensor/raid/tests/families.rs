//! One short answer in the form of each family of programs, with something wrong in it, and what is made of it.

use super::*;
use proptest::prelude::*;

mod answers;
mod versions;

use answers::*;

/// `kind id` of each part, with its state and reasons.
fn told(answer: &str) -> BTreeMap<String, String> {
    let mut parts = Parts::default();
    let outcome = understand(answer, 0, &mut parts);
    assert!(outcome.is_some(), "not understood: {answer}");
    let line = |part: Component| {
        let state = serde_json::to_string(&part.state).unwrap();
        (
            format!("{} {}", part.kind, part.id),
            format!("{} {}", state.trim_matches('"'), part.reasons.join(", ")),
        )
    };
    parts.finish().into_iter().map(line).collect()
}

fn is(answer: &str, expected: &[(&str, &str)]) {
    let expected: BTreeMap<String, String> =
        expected.iter().map(|(part, state)| ((*part).to_owned(), (*state).to_owned())).collect();
    assert_eq!(told(answer), expected);
}

fn part(answer: &str, id: &str) -> Component {
    let mut parts = Parts::default();
    understand(answer, 0, &mut parts).unwrap().unwrap();
    parts.finish().into_iter().find(|part| part.id == id).unwrap()
}

#[test]
fn storcli_text_is_read_by_the_heads_of_its_tables() {
    is(
        STORCLI_TEXT,
        &[
            ("battery c1/bbu", "ok "),
            ("disk_controller c1", "degraded needs attention"),
            ("logical_disk c1/v0", "degraded degraded, missing member"),
            ("physical_disk c1/e252/s0", "ok "),
            ("physical_disk c1/e252/s2", "failed unconfigured bad, foreign configuration"),
            ("physical_disk c1/e252/s3", "ok hot spare"),
            ("physical_disk c1/s4", "ok "),
        ],
    );
    let disk = part(STORCLI_TEXT, "c1/e252/s0");
    assert_eq!(disk.model, "INTEL SSDSC2KB480G8");
    assert_eq!(disk.figures["size_bytes"], (446.102_f64 * 1024_f64.powi(3)).round());
    let array = part(STORCLI_TEXT, "c1/v0");
    assert_eq!((array.name.as_str(), array.model.as_str()), ("my disk", "RAID1"));
    let controller = part(STORCLI_TEXT, "c1");
    assert_eq!(
        (controller.model.as_str(), controller.serial.as_str()),
        ("AVAGO MegaRAID SAS 9361-8i", "SK00000001")
    );
}

#[test]
fn storcli_json_tells_counts_and_what_wants_replacing() {
    is(
        STORCLI_JSON,
        &[
            ("battery c0/bbu", "failed degraded, replace battery"),
            ("logical_disk c0/v3", "degraded partially degraded"),
            ("logical_disk c0/v4", "degraded rebuilding"),
            ("physical_disk c0/e8/s1", "predicted_failure rebuilding, predictive failure, SMART alert"),
        ],
    );
    let disk = part(STORCLI_JSON, "c0/e8/s1");
    assert_eq!((disk.serial.as_str(), disk.figures["media_errors"]), ("WD-123", 7.0));
    let cut = &STORCLI_JSON[..STORCLI_JSON.len() - 9];
    assert_eq!(understand(cut, 0, &mut Parts::default()), Some(Err("JSON is cut or malformed".into())));
}

#[test]
fn megacli_sections_are_read_one_after_another() {
    is(
        MEGACLI,
        &[
            ("battery c0/bbu", "degraded charging, learning"),
            ("disk_controller c0", "ok degraded array, failed disk"),
            ("logical_disk c0/v0", "degraded partially degraded, write cache off"),
            ("physical_disk c0/e32/s0", "ok "),
            ("physical_disk c0/e32/s2", "degraded rebuilding"),
            ("physical_disk c0/s1", "failed unconfigured bad, foreign configuration"),
        ],
    );
    let sata = part(MEGACLI, "c0/e32/s0");
    assert_eq!((sata.serial.as_str(), sata.model.as_str()), ("WD-WMAY01234567", "WDC WD1003FBYX-18Y7B0"));
    let sas = part(MEGACLI, "c0/s1");
    assert_eq!((sas.serial.as_str(), sas.model.as_str()), ("6SL0ABCD", "SEAGATE ST3600057SS"));
    assert_eq!((sata.figures["media_errors"], sata.figures["other_errors"]), (3.0, 1.0));
}

#[test]
fn ssacli_details_and_lists_are_read() {
    is(
        SSACLI,
        &[
            ("battery slot0/battery", "failed replace battery"),
            ("disk_controller slot0", "degraded cache permanently disabled"),
            ("enclosure slot0/Internal Drive Cage 1I Box 1", "ok "),
            ("logical_disk slot0/l1", "degraded array A failed physical drive, degraded"),
            ("physical_disk slot0/1I:1:1", "predicted_failure predictive failure"),
            ("physical_disk slot0/1I:1:2", "failed failed, timeout"),
        ],
    );
    let disk = part(SSACLI, "slot0/1I:1:1");
    assert_eq!((disk.serial.as_str(), disk.model.as_str()), ("S0M00001", "HP EG0300FCSPH"));
    is(
        SSACLI_LISTS,
        &[
            ("logical_disk slot3/l1", "degraded rebuilding, array A failed"),
            ("logical_disk slot3/l2", "degraded waiting to rebuild, array A failed"),
            ("physical_disk slot3/1I:1:5", "degraded rebuilding"),
            ("physical_disk slot3/1I:1:6", "ok hot spare"),
            ("physical_disk slot3/1I:1:7", "unknown cannot read, unknown state \"Bewitched\""),
        ],
    );
    let array = part(SSACLI_LISTS, "slot3/l1");
    assert_eq!((array.model.as_str(), array.figures["rebuild_progress_ratio"]), ("RAID 6 (ADG)", 0.45));
}

#[test]
fn arcconf_devices_are_known_by_where_they_sit() {
    is(
        ARCCONF,
        &[
            ("battery adaptec0/battery", "ok charging"),
            ("disk_controller adaptec0", "degraded temperature, defunct disk, degraded array"),
            ("enclosure adaptec0/e0", "degraded fan 1 failed"),
            ("logical_disk adaptec0/l0", "degraded degraded, failed stripes, missing member"),
            ("physical_disk adaptec0/ch0/d1", "failed failed"),
            ("physical_disk adaptec0/e0/s4", "predicted_failure SMART warning"),
        ],
    );
    let array = part(ARCCONF, "adaptec0/l0");
    assert_eq!((array.figures["members"], array.figures["members_active"]), (2.0, 1.0));
}

#[test]
fn adapters_without_a_cache_are_read() {
    is(
        IRCU,
        &[
            ("disk_controller ircu1", "ok "),
            ("logical_disk ircu1/v1", "degraded degraded"),
            ("physical_disk ircu1/e0/s0", "failed missing"),
            ("physical_disk ircu1/e1/s4", "ok "),
        ],
    );
    is(
        MPT,
        &[
            ("logical_disk mpt0/v0", "degraded degraded, rebuilding"),
            ("physical_disk mpt0/d0", "failed missing"),
            ("physical_disk mpt0/d1", "degraded out of sync"),
        ],
    );
    is(MVCLI, &[("logical_disk mv/v0", "degraded degraded, rebuilding")]);
    assert_eq!(part(MVCLI, "mv/v0").figures["rebuild_progress_ratio"], 0.07);
}

#[test]
fn tables_of_3ware_and_areca_are_read_by_their_heads() {
    is(
        TW_CLI,
        &[
            ("battery tw6/bbu", "degraded degraded"),
            ("disk_controller tw6", "ok unit not optimal"),
            ("logical_disk tw6/u0", "degraded rebuilding"),
            ("logical_disk tw6/u1", "failed failed"),
            ("physical_disk tw6/p0", "ok "),
            ("physical_disk tw6/p1", "degraded ecc error"),
            ("physical_disk tw6/p2", "predicted_failure predictive failure"),
        ],
    );
    assert_eq!(part(TW_CLI, "tw6/p2").model, "WDC WD5000AAKS");
    is(
        ARECA,
        &[
            ("logical_disk areca/set1", "degraded degraded"),
            ("physical_disk areca/d2", "ok "),
            ("physical_disk areca/d3", "failed failed"),
        ],
    );
    assert_eq!(part(ARECA, "areca/set1").name, "Raid Set # 00");
    assert_eq!(part(ARECA, "areca/d2").model, "ST31500341AS");
}

#[test]
fn cciss_vol_status_is_read_by_its_sentences_and_widths() {
    is(
        CCISS,
        &[
            ("enclosure cciss:c0d0/1E-2", "degraded fan"),
            ("logical_disk cciss:c0d0/l0", "degraded degraded, failed spare"),
            ("physical_disk cciss:c0d0/1I:1:1", "ok "),
        ],
    );
    let disk = part(CCISS, "cciss:c0d0/1I:1:1");
    assert_eq!((disk.model.as_str(), disk.serial.as_str()), ("HP DG072BB975", "3NP3BQ2700009910VW93"));
}

#[test]
fn raid_in_software_is_read() {
    is(
        DMSETUP,
        &[
            ("logical_disk dm/vg-data", "degraded rebuilding"),
            ("logical_disk dm/vg-logs", "degraded missing member"),
            ("logical_disk dm/vg-root", "degraded missing member"),
        ],
    );
    is(DMRAID, &[("logical_disk dmraid/isw_abc_Volume0", "degraded out of sync")]);
    is(LSRAID, &[("logical_disk md2", "degraded failed member hdc3, degraded")]);
    is(MDADM, &[("logical_disk md0", "degraded degraded, rebuilding, failed member")]);
    assert_eq!(part(MDADM, "md0").figures["rebuild_progress_ratio"], 0.28);
    is(
        ZPOOL,
        &[
            ("logical_disk zfs/tank", "degraded degraded, rebuilding"),
            ("physical_disk zfs/tank/sda", "ok "),
            ("physical_disk zfs/tank/sdb", "failed unavail"),
        ],
    );
}

#[test]
fn an_overview_tells_of_controllers_and_their_batteries() {
    is(
        STORCLI_OVERVIEW,
        &[
            ("battery c0/bbu", "degraded missing"),
            ("disk_controller c0", "degraded needs attention, array not optimal"),
            ("disk_controller c1", "ok "),
        ],
    );
}

#[test]
fn a_controller_carries_the_blame_only_where_no_part_of_it_does() {
    let counted = "Adapter #0\nVersions\nVirtual Drives    : 1\n  Degraded        : 1\n";
    is(counted, &[("disk_controller c0", "degraded degraded array")]);
}

const ANSWERS: &[&str] = &[
    STORCLI_TEXT,
    STORCLI_JSON,
    STORCLI_OVERVIEW,
    MEGACLI,
    SSACLI,
    SSACLI_LISTS,
    ARCCONF,
    IRCU,
    TW_CLI,
    ARECA,
    CCISS,
    MPT,
    MVCLI,
    DMSETUP,
    DMRAID,
    LSRAID,
    MDADM,
    ZPOOL,
];

proptest! {
    #[test]
    fn a_torn_answer_makes_no_family_panic_and_keeps_the_bounds(
        which in 0..ANSWERS.len(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..60,
        piece in prop::sample::select(vec!["", " ", "\n", ":", "=", "(", "99999999999999999999999", "-1", "NaN", "ạ", "\0", "{"]),
    ) {
        let characters: Vec<char> = ANSWERS[which].chars().collect();
        let from = from.index(characters.len());
        let until = (from + length).min(characters.len());
        let torn: String =
            characters[..from].iter().copied().chain(piece.chars()).chain(characters[until..].iter().copied()).collect();
        for family in tools::FAMILIES {
            let mut parts = Parts::default();
            family(&torn, 1, &mut parts);
            let parts: Vec<Component> = parts.finish();
            prop_assert_eq!(tram_proto::component::check(&parts), Ok(()));
        }
    }

    #[test]
    fn noise_makes_no_family_panic(text in ".{0,300}") {
        for family in tools::FAMILIES {
            family(&text, 1, &mut Parts::default());
        }
    }
}
