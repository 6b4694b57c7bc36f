//! Whatever strangers say on their links, the server half answers by its rules, and a client that
//! keeps to them is served as if it were alone.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;

use throughline_core::server::{
    Event, EventId, Input, LinkId, Output, Rate, SessionKey, Sessions, SessionsConfig, Since,
    Subject, Subscriber, TopicsConfig,
};
use throughline_core::{Frame, Hello, Millis, Nonce, Ready, Transport};

use crate::cursor::Cursor;

const STRANGERS: [&str; 2] = ["mallory", "oscar"];
const MAX_LINKS: usize = 24;
const MAX_SESSIONS: usize = 12;

/// The topic that the guest hears, and others that strangers know of.
const NEWS: &str = "news";
const TOPICS: [&str; 6] = [NEWS, "a", "b", "c", "d", "e"];

pub(crate) fn run(input: &[u8]) {
    let mut world = World::new();
    let mut cursor = Cursor::new(input);
    while !cursor.is_done() {
        world.step(&mut cursor);
    }
    world.part();
}

/// A client that keeps to the protocol, on a link of its own.
struct Guest {
    link: LinkId,
    key: SessionKey,
    /// Messages it has sent, and been acknowledged.
    sent: u64,
    acked: u64,
    /// Messages that the application sent it, that came, and that the application had from it.
    owed: u64,
    received: u64,
    heard: u64,
}

struct World {
    now: Millis,
    sessions: Sessions<u32>,
    last_link: u64,
    last_entropy: u128,
    /// The strangers' open links.
    links: Vec<LinkId>,
    /// What each link was last sent, by number.
    offsets: BTreeMap<LinkId, u64>,
    /// What each stranger's session has been heard to say, up to a number.
    heard: BTreeMap<SessionKey, u64>,
    ids: Vec<String>,
    /// Whom a link speaks for, and to whom each session was made known.
    subjects: BTreeMap<LinkId, Subject>,
    known: BTreeMap<String, Subject>,
    guest: Guest,
}

impl World {
    fn new() -> Self {
        let config = SessionsConfig {
            max_sessions: MAX_SESSIONS,
            max_session_links: 4,
            replay_bytes: 64,
            rate: Rate {
                per_second: 20,
                burst: 40,
            },
            topics: TopicsConfig {
                events: 4,
                bytes: 64,
                linger: 5_000,
                max_topics: 4,
                max_subscriptions: 3,
            },
            ..SessionsConfig::default()
        };
        let link = LinkId(0);
        let mut world = Self {
            now: Millis(0),
            sessions: Sessions::new(config),
            last_link: 0,
            last_entropy: 0,
            links: Vec::new(),
            offsets: BTreeMap::new(),
            heard: BTreeMap::new(),
            ids: Vec::new(),
            subjects: BTreeMap::new(),
            known: BTreeMap::new(),
            guest: Guest {
                link,
                key: SessionKey(0),
                sent: 0,
                acked: 0,
                owed: 0,
                received: 0,
                heard: 0,
            },
        };
        let transport = Transport::WebSocket;
        world.tell(Input::LinkOpened { link, transport });
        let hello = Hello {
            version: 1,
            connect: Nonce(u128::MAX),
            instance: Nonce(u128::MAX),
            session: None,
            received: 0,
        };
        let subject = Subject::from("guest");
        world.subjects.insert(link, subject.clone());
        world.tell(Input::Hello {
            link,
            hello,
            subject,
            expires: None,
            entropy: u128::MAX,
        });
        world.guest.key = world
            .sessions
            .session_of(link)
            .expect("the guest is let in");
        let (fence, received) = (1, 0);
        let frame = Frame::Take { fence, received };
        world.tell(Input::Frame { link, frame });
        world.tell(Input::Subscribe {
            subscriber: Subscriber::Session(world.guest.key),
            topic: NEWS.into(),
            since: Since::Now,
            entropy: 7,
        });
        world
    }

