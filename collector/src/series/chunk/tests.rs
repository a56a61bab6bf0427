//! Chunks: round trips in both forms, and whatever bytes there are.

use super::*;
use proptest::prelude::*;

fn same(bytes: &[u8], times_ms: &[i64], columns: &[Vec<Option<i64>>]) {
    let chunk = decode(bytes, |_| true).unwrap();
    assert_eq!((chunk.catalogue, &chunk.times_ms[..]), ([7; 16], times_ms));
    assert_eq!(chunk.columns.len(), columns.len());
    for (cells, values) in chunk.columns.iter().zip(columns) {
        let got: Vec<_> = (0..values.len()).map(|row| cells.at(row)).collect();
        assert_eq!(&got, values);
    }
}

/// Packs and unpacks in both forms; the bytes of the hour's.
fn round_trip(times_ms: &[i64], columns: &[Vec<Option<i64>>]) -> Vec<u8> {
    let bytes = encode([7; 16], times_ms, columns).unwrap();
    same(&bytes, times_ms, columns);
    let groups = [(0..columns.len()).collect(), vec![0, columns.len()], vec![]];
    same(&encode_day([7; 16], times_ms, columns, &groups).unwrap(), times_ms, columns);
    bytes
}

fn an_hour() -> (Vec<i64>, Vec<Vec<Option<i64>>>) {
    let times: Vec<i64> = (0..240).map(|row| 1_795_000_000_000 + row * 15_000).collect();
    let load = |seed: i64| (0..240).map(move |row| Some((row * row * seed) % 97)).collect();
    let constant = |value: i64| vec![Some(value); 240];
    (
        times,
        vec![
            load(3),
            constant(16 << 30),
            load(7),
            vec![None; 240],
            (0..240).map(|row| Some(row * 512)).collect(),
        ],
    )
}

#[test]
fn an_hour_round_trips_and_constants_cost_next_to_nothing() {
    let (times, columns) = an_hour();
    let bytes = round_trip(&times, &columns);
    let with_constants: Vec<_> = columns.iter().cloned().chain(vec![vec![Some(1); 240]; 50]).collect();
    assert!(round_trip(&times, &with_constants).len() < bytes.len() + 50);
}

#[test]
fn extremes_round_trip() {
    let times = [i64::MIN, -1, 0, 0, i64::MAX];
    let column = vec![Some(i64::MAX), Some(i64::MIN), None, Some(0), Some(i64::MAX)];
    round_trip(&times, &[column]);
    round_trip(&[], &[]);
    round_trip(&[], &[vec![]]);
    round_trip(&[5], &[vec![None]]);
    round_trip(&[5, 5], &[vec![None, Some(1)], vec![Some(1), None]]);
}

#[test]
fn columns_that_are_not_wanted_come_back_empty() {
    let (times, columns) = an_hour();
    for bytes in
        [encode([0; 16], &times, &columns).unwrap(), encode_day([0; 16], &times, &columns, &[]).unwrap()]
    {
        let chunk = decode(&bytes, |place| place == 2).unwrap();
        assert_eq!(chunk.columns.iter().filter(|cells| **cells != Cells::Empty).count(), 1);
        assert_eq!(chunk.columns[2].at(5), columns[2][5]);
    }
}

#[test]
fn a_column_that_the_others_of_its_group_tell_costs_next_to_nothing() {
    let noise = |seed: i64| (0..2_000_i64).map(move |row| (row * seed * 2_654_435_761) >> 7 & 0xfff);
    let (used, cached): (Vec<i64>, Vec<i64>) = (noise(3).collect(), noise(5).collect());
    let free = used.iter().zip(&cached).map(|(used, cached)| Some((1 << 34) - used - cached)).collect();
    let some = |values: Vec<i64>| values.into_iter().map(Some).collect::<Vec<_>>();
    let columns = vec![some(used), free, some(cached)];
    let times: Vec<i64> = (0..2_000).map(|row| row * 15_000).collect();
    let alone = encode_day([7; 16], &times, &columns, &[]).unwrap();
    let grouped = encode_day([7; 16], &times, &columns, &[vec![0, 1, 2]]).unwrap();
    assert!(grouped.len() < alone.len() * 7 / 10, "{} of {}", grouped.len(), alone.len());
    same(&grouped, &times, &columns);
    let wanted = decode(&grouped, |place| place == 1).unwrap();
    assert_eq!(wanted.columns[1].at(99), columns[1][99], "the others are read for it");
}

