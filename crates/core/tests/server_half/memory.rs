//! The ceiling: what goes first when too much is kept, and that its owners are told.

use throughline_core::server::{
    Event, Input, LinkId, Output, SessionKey, SessionsConfig, Since, Subscriber, TopicsConfig,
};
use throughline_core::{Frame, Hello, Nonce};

use crate::world::{World, hello};

const CEILING: usize = 1 << 20;
const BODY: usize = 10_000;

fn world() -> World {
    World::with(SessionsConfig {
        memory: CEILING,
        replay_bytes: usize::MAX,
        topics: TopicsConfig {
            bytes: usize::MAX,
            ..TopicsConfig::default()
        },
        ..SessionsConfig::default()
    })
}

/// The `hello` of a page of its own.
fn page(link: u64) -> Hello {
    Hello {
        connect: Nonce(link.into()),
        ..hello()
    }
}

impl World {
    /// Makes a session of its own on `link`, owned, and `messages` big ones in its log.
    fn owed(&mut self, link: u64, messages: usize) -> SessionKey {
        self.greet(link, page(link));
        let (fence, received) = (1, 0);
        self.frame(link, Frame::Take { fence, received });
        let session = self.sessions.session_of(LinkId(link)).unwrap();
        self.owe(session, messages);
        session
    }

    fn owe(&mut self, session: SessionKey, messages: usize) {
        for _ in 0..messages {
            self.handle(Input::Publish {
                session,
                body: "x",
                bytes: BODY,
            });
        }
    }

    fn lose(&mut self, link: u64) {
        self.handle(Input::LinkClosed { link: LinkId(link) });
    }

    fn keep_event(&mut self, topic: &str) {
        let event = Some(self.sessions.next_event(topic, 7));
        self.handle(Input::PublishTopic {
            topic: topic.into(),
            event,
            body: "e",
            bytes: BODY,
        });
    }

    fn ended(&mut self) -> Vec<SessionKey> {
        let ended = self.drain().into_iter().filter_map(|output| match output {
            Output::Event(Event::Closed { session }) => Some(session),
            _ => None,
        });
        ended.collect()
    }
}

#[test]
fn sessions_without_a_link_go_first_in_the_order_in_which_they_lost_it() {
    let mut world = world();
    let sessions: Vec<_> = (1..=4).map(|link| world.owed(link, 20)).collect();
    world.keep_event("t");
    for link in [3, 1, 2] {
        world.lose(link);
        world.pass(1);
    }
    world.drain();
    world.owe(sessions[3], 25);
    assert_eq!(world.ended(), [sessions[2]]);
    world.owe(sessions[3], 20);
    assert_eq!(world.ended(), [sessions[0]]);
    let memory = world.sessions.memory();
    assert!(memory.total() <= CEILING, "{memory:?}");
    assert_eq!(memory.sessions_ended, 2);
    assert_eq!((memory.events_dropped, memory.messages_dropped), (0, 0));
}

/// P2.3: its client is told.
#[test]
fn a_session_that_made_room_is_unknown_to_its_client() {
    let mut world = world();
    let gone = world.owed(1, 50);
    let id = world.sessions.session_id(gone);
    world.lose(1);
    let kept = world.owed(2, 60);
    assert!(world.ended().contains(&gone));
    let ready = world.greet(
        3,
        Hello {
            session: id,
            ..page(1)
        },
    );
    assert!(!ready.resumed);
    assert!(world.sessions.owner_of(kept).is_some());
}

/// P3.6: then topics forget their oldest events, of whichever topic.
#[test]
fn topics_go_next_with_the_oldest_events_of_all() {
    let mut world = world();
    for topic in ["a", "b"] {
        for _ in 0..20 {
            world.keep_event(topic);
        }
    }
    world.owed(1, 70);
    let memory = world.sessions.memory();
    assert!(memory.total() <= CEILING, "{memory:?}");
    assert_eq!(memory.messages_dropped, 0);
    let left = |topic: &str, world: &mut World| {
        world.handle(Input::Subscribe {
            subscriber: Subscriber::Guest(1),
            topic: topic.into(),
            since: Since::Start,
            entropy: 1,
        });
        world.collect();
        let replayed = world.take(|output| match output {
            Output::Event(Event::Subscribed { replayed, .. }) => Some(*replayed),
            _ => None,
        });
        replayed.unwrap()
    };
    let (a, b) = (left("a", &mut world), left("b", &mut world));
    assert_eq!(
        (a > 0, b),
        (
            memory.events_dropped < 20,
            20.min(40 - memory.events_dropped as usize)
        )
    );
    assert_eq!(a + b, 40 - memory.events_dropped as usize);
}

/// P2.3: last of all, those who are owed most lose what is oldest, and nobody else does.
#[test]
fn who_is_owed_most_loses_its_oldest_messages() {
    let mut world = world();
    let small = world.owed(1, 5);
    let big = world.owed(2, 110);
    let memory = world.sessions.memory();
    assert!(memory.total() <= CEILING, "{memory:?}");
    assert!(memory.messages_dropped > 0);
    let mut resumes = |session: SessionKey, link: u64| {
        let id = world.sessions.session_id(session);
        let hello = Hello {
            session: id,
            ..page(link)
        };
        world.greet(link + 10, hello).resumed
    };
    assert!(resumes(small, 1));
    assert!(!resumes(big, 2));
}

#[test]
fn acknowledged_messages_take_nothing() {
    let mut world = world();
    let idle = world.owed(1, 0);
    let before = world.sessions.memory();
    for n in 1..=1_000 {
        world.owe(idle, 1);
        world.frame(1, Frame::Ack { n });
    }
    assert_eq!(world.sessions.memory(), before);
    world.frame(
        1,
        Frame::Close {
            code: 1000,
            retry: None,
        },
    );
    assert_eq!(world.sessions.memory().total(), 0);
}

/// P5.3: where nothing is left to go, nobody new comes in.
#[test]
fn a_full_server_admits_nobody_new() {
    let mut world = World::with(SessionsConfig {
        memory: 10_000,
        ..SessionsConfig::default()
    });
    for link in 1.. {
        world.open(link);
        world.hello(link, page(link));
        if !world.closes().is_empty() {
            break;
        }
        assert!(link < 11);
    }
    assert!(world.sessions.is_full());
    assert_eq!(world.sessions.memory().sessions_ended, 0);
    world.lose(1);
    assert!(
        !world.sessions.is_full(),
        "the one without a link made room"
    );
}
