//! The room for work in hand: the one bound of what agents have sent and the collector has not answered.
//!
//! Everything between a request's head and its answer counts: bodies being read, what was read of them, what waits for
//! the writer, the window in the making. What does not fit is sent away before it is read. History may not take all of
//! it, so that what is current always comes in. Those who are sent away are told to come back one after another. Knows no
//! HTTP and no clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a request counts for besides its body: its task, its buffers, its answer.
pub const REQUEST_BYTES: usize = 8 << 10;
/// A body that takes more than this is history.
const LARGE_BYTES: usize = 256 << 10;
/// The soonest that somebody who was sent away comes back, seconds.
const RETRY_MIN_S: u64 = 5;
/// The latest that they are asked to.
const RETRY_MAX_S: u64 = 120;
/// How far apart they are told to come back, microseconds: 500 a second.
const RETRY_GAP_US: u64 = 2_000;
const SECOND_US: u64 = 1_000_000;

/// There is no room now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// The room, and who was sent away from it.
#[derive(Debug)]
pub struct Room {
    bytes_max: usize,
    bytes: AtomicUsize,
    requests: AtomicUsize,
    sent_away: AtomicU64,
    /// When the last of those who were sent away is to be back, microseconds of the caller's clock.
    last_back_us: AtomicU64,
}

impl Room {
    /// Room for so many bytes.
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            bytes: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            sent_away: AtomicU64::new(0),
            last_back_us: AtomicU64::new(0),
        })
    }

    /// Takes room for a request whose body has so many bytes.
    pub fn take(self: &Arc<Self>, body_bytes: usize) -> Result<Held, NoRoom> {
        let mut held = Held { room: Arc::clone(self), bytes: 0 };
        self.requests.fetch_add(1, Ordering::Relaxed);
        held.hold(body_bytes)?;
        Ok(held)
    }

    /// In how many seconds somebody who is sent away now is to come back.
    pub fn retry_s(&self, now_us: u64) -> u64 {
        self.sent_away.fetch_add(1, Ordering::Relaxed);
        let soonest_us = now_us + RETRY_MIN_S * SECOND_US;
        let latest_us = now_us + RETRY_MAX_S * SECOND_US;
        let next = |last_us: u64| (last_us + RETRY_GAP_US).clamp(soonest_us, latest_us);
        let last_us =
            self.last_back_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        let back_us = last_us.map_or(soonest_us, next);
        (back_us - now_us).div_ceil(SECOND_US)
    }

    /// Bytes that are taken.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Requests that are in it.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many were sent away.
    pub fn sent_away(&self) -> u64 {
        self.sent_away.load(Ordering::Relaxed)
    }
}

/// A request's part of the room; given back with this value.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Held {
    /// Holds this much for the body from now on, instead of what was held for it.
    pub fn hold(&mut self, body_bytes: usize) -> Result<(), NoRoom> {
        let bytes = REQUEST_BYTES.saturating_add(body_bytes);
        let all = &self.room.bytes;
        if bytes <= self.bytes {
            all.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        } else {
            let more = bytes - self.bytes;
            let bytes_max =
                if body_bytes > LARGE_BYTES { self.room.bytes_max / 4 * 3 } else { self.room.bytes_max };
            let fits = |taken: usize| taken.checked_add(more).filter(|taken| *taken <= bytes_max);
            all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map_err(|_| NoRoom)?;
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.room.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_sent_away_and_what_is_answered_makes_room() {
        let room = Room::new(3 * REQUEST_BYTES);
        let mut first = room.take(REQUEST_BYTES).unwrap();
        assert_eq!(room.take(1).unwrap_err(), NoRoom);
        assert_eq!(
            (room.bytes(), room.requests()),
            (2 * REQUEST_BYTES, 1),
            "one that was refused holds nothing"
        );
        first.hold(2 * REQUEST_BYTES).unwrap();
        assert_eq!(first.hold(2 * REQUEST_BYTES + 1), Err(NoRoom));
        first.hold(0).unwrap();
        let _second = room.take(REQUEST_BYTES).unwrap();
        drop(first);
        assert_eq!((room.bytes(), room.requests()), (2 * REQUEST_BYTES, 1));
    }

    #[test]
    fn history_leaves_room_for_what_is_current() {
        let room = Room::new(16 << 20);
        let history: Vec<Held> = std::iter::from_fn(|| room.take(1 << 20).ok()).collect();
        assert_eq!(history.len(), 11, "three quarters");
        assert!((0..100).map(|_| room.take(20 << 10)).collect::<Result<Vec<Held>, NoRoom>>().is_ok());
    }

    #[test]
    fn two_thousand_who_are_sent_away_together_come_back_apart() {
        let room = Room::new(0);
        let now_us = 77 * SECOND_US;
        let mut back = vec![0; 200];
        (0..2_000).for_each(|_| back[room.retry_s(now_us) as usize] += 1);
        let seconds: Vec<usize> = (0..200).filter(|second| back[*second] > 0).collect();
        assert_eq!(seconds, [5, 6, 7, 8, 9]);
        assert!(back.iter().all(|count| *count <= 500), "{back:?}");
        (0..100_000).for_each(|_| assert!(room.retry_s(now_us) <= RETRY_MAX_S));
        assert_eq!(room.retry_s(now_us + 200 * SECOND_US), RETRY_MIN_S, "the queue has gone home");
    }
}
