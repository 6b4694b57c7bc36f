//! Topics: numbered events, their history, and who hears them (P3.6).

use throughline_core::Frame;
use throughline_core::server::{
    Event, EventId, Input, LinkId, Output, SessionKey, SessionsConfig, Since, Subscriber,
    TopicsConfig,
};

use crate::world::{Out, World, message};

const GUEST: Subscriber = Subscriber::Guest(9);

impl World {
    fn subscribe(&mut self, subscriber: Subscriber, topic: &str, since: Since) -> (usize, bool) {
        self.handle(Input::Subscribe {
            subscriber,
            topic: topic.into(),
            since,
            entropy: 7,
        });
        self.collect();
        let told = self.take(|output| match output {
            Output::Event(Event::Subscribed {
                replayed, missed, ..
            }) => Some((*replayed, *missed)),
            _ => None,
        });
        told.unwrap()
    }

    fn tell(&mut self, topic: &str, body: &'static str) -> EventId {
        let event = self.sessions.next_event(topic, 7);
        self.tell_as(topic, Some(event), body);
        event
    }

    fn tell_as(&mut self, topic: &str, event: Option<EventId>, body: &'static str) {
        self.handle(Input::PublishTopic {
            topic: topic.into(),
            event,
            body,
            bytes: body.len(),
        });
    }

    fn handed(&mut self) -> Vec<&'static str> {
        let bodies = self.drain().into_iter().filter_map(|output| match output {
            Output::ToGuest { guest: 9, body } => Some(body),
            _ => None,
        });
        bodies.collect()
    }
}

fn keeping(events: usize, bytes: usize) -> World {
    with_topics(TopicsConfig {
        events,
        bytes,
        ..TopicsConfig::default()
    })
}

fn with_topics(topics: TopicsConfig) -> World {
    World::with(SessionsConfig {
        topics,
        ..SessionsConfig::default()
    })
}

fn unsubscribed(session: SessionKey, topic: &str) -> Out {
    Output::Event(Event::Unsubscribed {
        subscriber: Subscriber::Session(session),
        topic: topic.into(),
    })
}

#[test]
fn events_go_to_sessions_and_guests_alike_and_to_nobody_else() {
    let mut world = World::new();
    let session = world.taken(1);
    world.other(2);
    world.subscribe(Subscriber::Session(session), "t", Since::Now);
    world.subscribe(GUEST, "t", Since::Now);
    world.tell("t", "x");
    world.tell("u", "y");
    world.tell_as("t", None, "z");
    assert_eq!(world.frames(1), [message(1, "x"), message(2, "z")]);
    assert_eq!(world.frames(2), []);
    assert_eq!(world.handed(), ["x", "z"]);
}

/// P3.6
#[test]
fn who_comes_back_gets_what_came_after_its_event() {
    let mut world = World::new();
    let session = Subscriber::Session(world.taken(1));
    world.tell("t", "a");
    let seen = world.tell("t", "b");
    world.tell("t", "c");
    world.tell_as("t", None, "not kept");
    let last = world.tell("t", "d");
    assert_eq!(
        world.subscribe(session, "t", Since::After(seen)),
        (2, false)
    );
    assert_eq!(world.frames(1), [message(1, "c"), message(2, "d")]);
    assert_eq!(
        world.subscribe(session, "t", Since::After(last)),
        (0, false)
    );
    assert_eq!(world.subscribe(session, "t", Since::Now), (0, false));
    assert_eq!(world.frames(1), []);
    assert_eq!(world.subscribe(session, "t", Since::Start), (4, false));
}

/// P3.6: what is missing is told.
#[test]
fn history_that_does_not_reach_back_is_told_to_be_missing() {
    let mut world = keeping(2, 100);
    let epoch = world.tell("t", "a").epoch;
    world.tell("t", "b");
    world.tell("t", "c");
    let after = |epoch, n| Since::After(EventId { epoch, n });
    for (since, told) in [
        (after(epoch, 0), (2, true)),
        (after(epoch, 1), (2, false)),
        (after(epoch, 3), (0, false)),
        (after(epoch, 4), (2, true)),
        (after(epoch + 1, 1), (2, true)),
        (Since::Unknown, (2, true)),
        (Since::Start, (2, false)),
    ] {
        assert_eq!(world.subscribe(GUEST, "t", since), told, "{since:?}");
        let expected: &[&str] = if told.0 == 2 { &["b", "c"] } else { &[] };
        assert_eq!(world.handed(), expected, "{since:?}");
    }
}

#[test]
fn history_is_bounded_by_bytes_too_and_the_newest_event_stays() {
    let mut world = keeping(10, 4);
    world.tell("t", "aa");
    world.tell("t", "bb");
    world.tell("t", "cc");
    assert_eq!(world.subscribe(GUEST, "t", Since::Start), (2, false));
    world.tell("t", "far too long");
    assert_eq!(world.subscribe(GUEST, "t", Since::Start), (1, false));
}

