//! After a lost link: how soon, how often, and with what.

use throughline_core::{Config, Dialect, Memory, Readiness, StateKind};

use super::{POLL, SSE, WS, only, useful, with_token};
use crate::acts::Act;
use crate::net::Fault;
use crate::page::Tokens;
use crate::world::World;

#[test]
fn a_reconnect_does_not_race() {
    for seed in 0..200 {
        let mut world = useful(seed, Config::default());
        let opened = world.page.app.opens.len();
        [WS, SSE, POLL]
            .iter()
            .for_each(|transport| world.net.set(*transport, Fault::Hang));
        world.act(Act::Cut);
        world.until(2_000, |world| world.page.app.opens.len() > opened);
        world.pass(1_499);
        assert_eq!(world.page.app.opens.len(), opened + 1, "seed {seed}");
        world.pass(20);
        assert_eq!(
            world.page.app.opens.len(),
            opened + 2,
            "the next one joins after the proof"
        );
    }
}

#[test]
fn a_refused_reconnect_opens_nothing_else_in_its_round() {
    for seed in 0..100 {
        let mut world = useful(seed, Config::default());
        world.act(Act::Down);
        let start = world.now;
        world.pass(10_000);
        let opened = world.page.app.opened_between(start, world.now);
        assert!(
            opened <= 6,
            "seed {seed}: {opened} connections in ten seconds"
        );
    }
}

#[test]
fn a_cut_link_comes_back_within_the_first_window() {
    let mut spans: Vec<u64> = (0..400)
        .map(|seed| {
            let mut world = useful(seed, Config::default());
            world.act(Act::Cut);
            world.pass(20);
            world.until(3_000, |world| world.state() == StateKind::Connected)
        })
        .collect();
    spans.sort_unstable();
    assert!(spans[399] <= 1_400, "{}", spans[399]);
    assert!(spans[20] <= 200, "some come at once: {}", spans[20]);
    assert!(
        spans[200] >= 300,
        "jittered over the window: median {}",
        spans[200]
    );
}

#[test]
fn the_backoff_starts_over_only_after_ten_seconds_of_a_useful_link() {
    let config = only(&[WS]);
    let delays = |alive: u64| {
        let mut world = useful(9, config.clone());
        for _ in 0..6 {
            world.act(Act::Cut);
            world.pass(20);
            world.until(30_000, |world| world.state() == StateKind::Connected);
            world.pass(alive);
        }
        world
            .page
            .app
            .retries
            .iter()
            .map(|(_, ms)| *ms)
            .collect::<Vec<_>>()
    };
    let short = delays(9_500);
    assert!(
        short.len() == 6 && short[3..].iter().all(|ms| *ms >= 2_000),
        "{short:?}"
    );
    let long = delays(10_500);
    assert!(long.iter().all(|ms| *ms <= 3_000), "{long:?}");
}

#[test]
fn a_flapping_only_transport_opens_at_most_twelve_connections_a_minute() {
    for transport in [WS, SSE, POLL] {
        for passes in [true, false] {
            for seed in 0..2_000 {
                let mut world = World::new(seed, only(&[transport]));
                world.net.set(transport, Fault::Flap { after: 100, passes });
                world.connect();
                world.pass(60_000);
                let opened = world.page.app.opens.len();
                assert!(opened <= 12, "{transport:?}, seed {seed}: {opened}");
            }
        }
    }
}

#[test]
fn a_transport_that_was_cut_young_has_its_turn_again_where_no_other_works() {
    let dialects = [Dialect::Throughline, Dialect::Json(Readiness::Named)];
    for (works, fails) in [(WS, SSE), (SSE, WS)] {
        for fault in [Fault::Refuse, Fault::Rst, Fault::status(404)] {
            for (dialect, seed) in dialects.into_iter().cycle().zip(0..40) {
                let config = Config {
                    dialect,
                    ..only(&[WS, SSE])
                };
                let mut world = World::new(seed, config);
                world.net.set(fails, fault);
                world.connect();
                world.until(5_000, |world| world.is_on(works));
                world.act(Act::Cut);
                world.pass(20);
                world.until(60_000, |world| world.is_on(works));
            }
        }
    }
}

#[test]
fn a_json_server_that_was_away_is_come_back_to_by_the_best_transport() {
    for seed in 0..100 {
        let config = Config {
            dialect: Dialect::Json(Readiness::Named),
            ..only(&[WS, SSE])
        };
        let mut world = useful(seed, config);
        world.act(Act::FaultOnAll(Fault::Rst));
        world.act(Act::Cut);
        world.pass(60_000 + 500 * seed);
        world.act(Act::Heal);
        world.until(30_000, |world| world.state() == StateKind::Connected);
        assert!(world.is_on(WS), "seed {seed}");
    }
}

#[test]
fn retry_after_is_honoured_on_every_transport_and_spread() {
    for transport in [SSE, POLL] {
        for status in [429, 503] {
            let mut spans: Vec<u64> = (0..100)
                .map(|seed| {
                    let mut world = World::new(seed, only(&[transport]));
                    let fault = Fault::Status {
                        status,
                        retry_after: Some(8_000),
                    };
                    world.act(Act::FaultOnAll(fault));
                    world.connect();
                    world.until(30_000, |world| world.page.app.opens.len() == 2)
                })
                .collect();
            spans.sort_unstable();
            assert!(
                spans[0] >= 8_000,
                "{transport:?} came back after {} ms",
                spans[0]
            );
            assert!(
                spans[99] - spans[0] >= 1_000,
                "{transport:?}: {}",
                spans[99] - spans[0]
            );
        }
    }
}

