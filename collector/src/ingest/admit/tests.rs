//! Admission: bounds, and one bad report among good ones.

use super::*;
use serde_json::value::RawValue;
use tram_proto::report::{BATCH_VERSION, Framed};
use tram_proto::{id, limits};

fn batch(reports: &[(u64, String)], catalogues: Vec<wire_catalogue::Catalogue>) -> Vec<u8> {
    let raw: Vec<(u64, Box<RawValue>)> =
        reports.iter().map(|(seq, text)| (*seq, RawValue::from_string(text.clone()).unwrap())).collect();
    let batch = Batch {
        v: BATCH_VERSION,
        agent: id::AgentId([1; 16]),
        spool: id::SpoolId([2; 8]),
        floor: 1,
        sent: wire::Moment { boot: id::BootId([3; 8]), boot_ms: 5_000, wall_ms: 0 },
        anchors: vec![],
        catalogues,
        figures: None,
        shut: false,
        gone: vec![],
        reports: raw.iter().map(|(seq, raw)| Framed(*seq, raw)).collect(),
    };
    batch.encode()
}

#[test]
fn a_host_whose_own_limits_keep_its_history_back_asks_for_no_share() {
    let asks = |extra: &str, may| {
        let body = String::from_utf8(batch(&[], vec![])).unwrap();
        let body = body.replacen('{', &format!("{{{extra}"), 1);
        ask(&arrival(body.into_bytes(), 7, |_| true).unwrap(), may).waits
    };
    let waiting = r#""figures":{"pending":9},"#;
    assert!(asks(waiting, true) && !asks(waiting, false) && !asks("", true));
    assert!(!asks(&format!(r#"{waiting}"shut":true,"#), true));
}

fn report(catalogue: id::CatalogueId) -> String {
    let report = Report {
        boot: id::BootId([3; 8]),
        boot_ms: 4_000,
        wall_ms: 0,
        catalogue,
        values: vec![Some(1), None],
        set: id::SetDigest::default(),
        components: None,
        end: None,
        aggregate: None,
    };
    String::from_utf8(report.encode()).unwrap()
}

#[test]
fn one_bad_report_costs_only_itself() {
    let good = report(id::CatalogueId([9; 16]));
    let huge = good.replace("[1,null]", "[9007199254740993,null]");
    let deep = good.replace("[1,null]", &format!("{}1{}", "[".repeat(7), "]".repeat(7)));
    let body = batch(&[(4, good.clone()), (2, huge), (3, "{\"boot\":1}".into()), (5, deep)], vec![]);
    let decoded = arrival(body, 7, |_| true).unwrap();
    let contents: Vec<_> = decoded
        .arrival
        .reports
        .iter()
        .map(|incoming| (incoming.seq, incoming.content.as_ref().err().copied()))
        .collect();
    let expected =
        [(2, Some(Refusal::Limit)), (3, Some(Refusal::Malformed)), (4, None), (5, Some(Refusal::Malformed))];
    assert_eq!(contents, expected);
    let kept = &decoded.arrival.reports[2];
    assert_eq!(&decoded.arrival.body[kept.bytes.clone()], good.as_bytes());
    assert_eq!(kept.crc, crc32fast::hash(good.as_bytes()));
}

#[test]
fn a_catalogue_beyond_its_bounds_refuses_its_own_reports_for_ever() {
    let column = |name: String| wire_catalogue::Column {
        name,
        attributes: Default::default(),
        unit: "1".into(),
        scale: 0,
        kind: wire_catalogue::Kind::Gauge,
    };
    let of = |name: String| wire_catalogue::Catalogue {
        resource: Default::default(),
        columns: vec![column(name.clone()), column(name)],
    };
    let broken = of("x".repeat(10_000));
    let sound = of("<b>\"\n\u{202e}".into());
    let reports = [(1, report(broken.id())), (2, report(sound.id()))];
    let decoded = arrival(batch(&reports, vec![broken, sound.clone()]), 7, |_| false).unwrap();
    assert_eq!(decoded.arrival.reports[0].content, Err(Refusal::Limit));
    assert!(decoded.arrival.reports[1].content.is_ok());
    assert_eq!(decoded.arrival.catalogues.len(), 1);
    let fresh = &decoded.arrival.catalogues[0];
    assert_eq!(fresh.canonical.as_bytes(), sound.canonical_bytes());
    let columns = serde_json::to_string(&sound.columns).unwrap();
    assert_eq!((DECODERS.columns)(&columns).as_deref(), Some(&*fresh.catalogue.columns));
}

#[test]
fn bodies_that_are_no_batch_are_named() {
    for body in [&b""[..], b"garbage", b"{}", b"{\"v\":1", &b"[".repeat(limits::DEPTH_MAX + 1)] {
        assert!(arrival(body.to_vec(), 0, |_| true).is_err(), "{body:?}");
    }
    let not_a_number = batch(&[(1, report(id::CatalogueId([9; 16])))], vec![]);
    let text = String::from_utf8(not_a_number).unwrap();
    for value in ["NaN", "Infinity", "-Infinity"] {
        assert!(
            arrival(text.replace("[1,null]", &format!("[{value},null]")).into_bytes(), 0, |_| true).is_err()
        );
    }
    let infinite = text.replace("[1,null]", "[1e999,null]");
    let decoded = arrival(infinite.into_bytes(), 0, |_| true).unwrap();
    assert_eq!(decoded.arrival.reports[0].content, Err(Refusal::Malformed));
}
