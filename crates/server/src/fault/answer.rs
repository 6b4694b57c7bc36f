//! The answers that the proxy gives by itself.

use axum::body::Bytes;
use hyper::http::{HeaderMap, HeaderValue, header};
use hyper::{Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::body::FaultBody;

/// Returns an answer of `status` that a page of any origin may read (Fetch §3.3).
pub(super) fn refusal(
    request: &HeaderMap,
    status: StatusCode,
    retry_after: Option<u32>,
) -> Response<FaultBody> {
    let mut response = error(status, "broken on purpose by the fault proxy");
    let headers = response.headers_mut();
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(origin) = request.get(header::ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Retry-After"),
        );
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}

/// Returns an answer for when the server cannot be reached.
pub(super) fn bad_gateway() -> Response<FaultBody> {
    error(
        StatusCode::BAD_GATEWAY,
        "the server behind cannot be reached",
    )
}

/// Returns the 101 that completes a WebSocket handshake (RFC 6455 §4.2.2), or 400 without a key.
///
/// It chooses the first protocol offered: browsers fail a handshake that chooses none of theirs.
pub(super) fn switching(request: &HeaderMap) -> Response<FaultBody> {
    let Some(key) = request.get(header::SEC_WEBSOCKET_KEY) else {
        return error(StatusCode::BAD_REQUEST, "no Sec-WebSocket-Key");
    };
    let mut response = Response::new(FaultBody::Local(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::try_from(derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = first_protocol(request) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

fn first_protocol(request: &HeaderMap) -> Option<HeaderValue> {
    let offered = request.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    HeaderValue::from_str(offered.split(',').next()?.trim()).ok()
}

fn error(status: StatusCode, reason: &'static str) -> Response<FaultBody> {
    let body = serde_json::json!({ "error": reason }).to_string();
    let body = match status {
        // These have no body, RFC 9110 §15.3.5, §15.3.6 and §15.4.5.
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => {
            Bytes::new()
        }
        _ => Bytes::from(body),
    };
    let mut response = Response::new(FaultBody::Local(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
