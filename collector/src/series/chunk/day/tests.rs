//! Forms of columns: what they save, and that they give back what was put in, odd values and all.

use super::{pack, unpack};
use crate::series::chunk::{DAY_VERSION, FIRST_DAY_VERSION, decode, encode_day};
use proptest::prelude::*;

/// A day of a sample every five minutes.
const ROWS: i64 = 288;

fn times() -> Vec<i64> {
    // A clock that is a second late now and then.
    (0..ROWS).map(|row| 1_376_314_846_000 + row * 300_000 + row / 23 * 1_000).collect()
}

fn noise(seed: i64, below: i64) -> impl Iterator<Item = i64> {
    (0..ROWS).map(move |row| (((row + 7) * seed * 2_654_435_761) >> 9).rem_euclid(below))
}

fn size(columns: &[Vec<Option<i64>>]) -> usize {
    let packed = encode_day([7; 16], &times(), columns, &[]).unwrap();
    let chunk = decode(&packed, |_| true).unwrap();
    assert_eq!(chunk.times_ms, times());
    for (cells, values) in chunk.columns.iter().zip(columns) {
        let got: Vec<_> = (0..values.len()).map(|row| cells.at(row)).collect();
        assert_eq!(&got, values);
    }
    packed.len()
}

fn some(values: impl Iterator<Item = i64>) -> Vec<Option<i64>> {
    values.map(Some).collect()
}

fn thirds(count: i64) -> i64 {
    (count as f64 * 1e9 / 15.0).round() as i64
}

#[test]
fn a_clock_that_is_late_now_and_then_costs_next_to_nothing() {
    assert!(size(&[]) < 33 + 60, "{}", size(&[]));
}

#[test]
fn means_of_whole_numbers_cost_what_the_whole_numbers_do() {
    let whole = size(&[some(noise(3, 50))]);
    let means = size(&[some(noise(3, 50).map(thirds))]);
    assert!(means < whole + 12, "{means}, whole numbers {whole}");
    let mut odd = some(noise(3, 50).map(thirds));
    (odd[5], odd[100]) = (Some(123_456_789), Some(-4));
    assert!(size(&[odd.clone()]) < means + 40, "two values that are no such means: {}", size(&[odd]));
    odd[7] = None;
    assert!(size(&[odd.clone()]) < means + 50, "and one that is missing: {}", size(&[odd]));
}

#[test]
fn few_numbers_cost_about_what_they_tell() {
    // Eight kinds of values, none more likely than another, that begin at a million: three bits each.
    let values = noise(11, 8).map(|value| 1_000_000 + value);
    let packed = size(&[some(values)]) - size(&[]);
    assert!(packed < 288 * 3 / 8 + 45, "{packed}");
    // One in 32 is a one: 0.2 bits each.
    let packed = size(&[some(noise(13, 32).map(|value| i64::from(value == 0)))]) - size(&[]);
    assert!(packed < 288 / 5 / 8 + 25, "{packed}");
}

#[test]
fn a_column_that_two_others_make_costs_next_to_nothing() {
    let share = || noise(3, 50);
    let capacity = |row: i64| 2_599_999_309 + row / 100 * 17;
    let used =
        (0..ROWS).zip(share()).map(|(row, share)| (share as f64 * capacity(row) as f64 / 1.5).round() as i64);
    let two = [some(share().map(thirds)), some((0..ROWS).map(capacity))];
    let three = [two[0].clone(), some(used), two[1].clone()];
    assert!(size(&three) < size(&two) + 20, "{}, without it {}", size(&three), size(&two));
    let twice = some(noise(5, 1_000).map(|value| 2 * value));
    let once = some(noise(5, 1_000));
    assert!(size(&[twice, once.clone()]) < size(&[once]) + 20);
    let one = decode(&encode_day([7; 16], &times(), &three, &[]).unwrap(), |place| place == 1).unwrap();
    assert_eq!(one.columns[1].at(99), three[1][99], "the others are read for it");
}

