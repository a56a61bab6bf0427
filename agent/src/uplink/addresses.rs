//! Which of the collector's addresses to use. Pure: `now` comes in, an address comes out. Knows nothing of what is said
//! there.
//!
//! The list is in order of preference. A round of tries begins with the first address that does not rest and goes on
//! with the one that answered last, then the others. Whoever was silent in a round in which another answered rests,
//! longer each time; when all are silent it is the link that is cut, and nobody does. So the agent stays with what
//! works, and comes back to what is preferred.

use super::noise::Noise;
use super::{CONNECT_TIMEOUT, DETOUR_PAUSE};
use std::time::{Duration, Instant};

/// How long an address rests that was silent while another answered; it doubles with each further time.
pub const REST_MIN: Duration = Duration::from_secs(600);
/// Longest rest: how late a repaired address is used again.
pub const REST_MAX: Duration = Duration::from_secs(7_200);
/// Addresses that are kept at most: so many can be silent one after the other before the one that answers is reached
/// within a minute.
pub const ADDRESSES_MAX: usize = 8;
/// In which all addresses of a round are tried but the first, whose connection may have died with a request in it.
const ROUND: Duration = Duration::from_secs(36);

/// The addresses and what is known of each.
#[derive(Debug)]
pub struct Addresses {
    entries: Vec<Entry>,
    current: usize,
    /// The one that answered last.
    good: usize,
    noise: Noise,
}

#[derive(Debug)]
struct Entry {
    url: String,
    /// Silent in the round that is under way.
    was_silent: bool,
    rests: u32,
    rests_until: Option<Instant>,
}

