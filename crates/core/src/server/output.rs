//! All the server half ever asks for.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{EventId, LinkId, Record, SessionKey, Subject, Subscriber};
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
    /// Give a topic's event to a [`Subscriber::Guest`].
    ToGuest {
        /// The guest.
        guest: u64,
        /// Type, payload and id.
        body: B,
    },
    /// Keep this in the store, before anything that comes after it is done
    /// ([`Keep::Store`](super::Keep::Store) alone).
    Record {
        /// Whose change it is.
        session: SessionKey,
        /// The change.
        record: Record<B>,
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
    /// A subscription holds; what was missed comes after this.
    Subscribed {
        /// Whose.
        subscriber: Subscriber,
        /// The topic's name.
        topic: Arc<str>,
        /// How many events come again.
        replayed: usize,
        /// Whether there were more since the place asked for, which are no longer kept.
        missed: bool,
        /// The topic's last event: the place to come back to before another comes.
        last: EventId,
    },
    /// A subscription was not made: it hears too many topics, or there are too many.
    SubscriptionRefused {
        /// Whose.
        subscriber: Subscriber,
        /// The topic's name.
        topic: Arc<str>,
    },
    /// A subscription is over: as asked, or because the subscriber is gone.
    Unsubscribed {
        /// Whose.
        subscriber: Subscriber,
        /// The topic's name.
        topic: Arc<str>,
    },
    /// The session goes on at another server, or may: this one lets go of it
    /// ([`Keep::Store`](super::Keep::Store) alone).
    Moved {
        /// The session.
        session: SessionKey,
    },
    /// The session is over and forgotten.
    Closed {
        /// The session.
        session: SessionKey,
    },
}
