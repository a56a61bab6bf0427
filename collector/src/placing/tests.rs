//! Reports placed on the collector's time line.

use super::*;
use proptest::prelude::*;

const NOON_MS: i64 = 1_795_000_000_000;
const HOUR_MS: u64 = 3_600_000;
const SPOOL: SpoolId = SpoolId([9; 8]);

fn boot(number: u8) -> BootId {
    BootId([number; 8])
}

fn at(boot: BootId, boot_ms: u64, wall_ms: i64) -> Moment {
    Moment { boot, boot_ms, wall_ms }
}

fn contact(sent: Moment, arrived_ms: i64, anchors: &[Anchor]) -> Contact<'_> {
    Contact { sent, arrived_ms, anchors, spool: SPOOL }
}

fn known(number: u8, started_ms: i64, numbers: (u64, u64), spans_ms: (u64, u64)) -> Boot {
    let (estimated, unclean, live) = (false, false, true);
    Boot { boot: boot(number), started_ms, estimated, unclean, live, spool: SPOOL, numbers, spans_ms }
}

#[test]
fn the_sending_boot_is_placed_by_arrival_whatever_the_wall_clock_says() {
    for wall_ms in [0, NOON_MS, 3_800_000_000_000] {
        let contact = contact(at(boot(1), 90_000, wall_ms), NOON_MS, &[]);
        let placed = place(&[], &contact, 7, at(boot(1), 30_000, wall_ms), 30_000);
        assert_eq!(placed, Ok(Placed { at_ms: NOON_MS - 60_000, estimated: false }));
    }
}

#[test]
fn a_delay_of_the_network_does_not_move_a_boot() {
    let boots = [known(1, NOON_MS, (1, 1), (0, 0))];
    let delayed = contact(at(boot(1), 60_000, 0), NOON_MS + 60_400, &[]);
    assert_eq!(start_of(&boots, &delayed, boot(1)), Some(NOON_MS));
    let quicker = contact(at(boot(1), 60_000, 0), NOON_MS + 59_900, &[]);
    assert_eq!(start_of(&boots, &quicker, boot(1)), Some(NOON_MS - 100));
    let stepped = contact(at(boot(1), 60_000, 0), NOON_MS + 75_000, &[]);
    assert_eq!(start_of(&boots, &stepped, boot(1)), Some(NOON_MS + 15_000));
}

#[test]
fn an_anchor_places_an_earlier_boot_exactly() {
    let anchors = [Anchor { boot: boot(1), boot_ms: 10_000, collector_ms: NOON_MS - 500_000 }];
    let contact = contact(at(boot(2), 5_000, 0), NOON_MS, &anchors);
    let placed = place(&[], &contact, 3, at(boot(1), 40_000, 0), 40_000);
    assert_eq!(placed, Ok(Placed { at_ms: NOON_MS - 470_000, estimated: false }));
}

#[test]
fn a_boot_without_contact_is_clamped_between_its_neighbours() {
    // Boot 1 was last heard an hour after its start; boot 3 is sending and began four hours later.
    let boots = [
        known(1, NOON_MS, (1, 100), (0, HOUR_MS)),
        known(3, NOON_MS + 5 * HOUR_MS as i64, (300, 400), (0, HOUR_MS)),
    ];
    let contact = contact(at(boot(3), 2 * HOUR_MS, 0), NOON_MS + 7 * HOUR_MS as i64, &[]);
    let expect = |wall_ms: i64, hours: i64| {
        let placed = place(&boots, &contact, 200, at(boot(2), 2 * HOUR_MS, wall_ms), 3 * HOUR_MS).unwrap();
        assert_eq!(placed, Placed { at_ms: NOON_MS + hours * HOUR_MS as i64, estimated: true }, "{wall_ms}");
    };
    // By the clock itself; in 1970 and in 2090: ends right before boot 3.
    expect(NOON_MS + 3 * HOUR_MS as i64 + 600_000 * 6, 4);
    expect(0, 4);
    expect(3_800_000_000_000, 4);
}

#[test]
fn reports_of_a_boot_without_contact_keep_their_distances_whatever_comes_later() {
    let mut boots = vec![known(3, NOON_MS + 5 * HOUR_MS as i64, (300, 400), (0, HOUR_MS))];
    let contact = contact(at(boot(3), 2 * HOUR_MS, 0), NOON_MS + 7 * HOUR_MS as i64, &[]);
    let last = place(&boots, &contact, 299, at(boot(2), 2 * HOUR_MS, 0), 2 * HOUR_MS).unwrap();
    remember(
        &mut boots,
        Boot { estimated: true, ..known(2, last.at_ms - 2 * HOUR_MS as i64, (299, 299), (0, 0)) },
    );
    // The end of the boot before comes only now, and lies within the place that was given away.
    remember(&mut boots, known(1, NOON_MS, (1, 100), (0, 4 * HOUR_MS)));
    let first = place(&boots, &contact, 200, at(boot(2), HOUR_MS, 0), HOUR_MS).unwrap();
    assert_eq!(last.at_ms - first.at_ms, HOUR_MS as i64);
}

#[test]
fn a_report_from_after_its_sending_cannot_be() {
    let contact = contact(at(boot(1), 1_000, 0), NOON_MS, &[]);
    assert_eq!(place(&[], &contact, 1, at(boot(1), 1_001, 0), 1_001), Err(Impossible));
    assert_eq!(place(&[], &contact, 1, at(boot(2), u64::MAX, 0), u64::MAX), Err(Impossible));
}

#[test]
fn boots_are_kept_in_order_and_bounded() {
    let mut boots = Vec::new();
    for number in 0..20_u8 {
        let started_ms = NOON_MS + i64::from(number) * 1_000;
        remember(&mut boots, known(number, started_ms, (1, 1), (0, 0)));
    }
    assert_eq!(boots.len(), BOOTS_MAX);
    assert_eq!(boots[0].boot, boot(4));
    let before = boots.clone();
    remember(&mut boots, before[3]);
    assert_eq!(boots, before);
}

proptest! {
    #[test]
    fn no_clock_makes_a_report_lie_in_the_future_or_before_its_neighbours(
        wall_ms in any::<i64>(), boot_ms in 0_u64..10 * HOUR_MS, more_ms in 0_u64..HOUR_MS
    ) {
        let boots = [known(1, NOON_MS, (1, 100), (0, HOUR_MS))];
        let arrived_ms = NOON_MS + 20 * HOUR_MS as i64;
        let contact = contact(at(boot(3), 1_000, wall_ms), arrived_ms, &[]);
        let last = boot_ms + more_ms;
        let placed = place(&boots, &contact, 200, at(boot(2), boot_ms, wall_ms), last).unwrap();
        prop_assert!(placed.at_ms <= arrived_ms);
        prop_assert!(placed.at_ms >= NOON_MS + HOUR_MS as i64);
        prop_assert!(placed.estimated);
    }
}
