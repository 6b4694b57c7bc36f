//! Runs of random worlds.

use std::panic::resume_unwind;

use crate::random::run;
use crate::tally::{Audit, Tally};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn random_runs_hold_every_invariant() {
    if let Some(seed) = number("THROUGHLINE_SIM_SEED") {
        let run = run(seed, true);
        println!("{run:?}");
        assert!(run.failure.is_none());
        return;
    }
    let runs = number("THROUGHLINE_SIM_RUNS").unwrap_or(3_000);
    let first = number("THROUGHLINE_SIM_FIRST").unwrap_or(0);
    let mut failures = 0;
    let (mut tally, mut audit) = (Tally::default(), Audit::default());
    for seed in first..first + runs {
        let run = run(seed, false);
        tally += run.tally;
        audit += run.audit;
        if let Some(panic) = run.failure {
            println!("run it alone with THROUGHLINE_SIM_SEED={seed}");
            failures += 1;
            if failures >= number("THROUGHLINE_SIM_FAILURES").unwrap_or(1) {
                resume_unwind(panic);
            }
        }
    }
    println!("{runs} runs: {tally:?}");
    assert_eq!((failures, audit), (0, Audit::default()));
    let idle = tally.named().into_iter().find(|(_, count)| *count == 0);
    assert!(runs < 1_000 || idle.is_none(), "{idle:?} never happened");
}

#[test]
fn a_seed_is_a_whole_run() {
    for seed in 0..100 {
        let (once, again) = (run(seed, false), run(seed, false));
        assert_eq!(
            (once.hash, once.tally),
            (again.hash, again.tally),
            "seed {seed}"
        );
    }
    assert_ne!(run(1, false).hash, run(2, false).hash);
}
