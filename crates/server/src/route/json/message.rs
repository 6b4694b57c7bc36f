//! `{type, …}` and what the applications know of it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use throughline_core::codec::{Body, Payload};

/// Reads `{type, …}`: the payload is the object without its type. `None` for anything else.
pub(super) fn read_message(text: &str) -> Option<Body> {
    let mut object: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let kind: String = serde_json::from_str(object.remove("type")?.get()).ok()?;
    Body::json(&kind, &object).ok()
}

/// Writes a message as one line: an object's members beside the type, any other payload as
/// `payload`, bytes as base64 in `data`.
pub(super) fn write_message(body: &Body) -> String {
    let kind = serde_json::Value::from(&*body.kind);
    match &body.payload {
        Payload::Json(json) => {
            let text = json.get().replace(['\n', '\r'], " ");
            match text.trim().strip_prefix('{').map(str::trim_start) {
                Some("}") => format!("{{\"type\":{kind}}}"),
                Some(members) => format!("{{\"type\":{kind},{members}"),
                None => format!("{{\"type\":{kind},\"payload\":{text}}}"),
            }
        }
        Payload::Bytes(bytes) => {
            format!(
                "{{\"type\":{kind},\"data\":\"{}\"}}",
                STANDARD.encode(bytes)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_goes_in_and_out_with_its_type() {
        for text in [
            r#"{"type":"A"}"#,
            r#"{"type":"A \" é","a":[1.50],"b":{"type":"c"}}"#,
        ] {
            assert_eq!(write_message(&read_message(text).unwrap()), text);
        }
    }

    #[test]
    fn what_is_no_object_has_a_place_beside_the_type() {
        let body = Body::json("A", &[1, 2]).unwrap();
        assert_eq!(write_message(&body), r#"{"type":"A","payload":[1,2]}"#);
        assert_eq!(
            write_message(&Body::bytes("A", vec![1])),
            r#"{"type":"A","data":"AQ=="}"#
        );
    }

    #[test]
    fn what_has_no_type_is_no_message() {
        for text in [
            "",
            "hi",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"a""#,
            "null",
        ] {
            assert_eq!(read_message(text), None, "{text}");
        }
    }
}
