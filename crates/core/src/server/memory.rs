//! The ceiling: what goes when more is kept than memory is for.

use super::{Keep, SessionKey, Sessions};
use crate::close::code;
use crate::time::Millis;

/// What a session and its link take beside the messages kept for it.
pub(super) const SESSION_BYTES: usize = 1_024;

/// What is kept, and what went because of [`SessionsConfig::memory`](super::SessionsConfig::memory).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryUse {
    /// Bytes that sessions and the messages kept for them take, about.
    pub sessions: usize,
    /// Bytes that topics and their events take, about.
    pub topics: usize,
    /// Sessions without a link that were ended.
    pub sessions_ended: u64,
    /// Events that topics forgot.
    pub events_dropped: u64,
    /// Messages that were dropped before their session acknowledged them.
    pub messages_dropped: u64,
}

impl MemoryUse {
    /// Bytes that everything takes, about.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.sessions + self.topics
    }
}

impl<B: Clone> Sessions<B> {
    /// What is kept, and what went to keep it below the ceiling.
    #[must_use]
    pub const fn memory(&self) -> MemoryUse {
        MemoryUse {
            topics: self.topics.footprint(),
            ..self.memory
        }
    }

    pub(super) const fn is_over_ceiling(&self) -> bool {
        self.memory().total() > self.config.memory
    }

    /// Changes a session's log, and keeps count.
    pub(super) fn with_log<R>(
        &mut self,
        key: SessionKey,
        change: impl FnOnce(&mut super::log::Log<B>) -> R,
    ) -> Option<R> {
        let session = self.sessions.get_mut(&key)?;
        self.memory.sessions -= session.log.footprint();
        let result = change(&mut session.log);
        self.memory.sessions += session.log.footprint();
        Some(result)
    }

    /// Goes below the ceiling again, by a sixteenth, so that this is not needed for each message:
    /// sessions without a link are ended in the order in which they lost it, or let go where a
    /// store has them; then topics forget
    /// their oldest events; then sessions that are owed most lose their oldest messages. Who comes
    /// back for what went is told (P2.3, [`Event::Subscribed`](super::Event::Subscribed)).
    pub(super) fn keep_below_ceiling(&mut self, now: Millis) {
        if !self.is_over_ceiling() {
            return;
        }
        let goal = self.config.memory - self.config.memory / 16;
        while self.memory().total() > goal
            && let Some((_, key)) = self.adrift.first().copied()
        {
            match self.config.keep {
                Keep::Memory => {
                    self.memory.sessions_ended += 1;
                    self.end(key, code::TRY_LATER, now);
                }
                Keep::Store => self.handle_let_go(key, code::TRY_LATER, None, now),
            }
        }
        while self.memory().total() > goal && self.topics.drop_oldest() {
            self.memory.events_dropped += 1;
        }
        let logs = self
            .sessions
            .values()
            .map(|session| session.log.footprint());
        let mut level = logs.max().unwrap_or(0);
        while self.memory().total() > goal && level > 0 {
            level -= level.div_ceil(4);
            self.level_logs(level, goal);
        }
    }

    /// Takes the oldest messages of each session that has more than `level`.
    fn level_logs(&mut self, level: usize, goal: usize) {
        let over = self
            .sessions
            .iter()
            .filter(|(_, session)| session.log.footprint() > level);
        let over: alloc::vec::Vec<SessionKey> = over.map(|(key, _)| *key).collect();
        for key in over {
            if self.memory().total() <= goal {
                return;
            }
            let dropped = self.with_log(key, |log| log.shrink(level));
            self.memory.messages_dropped += dropped.unwrap_or(0) as u64;
        }
    }

    /// Begins or ends a session's time without a link.
    pub(super) fn set_expiry(&mut self, key: SessionKey, expiry: Option<Millis>) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        if let Some(former) = core::mem::replace(&mut session.expiry, expiry) {
            self.adrift.remove(&(former, key));
        }
        if let Some(at) = expiry {
            self.adrift.insert((at, key));
        }
    }
}
