//! WebRTC (W3C webrtc-pc): a peer connection of an attempt, negotiated by the core, whose data
//! channel carries units. What it carries stays in the page: `pkg/js/voice/webrtc.js`.

mod ice;
mod peer;
mod signal;

use std::rc::Rc;

use futures::channel::mpsc::{UnboundedSender, unbounded};
use js_sys::{Function, Promise};
use serde::Deserialize;
use throughline_core::negotiation::{Gathering, Input};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortSignal, RtcDataChannel, RtcPeerConnection, RtcRtpSender};

use ice::Ice;
use peer::Event;
use signal::Dialect;

#[wasm_bindgen]
extern "C" {
    /// The page's side of one attempt.
    #[derive(Clone)]
    pub type Port;

    /// The session's clock in milliseconds.
    #[wasm_bindgen(method)]
    fn now(this: &Port) -> f64;
    /// The last token.
    #[wasm_bindgen(method)]
    fn token(this: &Port) -> Option<String>;
    /// The offer as the body of a POST in the dialect `json`.
    #[wasm_bindgen(method)]
    fn body(this: &Port, offer: &str) -> String;
    /// Asks the application's own exchange; `reason` is `offer` or `restart`.
    #[wasm_bindgen(method)]
    fn exchange(this: &Port, offer: &str, reason: &str, signal: &AbortSignal) -> Promise;
    /// A connection was made.
    #[wasm_bindgen(method)]
    fn made(this: &Port, pc: &RtcPeerConnection, channel: &RtcDataChannel, sender: &RtcRtpSender);
    /// Sound comes: the event of a track.
    #[wasm_bindgen(method)]
    fn remote(this: &Port, event: &JsValue);
    /// A milestone, by its number.
    #[wasm_bindgen(method)]
    fn report(this: &Port, milestone: u8);
    /// It is over: phase, cause, status, milliseconds to wait or −1, and what the exchange said.
    #[wasm_bindgen(method)]
    fn ended(this: &Port, phase: u8, cause: u8, status: u16, retry_after: f64, told: &JsValue);
    /// Something is wrong that it goes on with.
    #[wasm_bindgen(method)]
    fn warn(this: &Port, code: &str, details: &JsValue);
    /// The exchange named ICE servers in a header `Link`.
    #[wasm_bindgen(method)]
    fn servers(this: &Port, link: &str);
}

/// What the page asks of WebRTC.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    signaling: Dialect,
    credentials: String,
    /// Whether the offer waits for candidates.
    wait: bool,
    ice_transport_policy: Option<String>,
    label: String,
    /// The data channel's options, as the browser takes them.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    channel: JsValue,
}

/// Makes the peer connections of one session.
#[wasm_bindgen]
pub struct Rtc {
    options: Rc<Options>,
    ice: Rc<Ice>,
}

#[wasm_bindgen]
impl Rtc {
    /// Reads the options, which the page has checked, and where ICE servers come from: a list, an
    /// address, or a function.
    ///
    /// # Errors
    ///
    /// An option has another type than it must have.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue, servers: JsValue) -> Result<Self, JsValue> {
        let options = serde_wasm_bindgen::from_value(options)?;
        Ok(Self {
            options: Rc::new(options),
            ice: Rc::new(Ice::new(servers)),
        })
    }

    /// Starts a connection to what answers offers at `address`.
    pub fn open(&self, port: Port, address: String) -> Peer {
        let (events, queue) = unbounded();
        let gathering = if self.options.wait {
            Gathering::Bounded
        } else {
            Gathering::Trickle
        };
        let peer = peer::Actor::new(
            (port, address),
            (self.options.clone(), self.ice.clone()),
            gathering,
            events.clone(),
        );
        spawn_local(peer::run(peer, queue));
        let peer = Peer { events };
        peer.tell(Event::Input(Input::Start));
        peer
    }
}

/// One peer connection: the page's handle. It closes when told, or when it ends.
#[wasm_bindgen]
pub struct Peer {
    events: UnboundedSender<Event>,
}

#[wasm_bindgen]
impl Peer {
    /// Asks for an ICE restart.
    pub fn mend(&self) {
        self.tell(Event::Input(Input::Mend));
    }

    /// Closes it; what the channel still holds goes out first.
    pub fn close(&self) {
        self.tell(Event::Close);
    }

    fn tell(&self, event: Event) {
        // Where nobody listens any more, it is over.
        let _ = self.events.unbounded_send(event);
    }
}

/// Awaits a function of the application's, whatever it returns.
async fn asked(function: &Function, argument: &JsValue) -> Result<JsValue, JsValue> {
    let returned = function.call1(&JsValue::UNDEFINED, argument)?;
    wasm_bindgen_futures::JsFuture::from(Promise::resolve(&returned)).await
}
