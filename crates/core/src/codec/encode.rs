//! Frames to units.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Body, CodecError, MAX_NUMBER, Payload, Secret};
use crate::frame::{Frame, Hello, Ready};

/// Writes frames as one text unit without line breaks (P1.5); messages with bytes as `bin` (P1.7).
///
/// # Errors
///
/// Returns [`CodecError::BytesNotAllowed`] for a request or reply with bytes and
/// [`CodecError::NoToken`] for an `auth`, which [`encode_with_token`] writes.
pub fn encode_unit(frames: &[Frame<Body>]) -> Result<String, CodecError> {
    write_unit(frames, None)
}

/// Writes frames as [`encode_unit`] does, with the token in each `hello` (P2.1) and `auth` (P2.7).
///
/// # Errors
///
/// Returns [`CodecError::BytesNotAllowed`] for a request or reply with bytes.
pub fn encode_with_token(frames: &[Frame<Body>], token: &Secret) -> Result<String, CodecError> {
    write_unit(frames, Some(token))
}

/// Writes a message with bytes as a binary unit (P1.6).
///
/// # Errors
///
/// Returns [`CodecError::TooLong`] if the head takes more than 65535 bytes.
pub fn encode_binary(
    n: u64,
    kind: &str,
    bytes: &[u8],
    id: Option<&str>,
) -> Result<Vec<u8>, CodecError> {
    if n > MAX_NUMBER {
        return Err(CodecError::TooLong);
    }
    let mut head = alloc::format!("[{n},");
    push_string(&mut head, kind);
    push_id(&mut head, id);
    head.push(']');
    let length = u16::try_from(head.len()).map_err(|_| CodecError::TooLong)?;
    let mut unit = Vec::with_capacity(2 + head.len() + bytes.len());
    unit.extend_from_slice(&length.to_be_bytes());
    unit.extend_from_slice(head.as_bytes());
    unit.extend_from_slice(bytes);
    Ok(unit)
}

fn write_unit(frames: &[Frame<Body>], token: Option<&Secret>) -> Result<String, CodecError> {
    let mut out = String::with_capacity(2 + frames.iter().map(room_for).sum::<usize>());
    out.push('[');
    for (i, frame) in frames.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_frame(&mut out, frame, token)?;
    }
    out.push(']');
    Ok(out)
}

