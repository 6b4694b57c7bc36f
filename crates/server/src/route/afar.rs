//! Requests for split links of other nodes: handed on and answered, here and there.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use throughline_core::codec::{self, decode_unit, encode_unit};
use throughline_core::{Frame, Nonce};
use tokio::sync::mpsc::UnboundedReceiver;

use super::uplink::{Checked, Reach, deliver};
use super::{Context, poll, unavailable};
use crate::hub::call::{Answer, Ask, Call, Sent, Verb};
use crate::token::{Grant, TokenError};

/// How long another node may take, beyond what the request itself may.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hands a unit on.
pub(super) async fn post(
    context: &Context,
    node: &str,
    name: Nonce,
    checked: &Checked,
    frames: &[Frame<codec::Body>],
) -> Response {
    let Ok(unit) = encode_unit(frames) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let within = checked.within.clone().transpose();
    let request = Ask {
        link: name.to_hex(),
        beside: Sent::write(checked.beside.as_ref()),
        within: Sent::write(within.as_ref()),
        verb: Verb::Post(unit),
    };
    ask(context, node, &request, PATIENCE).await
}

/// Hands a poll on.
pub(super) async fn poll(
    context: &Context,
    node: &str,
    name: Nonce,
    number: Option<u64>,
    sent: Option<&Result<Grant, TokenError>>,
) -> Response {
    let request = Ask {
        link: name.to_hex(),
        beside: Sent::write(sent),
        within: Sent::Nothing,
        verb: Verb::Poll(number),
    };
    ask(context, node, &request, context.heartbeat + PATIENCE).await
}

/// Answers what other nodes hand on, for as long as the hub lives.
pub(crate) async fn serve(context: Context, mut calls: UnboundedReceiver<Call>) {
    while let Some(Call { ask, answer }) = calls.recv().await {
        let context = context.clone();
        tokio::spawn(async move {
            let response = handle(&context, ask).await;
            // Who asked may have gone.
            let _ = answer.send(write(response).await);
        });
    }
}

async fn ask(context: &Context, node: &str, request: &Ask, patience: Duration) -> Response {
    match context.hub.call(node, request, patience).await {
        Ok(answer) => read(answer),
        Err(why) => {
            tracing::info!(node, ?why, "a link's node does not answer");
            unavailable(context.retry)
        }
    }
}

async fn handle(context: &Context, ask: Ask) -> Response {
    let Some(name) = Nonce::from_hex(&ask.link) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match ask.verb {
        Verb::Poll(number) => poll::handle_here(context, name, number, ask.beside.read()).await,
        Verb::Post(unit) => {
            let Ok(unit) = decode_unit(&unit) else {
                return StatusCode::BAD_REQUEST.into_response();
            };
            let checked = Checked {
                beside: ask.beside.read(),
                within: ask.within.read().transpose(),
            };
            deliver(context, name, checked, unit.frames, Reach::Here)
                .await
                .unwrap_or_else(|refusal| *refusal)
        }
    }
}

async fn write(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let text = |name| {
        let value = parts.headers.get(name)?;
        Some(value.to_str().ok()?.to_owned())
    };
    let (retry_after, kind) = (text(header::RETRY_AFTER), text(header::CONTENT_TYPE));
    // It was made here, and is as long as a unit.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    Answer {
        status: parts.status.as_u16(),
        retry_after,
        kind,
        body: STANDARD.encode(body),
    }
}

fn read(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status);
    let (Ok(status), Ok(body)) = (status, STANDARD.decode(answer.body)) else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = [
        (header::RETRY_AFTER, answer.retry_after),
        (header::CONTENT_TYPE, answer.kind),
        (header::CACHE_CONTROL, Some("no-store".to_owned())),
    ];
    for (name, value) in headers {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
