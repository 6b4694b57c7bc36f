//! Reads `tests/data/frames`: what each unit means, how it is written, and what is refused.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use throughline_core::codec::{
    Body, CodecError, Payload, Secret, decode_binary, decode_unit, encode_binary, encode_unit,
    encode_with_token,
};
use throughline_core::{Frame, Hello};

#[derive(Deserialize)]
struct Text {
    name: String,
    text: String,
    canonical: Option<String>,
    means: Vec<Value>,
    token: Option<String>,
}

#[derive(Deserialize)]
struct Binary {
    name: String,
    hex: String,
    means: Option<Value>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    text: String,
    error: String,
}

/// P1.5, P1.7, P1.9, P2.7, P3.6 and the table of frames.
#[test]
fn every_golden_unit_is_read_as_it_means_and_written_as_it_stands() {
    for file in ["handshake", "messages", "control"] {
        for unit in golden::<Text>(file) {
            let decoded = decode_unit(&unit.text).unwrap_or_else(|e| panic!("{}: {e}", unit.name));
            let meaning: Vec<Value> = decoded.frames.iter().map(meaning).collect();
            assert_eq!(meaning, unit.means, "{}", unit.name);
            let token = decoded.token.as_ref();
            assert_eq!(
                token.map(|t| t.expose()),
                unit.token.as_deref(),
                "{}",
                unit.name
            );
            let written = match token {
                Some(token) => encode_with_token(&decoded.frames, token),
                None => encode_unit(&decoded.frames),
            };
            assert_eq!(
                written.unwrap(),
                unit.canonical.unwrap_or(unit.text),
                "{}",
                unit.name
            );
        }
    }
}

/// P1.6, P3.6
#[test]
fn every_golden_binary_unit_is_read_and_written_back() {
    for unit in golden::<Binary>("binary") {
        let bytes = from_hex(&unit.hex);
        match (decode_binary(&bytes), unit.means) {
            (Ok(frame), Some(means)) => {
                assert_eq!(
                    meaning(&frame),
                    json!({ "message": means }),
                    "{}",
                    unit.name
                );
                let Frame::Message { n, body } = frame else {
                    panic!("{}", unit.name)
                };
                let Payload::Bytes(payload) = body.payload else {
                    panic!("{}", unit.name)
                };
                let written = encode_binary(n, &body.kind, &payload, body.id.as_deref()).unwrap();
                assert_eq!(written, bytes, "{}", unit.name);
            }
            (Err(error), None) => {
                assert_eq!(Some(format!("{error:?}")), unit.error, "{}", unit.name);
            }
            (result, means) => panic!("{}: {result:?}, not {means:?}", unit.name),
        }
    }
}

/// P1.4, P1.8, P1.9
#[test]
fn every_refused_unit_is_refused_for_its_own_reason() {
    for unit in golden::<Refused>("refused") {
        let error = match decode_unit(&unit.text) {
            Ok(decoded) => panic!("{}: read as {decoded:?}", unit.name),
            Err(CodecError::BadElement { frame, index }) => format!("BadElement {frame} {index}"),
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(error, unit.error, "{}", unit.name);
    }
}

/// P1.8: whatever is cut off, nothing panics.
#[test]
fn a_unit_cut_anywhere_is_refused() {
    for file in ["handshake", "messages", "control"] {
        for unit in golden::<Text>(file) {
            let text = unit.text.trim_end();
            for (cut, _) in text.char_indices() {
                let Some(head) = text.get(..cut) else {
                    continue;
                };
                assert_eq!(
                    decode_unit(head),
                    Err(CodecError::NotAUnit),
                    "{}",
                    unit.name
                );
            }
        }
    }
}

/// P3.4: a reply's payload is JSON.
#[test]
fn bytes_in_a_request_or_reply_are_refused_when_written() {
    let body = Body::bytes("audio", vec![1]);
    let request = Frame::Request {
        n: 1,
        id: 1,
        body: body.clone(),
    };
    assert_eq!(encode_unit(&[request]), Err(CodecError::BytesNotAllowed));
    let reply = Frame::Reply {
        n: 1,
        id: 1,
        ok: true,
        body,
    };
    assert_eq!(encode_unit(&[reply]), Err(CodecError::BytesNotAllowed));
}

/// P2.7
#[test]
fn an_auth_is_not_written_without_its_token() {
    let unit = [Frame::Ack { n: 1 }, Frame::Auth];
    assert_eq!(encode_unit(&unit), Err(CodecError::NoToken));
    let written = encode_with_token(&unit, &Secret::new("t0k\"3n")).unwrap();
    assert_eq!(written, r#"[["ack",1],["auth","t0k\"3n"]]"#);
}

#[test]
fn what_an_application_says_is_not_in_debug_output() {
    let unit = r#"[["hello",{"version":1,"connect":"000000000000000000000000000000aa","instance":"000000000000000000000000000000bb","received":0,"token":"sesame"}],[1,"say","sesame"],["bin",2,"say","c2VzYW1l"]]"#;
    let shown = format!("{:?}", decode_unit(unit).unwrap());
    assert!(
        !shown.contains("sesame") && !shown.contains("115, 101"),
        "{shown}"
    );
    assert!(!shown.contains("00aa"), "{shown}");
}

fn meaning(frame: &Frame<Body>) -> Value {
    let with_body = |mut value: Value, body: &Body| {
        if !body.kind.is_empty() {
            value["type"] = json!(&*body.kind);
        }
        match &body.payload {
            Payload::Json(json) => value["json"] = json!(json.get()),
            Payload::Bytes(bytes) => value["bytes"] = json!(&**bytes),
        }
        if let Some(id) = &body.id {
            value["event"] = json!(&**id);
        }
        value
    };
    match frame {
        Frame::Hello(Hello {
            version,
            connect,
            instance,
            session,
            received,
        }) => {
            json!({ "hello": { "version": version, "connect": connect.to_hex(),
                "instance": instance.to_hex(), "session": session, "received": received } })
        }
        Frame::Ready(ready) => json!({ "ready": { "session": ready.session,
            "resumed": ready.resumed, "received": ready.received, "heartbeat": ready.heartbeat,
            "window": ready.window, "unit": ready.unit } }),
        Frame::Take { fence, received } => {
            json!({ "take": { "fence": fence, "received": received } })
        }
        Frame::Message { n, body } => json!({ "message": with_body(json!({ "n": n }), body) }),
        Frame::Request { n, id, body } => {
            json!({ "req": with_body(json!({ "n": n, "id": id }), body) })
        }
        Frame::Reply { n, id, ok, body } => {
            let name = if *ok { "rep" } else { "err" };
            json!({ name: with_body(json!({ "n": n, "id": id }), body) })
        }
        Frame::Ack { n } => json!({ "ack": n }),
        Frame::Ping { k } => json!({ "ping": k }),
        Frame::Pong { k } => json!({ "pong": k }),
        Frame::Goaway { spread } => json!({ "goaway": spread }),
        Frame::Auth => json!("auth"),
        Frame::Expiring { ms } => json!({ "expiring": ms }),
        Frame::Close { code, retry } => json!({ "close": { "code": code, "retry": retry } }),
    }
}

fn golden<T: DeserializeOwned>(file: &str) -> Vec<T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/frames");
    let text = fs::read_to_string(folder.join(file).with_extension("json")).unwrap();
    let units: Vec<T> = serde_json::from_str(&text).unwrap();
    assert!(!units.is_empty());
    units
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
    hex.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}
