//! The event stream parser behind its facade (WHATWG HTML §9.2.6).

use throughline::session::SseParser;
use wasm_bindgen_test::wasm_bindgen_test;

const STREAM: &str = "\u{feff}retry: 250\r\n: comment\r\rdata: zażółć\ndata: 🦆\n\nevent: named\nid: 7\ndata:{}\r\n\r\ndata";

#[wasm_bindgen_test]
fn a_stream_reads_the_same_however_it_is_cut() {
    let bytes = STREAM.as_bytes();
    for size in 1..=bytes.len() {
        let mut parser = SseParser::new(1_000);
        let events: Vec<u8> = bytes
            .chunks(size)
            .flat_map(|chunk| parser.push(chunk).unwrap())
            .collect();
        let text = String::from_utf8(events).unwrap();
        assert_eq!(
            text, "message\rzażółć\n🦆\r\rnamed\r{}\r7\r",
            "in chunks of {size}"
        );
        assert_eq!(parser.retry(), 250.0);
    }
}

#[wasm_bindgen_test]
fn an_event_over_the_limit_ends_the_stream() {
    let mut parser = SseParser::new(64);
    assert_eq!(
        parser.push(b"data: small\n\n").unwrap(),
        b"message\rsmall\r\r"
    );
    let refused = (0..100).any(|_| parser.push(b"data: 0123456789\n").is_none());
    assert!(refused);
    assert_eq!(parser.push(b"\n\n"), None, "it stays ended");
}
