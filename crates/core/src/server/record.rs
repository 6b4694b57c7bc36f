//! What a store is told, where sessions are to outlive their server ([`Keep::Store`]).

use alloc::sync::Arc;

use super::{Event, EventId, Output, SessionKey, Sessions};
use crate::frame::Frame;

/// Where sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Here alone: nothing is recorded.
    #[default]
    Memory,
    /// In a store that other servers share. The caller finds and makes sessions there
    /// ([`Input::Welcome`](super::Input::Welcome)), leads one before its `take`
    /// ([`Input::Lead`](super::Input::Lead)), and does no output before the records that precede it
    /// are kept: so an ack is a promise, and an offset is kept before it is sent.
    Store,
}

/// One change of a session that this server leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<B> {
    /// A link took the session (P2.4).
    Taken {
        /// The `take`'s fence.
        fence: u32,
    },
    /// A message or request came.
    Up(Arrived<B>),
    /// A message or reply goes out under the offset after the last.
    Down {
        /// The frame.
        frame: Frame<B>,
        /// The oldest offset that is still kept.
        first: u64,
    },
    /// The client has everything up to `offset`.
    Acked {
        /// The offset.
        offset: u64,
    },
    /// It hears a topic, and has what came there up to `event`.
    Heard {
        /// The topic's name.
        topic: Arc<str>,
        /// The last event that was numbered for the session, or the place where it began.
        event: EventId,
    },
    /// It no longer hears a topic.
    Left {
        /// The topic's name.
        topic: Arc<str>,
    },
    /// The session is over.
    Ended,
}

/// A message or request of a client's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived<B> {
    /// Its number.
    pub seq: u64,
    /// A request's id; `None` for a message.
    pub request: Option<u32>,
    /// Type and payload.
    pub body: B,
}

impl<B> Arrived<B> {
    /// What the application hears of it.
    #[must_use]
    pub fn into_event(self, session: SessionKey) -> Event<B> {
        let Self { seq, request, body } = self;
        match request {
            None => Event::Message { session, seq, body },
            Some(id) => Event::Request {
                session,
                seq,
                id,
                body,
            },
        }
    }
}

impl<B: Clone> Sessions<B> {
    /// Tells the store, if there is one.
    pub(super) fn record(&mut self, session: SessionKey, record: impl FnOnce() -> Record<B>) {
        match self.config.keep {
            Keep::Memory => {}
            Keep::Store => self.outputs.push_back(Output::Record {
                session,
                record: record(),
            }),
        }
    }
}
