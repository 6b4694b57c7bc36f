//! The server half of the protocol as a state machine that does no I/O: sessions, the links that
//! carry them, and what is owed to each.
//!
//! Its boundary has the shape of the client's: [`Sessions::handle`] is told one [`Input`],
//! [`Sessions::poll_output`] is drained to `None`, [`Sessions::poll_timeout`] says when to come back
//! with [`Input::Timeout`]. It checks no token and reads no bytes: its caller does, and tells a
//! link's `hello` together with the [`Subject`] that the token named.
//!
//! ```
//! use throughline_core::server::{Input, LinkId, Output, Sessions, SessionsConfig, Subject};
//! use throughline_core::{Frame, Hello, Millis, Nonce, Transport};
//!
//! let mut sessions = Sessions::<String>::new(SessionsConfig::default());
//! let link = LinkId(1);
//! sessions.handle(Input::LinkOpened { link, transport: Transport::WebSocket }, Millis(0));
//! let (connect, instance) = (Nonce(1), Nonce(2));
//! let hello = Hello { version: 1, connect, instance, session: None, received: 0 };
//! let entropy = 0x5eed; // 128 bits from a secure source on a real server
//! sessions.handle(Input::Hello { link, hello, subject: Subject::from("ann"), expires: None, entropy }, Millis(0));
//! let Some(Output::Transmit { frames, .. }) = sessions.poll_output() else { panic!() };
//! assert!(matches!(frames[..], [Frame::Ready(_)]));
//! ```

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::close::code;
use crate::frame::{Frame, Nonce};
use crate::time::Millis;

use alarm::{Alarms, Who};
use link::Link;
use memory::SESSION_BYTES;
use session::Session;
use topic::Topics;

pub use bucket::Rate;
pub use input::Input;
pub use log::Unacked;
pub use memory::MemoryUse;
pub use output::{Event, Output};
pub use record::{Arrived, Keep, Record};
pub use restore::{Outline, Snapshot};
pub use topic::{EventId, Since, Subscriber, TopicsConfig};

mod alarm;
mod bucket;
mod deliver;
mod handshake;
mod input;
mod lifetime;
mod link;
mod log;
mod memory;
mod output;
mod record;
mod restore;
mod session;
mod subscribe;
mod topic;

/// Names a link; chosen by the caller, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Names a session inside this server. It is no secret, unlike the id in `ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u64);

/// Whom a token speaks for; the owner of sessions (P2.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Arc<str>);

impl Subject {
    /// The subject's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Subject {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

/// Limits and spans. Spans are milliseconds.
#[derive(Debug, Clone)]
pub struct SessionsConfig {
    /// Between two heartbeats on an idle link (P4.2).
    pub heartbeat: u32,
    /// How long a session without a link is kept.
    pub window: u32,
    /// The largest unit in bytes, told in `ready`; the caller enforces it.
    pub unit: u32,
    /// Bytes of messages kept for replay, per session; the oldest go first. A client that comes back
    /// and lacks one of those gets a new session, and `resumed` is false (P2.3).
    pub replay_bytes: usize,
    /// Bytes that may be kept over all sessions and topics, about. Beyond that sessions without a link
    /// are ended, oldest first; then topics forget their oldest events; then the sessions that are owed
    /// most lose their oldest messages. If nothing is left to go, new sessions are closed with 4503.
    pub memory: usize,
    /// How long a link may stay without `hello` (P2.6).
    pub hello_timeout: u32,
    /// How long a former owner may stay before it is closed (P2.4).
    pub leave: u32,
    /// How long before its token expires a link is told so, or when a third of the token's life is
    /// left, if that is later (P2.7).
    pub expiring: u32,
    /// Between two acks that go alone, unless [`ack_messages`](Self::ack_messages) are waiting
    /// (P3.3). A unit that is sent anyway takes the ack along.
    pub ack: u32,
    /// Unacknowledged messages after which an ack is due at once (P3.3).
    pub ack_messages: u32,
    /// Most sessions at a time; further ones are closed with 4503.
    pub max_sessions: usize,
    /// Most links of one session at a time; further ones are closed with 4429.
    pub max_session_links: usize,
    /// How fast one session may send messages; faster ones are closed with 4429.
    pub rate: Rate,
    /// The hint that goes with 4429 and 4503.
    pub retry: u32,
    /// What topics keep.
    pub topics: TopicsConfig,
    /// Where sessions live.
    pub keep: Keep,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            heartbeat: 15_000,
            window: 120_000,
            unit: 1 << 20,
            replay_bytes: 1 << 20,
            memory: 256 << 20,
            hello_timeout: 10_000,
            leave: 5_000,
            expiring: 30_000,
            ack: 20,
            ack_messages: 500,
            max_sessions: 100_000,
            max_session_links: 16,
            rate: Rate {
                per_second: 5_000,
                burst: 10_000,
            },
            retry: 2_000,
            topics: TopicsConfig::default(),
            keep: Keep::Memory,
        }
    }
}

