//! Sessions that live in a store: met by a `hello`, led from a `take` on, let go when another server
//! leads them ([`Keep::Store`](super::Keep::Store)).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::handshake::Refusal;
use super::log::Log;
use super::memory::SESSION_BYTES;
use super::session::{Lead, Session};
use super::{Arrived, Event, EventId, Keep, LinkId, Output, SessionKey, Sessions, Subject};
use crate::frame::{Frame, Hello, Nonce};
use crate::time::Millis;

/// What `ready` says of a session, and what a `take` is checked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The session's id.
    pub id: Nonce,
    /// Whose it is.
    pub subject: Subject,
    /// The `connect` that made it.
    pub connect: Nonce,
    /// The page that made it.
    pub instance: Nonce,
    /// The last `take`'s fence.
    pub fence: u32,
    /// The `seq` up to which the store has everything.
    pub received: u64,
}

/// All that the store has of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot<B> {
    /// Its outline.
    pub outline: Outline,
    /// The offset up to which the client has everything.
    pub acked: u64,
    /// The last offset given away.
    pub last: u64,
    /// The messages and replies that are kept, up to `last`, with about what each takes in a unit.
    pub kept: Vec<(Frame<B>, usize)>,
    /// Messages and requests that no handler is done with, up to `received`.
    pub unheard: Vec<Arrived<B>>,
    /// The topics it hears, and the last event of each that it was given. What is kept of them was
    /// published here before.
    pub topics: Vec<(Arc<str>, EventId)>,
}

impl<B: Clone> Sessions<B> {
    /// Answers a `hello` whose session the store has found or made.
    pub(super) fn handle_welcome(
        &mut self,
        id: LinkId,
        hello: &Hello,
        (outline, resumed): (Outline, bool),
        expires: Option<Millis>,
        now: Millis,
    ) {
        if !self.begins(id, hello, expires, now) {
            return;
        }
        let admitted = self.check_phase().and_then(|()| {
            let key = match self.by_id.get(&outline.id.0) {
                Some(key) => *key,
                None => self.meet(&outline, now)?,
            };
            if let Some(session) = self.sessions.get_mut(&key)
                && session.lead == Lead::Elsewhere
            {
                session.fence = outline.fence;
                session.received = outline.received;
            }
            self.join(id, hello, key, resumed)
        });
        self.answer_hello(id, admitted, now);
    }

    /// Makes this server the one that leads the session: the store says so.
    pub(super) fn handle_lead(&mut self, snapshot: Snapshot<B>, now: Millis) {
        let Snapshot {
            outline,
            acked,
            last,
            kept,
            unheard,
            topics,
        } = snapshot;
        let key = match self.by_id.get(&outline.id.0) {
            Some(key) => *key,
            None => self.insert(&outline, now),
        };
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        session.lead = Lead::Here;
        session.fence = outline.fence;
        session.received = outline.received;
        let is_alone = session.links.is_empty();
        self.with_log(key, |log| *log = Log::restore(kept, last, acked));
        if is_alone {
            self.leave_alone(key, now);
        }
        self.watch_session(key);
        self.claim(key);
        for (topic, event) in topics {
            self.resume_subscription(key, topic, event, now);
        }
        for arrived in unheard {
            let event = arrived.into_event(key);
            self.outputs.push_back(Output::Event(event));
        }
    }

    /// Forgets a session that goes on elsewhere, and sends its links after it.
    pub(super) fn handle_let_go(
        &mut self,
        key: SessionKey,
        code: u16,
        retry: Option<u32>,
        now: Millis,
    ) {
        if self.forget(key, code, retry, now) {
            self.outputs
                .push_back(Output::Event(Event::Moved { session: key }));
        }
    }

    /// Whether this server leads the session.
    #[must_use]
    pub fn leads(&self, session: SessionKey) -> bool {
        self.sessions
            .get(&session)
            .is_some_and(|session| session.lead == Lead::Here)
    }

    /// Whether another server leads the session, or none.
    pub(super) fn is_elsewhere(&self, session: SessionKey) -> bool {
        match self.config.keep {
            Keep::Memory => false,
            Keep::Store => !self.leads(session),
        }
    }

    /// The session with that id, if this server knows it.
    #[must_use]
    pub fn find_id(&self, id: Nonce) -> Option<SessionKey> {
        self.by_id.get(&id.0).copied()
    }

    /// Every session that this server leads or has a link of.
    #[must_use]
    pub fn keys(&self) -> Vec<SessionKey> {
        self.sessions.keys().copied().collect()
    }

    /// Makes room for a session that another server leads, or none.
    fn meet(&mut self, outline: &Outline, now: Millis) -> Result<SessionKey, Refusal> {
        if self.is_full() {
            return Err(Refusal::full(self.config.retry));
        }
        Ok(self.insert(outline, now))
    }

    fn insert(&mut self, outline: &Outline, now: Millis) -> SessionKey {
        self.last_key += 1;
        let key = SessionKey(self.last_key);
        self.by_id.insert(outline.id.0, key);
        let Outline {
            id,
            subject,
            connect,
            instance,
            fence,
            received,
        } = outline.clone();
        let rate = self.config.rate;
        let mut session = Session::new(id, subject, connect, instance, rate, now);
        session.lead = Lead::Elsewhere;
        session.fence = fence;
        session.received = received;
        self.memory.sessions += SESSION_BYTES;
        self.sessions.insert(key, session);
        key
    }
}
