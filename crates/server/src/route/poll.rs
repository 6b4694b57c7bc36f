//! Long-poll links (annex C): the way down.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use throughline_core::codec::CodecError;
use throughline_core::{Nonce, Transport};

use super::unit::{Carrier, Unit, closing, next_unit};
use super::{Context, afar, may_use, unavailable};
use crate::hub::Hub;
use crate::hub::mailbox::Post;
use crate::hub::split::{Bound, Down, Guard, Split};
use crate::token::{Grant, TokenError};

pub(super) async fn handle(
    context: &Context,
    name: Nonce,
    number: Option<u64>,
    sent: Option<Result<Grant, TokenError>>,
) -> Response {
    match context.hub.name_link(name, Transport::LongPoll).await {
        Ok(None) => handle_here(context, name, number, sent).await,
        Ok(Some(node)) => afar::poll(context, &node, name, number, sent.as_ref()).await,
        Err(_) => unavailable(context.retry),
    }
}

/// Handles a poll of a link that is this node's.
pub(super) async fn handle_here(
    context: &Context,
    name: Nonce,
    number: Option<u64>,
    sent: Option<Result<Grant, TokenError>>,
) -> Response {
    let known = context.hub.split(name);
    if known.is_none() && context.hub.is_draining() {
        return unavailable(context.retry);
    }
    let bound = known.as_ref().and_then(|split| split.subject());
    if let Err(refusal) = may_use(bound.as_ref(), sent.as_ref()) {
        return *refusal;
    }
    let split = match context.hub.open_down(name, Transport::LongPoll) {
        Down::Opened(split, guard) => {
            tokio::spawn(watch(context.hub.clone(), split.clone(), guard));
            split
        }
        Down::Known(split) => split,
        Down::Taken => return StatusCode::NOT_FOUND.into_response(),
    };
    if let Some(Ok(grant)) = sent
        && split.bind(&grant) == Bound::Elsewhere
    {
        return super::forbidden("the link is another subject's");
    }
    answer(&split, number).await
}

/// Answers a poll with what waits, or comes next; one that the network repeats, with what it was
/// answered before.
async fn answer(split: &Split, number: Option<u64>) -> Response {
    if let Some(mut frames) = number.and_then(|number| split.answered(number)) {
        let carrier = Carrier::of_few(&frames);
        return respond(next_unit(&mut frames, carrier));
    }
    if split.is_over() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut held = split.hold();
    let post = tokio::select! {
        biased;
        () = held.superseded() => return text("[]".into()),
        post = split.mailbox.take() => post,
    };
    let mut frames = match post {
        Post::Items(frames) => frames,
        Post::End(end) => {
            split.told();
            return text(closing(end));
        }
    };
    // Whatever else waits goes along, up to where bytes need a unit of their own.
    while let Some(Post::Items(more)) = split.mailbox.try_take() {
        frames.extend(more);
    }
    let kept = number.map(|number| (number, frames.clone()));
    let carrier = Carrier::of_few(&frames);
    let unit = next_unit(&mut frames, carrier);
    if let Some((number, mut kept)) = kept {
        kept.truncate(kept.len() - frames.len());
        split.keep_answer(number, kept);
    }
    if !frames.is_empty() {
        split.mailbox.put_back(frames);
    }
    respond(unit)
}

fn respond(unit: Result<Option<Unit>, CodecError>) -> Response {
    match unit {
        Ok(Some(Unit::Text(unit))) => text(unit),
        Ok(Some(Unit::Binary(unit))) => (
            [(header::CONTENT_TYPE, "application/octet-stream"), NO_STORE],
            unit,
        )
            .into_response(),
        Ok(None) => text("[]".into()),
        Err(error) => {
            tracing::error!(%error, "an application's message cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(super) fn text(unit: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), NO_STORE], unit).into_response()
}

const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// Keeps the link until nobody polls it.
async fn watch(hub: Hub, split: std::sync::Arc<Split>, guard: Guard) {
    split.abandoned(hub.limits().idle).await;
    drop(guard);
}
