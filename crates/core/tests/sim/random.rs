//! Random runs: faults and wishes at random times, and calm at the end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use throughline_core::server::SessionsConfig;
use throughline_core::{Config, Dialect, Memory, Readiness, StateKind, Transport, WhenFull};

use crate::acts::Act;
use crate::net::{Fault, Net};
use crate::page::{Late, Tokens};
use crate::world::{Fortune, World};

/// What one run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    hash: u64,
    end: StateKind,
}

/// A session as somebody might configure it.
fn config(net: &mut Net) -> Config {
    let mut transports = Transport::ALL.to_vec();
    if net.one_in(3) {
        let first = net.below(3) as usize;
        transports.rotate_left(first);
    }
    if net.one_in(3) {
        transports.truncate(1 + net.below(2) as usize);
    }
    let dialects = [
        Dialect::Throughline,
        Dialect::Throughline,
        Dialect::Throughline,
        Dialect::Throughline,
        Dialect::Json(Readiness::Named),
        Dialect::Json(Readiness::Settled),
    ];
    let memory = Memory {
        transport: net.pick(&Transport::ALL),
        rtt: net.below(900) as u32,
    };
    let dialect = net.pick(&dialects);
    Config {
        dialect,
        transports: transports.into_iter().collect(),
        has_token: dialect == Dialect::Throughline && net.one_in(3),
        memory: net.one_in(3).then_some(memory),
        outbox_messages: net.pick(&[1_000, 1_000, 5]),
        outbox_bytes: net.pick(&[1 << 20, 1 << 20, 2_000]),
        when_full: net.pick(&[WhenFull::Wait, WhenFull::Wait, WhenFull::Refuse]),
        ..Config::default()
    }
}

fn server(net: &mut Net) -> SessionsConfig {
    SessionsConfig {
        heartbeat: net.pick(&[15_000, 15_000, 5_000]),
        window: net.pick(&[120_000, 120_000, 20_000]),
        replay_bytes: net.pick(&[1 << 20, 1 << 20, 40]),
        ..SessionsConfig::default()
    }
}

fn fault(net: &mut Net) -> Fault {
    let after = net.between(1, 4_000);
    let retry_after = net.one_in(2).then_some(net.below(8_000));
    match net.below(9) {
        0 => Fault::Refuse,
        1 => Fault::Rst,
        2 => Fault::Hang,
        3 => Fault::Swallow,
        4 => Fault::Flap {
            after,
            passes: true,
        },
        5 => Fault::Flap {
            after,
            passes: false,
        },
        6 => Fault::Mute,
        7 => Fault::Status {
            status: net.pick(&[404, 429, 500, 503]),
            retry_after,
        },
        _ => Fault::None,
    }
}

/// One thing that goes wrong, or right again.
fn trouble(net: &mut Net) -> Act {
    match net.below(26) {
        0..=5 => Act::Fault(net.pick(&Transport::ALL), fault(net)),
        6 => Act::FaultOnPosts(fault(net)),
        7 => Act::FaultOnAll(Fault::Status {
            status: 503,
            retry_after: Some(net.below(6_000)),
        }),
        8 | 9 => Act::FaultOnAll(Fault::None),
        10 | 11 => Act::Cut,
        12 => Act::HalfOpen,
        13 => Act::Mute,
        14 => Act::Delay {
            delay: net.between(1, 400),
            jitter: net.below(300),
        },
        15 => Act::Offline,
        16 => Act::Online,
        17 => Act::Woke,
        18 => Act::NetworkChanged,
        19 => Act::Freeze(net.between(500, 70_000)),
        20 => Act::Down,
        21 => Act::Up {
            kept: net.one_in(2),
        },
        22 | 23 => Act::Goaway(net.below(8_000) as u32),
        24 => Act::Drain(net.below(5_000) as u32),
        _ => Act::Tokens(net.pick(&[
            Tokens::Good,
            Tokens::BadOnce,
            Tokens::Throws,
            Tokens::NeverReturns,
            Tokens::Bad,
        ])),
    }
}

fn wish(net: &mut Net) -> Act {
    match net.below(8) {
        0..=3 => Act::Send {
            request: net.one_in(3),
            bytes: net.pick(&[1, 40, 40, 900, 70_000]),
        },
        4 => Act::Cancel,
        _ => Act::Publish(net.pick(&[1, 1, 3, 30])),
    }
}

