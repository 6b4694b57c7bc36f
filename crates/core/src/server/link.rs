//! A link: what it is to its session, and what waits to be written to it.

use alloc::vec::Vec;

use super::alarm::Who;
use super::lifetime::Lifetime;
use super::{LinkId, SessionKey, Sessions};
use crate::close::code;
use crate::frame::{Frame, Nonce, Transport};
use crate::time::Millis;

/// Bytes after which a unit is closed.
const UNIT_BYTES: usize = 64 << 10;

/// What a control frame takes in a unit, roughly.
const FRAME_BYTES: usize = 24;

#[derive(Debug)]
pub(super) struct Link<B> {
    pub(super) transport: Transport,
    pub(super) standing: Standing,
    pub(super) lifetime: Lifetime,
    pub(super) alarm: Option<Millis>,
    sent: Millis,
    pending: Vec<(Frame<B>, usize)>,
}

/// What a link is to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has not said `hello`.
    Fresh { until: Millis },
    /// `hello` and `ready`: it proves a path (P2.3).
    Proven {
        session: SessionKey,
        instance: Nonce,
    },
    /// Its `take` made it the owner (P2.4).
    Owner {
        session: SessionKey,
        instance: Nonce,
    },
    /// Another took the session (P2.4).
    Former {
        session: SessionKey,
        instance: Nonce,
        until: Millis,
    },
}

impl<B> Link<B> {
    pub(super) fn new(transport: Transport, until: Millis, now: Millis) -> Self {
        let standing = Standing::Fresh { until };
        Self {
            transport,
            standing,
            lifetime: Lifetime::Endless,
            alarm: None,
            sent: now,
            pending: Vec::new(),
        }
    }

    pub(super) const fn session(&self) -> Option<SessionKey> {
        match self.standing {
            Standing::Fresh { .. } => None,
            Standing::Proven { session, .. }
            | Standing::Owner { session, .. }
            | Standing::Former { session, .. } => Some(session),
        }
    }

    pub(super) const fn is_writing(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes as many frames as make a unit.
    pub(super) fn take_unit(&mut self) -> Vec<Frame<B>> {
        let mut bytes = 0;
        let count = self.pending.iter().take_while(|(_, next)| {
            let fits = bytes == 0 || bytes + next <= UNIT_BYTES;
            bytes += next;
            fits
        });
        let count = count.count();
        self.pending
            .drain(..count)
            .map(|(frame, _)| frame)
            .collect()
    }

    /// When the link itself wants to be looked at.
    fn deadline(&self, heartbeat: u32) -> Millis {
        let beat = self.sent + u64::from(heartbeat);
        let own = match self.standing {
            Standing::Fresh { until } => until,
            Standing::Proven { .. } | Standing::Owner { .. } => beat,
            Standing::Former { until, .. } => until.min(beat),
        };
        self.lifetime.deadline().map_or(own, |at| at.min(own))
    }
}

impl<B: Clone> Sessions<B> {
    pub(super) fn handle_opened(&mut self, id: LinkId, transport: Transport, now: Millis) {
        let until = now + u64::from(self.config.hello_timeout);
        self.links.insert(id, Link::new(transport, until, now));
        self.watch_link(id);
    }

    pub(super) fn handle_link_due(&mut self, id: LinkId, now: Millis) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        link.alarm = None;
        if !self.see_lifetime(id, now) {
            return;
        }
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        match link.standing {
            Standing::Fresh { until } if until <= now => {
                return self.close(id, code::HELLO_TIMEOUT, None, now);
            }
            Standing::Former { until, .. } if until <= now => {
                return self.close(id, code::NORMAL, None, now);
            }
            Standing::Fresh { .. } => {}
            Standing::Proven { .. } | Standing::Owner { .. } | Standing::Former { .. } => {
                if link.sent + u64::from(self.config.heartbeat) <= now {
                    self.write(id, Frame::Ping { k: 0 }, 0, now);
                }
            }
        }
        self.watch_link(id);
    }

    /// Sets the link's alarm by what it waits for.
    pub(super) fn watch_link(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(&id) {
            let at = link.deadline(self.config.heartbeat);
            self.alarms.arm(Who::Link(id), &mut link.alarm, at);
        }
    }

    /// Puts a frame where the next unit of the link takes it.
    pub(super) fn write(&mut self, id: LinkId, frame: Frame<B>, bytes: usize, now: Millis) {
        if let Some(link) = self.links.get_mut(&id) {
            link.sent = now;
            self.append(id, frame, bytes);
        }
    }

    /// As [`write`](Self::write), without counting as a sign of life.
    pub(super) fn append(&mut self, id: LinkId, frame: Frame<B>, bytes: usize) {
        if let Some(link) = self.links.get_mut(&id) {
            if !link.is_writing() {
                self.writing.push_back(id);
            }
            link.pending.push((frame, bytes + FRAME_BYTES));
        }
    }

    /// Closes a link from this side: what waits is written first.
    pub(super) fn close(&mut self, id: LinkId, code: u16, retry: Option<u32>, now: Millis) {
        let Some(mut link) = self.detach(id, now) else {
            return;
        };
        while link.is_writing() {
            let frames = link.take_unit();
            self.outputs
                .push_back(super::Output::Transmit { link: id, frames });
        }
        self.outputs.push_back(super::Output::CloseLink {
            link: id,
            code,
            retry,
        });
    }
}
