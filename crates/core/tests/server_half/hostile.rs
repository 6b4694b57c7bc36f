//! Frames that no honest client sends: each has its code, and nobody else is harmed.

use throughline_core::close::code;
use throughline_core::codec::MAX_NUMBER;
use throughline_core::server::{Input, LinkId, SessionKey, SessionsConfig, Subject};
use throughline_core::{Frame, Hello, Nonce, Ready};

use crate::world::{World, hello, message};

/// The victim's link, and the first of the attacker's.
const VICTIM: u64 = 1;
const EVE: u64 = 10;

/// Ann with a session in which both sides have said something, and its id.
struct Scene {
    world: World,
    session: SessionKey,
    id: String,
    sent: u64,
    heard: u64,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let session = world.taken(VICTIM);
        let id = world.sessions.session_id(session).unwrap();
        let mut scene = Self {
            world,
            session,
            id,
            sent: 0,
            heard: 0,
        };
        scene.talks_on();
        scene
    }

    /// Ann's session goes on as if nothing had been: a message each way, and its ack.
    fn talks_on(&mut self) {
        self.sent += 1;
        self.heard += 1;
        let Self { world, session, .. } = self;
        world.drain();
        world.pass(1_000);
        world.publish(*session, "down");
        world.frame(VICTIM, message(self.heard, "up"));
        let down = message(self.sent, "down");
        assert_eq!(world.frames(VICTIM), [down, Frame::Ack { n: self.heard }]);
        world.frame(VICTIM, Frame::Ack { n: self.sent });
        assert_eq!(world.closes(), []);
        assert_eq!(world.sessions.owner_of(*session), Some(LinkId(VICTIM)));
    }

    /// What Ann's own page would say on another link.
    fn resume(&self) -> Hello {
        Hello {
            session: Some(self.id.clone()),
            received: self.sent,
            ..hello()
        }
    }

    /// Opens a link as `subject` and says `hello`.
    fn intrude(&mut self, link: u64, hello: Hello, subject: &str) -> Ready {
        self.world.open(link);
        self.world.say_hello(link, hello, subject);
        self.world.ready(link)
    }
}

/// P2.2: a session id that is guessed, bent or another subject's finds nothing.
#[test]
fn a_forged_session_id_makes_a_new_session_and_no_more() {
    let mut scene = Scene::new();
    let bent = format!("{}0", &scene.id[..31]);
    let forged = [
        scene.id.clone(),
        scene.id.to_uppercase() + "0",
        bent,
        String::new(),
        "0".repeat(32),
        "é".repeat(16),
    ];
    for (link, id) in (EVE..).zip(forged) {
        let hello = Hello {
            session: Some(id),
            connect: Nonce(link.into()),
            instance: Nonce(2),
            ..hello()
        };
        let ready = scene.intrude(link, hello, "eve");
        assert!(!ready.resumed);
        assert_ne!(ready.session, scene.id);
        assert_eq!(ready.received, 0);
        scene.talks_on();
    }
}

/// P2.2: nor does the pair of Ann's `connect` with another subject.
#[test]
fn another_subject_with_the_same_connect_has_a_session_of_its_own() {
    let mut scene = Scene::new();
    let ready = scene.intrude(EVE, hello(), "eve");
    assert_ne!(ready.session, scene.id);
    scene.talks_on();
}

/// P2.4: a fence that was there before, or none, takes nothing.
#[test]
fn an_old_fence_takes_nothing() {
    let mut scene = Scene::new();
    for (link, fence, refusal) in [(EVE, 1, code::REPLACED), (EVE + 1, 0, code::PROTOCOL)] {
        let resume = scene.resume();
        assert!(scene.intrude(link, resume, "ann").resumed);
        let received = scene.sent;
        scene.world.frame(link, Frame::Take { fence, received });
        assert_eq!(scene.world.closes(), [(link, refusal, None)]);
        scene.talks_on();
    }
}

/// P2.4: a copy of the page, with its token and all it knows, is another instance.
#[test]
fn a_take_from_another_page_takes_nothing() {
    let mut scene = Scene::new();
    let copy = Hello {
        instance: Nonce(3),
        ..scene.resume()
    };
    assert!(scene.intrude(EVE, copy, "ann").resumed);
    let (fence, received) = (u32::MAX, scene.sent);
    scene.world.frame(EVE, Frame::Take { fence, received });
    assert_eq!(scene.world.closes(), [(EVE, code::REPLACED, None)]);
    scene.talks_on();
}

/// P2.4: `received` neither goes back behind what was acknowledged nor ahead of what was sent.
#[test]
fn a_take_that_has_received_too_little_or_too_much_takes_nothing() {
    for received in [0, 2, MAX_NUMBER, u64::MAX] {
        let mut scene = Scene::new();
        let resume = scene.resume();
        scene.intrude(EVE, resume, "ann");
        scene.world.frame(EVE, Frame::Take { fence: 2, received });
        assert_eq!(scene.world.closes(), [(EVE, code::PROTOCOL, None)]);
        scene.talks_on();
    }
}

