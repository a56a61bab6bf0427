//! What `status` says of history that waits: until when, how much of it goes, and why. Text only.

use super::Say;
use crate::status::{Paced, Status};
use crate::system;
use crate::uplink::history::Shut;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 1_440;

pub(super) fn words(status: &Status, say: Say) -> Vec<String> {
    match (&status.shut, &status.paced) {
        (Some(shut), _) => vec![shut_words(shut, say)],
        (None, Some(paced)) => vec![paced_words(paced, say)],
        (None, None) => vec![],
    }
}

fn paced_words(paced: &Paced, say: Say) -> String {
    let Paced { reports, bytes_per_minute, is_shared } = paced;
    match (bytes_per_minute, is_shared) {
        (0, _) => say.of(
            format!("Dữ liệu cũ ({reports} báo cáo) chờ đến lượt: đường truyền của địa điểm đang dành cho máy khác"),
            format!("History ({reports} reports) waits for its turn: the site's uplink is for others now"),
        ),
        (bytes, true) => say.of(
            format!("Dữ liệu cũ ({reports} báo cáo) đang gửi, tối đa {bytes} byte mỗi phút: phần trung tâm chia cho"),
            format!("History ({reports} reports) goes, at most {bytes} bytes a minute: its share of the site's uplink"),
        ),
        (bytes, false) => say.of(
            format!("Dữ liệu cũ ({reports} báo cáo) đang gửi, tối đa {bytes} byte mỗi phút: [limits] của máy này"),
            format!("History ({reports} reports) goes, at most {bytes} bytes a minute: this host's own [limits]"),
        ),
    }
}

fn shut_words(shut: &Shut, say: Say) -> String {
    let why = match (shut.by_policy, shut.by_limits) {
        (true, false) => say.of("giờ gửi theo chính sách", "the policy's hours for it"),
        (false, true) => {
            say.of("giờ gửi theo [limits] của máy này", "this host's own hours for it, in [limits]")
        }
        (true, true) | (false, false) => say.of(
            "giờ gửi theo chính sách và theo [limits] của máy này",
            "the hours for it of both the policy and this host's [limits]",
        ),
    };
    let reports = shut.reports;
    match shut.until_ms {
        Some(until_ms) => {
            let (hour, minute, zone) = time_of_day(until_ms, system::local_offset_s(until_ms / 1_000));
            say.of(
                format!("Dữ liệu cũ ({reports} báo cáo) chờ đến {hour:02}:{minute:02}{zone}: {why}"),
                format!("History ({reports} reports) waits until {hour:02}:{minute:02}{zone}: {why}"),
            )
        }
        None => say.of(
            format!("Dữ liệu cũ ({reports} báo cáo) không được gửi: {why} không có phút chung"),
            format!("History ({reports} reports) is never sent: {why} have no minute in common"),
        ),
    }
}

/// The time of day where this host is, or in UTC when it is not known where that is, which is said then.
fn time_of_day(at_ms: i64, offset_s: Option<i32>) -> (i64, i64, &'static str) {
    let local_ms = at_ms + i64::from(offset_s.unwrap_or(0)) * 1_000;
    // The minute after which it has begun.
    let minutes = local_ms.div_euclid(MINUTE_MS) + i64::from(local_ms.rem_euclid(MINUTE_MS) > 0);
    let of_day = minutes.rem_euclid(DAY_MINUTES);
    (of_day / 60, of_day % 60, if offset_s.is_some() { "" } else { " UTC" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_the_place_where_it_is_known() {
        assert_eq!(time_of_day(17 * 3_600_000, Some(7 * 3_600)), (0, 0, ""));
        assert_eq!(time_of_day(17 * 3_600_000 + 1, Some(-3_600)), (16, 1, ""));
        assert_eq!(time_of_day(-60_000, None), (23, 59, " UTC"));
    }
}
