//! A session over a WebSocket: events, and sound in them.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep_until, timeout};

use super::Opening;
use super::conversation::Out;
use super::event::Problem;

/// Largest message that is read.
pub(super) const LARGEST: usize = 4 << 20;

/// How long a client may take to accept an event, or to answer a close.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Close codes: the session or the server goes away; a refusal, and one of what is no longer spoken.
const GOING_AWAY: u16 = 1_001;
const REFUSED: u16 = 3_000;
const NO_BETA: u16 = 4_000;

/// Is a session until it ends.
pub(super) async fn run(socket: WebSocket, opening: Opening, _seat: OwnedSemaphorePermit) {
    let (mut sink, mut stream) = socket.split();
    let (mut talk, mut stopping) = opening.begin();
    let reason = 'session: loop {
        while let Some(out) = talk.take() {
            match out {
                Out::Event(text) => {
                    if !say(&mut sink, Message::text(text)).await {
                        return;
                    }
                }
                // Sound is in events.
                Out::Sound(_) => {}
                Out::Expired => break 'session "session_expired",
            }
        }
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => talk.handle(text.as_bytes()),
                Some(Ok(Message::Binary(bytes))) => talk.handle(&bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            () = sleep_until(talk.due().into()) => {}
            _ = stopping.wait_for(|stopping| *stopping) => break "",
        }
    };
    close(&mut sink, GOING_AWAY, reason).await;
    // A socket dropped with unread input is reset, and the close with it.
    let drained = async { while let Some(Ok(_)) = stream.next().await {} };
    let _ = timeout(CLOSE_TIMEOUT, drained).await;
}

/// Tells a page why it gets no session: it sees nothing of an HTTP status.
pub(super) async fn refuse(mut socket: WebSocket, problem: Problem) {
    let mut error = problem.to_json();
    error["event_id"] = Value::Null;
    let event = json!({ "type": "error", "event_id": "event_0", "error": error });
    say(&mut socket, Message::text(event.to_string())).await;
    let code = match problem.code {
        "beta_api_shape_disabled" => NO_BETA,
        _ => REFUSED,
    };
    let reason = format!("invalid_request_error.{}", problem.code);
    close(&mut socket, code, &reason).await;
    let drained = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = timeout(CLOSE_TIMEOUT, drained).await;
}

/// False if the client takes nothing more.
async fn say(
    sink: &mut (impl SinkExt<Message, Error = axum::Error> + Unpin),
    message: Message,
) -> bool {
    matches!(timeout(WRITE_TIMEOUT, sink.send(message)).await, Ok(Ok(())))
}

async fn close(
    sink: &mut (impl SinkExt<Message, Error = axum::Error> + Unpin),
    code: u16,
    reason: &str,
) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let _ = timeout(CLOSE_TIMEOUT, sink.send(Message::Close(Some(frame)))).await;
}
