//! The wire's vocabulary: units carry frames, frames carry the handshake, messages and liveness.
//!
//! The clauses (`P…`) are those of `PROTOCOL.md`.

use alloc::string::String;
use core::fmt;

/// The protocol version this crate speaks (P1.3).
pub const VERSION: u32 = 1;

/// Whether this build has links over WebRTC: without them their policy costs no bytes.
pub(crate) const VOICE: bool = cfg!(feature = "voice");

/// A way to carry units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Transport {
    /// RFC 6455, both ways on one socket.
    WebSocket = 0,
    /// A WHATWG event stream down, POST up.
    Sse = 1,
    /// Held GETs down, POST up.
    LongPoll = 2,
    /// A data channel of a peer connection, both ways (annex D).
    WebRtc = 3,
}

impl Transport {
    /// Every transport, most preferred first.
    pub const ALL: [Self; 4] = [Self::WebRtc, Self::WebSocket, Self::Sse, Self::LongPoll];

    /// Those that need nothing but HTTP, most preferred first: used where none are named.
    pub const TEXT: [Self; 3] = [Self::WebSocket, Self::Sse, Self::LongPoll];

    /// The name used in options, events and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::LongPoll => "long-poll",
            Self::WebRtc => "webrtc",
        }
    }

    /// Whether the way up is a series of POSTs beside a separate way down.
    #[must_use]
    pub const fn is_split(self) -> bool {
        match self {
            Self::WebSocket | Self::WebRtc => false,
            Self::Sse | Self::LongPoll => true,
        }
    }

    /// Whether it is a peer connection, which takes an offer and an answer, and whose path may die
    /// unseen. Without the feature `voice` there is none.
    #[must_use]
    pub const fn is_negotiated(self) -> bool {
        VOICE && matches!(self, Self::WebRtc)
    }
}

/// 128 random bits that name a connect, a page instance or a link (P2.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub u128);

impl Nonce {
    /// Spells the nonce as 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        (0..32)
            .rev()
            .map(|i| char::from_digit((self.0 >> (4 * i)) as u32 & 15, 16).unwrap_or('0'))
            .collect()
    }

    /// Reads 32 hexadecimal digits; anything else is `None`.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 32 {
            return None;
        }
        text.chars()
            .try_fold(0u128, |n, c| Some(n << 4 | u128::from(c.to_digit(16)?)))
            .map(Self)
    }
}

/// Shows nothing: a nonce is a secret of its page.
impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(…)")
    }
}

/// What a client says first on a new link (P2.1). The token travels beside it, never inside the core.
/// `S` names a session, opaque to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello<S = String> {
    /// The protocol version the client speaks.
    pub version: u32,
    /// Names this `connect()`: the same nonce and subject find the same session.
    pub connect: Nonce,
    /// Names this page, so that a copy of it cannot take its session (4409).
    pub instance: Nonce,
    /// The session to resume, if there was one.
    pub session: Option<S>,
    /// The offset up to which the client has everything.
    pub received: u64,
}

/// The server's answer to [`Hello`]: the proof of life (P2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready<S = String> {
    /// The session's id, to resume it with.
    pub session: S,
    /// Whether the session in `hello` was found, with its history intact.
    pub resumed: bool,
    /// The `seq` up to which the server has everything.
    pub received: u64,
    /// Milliseconds between the server's heartbeats on an idle link.
    pub heartbeat: u32,
    /// Milliseconds the server keeps a session without a link.
    pub window: u32,
    /// Largest unit the server accepts, in bytes.
    pub unit: u32,
}

/// One protocol item. `B` is what a message carries and `S` what names a session, both opaque to the
/// core.
#[derive(Debug, Clone, PartialEq, Eq)]
// A tag of its own: one in a niche costs code wherever it is looked at.
#[repr(u8)]
pub enum Frame<B, S = String> {
    /// Client → server, first on a link (P2.1).
    Hello(Hello<S>),
    /// Server → client, answers `hello` (P2.3).
    Ready(Ready<S>),
    /// Client → server: this link owns the session, replay after `received` (P2.4).
    Take {
        /// Grows with every take of a session.
        fence: u32,
        /// The offset up to which the client has everything.
        received: u64,
    },
    /// Either way: an application message (P3.1).
    Message {
        /// `seq` going up, `offset` coming down.
        n: u64,
        /// Type and payload.
        body: B,
    },
    /// Client → server: a message that wants a reply (P3.4).
    Request {
        /// The message's `seq`.
        n: u64,
        /// The client's name for the request, echoed by the reply.
        id: u32,
        /// Type and payload.
        body: B,
    },
    /// Server → client: the reply to a request (P3.4).
    Reply {
        /// The reply's `offset`.
        n: u64,
        /// The request's id.
        id: u32,
        /// Whether the application accepted the request.
        ok: bool,
        /// Payload; its type is empty.
        body: B,
    },
    /// Either way: everything up to `n` has arrived (P3.3).
    Ack {
        /// The last `seq` or `offset` received in order.
        n: u64,
    },
    /// Either way: say something (P4.1). A ping with `k` 0 wants no pong.
    Ping {
        /// Echoed by the pong.
        k: u32,
    },
    /// Either way: the echo of a ping (P4.1).
    Pong {
        /// The ping's `k`.
        k: u32,
    },
    /// Server → client: move away at a random moment within `spread` ms (P5.2).
    Goaway {
        /// Milliseconds over which clients spread their moves.
        spread: u32,
    },
    /// Client → server: a fresh token for this link (P2.7). It travels beside the frame, never inside
    /// the core.
    Auth,
    /// Server → client: the link's token expires in `ms` (P2.7).
    Expiring {
        /// Milliseconds left.
        ms: u32,
    },
    /// Either way: the reason the link ends, where the transport has no close code of its own (P5.1).
    Close {
        /// A close code of P5.3.
        code: u16,
        /// Milliseconds to wait before coming back, if the sender knows.
        retry: Option<u32>,
    },
}

impl<B, S> Frame<B, S> {
    /// What the frame carries for the application, if it is a message, a request or a reply.
    #[must_use]
    pub const fn body(&self) -> Option<&B> {
        match self {
            Self::Message { body, .. } | Self::Request { body, .. } | Self::Reply { body, .. } => {
                Some(body)
            }
            Self::Hello(_)
            | Self::Ready(_)
            | Self::Take { .. }
            | Self::Ack { .. }
            | Self::Ping { .. }
            | Self::Pong { .. }
            | Self::Goaway { .. }
            | Self::Auth
            | Self::Expiring { .. }
            | Self::Close { .. } => None,
        }
    }

    /// Whether the frame carries a number of the sender's message stream.
    #[must_use]
    pub const fn n(&self) -> Option<u64> {
        match self {
            Self::Message { n, .. } | Self::Request { n, .. } | Self::Reply { n, .. } => Some(*n),
            Self::Hello(_)
            | Self::Ready(_)
            | Self::Take { .. }
            | Self::Ack { .. }
            | Self::Ping { .. }
            | Self::Pong { .. }
            | Self::Goaway { .. }
            | Self::Auth
            | Self::Expiring { .. }
            | Self::Close { .. } => None,
        }
    }
}
