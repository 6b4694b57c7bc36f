//! Random worlds: is anything lost, doubled or reordered?
//!
//! Each world joins the cores of one to three tabs to one server half by a network that delays,
//! stalls, cuts, half-opens, repeats and swaps transports; pages freeze, reload and read slowly, the
//! server restarts, drains and forgets (`crates/core/tests/sim`). Every step holds the invariants;
//! at the end the records of both applications are compared. Each line on the standard output is one
//! JSON object. `--runs N` sets how many worlds, `--first SEED` where they begin, and `--seed SEED`
//! tells one of them aloud.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(dead_code, reason = "named scenarios use the rest of the world")]

use std::any::Any;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use random::run;
use tally::{Audit, Tally};

#[path = "../tests/sim/acts.rs"]
mod acts;
#[path = "../tests/sim/app.rs"]
mod app;
#[path = "../tests/sim/door.rs"]
mod door;
#[path = "../tests/sim/invariants.rs"]
mod invariants;
#[path = "../tests/sim/leaving.rs"]
mod leaving;
#[path = "../tests/sim/net.rs"]
mod net;
#[path = "../tests/sim/page.rs"]
mod page;
#[path = "../tests/sim/peer.rs"]
mod peer;
#[path = "../tests/sim/plain.rs"]
mod plain;
#[path = "../tests/sim/queue.rs"]
mod queue;
#[path = "../tests/sim/random.rs"]
mod random;
#[path = "../tests/sim/reload.rs"]
mod reload;
#[path = "../tests/sim/server.rs"]
mod server;
#[path = "../tests/sim/tally.rs"]
mod tally;
#[path = "../tests/sim/transport.rs"]
mod transport;
#[path = "../tests/sim/wire.rs"]
mod wire;
#[path = "../tests/sim/world.rs"]
mod world;

const RUNS: u64 = 1_000_000;
/// Worlds that one thread takes at a time.
const BATCH: u64 = 500;
/// Failures that are shown in full.
const SHOWN: u64 = 20;

/// What a number of worlds came to.
#[derive(Default)]
struct Sum {
    failures: u64,
    tally: Tally,
    audit: Audit,
}

fn main() -> ExitCode {
    let (mut runs, mut first) = (RUNS, 0);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let number = args.next().and_then(|number| number.parse().ok());
        match (arg.as_str(), number) {
            ("--runs", Some(number)) => runs = number,
            ("--first", Some(number)) => first = number,
            ("--seed", Some(seed)) => return replay(seed),
            _ => {
                eprintln!("usage: worlds [--runs N] [--first SEED] | --seed SEED");
                return ExitCode::FAILURE;
            }
        }
    }
    // The seed says all that a backtrace could.
    std::panic::set_hook(Box::new(|_| {}));
    let sum = explore(first, runs);
    report(runs, &sum);
    ExitCode::SUCCESS
}

/// Tells one world aloud.
fn replay(seed: u64) -> ExitCode {
    let run = run(seed, true);
    println!("{:#?} {:?}", run.tally, run.audit);
    if run.failure.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Lets the worlds of `first..first + runs` happen, on every processor.
fn explore(first: u64, runs: u64) -> Sum {
    let next = AtomicU64::new(0);
    let work = || {
        let mut sum = Sum::default();
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            if start >= runs {
                return sum;
            }
            for seed in first + start..first + runs.min(start + BATCH) {
                let run = run(seed, false);
                sum.tally += run.tally;
                sum.audit += run.audit;
                if let Some(failure) = run.failure {
                    sum.failures += 1;
                    if sum.failures <= SHOWN {
                        eprintln!("{}", said(seed, &*failure));
                    }
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let sums = workers.into_iter().map(|worker| worker.join().unwrap());
        sums.fold(Sum::default(), |mut all, sum| {
            all.failures += sum.failures;
            all.tally += sum.tally;
            all.audit += sum.audit;
            all
        })
    })
}

fn said(seed: u64, failure: &dyn Any) -> String {
    let text = failure.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| failure.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("a panic without words");
    format!("seed {seed}: {text}; hear it with: cargo xtask measure worlds -- --seed {seed}")
}

fn report(runs: u64, sum: &Sum) {
    let Sum {
        failures,
        tally,
        audit,
    } = sum;
    let ok = *failures == 0 && *audit == Audit::default();
    let Audit {
        lost,
        doubled,
        reordered,
    } = audit;
    println!(
        "{{\"name\":\"worlds\",\"value\":{runs},\"unit\":\"runs\",\"ok\":{ok},\"failures\":{failures},\
         \"lost\":{lost},\"doubled\":{doubled},\"reordered\":{reordered}}}"
    );
    for (name, count) in tally.named() {
        let ok = count > 0;
        println!("{{\"name\":\"worlds.{name}\",\"value\":{count},\"unit\":\"times\",\"ok\":{ok}}}");
    }
}
