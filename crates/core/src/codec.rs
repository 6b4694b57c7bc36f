//! Units as text and bytes: what stands on the wire, both ways (P1.5–P1.8).
//!
//! ```
//! use throughline_core::codec::{Body, decode_unit, encode_unit};
//! use throughline_core::Frame;
//!
//! let unit = encode_unit(&[Frame::Message { n: 1, body: Body::json("greet", &"hi")? }])?;
//! assert_eq!(unit, r#"[[1,"greet","hi"]]"#);
//! assert!(matches!(decode_unit(&unit)?.frames[..], [Frame::Message { n: 1, .. }]));
//! # Ok::<(), throughline_core::codec::CodecError>(())
//! ```

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use smol_str::SmolStr;

use crate::frame::Frame;

pub use decode::{decode_binary, decode_unit};
pub use encode::{encode_binary, encode_unit, encode_with_token};

mod decode;
mod encode;

/// The largest number on the wire: 2^53 − 1 (P1.8).
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// What a message carries: a type and a payload. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The application's name for the kind of message; empty in replies.
    pub kind: SmolStr,
    /// The application's data.
    pub payload: Payload,
    /// The event's id in its topic, if it is a topic's (P3.6).
    pub id: Option<Arc<str>>,
}

impl Body {
    /// Makes a body whose payload is `value` as JSON.
    ///
    /// # Errors
    ///
    /// Returns [`CodecError::Unserializable`] if `value` has no JSON form.
    pub fn json<T: Serialize + ?Sized>(kind: &str, value: &T) -> Result<Self, CodecError> {
        let raw = serde_json::value::to_raw_value(value).map_err(|_| CodecError::Unserializable)?;
        Ok(Self {
            kind: kind.into(),
            payload: Payload::from(raw),
            id: None,
        })
    }

    /// Makes a body whose payload is bytes.
    #[must_use]
    pub fn bytes(kind: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            kind: kind.into(),
            payload: Payload::Bytes(bytes.into()),
            id: None,
        }
    }

    /// Names the event in its topic (P3.6).
    #[must_use]
    pub fn with_id(self, id: Option<Arc<str>>) -> Self {
        Self { id, ..self }
    }

    /// About how many bytes the body takes in a unit.
    #[must_use]
    pub fn size(&self) -> usize {
        let payload = match &self.payload {
            Payload::Json(json) => json.get().len(),
            Payload::Bytes(bytes) => bytes.len(),
        };
        self.kind.len() + payload
    }
}

/// A message's data, shared by all that hold it.
#[derive(Clone)]
pub enum Payload {
    /// JSON, kept as the text it came as.
    Json(Arc<RawValue>),
    /// Bytes.
    Bytes(Arc<[u8]>),
}

impl From<Box<RawValue>> for Payload {
    fn from(json: Box<RawValue>) -> Self {
        Self::Json(json.into())
    }
}

/// Equal when the bytes are; two spellings of one JSON value differ.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json(a), Self::Json(b)) => a.get() == b.get(),
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Json(_), Self::Bytes(_)) | (Self::Bytes(_), Self::Json(_)) => false,
        }
    }
}

impl Eq for Payload {}

/// Shows the size alone: what an application says is not for logs.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(json) => write!(f, "Json({} bytes)", json.get().len()),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

/// A token. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Hands out the secret, to be checked or sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A text unit, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The unit's frames, in order.
    pub frames: Vec<Frame<Body>>,
    /// The token that stood in a `hello` or `auth`, the last one if several did.
    pub token: Option<Secret>,
}

/// Why a unit could not be read or written. None of them carries what the unit said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// The text is not a JSON array of arrays (P1.5).
    NotAUnit,
    /// A frame has no elements.
    EmptyFrame,
    /// A frame's name is not in the table of frames.
    UnknownFrame,
    /// An element of a frame is missing, or not of the kind that the table says.
    BadElement {
        /// The frame's name; `message` for a numbered one.
        frame: &'static str,
        /// The element's place in the frame, from 0.
        index: usize,
    },
    /// A binary unit ends inside its head, or the head is not `[n, type]` (P1.6).
    BadHead,
    /// A type is too long for a binary unit's head, or a number is over 2^53 − 1.
    TooLong,
    /// Bytes in a request or a reply, whose payloads are JSON (P3.4).
    BytesNotAllowed,
    /// An `auth` without the token that it is about (P2.7).
    NoToken,
    /// A value has no JSON form.
    Unserializable,
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUnit => f.write_str("the unit is not a JSON array of arrays"),
            Self::EmptyFrame => f.write_str("a frame has no elements"),
            Self::UnknownFrame => f.write_str("a frame has an unknown name"),
            Self::BadElement { frame, index } => {
                write!(
                    f,
                    "element {index} of a `{frame}` frame is missing or of the wrong kind"
                )
            }
            Self::BadHead => f.write_str("the head of the binary unit is not `[n, type]`"),
            Self::TooLong => f.write_str("a type or number is too long for the wire"),
            Self::BytesNotAllowed => f.write_str("the payload of a request or reply must be JSON"),
            Self::NoToken => f.write_str("an `auth` has no token"),
            Self::Unserializable => f.write_str("the value has no JSON form"),
        }
    }
}

impl core::error::Error for CodecError {}
