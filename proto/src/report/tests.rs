//! Reports and batches: golden files, bounds, and whatever bytes there are.

use super::*;
use crate::catalogue::{Attributes, Column, Kind};
use crate::component::State;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn sample_report() -> Report {
    Report {
        boot: BootId([1; 8]),
        boot_ms: 123_456,
        wall_ms: 1_795_000_000_000,
        catalogue: CatalogueId([2; 16]),
        values: vec![Some(1), None, Some(-3)],
        set: SetDigest([3; 8]),
        components: None,
        end: None,
        aggregate: None,
    }
}

fn batch_of(reports: &str) -> String {
    let head = r#"{"v":1,"agent":"00000000000000000000000000000001","spool":"0000000000000002","floor":1"#;
    let sent = r#""sent":{"boot":"0101010101010101","at":5,"wall":6}"#;
    format!("{head},{sent},\"reports\":[{reports}]}}")
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v1").join(name)
}

#[test]
fn golden_batch_of_version_1_decodes_for_ever() {
    let bytes = std::fs::read(golden("batch.json")).unwrap();
    let batch = Batch::decode(&bytes).unwrap();
    assert_eq!(batch.reports.len(), 3);
    assert_eq!(batch.catalogues.len(), 1);
    let catalogue = &batch.catalogues[0];
    assert_eq!(catalogue.check(), Ok(()));
    assert_eq!(catalogue.id().to_string(), "638e849c2379fdad3e4d82cf6e836aa4");
    let reports: Vec<Report> =
        batch.reports.iter().map(|framed| Report::decode(framed.1.get().as_bytes()).unwrap()).collect();
    assert!(reports.iter().all(|report| report.catalogue == catalogue.id()));
    assert!(reports.iter().all(|report| report.values.len() == catalogue.columns.len()));
    let components = reports[0].components.as_deref().unwrap();
    assert_eq!(crate::component::digest(components), reports[0].set);
    assert_eq!(reports[2].end, Some(End::HostShutdown));
}

#[test]
fn golden_ack_and_policy_of_version_1_decode_for_ever() {
    let ack: crate::ack::Ack = serde_json::from_slice(&std::fs::read(golden("ack.json")).unwrap()).unwrap();
    assert_eq!(ack.durable.as_slice(), [(1, 2), (5, 5)]);
    assert_eq!(ack.refused, [crate::ack::Refused::new(3, crate::ack::Reason::UnknownCatalogue)]);
    let policy: crate::policy::Policy =
        serde_json::from_slice(&std::fs::read(golden("policy.json")).unwrap()).unwrap();
    assert_eq!(policy.check(), Ok(()));
    assert_eq!(policy.sample_interval_s, Some(15));
}

#[test]
fn golden_aggregate_of_version_1_decodes_for_ever() {
    let bytes = std::fs::read(golden("batch_aggregate.json")).unwrap();
    let batch = Batch::decode(&bytes).unwrap();
    assert_eq!((batch.gone.as_slice(), batch.figures.unwrap().thinned), (&[(21, 23)][..], 20));
    let Framed(seq, text) = batch.reports[0];
    let report = Report::decode(text.get().as_bytes()).unwrap();
    let aggregate = report.aggregate.as_deref().unwrap();
    assert_eq!((aggregate.first(seq), seq), (Some(1), 20));
    let of = |column: usize| aggregate.gathered(column, report.values[column]).unwrap();
    let gathered = |count, min, max, sum, last| crate::aggregate::Gathered { count, min, max, sum, last };
    assert_eq!(of(0), gathered(19, 100, 9_000, 28_500, 1_500));
    assert_eq!((of(1).min, of(1).last), (5_000_000_000, 5_000_090_000));
    assert_eq!(Report::decode(&report.encode()), Ok(report));
    let plain = Report::decode(batch.reports[1].1.get().as_bytes()).unwrap();
    assert_eq!(plain.aggregate, None);
}

#[test]
fn golden_budget_and_hours_of_version_1_decode_for_ever() {
    let ack: crate::ack::Ack =
        serde_json::from_slice(&std::fs::read(golden("ack_budget.json")).unwrap()).unwrap();
    assert_eq!(ack.history_bytes_per_minute, Some(12_000));
    assert_eq!(ack.refused, [crate::ack::Refused::new(60, crate::ack::Reason::Overlap)]);
    let policy: crate::policy::Policy =
        serde_json::from_slice(&std::fs::read(golden("policy_hours.json")).unwrap()).unwrap();
    assert_eq!(policy.check(), Ok(()));
    assert_eq!((policy.history_hours[0].from_minute, policy.history_hours[1].to_minute), (1_020, 60));
}

