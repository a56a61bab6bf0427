//! Aggregates beside figures that are counted plainly.

use super::*;
use proptest::prelude::*;
use tram_proto::component::{Component, State};
use tram_proto::id::{BootId, CatalogueId, SetDigest};
use tram_proto::report::End;

const KINDS: [Kind; 2] = [Kind::Gauge, Kind::Counter];
const STEP_MS: u64 = 300_000;

fn report(boot_ms: u64, values: [Option<i64>; 2]) -> Report {
    Report {
        boot: BootId([1; 8]),
        boot_ms,
        wall_ms: boot_ms as i64,
        catalogue: CatalogueId([2; 16]),
        values: values.into(),
        set: SetDigest::default(),
        components: None,
        end: None,
        aggregate: None,
    }
}

/// Gathers reports with the numbers that they stand for; those that stay alone come out as they are.
fn gather(reports: &[(Seq, Seq, Report)], step_ms: u64) -> Vec<(Seq, Seq, Report)> {
    let mut out = Vec::new();
    let mut group: Option<(Gathering, (Seq, Seq, Report))> = None;
    let mut end = |group: Option<(Gathering, (Seq, Seq, Report))>| {
        let Some((gathering, alone)) = group else { return };
        out.push(match gathering.finish(&KINDS) {
            Some(Thinned { first, seq, report }) => (first, seq, report),
            None => alone,
        });
    };
    for (first, seq, report) in reports {
        let at_ms = report.wall_ms;
        let left = match &mut group {
            Some((gathering, _)) => gathering.add(*first, *seq, report.clone(), at_ms, &KINDS),
            None => Err(report.clone()),
        };
        if let Err(report) = left {
            end(group.take());
            let alone = (*first, *seq, report.clone());
            group = Some((Gathering::begin(*first, *seq, report, at_ms, step_ms), alone));
        }
    }
    end(group);
    out
}

fn numbered(reports: impl IntoIterator<Item = Report>) -> Vec<(Seq, Seq, Report)> {
    (1..).zip(reports).map(|(seq, report)| (seq, seq, report)).collect()
}

fn spans(gathered: &[(Seq, Seq, Report)]) -> Vec<(Seq, Seq)> {
    gathered.iter().map(|(first, seq, _)| (*first, *seq)).collect()
}

#[test]
fn reports_of_one_step_become_one_and_every_figure_is_right() {
    let values = [[Some(5), Some(100)], [None, Some(130)], [Some(-2), Some(130)], [Some(4), None]];
    let reports = (1..).zip(values).map(|(place, values)| report(place * 15_000, values));
    let gathered = gather(&numbered(reports), STEP_MS);
    assert_eq!(spans(&gathered), [(1, 4)]);
    let thin = &gathered[0].2;
    let aggregate = thin.aggregate.as_deref().unwrap();
    let of = |column: usize| aggregate.gathered(column, thin.values[column]).unwrap();
    assert_eq!(of(0), Gathered { count: 3, min: -2, max: 5, sum: 7, last: 4 });
    assert_eq!((of(1).count, of(1).min, of(1).last), (3, 100, 130), "first and last of a running total");
    assert_eq!((aggregate.since_boot_ms, thin.boot_ms, aggregate.first(4)), (15_000, 60_000, Some(1)));
    assert_eq!(Report::decode(&thin.encode()).as_ref(), Ok(thin), "within the wire's bounds");
}

#[test]
fn what_holds_not_for_all_of_them_begins_another() {
    let plain = |place: u64| report(place * 15_000, [Some(1), Some(place as i64)]);
    let check = |change: fn(&mut Vec<(Seq, Seq, Report)>), expect: &[(Seq, Seq)]| {
        let mut reports = numbered((1..=6).map(plain));
        change(&mut reports);
        assert_eq!(spans(&gather(&reports, STEP_MS)), expect);
    };
    check(|_| {}, &[(1, 6)]);
    check(|reports| drop(reports.remove(2)), &[(1, 2), (4, 6)]);
    check(|reports| reports[3].2.end = Some(End::AgentStop), &[(1, 4), (5, 6)]);
    check(|reports| reports[3].2.catalogue.0[0] = 9, &[(1, 3), (4, 4), (5, 6)]);
    check(|reports| reports[4..].iter_mut().for_each(|one| one.2.boot.0[0] = 9), &[(1, 4), (5, 6)]);
    check(|reports| reports[2..].iter_mut().for_each(|one| one.2.values[1] = Some(0)), &[(1, 2), (3, 6)]);
    check(|reports| reports[2..].iter_mut().for_each(|one| one.2.wall_ms += 300_000), &[(1, 2), (3, 6)]);
    check(|reports| reports[5].2.boot_ms = 1, &[(1, 5), (6, 6)]);
}

