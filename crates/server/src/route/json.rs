//! The plain-JSON path: what an ordinary server that knows nothing of the protocol speaks.
//!
//! `/json` is a WebSocket of `{type, …}` messages; `GET` with `Accept: text/event-stream` streams
//! them as `data:` lines, any other `GET` polls for an array of them, `POST` takes one. Requests
//! with the same `?client=` are one guest.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body as HttpBody, Bytes, to_bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{SinkExt, Stream, StreamExt, stream};
use serde::Deserialize;
use throughline_core::close::code;
use throughline_core::codec::{Body, Payload};
use tokio::time::timeout;

use super::pulse::{Beat, pulse};
use super::websocket::READ_BUFFER;
use super::{
    Context, Upgrade, accepts_events, bad_request, bearer, is_upgrade, sse, unauthorized,
    unavailable,
};
use crate::app::place;
use crate::hub::guest::Attached;
use crate::hub::mailbox::{End, Post};
use message::{read_message, write_message};

mod message;

/// How long a client may take to accept a message, and how long a poll is held.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_secs(15);

/// Messages after which a poll's answer takes no more.
const POLL_MESSAGES: usize = 1_000;

/// Longest name of a client.
const NAME: usize = 128;

pub(super) fn router() -> Router<Context> {
    Router::new()
        .route("/json", get(handle_get).post(handle_post))
        .route("/api/shows/{id}/stream", get(handle_show))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    client: Option<String>,
    last_event_id: Option<String>,
}

impl Address {
    /// The last event that a stream's client got (WHATWG HTML §9.2.4), where it says so.
    fn last_event<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        let header = headers.get("last-event-id");
        header
            .and_then(|id| id.to_str().ok())
            .or(self.last_event_id.as_deref())
    }
}

