//! The first connect: each fault by the time of the first message, and who wins the race.

use throughline_core::{Config, Dialect, Memory, Readiness, StateKind, Transport};

use super::{FAULTS, POLL, SSE, WS, only};
use crate::acts::Act;
use crate::net::Fault;
use crate::world::World;

/// The longest time, over some seeds, to a message on a transport without a fault.
fn first_message(config: &Config, faults: &[(Transport, Fault)]) -> u64 {
    let mut worst = 0;
    for seed in 0..50 {
        let mut world = World::new(seed, config.clone());
        for (transport, fault) in faults {
            world.net.set(*transport, *fault);
        }
        world.connect();
        let took = world.until(20_000, |world| {
            let carried = world.page.core.transport();
            let sound = carried.is_some_and(|t| faults.iter().all(|(bad, _)| *bad != t));
            sound && world.page.app.delivered > 0
        });
        worst = worst.max(took);
    }
    worst
}

#[test]
fn every_websocket_fault_falls_back_within_two_seconds() {
    for fault in FAULTS {
        let took = first_message(&Config::default(), &[(WS, fault)]);
        assert!(took <= 2_000, "{fault:?}: {took} ms");
    }
}

#[test]
fn a_mute_stream_falls_back_within_two_seconds() {
    let took = first_message(&only(&[SSE, POLL]), &[(SSE, Fault::Mute)]);
    assert!(took <= 2_000, "{took} ms");
}

#[test]
fn a_swallowed_socket_and_a_mute_stream_fall_back_within_four_seconds() {
    let took = first_message(
        &Config::default(),
        &[(WS, Fault::Swallow), (SSE, Fault::Mute)],
    );
    assert!(took <= 4_000, "{took} ms");
}

#[test]
fn faults_on_two_transports_leave_the_third_within_four_seconds() {
    let others = [Fault::Refuse, Fault::Rst, Fault::Hang, Fault::Mute];
    for fault in FAULTS {
        for other in others {
            let took = first_message(&Config::default(), &[(WS, fault), (SSE, other)]);
            assert!(took <= 4_000, "{fault:?} and {other:?}: {took} ms");
        }
    }
}

#[test]
fn a_json_server_is_tried_one_transport_at_a_time_within_two_seconds() {
    for readiness in [Readiness::Named, Readiness::Settled] {
        let config = Config {
            dialect: Dialect::Json(readiness),
            ..Config::default()
        };
        for fault in FAULTS {
            // Without a named message, silence cannot be told from a quiet server; and what passes
            // for longer than the link takes to settle is no fault of the connect.
            let told = readiness == Readiness::Named && fault == Fault::Swallow;
            if fault == Fault::Swallow {
                continue;
            }
            let took = first_message(&config, &[(WS, fault)]);
            assert!(took <= 2_000 || told, "{readiness:?}, {fault:?}: {took} ms");
        }
    }
}

#[test]
fn slowness_alone_ends_on_the_websocket() {
    for delay in [100, 300] {
        for seed in 0..50 {
            let mut world = World::new(seed, Config::default());
            world.act(Act::Delay {
                delay,
                jitter: delay / 10,
            });
            world.connect();
            world.until(3_500, |world| {
                world.is_on(WS) && world.page.core.attempts() == 0
            });
            world.pass(60_000);
            assert!(world.is_on(WS), "{delay} ms");
            world.check_calm();
        }
    }
}

