//! HTTP: one path for every transport (P6), the plain-JSON path, the pages and the API.

use std::sync::Arc;

use axum::Router;
use axum::body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use serde::Deserialize;
use throughline_core::close::code;
use throughline_core::codec::Body;
use throughline_core::server::Subject;
use throughline_core::{Frame, Nonce};

use crate::app::Feed;
use crate::hub::Hub;
use crate::hub::mailbox::End;
use crate::token::{Grant, TokenError, Tokens};
use crate::turn::TurnConfig;
use crate::voice::Voices;
use crate::webrtc::Endpoint;

pub(crate) mod afar;
mod api;
mod json;
pub(crate) mod pages;
mod poll;
mod pulse;
mod rtc;
mod sse;
mod two_way;
mod unit;
mod uplink;
mod websocket;

/// What every handler knows.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) hub: Hub,
    pub(crate) tokens: Tokens,
    pub(crate) feed: Feed,
    /// What is said and heard.
    pub(crate) voices: Voices,
    /// The largest unit, in bytes.
    pub(crate) unit: usize,
    /// Between two signs of life on a quiet WebSocket or JSON stream.
    pub(crate) heartbeat: std::time::Duration,
    /// The hint that goes with 503 while the server is going away, in milliseconds.
    pub(crate) retry: u32,
    /// Peers with data channels, if there are any.
    pub(crate) rtc: Option<Endpoint>,
    /// The TURN server that pages are told of, if there is one.
    pub(crate) turn: Option<Arc<TurnConfig>>,
}

/// The transports and the API.
pub(crate) fn router(context: Context, extras: Extras) -> Router {
    Router::new()
        .route("/realtime", get(handle_get).post(handle_post))
        .route(
            "/realtime/rtc/{name}",
            patch(rtc::handle_change).delete(rtc::handle_delete),
        )
        .merge(json::router())
        .merge(api::router(extras))
        .merge(rtc::api::router(extras))
        .with_state(context)
}

/// Whether the routes of demo and tests are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extras {
    None,
    Demo,
}

#[derive(Debug, Deserialize)]
struct Address {
    link: Option<String>,
    /// Counts the polls of the link (C1).
    poll: Option<u64>,
}

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Tells the transports apart (P6).
async fn handle_get(
    State(context): State<Context>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Response {
    if context.hub.is_draining() && address.link.is_none() {
        return unavailable(context.retry);
    }
    if is_upgrade(&headers) {
        return match upgrade {
            Ok(upgrade) => websocket::accept(context, upgrade),
            Err(rejection) => rejection.into_response(),
        };
    }
    let sent = match bearer(&headers) {
        None => None,
        token => Some(context.tokens.check(token)),
    };
    match (address.link.as_deref().map(Nonce::from_hex), sent) {
        (None, Some(Err(error))) => unauthorized(error),
        (None, Some(Ok(_)) | None) => StatusCode::NO_CONTENT.into_response(),
        (Some(None), _) => bad_request("`link` is not a nonce"),
        (Some(Some(name)), sent) if accepts_events(&headers) => {
            sse::open(&context, name, sent).await
        }
        (Some(Some(name)), sent) => poll::handle(&context, name, address.poll, sent).await,
    }
}

/// An offer, or a unit on its way up (P6).
async fn handle_post(
    State(context): State<Context>,
    ConnectInfo(remote): rtc::Remote,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: body::Body,
) -> Response {
    match rtc::brings(&headers, rtc::OFFER) {
        true => rtc::handle_offer(context, remote, &headers, body).await,
        false => uplink::handle(context, address, headers, body).await,
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    let upgrade = headers
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|value| value.contains("text/event-stream"))
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    Some(if scheme.eq_ignore_ascii_case("bearer") {
        token.trim()
    } else {
        ""
    })
}

/// What a unit says of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// It opens a link (P2.1).
    Hello,
    /// It brings a fresh token (P2.7).
    Auth,
    Other,
}

impl Speech {
    fn of(frames: &[Frame<Body>]) -> Self {
        let has = |wanted: fn(&Frame<Body>) -> bool| frames.iter().any(wanted);
        if has(|frame| matches!(frame, Frame::Hello(_))) {
            Self::Hello
        } else if has(|frame| matches!(frame, Frame::Auth)) {
            Self::Auth
        } else {
            Self::Other
        }
    }

    /// Checks the token, where one is needed.
    fn checks(self, tokens: &Tokens, token: Option<&str>) -> Result<Option<Grant>, TokenError> {
        match self {
            Self::Hello | Self::Auth => tokens.check(token).map(Some),
            Self::Other => Ok(None),
        }
    }
}

/// Whether a request with this token may use a link that is bound to `bound`. Once a link is bound
/// its name is the right to use it: tokens expire, links go on (B3).
fn may_use(
    bound: Option<&Subject>,
    sent: Option<&Result<Grant, TokenError>>,
) -> Result<(), Box<Response>> {
    match (bound, sent) {
        (_, None) | (Some(_), Some(Err(_))) => Ok(()),
        (None, Some(Ok(_))) => Ok(()),
        (None, Some(Err(error))) => Err(Box::new(unauthorized(*error))),
        (Some(bound), Some(Ok(grant))) if *bound == grant.subject => Ok(()),
        (Some(_), Some(Ok(_))) => Err(Box::new(forbidden("the link is another subject's"))),
    }
}

fn bad_request(reason: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, reason).into_response()
}

fn forbidden(reason: &'static str) -> Response {
    (StatusCode::FORBIDDEN, reason).into_response()
}

fn unauthorized(error: TokenError) -> Response {
    tracing::debug!(%error, "token refused");
    let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
    (StatusCode::UNAUTHORIZED, challenge, error.to_string()).into_response()
}

fn unavailable(retry: u32) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    (
        status,
        retry_after(retry),
        "the server is going away or full",
    )
        .into_response()
}

/// `Retry-After`, in whole seconds (RFC 9110 §10.2.3).
fn retry_after(ms: u32) -> [(header::HeaderName, HeaderValue); 1] {
    [(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)))]
}

/// The HTTP status that says the same as a link's ending (P5.4), where one does.
fn status_of(end: End) -> Option<StatusCode> {
    match end.code {
        code::UNAUTHORIZED => Some(StatusCode::UNAUTHORIZED),
        code::FORBIDDEN => Some(StatusCode::FORBIDDEN),
        code::HELLO_TIMEOUT => Some(StatusCode::REQUEST_TIMEOUT),
        code::TOO_LARGE => Some(StatusCode::PAYLOAD_TOO_LARGE),
        code::SLOW_DOWN => Some(StatusCode::TOO_MANY_REQUESTS),
        code::TRY_LATER => Some(StatusCode::SERVICE_UNAVAILABLE),
        _ => None,
    }
}
