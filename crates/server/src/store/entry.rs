//! Messages as they are kept: each a unit of one frame.

use throughline_core::Frame;
use throughline_core::codec::{Body, decode_unit, encode_unit};
use throughline_core::server::Arrived;

use super::StoreError;

pub(super) fn write(frame: &Frame<Body>) -> Result<String, StoreError> {
    encode_unit(std::slice::from_ref(frame)).map_err(StoreError::Codec)
}

/// Reads a message, with about what it takes in a unit.
pub(super) fn read_down(entry: &str) -> Result<(Frame<Body>, usize), StoreError> {
    let frame = read(entry)?;
    let bytes = match &frame {
        Frame::Message { body, .. } | Frame::Reply { body, .. } => body.size(),
        _ => return Err(StoreError::Garbled),
    };
    Ok((frame, bytes))
}

pub(super) fn read_up(entry: &str) -> Result<Arrived<Body>, StoreError> {
    match read(entry)? {
        Frame::Message { n, body } => Ok(Arrived {
            seq: n,
            request: None,
            body,
        }),
        Frame::Request { n, id, body } => Ok(Arrived {
            seq: n,
            request: Some(id),
            body,
        }),
        _ => Err(StoreError::Garbled),
    }
}

/// An event is kept as a message without a number.
pub(super) fn write_event(body: &Body) -> Result<String, StoreError> {
    write(&Frame::Message {
        n: 0,
        body: body.clone(),
    })
}

pub(super) fn read_event(entry: &str) -> Result<Body, StoreError> {
    match read(entry)? {
        Frame::Message { body, .. } => Ok(body),
        _ => Err(StoreError::Garbled),
    }
}

fn read(entry: &str) -> Result<Frame<Body>, StoreError> {
    let mut unit = decode_unit(entry).map_err(StoreError::Codec)?;
    match (unit.frames.pop(), unit.frames.is_empty()) {
        (Some(frame), true) => Ok(frame),
        (Some(_) | None, _) => Err(StoreError::Garbled),
    }
}
