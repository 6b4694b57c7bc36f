//! POSTs: the way up of split links (annexes B and C).

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use throughline_core::close::code;
use throughline_core::codec::{self, CodecError, decode_binary, decode_unit, encode_unit};
use throughline_core::{Frame, Nonce};

use super::unit::closing;
use super::{
    Address, Context, Speech, afar, bad_request, bearer, forbidden, may_use, poll, retry_after,
    status_of, unauthorized, unavailable,
};
use crate::hub::mailbox::End;
use crate::hub::split::{Bound, Place};
use crate::token::{Grant, TokenError};

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A unit that came up, and the token beside it.
struct Received {
    frames: Vec<Frame<codec::Body>>,
    token: Option<codec::Secret>,
}

pub(super) async fn handle(
    context: Context,
    address: Address,
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
    let in_unit = received.token.as_ref().map(codec::Secret::expose);
    let beside = bearer(&headers);
    let checked = match Speech::of(&received.frames) {
        Speech::Hello => Checked {
            beside: Some(context.tokens.check(beside.or(in_unit))),
            within: Ok(None),
        },
        speech @ (Speech::Auth | Speech::Other) => Checked {
            beside: beside.map(|token| context.tokens.check(Some(token))),
            within: speech.checks(&context.tokens, in_unit),
        },
    };
    let response = deliver(&context, name, checked, received.frames, Reach::Everywhere).await;
    response.unwrap_or_else(|refusal| *refusal)
}

/// What the tokens of a POST say.
#[derive(Debug)]
pub(super) struct Checked {
    /// The one that stands beside the unit; for a `hello`, whichever there is.
    pub(super) beside: Option<Result<Grant, TokenError>>,
    /// The one of an `auth`.
    pub(super) within: Result<Option<Grant>, TokenError>,
}

/// Whether a request is handed on to the node that has its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Everywhere,
    /// Another node has handed it on.
    Here,
}

/// Hands a unit to its link, here or at another node.
pub(super) async fn deliver(
    context: &Context,
    name: Nonce,
    checked: Checked,
    frames: Vec<Frame<codec::Body>>,
    reach: Reach,
) -> Result<Response, Box<Response>> {
    let greets = Speech::of(&frames) == Speech::Hello;
    let place = if greets {
        find_greeted(context, name, &checked).await?
    } else {
        find(context, name).await?
    };
    let split = match (place, reach) {
        (Place::Here(split), _) => split,
        (Place::There(node), Reach::Everywhere) => {
            return Ok(afar::post(context, &node, name, &checked, &frames).await);
        }
        (Place::There(_), Reach::Here) => {
            return Err(Box::new(StatusCode::NOT_FOUND.into_response()));
        }
    };
    if greets {
        let Some(Ok(grant)) = checked.beside else {
            return Err(Box::new(StatusCode::UNAUTHORIZED.into_response()));
        };
        if split.bind(&grant) == Bound::Elsewhere {
            return Err(Box::new(forbidden("the link is another subject's")));
        }
        let ack = context
            .hub
            .receive(split.link, frames, Some(&grant), true)
            .await;
        return Ok(answer(ack, split.mailbox.ending()));
    }
    may_use(split.subject().as_ref(), checked.beside.as_ref())?;
    let ended = split.mailbox.ending();
    if ended.is_some() {
        return Ok(answer(None, ended));
    }
    // A fresher token beside the unit is as good as one in it (P2.7).
    if let Some(Ok(grant)) = &checked.beside
        && split.bind(grant) == Bound::Fresher
    {
        context.hub.renew(split.link, grant);
    }
    let grant = match checked.within {
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
        .receive(split.link, frames, grant.as_ref(), true)
        .await;
    Ok(answer(ack, split.mailbox.ending()))
}

/// Waits for the way down of a link that says `hello` (B1).
async fn find_greeted(
    context: &Context,
    name: Nonce,
    checked: &Checked,
) -> Result<Place, Box<Response>> {
    if let Some(Err(error)) = &checked.beside {
        if let Some(split) = context.hub.split(name) {
            context.hub.close_link(split.link, code::UNAUTHORIZED, None);
        }
        return Err(Box::new(unauthorized(*error)));
    }
    if context.hub.is_draining() {
        return Err(Box::new(unavailable(context.retry)));
    }
    let place = context.hub.join(name).await;
    place.ok_or_else(|| Box::new(StatusCode::REQUEST_TIMEOUT.into_response()))
}

async fn find(context: &Context, name: Nonce) -> Result<Place, Box<Response>> {
    if let Some(split) = context.hub.split(name) {
        return Ok(Place::Here(split));
    }
    match context.hub.find_link(name, None).await {
        Ok(Some(place)) => Ok(place),
        Ok(None) => Err(Box::new(StatusCode::NOT_FOUND.into_response())),
        Err(_) => Err(Box::new(unavailable(context.retry))),
    }
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
