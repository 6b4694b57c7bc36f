//! All the server half ever asks for.

use alloc::vec::Vec;

use super::{LinkId, SessionKey, Subject};
use crate::frame::{Frame, Transport};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<B> {
    /// Write these frames to the link, in one unit or more.
    Transmit {
        /// The link.
        link: LinkId,
        /// At least one frame.
        frames: Vec<Frame<B>>,
    },
    /// Close the link, after what was transmitted. Nothing more comes for it.
    CloseLink {
        /// The link.
        link: LinkId,
        /// A close code of P5.3.
        code: u16,
        /// Milliseconds to wait before coming back, if that is known.
        retry: Option<u32>,
    },
    /// Tell the application.
    Event(Event<B>),
}

/// What the application hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<B> {
    /// A client took a new session.
    Opened {
        /// The session.
        session: SessionKey,
        /// Whose it is.
        subject: Subject,
    },
    /// A message came: each once, in order.
    Message {
        /// Whose.
        session: SessionKey,
        /// Its number.
        seq: u64,
        /// Type and payload.
        body: B,
    },
    /// A request came; [`Input::Reply`](super::Input::Reply) answers it.
    Request {
        /// Whose.
        session: SessionKey,
        /// Its number.
        seq: u64,
        /// Its id.
        id: u32,
        /// Type and payload.
        body: B,
    },
    /// Another link carries the session, or none does.
    LinkChanged {
        /// The session.
        session: SessionKey,
        /// The link's transport.
        transport: Option<Transport>,
    },
    /// The session is over and forgotten.
    Closed {
        /// The session.
        session: SessionKey,
    },
}