#[test]
fn the_last_component_set_stays_if_it_is_the_one_meant() {
    let disk = |id: &str| Component {
        kind: "physical_disk".into(),
        id: id.into(),
        name: String::new(),
        model: String::new(),
        serial: String::new(),
        state: State::Ok,
        reasons: vec![],
        figures: Default::default(),
    };
    let mut reports = numbered((1..=4).map(|place| report(place * 15_000, [Some(1), None])));
    reports[0].2.components = Some(vec![disk("sda")]);
    reports[1].2.components = Some(vec![disk("sdb")]);
    let set = component::digest(&[disk("sdb")]);
    reports[1..].iter_mut().for_each(|one| one.2.set = set);
    let gathered = gather(&reports, STEP_MS);
    assert_eq!(gathered[0].2.components, Some(vec![disk("sdb")]));
    reports[3].2.set = SetDigest([7; 8]);
    assert_eq!(gather(&reports, STEP_MS)[0].2.components, None);
}

#[test]
fn sums_beyond_their_bounds_are_not_made() {
    let huge = (1..=4_000).map(|place| report(place * 70, [Some(limits::VALUE_ABS_MAX), Some(1)]));
    let gathered = gather(&numbered(huge), STEP_MS);
    assert!(gathered.len() >= 4, "{}", gathered.len());
    for (_, _, report) in &gathered {
        assert_eq!(Report::decode(&report.encode()).as_ref(), Ok(report));
    }
}

fn any_reports() -> impl Strategy<Value = Vec<(Seq, Seq, Report)>> {
    let values = (proptest::option::of(-50_i64..50), proptest::option::of(0_i64..40));
    let one = (values, 0_u8..40);
    proptest::collection::vec(one, 1..200).prop_map(|rows| {
        let (mut boot, mut boot_ms, mut total, mut seq) = (1, 0, 0, 0);
        let mut reports = Vec::new();
        for ((level, grown), what) in rows {
            boot_ms += 15_000;
            seq += 1;
            match what {
                0 => (boot, boot_ms, total) = (boot + 1, 5_000, 0),
                1 => total = 0,
                2 => seq += 1,
                _ => {}
            }
            total += grown.unwrap_or(0);
            let mut made = report(boot_ms, [level, grown.map(|_| total)]);
            made.boot.0[0] = boot;
            made.wall_ms = (seq * 15_000) as i64;
            made.end = (what == 3).then_some(End::AgentStop);
            reports.push((seq, seq, made));
        }
        reports
    })
}

proptest! {
    #[test]
    fn no_number_is_lost_and_every_figure_is_right_after_each_step(reports in any_reports()) {
        let fine = gather(&reports, STEP_MS);
        let coarse = gather(&fine, 3_600_000);
        let direct = gather(&reports, 3_600_000);
        for gathered in [&fine, &coarse, &direct] {
            let covered: Vec<Seq> = gathered.iter().flat_map(|(first, seq, _)| *first..=*seq).collect();
            prop_assert_eq!(covered, reports.iter().map(|(seq, _, _)| *seq).collect::<Vec<_>>());
            for (first, seq, report) in gathered {
                let read = Report::decode(&report.encode());
                prop_assert_eq!(read.as_ref(), Ok(report));
                let Some(aggregate) = report.aggregate.as_deref() else { continue };
                prop_assert_eq!(aggregate.first(*seq), Some(*first));
                for (column, kind) in KINDS.iter().enumerate() {
                    let parts = reports.iter().filter(|(part, _, _)| (first..=seq).contains(&part));
                    let plain: Vec<i64> = parts.filter_map(|(_, _, one)| one.values[column]).collect();
                    let found = aggregate.gathered(column, report.values[column]);
                    prop_assert_eq!(found.is_some(), !plain.is_empty());
                    let Some(found) = found else { continue };
                    prop_assert_eq!(found.count as usize, plain.len());
                    prop_assert_eq!(Some(&found.last), plain.last());
                    prop_assert_eq!(Some(&found.max), plain.iter().max());
                    match kind {
                        Kind::Gauge => {
                            prop_assert_eq!(found.sum, plain.iter().sum::<i64>());
                            prop_assert_eq!(Some(&found.min), plain.iter().min());
                        }
                        Kind::Counter => prop_assert_eq!(Some(&found.min), plain.first()),
                    }
                }
            }
        }
    }
}
