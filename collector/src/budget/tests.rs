//! Agents that come, go, fall silent and take turns; each as an agent behaves: it sends at an interval, spends what it was
//! lent, and holds a share for two and a half intervals.

use super::*;
use proptest::prelude::*;

const INTERVAL_MS: i64 = 60_000;
const BUDGET: u32 = 60_000;

fn ask(agent: u8, waits: bool, now_ms: i64) -> Ask {
    Ask { agent: AgentId([agent; 16]), waits, sent: (BootId([agent; 8]), now_ms.unsigned_abs()) }
}

/// A site that has had its budget for long.
fn lending() -> Lending {
    Lending::new(INTERVAL_MS, -1_000_000)
}

#[test]
fn one_that_comes_alone_gets_all_and_a_late_joiner_its_part_once_that_was_given_up() {
    let mut site = lending();
    let mut lend = |agent, waits, now_ms| site.lend(BUDGET, ask(agent, waits, now_ms), now_ms);
    assert_eq!(lend(1, true, 0), BUDGET);
    assert_eq!(lend(2, true, 10_000), 0, "all of it is lent");
    assert_eq!(lend(1, true, 60_000), BUDGET / 2);
    assert_eq!(lend(2, true, 70_000), 0, "the first may have spent the other half within this minute");
    assert_eq!(lend(1, true, 120_000), BUDGET / 2);
    assert_eq!(lend(2, true, 130_000), BUDGET / 2);
    assert_eq!(lend(1, false, 180_000), 0);
    assert_eq!(lend(2, true, 190_000), BUDGET / 2);
    assert_eq!(lend(2, true, 250_000), BUDGET);
}

#[test]
fn one_that_falls_silent_frees_its_share_after_a_few_intervals() {
    let mut site = lending();
    assert_eq!(site.lend(BUDGET, ask(1, true, 0), 0), BUDGET);
    for now_ms in (60_000..240_000).step_by(60_000) {
        assert_eq!(site.lend(BUDGET, ask(2, true, now_ms), now_ms), 0, "{now_ms}");
    }
    assert_eq!(site.lend(BUDGET, ask(2, true, 240_000), 240_000), BUDGET);
    assert_eq!(site.borrowers.len(), 1);
}

#[test]
fn after_a_start_nothing_is_lent_until_what_was_lent_before_is_over() {
    let mut site = Lending::new(INTERVAL_MS, 0);
    assert_eq!(site.lend(BUDGET, ask(1, true, 1), 1), 0);
    assert_eq!(site.lend(BUDGET, ask(1, true, 125_000), 125_000), BUDGET);
}

#[test]
fn a_request_that_was_overtaken_changes_nothing() {
    let mut site = lending();
    site.lend(BUDGET, ask(1, true, 60_000), 60_000);
    let before = site.clone();
    assert_eq!(site.lend(BUDGET, ask(1, false, 30_000), 61_000), BUDGET);
    assert_eq!(site, before);
}

#[test]
fn a_budget_that_was_cut_binds_at_once() {
    let mut site = lending();
    site.lend(BUDGET, ask(1, true, 0), 0);
    assert_eq!(site.lend(10_000, ask(2, true, 1), 1), 0);
    assert_eq!(site.lend(10_000, ask(1, true, 60_000), 60_000), 5_000);
    assert_eq!(site.lend(0, ask(1, true, 120_000), 120_000), 0);
}

/// An agent as it behaves.
struct Agent {
    history: u64,
    share: u32,
    heard_ms: i64,
    spent: Vec<(i64, u32)>,
}

/// Runs so many agents that come back within a minute; the minute at which each was done.
fn run(agents: u8, budget: u32, history: u64) -> Vec<Option<i64>> {
    let mut site = lending();
    let mut hosts: Vec<Agent> =
        (0..agents).map(|_| Agent { history, share: 0, heard_ms: 0, spent: vec![] }).collect();
    let mut done = vec![None; usize::from(agents)];
    let mut all: Vec<(i64, u32)> = Vec::new();
    for second in 0..40_000_i64 {
        let now_ms = second * 1_000;
        for (number, host) in hosts.iter_mut().enumerate() {
            let number = number as u8;
            if second % 60 == i64::from(number) * 7 % 60 {
                host.share = site.lend(budget, ask(number, host.history > 0, now_ms), now_ms);
                host.heard_ms = now_ms;
            }
            let spent: u32 =
                host.spent.iter().filter(|(at_ms, _)| now_ms - at_ms < 60_000).map(|(_, bytes)| bytes).sum();
            let bytes = host.share.saturating_sub(spent).min(host.history.min(u64::from(u32::MAX)) as u32);
            if bytes > 0 && now_ms - host.heard_ms < 150_000 {
                host.spent.push((now_ms, bytes));
                all.push((now_ms, bytes));
                host.history -= u64::from(bytes);
                if host.history == 0 {
                    done[usize::from(number)] = Some(second / 60);
                }
            }
        }
        let minute: u64 = all
            .iter()
            .rev()
            .take_while(|(at_ms, _)| now_ms - at_ms < 60_000)
            .map(|(_, bytes)| u64::from(*bytes))
            .sum();
        assert!(minute <= u64::from(budget), "{minute} of {budget} at {second} s");
        if done.iter().all(Option::is_some) {
            break;
        }
    }
    done
}

#[test]
fn forty_agents_behind_one_budget_are_all_done_and_none_starves() {
    // Room for all at once, room for ten, room for one.
    for (budget, history) in [(240_000, 60_000), (40_960, 40_000), (5_000, 5_000)] {
        let done = run(40, budget, history);
        let total = 40 * history;
        let last = done.iter().map(|done| done.unwrap()).max().unwrap();
        let least = (total / u64::from(budget)) as i64;
        assert!(
            last <= 4 * least + 15,
            "{budget}: the last is done after {last} min, {least} would be the least"
        );
    }
}

proptest! {
    #[test]
    fn whoever_comes_goes_and_falls_silent_no_minute_has_more_lent_than_the_budget(
        asks in proptest::collection::vec((0_u8..12, any::<bool>(), 0_i64..30_000), 1..300),
        budget in 0_u32..100_000,
    ) {
        let mut site = lending();
        // What each agent may take: what it was lent last, and until when it may have been.
        let mut lent: Vec<(u8, u32, i64, i64)> = Vec::new();
        let mut now_ms = 0;
        for (agent, waits, later_ms) in asks {
            now_ms += later_ms;
            for before in lent.iter_mut().filter(|(other, ..)| *other == agent) {
                before.3 = before.3.min(now_ms);
            }
            let share = site.lend(budget, ask(agent, waits, now_ms), now_ms);
            prop_assert!(waits || share == 0);
            lent.push((agent, share, now_ms, now_ms + INTERVAL_MS * 5 / 2));
            // The most that each may have taken within the last minute.
            let mut most: BTreeMap<u8, u32> = BTreeMap::new();
            for (agent, share, _, until_ms) in lent.iter().filter(|(.., until_ms)| *until_ms > now_ms - MINUTE_MS) {
                let _ = until_ms;
                let found = most.entry(*agent).or_default();
                *found = (*found).max(*share);
            }
            prop_assert!(most.values().map(|share| u64::from(*share)).sum::<u64>() <= u64::from(budget));
        }
    }
}
