//! Messages, replies, acks and replay (P3).

use throughline_core::close::code;
use throughline_core::server::{Event, Input, LinkId, Output, SessionsConfig};
use throughline_core::{Frame, Hello};

use crate::world::{World, hello, message};

/// P3.2
#[test]
fn a_number_that_skips_one_is_closed() {
    let mut world = World::new();
    world.taken(1);
    world.frame(1, message(2, "b"));
    assert_eq!(world.closes(), [(1, code::PROTOCOL, None)]);
}

/// P3.3: a lone message is acknowledged at once, the ones after it together.
#[test]
fn acks_go_at_once_after_a_pause_and_by_time_else() {
    let mut world = World::new();
    world.taken(1);
    world.frame(1, message(1, "a"));
    assert_eq!(world.frames(1), [Frame::Ack { n: 1 }]);
    world.pass(10);
    world.frame(1, message(2, "b"));
    world.frame(1, message(3, "c"));
    assert_eq!(world.frames(1), []);
    world.pass(9);
    assert_eq!(world.frames(1), []);
    world.pass(1);
    assert_eq!(world.frames(1), [Frame::Ack { n: 3 }]);
}

/// P3.3: a unit that goes to the owner anyway takes the ack along, and to no other link.
#[test]
fn an_ack_rides_with_what_is_sent_anyway() {
    let mut world = World::new();
    let session = world.taken(1);
    world.greet(2, hello());
    world.frame(1, message(1, "a"));
    world.drain();
    world.frame(1, message(2, "b"));
    world.frame(2, Frame::Ping { k: 1 });
    assert_eq!(world.frames(2), [Frame::Pong { k: 1 }]);
    world.publish(session, "x");
    assert_eq!(world.frames(1), [message(1, "x"), Frame::Ack { n: 2 }]);
    world.publish(session, "y");
    assert_eq!(world.frames(1), [message(2, "y")]);
    world.pass(20);
    assert_eq!(world.frames(1), [], "it was told");
}

/// P3.3
#[test]
fn half_a_window_of_messages_is_acked_before_its_time() {
    let mut world = World::new();
    world.taken(1);
    world.frame(1, message(1, "a"));
    world.drain();
    for n in 2..=501 {
        world.frame(1, message(n, "a"));
    }
    assert_eq!(world.frames(1), [Frame::Ack { n: 501 }]);
}

/// P3.3
#[test]
fn the_answer_to_a_post_takes_the_ack_from_the_link() {
    let mut world = World::new();
    world.taken(1);
    world.frame(1, message(1, "a"));
    assert_eq!(
        world.sessions.poll_ack(LinkId(1)),
        Some(Frame::Ack { n: 1 })
    );
    assert_eq!(world.sessions.poll_ack(LinkId(1)), None);
    assert_eq!(world.frames(1), []);
    world.frame(1, message(1, "a"));
    assert_eq!(
        world.sessions.poll_ack(LinkId(1)),
        Some(Frame::Ack { n: 1 }),
        "doubles too"
    );
}

/// P3.3
#[test]
fn an_ack_of_a_number_never_sent_is_closed() {
    let mut world = World::new();
    world.taken(1);
    world.frame(1, Frame::Ack { n: 1 });
    assert_eq!(world.closes(), [(1, code::PROTOCOL, None)]);
}

/// P3.4
#[test]
fn a_reply_is_numbered_with_the_messages() {
    let mut world = World::new();
    let session = world.taken(1);
    world.frame(
        1,
        Frame::Request {
            n: 1,
            id: 7,
            body: "q",
        },
    );
    assert!(world.drain().contains(&Output::Event(Event::Request {
        session,
        seq: 1,
        id: 7,
        body: "q"
    })));
    world.publish(session, "a");
    world.handle(Input::Reply {
        session,
        id: 7,
        ok: true,
        body: "r",
        bytes: 1,
    });
    assert_eq!(
        world.frames(1),
        [
            message(1, "a"),
            Frame::Reply {
                n: 2,
                id: 7,
                ok: true,
                body: "r"
            }
        ]
    );
}

/// P2.3, P3.5
#[test]
fn a_resume_within_the_window_loses_and_doubles_nothing() {
    let mut world = World::new();
    let session = world.taken(1);
    let id = world.sessions.session_id(session).unwrap();
    world.publish(session, "a");
    world.publish(session, "b");
    world.frame(1, message(1, "x"));
    world.frame(1, Frame::Ack { n: 1 });
    world.handle(Input::LinkClosed { link: LinkId(1) });
    world.publish(session, "c");
    world.drain();
    world.pass(119_999);
    let ready = world.greet(
        2,
        Hello {
            session: Some(id),
            received: 1,
            ..hello()
        },
    );
    assert!(ready.resumed);
    assert_eq!(ready.received, 1);
    world.frame(
        2,
        Frame::Take {
            fence: 2,
            received: 1,
        },
    );
    assert_eq!(world.frames(2), [message(2, "b"), message(3, "c")]);
}

/// P2.3: a `hello` that its sibling overtook still says 0, though the page has acknowledged more.
#[test]
fn a_late_hello_of_a_race_finds_the_session_with_acked_messages_gone() {
    let mut world = World::new();
    let session = world.taken(1);
    world.publish(session, "a");
    world.publish(session, "b");
    world.frame(1, Frame::Ack { n: 1 });
    let ready = world.greet(2, hello());
    assert!(ready.resumed);
    world.frame(
        2,
        Frame::Take {
            fence: 2,
            received: 1,
        },
    );
    assert_eq!(world.frames(2), [message(2, "b")]);
}

#[test]
fn a_session_without_a_link_is_forgotten_after_the_window() {
    let mut world = World::new();
    let session = world.taken(1);
    let id = world.sessions.session_id(session).unwrap();
    world.handle(Input::LinkClosed { link: LinkId(1) });
    world.pass(120_000);
    assert!(
        world
            .drain()
            .contains(&Output::Event(Event::Closed { session }))
    );
    let ready = world.greet(
        2,
        Hello {
            session: Some(id),
            ..hello()
        },
    );
    assert!(!ready.resumed);
    assert_eq!(world.sessions.session_count(), 1);
}

/// P2.3: history over the bound is gone, so its client gets a new session.
#[test]
fn a_resume_that_needs_dropped_messages_is_not_one() {
    let mut world = World::with(SessionsConfig {
        replay_bytes: 2,
        ..SessionsConfig::default()
    });
    let session = world.taken(1);
    let id = world.sessions.session_id(session).unwrap();
    world.handle(Input::LinkClosed { link: LinkId(1) });
    for body in ["a", "b", "c"] {
        world.publish(session, body);
    }
    let kept = world.greet(
        2,
        Hello {
            session: Some(id.clone()),
            received: 1,
            ..hello()
        },
    );
    assert!(kept.resumed);
    let lost = Hello {
        session: Some(id.clone()),
        received: 0,
        ..hello()
    };
    let (a, b) = (world.greet(3, lost.clone()), world.greet(4, lost));
    assert!(!a.resumed && !b.resumed);
    assert_ne!(a.session, id);
    assert_eq!(a.session, b.session);
}