/// Every session of a server. Bodies of messages are opaque to it, and cloned for replay.
#[derive(Debug)]
pub struct Sessions<B> {
    config: SessionsConfig,
    phase: Phase,
    sessions: BTreeMap<SessionKey, Session<B>>,
    by_id: BTreeMap<u128, SessionKey>,
    by_connect: BTreeMap<(Nonce, Subject), SessionKey>,
    links: BTreeMap<LinkId, Link<B>>,
    topics: Topics<B>,
    /// Sessions without a link, by when they are forgotten.
    adrift: BTreeSet<(Millis, SessionKey)>,
    memory: MemoryUse,
    alarms: Alarms,
    /// Outputs in their order.
    outputs: VecDeque<Output<B>>,
    /// Sessions that owe an ack now.
    owing: VecDeque<SessionKey>,
    /// Links with frames to write.
    writing: VecDeque<LinkId>,
    last_key: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    Draining {
        until: Millis,
        spread: u32,
        retry: u32,
    },
    Drained {
        retry: u32,
    },
}

impl<B: Clone> Sessions<B> {
    /// Makes a server half without sessions.
    #[must_use]
    pub fn new(config: SessionsConfig) -> Self {
        Self {
            topics: Topics::new(config.topics.clone()),
            config,
            phase: Phase::Serving,
            sessions: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_connect: BTreeMap::new(),
            adrift: BTreeSet::new(),
            memory: MemoryUse::default(),
            links: BTreeMap::new(),
            alarms: Alarms::default(),
            outputs: VecDeque::new(),
            owing: VecDeque::new(),
            writing: VecDeque::new(),
            last_key: 0,
        }
    }

    /// The limits it keeps.
    #[must_use]
    pub const fn config(&self) -> &SessionsConfig {
        &self.config
    }

    /// Tells one thing that happened at `now`, which never goes back.
    pub fn handle(&mut self, input: Input<B>, now: Millis) {
        match input {
            Input::LinkOpened { link, transport } => self.handle_opened(link, transport, now),
            Input::Hello {
                link,
                hello,
                subject,
                expires,
                entropy,
            } => {
                self.handle_hello(link, &hello, (subject, expires), entropy, now);
            }
            Input::Auth {
                link,
                subject,
                expires,
            } => self.handle_auth(link, &subject, expires, now),
            Input::Welcome {
                link,
                hello,
                outline,
                expires,
                resumed,
            } => self.handle_welcome(link, &hello, (outline, resumed), expires, now),
            Input::Lead(snapshot) => self.handle_lead(snapshot, now),
            Input::LetGo {
                session,
                code,
                retry,
            } => self.handle_let_go(session, code, retry, now),
            Input::Frame { link, frame } => self.handle_frame(link, frame, now),
            Input::LinkClosed { link } => {
                self.detach(link, now);
            }
            Input::CloseLink { link, code, retry } => self.close(link, code, retry, now),
            Input::Publish {
                session,
                body,
                bytes,
            } => {
                self.deliver(session, bytes, now, |n| Frame::Message { n, body });
            }
            Input::Reply {
                session,
                id,
                ok,
                body,
                bytes,
            } => {
                self.deliver(session, bytes, now, |n| Frame::Reply { n, id, ok, body });
            }
            Input::Subscribe {
                subscriber,
                topic,
                since,
                entropy,
            } => self.handle_subscribe(subscriber, topic, since, entropy, now),
            Input::Unsubscribe { subscriber, topic } => {
                self.handle_unsubscribe(subscriber, topic, now);
            }
            Input::GuestLeft { guest } => {
                self.forget_subscriber(Subscriber::Guest(guest), now);
            }
            Input::PublishTopic {
                topic,
                event,
                body,
                bytes,
            } => self.handle_publish_topic(&topic, event, body, bytes, now),
            Input::End { session, code } => self.end(session, code, now),
            Input::Drain { spread, retry } => self.handle_drain(spread, retry, now),
            Input::Timeout => self.handle_timeout(now),
        }
        self.keep_below_ceiling(now);
    }

