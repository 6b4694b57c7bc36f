//! WebRTC (W3C webrtc-pc): a peer connection of an attempt, negotiated by the core, whose data
//! channel carries units. What it carries stays in the page: `pkg/js/voice/webrtc.js`.

mod peer;
mod signal;

use js_sys::{Array, Promise, Reflect};
use throughline_core::negotiation::Input;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortSignal, Request, RtcConfiguration, RtcDataChannel, RtcRtpSender};

use peer::{Event, Pc};

use crate::guard::Queue;

#[wasm_bindgen]
extern "C" {
    /// The page's side of one attempt. None of it throws but what says so.
    #[derive(Clone)]
    pub type Port;

    /// How offers are exchanged, by its number: `whip`, `sdp`, `json`, `custom`.
    #[wasm_bindgen(method, getter)]
    fn signaling(this: &Port) -> u8;
    /// Whether the offer waits for candidates.
    #[wasm_bindgen(method, getter)]
    fn wait(this: &Port) -> bool;
    #[wasm_bindgen(method, getter)]
    fn label(this: &Port) -> String;
    /// The data channel's options, as the browser takes them.
    #[wasm_bindgen(method, getter)]
    fn channel(this: &Port) -> JsValue;
    /// The session's clock in milliseconds.
    #[wasm_bindgen(method)]
    fn now(this: &Port) -> f64;
    /// The ICE servers that are known and fresh.
    #[wasm_bindgen(method)]
    fn known(this: &Port) -> Option<Array>;
    /// Finds ICE servers anew.
    #[wasm_bindgen(method)]
    fn find(this: &Port, signal: &AbortSignal) -> Promise;
    /// A connection's configuration with these servers.
    #[wasm_bindgen(method)]
    fn configuration(this: &Port, servers: &Array) -> RtcConfiguration;
    /// A request with the token; `address` relative to where offers are sent, none for that.
    #[wasm_bindgen(method, catch)]
    fn request(
        this: &Port,
        method: &str,
        address: Option<&str>,
        etag: Option<&str>,
        body: Option<&str>,
        signal: Option<&AbortSignal>,
    ) -> Result<Request, JsValue>;
    /// Asks the application's own exchange; `reason` is `offer` or `restart`.
    #[wasm_bindgen(method)]
    fn exchange(this: &Port, offer: &str, reason: &str, signal: &AbortSignal) -> Promise;
    /// The answer in what an exchange told.
    #[wasm_bindgen(method)]
    fn answer(this: &Port, told: &JsValue) -> Option<String>;
    /// A connection was made.
    #[wasm_bindgen(method)]
    fn made(this: &Port, pc: &Pc, channel: &RtcDataChannel, sender: &RtcRtpSender);
    /// Sound comes: the event of a track.
    #[wasm_bindgen(method)]
    fn remote(this: &Port, event: &JsValue);
    /// The exchange named ICE servers in a header `Link`.
    #[wasm_bindgen(method)]
    fn servers(this: &Port, link: &str);
    /// A milestone, by its number.
    #[wasm_bindgen(method)]
    fn report(this: &Port, milestone: u8);
    /// It is over: phase, cause, status, milliseconds to wait or −1, and what the exchange said.
    #[wasm_bindgen(method)]
    fn ended(this: &Port, phase: u8, cause: u8, status: u16, retry_after: f64, told: &JsValue);
    /// Something is wrong that it goes on with.
    #[wasm_bindgen(method)]
    fn warn(this: &Port, code: &str, details: &JsValue);
}

/// One peer connection: the page's handle. Freed, it closes; what the channel still holds goes out first.
#[wasm_bindgen]
pub struct Peer {
    events: Queue<Event>,
}

#[wasm_bindgen]
impl Peer {
    /// Starts a connection.
    #[wasm_bindgen(constructor)]
    pub fn new(port: Port) -> Self {
        let events = Queue::new();
        events.push(Event::Input(Input::Start));
        spawn_local(peer::run(peer::Actor::new(port, events.clone())));
        Self { events }
    }

    /// Asks for an ICE restart.
    pub fn mend(&self) {
        self.events.push(Event::Input(Input::Mend));
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.events.push(Event::Close);
    }
}

/// A member that is there and says something.
fn member(value: &JsValue, name: &str) -> Option<JsValue> {
    let found = Reflect::get(value, &name.into()).ok()?;
    (!found.is_undefined() && !found.is_null()).then_some(found)
}
