//! `hello`, `ready` and `take`: how links find their session and one of them comes to own it (P2).

use alloc::vec::Vec;

use super::lifetime::Lifetime;
use super::link::Standing;
use super::memory::SESSION_BYTES;
use super::session::{Lead, Session};
use super::{Event, LinkId, Output, Phase, Record, SessionKey, Sessions, Subject};
use crate::close::code;
use crate::frame::{Frame, Hello, Nonce, Ready, VERSION};
use crate::time::Millis;

/// Why a `hello` gets no `ready`.
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) retry: Option<u32>,
}

impl Refusal {
    pub(super) const fn full(retry: u32) -> Self {
        Self {
            code: code::TRY_LATER,
            retry: Some(retry),
        }
    }
}

impl<B: Clone> Sessions<B> {
    pub(super) fn handle_hello(
        &mut self,
        id: LinkId,
        hello: &Hello,
        (subject, expires): (Subject, Option<Millis>),
        entropy: u128,
        now: Millis,
    ) {
        if !self.begins(id, hello, expires, now) {
            return;
        }
        let admitted = self.admit(id, hello, subject, entropy, now);
        self.answer_hello(id, admitted, now);
    }

    /// Takes note of a link's `hello`, and of how long its token lasts. False: it ended, or said so
    /// before.
    pub(super) fn begins(
        &mut self,
        id: LinkId,
        hello: &Hello,
        expires: Option<Millis>,
        now: Millis,
    ) -> bool {
        let Some(link) = self.links.get_mut(&id) else {
            return false;
        };
        let fresh = match link.standing {
            Standing::Fresh { .. } => true,
            Standing::Proven { instance, .. }
            | Standing::Owner { instance, .. }
            | Standing::Former { instance, .. } => {
                if link.transport.is_split() && instance == hello.instance {
                    // The network repeated the POST (B4).
                    return false;
                }
                false
            }
        };
        if !fresh || hello.version != VERSION {
            self.close(id, code::PROTOCOL, None, now);
            return false;
        }
        link.lifetime = Lifetime::new(expires, self.config.expiring, now);
        self.see_lifetime(id, now)
    }

    pub(super) fn answer_hello(
        &mut self,
        id: LinkId,
        admitted: Result<Ready, Refusal>,
        now: Millis,
    ) {
        match admitted {
            Ok(ready) => {
                self.write(id, Frame::Ready(ready), 0, now);
                self.watch_link(id);
            }
            Err(refusal) => self.close(id, refusal.code, refusal.retry, now),
        }
    }