/// As the release before wrote it: two columns of which one is told by a sum, one that stays, one without values, and
/// two with gaps.
const OF_FIRST_VERSION: &str = "02070707070707070707070707070707072800000006000000ba00000073f790500401022881a90300000000\
    00100101800000000000000040000400602d000000000000002ea8b99a3d2f0200022c10610200599bffffffffffff2fc0683300000000000006\
    000000000000000080c8c1ecb7d6bf0002812010000509010001808080808001010e0004430c0106010601060106010601041001018001000000\
    000000400401000000000000800002040608190e10121416351c1e202224512a2c2e30326d383a3c3e408946484a030b0904050405040504050409";

#[test]
fn a_chunk_of_the_first_version_is_read() {
    let hex: Vec<u8> = OF_FIRST_VERSION.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = hex.chunks(2).map(digits).collect();
    assert_eq!((bytes[0], DAY_VERSION), (FIRST_DAY_VERSION, FIRST_DAY_VERSION + 1));
    let chunk = decode(&bytes, |_| true).unwrap();
    assert_eq!(chunk.times_ms, (0..40).map(|row| 1_795_000_000_000 + row * 15_000).collect::<Vec<_>>());
    for row in 0..40_i64 {
        let used = (row * 3 * 2_654_435_761) >> 7 & 0xfff;
        let expect = [
            Some(used),
            Some((1 << 34) - used),
            Some(7),
            None,
            (row % 7 != 0).then_some(row * row),
            (row % 9 > 3).then_some(-5),
        ];
        let got: Vec<_> = chunk.columns.iter().map(|cells| cells.at(row as usize)).collect();
        assert_eq!(got, expect, "row {row}");
    }
}

/// Columns of the kinds that have forms of their own.
fn column() -> impl Strategy<Value = Vec<Option<i64>>> {
    let rows = || prop::collection::vec(any::<Option<i8>>(), 60);
    let odd = || prop::collection::vec((0..60_usize, any::<i64>()), 0..9);
    (rows(), odd(), 1..=9_u32, 1..=400_i64, -3..=3_i64, any::<bool>()).prop_map(
        |(rows, odd, digits, parts, step, is_full)| {
            let whole = 10_i64.pow(digits);
            let value = |(place, count): (usize, &Option<i8>)| {
                let count = if is_full { Some(count.unwrap_or(5)) } else { *count };
                count.map(|count| (i64::from(count) + step * place as i64) * whole / parts)
            };
            let mut values: Vec<_> = rows.iter().enumerate().map(value).collect();
            odd.into_iter().for_each(|(place, value)| values[place] = Some(value));
            values
        },
    )
}

proptest! {
    #[test]
    fn columns_of_any_kind_come_back(one in column(), second in column(), by in -9_i64..9, parts in 1_i64..9) {
        let product = one.iter().zip(&second).map(|(one, second)| {
            Some(one.unwrap_or(0).wrapping_mul(second.unwrap_or(1)).wrapping_mul(by) / parts)
        });
        let columns = vec![product.collect(), one, second];
        let times: Vec<i64> = (0..60).map(|row| row * 1_000 + row / 9).collect();
        let body = pack(&times, &columns, &[vec![0, 1]]).unwrap();
        let (found, cells) = unpack(&body, (60, 3), &|_| true).unwrap();
        prop_assert_eq!(found, times);
        for (cells, values) in cells.iter().zip(&columns) {
            let got: Vec<_> = (0..60).map(|row| cells.at(row)).collect();
            prop_assert_eq!(&got, values);
        }
    }

    #[test]
    fn a_spoilt_body_never_panics(
        one in column(), second in column(),
        spoil in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let product = one.iter().map(|one| Some(one.unwrap_or(0).wrapping_mul(2))).collect();
        let times: Vec<i64> = (0..60).map(|row| row * 1_000).collect();
        let mut body = pack(&times, &[product, one, second], &[]).unwrap();
        for (place, byte) in &spoil {
            let place = place.index(body.len());
            body[place] = *byte;
        }
        if let Ok((times, _)) = unpack(&body, (60, 3), &|_| true) {
            prop_assert_eq!(times.len(), 60);
        }
    }
}