impl Addresses {
    /// From a list in order of preference, and the one that answered last if that is known. Without any address there
    /// is an empty one, which never answers. `seed` makes rests differ between agents.
    pub fn new(urls: Vec<String>, good: Option<&str>, seed: u64, now: Instant) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for url in urls.into_iter().take(ADDRESSES_MAX) {
            if entries.iter().all(|entry| entry.url != url) {
                entries.push(Entry { url, was_silent: false, rests: 0, rests_until: None });
            }
        }
        let good = entries.iter().position(|entry| Some(entry.url.as_str()) == good).unwrap_or(0);
        let mut addresses = Self { entries, current: good, good, noise: Noise::new(seed) };
        // What is preferred was silent when another answered last.
        let until = now + addresses.noise.jittered(REST_MIN);
        addresses.entries.iter_mut().take(good).for_each(|entry| entry.rests_until = Some(until));
        addresses
    }

    /// The address in use.
    pub fn current(&self) -> &str {
        self.entries.get(self.current).map_or("", |entry| entry.url.as_str())
    }

    /// The one that answered last.
    pub fn good(&self) -> &str {
        self.entries.get(self.good).map_or("", |entry| entry.url.as_str())
    }

    /// How long a connection may take to come about: the more addresses there are, the less each may keep the others
    /// waiting.
    pub fn connect_timeout(&self) -> Duration {
        let others = u32::try_from(self.entries.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        CONNECT_TIMEOUT.min((ROUND / others).saturating_sub(DETOUR_PAUSE))
    }

    /// Something is about to be sent: goes back to what is preferred when that has rested.
    pub fn handle_departure(&mut self, now: Instant) {
        let is_new_round = !self.entries.iter().any(|entry| entry.was_silent);
        if is_new_round {
            let is_rested = |entry: &Entry| entry.rests_until.is_none_or(|until| now >= until);
            self.current = self.entries.iter().position(is_rested).unwrap_or(self.good);
        }
    }

    /// The address in use answered, whatever it said.
    pub fn handle_answer(&mut self, now: Instant) {
        self.good = self.current;
        for (place, entry) in self.entries.iter_mut().enumerate() {
            if place == self.current {
                (entry.rests, entry.rests_until) = (0, None);
            } else if entry.was_silent {
                let rest = REST_MIN * 2_u32.saturating_pow(entry.rests.min(16));
                entry.rests += 1;
                entry.rests_until = Some(now + self.noise.jittered(rest.min(REST_MAX)));
            }
            entry.was_silent = false;
        }
    }

    /// The address in use was silent. Whether there is another to try before the round is over.
    pub fn handle_silence(&mut self, now: Instant) -> bool {
        if let Some(entry) = self.entries.get_mut(self.current) {
            entry.was_silent = true;
        }
        let rests = |entry: &Entry| entry.rests_until.is_some_and(|until| now < until);
        let untried = self.entries.iter().enumerate().filter(|(_, entry)| !entry.was_silent);
        let next = untried.min_by_key(|(place, entry)| (rests(entry), *place != self.good, *place));
        if let Some((place, _)) = next {
            self.current = place;
            return true;
        }
        self.entries.iter_mut().for_each(|entry| entry.was_silent = false);
        self.current = self.good;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::ANSWER_TIMEOUT;
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    const SECOND: Duration = Duration::from_secs(1);

    fn addresses(good: Option<&str>, now: Instant) -> Addresses {
        Addresses::new(["a", "b", "c", "a"].map(str::to_owned).into(), good, 7, now)
    }

    /// Sends once at `now` to a collector of which these addresses answer; the addresses that were tried.
    fn send(addresses: &mut Addresses, answering: &str, now: Instant) -> String {
        addresses.handle_departure(now);
        let mut tried = addresses.current().to_owned();
        while !answering.contains(addresses.current()) {
            if !addresses.handle_silence(now) {
                return tried;
            }
            tried += addresses.current();
        }
        addresses.handle_answer(now);
        tried
    }

    #[test]
    fn the_next_one_is_tried_and_the_one_that_answered_is_kept_to() {
        let now = SystemClock.monotonic();
        let mut addresses = addresses(None, now);
        assert_eq!(send(&mut addresses, "abc", now), "a");
        assert_eq!(send(&mut addresses, "c", now), "abc");
        assert_eq!(send(&mut addresses, "c", now + SECOND), "c");
        assert_eq!(send(&mut addresses, "ab", now + 2 * SECOND), "ca");
    }

    #[test]
    fn what_is_preferred_is_tried_again_after_a_rest_that_grows() {
        let now = SystemClock.monotonic();
        let mut addresses = addresses(None, now);
        assert_eq!(send(&mut addresses, "bc", now), "ab");
        let mut when = now;
        for tries in [REST_MIN, 2 * REST_MIN, 4 * REST_MIN] {
            assert_eq!(send(&mut addresses, "bc", when + tries / 2 - SECOND), "b", "still rests");
            when += tries;
            assert_eq!(send(&mut addresses, "bc", when), "ab");
        }
        assert_eq!(send(&mut addresses, "abc", when + REST_MAX), "a");
        assert_eq!(send(&mut addresses, "abc", when + REST_MAX), "a");
    }

    #[test]
    fn when_all_are_silent_the_link_is_cut_and_nobody_rests_for_it() {
        let now = SystemClock.monotonic();
        let mut addresses = addresses(None, now);
        assert_eq!(send(&mut addresses, "b", now), "ab");
        assert_eq!(send(&mut addresses, "", now), "bca");
        assert_eq!(send(&mut addresses, "", now + SECOND), "bca");
        assert_eq!(send(&mut addresses, "c", now + SECOND), "bc");
    }

    #[test]
    fn one_live_address_among_all_is_reached_within_a_minute() {
        let now = SystemClock.monotonic();
        let of = |count: usize| Addresses::new((0..count).map(|one| one.to_string()).collect(), None, 7, now);
        for count in 1..=ADDRESSES_MAX {
            let mut addresses = of(count);
            addresses.handle_departure(now);
            // The first had a connection that is dead; each further one drops what comes.
            let mut passed = ANSWER_TIMEOUT;
            for _ in 2..count {
                assert!(addresses.handle_silence(now + passed));
                passed += DETOUR_PAUSE + addresses.connect_timeout();
            }
            assert!(passed + DETOUR_PAUSE < Duration::from_secs(55), "{count}: {passed:?}");
            assert!(addresses.connect_timeout() > Duration::from_secs(4), "{count}");
        }
        assert_eq!(of(3).connect_timeout(), CONNECT_TIMEOUT);
        assert_eq!(of(99).entries.len(), ADDRESSES_MAX);
    }

    #[test]
    fn the_one_that_answered_before_a_restart_is_begun_with() {
        let now = SystemClock.monotonic();
        let mut addresses = addresses(Some("b"), now);
        assert_eq!(send(&mut addresses, "abc", now), "b");
        assert_eq!(send(&mut addresses, "abc", now + REST_MIN), "a");
        assert_eq!(self::addresses(Some("gone"), now).current(), "a");
        assert_eq!(Addresses::new(vec![], None, 7, now).current(), "");
    }
}
