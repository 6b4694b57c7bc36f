//! Random worlds: faults and wishes at random times, and calm at the end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use throughline_core::server::SessionsConfig;
use throughline_core::{Config, Dialect, Memory, Readiness, StateKind, Transport, WhenFull};

use crate::acts::Act;
use crate::net::{Fault, Net};
use crate::page::{Late, Tokens};
use crate::peer::{Mending, Udp};
use crate::tally::{Audit, Tally};
use crate::world::{Fortune, World};

/// What one world came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) hash: u64,
    pub(crate) tally: Tally,
    pub(crate) audit: Audit,
    /// The invariant that did not hold.
    pub(crate) failure: Option<Box<dyn Any + Send>>,
}

/// A session as somebody might configure it.
fn config(net: &mut Net) -> Config {
    let mut transports = if net.one_in(2) {
        Transport::ALL.to_vec()
    } else {
        Transport::TEXT.to_vec()
    };
    if net.one_in(3) {
        let first = net.below(transports.len() as u64) as usize;
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
        memory: net.pick(&[256 << 20, 256 << 20, 24_000]),
        ..SessionsConfig::default()
    }
}

fn fault(net: &mut Net) -> Fault {
    let after = net.between(1, 4_000);
    let retry_after = net.one_in(2).then_some(net.below(8_000) as u32);
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
    match net.below(44) {
        0..=5 => Act::Fault(net.pick(&Transport::ALL), fault(net)),
        6 => Act::FaultOnPosts(fault(net)),
        7 => Act::FaultOnAll(Fault::Status {
            status: 503,
            retry_after: Some(net.below(6_000) as u32),
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
        25 => Act::Tokens(net.pick(&[
            Tokens::Good,
            Tokens::BadOnce,
            Tokens::Throws,
            Tokens::NeverReturns,
            Tokens::Bad,
        ])),
        26 | 27 => Act::Linger,
        28 => Act::Deafen,
        29 | 30 => Act::Stall(net.between(100, 9_000)),
        31 => Act::Repeats(net.pick(&[1, 3, 3, 0])),
        32 => Act::ClockJump(net.between(500, 90_000)),
        34 | 35 => Act::PathLost,
        36 | 37 => Act::Udp(Udp::Lost),
        38 | 39 => Act::Udp(Udp::Open),
        40 => Act::Mending(net.pick(&[Mending::Heals, Mending::InVain, Mending::Fails])),
        41 => Act::Fault(Transport::WebRtc, fault(net)),
        33 => Act::ServerClockJump(net.between(500, 90_000)),
        _ => Act::Reload,
    }
}

fn wish(net: &mut Net) -> Act {
    match net.below(10) {
        0..=3 => Act::Send {
            request: net.one_in(3),
            bytes: net.pick(&[1, 40, 40, 900, 70_000]),
        },
        4 => Act::Cancel,
        5 => Act::Fleeting {
            ttl: net.pick(&[0, 50, 1_500, 20_000]),
        },
        6 => Act::Latest {
            key: net.below(2) as u8,
            bytes: net.pick(&[9, 1_900]),
        },
        _ => Act::Publish(net.pick(&[1, 1, 3, 30])),
    }
}

/// A world and all that is going to happen in it; when the sessions begin, and how long it is rough.
fn world(seed: u64) -> (World, Vec<u64>, u64) {
    let mut dice = Net::new(seed ^ 0x5eed_0000);
    let mut world = World::with(seed, config(&mut dice), server(&mut dice));
    let others = if world.page.is_json() {
        0
    } else {
        dice.pick(&[0, 0, 1, 2])
    };
    (0..others).for_each(|_| world.add_tab(seed));
    world.tally.tabs = others + 1;
    for tab in 0..=others as usize {
        world.focus(tab);
        world.page.alarm_first = dice.one_in(2);
        world.page.late = dice.pick(&[Late::Reported, Late::Swallowed]);
        if !world.page.is_json() && dice.one_in(4) {
            world.read_slowly(dice.below(400));
        }
    }
    world.server.token_life = dice.pick(&[None, Some(20_000), Some(60_000)]);
    world.server.mailbox = dice.pick(&[usize::MAX, usize::MAX, 12]);
    world.net.delay = dice.pick(&[1, 5, 40]);
    world.net.jitter = dice.pick(&[0, 3, 60]);
    let end = dice.between(5_000, 240_000);
    let crowd = dice.pick(&[0, 1, 4, 12, 40]);
    let any = |dice: &mut Net| dice.below(others + 1) as usize;
    for _ in 0..crowd {
        let tab = any(&mut dice);
        world.plan_in(tab, dice.below(end), trouble(&mut dice));
    }
    for _ in 0..dice.pick(&[0, 10, 120]) {
        let tab = any(&mut dice);
        world.plan_in(tab, dice.below(end), wish(&mut dice));
    }
    if dice.one_in(10) {
        world.plan_in(any(&mut dice), dice.below(end), Act::Close);
    }
    let begins = (0..=others).map(|_| if dice.one_in(4) { dice.below(3_000) } else { 0 });
    let begins = begins.collect();
    (world, begins, end)
}

fn live(world: &mut World, begins: &[u64], end: u64) {
    for (tab, at) in begins.iter().enumerate() {
        world.plan_in(tab, *at, Act::Connect);
    }
    world.pass(end.max(3_000));
    calm(world);
}

/// Makes the world of a seed and lets it happen.
pub(crate) fn run(seed: u64, loud: bool) -> Run {
    let (mut world, begins, end) = world(seed);
    world.loud = loud;
    let lived = catch_unwind(AssertUnwindSafe(|| live(&mut world, &begins, end)));
    Run {
        hash: world.hash,
        tally: world.tally,
        audit: world.audit(),
        failure: lived.err(),
    }
}

/// Lifts every fault, and holds each session to its deadlines.
fn calm(world: &mut World) {
    world.fortune = Fortune::Calm;
    let frozen = world.pages().map(|page| page.frozen_until).max();
    let frozen = frozen.unwrap_or_default().saturating_sub(world.now);
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
    for tab in world.tabs_in(|world| world.state() == StateKind::Idle) {
        // It was frozen when it should have begun.
        world.focus(tab);
        world.connect();
    }
    let closing = world.tabs_in(|world| world.state() == StateKind::Closing);
    world.pass(2_000);
    for tab in closing {
        world.focus(tab);
        assert!(world.state().policy().terminal, "closed in time");
    }
    world.pass(60_000);
    for tab in world.open_tabs() {
        world.focus(tab);
        let state = world.state();
        let connected = StateKind::Connected;
        assert_eq!(state, connected, "connected within a minute of calm");
    }
    world.pass(90_000);
    let open = world.open_tabs();
    for tab in open.clone() {
        world.focus(tab);
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
    }
    // An ack on a split link may take ten seconds.
    world.pass(11_000);
    for tab in open.clone() {
        world.focus(tab);
        world.check_calm();
        world.act(Act::Close);
    }
    world.pass(2_000);
    for tab in open {
        world.focus(tab);
        assert_eq!(world.state(), StateKind::Closed, "closed in time");
    }
    for tab in world.tabs() {
        world.focus(tab);
        world.check_heard();
    }
    let opened = world.wires.len();
    world.pass(120_000);
    assert_eq!(world.wires.len(), opened, "nothing is opened after the end");
    for tab in world.tabs() {
        world.focus(tab);
        match world.state() {
            StateKind::Closed => world.tally.closed += 1,
            StateKind::Failed => world.tally.failed += 1,
            state => panic!("the session's end is {state:?}"),
        }
    }
}
