//! WebSocket links (annex A).

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use throughline_core::close::code;
use throughline_core::codec::Body;
use throughline_core::server::LinkId;
use throughline_core::{Frame, Transport};
use tokio::time::{Instant, timeout};

use super::Context;
use super::pulse::{Beat, Ear, Pulse, pulse};
use super::two_way::{handle_binary, handle_text};
use super::unit::{Carrier, Unit, closing, next_unit};
use crate::hub::LinkMailbox;
use crate::hub::mailbox::{End, Post};
use crate::hub::pace::Pace;

/// How long a client may take to accept a unit, or to answer a close.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a socket reads into, for as long as it lives. The library's own choice, 128 KiB, is most of
/// what an idle session takes.
pub(super) const READ_BUFFER: usize = 8 << 10;

/// A message this many times the limit is cut off before it is read to its end.
const HARD_LIMIT: usize = 4;

/// Why a WebSocket ended.
enum Ended {
    /// The client closed it, or it broke.
    Gone,
    /// This side closed it.
    Closed,
}

pub(super) fn accept(context: Context, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .max_message_size(context.unit.saturating_mul(HARD_LIMIT))
        .max_frame_size(context.unit.saturating_mul(HARD_LIMIT))
        .on_failed_upgrade(|error| tracing::debug!(%error, "websocket never began"))
        .on_upgrade(move |socket| run(context, socket))
}

async fn run(context: Context, socket: WebSocket) {
    let (link, mailbox) = context.hub.open_link(Transport::WebSocket);
    let (mut sink, mut stream) = socket.split();
    let (ear, mut pulse) = pulse(context.heartbeat);
    let ended = tokio::select! {
        () = read(&context, link, &mut stream, &ear) => Ended::Gone,
        ended = write(&mailbox, &mut sink, &mut pulse) => ended,
    };
    context.hub.link_closed(link);
    match ended {
        Ended::Gone => {
            // The reader may have caused a close that the client is still there to see.
            if let Some(end) = mailbox.ending() {
                let _ = timeout(CLOSE_TIMEOUT, close(&mut sink, end)).await;
            }
        }
        Ended::Closed => {}
    }
    // A socket dropped with unread input is reset, and the close with it.
    let drained = async { while let Some(Ok(_)) = stream.next().await {} };
    let _ = timeout(CLOSE_TIMEOUT, drained).await;
}

/// Reads until the socket ends.
async fn read(context: &Context, link: LinkId, stream: &mut SplitStream<WebSocket>, ear: &Ear) {
    while let Some(message) = stream.next().await {
        ear.hear();
        match message {
            Ok(Message::Text(text)) if text.len() <= context.unit => {
                handle_text(context, link, &text).await;
            }
            Ok(Message::Binary(bytes)) if bytes.len() <= context.unit => {
                handle_binary(context, link, &bytes).await;
            }
            Ok(Message::Text(_) | Message::Binary(_)) => {
                context.hub.close_link(link, code::TOO_LARGE, None);
            }
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(Message::Close(_)) => return,
            Err(error) => {
                tracing::debug!(link = link.0, %error, "websocket broke");
                if is_too_large(&error) {
                    context.hub.close_link(link, code::TOO_LARGE, None);
                }
                return;
            }
        }
    }
}

/// Writes until either side ends: units, and pings where nothing is heard.
async fn write(
    mailbox: &LinkMailbox,
    sink: &mut SplitSink<WebSocket, Message>,
    pulse: &mut Pulse,
) -> Ended {
    let mut pace = Pace::new();
    loop {
        let post = tokio::select! {
            biased;
            beat = pulse.beat() => match beat {
                Beat::Ping if within(sink.send(Message::Ping(Bytes::new()))).await => continue,
                Beat::Ping | Beat::HalfOpen => {
                    tracing::debug!("websocket half-open");
                    return Ended::Gone;
                }
            },
            post = next_post(mailbox, sink, &pace) => match post {
                Some(post) => post,
                None => return Ended::Gone,
            },
        };
        match post {
            Post::Items(frames) => {
                pace.count(Instant::now());
                if !feed(frames, sink).await {
                    return Ended::Gone;
                }
            }
            Post::End(end) => {
                let _ = timeout(CLOSE_TIMEOUT, close(sink, end)).await;
                return Ended::Closed;
            }
        }
    }
}

/// Takes the next thing to write, and flushes before it waits for one; `None` if that fails.
async fn next_post(
    mailbox: &LinkMailbox,
    sink: &mut SplitSink<WebSocket, Message>,
    pace: &Pace,
) -> Option<Post<Frame<Body>>> {
    if !pace.is_free(Instant::now()) {
        if !within(sink.flush()).await {
            return None;
        }
        pace.wait(mailbox).await;
    }
    match mailbox.try_take() {
        Some(post) => Some(post),
        None if within(sink.flush()).await => Some(mailbox.take().await),
        None => None,
    }
}

/// Writes frames without flushing; false if the client takes nothing more.
async fn feed(mut frames: VecDeque<Frame<Body>>, sink: &mut SplitSink<WebSocket, Message>) -> bool {
    loop {
        let message = match next_unit(&mut frames, Carrier::Both) {
            Ok(Some(Unit::Text(text))) => Message::text(text),
            Ok(Some(Unit::Binary(bytes))) => Message::binary(bytes),
            Ok(None) => return true,
            Err(error) => {
                tracing::error!(%error, "an application's message cannot be written");
                return false;
            }
        };
        if !within(sink.feed(message)).await {
            return false;
        }
    }
}

/// Closes with a code, which a unit precedes if there is a hint (P5.1).
async fn close(sink: &mut SplitSink<WebSocket, Message>, end: End) -> Result<(), axum::Error> {
    if end.retry.is_some() {
        sink.feed(Message::text(closing(end))).await?;
    }
    let frame = CloseFrame {
        code: end.code,
        reason: "".into(),
    };
    sink.send(Message::Close(Some(frame))).await
}

async fn within(write: impl Future<Output = Result<(), axum::Error>>) -> bool {
    matches!(timeout(WRITE_TIMEOUT, write).await, Ok(Ok(())))
}

fn is_too_large(error: &axum::Error) -> bool {
    use std::error::Error as _;
    use tokio_tungstenite::tungstenite::Error;
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<Error>());
    matches!(source, Some(Error::Capacity(_)))
}
