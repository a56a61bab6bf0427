//! How wrong attempts to sign in slow down further ones: strongly for the same account from the same address, mildly
//! for the account as a whole and for the address as a whole, so that guessing does not pay and nobody can lock the
//! right person out. One address has few checks going at once, whatever the accounts.
//!
//! Pure: takes `now` and says what to do.

use std::collections::HashMap;
use std::net::IpAddr;

/// Wrong attempts for which nobody waits.
const FREE: u32 = 3;
/// What the first wait takes; each further one takes twice as long.
const FIRST_MS: i64 = 1_000;
/// No wait takes longer.
pub const PAIR_MAX_MS: i64 = 60_000;
/// Wrong attempts on one account, from whatever address, before everyone on it is held up a little.
const ACCOUNT_FREE: u32 = 10;
/// Wrong attempts from one address, on whatever account, before everyone behind it is held up a little.
const ADDRESS_FREE: u32 = 50;
/// By how much: an answer takes so much longer.
pub const HOLD_MS: i64 = 500;
/// Checks that one address may have going at once.
const AT_ONCE_MAX: u32 = 8;
/// When an address with too many checks going may try again.
const AT_ONCE_RETRY_MS: i64 = 1_000;
/// After so long without an attempt everything is forgotten.
const FORGET_MS: i64 = 3_600_000;
/// Pairs and accounts that are remembered; when there are more, those not seen for longest go.
const REMEMBERED_MAX: usize = 10_000;

/// What to do with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Check the password after holding the answer up for so long.
    Check {
        /// Milliseconds.
        hold_ms: i64,
    },
    /// Do not even check it.
    Refuse {
        /// Milliseconds until the next attempt is checked.
        retry_after_ms: i64,
    },
}

#[derive(Debug, Clone, Copy, Default)]
struct Attempts {
    wrong: u32,
    last_ms: i64,
}

/// Attempts of the last hour, in bounded memory.
#[derive(Debug, Default)]
pub struct Attempted {
    pairs: HashMap<(Account, Network), Attempts>,
    accounts: HashMap<Account, Attempts>,
    networks: HashMap<Network, Attempts>,
    going: HashMap<Network, u32>,
}

/// An account's name, cut so that a long one costs no more than another.
type Account = [u8; 32];

/// An IPv4 address, or the /64 that an IPv6 host can change its address within.
type Network = u128;

impl Attempted {
    /// Decides about an attempt. One that is to be checked counts as wrong until [`Self::succeeded`] says otherwise, so
    /// that many at once gain nothing.
    pub fn admit(&mut self, account: &str, address: Option<IpAddr>, now_ms: i64) -> Verdict {
        let (account, network) = keys(account, address);
        let pair = recent(self.pairs.get(&(account, network)), now_ms);
        let ready_ms = pair.last_ms + pair_wait_ms(pair.wrong);
        if pair.wrong >= FREE && now_ms < ready_ms {
            return Verdict::Refuse { retry_after_ms: ready_ms - now_ms };
        }
        if self.going.get(&network).is_some_and(|going| *going >= AT_ONCE_MAX) {
            return Verdict::Refuse { retry_after_ms: AT_ONCE_RETRY_MS };
        }
        *self.going.entry(network).or_default() += 1;
        let whole = recent(self.accounts.get(&account), now_ms);
        let from_there = recent(self.networks.get(&network), now_ms);
        make_room(&mut self.pairs, now_ms);
        make_room(&mut self.accounts, now_ms);
        make_room(&mut self.networks, now_ms);
        let once_more =
            |before: Attempts| Attempts { wrong: before.wrong.saturating_add(1), last_ms: now_ms };
        self.pairs.insert((account, network), once_more(pair));
        self.accounts.insert(account, once_more(whole));
        self.networks.insert(network, once_more(from_there));
        let is_held = whole.wrong >= ACCOUNT_FREE || from_there.wrong >= ADDRESS_FREE;
        Verdict::Check { hold_ms: if is_held { HOLD_MS } else { 0 } }
    }

    /// A check that [`Self::admit`] let in has ended, however it did.
    pub fn ended(&mut self, address: Option<IpAddr>) {
        let network = network(address);
        if let Some(going) = self.going.get_mut(&network) {
            *going = going.saturating_sub(1);
            if *going == 0 {
                self.going.remove(&network);
            }
        }
    }

    /// The password was right: that address starts anew. Others that guess go on waiting.
    pub fn succeeded(&mut self, account: &str, address: Option<IpAddr>) {
        let (account, network) = keys(account, address);
        self.pairs.remove(&(account, network));
        for whole in [self.accounts.get_mut(&account), self.networks.get_mut(&network)].into_iter().flatten()
        {
            whole.wrong = whole.wrong.saturating_sub(1);
        }
    }
}

fn pair_wait_ms(wrong: u32) -> i64 {
    let doublings = wrong.saturating_sub(FREE).min(16);
    (FIRST_MS << doublings).min(PAIR_MAX_MS)
}

fn recent(attempts: Option<&Attempts>, now_ms: i64) -> Attempts {
    attempts.copied().filter(|attempts| now_ms - attempts.last_ms < FORGET_MS).unwrap_or_default()
}

