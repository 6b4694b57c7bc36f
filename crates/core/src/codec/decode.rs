//! Units to frames. Whatever the other side sends ends in frames or a [`CodecError`].

use alloc::borrow::{Cow, ToOwned as _};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Body, CodecError, Decoded, MAX_NUMBER, Payload, Secret};
use crate::frame::{Frame, Hello, Nonce, Ready};

/// Reads a text unit (P1.5).
///
/// # Errors
///
/// Returns what is wrong with the first frame that is not as the document says.
pub fn decode_unit(text: &str) -> Result<Decoded, CodecError> {
    let unit: Vec<Vec<&RawValue>> = serde_json::from_str(text).map_err(|_| CodecError::NotAUnit)?;
    let mut token = None;
    let mut frames = Vec::with_capacity(unit.len());
    for elements in &unit {
        frames.push(decode_frame(elements, &mut token)?);
    }
    Ok(Decoded { frames, token })
}

/// Reads a binary unit: one message with bytes (P1.6).
///
/// # Errors
///
/// Returns [`CodecError::BadHead`] if the unit ends inside its head or the head is not `[n, type]`.
pub fn decode_binary(unit: &[u8]) -> Result<Frame<Body>, CodecError> {
    let (length, rest) = unit.split_first_chunk::<2>().ok_or(CodecError::BadHead)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (head, bytes) = rest.split_at_checked(length).ok_or(CodecError::BadHead)?;
    let head: Vec<&RawValue> = serde_json::from_slice(head).map_err(|_| CodecError::BadHead)?;
    let head = Elements {
        frame: "bin",
        elements: &head,
    };
    let n = head.number(0).map_err(|_| CodecError::BadHead)?;
    let kind = head.string(1).map_err(|_| CodecError::BadHead)?;
    let id = head.id(2).map_err(|_| CodecError::BadHead)?;
    Ok(Frame::Message {
        n,
        body: Body::bytes(&kind, bytes).with_id(id),
    })
}

fn decode_frame(
    elements: &[&RawValue],
    token: &mut Option<Secret>,
) -> Result<Frame<Body>, CodecError> {
    let first = elements.first().ok_or(CodecError::EmptyFrame)?.get();
    if !first.starts_with('"') {
        let e = Elements {
            frame: "message",
            elements,
        };
        return Ok(Frame::Message {
            n: e.number(0)?,
            body: e.body(1)?.with_id(e.id(3)?),
        });
    }
    let name: Cow<'_, str> = serde_json::from_str(first).map_err(|_| CodecError::UnknownFrame)?;
    let named = |frame| Elements { frame, elements };
    match &*name {
        "hello" => {
            let e = named("hello");
            let object: HelloObject = e.parse(1)?;
            let bad = || e.bad(1);
            *token = object.token.map(Secret::new).or(token.take());
            Ok(Frame::Hello(Hello {
                version: object.version,
                connect: nonce(&object.connect).ok_or_else(bad)?,
                instance: nonce(&object.instance).ok_or_else(bad)?,
                session: object.session,
                received: in_range(object.received).ok_or_else(bad)?,
            }))
        }
        "ready" => {
            let e = named("ready");
            let object: ReadyObject = e.parse(1)?;
            Ok(Frame::Ready(Ready {
                session: object.session,
                resumed: object.resumed,
                received: in_range(object.received).ok_or_else(|| e.bad(1))?,
                heartbeat: object.heartbeat,
                window: object.window,
                unit: object.unit,
            }))
        }
        "take" => {
            let e = named("take");
            Ok(Frame::Take {
                fence: e.small(1)?,
                received: e.number(2)?,
            })
        }
        "bin" => {
            let e = named("bin");
            let (n, kind) = (e.number(1)?, e.string(2)?);
            let bytes = STANDARD.decode(&*e.string(3)?).map_err(|_| e.bad(3))?;
            Ok(Frame::Message {
                n,
                body: Body::bytes(&kind, bytes).with_id(e.id(4)?),
            })
        }
        "req" => {
            let e = named("req");
            Ok(Frame::Request {
                n: e.number(1)?,
                id: e.small(2)?,
                body: e.body(3)?,
            })
        }
        "rep" => named("rep").reply(true),
        "err" => named("err").reply(false),
        "ack" => Ok(Frame::Ack {
            n: named("ack").number(1)?,
        }),
        "ping" => Ok(Frame::Ping {
            k: named("ping").small(1)?,
        }),
        "pong" => Ok(Frame::Pong {
            k: named("pong").small(1)?,
        }),
        "goaway" => Ok(Frame::Goaway {
            spread: named("goaway").small(1)?,
        }),
        "auth" => {
            *token = Some(Secret::new(named("auth").string(1)?));
            Ok(Frame::Auth)
        }
        "expiring" => Ok(Frame::Expiring {
            ms: named("expiring").small(1)?,
        }),
        "close" => {
            let e = named("close");
            let code = u16::try_from(e.small(1)?).map_err(|_| e.bad(1))?;
            let retry = elements.get(2).map_or(Ok(None), |_| e.parse(2))?;
            Ok(Frame::Close { code, retry })
        }
        _ => Err(CodecError::UnknownFrame),
    }
}

