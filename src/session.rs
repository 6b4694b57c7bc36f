//! The facade: what JavaScript calls. Numbers in, numbers out; no decisions.

use throughline_core::{
    AttemptId, Config, Dialect, Ending, Environment, Frame, Input, Memory, Millis, Nonce,
    Readiness, Ready, Report, Restored, Ticket, Transport, WhenFull,
};
#[cfg(feature = "bindgen")]
use wasm_bindgen::prelude::*;

use crate::causes::{self, span};
use crate::driver::Driver;

/// One session. Names of things are numbers: the page keeps the words.
#[cfg_attr(feature = "bindgen", wasm_bindgen)]
#[derive(Debug)]
pub struct Core(Driver);

#[cfg_attr(feature = "bindgen", wasm_bindgen)]
impl Core {
    /// Makes a session of little-endian words: 4 of seed from a secure random source; dialect
    /// (0 `throughline`, 1 `json` ready when open, 2 `json` ready by message); whether polls ask again
    /// for what they have not delivered; whether there is a token function; the outbox's bounds in messages and bytes, and whether it refuses when full;
    /// the remembered transport (any other number: none) and its round trip; how many transports,
    /// and which, most preferred first; how many words of an earlier page's session follow (0 or
    /// 13), and these: `connect` and `instance`, fence, the last offset and the last acknowledged
    /// `seq`, highest words first; then pairs of a timing's number and milliseconds.
    #[cfg_attr(feature = "bindgen", wasm_bindgen(constructor))]
    pub fn new(options: &[u8]) -> Self {
        let (seed, words) = options.split_first_chunk().unwrap_or((&[1; 16], &[]));
        let (words, _) = words.as_chunks();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let mut config = Config {
            dialect: match next() {
                0 => Dialect::Throughline,
                1 => Dialect::Json(Readiness::Settled),
                _ => Dialect::Json(Readiness::Named),
            },
            polls: next() != 0,
            has_token: next() != 0,
            outbox_messages: next() as usize,
            outbox_bytes: next() as usize,
            when_full: match next() {
                0 => WhenFull::Wait,
                _ => WhenFull::Refuse,
            },
            ..Config::default()
        };
        let (carried, rtt) = (transport(next()), next());
        config.memory = carried.map(|transport| Memory { transport, rtt });
        config.transports = (0..next()).filter_map(|_| transport(next())).collect();
        let restored = (next() > 0).then(|| {
            let mut long = |words| (0..words).fold(0u128, |n, _| n << 32 | u128::from(next()));
            Restored {
                session: 0,
                connect: Nonce(long(4)),
                instance: Nonce(long(4)),
                fence: long(1) as u32,
                received: long(2) as u64,
                acked: long(2) as u64,
            }
        });
        while let Some(field) = words.next() {
            config.timing.set(field, words.next().unwrap_or_default());
        }
        Self(Driver::new(config, *seed, restored))
    }

    /// Tells the core one thing that happened at `now` and returns how many numbers say what to do
    /// about it. `kind` says what, as in `pkg/js/core.js`; the other numbers follow it. Below 0 is
    /// "none".
    #[allow(clippy::too_many_arguments)]
    pub fn tell(&mut self, now: f64, kind: u8, a: u32, b: f64, c: f64, d: f64, e: f64) -> usize {
        let input = match kind {
            0 => Input::Connect,
            1 => Input::Close,
            2 => Input::Cancel(Ticket(a)),
            3 => Input::Token(if a > 0 { Ok(()) } else { Err(()) }),
            4 => Input::Timeout,
            5 => Input::Environment(
                ENVIRONMENTS
                    .get(a as usize)
                    .copied()
                    .unwrap_or(Environment::Woke),
            ),
            6 => Input::SideProbe {
                status: a as u16,
                retry_after: span(b),
            },
            7 | 8 => {
                let (ticket, request, bytes) = (Ticket(a), b as u32, c as u32);
                let (body, request) = (ticket, (request > 0).then_some(request));
                if kind == 8 {
                    Input::Kept {
                        ticket,
                        request,
                        body,
                        bytes,
                    }
                } else {
                    Input::Send {
                        ticket,
                        request,
                        body,
                        bytes,
                        ttl: (d >= 0.0).then_some(d as u32),
                        replaces: (e > 0.0).then_some(Ticket(e as u32)),
                    }
                }
            }
            _ => Input::Report(
                AttemptId(a),
                match kind {
                    9 => Report::Opened,
                    10 => Report::Ready,
                    11 => Report::Written,
                    20 if VOICE => Report::Offered,
                    21 if VOICE => Report::Answered,
                    22 if VOICE => Report::Mended,
                    12 => Report::Ended(Ending {
                        code: c as u16,
                        status: d as u16,
                        retry_after: span(e),
                        ..Ending::of(causes::reported(b as u8))
                    }),
                    13 => Report::Frame(Frame::Ack { n: b as u64 }),
                    14 => Report::Frame(Frame::Ping { k: b as u32 }),
                    15 => Report::Frame(Frame::Pong { k: b as u32 }),
                    16 => Report::Frame(Frame::Goaway { spread: b as u32 }),
                    17 => Report::Frame(Frame::Expiring { ms: b as u32 }),
                    18 => {
                        let retry = (c >= 0.0).then_some(c as u32);
                        Report::Frame(Frame::Close {
                            code: b as u16,
                            retry,
                        })
                    }
                    _ => Report::Frame(Frame::Ready(Ready {
                        session: b as u32,
                        resumed: true,
                        received: c as u64,
                        heartbeat: d as u32,
                        window: e as u32,
                        unit: 0,
                    })),
                },
            ),
        };
        self.0.turn(input, Millis(now as u64))
    }

    /// Reads the next of the numbers that the last call announced.
    pub fn take(&mut self) -> f64 {
        self.0.take() as f64
    }

    /// Judges a numbered message: bit 0, deliver it; bit 1, tell of a timeout soon.
    pub fn accept(&mut self, attempt: u32, n: f64) -> u8 {
        self.0.session.accept(AttemptId(attempt), n as u64) as u8
    }

    /// Notes that a unit of so many bytes came, or 0 bytes that carry no frame, and says whether to
    /// tell of a timeout soon.
    pub fn heard(&mut self, attempt: u32, bytes: usize) -> bool {
        self.0.session.heard(AttemptId(attempt), bytes)
    }

    /// Notes that everything up to an offset was delivered.
    pub fn delivered(&mut self, offset: f64) {
        self.0.session.delivered(offset as u64);
    }
}

/// Environments by the number the page reports them with.
const ENVIRONMENTS: [Environment; 5] = [
    Environment::Online,
    Environment::Offline,
    Environment::Woke,
    Environment::Hidden,
    Environment::NetworkChanged,
];

/// Whether there are links over WebRTC.
const VOICE: bool = cfg!(feature = "voice");

/// Transports by the number the page names them with.
const TRANSPORTS: [Transport; 4] = [
    Transport::WebSocket,
    Transport::Sse,
    Transport::LongPoll,
    Transport::WebRtc,
];

fn transport(number: u32) -> Option<Transport> {
    TRANSPORTS.get(number as usize).copied()
}
