//! Back to a better transport, and away from a server that asks for it.

use throughline_core::{Config, StateKind, TokenReason};

use super::{FAULTS, POLL, SSE, WS, only, useful, with_token};
use crate::acts::Act;
use crate::net::Fault;
use crate::page::Tokens;
use crate::world::World;

#[test]
fn two_minutes_of_a_fault_end_on_the_websocket_within_a_minute() {
    for fault in FAULTS {
        for seed in 0..40 {
            let mut world = World::new(seed, Config::default());
            world.net.set(WS, fault);
            world.connect();
            world.pass(120_000);
            assert_eq!(
                world.state(),
                StateKind::Connected,
                "{fault:?}, seed {seed}"
            );
            world.act(Act::Heal);
            world.until(60_000, |world| {
                world.is_on(WS) && world.page.core.attempts() == 0
            });
            world.pass(20_000);
            assert!(world.is_on(WS));
            world.check_calm();
        }
    }
}

#[test]
fn a_fault_that_comes_later_and_goes_ends_on_the_websocket_too() {
    for fault in FAULTS {
        for seed in 0..40 {
            let mut world = useful(seed, Config::default());
            world.net.set(WS, fault);
            world.act(Act::Cut);
            world.pass(120_000);
            let state = world.state();
            assert_eq!(state, StateKind::Connected, "{fault:?}, seed {seed}");
            world.act(Act::Heal);
            world.until(60_000, |world| {
                world.is_on(WS) && world.page.core.attempts() == 0
            });
            world.pass(20_000);
            world.check_calm();
        }
    }
}

#[test]
fn a_climb_opens_every_better_transport_and_takes_the_best() {
    let mut world = World::plain();
    world.net.set(WS, Fault::Rst);
    world.net.set(SSE, Fault::Rst);
    world.connect();
    world.until(2_000, |world| world.is_on(POLL));
    world.act(Act::Heal);
    world.until(60_000, |world| world.is_on(WS));
    world.pass(10_000);
    world.check_calm();
    assert_eq!(world.page.app.gaps, 0);
}

#[test]
fn messages_cross_a_climb_without_loss() {
    for seed in 0..200 {
        let mut world = World::new(seed, Config::default());
        world.net.set(WS, Fault::Rst);
        world.act(Act::Delay {
            delay: 20,
            jitter: 30,
        });
        for at in 0..800 {
            world.plan(
                at * 25,
                Act::Send {
                    request: at % 5 == 0,
                    bytes: 20,
                },
            );
            world.plan(at * 25, Act::Publish(1));
        }
        world.plan(3_000, Act::Fault(WS, Fault::None));
        world.connect();
        world.pass(60_000);
        assert!(world.is_on(WS), "seed {seed}");
        world.check_calm();
        assert_eq!(world.heard().len(), 800);
    }
}

#[test]
fn a_climb_that_fails_leaves_the_link_alone() {
    let mut world = World::plain();
    world.net.set(WS, Fault::Swallow);
    world.connect();
    world.until(3_000, |world| world.is_on(SSE));
    world.pass(300_000);
    let carried: Vec<_> = world.page.app.carried.iter().map(|(_, t)| *t).collect();
    assert_eq!(carried, [Some(SSE)], "one link carried all of it");
    let probes = world.page.app.opened_between(10_000, 300_000);
    assert!(
        (4..=14).contains(&probes),
        "{probes} probes in five minutes"
    );
    world.check_calm();
}

#[test]
fn a_flapping_websocket_is_tried_by_probes_alone_and_disturbs_little() {
    for passes in [true, false] {
        let mut world = World::plain();
        world.net.set(WS, Fault::Flap { after: 100, passes });
        world.connect();
        world.pass(300_000);
        assert!(world.is_on(SSE));
        let websockets = world
            .page
            .app
            .opens
            .iter()
            .filter(|(_, t)| *t == WS)
            .count();
        assert!(websockets <= 16, "{websockets} sockets in five minutes");
        let lost = world
            .page
            .app
            .states
            .iter()
            .filter(|(_, s)| *s == StateKind::Reconnecting);
        assert!(lost.count() <= 1, "a probe does not cost the link");
    }
}

