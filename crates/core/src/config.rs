//! What a session is told once, with its defaults.

use crate::backoff::WINDOWS;
use crate::frame::{Transport, VOICE};
use crate::transports::Transports;

/// How application messages look on the wire, and so what a link can promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The reliable protocol of `PROTOCOL.md`: effectively once. The only dialect that races,
    /// because only here is a second connection free of side effects.
    Throughline,
    /// Any server that speaks JSON: at most once.
    Json(Readiness),
}

/// When a link of a dialect without a handshake counts as ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// The driver reports [`Report::Ready`](crate::Report::Ready) when the named message comes.
    Named,
    /// The link stays open for [`Timing::json_settle`].
    Settled,
}

/// What a full outbox does with another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits its turn.
    Wait,
    /// It is refused: [`Outcome::Full`](crate::Outcome::Full).
    Refuse,
}

/// What worked last on this network. The page keeps it and gives it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The transport that carried a useful link.
    pub transport: Transport,
    /// Its handshake's round trip in milliseconds.
    pub rtt: u32,
}

/// Everything a session is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The dialect spoken.
    pub dialect: Dialect,
    /// Transports to use, most preferred first. Empty means [`Transport::TEXT`].
    pub transports: Transports,
    /// Whether the application gives tokens.
    pub has_token: bool,
    /// Whether a poll asks again for what it has not delivered: then, in a dialect without numbers too,
    /// a better transport is looked for beside it.
    pub polls: bool,
    /// What worked last on this network, if anything did.
    pub memory: Option<Memory>,
    /// Most messages on their way, and in a full outbox.
    pub outbox_messages: usize,
    /// Most bytes on their way, and in a full outbox. One message alone may have more.
    pub outbox_bytes: usize,
    /// What a full outbox does.
    pub when_full: WhenFull,
    /// Spans and deadlines.
    pub timing: Timing,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dialect: Dialect::Throughline,
            transports: Transport::TEXT.into_iter().collect(),
            has_token: false,
            polls: false,
            memory: None,
            outbox_messages: 1_000,
            outbox_bytes: 1 << 20,
            when_full: WhenFull::Wait,
            timing: Timing::default(),
        }
    }
}

/// Spans in milliseconds.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Between the starts of two racing attempts, until a round trip is remembered.
    pub stagger: u32,
    /// From opened to ready. Doubles with each failed round, up to [`Timing::open`].
    pub proof: u32,
    /// From start to opened.
    pub open: u32,
    /// From start to opened in dialects that try one transport after the other. Doubles likewise.
    pub json_open: u32,
    /// How long such a link must stay open to count as ready.
    pub json_settle: u32,
    /// The whole of a connect, after which the application is told that it is taking long.
    pub connect: u32,
    /// The token function.
    pub token: u32,
    /// A proven better link lives this long before it is taken.
    pub settle: u32,
    /// A link this old was useful: backoff and failure streak start over.
    pub stable: u32,
    /// The first probe for a better transport, then × 1.5.
    pub climb: u32,
    /// The longest span between two such probes (± 10 %).
    pub climb_cap: u32,
    /// The span once a link has lived for [`Timing::climb_patience`].
    pub climb_slow: u32,
    /// How long probes stay frequent.
    pub climb_patience: u32,
    /// The server's heartbeat interval on two-way links, where the dialect does not say. 0: none is
    /// visible.
    pub heartbeat: u32,
    /// The same on event streams.
    pub heartbeat_sse: u32,
    /// The longest time between two polls' answers, likewise.
    pub heartbeat_poll: u32,
    /// A sign of life is due this long after waking up.
    pub wake: u32,
    /// How long `close()` waits for the outbox to empty.
    pub close: u32,
    /// How long a session is looked for before it is suspended, where the server does not say.
    pub window: u32,
    /// Between two acks on a two-way link.
    pub ack: u32,
    /// Between two acks on a split transport.
    pub ack_split: u32,
    /// A negotiated attempt has this long from its offer before the next transport starts.
    pub standby: u32,
    /// The same from the answer, where that is sooner.
    pub standby_answered: u32,
    /// The path of a negotiated link is dead after this span of silence.
    pub quiet: u32,
    /// The backoff's windows.
    pub backoff: [u32; 4],
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            stagger: 250,
            proof: 1_500,
            open: 10_000,
            json_open: 1_000,
            json_settle: 300,
            connect: 15_000,
            token: 12_000,
            settle: 1_000,
            stable: 10_000,
            climb: 15_000,
            climb_cap: 50_000,
            climb_slow: 300_000,
            climb_patience: 600_000,
            heartbeat: 0,
            heartbeat_sse: 0,
            heartbeat_poll: 0,
            wake: 2_000,
            close: 2_000,
            window: 120_000,
            ack: 500,
            ack_split: 10_000,
            standby: 2_500,
            standby_answered: 1_500,
            quiet: 1_750,
            backoff: WINDOWS,
        }
    }
}

impl Timing {
    /// Sets one span by its number, as a page that has no names for them does. Others are ignored.
    #[inline(never)]
    pub fn set(&mut self, field: u32, ms: u32) {
        let [first, second, third, last] = &mut self.backoff;
        let span = match field {
            0 => &mut self.proof,
            1 => &mut self.open,
            2 => &mut self.connect,
            3 => &mut self.stagger,
            4 => &mut self.stable,
            5 => &mut self.climb,
            6 => &mut self.climb_cap,
            7 => first,
            8 => second,
            9 => third,
            10 => last,
            11 => &mut self.close,
            12 => &mut self.heartbeat,
            13 => &mut self.json_open,
            14 if VOICE => &mut self.standby,
            15 if VOICE => &mut self.standby_answered,
            16 if VOICE => &mut self.quiet,
            17 => &mut self.heartbeat_sse,
            18 => &mut self.heartbeat_poll,
            _ => return,
        };
        *span = ms;
    }
}