#[test]
fn a_preferred_attempt_runs_on_after_a_lesser_one_was_taken() {
    let mut world = World::plain();
    world.act(Act::Delay {
        delay: 100,
        jitter: 0,
    });
    world.connect();
    // The upgrade takes longer than the stagger and the stream's two ways together.
    world.until(1_000, |world| world.state() == StateKind::Connected);
    let first = world.page.core.transport();
    let mut lesser = World::plain();
    lesser.net.set(WS, Fault::Hang);
    lesser.connect();
    lesser.until(1_000, |world| world.is_on(SSE));
    assert_eq!(
        lesser.page.core.attempts(),
        1,
        "the preferred one is still open"
    );
    assert_eq!(lesser.held().next().map(|wire| wire.transport), Some(WS));
    lesser.until(12_000, |world| world.page.core.attempts() == 0);
    assert!(
        lesser.is_on(SSE),
        "it ends at its own deadline and harms nobody"
    );
    world.until(4_000, |world| {
        world.is_on(WS) && world.page.core.attempts() == 0
    });
    let path: Vec<_> = world
        .page
        .app
        .carried
        .iter()
        .filter_map(|(_, t)| *t)
        .collect();
    assert_eq!(path.first().copied(), first);
    assert_eq!(path.last(), Some(&WS));
    world.pass(2_000);
    world.check_calm();
}

#[test]
fn less_preferred_losers_are_dropped() {
    let mut world = World::plain();
    world.net.set(SSE, Fault::Hang);
    world.net.set(POLL, Fault::Hang);
    world.act(Act::Delay {
        delay: 75,
        jitter: 0,
    });
    world.connect();
    world.until(3_000, |world| world.is_on(WS));
    assert!(world.page.app.opens.len() > 1, "a race was on");
    assert_eq!(world.held().count(), 1, "only the winner is left");
}

#[test]
fn a_fast_websocket_leaves_the_others_unopened() {
    let mut world = World::plain();
    world.connect();
    world.pass(60_000);
    assert_eq!(world.page.app.opens.len(), 1);
    world.check_calm();
}

#[test]
fn memory_shortens_the_stagger() {
    let second = |memory| {
        let mut world = World::new(
            1,
            Config {
                memory,
                ..Config::default()
            },
        );
        world.net.set(WS, Fault::Hang);
        world.connect();
        world.until(2_000, |world| world.page.app.opens.len() == 2);
        world.now
    };
    assert_eq!(second(None), 250);
    assert_eq!(
        second(Some(Memory {
            transport: WS,
            rtt: 30
        })),
        120
    );
    assert_eq!(
        second(Some(Memory {
            transport: WS,
            rtt: 900
        })),
        1_000
    );
    assert_eq!(
        second(Some(Memory {
            transport: SSE,
            rtt: 30
        })),
        100
    );
}

#[test]
fn a_server_that_comes_up_later_is_found_and_nothing_sent_meanwhile_is_lost() {
    for seed in 0..50 {
        let mut world = World::new(seed, Config::default());
        world.act(Act::Down);
        world.connect();
        world.act(Act::Send {
            request: false,
            bytes: 10,
        });
        world.pass(40_000);
        world.act(Act::Up { kept: true });
        world.until(30_000, |world| world.page.app.undecided() == 0);
        world.pass(60_000);
        assert!(world.is_on(WS));
        assert_eq!(world.heard(), [1]);
        world.check_calm();
    }
}

#[test]
fn transports_that_the_page_cannot_open_are_left_out_and_none_means_failed() {
    let here = Fault::Here(throughline_core::Cause::Unavailable);
    let mut world = World::plain();
    world.net.set(WS, here);
    world.net.set(SSE, here);
    world.connect();
    world.until(2_000, |world| world.is_on(POLL));
    world.pass(120_000);
    assert_eq!(
        world.page.app.opens.len(),
        3,
        "what cannot be opened is not tried again"
    );
    let mut world = World::plain();
    [WS, SSE, POLL]
        .iter()
        .for_each(|transport| world.net.set(*transport, here));
    world.connect();
    world.until(1_000, |world| world.state() == StateKind::Failed);
}

#[test]
fn a_server_that_refuses_every_transport_fails_the_first_connect() {
    for status in [403, 404] {
        let mut world = World::plain();
        world.act(Act::FaultOnAll(Fault::status(status)));
        world.connect();
        world.until(2_000, |world| world.state() == StateKind::Failed);
        assert_eq!(
            world.page.app.ending.map(|ending| ending.status),
            Some(status)
        );
    }
}