fn push_frame(
    out: &mut String,
    frame: &Frame<Body>,
    token: Option<&Secret>,
) -> Result<(), CodecError> {
    match frame {
        Frame::Hello(hello) => {
            push_object(out, "hello", &HelloObject::new(hello, token))?;
        }
        Frame::Ready(ready) => {
            push_object(out, "ready", &ReadyObject::from(ready))?;
        }
        Frame::Take { fence, received } => push(out, format_args!("[\"take\",{fence},{received}]")),
        Frame::Message { n, body } => match &body.payload {
            Payload::Json(json) => {
                out.push('[');
                out.push_str(itoa::Buffer::new().format(*n));
                out.push(',');
                push_string(out, &body.kind);
                push_payload(out, json);
                push_id(out, body.id.as_deref());
                out.push(']');
            }
            Payload::Bytes(bytes) => {
                push(out, format_args!("[\"bin\",{n},"));
                push_string(out, &body.kind);
                out.push_str(",\"");
                STANDARD.encode_string(bytes, out);
                out.push('"');
                push_id(out, body.id.as_deref());
                out.push(']');
            }
        },
        Frame::Request { n, id, body } => {
            let json = json_of(body)?;
            push(out, format_args!("[\"req\",{n},{id},"));
            push_string(out, &body.kind);
            push_payload(out, json);
            out.push(']');
        }
        Frame::Reply { n, id, ok, body } => {
            let json = json_of(body)?;
            let name = if *ok { "rep" } else { "err" };
            push(out, format_args!("[\"{name}\",{n},{id}"));
            push_payload(out, json);
            out.push(']');
        }
        Frame::Ack { n } => push(out, format_args!("[\"ack\",{n}]")),
        Frame::Ping { k } => push(out, format_args!("[\"ping\",{k}]")),
        Frame::Pong { k } => push(out, format_args!("[\"pong\",{k}]")),
        Frame::Goaway { spread } => push(out, format_args!("[\"goaway\",{spread}]")),
        Frame::Auth => {
            out.push_str("[\"auth\",");
            push_string(out, token.ok_or(CodecError::NoToken)?.expose());
            out.push(']');
        }
        Frame::Expiring { ms } => push(out, format_args!("[\"expiring\",{ms}]")),
        Frame::Close { code, retry: None } => push(out, format_args!("[\"close\",{code}]")),
        Frame::Close {
            code,
            retry: Some(retry),
        } => {
            push(out, format_args!("[\"close\",{code},{retry}]"));
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct HelloObject<'a> {
    version: u32,
    connect: String,
    instance: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    received: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

impl<'a> HelloObject<'a> {
    fn new(hello: &'a Hello, token: Option<&'a Secret>) -> Self {
        Self {
            version: hello.version,
            connect: hello.connect.to_hex(),
            instance: hello.instance.to_hex(),
            session: hello.session.as_deref(),
            received: hello.received,
            token: token.map(Secret::expose),
        }
    }
}

#[derive(Serialize)]
struct ReadyObject<'a> {
    session: &'a str,
    resumed: bool,
    received: u64,
    heartbeat: u32,
    window: u32,
    unit: u32,
}

impl<'a> From<&'a Ready> for ReadyObject<'a> {
    fn from(ready: &'a Ready) -> Self {
        Self {
            session: &ready.session,
            resumed: ready.resumed,
            received: ready.received,
            heartbeat: ready.heartbeat,
            window: ready.window,
            unit: ready.unit,
        }
    }
}

fn json_of(body: &Body) -> Result<&RawValue, CodecError> {
    match &body.payload {
        Payload::Json(json) => Ok(json),
        Payload::Bytes(_) => Err(CodecError::BytesNotAllowed),
    }
}

fn push_object(out: &mut String, name: &str, value: &impl Serialize) -> Result<(), CodecError> {
    let object = to_json(value)?;
    push(out, format_args!("[\"{name}\",{object}]"));
    Ok(())
}

fn push_id(out: &mut String, id: Option<&str>) {
    if let Some(id) = id {
        out.push(',');
        push_string(out, id);
    }
}

/// Appends a payload. Line breaks between a payload's tokens become spaces: an SSE event's
/// `data:` is one line.
fn push_payload(out: &mut String, json: &RawValue) {
    let text = json.get();
    out.push(',');
    match memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_some() {
        true => out.extend(
            text.chars()
                .map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }),
        ),
        false => out.push_str(text),
    }
}

/// Appends a string, spelled as ECMAScript's `JSON.stringify` spells it.
fn push_string(out: &mut String, text: &str) {
    let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
    out.push('"');
    if text.bytes().all(plain) {
        out.push_str(text);
    } else {
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\u{8}' => out.push_str("\\b"),
                '\t' => out.push_str("\\t"),
                '\n' => out.push_str("\\n"),
                '\u{c}' => out.push_str("\\f"),
                '\r' => out.push_str("\\r"),
                c if c < ' ' => push(out, format_args!("\\u{:04x}", u32::from(c))),
                c => out.push(c),
            }
        }
    }
    out.push('"');
}

/// About what a frame takes, so that a unit is allocated once.
fn room_for(frame: &Frame<Body>) -> usize {
    frame.body().map_or(0, Body::size) + 48
}

fn push(out: &mut String, text: core::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

fn to_json(value: &impl Serialize) -> Result<String, CodecError> {
    serde_json::to_string(value).map_err(|_| CodecError::Unserializable)
}