fn run(seed: u64, loud: bool) -> Run {
    let mut dice = Net::new(seed ^ 0x5eed_0000);
    let mut world = World::with(seed, config(&mut dice), server(&mut dice));
    world.loud = loud;
    world.page.alarm_first = dice.one_in(2);
    world.page.late = if dice.one_in(2) {
        Late::Reported
    } else {
        Late::Swallowed
    };
    world.net.delay = dice.pick(&[1, 5, 40]);
    world.net.jitter = dice.pick(&[0, 3, 60]);
    let end = dice.between(5_000, 240_000);
    let crowd = dice.pick(&[0, 1, 4, 12, 40]);
    for _ in 0..crowd {
        world.plan(dice.below(end), trouble(&mut dice));
    }
    for _ in 0..dice.pick(&[0, 10, 120]) {
        world.plan(dice.below(end), wish(&mut dice));
    }
    if dice.one_in(10) {
        world.plan(dice.below(end), Act::Close);
    }
    let connect = if dice.one_in(4) { dice.below(3_000) } else { 0 };
    world.pass(connect);
    world.connect();
    world.pass(end - connect.min(end));
    calm(&mut world);
    let hash = world.hash;
    Run {
        hash,
        end: world.state(),
    }
}

/// Lifts every fault, and holds the session to its deadlines.
fn calm(world: &mut World) {
    world.fortune = Fortune::Calm;
    let frozen = world.page.frozen_until.saturating_sub(world.now);
    world.pass(frozen + 1);
    world.act(Act::Delay {
        delay: 10,
        jitter: 5,
    });
    world.act(Act::Heal);
    if world.page.is_json() {
        // Without a heartbeat that the page can see, only TCP's own patience finds a dead link.
        world.act(Act::Cut);
    }
    world.act(Act::Online);
    let over = |world: &World| world.state().policy().terminal;
    if world.state() == StateKind::Closing {
        world.until(2_000, over);
    }
    if !over(world) {
        world.pass(60_000);
    }
    if !over(world) {
        assert_eq!(
            world.state(),
            StateKind::Connected,
            "connected within a minute of calm"
        );
        world.pass(90_000);
    }
    if !over(world) {
        let best = world.page.config.transports.first();
        assert!(world.state() == StateKind::Connected);
        assert!(
            world.page.is_json() || best.is_some_and(|best| world.is_on(best)),
            "on {:?}",
            world.page.core.transport()
        );
        world.act(Act::Send {
            request: false,
            bytes: 1,
        });
        world.act(Act::Publish(1));
        world.pass(10_000);
        world.check_calm();
        world.act(Act::Close);
        world.pass(2_000);
        assert_eq!(world.state(), StateKind::Closed, "closed in time");
    }
    world.check_heard();
    let opened = world.page.app.opens.len();
    world.pass(120_000);
    assert_eq!(
        world.page.app.opens.len(),
        opened,
        "nothing is opened after the end"
    );
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn random_runs_hold_every_invariant() {
    if let Some(seed) = number("THROUGHLINE_SIM_SEED") {
        println!("{:?}", run(seed, true));
        return;
    }
    let runs = number("THROUGHLINE_SIM_RUNS").unwrap_or(3_000);
    let first = number("THROUGHLINE_SIM_FIRST").unwrap_or(0);
    let mut ends = [0u64; 8];
    let mut failures = 0;
    for seed in first..first + runs {
        match catch_unwind(AssertUnwindSafe(|| run(seed, false))) {
            Ok(Run { end, .. }) => ends[end as usize] += 1,
            Err(panic) => {
                println!("run it alone with THROUGHLINE_SIM_SEED={seed}");
                failures += 1;
                if failures >= number("THROUGHLINE_SIM_FAILURES").unwrap_or(1) {
                    resume_unwind(panic);
                }
            }
        }
    }
    println!(
        "{runs} runs: {} closed, {} failed as they had to",
        ends[6], ends[7]
    );
    assert_eq!(
        (ends[6] + ends[7], failures),
        (runs, 0),
        "every run came to an end"
    );
}

#[test]
fn a_seed_is_a_whole_run() {
    for seed in 0..100 {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
    assert_ne!(run(1, false).hash, run(2, false).hash);
}
