//! Whatever a unit says, it is read or refused; what is read is written, and means the same again.

use throughline_core::Frame;
use throughline_core::codec::{
    Body, CodecError, Decoded, Payload, decode_binary, decode_unit, encode_binary, encode_unit,
    encode_with_token,
};

/// The first byte says whether a binary or a text unit follows.
pub(crate) fn run(input: &[u8]) {
    match input.split_first() {
        None => {}
        Some((0, unit)) => {
            if let Ok(frame) = decode_binary(unit) {
                assert_eq!(decode_binary(&rewrite(&frame)).as_ref(), Ok(&frame));
            }
        }
        Some((_, unit)) => {
            if let Ok(text) = std::str::from_utf8(unit)
                && let Ok(decoded) = decode_unit(text)
            {
                check(text, &decoded);
            }
        }
    }
}

fn check(text: &str, decoded: &Decoded) {
    let written = write(decoded).expect("what was read can be written");
    assert!(
        !written.contains(['\n', '\r']),
        "an event's data is one line"
    );
    let again = decode_unit(&written).expect("what was written can be read");
    assert_eq!(write(&again).as_ref(), Ok(&written));
    assert_eq!(again.token, decoded.token);
    // A line break between a payload's tokens is written as a space.
    if !text.contains(['\n', '\r']) {
        assert_eq!(again.frames, decoded.frames);
    }
    for frame in &decoded.frames {
        if let Frame::Message { body, .. } = frame
            && let Payload::Bytes(_) = body.payload
            && body.kind.len() + body.id.as_deref().map_or(0, str::len) < 1_000
        {
            assert_eq!(decode_binary(&rewrite(frame)).as_ref(), Ok(frame));
        }
    }
}

fn write(decoded: &Decoded) -> Result<String, CodecError> {
    match &decoded.token {
        Some(token) => encode_with_token(&decoded.frames, token),
        None => encode_unit(&decoded.frames),
    }
}

fn rewrite(frame: &Frame<Body>) -> Vec<u8> {
    let Frame::Message { n, body } = frame else {
        panic!("a binary unit is a message")
    };
    let Payload::Bytes(bytes) = &body.payload else {
        panic!("a binary unit has bytes")
    };
    encode_binary(*n, &body.kind, bytes, body.id.as_deref()).expect("a head that was read fits")
}
