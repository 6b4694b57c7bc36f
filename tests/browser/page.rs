//! A session of one test: the core, and the JavaScript that stands for the application.

use throughline::session::{Core, SseParser};
use wasm_bindgen::prelude::*;

/// What the core is told, by number: `Core::tell`.
pub(crate) mod told {
    pub(crate) const CONNECT: u8 = 0;
    pub(crate) const CLOSE: u8 = 1;
    pub(crate) const HEARD: u8 = 7;
    pub(crate) const OPENED: u8 = 8;
    pub(crate) const READY: u8 = 9;
    pub(crate) const WRITTEN: u8 = 10;
    pub(crate) const ENDED: u8 = 11;
    pub(crate) const ACK: u8 = 12;
    pub(crate) const PING: u8 = 13;
    pub(crate) const PONG: u8 = 14;
    pub(crate) const GOAWAY: u8 = 15;
    pub(crate) const CLOSED: u8 = 16;
}

/// States by number, as events carry them.
pub(crate) mod state {
    pub(crate) const CONNECTED: u8 = 2;
    pub(crate) const CLOSED: u8 = 6;
}

pub(crate) const WEBSOCKET: u32 = 0;
pub(crate) const SSE: u32 = 1;
pub(crate) const LONG_POLL: u32 = 2;

#[wasm_bindgen(module = "/tests/browser/harness.js")]
extern "C" {
    /// The page-side host.
    pub(crate) type Page;

    #[wasm_bindgen(constructor)]
    fn new(url: &str, parser: &JsValue) -> Page;

    /// Hands the core over to what reports to it.
    #[wasm_bindgen(method)]
    fn start(this: &Page, core: JsValue);

    /// Waits until the session has this state.
    #[wasm_bindgen(method, catch, js_name = untilState)]
    pub(crate) async fn until_state(this: &Page, state: u8) -> Result<JsValue, JsValue>;

    /// Waits until so many messages have come, and returns them as JSON.
    #[wasm_bindgen(method, catch, js_name = untilHeard)]
    pub(crate) async fn until_heard(this: &Page, count: u32) -> Result<JsValue, JsValue>;

    /// Waits until so many sends are decided, and returns their outcomes as JSON.
    #[wasm_bindgen(method, catch, js_name = untilSettled)]
    pub(crate) async fn until_settled(this: &Page, count: u32) -> Result<JsValue, JsValue>;

    /// Tells the core something, as `Core::tell` takes it.
    #[wasm_bindgen(method)]
    pub(crate) fn tell(this: &Page, kind: u8, a: f64, b: f64, c: f64);

    /// Hands the core a `ready` of an attempt.
    #[wasm_bindgen(method)]
    pub(crate) fn ready(this: &Page, attempt: u32);

    /// Asks the core about a numbered message of an attempt.
    #[wasm_bindgen(method)]
    pub(crate) fn accept(this: &Page, attempt: u32, n: f64) -> u8;

    /// Sends a message; both parts are JSON.
    #[wasm_bindgen(method)]
    pub(crate) fn send(this: &Page, kind: &str, payload: &str);

    /// Calls the core back from inside events and messages from now on.
    #[wasm_bindgen(method)]
    pub(crate) fn meddle(this: &Page);

    /// How often the core was called from inside.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn meddled(this: &Page) -> u32;

    /// How many events have been delivered.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn delivered(this: &Page) -> u32;

    /// The state the core last told of.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn state(this: &Page) -> u8;

    /// Lets go of the core.
    #[wasm_bindgen(method)]
    pub(crate) fn free(this: &Page);
}

/// Opens nothing: its address is never found.
pub(crate) const NOWHERE: &str = "";

/// Returns the address of the server that the tests run against.
pub(crate) fn server() -> String {
    let url = option_env!("THROUGHLINE_TEST_SERVER");
    let url = url.expect("THROUGHLINE_TEST_SERVER names no server: run `cargo xtask test wasm`");
    format!("{url}/realtime")
}

impl Page {
    /// Makes a session over one transport, in state `idle`.
    pub(crate) fn with(url: &str, transport: u32) -> Self {
        let parser = Closure::<dyn Fn(u32) -> JsValue>::new(|limit| SseParser::new(limit).into());
        let page = Self::new(url, &parser.into_js_value());
        let seed = js_seed();
        let mut options = Vec::from(seed);
        options.extend([0, 0, 100, 1 << 20, u32::MAX, 0, 1, transport]);
        let host = page.clone_ref().unchecked_into();
        page.start(Core::new(host, &options).into());
        page
    }

    /// Makes a session and waits until it is connected.
    pub(crate) async fn connected(transport: u32) -> Self {
        let page = Self::with(&server(), transport);
        page.tell(told::CONNECT, 0.0, 0.0, 0.0);
        page.until_state(state::CONNECTED).await.unwrap();
        page
    }

    /// Closes the session in good order and lets go of it.
    pub(crate) async fn close(self) {
        self.tell(told::CLOSE, 0.0, 0.0, 0.0);
        self.until_state(state::CLOSED).await.unwrap();
        self.free();
    }

    fn clone_ref(&self) -> JsValue {
        let value: &JsValue = self.as_ref();
        value.clone()
    }
}

#[wasm_bindgen(inline_js = "export const seed = () => crypto.getRandomValues(new Uint32Array(4));")]
extern "C" {
    #[wasm_bindgen(js_name = seed)]
    fn random() -> Vec<u32>;
}

fn js_seed() -> [u32; 4] {
    random().try_into().unwrap()
}
