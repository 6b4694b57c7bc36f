//! The event stream parser behind its facade (WHATWG HTML §9.2.6).

use throughline::session::SseParser;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = r#"
    export class Notes {
        list = [];
        event(kind, data) { this.list.push([kind, data]); }
        retry(ms) { this.list.push(ms); }
        get text() { return JSON.stringify(this.list.splice(0)); }
    }
"#)]
extern "C" {
    type Notes;

    #[wasm_bindgen(constructor)]
    fn new() -> Notes;

    #[wasm_bindgen(method, getter)]
    fn text(this: &Notes) -> String;
}

const STREAM: &str = "\u{feff}retry: 250\r\n: comment\r\rdata: zażółć\ndata: 🦆\n\nevent: named\ndata:{}\r\n\r\ndata";

#[wasm_bindgen_test]
fn a_stream_reads_the_same_however_it_is_cut() {
    let expected = r#"[250,["message","zażółć\n🦆"],["named","{}"]]"#;
    let bytes = STREAM.as_bytes();
    for size in 1..=bytes.len() {
        let notes = Notes::new();
        let mut parser = SseParser::new(1_000);
        for chunk in bytes.chunks(size) {
            assert!(parser.push(chunk, notes.unchecked_ref()));
        }
        assert_eq!(notes.text(), expected, "in chunks of {size}");
    }
}

#[wasm_bindgen_test]
fn an_event_over_the_limit_ends_the_stream() {
    let notes = Notes::new();
    let mut parser = SseParser::new(64);
    assert!(parser.push(b"data: small\n\n", notes.unchecked_ref()));
    let mut within = true;
    for _ in 0..100 {
        within &= parser.push(b"data: 0123456789\n", notes.unchecked_ref());
    }
    assert!(!within);
    assert_eq!(notes.text(), r#"[["message","small"]]"#);
}

#[wasm_bindgen_test]
fn bytes_that_are_not_utf_8_are_replaced() {
    let notes = Notes::new();
    let mut parser = SseParser::new(1_000);
    assert!(parser.push(b"data: a\xff\xf0\x9f", notes.unchecked_ref()));
    assert!(parser.push(b"z\n\n", notes.unchecked_ref()));
    assert_eq!(notes.text(), "[[\"message\",\"a\u{fffd}\u{fffd}z\"]]");
}
