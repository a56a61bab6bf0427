//! The simulation: a few seeds here, thousands by the program `sim`.

use tram_tests::sim;

#[test]
fn nothing_is_lost_doubled_or_misplaced_under_these_seeds() {
    for seed in 1_000_000..1_000_012 {
        let summary = sim::run_in_memory(seed).unwrap();
        assert!(summary.stored > 50, "seed {seed}: {summary:?}");
    }
}

#[test]
fn a_seed_reproduces_its_run() {
    // Ids of spools are truly random, and so are a few bytes of what they compress to.
    let run = |seed| sim::Summary { paced: 0, ..sim::run_in_memory(seed).unwrap() };
    let first = run(7);
    assert_eq!(first, run(7));
    assert_ne!(first.happened, run(8).happened);
}

#[test]
fn forty_hosts_that_come_back_at_once_share_their_sites_budget_and_none_starves() {
    // Room for all of them at a time, and room for five.
    for budget in [170_000, 24_000] {
        let crowd = sim::forty_behind_one_budget(budget).unwrap();
        println!("{budget} bytes a minute: {crowd:?}");
        assert_eq!(crowd.done_minutes.len(), 40);
        assert!(crowd.bytes > u64::from(budget), "{crowd:?} is too little to mean anything");
    }
}
