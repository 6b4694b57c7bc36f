//! A fault as it is written: its kind, its numbers and the classes it selects.

use std::time::Duration;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bounds::{ByteCount, Code, Millis};
use super::class::Class;
use super::kind::Kind;

/// Describes one fault: what breaks, and for which classes of request.
///
/// In JSON it is one flat object, such as `{"kind":"delay","ms":100,"on":["sse"],"live":true}`;
/// unknown fields, classes that the kind cannot break and numbers out of range are errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Fault {
    #[serde(flatten)]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<Vec<Class>>,
    live: bool,
}

impl Fault {
    /// Holds each kind's name and what it does, one line each.
    pub const HELP: [(&'static str, &'static str); 14] = [
        ("refuse403", "answers 403"),
        ("rst", "resets the TCP connection on the request"),
        ("hang", "takes the request and never answers"),
        (
            "swallow",
            "completes the WebSocket handshake itself, then silence both ways",
        ),
        (
            "flap",
            "cuts a WebSocket `ms` (100) after its 101; `pass` (true): bytes flow until then",
        ),
        (
            "mute-sse",
            "passes status and headers, then holds the body back for ever",
        ),
        (
            "buffer",
            "holds the response body until `bytes` (65536) have gathered, and so on",
        ),
        (
            "delay",
            "adds `ms` each way to every chunk, order kept, no limit on the rate",
        ),
        (
            "slow-drip",
            "lets `bytes` (16) of the response through every `ms` (100)",
        ),
        (
            "cut-after",
            "resets the connection `ms` after it was established",
        ),
        ("post-404", "answers 404"),
        ("post-hang", "reads the POST and never answers"),
        (
            "status",
            "answers `code`, with Retry-After if `retryAfter` (s) is given",
        ),
        (
            "down",
            "resets every connection, new and existing, of any class",
        ),
    ];

    /// Returns a fault that answers 403; WebSocket unless [`Fault::on`] says otherwise.
    #[must_use]
    pub fn refuse403() -> Self {
        Kind::Refuse403 {}.into()
    }

    /// Returns a fault that resets the TCP connection; WebSocket by default.
    #[must_use]
    pub fn rst() -> Self {
        Kind::Rst {}.into()
    }

    /// Returns a fault that never answers; WebSocket by default.
    #[must_use]
    pub fn hang() -> Self {
        Kind::Hang {}.into()
    }

    /// Returns a fault that answers a valid 101 and is silent after it; WebSocket only.
    #[must_use]
    pub fn swallow() -> Self {
        Kind::Swallow {}.into()
    }

    /// Returns a fault that resets a WebSocket `after` its 101; WebSocket only.
    ///
    /// With `pass` the bytes flow to and from the server until then, without it nothing does.
    #[must_use]
    pub fn flap(after: Duration, pass: bool) -> Self {
        let ms = Millis::clamped(after);
        Kind::Flap { ms, pass }.into()
    }

    /// Returns a fault that passes the head of the response and none of its body; SSE by default.
    #[must_use]
    pub fn mute_sse() -> Self {
        Kind::MuteSse {}.into()
    }

    /// Returns a fault that releases the response body in blocks of `bytes`; SSE by default.
    #[must_use]
    pub fn buffer(bytes: usize) -> Self {
        let bytes = ByteCount::clamped(bytes);
        Kind::Buffer { bytes }.into()
    }

    /// Returns a fault that adds `each_way` to every chunk in both directions; all four classes.
    #[must_use]
    pub fn delay(each_way: Duration) -> Self {
        let ms = Millis::clamped(each_way);
        Kind::Delay { ms }.into()
    }

    /// Returns a fault that lets `bytes` of the response through in each `tick`; SSE by default.
    #[must_use]
    pub fn slow_drip(bytes: usize, tick: Duration) -> Self {
        let (bytes, ms) = (ByteCount::clamped(bytes), Millis::clamped(tick));
        Kind::SlowDrip { bytes, ms }.into()
    }

    /// Returns a fault that resets the connection `after` it was established.
    ///
    /// That moment is the response's head for a WebSocket or SSE, the request's for a poll or POST;
    /// WebSocket, SSE and poll by default.
    #[must_use]
    pub fn cut_after(after: Duration) -> Self {
        let ms = Millis::clamped(after);
        Kind::CutAfter { ms }.into()
    }

    /// Returns a fault that answers 404; POST by default.
    #[must_use]
    pub fn post_404() -> Self {
        Kind::Post404 {}.into()
    }

