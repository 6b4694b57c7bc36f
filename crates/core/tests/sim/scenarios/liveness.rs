//! Silence, sleep, and networks that come and go.

use throughline_core::{Cause, Config, Environment, Input, StateKind};

use super::{POLL, SSE, WS, only, useful};
use crate::acts::Act;
use crate::net::Fault;
use crate::world::World;

const HEARTBEAT: u64 = 15_000;

fn left_the_link(world: &World) -> bool {
    world
        .page
        .app
        .states
        .iter()
        .any(|(_, state)| *state == StateKind::Reconnecting)
}

#[test]
fn a_half_open_link_is_found_within_three_heartbeats() {
    for transport in [WS, SSE, POLL] {
        for act in [Act::HalfOpen, Act::Mute] {
            for seed in 0..40 {
                let mut world = useful(seed, only(&[transport]));
                world.pass(seed * 400);
                world.act(act.clone());
                let took = world.until(3 * HEARTBEAT, left_the_link);
                // On a split transport a hung POST may tell sooner.
                assert!(
                    took >= HEARTBEAT || transport != WS,
                    "too hasty after {took} ms"
                );
                world.until(5_000, |world| world.state() == StateKind::Connected);
            }
        }
    }
}

#[test]
fn a_quiet_but_sound_link_stays() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(1, only(&[transport]));
        world.act(Act::Delay {
            delay: 400,
            jitter: 900,
        });
        world.pass(1_800_000);
        assert!(!left_the_link(&world), "{transport:?}");
        assert_eq!(world.page.app.opens.len(), 1);
        world.check_calm();
    }
}

#[test]
fn a_frozen_page_judges_nothing_by_lateness() {
    for transport in [WS, SSE, POLL] {
        for span in [2_000, 30_000, 60_000, 600_000] {
            for alarm_first in [true, false] {
                for seed in 0..20 {
                    let mut world = useful(seed, only(&[transport]));
                    world.page.alarm_first = alarm_first;
                    world.pass(seed * 700);
                    world.act(Act::Freeze(span));
                    world.pass(span + 60_000);
                    // A server waits 30 s for a poll and then says so: no lateness of ours.
                    let closed = transport == POLL && span > 20_000;
                    let left = left_the_link(&world);
                    assert!(!left || closed, "{transport:?}, {span} ms, seed {seed}");
                    world.check_calm();
                }
            }
        }
    }
}

#[test]
fn a_page_frozen_in_the_handshake_takes_what_came_meanwhile() {
    for at in [0, 10, 18, 22, 28, 100, 260, 300] {
        for span in [1_500, 20_000, 100_000] {
            for alarm_first in [true, false] {
                let mut world = World::plain();
                world.page.alarm_first = alarm_first;
                world.connect();
                world.pass(at);
                world.act(Act::Freeze(span));
                world.pass(span);
                world.until(5_000, |world| world.state() == StateKind::Connected);
                world.pass(90_000);
                assert!(world.is_on(WS), "frozen at {at} for {span}");
                // Before `hello` was sent the server could not wait for it so long.
                let sockets = world
                    .page
                    .app
                    .opens
                    .iter()
                    .filter(|(_, t)| *t == WS)
                    .count();
                let late = at < 22 && span > 10_000;
                assert!(
                    sockets == 1 || late,
                    "frozen at {at} for {span}: opened again"
                );
                world.check_calm();
            }
        }
    }
}

#[test]
fn waking_up_on_a_dead_link_is_found_out_within_two_seconds() {
    for transport in [WS, SSE, POLL] {
        for seed in 0..20 {
            let mut world = useful(seed, only(&[transport]));
            world.pass(seed * 300);
            world.act(Act::Freeze(600_000));
            world.act(Act::HalfOpen);
            world.pass(600_000);
            world.act(Act::Woke);
            let took = world.until(2_100, left_the_link);
            assert!(took <= 2_000, "{transport:?}: {took}");
            world.until(4_000, |world| world.state() == StateKind::Connected);
        }
    }
}

#[test]
fn waking_up_on_a_sound_link_changes_nothing() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(1, only(&[transport]));
        let span = if transport == POLL { 25_000 } else { 100_000 };
        world.act(Act::Freeze(span));
        world.pass(span);
        world.act(Act::Woke);
        world.pass(60_000);
        assert!(!left_the_link(&world), "{transport:?}");
    }
}

#[test]
fn an_offline_word_is_checked_and_an_online_one_hurries() {
    let mut world = useful(1, Config::default());
    world.turn(Input::Environment(Environment::Offline));
    world.pass(10_000);
    assert!(!left_the_link(&world), "the browser was wrong");
    for seed in 0..40 {
        let mut world = useful(seed, Config::default());
        world.act(Act::Offline);
        let took = world.until(2_100, left_the_link);
        assert!(took <= 2_000);
        world.pass(90_000);
        world.act(Act::Online);
        let took = world.until(4_000, |world| world.state() == StateKind::Connected);
        assert!(took <= 1_500, "seed {seed}: {took}");
    }
}

#[test]
fn a_hung_post_costs_the_link_and_not_the_message() {
    for transport in [SSE, POLL] {
        let mut world = useful(2, only(&[transport]));
        world.act(Act::FaultOnPosts(Fault::Hang));
        world.act(Act::Send {
            request: false,
            bytes: 5,
        });
        world.until(12_000, left_the_link);
        assert_eq!(
            world.page.app.states.last().map(|(_, s)| *s),
            Some(StateKind::Reconnecting)
        );
        assert_eq!(
            world.page.app.ending.map(|ending| ending.cause),
            Some(Cause::PostHung)
        );
        world.act(Act::Heal);
        world.until(60_000, |world| world.page.app.undecided() == 0);
        assert_eq!(world.heard(), [1]);
    }
}

#[test]
fn a_refused_post_costs_the_link_and_not_the_message() {
    for transport in [SSE, POLL] {
        for status in [404, 500, 503] {
            let mut world = useful(
                2,
                Config {
                    transports: [transport, WS].into_iter().collect(),
                    ..Config::default()
                },
            );
            world.act(Act::FaultOnPosts(Fault::status(status)));
            world.act(Act::Send {
                request: false,
                bytes: 5,
            });
            world.until(1_000, left_the_link);
            world.pass(30_000);
            world.act(Act::Heal);
            world.until(60_000, |world| world.page.app.undecided() == 0);
            world.pass(120_000);
            assert_eq!(world.heard(), [1], "{transport:?}, {status}");
            world.check_calm();
        }
    }
}

#[test]
fn the_server_forgets_who_stays_away_and_the_page_is_told_of_the_gap() {
    let mut world = useful(1, Config::default());
    world.act(Act::Freeze(300_000));
    world.act(Act::Cut);
    world.pass(119_000);
    assert_eq!(
        world.server.sessions.session_count(),
        1,
        "within the window"
    );
    world.pass(3_000);
    assert_eq!(world.server.sessions.session_count(), 0, "after the window");
    world.pass(200_000);
    assert_eq!((world.is_on(WS), world.page.app.gaps), (true, 1));
    world.check_calm();
}

#[test]
fn the_server_closes_a_former_link_that_nobody_closed() {
    for transport in [WS, SSE] {
        let mut world = useful(1, only(&[transport]));
        world.act(Act::HalfOpen);
        world.until(60_000, left_the_link);
        world.until(5_000, |world| world.state() == StateKind::Connected);
        assert_eq!(
            world.server.sessions.link_count(),
            2,
            "{transport:?}: the old one lingers"
        );
        world.pass(6_000);
        assert_eq!(world.server.sessions.link_count(), 1, "{transport:?}");
    }
}
