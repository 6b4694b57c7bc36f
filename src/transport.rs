//! Transports: open, send, close, report. They never decide and never reconnect.
//!
//! The event and I/O glue is JavaScript in `transport/*.js`, because a closure or a property read
//! through WebAssembly costs more bytes than the whole of it. What they report goes back into
//! [`Core`](crate::Core) with the attempt's number; reports of a dropped attempt are ignored.

use alloc::string::String;
use alloc::vec::Vec;

use throughline_core::{AttemptId, Frame, Nonce, Ticket, Transport};
use wasm_bindgen::prelude::*;

use crate::driver::Host;

#[wasm_bindgen(module = "/src/transport/websocket.js")]
extern "C" {
    #[wasm_bindgen(js_name = openWebSocket)]
    fn open_web_socket(host: &Host, attempt: u32, link: &str) -> Handle;
}

#[wasm_bindgen(module = "/src/transport/sse.js")]
extern "C" {
    #[wasm_bindgen(js_name = openSse)]
    fn open_sse(host: &Host, attempt: u32, link: &str) -> Handle;
}

#[wasm_bindgen(module = "/src/transport/long-poll.js")]
extern "C" {
    #[wasm_bindgen(js_name = openLongPoll)]
    fn open_long_poll(host: &Host, attempt: u32, link: &str) -> Handle;
}

#[wasm_bindgen(module = "/src/transport/fetch.js")]
extern "C" {
    /// Asks the address over plain HTTP; a second answer after a late one is harmless.
    #[wasm_bindgen(js_name = sideProbe)]
    pub(crate) fn side_probe(host: &Host);
}

#[wasm_bindgen(module = "/src/transport/unit.js")]
extern "C" {
    /// A unit being put together: an array of frames as text, and of messages with bytes.
    pub(crate) type Unit;

    #[wasm_bindgen(js_name = newUnit)]
    fn new_unit() -> Unit;

    #[wasm_bindgen(js_name = pushHello)]
    fn push_hello(
        unit: &Unit,
        connect: &str,
        instance: &str,
        session: Option<String>,
        received: f64,
    );

    #[wasm_bindgen(js_name = pushMessage)]
    fn push_message(host: &Host, unit: &Unit, n: f64, request: u32, ticket: u32);

    #[wasm_bindgen(js_name = pushControl)]
    fn push_control(unit: &Unit, kind: u8, a: f64, b: f64);
}

#[wasm_bindgen]
extern "C" {
    /// What a transport's JavaScript holds: a socket, or requests in flight.
    #[derive(Debug)]
    type Handle;

    #[wasm_bindgen(method)]
    fn send(this: &Handle, unit: Unit);

    #[wasm_bindgen(method)]
    fn close(this: &Handle);
}

/// An open (or opening) link. Dropping it closes the socket, aborts the requests, clears the timers.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) attempt: AttemptId,
    handle: Handle,
}

impl Link {
    pub(crate) fn open(host: &Host, attempt: AttemptId, transport: Transport, link: Nonce) -> Self {
        let link = link.to_hex();
        let handle = match transport {
            Transport::WebSocket => open_web_socket(host, attempt.0, &link),
            Transport::Sse => open_sse(host, attempt.0, &link),
            Transport::LongPoll => open_long_poll(host, attempt.0, &link),
        };
        Self { attempt, handle }
    }

    pub(crate) fn send(&self, unit: Unit) {
        self.handle.send(unit);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Spells frames for the wire. Only what a client says has a spelling here.
pub(crate) fn unit(host: &Host, frames: Vec<Frame<Ticket>>) -> Unit {
    let unit = new_unit();
    for frame in frames {
        match frame {
            Frame::Hello(hello) => push_hello(
                &unit,
                &hello.connect.to_hex(),
                &hello.instance.to_hex(),
                hello.session,
                hello.received as f64,
            ),
            Frame::Message { n, body } => push_message(host, &unit, n as f64, 0, body.0),
            Frame::Request { n, id, body } => push_message(host, &unit, n as f64, id, body.0),
            Frame::Take { fence, received } => {
                push_control(&unit, 0, fence.into(), received as f64);
            }
            Frame::Ack { n } => push_control(&unit, 1, n as f64, -1.0),
            Frame::Ping { k } => push_control(&unit, 2, k.into(), -1.0),
            Frame::Pong { k } => push_control(&unit, 3, k.into(), -1.0),
            Frame::Close { code, .. } => push_control(&unit, 4, code.into(), -1.0),
            Frame::Ready(_) | Frame::Reply { .. } | Frame::Goaway { .. } => {}
        }
    }
    unit
}
