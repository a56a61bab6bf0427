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
    let first = sim::run_in_memory(7).unwrap();
    assert_eq!(first, sim::run_in_memory(7).unwrap());
    assert_ne!(first.happened, sim::run_in_memory(8).unwrap().happened);
}