    fn step(&mut self, cursor: &mut Cursor<'_>) {
        match cursor.below(19) {
            0 | 1 if self.links.len() < MAX_LINKS => {
                self.last_link += 1;
                let link = LinkId(self.last_link);
                let transport = Transport::ALL[cursor.below(4)];
                self.links.push(link);
                self.tell(Input::LinkOpened { link, transport });
            }
            0..=3 => self.greet(cursor),
            4..=9 => {
                let frame = self.frame(cursor);
                if let Some(link) = cursor.pick(&self.links) {
                    self.tell(Input::Frame { link, frame });
                }
            }
            10 => {
                if let Some(link) = cursor.pick(&self.links) {
                    if cursor.flip() {
                        self.forget(link);
                        self.tell(Input::LinkClosed { link });
                    } else {
                        let (code, retry) = (4413, None);
                        self.tell(Input::CloseLink { link, code, retry });
                    }
                }
            }
            11 => {
                if let Some(session) = self.stranger(cursor) {
                    let (body, bytes) = (0, cursor.byte().into());
                    self.tell(Input::Publish {
                        session,
                        body,
                        bytes,
                    });
                }
            }
            12 => {
                if let Some(session) = self.stranger(cursor) {
                    let (id, ok, body, bytes) = (cursor.byte().into(), cursor.flip(), 0, 9);
                    self.tell(match cursor.byte() {
                        0..32 => Input::End {
                            session,
                            code: 1000,
                        },
                        32.. => Input::Reply {
                            session,
                            id,
                            ok,
                            body,
                            bytes,
                        },
                    });
                }
            }
            13 => {
                self.guest.sent += 1;
                let (link, n) = (self.guest.link, self.guest.sent);
                // Its pace is below the rate.
                self.wait(100);
                let body = n as u32;
                let frame = Frame::Message { n, body };
                self.tell(Input::Frame { link, frame });
            }
            14 => {
                self.guest.owed += 1;
                self.tell(Input::Publish {
                    session: self.guest.key,
                    body: self.guest.owed as u32,
                    bytes: 8,
                });
                self.acknowledge();
            }
            15 => self.publish(cursor),
            16 => self.subscribe(cursor),
            17 => {
                if let Some(link) = cursor.pick(&self.links) {
                    let subject = Subject::from(STRANGERS[cursor.below(2)]);
                    let expires = self.expiry(cursor);
                    self.tell(Input::Auth {
                        link,
                        subject,
                        expires,
                    });
                }
            }
            _ => {
                let span = cursor.span().min(150_000);
                self.wait(span);
            }
        }
    }

    /// Tells a topic; the guest hears one of them.
    fn publish(&mut self, cursor: &mut Cursor<'_>) {
        let topic: Arc<str> = TOPICS[cursor.below(TOPICS.len())].into();
        let event = match cursor.byte() {
            0..150 => Some(self.sessions.next_event(&topic, self.now.0 as u32)),
            150..200 => None,
            // An event of another history, as one of another node is.
            200.. if &*topic != NEWS => Some(EventId {
                epoch: cursor.byte().into(),
                n: number(cursor),
            }),
            200.. => None,
        };
        if &*topic == NEWS {
            self.guest.owed += 1;
        }
        let (body, bytes) = (self.guest.owed as u32, cursor.byte().into());
        self.tell(Input::PublishTopic {
            topic,
            event,
            body,
            bytes,
        });
        self.acknowledge();
    }

    fn subscribe(&mut self, cursor: &mut Cursor<'_>) {
        let guest = u64::from(cursor.byte() % 3);
        let subscriber = match self.stranger(cursor) {
            Some(session) if cursor.flip() => Subscriber::Session(session),
            _ => Subscriber::Guest(guest),
        };
        let topic = TOPICS[cursor.below(TOPICS.len())].into();
        let since = match cursor.below(4) {
            0 => Since::Now,
            1 => Since::Start,
            2 => Since::Unknown,
            _ => Since::After(EventId {
                epoch: 7,
                n: number(cursor),
            }),
        };
        self.tell(match cursor.byte() {
            0..160 => Input::Subscribe {
                subscriber,
                topic,
                since,
                entropy: 7,
            },
            160..240 => Input::Unsubscribe { subscriber, topic },
            240.. => Input::GuestLeft { guest },
        });
    }

