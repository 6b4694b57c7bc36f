//! All the core is ever told.

use alloc::string::String;

use crate::close::Ending;
use crate::frame::Frame;

/// One try to open a link, and the link that may come of it. Late reports of an attempt that the
/// core has dropped are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u32);

/// The driver's name for one `send`; its outcome comes back under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u32);

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
// A tag of its own: one in a niche costs code wherever it is looked at.
#[repr(u8)]
pub enum Input<B, S = String> {
    /// The application wants the session.
    Connect,
    /// The application sends a message.
    Send {
        /// Names the send.
        ticket: Ticket,
        /// The client's name of the request, if it wants a reply.
        request: Option<u32>,
        /// Type and payload.
        body: B,
        /// What it weighs in the outbox.
        bytes: u32,
        /// Milliseconds after which it is not to be written any more.
        ttl: Option<u32>,
        /// An earlier send that this one stands for, if it has not been written yet.
        replaces: Option<Ticket>,
    },
    /// Before [`Input::Connect`]: a message that an earlier page may have written. It keeps its
    /// place after those of [`Config::restore`](crate::Config::restore).
    Kept {
        /// Names the send.
        ticket: Ticket,
        /// The client's name of the request, if it wants a reply.
        request: Option<u32>,
        /// Type and payload.
        body: B,
        /// What it weighs in the outbox.
        bytes: u32,
    },
    /// The application gives up on a send. Has an effect only before the message was first written.
    Cancel(Ticket),
    /// The application is done.
    Close,
    /// The token function settled, with a token or without.
    Token(Result<(), ()>),
    /// A transport reported.
    Report(AttemptId, Report<B, S>),
    /// The HTTP side probe answered. Status 0: nothing answered.
    SideProbe {
        /// The HTTP status, or 0.
        status: u16,
        /// The answer's `Retry-After` in milliseconds.
        retry_after: Option<u32>,
    },
    /// The page's surroundings changed.
    Environment(Environment),
    /// The alarm of [`poll_timeout`](crate::Session::poll_timeout) rang, perhaps late.
    Timeout,
}

/// What a transport reports of an attempt or link.
#[derive(Debug, Clone, PartialEq, Eq)]
// A tag of its own: one in a niche costs code wherever it is looked at.
#[repr(u8)]
pub enum Report<B, S = String> {
    /// A WebRTC link's offer stands and is on its way.
    Offered,
    /// It was answered.
    Answered,
    /// The WebSocket or data channel is open, the stream's headers came, or the first poll is under way.
    Opened,
    /// A control frame came, or (in a dialect without a handshake) the named message: then
    /// [`Report::Ready`].
    Frame(Frame<B, S>),
    /// The link is ready by the dialect's own sign.
    Ready,
    /// A POST was answered: the way up is free again.
    Written,
    /// What [`Output::Mend`](crate::Output::Mend) asked for was answered.
    Mended,
    /// The attempt or link is over.
    Ended(Ending),
}

/// What the page's surroundings did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// The browser believes that there is a network again.
    Online,
    /// The browser believes that there is none.
    Offline,
    /// The page became visible, was restored, or its clock jumped.
    Woke,
    /// The page was hidden.
    Hidden,
    /// The page moved to another network.
    NetworkChanged,
}
