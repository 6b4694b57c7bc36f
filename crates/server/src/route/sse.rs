//! SSE links (annex B): the way down.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use throughline_core::{Frame, Nonce, Transport, codec};
use tokio::time::Instant;

use super::unit::{Carrier, Unit, closing, next_unit};
use super::{Context, forbidden, may_use, unavailable};
use crate::hub::LinkMailbox;
use crate::hub::mailbox::Post;
use crate::hub::pace::Pace;
use crate::hub::split::{Bound, Down, Guard};
use crate::token::{Grant, TokenError};

pub(super) async fn open(
    context: &Context,
    name: Nonce,
    sent: Option<Result<Grant, TokenError>>,
) -> Response {
    if let Err(refusal) = may_use(None, sent.as_ref()) {
        return *refusal;
    }
    if context.hub.is_draining() {
        return unavailable(context.retry);
    }
    match context.hub.name_link(name, Transport::Sse).await {
        Ok(None) => {}
        Ok(Some(_)) => return StatusCode::NOT_FOUND.into_response(),
        Err(_) => return unavailable(context.retry),
    }
    match context.hub.open_down(name, Transport::Sse) {
        Down::Opened(split, guard) => {
            if let Some(Ok(grant)) = sent
                && split.bind(&grant) == Bound::Elsewhere
            {
                return forbidden("the link is another subject's");
            }
            events(units(split.mailbox.clone(), guard))
        }
        Down::Known(_) | Down::Taken => StatusCode::NOT_FOUND.into_response(),
    }
}

/// An event stream that begins with a comment, so that its headers and a first byte leave at once.
pub(super) fn events(
    events: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        // nginx and those who follow it hold a stream back otherwise.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let hello = stream::once(async { Ok(Bytes::from_static(b": throughline\n\n")) });
    let body = Body::from_stream(stream::StreamExt::chain(hello, events));
    (headers, body).into_response()
}

/// One event; neither `data` nor `id` has a line break.
pub(super) fn event(data: &str, id: Option<&str>) -> String {
    match id {
        Some(id) => format!("id: {id}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    }
}

enum Reading {
    On(Guard, Pace, VecDeque<Frame<codec::Body>>),
    Over,
}

fn units(
    mailbox: std::sync::Arc<LinkMailbox>,
    guard: Guard,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(
        Reading::On(guard, Pace::new(), VecDeque::new()),
        move |reading| {
            let mailbox = mailbox.clone();
            async move {
                let Reading::On(guard, mut pace, mut frames) = reading else {
                    return None;
                };
                if frames.is_empty() {
                    pace.wait(&mailbox).await;
                    match mailbox.take().await {
                        Post::Items(taken) => frames = taken,
                        Post::End(end) => {
                            return Some((Ok(event(&closing(end), None).into()), Reading::Over));
                        }
                    }
                }
                pace.count(Instant::now());
                match next_unit(&mut frames, Carrier::Text) {
                    Ok(Some(Unit::Text(text))) => Some((
                        Ok(event(&text, None).into()),
                        Reading::On(guard, pace, frames),
                    )),
                    Ok(Some(Unit::Binary(_)) | None) => {
                        Some((Ok(Bytes::new()), Reading::On(guard, pace, frames)))
                    }
                    Err(error) => {
                        tracing::error!(%error, "an application's message cannot be written");
                        None
                    }
                }
            }
        },
    )
}