    fn expiry(&self, cursor: &mut Cursor<'_>) -> Option<Millis> {
        cursor.flip().then(|| self.now + cursor.span())
    }

    /// Says `hello` for a stranger: as itself, or under a name that it has seen or guessed.
    fn greet(&mut self, cursor: &mut Cursor<'_>) {
        let Some(link) = cursor.pick(&self.links) else {
            return;
        };
        let subject = Subject::from(STRANGERS[cursor.below(2)]);
        let session = match cursor.byte() {
            0..128 => None,
            128..192 => Some(self.ids[cursor.below(self.ids.len())].clone()),
            192..224 => Some(Nonce(u128::MAX).to_hex()),
            224.. => Some("?".into()),
        };
        let hello = Hello {
            version: u32::from(cursor.byte() < 250),
            connect: Nonce(match cursor.byte() {
                0..250 => cursor.byte().into(),
                250.. => u128::MAX,
            }),
            instance: Nonce(cursor.below(3) as u128),
            session,
            received: number(cursor),
        };
        let entropy = match cursor.byte() {
            0..240 => {
                self.last_entropy += 1;
                self.last_entropy
            }
            240.. => u128::MAX,
        };
        let expires = self.expiry(cursor);
        self.subjects.insert(link, subject.clone());
        self.tell(Input::Hello {
            link,
            hello,
            subject,
            expires,
            entropy,
        });
    }

    fn frame(&self, cursor: &mut Cursor<'_>) -> Frame<u32> {
        let n = number(cursor);
        let k = u32::from(cursor.byte()) % 200;
        match cursor.below(20) {
            0..=4 => Frame::Take {
                fence: k,
                received: n,
            },
            5..=8 => Frame::Message { n, body: k },
            9 | 10 => Frame::Request { n, id: k, body: k },
            11 | 12 => Frame::Ack { n },
            13 => Frame::Ping { k },
            14 => Frame::Pong { k },
            15 => Frame::Close {
                code: if k < 100 { 1000 } else { 4000 },
                retry: None,
            },
            16 => Frame::Auth,
            17 => Frame::Goaway { spread: k },
            18 => Frame::Expiring { ms: k },
            _ => Frame::Reply {
                n,
                id: k,
                ok: true,
                body: k,
            },
        }
    }

    fn stranger(&self, cursor: &mut Cursor<'_>) -> Option<SessionKey> {
        let keys: Vec<_> = self.heard.keys().copied().collect();
        cursor.pick(&keys)
    }

