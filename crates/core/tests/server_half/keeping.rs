//! What is kept, what is forgotten, and how it is sent (P3.8, P3.9, P7).

use throughline_core::close::code;
use throughline_core::server::{Input, LinkId, Output, SessionsConfig};
use throughline_core::{Frame, Hello};

use crate::world::{World, heard, hello, message};

const TAKE: Frame<&'static str> = Frame::Take {
    fence: 2,
    received: 0,
};

/// P3.8, P7.2: the link lives on, and each number means what it meant.
#[test]
fn history_over_the_bound_goes_while_its_link_lives_on() {
    let mut world = World::with(SessionsConfig {
        replay_bytes: 2,
        ..SessionsConfig::default()
    });
    let session = world.taken(1);
    let id = world.sessions.session_id(session);
    for body in ["a", "b", "c"] {
        world.publish(session, body);
    }
    let all = [message(1, "a"), message(2, "b"), message(3, "c")];
    assert_eq!(world.frames(1), all);
    assert_eq!(world.closes(), []);
    let resume = |received| Hello {
        session: id.clone(),
        received,
        ..hello()
    };
    assert!(world.greet(2, resume(1)).resumed, "b and c are kept");
    assert!(!world.greet(3, resume(0)).resumed, "a is not");
}

/// P3.8: a message larger than the bound is kept alone.
#[test]
fn the_last_message_is_always_kept() {
    let mut world = World::with(SessionsConfig {
        replay_bytes: 2,
        ..SessionsConfig::default()
    });
    let session = world.taken(1);
    let large = Input::Publish {
        session,
        body: "large",
        bytes: 100,
    };
    world.handle(large);
    world.handle(Input::LinkClosed { link: LinkId(1) });
    world.drain();
    world.greet(2, hello());
    world.frame(2, TAKE);
    assert_eq!(world.frames(2), [message(1, "large")]);
}

/// P3.9
#[test]
fn a_unit_of_several_frames_ends_at_64_kib() {
    let mut world = World::new();
    let session = world.taken(1);
    for bytes in [40_000, 20_000, 10_000, 200_000, 1] {
        world.handle(Input::Publish {
            session,
            body: "x",
            bytes,
        });
    }
    let units = world.drain().into_iter().filter_map(|output| match output {
        Output::Transmit { frames, .. } => Some(frames.len()),
        Output::CloseLink { .. }
        | Output::ToGuest { .. }
        | Output::Record { .. }
        | Output::Event(_) => None,
    });
    assert_eq!(units.collect::<Vec<_>>(), [2, 1, 1, 1]);
}

/// P7.1: the application has it before the client is told so.
#[test]
fn an_ack_follows_what_it_acknowledges() {
    let mut world = World::new();
    world.taken(1);
    world.frame(1, message(1, "a"));
    let outputs = world.drain();
    let ack = |output: &Output<_>| match output {
        Output::Transmit { frames, .. } => frames.contains(&Frame::Ack { n: 1 }),
        Output::CloseLink { .. }
        | Output::ToGuest { .. }
        | Output::Record { .. }
        | Output::Event(_) => false,
    };
    let at = outputs.iter().position(ack).unwrap();
    assert_eq!(heard(&outputs[..at]), [(1, "a")]);
}

/// P7.3: whichever `take` comes last, the greatest fence has the session.
#[test]
fn the_greatest_fence_owns_the_session_in_whatever_order_they_come() {
    let mut world = World::new();
    let session = world.taken(1);
    world.greet(2, hello());
    world.greet(3, hello());
    let take = |fence| Frame::Take { fence, received: 0 };
    world.frame(3, take(3));
    world.frame(2, take(2));
    assert_eq!(world.closes(), [(2, code::REPLACED, None)]);
    world.publish(session, "a");
    assert_eq!(world.sessions.owner_of(session), Some(LinkId(3)));
    assert_eq!(world.frames(3), [message(1, "a")]);
    assert_eq!(world.frames(1), []);
}

/// P2.8, P7.4: a server that knows nothing of a session begins a new epoch under a new id.
#[test]
fn a_server_that_lost_everything_does_not_go_on_under_the_old_id() {
    let mut before = World::new();
    let session = before.taken(1);
    before.publish(session, "a");
    let id = before.sessions.session_id(session);
    let mut after = World::with(SessionsConfig::default());
    after.pass(1);
    after.greet(
        9,
        Hello {
            connect: throughline_core::Nonce(9),
            ..hello()
        },
    );
    let ready = after.greet(
        1,
        Hello {
            session: id.clone(),
            received: 1,
            ..hello()
        },
    );
    assert!(!ready.resumed);
    assert_ne!(Some(ready.session), id);
    assert_eq!(ready.received, 0);
    after.frame(
        1,
        Frame::Take {
            fence: 1,
            received: 0,
        },
    );
    assert_eq!(after.closes(), []);
}