#[test]
fn a_network_change_probes_at_once() {
    let mut world = World::plain();
    world.net.set(WS, Fault::Rst);
    world.connect();
    world.until(3_000, |world| world.is_on(SSE));
    world.pass(90_000);
    world.act(Act::Heal);
    world.act(Act::NetworkChanged);
    world.until(4_000, |world| world.is_on(WS));
}

#[test]
fn a_goaway_moves_before_it_breaks() {
    for transport in [WS, SSE, POLL] {
        for seed in 0..40 {
            let mut world = useful(seed, only(&[transport]));
            let opened = world.wires.len();
            world.act(Act::Goaway(5_000));
            let took = world.until(9_000, |world| {
                world.held().all(|w| w.attempt.0 as usize > opened)
            });
            assert!(took <= 7_000, "{transport:?}: {took} ms");
            world.pass(20_000);
            let lost = world
                .page
                .app
                .states
                .iter()
                .any(|(_, s)| *s == StateKind::Reconnecting);
            assert!(
                !lost,
                "{transport:?}, seed {seed}: the session was never without a link"
            );
            assert_eq!(world.page.app.opens.len(), opened + 1);
            world.check_calm();
        }
    }
}

#[test]
fn moves_are_spread_over_the_span_that_the_server_named() {
    let mut moves: Vec<u64> = (0..400)
        .map(|seed| {
            let mut world = useful(seed, only(&[WS]));
            world.act(Act::Goaway(10_000));
            world.until(12_000, |world| world.page.app.opens.len() == 2)
        })
        .collect();
    moves.sort_unstable();
    for (tenth, pair) in moves.chunks(40).enumerate() {
        let middle = tenth as u64 * 1_000 + 500;
        assert!(
            pair[20].abs_diff(middle) < 700,
            "tenth {tenth}: {}",
            pair[20]
        );
    }
}

#[test]
fn two_goaways_make_one_move() {
    let mut world = useful(3, only(&[WS]));
    world.act(Act::Goaway(0));
    world.pass(12);
    world.act(Act::Goaway(0));
    world.pass(30_000);
    assert!(world.page.app.opens.len() <= 3);
    world.check_calm();
}

#[test]
fn a_drained_server_sends_everyone_away_and_its_successor_takes_them() {
    for seed in 0..40 {
        let mut world = useful(seed, Config::default());
        world.act(Act::Drain(4_000));
        world.pass(8_000);
        world.act(Act::Up { kept: false });
        world.until(30_000, |world| world.state() == StateKind::Connected);
        world.pass(60_000);
        assert!(world.is_on(WS));
        assert_eq!(
            world.page.app.gaps, 1,
            "the new server does not know the session"
        );
        world.check_calm();
    }
}

#[test]
fn a_climb_asks_for_a_token_of_its_own_and_a_failing_one_leaves_the_link_alone() {
    let mut world = World::new(5, with_token());
    world.net.set(WS, Fault::Rst);
    world.connect();
    world.until(3_000, |world| world.is_on(SSE));
    for tokens in [Tokens::Throws, Tokens::NeverReturns] {
        world.page.tokens = tokens;
        world.pass(120_000);
        assert!(world.is_on(SSE), "{tokens:?}");
    }
    world.act(Act::Heal);
    world.until(90_000, |world| world.is_on(WS));
    assert!(
        world
            .page
            .app
            .asked
            .iter()
            .all(|(_, reason)| *reason == TokenReason::Connect)
    );
}

#[test]
fn a_climb_answered_for_another_session_does_not_cost_the_one_at_hand() {
    let server = throughline_core::server::SessionsConfig {
        replay_bytes: 40,
        ..throughline_core::server::SessionsConfig::default()
    };
    for seed in 0..100 {
        let mut world = World::with(seed, Config::default(), server.clone());
        world.act(Act::Delay {
            delay: 50,
            jitter: 60,
        });
        world.net.set(WS, Fault::Rst);
        world.net.set(SSE, Fault::Rst);
        world.connect();
        world.until(4_000, |world| world.is_on(POLL));
        world.act(Act::Heal);
        // Faster than the climb's `hello`: its `received` is older than what the server keeps.
        for at in 0..600 {
            world.plan(world.now + 12_000 + at * 10, Act::Publish(2));
        }
        world.pass(90_000);
        assert!(world.is_on(WS), "seed {seed}");
        assert_eq!(world.page.app.gaps, 0, "seed {seed}");
        world.check_calm();
    }
}
