//! All the core ever asks for, and all the application hears.

use alloc::string::String;
use alloc::vec::Vec;

use crate::close::Ending;
use crate::config::Memory;
use crate::frame::{Frame, Nonce, Transport};
use crate::input::{AttemptId, Ticket};
use crate::note::Note;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<B, S = String> {
    /// Open a link. The driver adds address and token.
    Open {
        /// Names the attempt in every later report.
        attempt: AttemptId,
        /// How to open it.
        transport: Transport,
        /// Names the link to the server, for transports that use several requests (P6).
        link: Nonce,
    },
    /// Send one unit.
    Transmit {
        /// The attempt or link to send it on.
        attempt: AttemptId,
        /// The unit's frames, in order.
        frames: Vec<Frame<B, S>>,
    },
    /// Look for another path for a WebRTC link (an ICE restart); answered by
    /// [`Report::Mended`](crate::Report::Mended) if one may be there.
    Mend {
        /// Which link.
        attempt: AttemptId,
    },
    /// End an attempt or link; nothing more is heard of it.
    Drop {
        /// Which one.
        attempt: AttemptId,
    },
    /// Ask the token function, then answer with [`Input::Token`](crate::Input::Token).
    NeedToken(TokenReason),
    /// Ask the address over plain HTTP, then answer with [`Input::SideProbe`](crate::Input::SideProbe).
    SideProbe,
    /// Write down what happened in this turn.
    Note(Note),
    /// Tell the application.
    Event(Event),
}

/// Why a token is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TokenReason {
    /// A connect or reconnect is about to start.
    Connect = 0,
    /// The server said that the last one is not good.
    Unauthorized = 1,
    /// The one of the living link expires soon.
    Expiring = 2,
}

/// What the application hears of the session itself.
#[derive(Debug, Clone, PartialEq, Eq)]
// A tag of its own: one in a niche costs code wherever it is looked at.
#[repr(u8)]
pub enum Event {
    /// The state changed.
    State {
        /// The state left.
        from: StateKind,
        /// The state entered.
        to: StateKind,
        /// What caused it, if something failed.
        ending: Option<Ending>,
    },
    /// The next try starts in this many milliseconds.
    RetryIn(u64),
    /// Another transport carries the session, or none.
    Transport {
        /// The one that did.
        from: Option<Transport>,
        /// The one that does.
        to: Option<Transport>,
    },
    /// Something failed that the session goes on without.
    Trouble(Ending),
    /// A send is decided.
    Settled(Ticket, Outcome),
    /// History is lost: a new session was made, messages may be missing.
    Gap {
        /// How many messages of the old session had arrived.
        received: u64,
        /// How many sends were given up, since nobody knows whether they arrived.
        unknown: usize,
    },
    /// A full outbox has room again.
    Drained,
    /// This transport proved useful here.
    Remember(Memory),
    /// A round trip over this link took this many milliseconds; told when a link is taken, and
    /// whenever it is measured anew.
    RoundTrip(AttemptId, u32),
}

/// How a send ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// The server has it (or, at most once, it was handed over).
    Sent = 0,
    /// It was written and nobody can say whether it arrived.
    Unknown = 1,
    /// The session is closed, failed or suspended: it was never written.
    Closed = 2,
    /// The outbox is full.
    Full = 3,
    /// The application cancelled it before it was written.
    Cancelled = 4,
    /// Its time was over before it was written.
    Expired = 5,
    /// A later send stands for it.
    Replaced = 6,
}

/// The states as the application sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum StateKind {
    /// Nothing was asked for.
    Idle = 0,
    /// The first link is being looked for.
    Connecting = 1,
    /// A link carries the session.
    Connected = 2,
    /// The link was lost and another is being looked for.
    Reconnecting = 3,
    /// The resume window has passed; tries go on.
    Suspended = 4,
    /// The outbox is being emptied before the end.
    Closing = 5,
    /// Ended as asked.
    Closed = 6,
    /// Ended by an error that the application must act on.
    Failed = 7,
}