/// P2.2: a `hello` from the future asks for what is not kept.
#[test]
fn a_hello_that_has_received_too_much_finds_nothing() {
    for received in [2, MAX_NUMBER, u64::MAX] {
        let mut scene = Scene::new();
        let hello = Hello {
            received,
            ..scene.resume()
        };
        assert!(!scene.intrude(EVE, hello, "ann").resumed);
        scene.talks_on();
    }
}

/// P3.3: an ack of what was never sent ends its link; one that goes back says nothing new.
#[test]
fn acks_from_the_future_are_refused_and_old_ones_change_nothing() {
    for n in [2, MAX_NUMBER, u64::MAX] {
        let mut scene = Scene::new();
        let resume = scene.resume();
        scene.intrude(EVE, resume, "ann");
        scene.world.frame(EVE, Frame::Ack { n });
        assert_eq!(scene.world.closes(), [(EVE, code::PROTOCOL, None)]);
        scene.world.frame(VICTIM, Frame::Ack { n: 0 });
        scene.talks_on();
    }
}

/// P3.2: numbers that skip, up to the largest there is, are refused; what is there already is dropped.
#[test]
fn numbers_that_skip_are_refused_and_doubles_are_dropped() {
    for n in [3, MAX_NUMBER, u64::MAX] {
        let mut scene = Scene::new();
        let resume = scene.resume();
        scene.intrude(EVE, resume, "ann");
        scene.world.frame(EVE, message(0, "never was"));
        scene.world.frame(EVE, message(1, "again"));
        assert!(crate::world::heard(&scene.world.drain()).is_empty());
        scene.world.frame(EVE, message(n, "skips"));
        assert_eq!(scene.world.closes(), [(EVE, code::PROTOCOL, None)]);
        scene.talks_on();
    }
}

/// P2.7: nobody else's token, none at all, and none before `hello`.
#[test]
fn auth_games_end_their_own_link() {
    let mut scene = Scene::new();
    let auth = |link, subject: &str| Input::Auth {
        link: LinkId(link),
        subject: Subject::from(subject),
        expires: None,
    };
    scene.intrude(EVE, hello(), "eve");
    scene.world.handle(auth(EVE, "ann"));
    assert_eq!(scene.world.closes(), [(EVE, code::FORBIDDEN, None)]);
    scene.intrude(EVE + 1, hello(), "eve");
    scene.world.frame(EVE + 1, Frame::Auth);
    assert_eq!(scene.world.closes(), [(EVE + 1, code::PROTOCOL, None)]);
    scene.world.open(EVE + 2);
    scene.world.handle(auth(EVE + 2, "ann"));
    assert_eq!(scene.world.closes(), [(EVE + 2, code::PROTOCOL, None)]);
    scene.talks_on();
}

/// The table of frames: what only a server says ends the link that says it.
#[test]
fn a_servers_frames_from_a_client_are_refused() {
    let mut scene = Scene::new();
    let ready = scene.intrude(EVE, hello(), "eve");
    scene.world.frame(EVE, Frame::Ready(ready));
    assert_eq!(scene.world.closes(), [(EVE, code::PROTOCOL, None)]);
    let reply = Frame::Reply {
        n: 1,
        id: 1,
        ok: true,
        body: "r",
    };
    let spoken = [
        reply,
        Frame::Goaway { spread: 0 },
        Frame::Expiring { ms: 0 },
    ];
    for (link, frame) in (EVE + 1..).zip(spoken) {
        scene.intrude(link, hello(), "eve");
        scene.world.frame(link, frame);
        assert_eq!(scene.world.closes(), [(link, code::PROTOCOL, None)]);
    }
    scene.talks_on();
}

/// P5.5: only the owner ends a session.
#[test]
fn a_link_that_does_not_own_the_session_cannot_end_it() {
    let mut scene = Scene::new();
    let resume = scene.resume();
    scene.intrude(EVE, resume, "ann");
    let end = Frame::Close {
        code: code::NORMAL,
        retry: None,
    };
    scene.world.frame(EVE, end);
    assert_eq!(scene.world.closes(), [(EVE, code::NORMAL, None)]);
    scene.talks_on();
}

/// P5.3: one session's haste and hoard of links are its own.
#[test]
fn limits_are_each_sessions_own() {
    let mut scene = Scene::new();
    let limits = SessionsConfig::default();
    let flood = u64::from(limits.rate.burst) + 1;
    scene.intrude(EVE, hello(), "eve");
    for n in 1..=flood {
        scene.world.frame(EVE, message(n, "flood"));
    }
    let closes = scene.world.closes();
    assert_eq!(closes, [(EVE, code::SLOW_DOWN, Some(limits.retry))]);
    for link in 0..=limits.max_session_links as u64 {
        scene.world.open(EVE + 1 + link);
        scene.world.say_hello(EVE + 1 + link, hello(), "eve");
    }
    assert_eq!(scene.world.closes().len(), 1);
    scene.talks_on();
}
