//! POSTs: the way up of split links (annexes B and C).

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use throughline_core::close::code;
use throughline_core::codec::{self, CodecError, decode_binary, decode_unit, encode_unit};
use throughline_core::{Frame, Nonce};

use super::unit::closing;
use super::{
    Address, Context, Speech, bad_request, bearer, forbidden, may_use, poll, retry_after,
    status_of, unauthorized, unavailable,
};
use crate::hub::mailbox::End;
use crate::hub::split::Bound;

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A unit that came up, and the token beside it.
struct Received {
    frames: Vec<Frame<codec::Body>>,
    token: Option<codec::Secret>,
}

pub(super) async fn handle(
    State(context): State<Context>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(name) = address.link.as_deref().and_then(Nonce::from_hex) else {
        return bad_request("`link` is not a nonce");
    };
    let body = match read(body, context.unit).await {
        Ok(body) => body,
        Err(status) => {
            if status == StatusCode::PAYLOAD_TOO_LARGE
                && let Some(split) = context.hub.split(name)
            {
                context.hub.close_link(split.link, code::TOO_LARGE, None);
            }
            return status.into_response();
        }
    };
    let received = match decode(&headers, &body) {
        Ok(received) => received,
        Err(error) => {
            tracing::debug!(%error, "unit refused");
            let Some(split) = context.hub.split(name) else {
                return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
            };
            context.hub.close_link(split.link, code::PROTOCOL, None);
            return answer(None, split.mailbox.ending());
        }
    };
    let response = match Speech::of(&received.frames) {
        Speech::Hello => handle_hello(&context, name, &headers, received).await,
        speech @ (Speech::Auth | Speech::Other) => {
            handle_unit(&context, name, &headers, speech, received)
        }
    };
    response.unwrap_or_else(|refusal| *refusal)
}

/// Handles the unit that begins with `hello`: it waits for the way down (B1).
async fn handle_hello(
    context: &Context,
    name: Nonce,
    headers: &HeaderMap,
    received: Received,
) -> Result<Response, Box<Response>> {
    let in_unit = received.token.as_ref().map(codec::Secret::expose);
    let grant = match context.tokens.check(bearer(headers).or(in_unit)) {
        Ok(grant) => grant,
        Err(error) => {
            if let Some(split) = context.hub.split(name) {
                context.hub.close_link(split.link, code::UNAUTHORIZED, None);
            }
            return Err(Box::new(unauthorized(error)));
        }
    };
    if context.hub.is_draining() {
        return Err(Box::new(unavailable(context.retry)));
    }
    let Some(split) = context.hub.join(name).await else {
        return Err(Box::new(StatusCode::REQUEST_TIMEOUT.into_response()));
    };
    if split.bind(&grant) == Bound::Elsewhere {
        return Err(Box::new(forbidden("the link is another subject's")));
    }
    let ack = context
        .hub
        .handle_unit(split.link, received.frames, Some(&grant), true);
    Ok(answer(ack, split.mailbox.ending()))
}

fn handle_unit(
    context: &Context,
    name: Nonce,
    headers: &HeaderMap,
    speech: Speech,
    received: Received,
) -> Result<Response, Box<Response>> {
    let Some(split) = context.hub.split(name) else {
        return Err(Box::new(StatusCode::NOT_FOUND.into_response()));
    };
    let sent = bearer(headers).map(|token| context.tokens.check(Some(token)));
    may_use(split.subject().as_ref(), sent.as_ref())?;
    let ended = split.mailbox.ending();
    if ended.is_some() {
        return Ok(answer(None, ended));
    }
    // A fresher token beside the unit is as good as one in it (P2.7).
    if let Some(Ok(grant)) = &sent
        && split.bind(grant) == Bound::Fresher
    {
        context.hub.renew(split.link, grant);
    }
    let in_unit = received.token.as_ref().map(codec::Secret::expose);
    let grant = match speech.checks(&context.tokens, in_unit) {
        Ok(grant) => grant,
        Err(error) => {
            tracing::debug!(link = split.link.0, %error, "token refused");
            context.hub.refuse_auth(split.link);
            return Ok(answer(None, split.mailbox.ending()));
        }
    };
    if let Some(grant) = &grant {
        // The core closes the link if the subject is another one.
        split.bind(grant);
    }
    let ack = context
        .hub
        .handle_unit(split.link, received.frames, grant.as_ref(), true);
    Ok(answer(ack, split.mailbox.ending()))
}

async fn read(body: Body, limit: usize) -> Result<axum::body::Bytes, StatusCode> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, limit)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => Err(match is_over_limit(&error) {
            true => StatusCode::PAYLOAD_TOO_LARGE,
            false => StatusCode::BAD_REQUEST,
        }),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    use std::error::Error as _;
    error
        .source()
        .is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

fn decode(headers: &HeaderMap, body: &[u8]) -> Result<Received, CodecError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.as_bytes());
    if kind.is_some_and(|kind| kind.starts_with(b"application/octet-stream")) {
        let frames = vec![decode_binary(body)?];
        return Ok(Received {
            frames,
            token: None,
        });
    }
    let text = std::str::from_utf8(body).map_err(|_| CodecError::NotAUnit)?;
    let decoded = decode_unit(text)?;
    Ok(Received {
        frames: decoded.frames,
        token: decoded.token,
    })
}

/// The answer to a POST: the ack, or how the link ended (B4, P5.4).
fn answer(ack: Option<Frame<codec::Body>>, ended: Option<End>) -> Response {
    let Some(end) = ended else {
        let frames: Vec<_> = ack.into_iter().collect();
        return match encode_unit(&frames) {
            Ok(unit) => poll::text(unit),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
    };
    match (status_of(end), end.retry) {
        (Some(status), Some(retry)) => (status, retry_after(retry)).into_response(),
        (Some(status), None) => status.into_response(),
        (None, _) => poll::text(closing(end)),
    }
}
