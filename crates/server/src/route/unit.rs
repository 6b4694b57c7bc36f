//! Frames as the units that each transport carries.

use std::collections::VecDeque;

use throughline_core::Frame;
use throughline_core::codec::{Body, CodecError, Payload, encode_binary, encode_unit};

use crate::hub::mailbox::End;

/// One unit, ready to be written.
#[derive(Debug)]
pub(super) enum Unit {
    Text(String),
    Binary(Vec<u8>),
}

/// Where bytes can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// Text and binary units.
    Both,
    /// Text alone: bytes as base64 (P1.7).
    Text,
}

/// Most bytes of several frames that go together as text, where apart they would take a unit each.
const TOGETHER: usize = 64 << 10;

impl Carrier {
    /// The one that takes fewest units: a poll brings one, and so a round trip each for many short
    /// messages with bytes would be more than they can wait for.
    pub(super) fn of_few(frames: &VecDeque<Frame<Body>>) -> Self {
        let bytes = frames.iter().filter_map(Frame::body).map(Body::size);
        let has_bytes = frames.iter().any(|frame| bytes_of(frame).is_some());
        match frames.len() > 1 && has_bytes && bytes.sum::<usize>() <= TOGETHER {
            true => Self::Text,
            false => Self::Both,
        }
    }
}

/// Takes the frames of the next unit off `frames`: one message with bytes, or all frames before it.
pub(super) fn next_unit(
    frames: &mut VecDeque<Frame<Body>>,
    carrier: Carrier,
) -> Result<Option<Unit>, CodecError> {
    let bytes_at = match carrier {
        Carrier::Both => frames.iter().position(|frame| bytes_of(frame).is_some()),
        Carrier::Text => None,
    };
    if let (Some(0), Some((n, body, bytes))) = (bytes_at, frames.front().and_then(bytes_of)) {
        let unit = encode_binary(n, &body.kind, bytes, body.id.as_deref())?;
        frames.pop_front();
        return Ok(Some(Unit::Binary(unit)));
    }
    if frames.is_empty() {
        return Ok(None);
    }
    let rest = frames.split_off(bytes_at.unwrap_or(frames.len()));
    let mut text = std::mem::replace(frames, rest);
    Ok(Some(Unit::Text(encode_unit(text.make_contiguous())?)))
}

/// The unit that tells the end of a link where the transport cannot (P5.1).
pub(super) fn closing(end: End) -> String {
    match end.retry {
        Some(retry) => format!("[[\"close\",{},{retry}]]", end.code),
        None => format!("[[\"close\",{}]]", end.code),
    }
}

fn bytes_of(frame: &Frame<Body>) -> Option<(u64, &Body, &[u8])> {
    match frame {
        Frame::Message { n, body } => match &body.payload {
            Payload::Bytes(bytes) => Some((*n, body, bytes)),
            Payload::Json(_) => None,
        },
        Frame::Hello(_)
        | Frame::Ready(_)
        | Frame::Take { .. }
        | Frame::Request { .. }
        | Frame::Reply { .. }
        | Frame::Ack { .. }
        | Frame::Ping { .. }
        | Frame::Pong { .. }
        | Frame::Goaway { .. }
        | Frame::Auth
        | Frame::Expiring { .. }
        | Frame::Close { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(frames: Vec<Frame<Body>>, carrier: Carrier) -> Vec<String> {
        let mut frames = VecDeque::from(frames);
        let mut units = Vec::new();
        while let Some(unit) = next_unit(&mut frames, carrier).unwrap() {
            units.push(match unit {
                Unit::Text(text) => text,
                Unit::Binary(bytes) => format!("{bytes:?}"),
            });
        }
        units
    }

    #[test]
    fn few_units_are_made_of_many_short_messages() {
        let bytes = |size: usize| Frame::Message {
            n: 1,
            body: Body::bytes("a", vec![7; size]),
        };
        let of =
            |frames: &[usize]| Carrier::of_few(&frames.iter().map(|size| bytes(*size)).collect());
        assert_eq!(of(&[320]), Carrier::Both);
        assert_eq!(of(&[320, 320]), Carrier::Text);
        assert_eq!(of(&[320, TOGETHER]), Carrier::Both);
        let texts = VecDeque::from([Frame::Ack { n: 1 }, Frame::Ping { k: 0 }]);
        assert_eq!(Carrier::of_few(&texts), Carrier::Both);
    }

    /// P1.6, P1.7
    #[test]
    fn bytes_between_frames_keep_their_place() {
        let frames = vec![
            Frame::Ack { n: 1 },
            Frame::Message {
                n: 1,
                body: Body::bytes("a", vec![7]),
            },
            Frame::Ping { k: 0 },
        ];
        let binary = "[0, 7, 91, 49, 44, 34, 97, 34, 93, 7]";
        let expected = [r#"[["ack",1]]"#, binary, r#"[["ping",0]]"#];
        assert_eq!(units(frames.clone(), Carrier::Both), expected);
        let expected = [r#"[["ack",1],["bin",1,"a","Bw=="],["ping",0]]"#];
        assert_eq!(units(frames, Carrier::Text), expected);
    }
}
