//! Runs the simulation over many seeds: `sim [--seeds N] [--from SEED]`. Prints each seed that fails, and how to run it
//! again; exits 1 when one did.

use clap::Parser;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use tram_tests::sim;

/// The agent's and the collector's cores over a lossy, skewed, crashing world that a seed decides.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds; overnight: 1000000.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Seeds at a time; 0: as many as the machine has processors.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Says what happened in each run.
    #[arg(long)]
    tell: bool,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program's own output")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let next = AtomicU64::new(arguments.from);
    let failed = AtomicU64::new(0);
    let sums: [AtomicU64; 5] = Default::default();
    let until = arguments.from.saturating_add(arguments.seeds);
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = if arguments.threads == 0 { processors } else { arguments.threads };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= until {
                        return;
                    }
                    match sim::run_in_memory(seed) {
                        Ok(summary) => {
                            let found = [
                                summary.measured as u64,
                                summary.stored as u64,
                                summary.thinned,
                                summary.dropped,
                                summary.paced,
                            ];
                            for (sum, found) in sums.iter().zip(found) {
                                sum.fetch_add(found, Ordering::Relaxed);
                            }
                            if arguments.tell {
                                println!("seed {seed}: {}", summary.happened.join(", "));
                            }
                        }
                        Err(error) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            eprintln!("{error:#}\n  again: sim --from {seed} --seeds 1 --tell");
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    let [measured, stored, thinned, dropped, paced] = sums.map(AtomicU64::into_inner);
    println!(
        "{} seeds from {}, {failed} failed; {measured} measurements, {thinned} of them gathered, {dropped} dropped; \
         {stored} reports stored, {paced} bytes of history under a budget or hours",
        arguments.seeds, arguments.from,
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