    fn wait(&mut self, span: u64) {
        let until = self.now + span;
        while let Some(at) = self.sessions.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.tell(Input::Timeout);
            let next = self.sessions.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "an alarm rings on");
        }
        self.now = until;
    }

    fn tell(&mut self, input: Input<u32>) {
        self.sessions.handle(input, self.now);
        while let Some(output) = self.sessions.poll_output() {
            match output {
                Output::Record { .. } => panic!("nothing is kept for a store"),
                Output::Transmit { link, frames } => {
                    assert!(!frames.is_empty());
                    for frame in frames {
                        self.deliver(link, &frame);
                    }
                }
                Output::CloseLink { link, .. } => {
                    assert_ne!(link, self.guest.link, "the guest was closed");
                    assert!(self.forget(link), "closed twice");
                }
                Output::Event(event) => self.hear(event),
                Output::ToGuest { guest, .. } => assert!(guest < 3),
            }
        }
        assert!(self.sessions.session_count() <= MAX_SESSIONS);
        assert_eq!(self.sessions.link_count(), self.links.len() + 1);
    }

    fn deliver(&mut self, link: LinkId, frame: &Frame<u32>) {
        let is_guest = link == self.guest.link;
        assert!(is_guest || self.links.contains(&link), "sent after the end");
        if let Frame::Ready(Ready { session, .. }) = frame {
            let subject = &self.subjects[&link];
            let of = self.known.entry(session.clone());
            assert_eq!(
                of.or_insert_with(|| subject.clone()),
                subject,
                "told to another"
            );
            if !self.ids.contains(session) {
                self.ids.push(session.clone());
            }
        }
        if let Some(n) = frame.n() {
            let last = self.offsets.insert(link, n);
            // A second `take` on one link replays on it.
            assert!(last.is_none_or(|last| n <= last + 1), "a number is skipped");
        }
        match frame {
            Frame::Message { n, body } if is_guest => {
                self.guest.received += 1;
                assert_eq!(
                    (*n, *body),
                    (self.guest.received, self.guest.received as u32)
                );
            }
            Frame::Ack { n } if is_guest => {
                assert!((self.guest.acked..=self.guest.sent).contains(n));
                self.guest.acked = *n;
            }
            frame => assert!(
                !is_guest || matches!(frame, Frame::Ready(_) | Frame::Ping { k: 0 }),
                "what was another's came to the guest"
            ),
        }
    }

    fn hear(&mut self, event: Event<u32>) {
        match event {
            Event::Moved { .. } => panic!("there is one node"),
            Event::Opened { session, subject } => {
                let heard = match subject.name() {
                    "guest" => return,
                    _ => self.heard.insert(session, 0),
                };
                assert_eq!(heard, None, "opened twice");
            }
            Event::Message { session, seq, body } if session == self.guest.key => {
                self.guest.heard += 1;
                assert_eq!((seq, body), (self.guest.heard, self.guest.heard as u32));
            }
            Event::Message { session, seq, .. } | Event::Request { session, seq, .. } => {
                let last = self.heard.get_mut(&session).expect("it was opened before");
                *last += 1;
                assert_eq!(seq, *last, "each once, in order");
            }
            Event::LinkChanged { session, transport } => {
                let is_guest = session == self.guest.key || self.guest.key == SessionKey(0);
                assert!(is_guest || self.heard.contains_key(&session));
                assert!(session != self.guest.key || transport.is_some());
            }
            Event::Subscribed { .. } | Event::Unsubscribed { .. } => {}
            Event::SubscriptionRefused { subscriber, .. } => {
                assert_ne!(subscriber, Subscriber::Session(self.guest.key));
            }
            Event::Closed { session } => {
                assert_ne!(session, self.guest.key, "the guest's session was ended");
                assert!(self.heard.remove(&session).is_some());
            }
        }
    }

    /// Acknowledges what the guest has, as a client that does it at once.
    fn acknowledge(&mut self) {
        let (link, n) = (self.guest.link, self.guest.received);
        let frame = Frame::Ack { n };
        self.tell(Input::Frame { link, frame });
    }

    fn forget(&mut self, link: LinkId) -> bool {
        self.offsets.remove(&link);
        let before = self.links.len();
        self.links.retain(|other| *other != link);
        self.links.len() < before
    }

    fn part(&mut self) {
        self.wait(10_000);
        let guest = &self.guest;
        assert_eq!(guest.received, guest.owed, "the guest lacks messages");
        assert_eq!(guest.heard, guest.sent, "the application lacks messages");
        assert_eq!(guest.acked, guest.sent, "the guest lacks an ack");
        assert_eq!(self.sessions.owner_of(guest.key), Some(guest.link));
        let ids: BTreeSet<_> = self.ids.iter().collect();
        assert_eq!(ids.len(), self.ids.len());
    }
}

/// Mostly a small number, now and then one at the wire's edge.
fn number(cursor: &mut Cursor<'_>) -> u64 {
    match cursor.byte() {
        n @ 0..250 => u64::from(n % 8),
        250..253 => (1 << 53) - 1,
        253.. => u64::from(cursor.byte()),
    }
}