#[test]
fn a_websocket_learns_of_retry_after_by_its_side_probe_and_by_close_frames() {
    for seed in 0..100 {
        let mut world = World::new(seed, only(&[WS]));
        world.act(Act::FaultOnAll(Fault::Status {
            status: 503,
            retry_after: Some(8_000),
        }));
        world.connect();
        let took = world.until(30_000, |world| world.page.app.opens.len() == 2);
        assert!(took >= 8_000, "{took}");
        let mut world = useful(seed, only(&[WS]));
        let opened = world.page.app.opens.len();
        world.act(Act::Drain(0));
        world.pass(5_100);
        let first = world.page.app.opens[opened].0;
        assert!(first >= 500, "{first}");
    }
}

#[test]
fn one_side_probe_names_a_refusal_that_a_websocket_hides() {
    let mut world = World::new(4, only(&[WS]));
    world.act(Act::FaultOnAll(Fault::status(403)));
    world.connect();
    world.until(5_000, |world| world.state() == StateKind::Failed);
    assert_eq!(world.page.app.ending.map(|ending| ending.status), Some(403));
    assert_eq!(world.page.app.probes, 1);
    let mut world = World::new(4, only(&[WS]));
    world.act(Act::Down);
    world.connect();
    world.pass(300_000);
    assert_eq!(world.page.app.probes, 1, "one in a streak of failures");
}

#[test]
fn a_token_that_only_the_side_probe_sees_refused_is_refreshed_once() {
    let mut world = World::new(
        4,
        Config {
            transports: [WS].into_iter().collect(),
            ..with_token()
        },
    );
    world.page.tokens = Tokens::Bad;
    world.act(Act::FaultOnAll(Fault::status(401)));
    world.connect();
    world.until(10_000, |world| world.state() == StateKind::Failed);
    let ending = world
        .page
        .app
        .ending
        .map(|ending| (ending.status, ending.transport));
    assert_eq!(ending, Some((401, Some(WS))));
    assert_eq!(world.page.app.asked.len(), 2);
    let told: Vec<_> = world
        .page
        .app
        .troubles
        .iter()
        .map(|ending| ending.status)
        .collect();
    assert_eq!(told, [401]);
}

#[test]
fn a_restart_that_keeps_the_sessions_loses_nothing() {
    for seed in 0..200 {
        let mut world = useful(seed, Config::default());
        let start = world.now;
        for at in 0..200 {
            world.plan(
                start + at * 50,
                Act::Send {
                    request: at % 3 == 0,
                    bytes: 30,
                },
            );
            world.plan(start + at * 50, Act::Publish(1));
        }
        world.plan(start + 1_000, Act::Down);
        world.plan(start + 6_000, Act::Up { kept: true });
        world.pass(90_000);
        assert_eq!(world.heard().len(), 200, "seed {seed}");
        assert_eq!(world.page.app.gaps, 0);
        world.check_calm();
    }
}

#[test]
fn a_restart_that_forgets_is_told_as_a_gap_and_what_was_never_written_still_arrives() {
    for seed in 0..200 {
        let mut world = useful(seed, Config::default());
        let start = world.now;
        world.plan(
            start + 900,
            Act::Send {
                request: false,
                bytes: 30,
            },
        );
        world.plan(start + 1_000, Act::Down);
        world.plan(
            start + 1_500,
            Act::Send {
                request: false,
                bytes: 30,
            },
        );
        world.plan(start + 4_000, Act::Up { kept: false });
        world.pass(90_000);
        assert_eq!(world.page.app.gaps, 1, "seed {seed}");
        assert_eq!(world.heard(), [1, 2]);
        world.check_calm();
    }
}

#[test]
fn an_hour_without_a_server_suspends_the_session_and_it_still_comes_back() {
    for seed in 0..20 {
        let mut world = useful(seed, Config::default());
        world.act(Act::Down);
        world.pass(3_600_000);
        assert_eq!(world.state(), StateKind::Suspended);
        world.act(Act::Send {
            request: false,
            bytes: 1,
        });
        assert_eq!(
            world.page.app.sends,
            [Some(throughline_core::Outcome::Closed)]
        );
        world.act(Act::Up { kept: true });
        world.until(30_000, |world| world.state() == StateKind::Connected);
        world.pass(90_000);
        assert!(world.is_on(WS));
        world.check_calm();
    }
}

#[test]
fn what_worked_last_is_tried_first() {
    let memory = Some(Memory {
        transport: SSE,
        rtt: 40,
    });
    for seed in 0..20 {
        let mut world = useful(
            seed,
            Config {
                memory,
                ..Config::default()
            },
        );
        world.net.set(WS, Fault::Rst);
        world.act(Act::Cut);
        world.pass(120_000);
        assert!(world.is_on(SSE));
        let opened = world.page.app.opens.len();
        world.act(Act::Cut);
        world.until(3_000, |world| world.page.app.opens.len() > opened);
        assert_eq!(world.page.app.opens[opened].1, SSE, "seed {seed}");
    }
}
