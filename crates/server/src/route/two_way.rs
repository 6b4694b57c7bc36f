//! What came up on a link with one connection for both ways: units, and the tokens in them.

use throughline_core::close::code;
use throughline_core::codec::{CodecError, decode_binary, decode_unit};
use throughline_core::server::LinkId;

use super::{Context, Speech};

/// Handles a text unit (P1.5).
pub(super) async fn handle_text(context: &Context, link: LinkId, text: &str) {
    let decoded = match decode_unit(text) {
        Ok(decoded) => decoded,
        Err(error) => return refuse(context, link, &error),
    };
    let token = decoded.token.as_ref().map(|token| token.expose());
    let speech = Speech::of(&decoded.frames);
    let grant = match (speech, speech.checks(&context.tokens, token)) {
        (_, Ok(grant)) => grant,
        (speech, Err(error)) => {
            tracing::debug!(link = link.0, %error, "token refused");
            return match speech {
                Speech::Auth => context.hub.refuse_auth(link),
                Speech::Hello | Speech::Other => {
                    context.hub.close_link(link, code::UNAUTHORIZED, None);
                }
            };
        }
    };
    context
        .hub
        .receive(link, decoded.frames, grant.as_ref(), false)
        .await;
}

/// Handles a binary unit (P1.6).
pub(super) async fn handle_binary(context: &Context, link: LinkId, bytes: &[u8]) {
    match decode_binary(bytes) {
        Ok(frame) => {
            context.hub.receive(link, vec![frame], None, false).await;
        }
        Err(error) => refuse(context, link, &error),
    }
}

fn refuse(context: &Context, link: LinkId, error: &CodecError) {
    tracing::debug!(link = link.0, %error, "unit refused");
    context.hub.close_link(link, code::PROTOCOL, None);
}