fn keys(account: &str, address: Option<IpAddr>) -> (Account, Network) {
    let account = crate::api::secret::digest(account.to_lowercase().as_bytes());
    (account, network(address))
}

fn network(address: Option<IpAddr>) -> Network {
    match address.map(|address| address.to_canonical()) {
        None => 0,
        Some(IpAddr::V4(address)) => u128::from(u32::from(address)),
        Some(IpAddr::V6(address)) => u128::from(address) >> 64 << 64 | 1,
    }
}

fn make_room<K: Copy + Eq + std::hash::Hash>(map: &mut HashMap<K, Attempts>, now_ms: i64) {
    if map.len() < REMEMBERED_MAX {
        return;
    }
    map.retain(|_, attempts| now_ms - attempts.last_ms < FORGET_MS);
    if map.len() >= REMEMBERED_MAX {
        let mut times: Vec<i64> = map.values().map(|attempts| attempts.last_ms).collect();
        let (_, cut_ms, _) = times.select_nth_unstable(REMEMBERED_MAX / 10);
        let cut_ms = *cut_ms;
        map.retain(|_, attempts| attempts.last_ms > cut_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    /// An attempt whose check ends at once.
    fn try_once(attempted: &mut Attempted, account: &str, from: Option<IpAddr>, now_ms: i64) -> Verdict {
        let verdict = attempted.admit(account, from, now_ms);
        if matches!(verdict, Verdict::Check { .. }) {
            attempted.ended(from);
        }
        verdict
    }

    #[test]
    fn one_address_has_few_checks_going_and_many_accounts_do_not_help_it() {
        let mut attempted = Attempted::default();
        let names: Vec<String> = (0..100).map(|place| format!("name {place}")).collect();
        for (place, name) in names.iter().enumerate() {
            let is_let_in = matches!(attempted.admit(name, HERE, 0), Verdict::Check { .. });
            assert_eq!(is_let_in, place < AT_ONCE_MAX as usize, "{place}");
        }
        assert_eq!(attempted.admit("an", THERE, 0), Verdict::Check { hold_ms: 0 });
        (0..AT_ONCE_MAX).for_each(|_| attempted.ended(HERE));
        assert!(!attempted.going.contains_key(&network(HERE)));
        let verdicts: Vec<_> = names.iter().map(|name| try_once(&mut attempted, name, HERE, 0)).collect();
        assert_eq!(verdicts.last(), Some(&Verdict::Check { hold_ms: HOLD_MS }), "held up, not locked out");
    }

    #[test]
    fn a_thousand_wrong_attempts_hold_up_only_their_own_address_and_not_for_long() {
        let mut attempted = Attempted::default();
        let mut checked = 0;
        for attempt in 0..1_000 {
            if matches!(try_once(&mut attempted, "an", HERE, attempt * 100), Verdict::Check { .. }) {
                checked += 1;
            }
        }
        assert!(checked <= 10, "{checked} of 1000 were checked");
        let Verdict::Refuse { retry_after_ms } = try_once(&mut attempted, "an", HERE, 100_000) else {
            panic!("the guessing address is not held up");
        };
        assert!(retry_after_ms <= PAIR_MAX_MS);
        let elsewhere = try_once(&mut attempted, "an", THERE, 100_000);
        assert!(matches!(elsewhere, Verdict::Check { hold_ms } if hold_ms <= HOLD_MS), "{elsewhere:?}");
        let after = try_once(&mut attempted, "an", HERE, 100_000 + retry_after_ms);
        assert!(matches!(after, Verdict::Check { .. }), "{after:?}");
    }

    #[test]
    fn the_right_password_forgives_typing_errors() {
        let mut attempted = Attempted::default();
        for _ in 0..FREE {
            assert_eq!(try_once(&mut attempted, "an", HERE, 0), Verdict::Check { hold_ms: 0 });
        }
        attempted.succeeded("an", HERE);
        assert_eq!(try_once(&mut attempted, "an", HERE, 1), Verdict::Check { hold_ms: 0 });
    }

    #[test]
    fn case_and_address_within_a_network_make_no_difference() {
        let mut attempted = Attempted::default();
        let host = |last: u16| Some(IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 0, 0, 0, last)));
        for place in 0..3 {
            try_once(&mut attempted, "An", host(place), 0);
        }
        assert!(matches!(try_once(&mut attempted, "an", host(99), 0), Verdict::Refuse { .. }));
    }

    #[test]
    fn memory_is_bounded_and_the_latest_are_kept() {
        let mut attempted = Attempted::default();
        for place in 0..30_000_u32 {
            try_once(&mut attempted, "an", Some(IpAddr::V4(place.into())), i64::from(place));
            try_once(&mut attempted, &format!("name {place}"), HERE, i64::from(place));
        }
        assert!(attempted.pairs.len() <= REMEMBERED_MAX && attempted.accounts.len() <= REMEMBERED_MAX);
        assert!(attempted.pairs.contains_key(&keys("name 29999", HERE)));
    }
}
