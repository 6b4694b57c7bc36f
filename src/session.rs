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

/// One session. Every method takes `&self`, so JavaScript may call from inside a callback.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Core(Driver);

#[wasm_bindgen]
impl Core {
    /// Makes a session. `seed` is 16 bytes from a secure random source; `transports` are numbers of
    /// [`Transport`], most preferred first; `dialect` is 0 `throughline`, 1 `json` ready when open,
    /// 2 `json` ready by message; `timing` is pairs of field and milliseconds; `memory` is empty or
    /// transport and round trip.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        host: Host,
        seed: &[u8],
        transports: &[u8],
        dialect: u8,
        has_token: bool,
        outbox_messages: u32,
        outbox_bytes: u32,
        timing: &[u32],
        memory: &[u32],
    ) -> Self {
        let mut config = Config {
            dialect: match dialect {
                0 => Dialect::Throughline,
                1 => Dialect::Json(Readiness::Settled),
                _ => Dialect::Json(Readiness::Named),
            },
            transports: transports.iter().filter_map(|t| transport(*t)).collect(),
            has_token,
            outbox_messages: outbox_messages as usize,
            outbox_bytes: outbox_bytes as usize,
            ..Config::default()
        };
        for pair in timing.chunks_exact(2) {
            config.timing.set(pair[0], pair[1]);
        }
        if let [carried, rtt] = memory {
            config.memory =
                transport(*carried as u8).map(|transport| Memory { transport, rtt: *rtt });
        }
        let mut bytes = [1; 16];
        for (byte, random) in bytes.iter_mut().zip(seed) {
            *byte = *random;
        }
        Self(Driver::new(host, config, bytes))
    }

    /// Starts the session.
    pub fn connect(&self) {
        self.0.turn(Input::Connect);
    }

    /// Ends it.
    pub fn close(&self) {
        self.0.turn(Input::Close);
    }

    /// Sends a message; `request` is 0, or the name of a request.
    pub fn send(&self, ticket: u32, request: u32, body: JsValue, bytes: u32) {
        let request = (request > 0).then_some(request);
        self.0.turn(Input::Send { ticket: Ticket(ticket), request, body, bytes });
    }

    /// Gives up on a send that was not written yet.
    pub fn cancel(&self, ticket: u32) {
        self.0.turn(Input::Cancel(Ticket(ticket)));
    }

    /// Answers a call for a token.
    pub fn token(&self, granted: bool) {
        self.0.turn(Input::Token(if granted { Ok(()) } else { Err(()) }));
    }

    /// The alarm rang.
    pub fn timeout(&self) {
        self.0.turn(Input::Timeout);
    }

    /// The surroundings changed: 0 online, 1 offline, 2 woke, 3 hidden, 4 another network.
    pub fn environment(&self, change: u8) {
        self.0.turn(Input::Environment(match change {
            0 => Environment::Online,
            1 => Environment::Offline,
            2 => Environment::Woke,
            3 => Environment::Hidden,
            _ => Environment::NetworkChanged,
        }));
    }

    /// The HTTP side probe answered; `retry_after` below 0 is none.
    pub fn side_probe(&self, status: u16, retry_after: f64) {
        self.0.turn(Input::SideProbe { status, retry_after: span(retry_after) });
    }

    /// An attempt opened.
    pub fn opened(&self, attempt: u32) {
        self.report(attempt, Report::Opened);
    }

    /// A link is ready by its dialect's own sign.
    pub fn proven(&self, attempt: u32) {
        self.report(attempt, Report::Ready);
    }

    /// A POST was answered.
    pub fn written(&self, attempt: u32) {
        self.report(attempt, Report::Written);
    }

    /// An attempt or link ended; `retry_after` below 0 is none.
    pub fn ended(&self, attempt: u32, cause: u8, code: u16, status: u16, retry_after: f64) {
        let cause = CAUSES.get(cause as usize).copied().unwrap_or(Cause::Lost);
        let retry_after = span(retry_after);
        let ending = Ending { code, status, retry_after, ..Ending::of(cause) };
        self.report(attempt, Report::Ended(ending));
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
        let ready = Ready { session, resumed: true, received, heartbeat, window, unit };
        self.report(attempt, Report::Frame(Frame::Ready(ready)));
    }

    /// A control frame came: 0 ack, 1 ping, 2 pong, 3 goaway, 4 close.
    pub fn control(&self, attempt: u32, kind: u8, a: f64, b: f64) {
        let frame = match kind {
            0 => Frame::Ack { n: a as u64 },
            1 => Frame::Ping { k: a as u32 },
            2 => Frame::Pong { k: a as u32 },
            3 => Frame::Goaway { spread: a as u32 },
            _ => Frame::Close { code: a as u16, retry: (b >= 0.0).then_some(b as u32) },
        };
        self.report(attempt, Report::Frame(frame));
    }

    /// Judges a numbered message: bit 0, deliver it; bit 1, call [`Core::timeout`] soon.
    pub fn accept(&self, attempt: u32, n: f64) -> u8 {
        self.0.accept(AttemptId(attempt), n as u64) as u8
    }

    /// Bytes came that carry no frame.
    pub fn heard(&self, attempt: u32) {
        self.0.heard(AttemptId(attempt));
    }

    /// Bytes in the outbox.
    pub fn buffered_bytes(&self) -> u32 {
        self.0.buffered().1 as u32
    }

    /// Messages in the outbox.
    pub fn buffered_messages(&self) -> u32 {
        self.0.buffered().0 as u32
    }

    /// The log: six numbers an entry: when, kind, attempt (0 none), transport, a, b.
    pub fn trace(&self) -> Vec<f64> {
        self.0.trace()
    }

    fn report(&self, attempt: u32, report: Report<JsValue>) {
        self.0.turn(Input::Report(AttemptId(attempt), report));
    }
}

/// Reads one event stream.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SseParser {
    parser: sse::Parser,
    retry: f64,
}

#[wasm_bindgen]
impl SseParser {
    /// Makes a parser that refuses events larger than `limit` bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(limit: u32) -> Self {
        Self { parser: sse::Parser::new(limit as usize), retry: -1.0 }
    }

    /// Reads a chunk and returns the events in it: name, data, name, data, …; nothing at all where
    /// the stream went over the limit.
    pub fn push(&mut self, chunk: &[u8]) -> Option<Vec<String>> {
        let mut events = Vec::new();
        let retry = &mut self.retry;
        let result = self.parser.push(chunk, &mut |item| match item {
            sse::Item::Event { kind, data, .. } => events.extend([kind, data]),
            sse::Item::Retry(ms) => *retry = ms as f64,
            sse::Item::Comment => {}
        });
        result.ok().map(|()| events)
    }

    /// The stream's last `retry` in milliseconds, below 0 if there was none.
    #[wasm_bindgen(getter)]
    pub fn retry(&self) -> f64 {
        self.retry
    }
}

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

fn transport(number: u8) -> Option<Transport> {
    Transport::ALL.get(number as usize).copied()
}

fn span(ms: f64) -> Option<u64> {
    (ms >= 0.0).then_some(ms as u64)
}
