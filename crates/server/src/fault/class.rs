//! What kind of request a request is: the selector of every fault.

use hyper::Method;
use hyper::http::request::Parts;
use hyper::http::{HeaderMap, HeaderName, header};
use serde::{Deserialize, Serialize};

/// Names what a request is for, as far as its head tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A WebSocket handshake (`Upgrade: websocket`), on any path.
    Websocket,
    /// A `GET` that accepts `text/event-stream`, on any path.
    Sse,
    /// Any other `GET` below one of the realtime paths.
    Poll,
    /// A `POST`, on any path.
    Post,
    /// All the rest: static files, preflights. Only the fault `down` touches it.
    Other,
}

impl Class {
    /// Holds the four classes that a rule may select.
    pub const REALTIME: [Self; 4] = [Self::Websocket, Self::Sse, Self::Poll, Self::Post];
    /// Holds every class.
    pub const ALL: [Self; 5] = [
        Self::Websocket,
        Self::Sse,
        Self::Poll,
        Self::Post,
        Self::Other,
    ];

    /// Returns the class's name as it stands in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Sse => "sse",
            Self::Poll => "poll",
            Self::Post => "post",
            Self::Other => "other",
        }
    }

    pub(super) fn of(head: &Parts, realtime_paths: &[String]) -> Self {
        if head.method == Method::POST {
            return Self::Post;
        }
        if head.method != Method::GET {
            return Self::Other;
        }
        if has_token(&head.headers, &header::UPGRADE, "websocket") {
            return Self::Websocket;
        }
        if has_token(&head.headers, &header::ACCEPT, "text/event-stream") {
            return Self::Sse;
        }
        if realtime_paths
            .iter()
            .any(|path| head.uri.path().starts_with(path.as_str()))
        {
            return Self::Poll;
        }
        Self::Other
    }

    pub(super) fn index(self) -> usize {
        match self {
            Self::Websocket => 0,
            Self::Sse => 1,
            Self::Poll => 2,
            Self::Post => 3,
            Self::Other => 4,
        }
    }
}

/// Looks for `token` in a comma-separated header, parameters after `;` left out of the comparison.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|item| item.split(';').next())
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
mod tests {
    use hyper::Request;

    use super::*;

    #[test]
    fn the_head_of_a_request_decides_its_class() {
        let cases = [
            (
                "GET",
                "/realtime",
                Some(("upgrade", "WebSocket")),
                Class::Websocket,
            ),
            (
                "GET",
                "/x",
                Some(("accept", "text/html, text/event-stream;q=1")),
                Class::Sse,
            ),
            ("GET", "/realtime/poll?n=1", None, Class::Poll),
            ("GET", "/app.js", None, Class::Other),
            ("POST", "/realtime", None, Class::Post),
            (
                "POST",
                "/realtime",
                Some(("accept", "text/event-stream")),
                Class::Post,
            ),
            ("OPTIONS", "/realtime", None, Class::Other),
        ];
        for (method, uri, header, class) in cases {
            let mut request = Request::builder().method(method).uri(uri);
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(
                Class::of(&head, &["/realtime".into()]),
                class,
                "{method} {uri}"
            );
        }
    }
}