    /// Hands out the next thing to do. Frames gathered for one link come together, at most about
    /// 64 KiB at a time.
    pub fn poll_output(&mut self) -> Option<Output<B>> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        while let Some(session) = self.owing.pop_front() {
            self.write_ack(session);
        }
        while let Some(id) = self.writing.pop_front() {
            let Some(link) = self.links.get_mut(&id) else {
                continue;
            };
            let mut frames = link.take_unit();
            if link.is_writing() {
                self.writing.push_front(id);
            }
            if !frames.is_empty() {
                frames.extend(self.poll_ack(id));
                return Some(Output::Transmit { link: id, frames });
            }
        }
        None
    }

    /// Hands out the ack that `link` owes, for the answer to a POST (P3.3).
    pub fn poll_ack(&mut self, link: LinkId) -> Option<Frame<B>> {
        let key = self.links.get(&link)?.session()?;
        let session = self.sessions.get_mut(&key)?;
        (session.owner == Some(link))
            .then(|| session.take_ack())
            .flatten()
    }

    /// Says when [`Input::Timeout`] is due. It may ring for nothing.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Millis> {
        let drain = match self.phase {
            Phase::Draining { until, .. } => Some(until),
            Phase::Serving | Phase::Drained { .. } => None,
        };
        let topics = self.topics.deadline();
        self.alarms
            .first()
            .into_iter()
            .chain(drain)
            .chain(topics)
            .min()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many links there are.
    #[must_use]
    pub fn link_count(&self) -> usize {
        self.links.len()
    }

    /// Whether a new session would be refused, because of [`SessionsConfig::max_sessions`],
    /// [`SessionsConfig::memory`] or [`Input::Drain`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_draining()
            || self.sessions.len() >= self.config.max_sessions
            || self.is_over_ceiling()
    }

    /// Whether [`Input::Drain`] was handled.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.phase != Phase::Serving
    }

    /// The id by which a client resumes the session.
    #[must_use]
    pub fn session_id(&self, session: SessionKey) -> Option<String> {
        self.sessions
            .get(&session)
            .map(|session| session.id.to_hex())
    }

    /// What the session has not acknowledged. Over [`SessionsConfig::replay_bytes`] the oldest are no
    /// longer kept.
    #[must_use]
    pub fn unacked(&self, session: SessionKey) -> Option<Unacked> {
        let session = self.sessions.get(&session)?;
        Some(session.log.unacked())
    }

    /// The session whose link this is.
    #[must_use]
    pub fn session_of(&self, link: LinkId) -> Option<SessionKey> {
        self.links.get(&link)?.session()
    }

    /// The link that owns the session, if one does.
    #[must_use]
    pub fn owner_of(&self, session: SessionKey) -> Option<LinkId> {
        self.sessions.get(&session)?.owner
    }

    /// The id for [`Input::PublishTopic`] of the topic's next event. `entropy` is 32 fresh random
    /// bits: the epoch, should the topic be made by it.
    #[must_use]
    pub fn next_event(&self, topic: &str, entropy: u32) -> EventId {
        self.topics.next_event(topic, entropy)
    }

    /// How many hear the topic.
    #[must_use]
    pub fn subscriber_count(&self, topic: &str) -> usize {
        self.topics.subscriber_count(topic)
    }

    /// The topic of which `event` is or was, among those that the subscriber hears.
    #[must_use]
    pub fn heard_topic(&self, subscriber: Subscriber, event: EventId) -> Option<&Arc<str>> {
        self.topics.heard_in(subscriber, event.epoch)
    }

    /// The topics that somebody hears.
    #[must_use]
    pub fn heard_topics(&self) -> Vec<Arc<str>> {
        self.topics.heard()
    }

    /// How many topics there are.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    fn handle_drain(&mut self, spread: u32, retry: u32, now: Millis) {
        self.phase = Phase::Draining {
            until: now + u64::from(spread),
            spread,
            retry,
        };
        let greeted: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| link.session().is_some())
            .map(|(id, _)| *id)
            .collect();
        for link in greeted {
            self.write(link, Frame::Goaway { spread }, 0, now);
        }
    }

    fn handle_timeout(&mut self, now: Millis) {
        while let Some(who) = self.alarms.pop_due(now) {
            match who {
                Who::Link(link) => self.handle_link_due(link, now),
                Who::Session(session) => self.handle_session_due(session, now),
            }
        }
        self.topics.expire(now);
        match self.phase {
            Phase::Draining {
                until,
                spread,
                retry,
            } if until <= now => {
                self.phase = Phase::Drained { retry };
                let links: Vec<LinkId> = self.links.keys().copied().collect();
                let count = links.len().max(1) as u64;
                for (i, link) in links.into_iter().enumerate() {
                    // Clients that stayed to the end come back one after another too.
                    let share = (u64::from(spread) * i as u64 / count) as u32;
                    let retry = retry.saturating_add(share);
                    self.close(link, code::TRY_LATER, Some(retry), now);
                }
            }
            Phase::Serving | Phase::Draining { .. } | Phase::Drained { .. } => {}
        }
    }

    /// Ends a session and its links.
    fn end(&mut self, key: SessionKey, code: u16, now: Millis) {
        if self.leads(key) {
            self.record(key, || Record::Ended);
        }
        if self.forget(key, code, None, now) {
            self.outputs
                .push_back(Output::Event(Event::Closed { session: key }));
        }
    }

    /// Forgets a session and closes its links. Says whether the application knew of it.
    fn forget(&mut self, key: SessionKey, code: u16, retry: Option<u32>, now: Millis) -> bool {
        self.set_expiry(key, None);
        let Some(session) = self.sessions.remove(&key) else {
            return false;
        };
        self.memory.sessions -= SESSION_BYTES + session.log.footprint();
        self.alarms.disarm(Who::Session(key), session.alarm);
        self.by_id.remove(&session.id.0);
        let pair = (session.connect, session.subject.clone());
        if self.by_connect.get(&pair) == Some(&key) {
            self.by_connect.remove(&pair);
        }
        let links: BTreeSet<LinkId> = session.links.clone();
        for link in links {
            self.close(link, code, retry, now);
        }
        self.forget_subscriber(Subscriber::Session(key), now);
        session.is_claimed()
    }
}