async fn handle_get(
    State(context): State<Context>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Response {
    if let Err(refusal) = admit(&context, &address, &headers) {
        return *refusal;
    }
    let name = address.client.as_deref();
    if is_upgrade(&headers) {
        return match upgrade {
            Ok(upgrade) => {
                let Some(guest) = context.hub.guest(name) else {
                    return unavailable(context.retry);
                };
                let attached = context.hub.attach(guest, true);
                upgrade
                    .read_buffer_size(READ_BUFFER)
                    .max_message_size(context.unit)
                    .on_upgrade(move |socket| run(context, attached, socket))
            }
            Err(rejection) => rejection.into_response(),
        };
    }
    if accepts_events(&headers) {
        let Some(guest) = context.hub.guest(name) else {
            return unavailable(context.retry);
        };
        if let Some(last) = address.last_event(&headers) {
            context.hub.catch_up(&guest, last);
        }
        let attached = context.hub.attach(guest, true);
        return sse::events(events(attached, context.heartbeat));
    }
    match name {
        Some(name) => poll(&context, name).await,
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn handle_post(
    State(context): State<Context>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: HttpBody,
) -> Response {
    if let Err(refusal) = admit(&context, &address, &headers) {
        return *refusal;
    }
    let Some(name) = address.client.as_deref() else {
        return bad_request("`client` is missing");
    };
    let Ok(bytes) = to_bytes(body, context.unit).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match std::str::from_utf8(&bytes).ok().and_then(read_message) {
        Some(body) => {
            let Some(guest) = context.hub.guest(Some(name)) else {
                return unavailable(context.retry);
            };
            context.hub.handle_guest(&guest, Some(body));
            StatusCode::NO_CONTENT.into_response()
        }
        None => bad_request("the body is not a JSON object with a `type`"),
    }
}

/// The operator console's stream, at the address that its clients know.
async fn handle_show(
    State(context): State<Context>,
    Path(show): Path<String>,
    Query(address): Query<Address>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = admit(&context, &address, &headers) {
        return *refusal;
    }
    let Some(guest) = context.hub.guest(None) else {
        return unavailable(context.retry);
    };
    let attached = context.hub.attach(guest, false);
    let since = place(address.last_event(&headers));
    context.feed.subscribe(attached.guest.peer(), &show, since);
    sse::events(events(attached, context.heartbeat))
}

fn admit(context: &Context, address: &Address, headers: &HeaderMap) -> Result<(), Box<Response>> {
    if context.hub.is_draining() {
        return Err(Box::new(unavailable(context.retry)));
    }
    if address
        .client
        .as_ref()
        .is_some_and(|name| name.is_empty() || name.len() > NAME)
    {
        return Err(Box::new(bad_request("`client` is empty or too long")));
    }
    match context.tokens.check(bearer(headers)) {
        Ok(_) => Ok(()),
        Err(error) => Err(Box::new(unauthorized(error))),
    }
}

async fn run(context: Context, mut attached: Attached, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let guest = attached.guest.clone();
    let mailbox = guest.mailbox();
    let (ear, mut pulse) = pulse(context.heartbeat);
    let read = async {
        while let Some(Ok(message)) = stream.next().await {
            ear.hear();
            let body = match message {
                Message::Text(text) => read_message(&text),
                Message::Binary(bytes) => Some(Body::bytes("BINARY", &*bytes)),
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Close(_) => break,
            };
            context.hub.handle_guest(&guest, body);
        }
        None
    };
    let write = async {
        loop {
            let post = tokio::select! {
                biased;
                beat = pulse.beat() => match beat {
                    Beat::Ping => {
                        let ping = sink.send(Message::Ping(Bytes::new()));
                        match timeout(WRITE_TIMEOUT, ping).await {
                            Ok(Ok(())) => continue,
                            Ok(Err(_)) | Err(_) => return None,
                        }
                    }
                    Beat::HalfOpen => return None,
                },
                post = mailbox.take() => post,
            };
            let bodies = match post {
                Post::Items(bodies) => bodies,
                Post::End(end) => return Some(end),
            };
            let written = async {
                for body in &bodies {
                    sink.feed(write_socket(body)).await?;
                }
                sink.flush().await
            };
            match timeout(WRITE_TIMEOUT, written).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    };
    let end = tokio::select! {
        end = read => end,
        end = write => end,
        () = attached.superseded() => Some(End { code: code::NORMAL, retry: None }),
    };
    if let Some(end) = end {
        let frame = CloseFrame {
            code: end.code,
            reason: "".into(),
        };
        let _ = timeout(WRITE_TIMEOUT, sink.send(Message::Close(Some(frame)))).await;
    }
}

/// What comes for a guest, as events; a comment where nothing does.
fn events(
    attached: Attached,
    heartbeat: Duration,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let mailbox = attached.guest.mailbox();
    stream::unfold(
        (attached, mailbox),
        move |(mut attached, mailbox)| async move {
            let bytes = tokio::select! {
                post = mailbox.take() => match post {
                    Post::Items(bodies) => write_events(&bodies),
                    Post::End(_) => return None,
                },
                () = attached.superseded() => return None,
                () = tokio::time::sleep(heartbeat) => Bytes::from_static(b": heartbeat\n\n"),
            };
            Some((Ok(bytes), (attached, mailbox)))
        },
    )
}

fn write_socket(body: &Body) -> Message {
    match &body.payload {
        Payload::Bytes(bytes) if &*body.kind == "BINARY" => Message::binary(bytes.to_vec()),
        Payload::Bytes(_) | Payload::Json(_) => Message::text(write_message(body)),
    }
}

fn write_events(bodies: &VecDeque<Body>) -> Bytes {
    let mut events = String::new();
    for body in bodies {
        events += &sse::event(&write_message(body), body.id.as_deref());
    }
    events.into()
}

/// The first poll of a client is answered at once, so that it knows its way works.
async fn poll(context: &Context, name: &str) -> Response {
    let Some(guest) = context.hub.guest(Some(name)) else {
        return unavailable(context.retry);
    };
    let greeted = guest.is_new();
    let mut attached = context.hub.attach(guest, greeted);
    let mailbox = attached.guest.mailbox();
    let held = if attached.is_first() {
        Duration::ZERO
    } else {
        POLL
    };
    let first = tokio::select! {
        biased;
        () = attached.superseded() => None,
        post = mailbox.take() => Some(post),
        () = tokio::time::sleep(held) => None,
    };
    let mut messages = Vec::new();
    let mut next = first;
    while let Some(post) = next {
        match post {
            Post::Items(bodies) => messages.extend(bodies.iter().map(write_message)),
            Post::End(_) => break,
        }
        if messages.len() >= POLL_MESSAGES {
            break;
        }
        next = mailbox.try_take();
    }
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, format!("[{}]", messages.join(","))).into_response()
}
