//! A session: who owns it, what it has received, what it is owed.

use alloc::collections::BTreeSet;

use super::alarm::Who;
use super::bucket::Bucket;
use super::link::{Link, Standing};
use super::log::Log;
use super::{Event, LinkId, Output, Rate, SessionKey, Sessions, Subject};
use crate::close::code;
use crate::frame::{Frame, Nonce};
use crate::time::Millis;

#[derive(Debug)]
pub(super) struct Session<B> {
    /// Random, and so debugged like a nonce: not at all.
    pub(super) id: Nonce,
    pub(super) subject: Subject,
    pub(super) connect: Nonce,
    /// The page that made the session.
    pub(super) instance: Nonce,
    pub(super) claim: Claim,
    pub(super) lead: Lead,
    pub(super) fence: u32,
    pub(super) owner: Option<LinkId>,
    pub(super) links: BTreeSet<LinkId>,
    pub(super) received: u64,
    pub(super) ack: Ack,
    pub(super) log: Log<B>,
    pub(super) bucket: Bucket,
    /// When the session without a link is forgotten.
    pub(super) expiry: Option<Millis>,
    pub(super) alarm: Option<Millis>,
    acked_at: Option<Millis>,
    unacked: u32,
}

/// Whether the application knows of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// `hello` made it, and nothing came of it so far.
    Unclaimed,
    /// It was taken, or a message came for it.
    Claimed,
}

/// Which server leads the session: numbers its messages, hands them on, and keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Here,
    /// Another one, or none. Links here prove paths and wait for their `take`.
    Elsewhere,
}

/// Whether the client is owed an ack (P3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ack {
    Settled,
    Due(Millis),
    Now,
}

impl<B: Clone> Session<B> {
    pub(super) fn new(
        id: Nonce,
        subject: Subject,
        connect: Nonce,
        instance: Nonce,
        rate: Rate,
        now: Millis,
    ) -> Self {
        Self {
            id,
            subject,
            connect,
            instance,
            claim: Claim::Unclaimed,
            lead: Lead::Here,
            fence: 0,
            owner: None,
            links: BTreeSet::new(),
            received: 0,
            ack: Ack::Settled,
            log: Log::new(),
            bucket: Bucket::full(rate, now),
            expiry: None,
            alarm: None,
            acked_at: None,
            unacked: 0,
        }
    }

    /// Takes note that a numbered frame came, and says whether its ack is due at once: the first
    /// after a pause is, so that a lone send settles within one round trip.
    pub(super) fn owe_ack(&mut self, span: u32, messages: u32, now: Millis) -> bool {
        self.unacked += 1;
        let at = self.acked_at.map_or(now, |acked| acked + u64::from(span));
        self.ack = match self.ack {
            Ack::Now => Ack::Now,
            Ack::Settled | Ack::Due(_) if at <= now || self.unacked >= messages => {
                self.acked_at = Some(now);
                Ack::Now
            }
            Ack::Settled | Ack::Due(_) => Ack::Due(at),
        };
        self.ack == Ack::Now
    }

    pub(super) fn take_ack(&mut self) -> Option<Frame<B>> {
        self.unacked = 0;
        match core::mem::replace(&mut self.ack, Ack::Settled) {
            Ack::Settled => None,
            Ack::Due(_) | Ack::Now => Some(Frame::Ack { n: self.received }),
        }
    }

    pub(super) fn is_claimed(&self) -> bool {
        self.claim == Claim::Claimed
    }

    fn deadline(&self) -> Option<Millis> {
        let ack = match self.ack {
            Ack::Due(at) => Some(at),
            Ack::Settled | Ack::Now => None,
        };
        ack.into_iter().chain(self.expiry).min()
    }
}

impl<B: Clone> Sessions<B> {
    pub(super) fn handle_session_due(&mut self, key: SessionKey, now: Millis) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        session.alarm = None;
        if session.expiry.is_some_and(|at| at <= now) {
            return self.end(key, code::NORMAL, now);
        }
        match session.ack {
            Ack::Due(at) if at <= now => {
                session.ack = Ack::Now;
                session.acked_at = Some(now);
                self.owing.push_back(key);
            }
            Ack::Due(_) | Ack::Settled | Ack::Now => {}
        }
        self.watch_session(key);
    }

    /// Sets the session's alarm by what it waits for.
    pub(super) fn watch_session(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(&key)
            && let Some(at) = session.deadline()
        {
            self.alarms.arm(Who::Session(key), &mut session.alarm, at);
        }
    }

    /// Writes the ack that is due now to the owner; without one, the next `ready` says the same.
    pub(super) fn write_ack(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let owner = session.owner;
        if session.ack == Ack::Now
            && let Some(ack) = session.take_ack()
            && let Some(owner) = owner
        {
            self.append(owner, ack, 0);
        }
    }

    /// Tells the application of the session, once.
    pub(super) fn claim(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(&key)
            && session.claim == Claim::Unclaimed
        {
            session.claim = Claim::Claimed;
            let subject = session.subject.clone();
            self.outputs.push_back(Output::Event(Event::Opened {
                session: key,
                subject,
            }));
        }
    }

    /// Lets a session without a link begin to expire, where it is led.
    pub(super) fn leave_alone(&mut self, key: SessionKey, now: Millis) {
        if self.leads(key) {
            let expiry = now + u64::from(self.config.window);
            self.set_expiry(key, Some(expiry));
        } else {
            self.forget(key, code::NORMAL, None, now);
        }
    }

    /// Takes a link out of its session; a session left alone begins to expire.
    pub(super) fn detach(&mut self, id: LinkId, now: Millis) -> Option<Link<B>> {
        let link = self.links.remove(&id)?;
        self.alarms.disarm(Who::Link(id), link.alarm);
        if let Some(key) = link.session()
            && let Some(session) = self.sessions.get_mut(&key)
        {
            session.links.remove(&id);
            let is_alone = session.links.is_empty();
            match link.standing {
                Standing::Owner { .. } => {
                    session.owner = None;
                    let event = Event::LinkChanged {
                        session: key,
                        transport: None,
                    };
                    self.outputs.push_back(Output::Event(event));
                }
                Standing::Fresh { .. } | Standing::Proven { .. } | Standing::Former { .. } => {}
            }
            if is_alone {
                self.leave_alone(key, now);
            }
            self.watch_session(key);
        }
        Some(link)
    }
}
