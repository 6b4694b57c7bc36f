//! How links find their session, and one of them comes to own it (P2).

use throughline_core::close::code;
use throughline_core::server::{LinkId, Output};
use throughline_core::{Frame, Hello, Nonce, Ready, Transport};

use crate::world::{World, heard, hello, message, transmit};

/// P2.3: the id is the entropy that was given, in full.
#[test]
fn a_first_hello_is_answered_by_ready_and_nothing_else() {
    let mut world = World::new();
    world.open(1);
    world.hello(1, hello());
    let [
        Output::Transmit {
            link: LinkId(1),
            frames,
        },
    ] = &world.drain()[..]
    else {
        panic!()
    };
    let [Frame::Ready(ready)] = &frames[..] else {
        panic!("{frames:?}")
    };
    let session = Nonce(1 << 100 | 1).to_hex();
    let expected = Ready {
        session,
        resumed: true,
        received: 0,
        heartbeat: 15_000,
        window: 120_000,
        unit: 1 << 20,
    };
    assert_eq!(*ready, expected);
}

/// P2.2
#[test]
fn a_race_of_links_makes_one_session() {
    let mut world = World::new();
    let (a, b) = (world.greet(1, hello()), world.greet(2, hello()));
    assert_eq!(a.session, b.session);
    assert_eq!(world.sessions.session_count(), 1);
}

/// P2.2
#[test]
fn another_subject_finds_neither_the_session_nor_the_connect() {
    let mut world = World::new();
    let ready = world.greet(1, hello());
    world.open(2);
    let stolen = Hello {
        session: Some(ready.session.clone()),
        ..hello()
    };
    world.say_hello(2, stolen, "eve");
    let other = world.ready(2);
    assert_ne!(other.session, ready.session);
    assert!(!other.resumed);
}

/// P2.3: a racing sibling of a refused resume gets the same new session.
#[test]
fn an_unknown_session_makes_one_new_session_for_the_whole_race() {
    let mut world = World::new();
    let lost = Hello {
        session: Some("00000000000000000000000000000042".into()),
        received: 9,
        ..hello()
    };
    let (a, b) = (world.greet(1, lost.clone()), world.greet(2, lost));
    assert_eq!(a.session, b.session);
    assert!(!a.resumed && !b.resumed);
    assert_eq!(a.received, 0);
}

/// P1.3
#[test]
fn a_hello_of_another_version_is_closed() {
    let mut world = World::new();
    world.open(1);
    world.hello(
        1,
        Hello {
            version: 2,
            ..hello()
        },
    );
    assert_eq!(world.closes(), [(1, code::PROTOCOL, None)]);
}

/// P2.3
#[test]
fn no_message_is_sent_before_take() {
    let mut world = World::new();
    let session = world.taken(1);
    world.greet(2, hello());
    world.publish(session, "a");
    assert_eq!(world.frames(2), []);
    assert_eq!(world.drain(), [transmit(1, vec![message(1, "a")])]);
}

/// P2.4
#[test]
fn take_replays_what_was_not_received_and_moves_new_messages() {
    let mut world = World::new();
    let session = world.taken(1);
    for body in ["a", "b", "c"] {
        world.publish(session, body);
    }
    world.drain();
    world.greet(2, hello());
    world.frame(
        2,
        Frame::Take {
            fence: 2,
            received: 1,
        },
    );
    world.publish(session, "d");
    let expected = vec![message(2, "b"), message(3, "c"), message(4, "d")];
    assert_eq!(world.frames(2), expected);
    assert_eq!(world.frames(1), []);
}

/// P2.4
#[test]
fn the_former_owner_is_closed_after_five_seconds() {
    let mut world = World::new();
    world.taken(1);
    world.greet(2, hello());
    world.frame(
        2,
        Frame::Take {
            fence: 2,
            received: 0,
        },
    );
    world.pass(4_999);
    assert_eq!(world.closes(), []);
    world.pass(1);
    assert_eq!(world.closes(), [(1, code::NORMAL, None)]);
}

/// P2.4
#[test]
fn a_take_whose_fence_is_not_greater_is_closed() {
    let mut world = World::new();
    let session = world.taken(1);
    world.greet(2, hello());
    world.frame(
        2,
        Frame::Take {
            fence: 1,
            received: 0,
        },
    );
    assert_eq!(world.closes(), [(2, code::REPLACED, None)]);
    world.publish(session, "a");
    assert_eq!(world.frames(1), [message(1, "a")]);
}

/// P2.4
#[test]
fn a_copy_of_the_page_cannot_take_the_session() {
    let mut world = World::new();
    world.taken(1);
    world.greet(
        2,
        Hello {
            instance: Nonce(99),
            ..hello()
        },
    );
    world.frame(
        2,
        Frame::Take {
            fence: 2,
            received: 0,
        },
    );
    assert_eq!(world.closes(), [(2, code::REPLACED, None)]);
}

/// P2.5
#[test]
fn messages_on_a_former_link_count_once_and_are_acked_on_the_owner() {
    let mut world = World::new();
    world.taken(1);
    world.greet(2, hello());
    world.frame(
        2,
        Frame::Take {
            fence: 2,
            received: 0,
        },
    );
    world.drain();
    world.frame(1, message(1, "a"));
    world.frame(2, message(1, "a"));
    world.frame(2, message(2, "b"));
    let outputs = world.drain();
    assert_eq!(heard(&outputs), [(1, "a"), (2, "b")]);
    assert_eq!(
        outputs.last(),
        Some(&transmit(2, vec![Frame::Ack { n: 2 }]))
    );
}

/// P2.6
#[test]
fn a_link_without_hello_is_closed_after_ten_seconds() {
    let mut world = World::new();
    world.open(1);
    world.pass(9_999);
    assert_eq!(world.closes(), []);
    world.pass(1);
    assert_eq!(world.closes(), [(1, code::HELLO_TIMEOUT, None)]);
    assert_eq!(world.sessions.link_count(), 0);
}

/// P2.6
#[test]
fn a_frame_before_hello_and_a_second_hello_are_closed() {
    let mut world = World::new();
    world.open(1);
    world.frame(
        1,
        Frame::Take {
            fence: 1,
            received: 0,
        },
    );
    world.greet(2, hello());
    world.hello(2, hello());
    let expected = [(1, code::PROTOCOL, None), (2, code::PROTOCOL, None)];
    assert_eq!(world.closes(), expected);
}

/// D1: a data channel is one connection for both ways: what comes twice was said twice.
#[test]
fn a_data_channel_carries_a_session_as_a_websocket_does() {
    let mut world = World::new();
    world.open_on(1, Transport::WebRtc);
    world.hello(1, hello());
    assert!(world.ready(1).resumed);
    let take = Frame::Take {
        fence: 1,
        received: 0,
    };
    world.frame(1, take);
    world.frame(1, message(1, "a"));
    assert_eq!(heard(&world.drain()), [(1, "a")]);
    world.hello(1, hello());
    assert_eq!(world.closes(), [(1, code::PROTOCOL, None)]);
}
