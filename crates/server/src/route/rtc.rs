//! Signalling for data channels: offers, candidates, ICE restarts and the end, in the shape of
//! RFC 9725 (annex D).

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use throughline_core::Nonce;

use super::{Context, bearer, retry_after, unauthorized, unavailable};
use crate::webrtc::{Changed, Condition, Endpoint, Full, Name, Refusal};

pub(super) mod api;
mod link;

/// The largest description that is read.
const LARGEST: usize = 64 << 10;

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) const OFFER: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// Whether a request brings what is of this type.
pub(super) fn brings(headers: &HeaderMap, kind: &str) -> bool {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    given.is_some_and(|given| given.trim().eq_ignore_ascii_case(kind))
}

/// Answers an offer. Nothing of a session is made: that is `hello`'s.
pub(super) async fn handle_offer(
    context: Context,
    remote: SocketAddr,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let Some(endpoint) = context.rtc.clone() else {
        return problem(StatusCode::NOT_FOUND, "there is no WebRTC here");
    };
    if let Err(error) = context.tokens.check(bearer(headers)) {
        return unauthorized(error);
    }
    if context.hub.is_draining() {
        return unavailable(context.retry);
    }
    let offer = match read(body).await {
        Ok(offer) => offer,
        Err(refusal) => return *refusal,
    };
    let answered = match endpoint.answer(&offer, remote.ip()) {
        Ok(answered) => answered,
        Err(refusal) => return refuse(&context, &refusal),
    };
    tracing::debug!(%remote, "peer answered");
    let location = format!("/realtime/rtc/{}", answered.name.to_hex());
    tokio::spawn(link::run(context, answered.call));
    let headers = [
        (header::CONTENT_TYPE, OFFER.to_owned()),
        (header::LOCATION, location),
        (header::ETAG, tag(1)),
    ];
    (StatusCode::CREATED, headers, answered.answer).into_response()
}

/// Takes a client's candidates, or begins ICE anew.
pub(super) async fn handle_change(
    State(context): State<Context>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some((endpoint, name)) = find(&context, &name) else {
        return gone();
    };
    if !brings(&headers, FRAGMENT) {
        let accepted = [(ACCEPT_PATCH, HeaderValue::from_static(FRAGMENT))];
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return (accepted, problem(status, "only SDP fragments change it")).into_response();
    }
    let condition = match headers.get(header::IF_MATCH).map(HeaderValue::to_str) {
        None => {
            return problem(
                StatusCode::PRECONDITION_REQUIRED,
                "If-Match says which version",
            );
        }
        Some(Ok("*" | "\"*\"")) => Condition::Any,
        Some(Ok(tag)) => match tag.trim_matches('"').parse() {
            Ok(version) => Condition::Version(version),
            Err(_) => return stale(),
        },
        Some(Err(_)) => return stale(),
    };
    let fragment = match read(body).await {
        Ok(fragment) => fragment,
        Err(refusal) => return *refusal,
    };
    match endpoint.change(name, condition, &fragment).await {
        Changed::Trickled => StatusCode::NO_CONTENT.into_response(),
        Changed::Restarted { fragment, version } => {
            let headers = [
                (header::CONTENT_TYPE, FRAGMENT.to_owned()),
                (header::ETAG, tag(version)),
            ];
            (StatusCode::OK, headers, fragment).into_response()
        }
        Changed::Stale => stale(),
        Changed::Bad(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
        Changed::Gone => gone(),
    }
}

/// Closes a peer.
pub(super) async fn handle_delete(
    State(context): State<Context>,
    Path(name): Path<String>,
) -> Response {
    match find(&context, &name) {
        Some((endpoint, name)) if endpoint.close(name) => StatusCode::OK.into_response(),
        Some(_) | None => gone(),
    }
}

/// The address of a peer, and nothing else that it says: its name is the right to use it.
pub(super) type Remote = ConnectInfo<SocketAddr>;

fn find<'a>(context: &'a Context, name: &str) -> Option<(&'a Endpoint, Name)> {
    Some((context.rtc.as_ref()?, Nonce::from_hex(name)?))
}

async fn read(body: Body) -> Result<String, Box<Response>> {
    let refuse = |status, why| Err(Box::new(problem(status, why)));
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, LARGEST)).await {
        Ok(Ok(bytes)) => match String::from_utf8(bytes.into()) {
            Ok(text) => Ok(text),
            Err(_) => refuse(StatusCode::BAD_REQUEST, "not UTF-8"),
        },
        Ok(Err(_)) => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "more than 64 KiB, or cut short",
        ),
        Err(_) => refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
    }
}

fn refuse(context: &Context, refusal: &Refusal) -> Response {
    tracing::debug!(%refusal, "offer refused");
    let status = match refusal {
        Refusal::Bad(_) => StatusCode::BAD_REQUEST,
        Refusal::Full(Full::Server) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Full(Full::Address) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Full(Full::Entropy(_)) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let answer = problem(status, &refusal.to_string());
    match refusal {
        Refusal::Full(Full::Server | Full::Address) => {
            (retry_after(context.retry), answer).into_response()
        }
        Refusal::Bad(_) | Refusal::Full(Full::Entropy(_)) => answer,
    }
}

fn gone() -> Response {
    problem(StatusCode::NOT_FOUND, "there is no such peer")
}

fn stale() -> Response {
    let status = StatusCode::PRECONDITION_FAILED;
    problem(status, "it is meant for another version")
}

/// What is wrong, for programs and for people (RFC 9457).
fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason();
    let body = json!({ "title": title, "status": status.as_u16(), "detail": detail });
    let kind = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    )];
    (status, kind, body.to_string()).into_response()
}

fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