    /// Returns a fault that reads the request and never answers; POST by default.
    #[must_use]
    pub fn post_hang() -> Self {
        Kind::PostHang {}.into()
    }

    /// Returns a fault that answers `code`, with `Retry-After` in seconds; all four classes.
    ///
    /// An informational code, which is no answer, becomes 503.
    #[must_use]
    pub fn status(code: StatusCode, retry_after: Option<u32>) -> Self {
        let code = Code::from_status(code);
        Kind::Status { code, retry_after }.into()
    }

    /// Returns a fault that resets every connection, of any class.
    #[must_use]
    pub fn down() -> Self {
        Kind::Down {}.into()
    }

    /// Selects the classes it breaks; those that its kind cannot break stay whole.
    #[must_use]
    pub fn on(mut self, classes: &[Class]) -> Self {
        self.on = Some(classes.to_vec());
        self
    }

    /// Makes it also cut the existing connections of its classes when it is switched on.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// Returns its kind's name, as in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    pub(super) fn is_down(&self) -> bool {
        self.kind == Kind::Down {}
    }

    pub(super) fn selects(&self, class: Class) -> bool {
        self.kind.can_break(class)
            && match &self.on {
                Some(on) => on.contains(&class),
                None => self.kind.default_classes().contains(&class),
            }
    }
}

impl From<Kind> for Fault {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            on: None,
            live: false,
        }
    }
}

impl TryFrom<Map<String, Value>> for Fault {
    type Error = String;

    fn try_from(mut fields: Map<String, Value>) -> Result<Self, String> {
        let on: Option<Vec<Class>> = match fields.remove("on") {
            Some(on) => Some(serde_json::from_value(on).map_err(|error| format!("`on`: {error}"))?),
            None => None,
        };
        let live = match fields.remove("live") {
            Some(Value::Bool(live)) => live,
            Some(_) => return Err("`live` must be true or false".into()),
            None => false,
        };
        let kind: Kind =
            serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
        if let Some(on) = &on {
            if kind == (Kind::Down {}) {
                return Err("`down` is for everything and takes no `on`".into());
            }
            if on.is_empty() {
                return Err("`on` names no class".into());
            }
            if let Some(class) = on.iter().find(|class| !kind.can_break(**class)) {
                return Err(format!("`{}` cannot break `{}`", kind.name(), class.name()));
            }
        }
        Ok(Self { kind, on, live })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
mod tests {
    use super::*;

    #[test]
    fn every_fault_survives_json() {
        let ms = Duration::from_millis(7);
        let faults = [
            Fault::refuse403(),
            Fault::rst().live(),
            Fault::hang().on(&[Class::Poll]),
            Fault::swallow(),
            Fault::flap(ms, false),
            Fault::mute_sse(),
            Fault::buffer(10),
            Fault::delay(ms),
            Fault::slow_drip(3, ms),
            Fault::cut_after(ms),
            Fault::post_404(),
            Fault::post_hang(),
            Fault::status(StatusCode::TOO_MANY_REQUESTS, Some(3)),
            Fault::down(),
        ];
        for (fault, (name, _)) in faults.iter().zip(Fault::HELP) {
            let json = serde_json::to_string(fault).unwrap();
            assert_eq!(fault.name(), name);
            assert!(json.contains(&format!(r#""kind":"{name}""#)), "{json}");
            assert_eq!(&serde_json::from_str::<Fault>(&json).unwrap(), fault);
        }
    }

    #[test]
    fn what_cannot_be_is_an_error_that_says_why() {
        let cases = [
            (r#"{}"#, "kind"),
            (r#"{"kind":"nonsense"}"#, "nonsense"),
            (r#"{"kind":"rst","ms":1}"#, "ms"),
            (r#"{"kind":"delay"}"#, "ms"),
            (r#"{"kind":"delay","ms":-1}"#, "-1"),
            (r#"{"kind":"delay","ms":3600001}"#, "3600000"),
            (r#"{"kind":"buffer","bytes":0}"#, "bytes"),
            (r#"{"kind":"status","code":101}"#, "code"),
            (r#"{"kind":"swallow","on":["sse"]}"#, "sse"),
            (r#"{"kind":"rst","on":["other"]}"#, "other"),
            (r#"{"kind":"rst","on":[]}"#, "class"),
            (r#"{"kind":"rst","live":1}"#, "live"),
            (r#"{"kind":"down","on":["sse"]}"#, "everything"),
            (r#"[1]"#, "map"),
        ];
        for (json, part) in cases {
            let error = serde_json::from_str::<Fault>(json).unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