/// A frame's elements, with the name for its errors.
struct Elements<'a> {
    frame: &'static str,
    elements: &'a [&'a RawValue],
}

impl<'a> Elements<'a> {
    fn raw(&self, index: usize) -> Result<&'a RawValue, CodecError> {
        self.elements
            .get(index)
            .copied()
            .ok_or_else(|| self.bad(index))
    }

    fn parse<T: Deserialize<'a>>(&self, index: usize) -> Result<T, CodecError> {
        serde_json::from_str(self.raw(index)?.get()).map_err(|_| self.bad(index))
    }

    fn number(&self, index: usize) -> Result<u64, CodecError> {
        in_range(self.parse(index)?).ok_or_else(|| self.bad(index))
    }

    fn small(&self, index: usize) -> Result<u32, CodecError> {
        self.parse(index)
    }

    fn string(&self, index: usize) -> Result<Cow<'a, str>, CodecError> {
        let text = self.raw(index)?.get();
        // Serde borrows a `Cow` only when told to; most types need no unescaping.
        match text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
        {
            Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
            Some(_) => self.parse::<String>(index).map(Cow::Owned),
            None => Err(self.bad(index)),
        }
    }

    /// Reads the id of a topic's event, where there is one.
    fn id(&self, index: usize) -> Result<Option<Arc<str>>, CodecError> {
        match self.elements.get(index) {
            None => Ok(None),
            Some(_) => Ok(Some((*self.string(index)?).into())),
        }
    }

    /// Reads a type at `index` and the payload after it.
    fn body(&self, index: usize) -> Result<Body, CodecError> {
        let kind = self.string(index)?;
        Ok(Body {
            kind: (*kind).into(),
            payload: self.payload(index + 1)?,
            id: None,
        })
    }

    fn payload(&self, index: usize) -> Result<Payload, CodecError> {
        Ok(Payload::from(self.raw(index)?.to_owned()))
    }

    fn reply(&self, ok: bool) -> Result<Frame<Body>, CodecError> {
        let body = Body {
            kind: "".into(),
            payload: self.payload(3)?,
            id: None,
        };
        Ok(Frame::Reply {
            n: self.number(1)?,
            id: self.small(2)?,
            ok,
            body,
        })
    }

    fn bad(&self, index: usize) -> CodecError {
        CodecError::BadElement {
            frame: self.frame,
            index,
        }
    }
}

#[derive(Deserialize)]
struct HelloObject {
    version: u32,
    connect: String,
    instance: String,
    session: Option<String>,
    received: u64,
    token: Option<String>,
}

#[derive(Deserialize)]
struct ReadyObject {
    session: String,
    resumed: bool,
    received: u64,
    heartbeat: u32,
    window: u32,
    unit: u32,
}

fn in_range(n: u64) -> Option<u64> {
    (n <= MAX_NUMBER).then_some(n)
}

/// Reads a nonce in its one spelling (P1.4).
fn nonce(text: &str) -> Option<Nonce> {
    let upper = text.bytes().any(|b| b.is_ascii_uppercase());
    Nonce::from_hex(text).filter(|_| !upper)
}
