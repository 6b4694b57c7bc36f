//! `close()`: from every state, with and without messages on their way.

use throughline_core::{Config, Outcome, StateKind};

use super::{POLL, SSE, WS, only, useful, with_token};
use crate::acts::Act;
use crate::net::Fault;
use crate::page::Tokens;
use crate::world::World;

/// Closes, and lets everything late happen.
fn close(world: &mut World) -> u64 {
    world.act(Act::Close);
    let took = world.until(2_100, |world| world.state() == StateKind::Closed);
    world.pass(120_000);
    assert_eq!(world.state(), StateKind::Closed);
    assert_eq!(world.page.core.poll_timeout(), None);
    assert_eq!(world.held().count(), 0);
    took
}

#[test]
fn close_ends_every_state_and_leaves_nothing() {
    let mut idle = World::plain();
    assert_eq!(close(&mut idle), 0);
    for at in [0, 3, 12, 17, 22, 27, 33, 260, 400, 1_000] {
        for fault in [Fault::None, Fault::Hang, Fault::Swallow, Fault::Rst] {
            let mut connecting = World::plain();
            connecting.net.set(WS, fault);
            connecting.connect();
            connecting.pass(at);
            assert!(close(&mut connecting) <= 200, "{fault:?} at {at}");
        }
    }
    let mut token = World::new(1, with_token());
    token.page.tokens = Tokens::NeverReturns;
    token.connect();
    assert_eq!(close(&mut token), 0);
    for outage in [500, 3_000, 50_000, 200_000] {
        let mut reconnecting = useful(1, Config::default());
        reconnecting.act(Act::Down);
        reconnecting.pass(outage);
        assert_eq!(close(&mut reconnecting), 0);
    }
    let mut failed = World::plain();
    failed.act(Act::FaultOnAll(Fault::status(403)));
    failed.connect();
    failed.pass(5_000);
    failed.act(Act::Close);
    assert_eq!(failed.state(), StateKind::Failed, "an end is an end");
    let mut twice = useful(1, Config::default());
    twice.act(Act::Close);
    close(&mut twice);
}

#[test]
fn close_first_delivers_what_was_sent() {
    for transport in [WS, SSE, POLL] {
        for seed in 0..40 {
            let mut world = World::new(seed, only(&[transport]));
            world.act(Act::Delay {
                delay: 30,
                jitter: 20,
            });
            world.connect();
            world.pass(5_000);
            (0..50).for_each(|_| {
                world.act(Act::Send {
                    request: false,
                    bytes: 3_000,
                })
            });
            let took = close(&mut world);
            assert!(took <= 1_200, "{transport:?}: {took}");
            assert_eq!(world.heard().len(), 50, "{transport:?}, seed {seed}");
            assert!(
                world
                    .page
                    .app
                    .sends
                    .iter()
                    .all(|sent| *sent == Some(Outcome::Sent))
            );
            assert_eq!(
                world.server.sessions.session_count(),
                0,
                "{transport:?}: forgotten"
            );
        }
    }
}

#[test]
fn close_on_a_dead_link_takes_its_deadline_and_says_what_is_unknown() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(1, only(&[transport]));
        world.act(Act::HalfOpen);
        world.act(Act::Send {
            request: false,
            bytes: 3,
        });
        let took = close(&mut world);
        assert!((1_900..=2_000).contains(&took), "{transport:?}: {took}");
        assert_eq!(world.page.app.sends, [Some(Outcome::Unknown)]);
    }
}

#[test]
fn a_send_after_the_end_is_refused() {
    let mut world = useful(1, Config::default());
    close(&mut world);
    world.act(Act::Send {
        request: false,
        bytes: 3,
    });
    assert_eq!(world.page.app.sends, [Some(Outcome::Closed)]);
}

#[test]
fn a_link_lost_while_closing_ends_the_session_all_the_same() {
    for at in [0, 5, 12, 20, 40] {
        for transport in [WS, SSE, POLL] {
            let mut world = useful(1, only(&[transport]));
            world.act(Act::Delay {
                delay: 20,
                jitter: 0,
            });
            (0..10).for_each(|_| {
                world.act(Act::Send {
                    request: false,
                    bytes: 30,
                })
            });
            world.act(Act::Close);
            world.pass(at);
            world.act(Act::Cut);
            world.pass(3_000);
            assert_eq!(world.state(), StateKind::Closed);
        }
    }
}

#[test]
fn a_page_frozen_while_closing_still_ends() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(1, only(&[transport]));
        world.act(Act::HalfOpen);
        world.act(Act::Send {
            request: false,
            bytes: 3,
        });
        world.act(Act::Close);
        world.act(Act::Freeze(60_000));
        world.pass(70_000);
        assert_eq!(world.state(), StateKind::Closed);
    }
}

#[test]
fn a_goaway_while_closing_does_not_bring_the_session_back() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(1, only(&[transport]));
        world.act(Act::Delay {
            delay: 300,
            jitter: 0,
        });
        world.act(Act::Send {
            request: false,
            bytes: 3,
        });
        world.act(Act::Goaway(0));
        world.act(Act::Close);
        let opened = world.page.app.opens.len();
        world.until(2_000, |world| world.state() == StateKind::Closed);
        assert_eq!(world.page.app.opens.len(), opened, "{transport:?}");
    }
}

#[test]
fn a_cancelled_send_is_never_written_and_a_written_one_is_not_cancelled() {
    let mut world = World::plain();
    world.net.set(WS, Fault::Hang);
    world.connect();
    world.act(Act::Send {
        request: false,
        bytes: 9,
    });
    world.act(Act::Send {
        request: false,
        bytes: 9,
    });
    world.act(Act::Cancel);
    world.until(3_000, |world| world.page.app.undecided() == 0);
    assert_eq!(
        world.page.app.sends,
        [Some(Outcome::Sent), Some(Outcome::Cancelled)]
    );
    assert_eq!(world.heard(), [1]);
    world.act(Act::Send {
        request: false,
        bytes: 9,
    });
    world.act(Act::Cancel);
    world.pass(2_000);
    assert_eq!(world.page.app.sends.last(), Some(&Some(Outcome::Sent)));
}