#[test]
fn more_than_a_chunk_may_have_is_not_packed() {
    assert_eq!(encode([0; 16], &vec![0; ROWS_MAX + 1], &[]), None);
    assert_eq!(encode_day([0; 16], &vec![0; DAY_ROWS_MAX + 1], &[], &[]), None);
    assert_eq!(encode([0; 16], &[0], &vec![vec![None]; COLUMNS_MAX + 1]), None);
    assert_eq!(encode([0; 16], &[0, 1], &[vec![None]]), None, "a column shorter than the times");
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let (times, columns) = an_hour();
    for bytes in
        [encode([9; 16], &times, &columns).unwrap(), encode_day([9; 16], &times, &columns, &[]).unwrap()]
    {
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 0x10;
            assert!(decode(&flipped, |_| true).is_err(), "byte {place}");
            assert!(decode(&bytes[..place], |_| true).is_err(), "cut at {place}");
        }
    }
}

/// A chunk whose checksum is right, whatever else is wrong with it.
fn sealed_hour(rows: u32, columns: u32, raw_bytes: u32, raw: &[u8]) -> Vec<u8> {
    let packed = zstd::bulk::compress(raw, 3).unwrap();
    sealed(HOUR_VERSION, [0; 16], [rows, columns, raw_bytes].map(|number| number as usize), &packed)
}

#[test]
fn bounds_are_checked_before_anything_is_unpacked() {
    let check = |bytes: Vec<u8>, expect: DamagedChunk| assert_eq!(decode(&bytes, |_| true), Err(expect));
    check(sealed_hour(u32::MAX, 1, 0, &[]), DamagedChunk::Bound("rows"));
    check(sealed_hour(1, u32::MAX, 0, &[]), DamagedChunk::Bound("columns"));
    check(sealed_hour(1, 1, u32::MAX, &[]), DamagedChunk::Bound("raw bytes"));
    check(sealed_hour(4_096, 4_096, 0, &[]), DamagedChunk::Bound("rows"));
    check(sealed_hour(1, 1, 8, &[0; 1 << 20]), DamagedChunk::Packed);
    check(sealed_hour(1, 1, 3, &[2, 9, 1]), DamagedChunk::Raw("a column"));
    check(sealed_hour(1, 1, 3, &[2, 0, 0]), DamagedChunk::Raw("its end"));
    check(sealed(DAY_VERSION, [0; 16], [1 << 17, 1, 0], &[]), DamagedChunk::Bound("rows"));
    check(sealed(DAY_VERSION, [0; 16], [1 << 15, 1 << 15, 0], &[]), DamagedChunk::Bound("rows"));
    check(vec![], DamagedChunk::Short);
    check(vec![DAY_VERSION + 1; 64], DamagedChunk::Version(DAY_VERSION + 1));
}

fn rows() -> impl Strategy<Value = Vec<(i64, Option<i64>, Option<i64>, i64)>> {
    prop::collection::vec(
        (any::<i64>(), any::<Option<i64>>(), prop::option::of(-5_i64..5), -9_i64..9),
        0..200,
    )
}

proptest! {
    #[test]
    fn whatever_is_packed_is_unpacked(rows in rows()) {
        let times: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let columns = vec![
            rows.iter().map(|row| row.1).collect(),
            rows.iter().map(|row| row.2).collect(),
            rows.iter().map(|row| Some(row.3)).collect(),
            rows.iter().map(|row| Some(1_000 - row.3 * 3)).collect(),
        ];
        round_trip(&times, &columns);
        let groups = [vec![2, 3], vec![0, 1]];
        same(&encode_day([7; 16], &times, &columns, &groups).unwrap(), &times, &columns);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decode(&bytes, |_| true).is_err());
    }

    #[test]
    fn garbage_under_a_right_checksum_never_panics(
        rows in 0_u32..70, columns in 0_u32..9, raw in prop::collection::vec(any::<u8>(), 0..300)
    ) {
        if let Ok(chunk) = decode(&sealed_hour(rows, columns, raw.len() as u32, &raw), |_| true) {
            prop_assert_eq!(chunk.times_ms.len(), rows as usize);
            prop_assert_eq!(chunk.columns.len(), columns as usize);
        }
    }

    #[test]
    fn a_spoilt_day_under_a_right_checksum_never_panics(
        rows in rows(), spoil in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let times: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let columns = vec![rows.iter().map(|row| row.1).collect(), rows.iter().map(|row| Some(row.3)).collect()];
        let mut bytes = encode_day([7; 16], &times, &columns, &[]).unwrap();
        let body = &mut bytes[HEADER_BYTES..];
        spoil.iter().for_each(|(place, byte)| body[place.index(body.len())] = *byte);
        let spoilt = sealed(DAY_VERSION, [7; 16], [times.len(), columns.len(), body.len()], body);
        if let Ok(chunk) = decode(&spoilt, |_| true) {
            prop_assert_eq!(chunk.times_ms.len(), times.len());
        }
    }
}