    pub(super) fn handle_take(&mut self, id: LinkId, fence: u32, received: u64, now: Millis) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let (key, instance) = match link.standing {
            Standing::Fresh { .. } => return,
            Standing::Proven { session, instance }
            | Standing::Owner { session, instance }
            | Standing::Former {
                session, instance, ..
            } => (session, instance),
        };
        let transport = link.transport;
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        if transport.is_split() && session.owner == Some(id) && session.fence == fence {
            // The network repeated the POST (B4).
            return;
        }
        if session.lead == Lead::Elsewhere {
            // The caller leads a session before its `take` comes here, or closes the link.
            return self.close(id, code::INTERNAL, None, now);
        }
        if session.instance != instance || (fence > 0 && fence <= session.fence) {
            return self.close(id, code::REPLACED, None, now);
        }
        if fence == 0 || received < session.log.acked() || received > session.log.last() {
            return self.close(id, code::PROTOCOL, None, now);
        }
        if !session.log.covers(received) {
            // History went between `ready` and `take`: the next `hello` is told so.
            return self.close(id, code::INTERNAL, None, now);
        }
        session.fence = fence;
        let former = session.owner.replace(id);
        let kept = self.with_log(key, |log| {
            log.ack(received);
            log.replay().collect::<Vec<_>>()
        });
        self.record(key, || Record::Taken { fence });
        self.record(key, || Record::Acked { offset: received });
        self.claim(key);
        if let Some(former) = former.filter(|former| *former != id) {
            self.set_standing(
                former,
                Standing::Former {
                    session: key,
                    instance,
                    until: now + u64::from(self.config.leave),
                },
            );
        }
        self.set_standing(
            id,
            Standing::Owner {
                session: key,
                instance,
            },
        );
        for (frame, bytes) in kept.into_iter().flatten() {
            self.write(id, frame, bytes, now);
        }
        let event = Event::LinkChanged {
            session: key,
            transport: Some(transport),
        };
        self.outputs.push_back(Output::Event(event));
    }

    /// Finds or makes the session that a `hello` asks for, and joins the link to it.
    fn admit(
        &mut self,
        id: LinkId,
        hello: &Hello,
        subject: Subject,
        entropy: u128,
        now: Millis,
    ) -> Result<Ready, Refusal> {
        self.check_phase()?;
        let (key, resumed) = match self.find(hello, &subject) {
            Some(found) => found,
            None if self.is_full() => {
                return Err(Refusal::full(self.config.retry));
            }
            None => (
                self.make(hello, subject, entropy, now)?,
                hello.session.is_none(),
            ),
        };
        self.join(id, hello, key, resumed)
    }

    /// Whether a `hello` is answered at all.
    pub(super) const fn check_phase(&self) -> Result<(), Refusal> {
        match self.phase {
            Phase::Serving => Ok(()),
            Phase::Draining { retry, .. } | Phase::Drained { retry } => Err(Refusal::full(retry)),
        }
    }

    /// Joins a link to its session.
    pub(super) fn join(
        &mut self,
        id: LinkId,
        hello: &Hello,
        key: SessionKey,
        resumed: bool,
    ) -> Result<Ready, Refusal> {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Err(Refusal {
                code: code::INTERNAL,
                retry: None,
            });
        };
        if session.links.len() >= self.config.max_session_links {
            let retry = Some(self.config.retry);
            return Err(Refusal {
                code: code::SLOW_DOWN,
                retry,
            });
        }
        session.links.insert(id);
        let ready = Ready {
            session: session.id.to_hex(),
            resumed,
            received: session.received,
            heartbeat: self.config.heartbeat,
            window: self.config.window,
            unit: self.config.unit,
        };
        self.set_expiry(key, None);
        self.set_standing(
            id,
            Standing::Proven {
                session: key,
                instance: hello.instance,
            },
        );
        Ok(ready)
    }

    /// Finds a session by its id, else by `connect` and subject (P2.2), and says whether nothing
    /// of it is lost to this client (P2.3).
    fn find(&self, hello: &Hello, subject: &Subject) -> Option<(SessionKey, bool)> {
        let asked = hello.session.as_deref().and_then(Nonce::from_hex);
        if let Some(key) = asked.and_then(|id| self.by_id.get(&id.0))
            && let Some(session) = self.sessions.get(key)
            && session.subject == *subject
            && session.log.covers(hello.received)
        {
            return Some((*key, true));
        }
        let key = self.by_connect.get(&(hello.connect, subject.clone()))?;
        let session = self.sessions.get(key)?;
        match &hello.session {
            None => session.log.covers(hello.received).then_some((*key, true)),
            // A sibling of this attempt asked first, and the session was made for it.
            Some(_) if asked != Some(session.id) => session.log.covers(0).then_some((*key, false)),
            Some(_) => None,
        }
    }

    fn make(
        &mut self,
        hello: &Hello,
        subject: Subject,
        entropy: u128,
        now: Millis,
    ) -> Result<SessionKey, Refusal> {
        if self.by_id.contains_key(&entropy) {
            return Err(Refusal {
                code: code::INTERNAL,
                retry: None,
            });
        }
        self.last_key += 1;
        let key = SessionKey(self.last_key);
        self.by_id.insert(entropy, key);
        self.by_connect
            .insert((hello.connect, subject.clone()), key);
        let (connect, instance, rate) = (hello.connect, hello.instance, self.config.rate);
        let session = Session::new(Nonce(entropy), subject, connect, instance, rate, now);
        self.memory.sessions += SESSION_BYTES;
        self.sessions.insert(key, session);
        Ok(key)
    }

    fn set_standing(&mut self, id: LinkId, standing: Standing) {
        if let Some(link) = self.links.get_mut(&id) {
            link.standing = standing;
        }
        self.watch_link(id);
    }
}