#[test]
fn what_is_written_is_read_back_unchanged() {
    let report = Report {
        components: Some(vec![Component {
            kind: "physical_disk".into(),
            id: "sda".into(),
            name: "Ổ đĩa \"hệ thống\"\n<b>\u{202e}".into(),
            model: String::new(),
            serial: "S1".into(),
            state: State::PredictedFailure,
            reasons: vec!["reallocated sectors grow".into()],
            figures: [("reallocated_count".to_owned(), 12.5)].into(),
        }]),
        end: Some(End::AgentStop),
        ..sample_report()
    };
    assert_eq!(Report::decode(&report.encode()), Ok(report));
}

#[test]
fn one_bad_report_leaves_its_neighbours_readable() {
    let good = String::from_utf8(sample_report().encode()).unwrap();
    let body = batch_of(&format!("[1,{good}],[2,{{\"boot\":7}}],[3,{good}]"));
    let batch = Batch::decode(body.as_bytes()).unwrap();
    let readable: Vec<bool> =
        batch.reports.iter().map(|framed| Report::decode(framed.1.get().as_bytes()).is_ok()).collect();
    assert_eq!(readable, [true, false, true]);
}

#[test]
fn values_that_are_no_finite_integers_are_refused() {
    let good = String::from_utf8(sample_report().encode()).unwrap();
    for value in ["NaN", "Infinity", "1e999", "9007199254740993", "-9007199254740993", "1.5", "\"1\""] {
        let bad = good.replace("[1,null,-3]", &format!("[{value},null,-3]"));
        assert!(Report::decode(bad.as_bytes()).is_err(), "{value}");
    }
}

#[test]
fn bounds_stop_a_list_before_it_is_built() {
    let many = vec!["[1,0]"; limits::REPORTS_PER_BATCH_MAX + 1].join(",");
    let error = Batch::decode(batch_of(&many).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("a list longer than 1024"), "{error}");
    let deep = format!("[1,{}{}]", "[".repeat(50), "]".repeat(50));
    assert_eq!(Batch::decode(batch_of(&deep).as_bytes()).unwrap_err(), WireError::Depth);
    let later = batch_of("").replace("\"v\":1", "\"v\":2");
    assert_eq!(Batch::decode(later.as_bytes()).unwrap_err(), WireError::Version { got: 2, known: 1 });
    let turned = batch_of("").replace("\"v\":1", "\"v\":1,\"gone\":[[5,4]]");
    assert!(Batch::decode(turned.as_bytes()).is_err());
    let below = batch_of("[1,0]").replace("\"floor\":1", "\"floor\":2");
    assert!(Batch::decode(below.as_bytes()).is_err());
}

#[test]
fn unknown_fields_of_a_later_release_are_passed_over() {
    let body = batch_of("").replace("\"v\":1", "\"v\":1,\"added_later\":{\"x\":[1,2]}");
    assert!(Batch::decode(body.as_bytes()).is_ok());
}

fn any_column() -> impl Strategy<Value = Column> {
    let text = "[a-zA-Zạộ\"<\\\\\u{202e}]{1,12}";
    (text, proptest::collection::btree_map(text, text, 0..3), 0_u8..=9, any::<bool>()).prop_map(
        |(name, attributes, scale, counter)| Column {
            name,
            attributes: attributes.into_iter().collect(),
            unit: "1".into(),
            scale,
            kind: if counter { Kind::Counter } else { Kind::Gauge },
        },
    )
}

proptest! {
    #[test]
    fn every_catalogue_keeps_its_id_over_the_wire(columns in proptest::collection::vec(any_column(), 0..20)) {
        let catalogue = Catalogue { resource: Attributes::new(), columns };
        let read: Catalogue = serde_json::from_slice(&catalogue.canonical_bytes()).unwrap();
        prop_assert_eq!(read.id(), catalogue.id());
        prop_assert_eq!(read, catalogue);
    }

    #[test]
    fn every_report_round_trips(
        boot_ms in any::<u64>(), wall_ms in any::<i64>(),
        values in proptest::collection::vec(proptest::option::of(-limits::VALUE_ABS_MAX..=limits::VALUE_ABS_MAX), 0..60),
    ) {
        let report = Report { boot_ms, wall_ms, values, ..sample_report() };
        prop_assert_eq!(Report::decode(&report.encode()), Ok(report));
    }
}
