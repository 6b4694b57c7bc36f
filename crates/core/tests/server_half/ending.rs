//! Liveness, limits and endings (P4, P5).

use throughline_core::close::code;
use throughline_core::server::{Event, Input, Output, Rate, SessionsConfig};
use throughline_core::{Frame, Hello, Nonce};

use crate::world::{World, closed, heard, hello, message};

/// P4.1
#[test]
fn pings_are_answered_and_heartbeats_are_not() {
    let mut world = World::new();
    world.greet(1, hello());
    world.frame(1, Frame::Ping { k: 0 });
    world.frame(1, Frame::Ping { k: 5 });
    assert_eq!(world.frames(1), [Frame::Pong { k: 5 }]);
}

/// P4.2
#[test]
fn a_heartbeat_comes_after_an_interval_of_silence() {
    let mut world = World::new();
    let session = world.taken(1);
    world.pass(10_000);
    world.publish(session, "a");
    world.frames(1);
    world.pass(14_999);
    assert_eq!(world.frames(1), []);
    world.pass(1);
    assert_eq!(world.frames(1), [Frame::Ping { k: 0 }]);
    world.pass(15_000);
    assert_eq!(world.frames(1), [Frame::Ping { k: 0 }]);
}

/// P5.2, P5.3
#[test]
fn a_drain_asks_everyone_to_move_and_closes_who_stays() {
    let mut world = World::new();
    world.taken(1);
    world.greet(
        2,
        Hello {
            connect: Nonce(3),
            ..hello()
        },
    );
    world.open(3);
    world.handle(Input::Drain {
        spread: 1_000,
        retry: 500,
    });
    assert_eq!(world.frames(1), [Frame::Goaway { spread: 1_000 }]);
    world.hello(3, hello());
    assert_eq!(world.closes(), [(3, code::TRY_LATER, Some(500))]);
    world.pass(1_000);
    let expected = [
        (1, code::TRY_LATER, Some(500)),
        (2, code::TRY_LATER, Some(1_000)),
    ];
    assert_eq!(world.closes(), expected);
    assert_eq!(
        world.sessions.poll_timeout().map(|at| at > world.now),
        Some(true),
        "expiry only"
    );
}

/// P5.3, P5.6
#[test]
fn limits_have_their_codes() {
    let rate = Rate {
        per_second: 1,
        burst: 2,
    };
    let config = SessionsConfig {
        max_sessions: 1,
        max_session_links: 2,
        rate,
        ..SessionsConfig::default()
    };
    let mut world = World::with(config);
    world.taken(1);
    world.open(2);
    world.hello(
        2,
        Hello {
            connect: Nonce(77),
            ..hello()
        },
    );
    assert_eq!(world.closes(), [(2, code::TRY_LATER, Some(2_000))]);
    world.greet(3, hello());
    world.open(4);
    world.hello(4, hello());
    assert_eq!(world.closes(), [(4, code::SLOW_DOWN, Some(2_000))]);
    for n in 1..=3 {
        world.frame(1, message(n, "a"));
    }
    let outputs = world.drain();
    assert_eq!(heard(&outputs), [(1, "a"), (2, "a")]);
    assert!(outputs.contains(&closed(1, code::SLOW_DOWN, Some(2_000))));
    world.pass(1_000);
    world.frame(3, message(3, "a"));
    assert_eq!(heard(&world.drain()), [(3, "a")], "nothing is lost by it");
}

/// P5.5
#[test]
fn close_1000_from_the_owner_ends_the_session() {
    let mut world = World::new();
    let session = world.taken(1);
    world.frame(
        1,
        Frame::Close {
            code: code::NORMAL,
            retry: None,
        },
    );
    let outputs = world.drain();
    assert!(outputs.contains(&Output::Event(Event::Closed { session })));
    assert!(outputs.contains(&closed(1, code::NORMAL, None)));
    assert_eq!(world.sessions.session_count(), 0);
    assert_eq!(world.sessions.poll_timeout(), None);
}

/// P5.5: the loser of a race that says good-bye ends itself alone.
#[test]
fn close_1000_from_another_link_ends_that_link() {
    let mut world = World::new();
    world.taken(1);
    world.greet(2, hello());
    world.frame(
        2,
        Frame::Close {
            code: code::NORMAL,
            retry: None,
        },
    );
    assert_eq!(world.closes(), [(2, code::NORMAL, None)]);
    assert_eq!(world.sessions.session_count(), 1);
}
