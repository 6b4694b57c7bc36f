//! All the server half is ever told.

use alloc::sync::Arc;

use super::{EventId, LinkId, Outline, SessionKey, Since, Snapshot, Subject, Subscriber};
use crate::frame::{Frame, Hello, Transport};
use crate::time::Millis;

/// One thing that happened. What names an unknown link or session does nothing: it has just ended.
#[derive(Debug, Clone)]
pub enum Input<B> {
    /// A transport connection was accepted.
    LinkOpened {
        /// The new link.
        link: LinkId,
        /// What carries it.
        transport: Transport,
    },
    /// A `hello` came, and its token is good.
    Hello {
        /// The link it came on.
        link: LinkId,
        /// What the client said.
        hello: Hello,
        /// Whom the token speaks for.
        subject: Subject,
        /// When the token expires, if it does (P2.7).
        expires: Option<Millis>,
        /// 128 fresh random bits: the id of the session, should one be made.
        entropy: u128,
    },
    /// A fresh token came for a link, in `auth` or beside a POST, and it is good (P2.7).
    Auth {
        /// The link.
        link: LinkId,
        /// Whom the token speaks for.
        subject: Subject,
        /// When the token expires, if it does.
        expires: Option<Millis>,
    },
    /// A `hello` came, its token is good, and the store has found or made its session
    /// ([`Keep::Store`](super::Keep::Store) alone).
    Welcome {
        /// The link it came on.
        link: LinkId,
        /// What the client said.
        hello: Hello,
        /// The session.
        outline: Outline,
        /// When the token expires, if it does.
        expires: Option<Millis>,
        /// What `ready` says of it (P2.3).
        resumed: bool,
    },
    /// The store has made this server the one that leads the session, for a `take` that comes next
    /// ([`Keep::Store`](super::Keep::Store) alone). Messages that no handler was done with come as
    /// events again.
    Lead(Snapshot<B>),
    /// The store says that another server leads the session, or cannot be reached: its links are
    /// closed and it is forgotten here, but not ended ([`Keep::Store`](super::Keep::Store) alone).
    LetGo {
        /// The session.
        session: SessionKey,
        /// A close code of P5.3 for its links.
        code: u16,
        /// Milliseconds to wait before coming back.
        retry: Option<u32>,
    },
    /// Any other frame came.
    Frame {
        /// The link it came on.
        link: LinkId,
        /// The frame.
        frame: Frame<B>,
    },
    /// The connection is gone.
    LinkClosed {
        /// The link it carried.
        link: LinkId,
    },
    /// The caller refuses a link, for its token, its units' size or its buffers.
    CloseLink {
        /// The link to close.
        link: LinkId,
        /// A close code of P5.3.
        code: u16,
        /// Milliseconds to wait before coming back.
        retry: Option<u32>,
    },
    /// The application sends a message.
    Publish {
        /// To this session.
        session: SessionKey,
        /// Type and payload.
        body: B,
        /// About what it takes in a unit.
        bytes: usize,
    },
    /// The application answers a request.
    Reply {
        /// The session that asked.
        session: SessionKey,
        /// The request's id.
        id: u32,
        /// Whether it was accepted.
        ok: bool,
        /// The payload.
        body: B,
        /// About what it takes in a unit.
        bytes: usize,
    },
    /// Somebody wants to hear a topic, which is made if there is none. It is answered by
    /// [`Event::Subscribed`](super::Event::Subscribed), and then what was missed comes; or by
    /// [`Event::SubscriptionRefused`](super::Event::SubscriptionRefused). Who hears it already gets
    /// what lies after `since` again.
    Subscribe {
        /// Who.
        subscriber: Subscriber,
        /// The topic's name.
        topic: Arc<str>,
        /// Where to begin.
        since: Since,
        /// 32 fresh random bits: the epoch of the topic, should one be made.
        entropy: u32,
    },
    /// Somebody no longer wants to hear a topic. Sessions that end do so by themselves.
    Unsubscribe {
        /// Who.
        subscriber: Subscriber,
        /// The topic's name.
        topic: Arc<str>,
    },
    /// A [`Subscriber::Guest`] is gone.
    GuestLeft {
        /// Its name.
        guest: u64,
    },
    /// The application tells all who hear a topic.
    PublishTopic {
        /// The topic's name.
        topic: Arc<str>,
        /// The event's id, by [`Sessions::next_event`](super::Sessions::next_event), which the body
        /// carries too (P3.6). One with an id that was there before is dropped, and one that does not
        /// follow begins the history anew. `None` is told to those who are there, and not kept.
        event: Option<EventId>,
        /// Type, payload and id.
        body: B,
        /// About what it takes in a unit.
        bytes: usize,
    },
    /// The application ends a session.
    End {
        /// The session to end.
        session: SessionKey,
        /// A close code of P5.3 for its links.
        code: u16,
    },
    /// The server is going away: everyone is asked to move within `spread` ms, no `hello` is
    /// answered, and who is still there after that is closed with 4503 (P5.2).
    Drain {
        /// Milliseconds over which clients spread their moves.
        spread: u32,
        /// The least milliseconds to wait before coming back; the hints are spread too.
        retry: u32,
    },
    /// The alarm of [`Sessions::poll_timeout`](super::Sessions::poll_timeout) rang.
    Timeout,
}
