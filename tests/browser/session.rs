//! The built package over each transport to the running server.

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(module = "/pkg/dist/throughline.js")]
extern "C" {
    type Session;

    fn connect(options: &JsValue) -> Session;

    #[wasm_bindgen(method, getter)]
    fn state(this: &Session) -> String;

    #[wasm_bindgen(method, getter)]
    fn transport(this: &Session) -> Option<String>;

    #[wasm_bindgen(method, catch)]
    async fn send(this: &Session, kind: &str, payload: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn request(
        this: &Session,
        kind: &str,
        payload: JsValue,
        options: JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = waitFor)]
    async fn wait_for(this: &Session, kind: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn close(this: &Session) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(inline_js = r#"
    export const options = (url, transport, eventSource) => ({ url, transports: [transport], eventSource: eventSource || undefined, remember: false });
    export const parse = (text) => JSON.parse(text);
    export const text = (value) => JSON.stringify(value);
    export const bytes = (length) => new Uint8Array(length).map((_, i) => i * 7);
    export const same = (a, b) => a instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
    export const code = (error) => error.code;
    export const meddle = (session) => {
      let calls = 0;
      session.on("state", ({ to }) => {
        if (to !== "connected") return;
        session.send("ECHO", ++calls);
        session.explain();
        session.stats();
      });
      session.on("ECHO", (n) => {
        if (n < 20) session.send("ECHO", n + 1);
        else session.close();
      });
    };
    export const until = async (session, state) => {
      for (let i = 0; session.state !== state && i < 2_000; i++) await new Promise((resolve) => setTimeout(resolve, 5));
      return session.state;
    };
"#)]
extern "C" {
    fn options(url: &str, transport: &str, event_source: &str) -> JsValue;
    fn parse(text: &str) -> JsValue;
    fn text(value: &JsValue) -> String;
    fn bytes(length: u32) -> JsValue;
    fn same(a: &JsValue, b: &JsValue) -> bool;
    fn code(error: &JsValue) -> String;
    fn meddle(session: &Session);
    async fn until(session: &Session, state: &str) -> JsValue;
}

/// Transports, and how an event stream is read.
const WAYS: [(&str, &str); 4] = [
    ("websocket", ""),
    ("sse", "fetch"),
    ("sse", "native"),
    ("long-poll", ""),
];

fn session(transport: &str, event_source: &str) -> Session {
    let server = option_env!("THROUGHLINE_TEST_SERVER");
    let server =
        server.expect("THROUGHLINE_TEST_SERVER names no server: run `cargo xtask test wasm`");
    connect(&options(
        &format!("{server}/realtime"),
        transport,
        event_source,
    ))
}

#[wasm_bindgen_test]
async fn each_transport_echoes_json() {
    for (transport, event_source) in WAYS {
        let session = session(transport, event_source);
        let payload = r#"{"n":1,"text":"zażółć 🦆","list":[null,true]}"#;
        session.send("ECHO", parse(payload)).await.unwrap();
        assert_eq!(text(&session.wait_for("ECHO").await.unwrap()), payload);
        assert_eq!(session.transport().as_deref(), Some(transport));
        session.close().await.unwrap();
        assert_eq!(session.state(), "closed");
    }
}

#[wasm_bindgen_test]
async fn each_transport_echoes_bytes() {
    for (transport, event_source) in WAYS {
        let session = session(transport, event_source);
        for length in [0, 1, 70_000] {
            let sent = bytes(length);
            session.send("ECHO", sent.clone()).await.unwrap();
            let came = session.wait_for("ECHO").await.unwrap();
            assert!(same(&came, &sent), "{length} bytes over {transport}");
        }
        session.close().await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn each_transport_carries_requests_and_refusals() {
    for (transport, event_source) in WAYS {
        let session = session(transport, event_source);
        let reply = session
            .request("ECHO", parse("[1,2]"), JsValue::UNDEFINED)
            .await
            .unwrap();
        assert_eq!(text(&reply), "[1,2]");
        let refused = session
            .request("FAIL", parse("{}"), JsValue::UNDEFINED)
            .await
            .unwrap_err();
        assert_eq!(code(&refused), "request_failed");
        session.close().await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn calls_from_inside_listeners_are_taken_in_their_turn() {
    for (transport, event_source) in WAYS {
        let session = session(transport, event_source);
        meddle(&session);
        assert_eq!(
            until(&session, "closed").await.as_string().unwrap(),
            "closed"
        );
    }
}
