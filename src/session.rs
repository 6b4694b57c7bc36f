//! The facade: what JavaScript calls. Options in, reports in, numbers out; no decisions.

use alloc::string::String;
use alloc::vec::Vec;

use throughline_core::sse;
use throughline_core::{
    AttemptId, Cause, Config, Dialect, Ending, Environment, Frame, Input, Memory, Readiness, Ready,
    Report, Ticket, Transport,
};
use wasm_bindgen::prelude::*;

use crate::driver::{Driver, Host};

/// One session. Every method takes `&self`, so JavaScript may call from inside a callback. Names of
/// things are numbers: the browser keeps the words.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Core(Driver);

#[wasm_bindgen]
impl Core {
    /// Makes a session of numbers: 4 of seed from a secure random source; dialect (0 `throughline`,
    /// 1 `json` ready when open, 2 `json` ready by message); whether there is a token function; the
    /// outbox's bounds in messages and bytes; the remembered transport (any other number: none) and
    /// its round trip; how many transports, and which, most preferred first; then pairs of a
    /// timing's number and milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(host: Host, options: &[u32]) -> Self {
        let mut config = Config::default();
        let mut seed = [1; 16];
        let (head, rest) = options.split_at_checked(11).unwrap_or_default();
        if let [
            a,
            b,
            c,
            d,
            dialect,
            has_token,
            messages,
            bytes,
            carried,
            rtt,
            count,
        ] = *head
        {
            for (at, word) in seed.chunks_exact_mut(4).zip([a, b, c, d]) {
                at.copy_from_slice(&word.to_le_bytes());
            }
            config.dialect = match dialect {
                0 => Dialect::Throughline,
                1 => Dialect::Json(Readiness::Settled),
                _ => Dialect::Json(Readiness::Named),
            };
            config.has_token = has_token != 0;
            config.outbox_messages = messages as usize;
            config.outbox_bytes = bytes as usize;
            config.memory = transport(carried).map(|transport| Memory { transport, rtt });
            let (transports, timing) = rest.split_at_checked(count as usize).unwrap_or_default();
            config.transports = transports.iter().filter_map(|t| transport(*t)).collect();
            for pair in timing.chunks_exact(2) {
                config.timing.set(pair[0], pair[1]);
            }
        }
        Self(Driver::new(host, config, seed))
    }

    /// Tells the core one thing that happened. `kind` says what, as in `pkg/js/core.js`; the other
    /// numbers follow it. Below 0 is "none".
    pub fn tell(&self, kind: u8, a: f64, b: f64, c: f64, d: f64, e: f64) {
        let attempt = AttemptId(a as u32);
        let report = match kind {
            0 => return self.0.turn(Input::Connect),
            1 => return self.0.turn(Input::Close),
            2 => return self.0.turn(Input::Cancel(Ticket(a as u32))),
            17 => {
                let (ticket, request, bytes) = (a as u32, b as u32, c as u32);
                let request = (request > 0).then_some(request);
                let ticket = Ticket(ticket);
                return self.0.turn(Input::Send {
                    ticket,
                    request,
                    body: ticket,
                    bytes,
                });
            }
            3 => {
                return self
                    .0
                    .turn(Input::Token(if a > 0.0 { Ok(()) } else { Err(()) }));
            }
            4 => return self.0.turn(Input::Timeout),
            5 => {
                let change = ENVIRONMENTS.get(a as usize).copied();
                return self
                    .0
                    .turn(Input::Environment(change.unwrap_or(Environment::Woke)));
            }
            6 => {
                let (status, retry_after) = (a as u16, span(b));
                return self.0.turn(Input::SideProbe {
                    status,
                    retry_after,
                });
            }
            7 => return self.0.heard(attempt),
            8 => Report::Opened,
            9 => Report::Ready,
            10 => Report::Written,
            11 => {
                let cause = CAUSES.get(b as usize).copied().unwrap_or(Cause::Lost);
                let (code, status, retry_after) = (c as u16, d as u16, span(e));
                Report::Ended(Ending {
                    code,
                    status,
                    retry_after,
                    ..Ending::of(cause)
                })
            }
            12 => Report::Frame(Frame::Ack { n: b as u64 }),
            13 => Report::Frame(Frame::Ping { k: b as u32 }),
            14 => Report::Frame(Frame::Pong { k: b as u32 }),
            15 => Report::Frame(Frame::Goaway { spread: b as u32 }),
            _ => Report::Frame(Frame::Close {
                code: b as u16,
                retry: (c >= 0.0).then_some(c as u32),
            }),
        };
        self.0.turn(Input::Report(attempt, report));
    }

    /// The frame `ready` came.
    pub fn ready(
        &self,
        attempt: u32,
        session: String,
        received: f64,
        heartbeat: u32,
        window: u32,
        unit: u32,
    ) {
        let received = received as u64;
        let ready = Ready {
            session,
            resumed: true,
            received,
            heartbeat,
            window,
            unit,
        };
        self.0.turn(Input::Report(
            AttemptId(attempt),
            Report::Frame(Frame::Ready(ready)),
        ));
    }

    /// Judges a numbered message: bit 0, deliver it; bit 1, tell of a timeout soon.
    pub fn accept(&self, attempt: u32, n: f64) -> u8 {
        self.0.accept(AttemptId(attempt), n as u64) as u8
    }

    /// Messages and bytes in the outbox, then the log: six numbers an entry: when, kind, attempt
    /// (0 none), transport, a, b.
    pub fn inspect(&self) -> Vec<f64> {
        self.0.inspect()
    }
}

#[wasm_bindgen]
extern "C" {
    /// Where a stream's events go. It may call any session back.
    pub type Sink;

    #[wasm_bindgen(method)]
    fn event(this: &Sink, kind: &str, data: &str);

    #[wasm_bindgen(method)]
    fn retry(this: &Sink, ms: f64);
}

/// Reads one event stream.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SseParser(sse::Parser);

#[wasm_bindgen]
impl SseParser {
    /// Makes a parser that refuses events larger than `limit` bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(limit: u32) -> Self {
        Self(sse::Parser::new(limit as usize))
    }

    /// Reads a chunk and hands its events to `sink`; false once the stream went over the limit.
    pub fn push(&mut self, chunk: &[u8], sink: &Sink) -> bool {
        let read = self.0.push(chunk, &mut |item| match item {
            sse::Item::Event { kind, data, .. } => sink.event(kind, data),
            sse::Item::Retry(ms) => sink.retry(ms as f64),
            sse::Item::Comment => {}
        });
        read.is_ok()
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

/// Causes that transports report, by the number they report them with.
const CAUSES: [Cause; 11] = [
    Cause::Refused,
    Cause::Lost,
    Cause::Status,
    Cause::Closed,
    Cause::Blocked,
    Cause::BadAddress,
    Cause::Unavailable,
    Cause::Protocol,
    Cause::PostHung,
    Cause::Endpoint,
    Cause::Hang,
];

fn transport(number: u32) -> Option<Transport> {
    Transport::ALL.get(number as usize).copied()
}

fn span(ms: f64) -> Option<u64> {
    (ms >= 0.0).then_some(ms as u64)
}