/// An event that came by two ways counts once, and a hole ends what was kept.
#[test]
fn events_count_once_and_a_hole_begins_history_anew() {
    let mut world = World::new();
    world.subscribe(GUEST, "t", Since::Now);
    let event = |n| Some(EventId { epoch: 7, n });
    world.tell_as("t", event(1), "a");
    world.tell_as("t", event(1), "a again");
    world.tell_as("t", event(3), "c");
    assert_eq!(world.handed(), ["a", "c"]);
    let since = Since::After(event(1).unwrap());
    assert_eq!(world.subscribe(GUEST, "t", since), (1, true));
    world.tell_as("t", Some(EventId { epoch: 8, n: 1 }), "other");
    assert_eq!(world.subscribe(GUEST, "t", Since::Start), (1, false));
    assert_eq!(world.handed(), ["c", "other", "other"]);
}

#[test]
fn a_topic_that_nobody_hears_is_kept_for_a_while_after_its_last_use() {
    let mut world = World::new();
    world.subscribe(GUEST, "t", Since::Now);
    let seen = world.tell("t", "a");
    world.pass(1_000_000);
    world.handle(Input::GuestLeft { guest: 9 });
    world.pass(119_999);
    world.tell("t", "b");
    world.pass(119_999);
    assert_eq!(world.subscribe(GUEST, "t", Since::After(seen)), (1, false));
    world.handle(Input::Unsubscribe {
        subscriber: GUEST,
        topic: "t".into(),
    });
    world.pass(120_000);
    assert_eq!(world.sessions.topic_count(), 0);
    assert_eq!(
        world.sessions.next_event("t", 8),
        EventId { epoch: 8, n: 1 }
    );
}

#[test]
fn a_session_that_ends_leaves_its_topics() {
    let mut world = World::new();
    let session = world.taken(1);
    world.subscribe(Subscriber::Session(session), "t", Since::Now);
    world.handle(Input::LinkClosed { link: LinkId(1) });
    world.tell("t", "kept for the session");
    assert_eq!(world.sessions.subscriber_count("t"), 1);
    world.pass(120_000);
    assert_eq!(world.sessions.subscriber_count("t"), 0);
    assert!(world.drain().contains(&unsubscribed(session, "t")));
    world.handle(Input::Subscribe {
        subscriber: Subscriber::Session(session),
        topic: "u".into(),
        since: Since::Now,
        entropy: 1,
    });
    assert_eq!(world.drain(), [], "it is gone");
}

#[test]
fn topics_and_subscriptions_are_bounded() {
    let mut world = with_topics(TopicsConfig {
        max_topics: 2,
        max_subscriptions: 1,
        ..TopicsConfig::default()
    });
    world.tell("old", "a");
    world.pass(1);
    world.subscribe(GUEST, "heard", Since::Now);
    world.tell("new", "b");
    assert_eq!(world.sessions.topic_count(), 2, "the oldest made room");
    assert_eq!(world.sessions.next_event("new", 0).n, 2);
    let refused = |subscriber, topic: &str| {
        Output::Event(Event::SubscriptionRefused {
            subscriber,
            topic: topic.into(),
        })
    };
    let ask = |subscriber, topic: &str| Input::Subscribe {
        subscriber,
        topic: topic.into(),
        since: Since::Now,
        entropy: 7,
    };
    world.handle(ask(GUEST, "new"));
    assert_eq!(world.drain(), [refused(GUEST, "new")]);
    world.subscribe(Subscriber::Guest(8), "new", Since::Now);
    world.handle(ask(Subscriber::Guest(7), "third"));
    assert_eq!(world.drain(), [refused(Subscriber::Guest(7), "third")]);
    world.tell("third", "nowhere");
    assert_eq!(world.sessions.topic_count(), 2);
}

#[test]
fn an_events_id_reads_as_it_is_written() {
    let id = EventId {
        epoch: 0xdead_beef,
        n: 42,
    };
    assert_eq!(id.to_string(), "deadbeef-42");
    assert_eq!(EventId::parse("deadbeef-42"), Some(id));
    for text in [
        "",
        "-",
        "1",
        "x-1",
        "1-x",
        "1-",
        "-1",
        "123456789-1",
        "1--1",
    ] {
        assert_eq!(Since::id(text), Since::Unknown, "{text}");
    }
}

/// Frames of a topic are numbered with the session's other messages (P3.1).
#[test]
fn events_are_messages_of_the_session() {
    let mut world = World::new();
    let session = world.taken(1);
    world.subscribe(Subscriber::Session(session), "t", Since::Now);
    world.publish(session, "own");
    world.tell("t", "topic's");
    world.frame(1, Frame::Ack { n: 2 });
    assert_eq!(world.frames(1), [message(1, "own"), message(2, "topic's")]);
    assert_eq!(world.closes(), []);
}
