//! Data channels as links (annex D).

use std::collections::VecDeque;
use std::time::Duration;

use throughline_core::close::code;
use throughline_core::codec::Body;
use throughline_core::parts::{Joiner, Kind, Message, Unit as Joined, cut};
use throughline_core::server::LinkId;
use throughline_core::{Frame, Transport};
use tokio::sync::mpsc::{Sender, UnboundedReceiver};
use tokio::time::{Instant, timeout};

use super::super::Context;
use super::super::two_way::{handle_binary, handle_text};
use super::super::unit::{Carrier, Unit, closing, next_unit};
use crate::hub::LinkMailbox;
use crate::hub::mailbox::{End, Post};
use crate::hub::pace::Pace;
use crate::voice::{Line, Voices};
use crate::webrtc::{Call, Heard, Media, Said};

/// How long a client may take to accept a message.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a link ended.
enum Ended {
    /// The peer is gone.
    Gone,
    /// This side closed it.
    Closed,
}

/// Waits for the channel to open, and is its link until it ends.
pub(super) async fn run(context: Context, mut call: Call) {
    let Some(Heard::Open(media)) = call.heard.recv().await else {
        return;
    };
    let (link, mailbox) = context.hub.open_link(Transport::WebRtc);
    let line = match media {
        Media::Audio => Some(OpenLine::new(&context.voices, link, &call)),
        Media::None => None,
    };
    let ended = tokio::select! {
        () = read(&context, link, &mut call.heard) => Ended::Gone,
        ended = write(&mailbox, &call.said) => ended,
    };
    drop(line);
    context.hub.link_closed(link);
    match ended {
        Ended::Gone => {
            // The reader may have caused a close that the client is still there to see.
            if let Some(end) = mailbox.ending() {
                close(&call.said, end).await;
            }
        }
        Ended::Closed => {}
    }
}

/// The link's line for sound, for as long as this lives.
struct OpenLine {
    voices: Voices,
    link: LinkId,
}

impl OpenLine {
    fn new(voices: &Voices, link: LinkId, call: &Call) -> Self {
        let (sound, sign) = (call.sound.clone(), call.sign.clone());
        voices.open_line(link, Line { sound, sign });
        let voices = voices.clone();
        Self { voices, link }
    }
}

impl Drop for OpenLine {
    fn drop(&mut self) {
        self.voices.close_line(self.link);
    }
}

/// Reads until the peer is gone.
async fn read(context: &Context, link: LinkId, heard: &mut UnboundedReceiver<Heard>) {
    let mut joiner = Joiner::new(context.unit);
    while let Some(heard) = heard.recv().await {
        let (is_binary, bytes, _room) = match heard {
            Heard::Message {
                is_binary,
                bytes,
                _room,
            } => (is_binary, bytes, _room),
            Heard::Sound { samples, _room } => {
                context.voices.hear(link, samples);
                continue;
            }
            Heard::Open(_) => continue,
            Heard::TooMuch => {
                let retry = Some(context.hub.limits().retry);
                return context.hub.close_link(link, code::SLOW_DOWN, retry);
            }
        };
        let kind = match is_binary {
            true => Kind::Binary,
            false => Kind::Text,
        };
        match joiner.push(kind, &bytes) {
            Ok(None) => {}
            Ok(Some(unit)) => handle(context, link, &unit).await,
            Err(error) => {
                tracing::debug!(link = link.0, %error, "unit refused");
                context.hub.close_link(link, error.code(), None);
            }
        }
    }
}

async fn handle(context: &Context, link: LinkId, unit: &Joined<'_>) {
    match unit.kind {
        Kind::Binary => handle_binary(context, link, &unit.bytes).await,
        Kind::Text => match std::str::from_utf8(&unit.bytes) {
            Ok(text) => handle_text(context, link, text).await,
            Err(_) => context.hub.close_link(link, code::PROTOCOL, None),
        },
    }
}

/// Writes until either side ends.
async fn write(mailbox: &LinkMailbox, said: &Sender<Said>) -> Ended {
    let mut pace = Pace::new();
    loop {
        pace.wait(mailbox).await;
        match mailbox.take().await {
            Post::Items(frames) => {
                pace.count(Instant::now());
                if !say(frames, said).await {
                    return Ended::Gone;
                }
            }
            Post::End(end) => {
                close(said, end).await;
                return Ended::Closed;
            }
        }
    }
}

/// Writes frames; false if the client takes nothing more.
async fn say(mut frames: VecDeque<Frame<Body>>, said: &Sender<Said>) -> bool {
    loop {
        let written = match next_unit(&mut frames, Carrier::Both) {
            Ok(Some(Unit::Text(text))) => write_unit(text.as_bytes(), Kind::Text, said).await,
            Ok(Some(Unit::Binary(bytes))) => write_unit(&bytes, Kind::Binary, said).await,
            Ok(None) => return true,
            Err(error) => {
                tracing::error!(%error, "an application's message cannot be written");
                return false;
            }
        };
        if !written {
            return false;
        }
    }
}

/// Writes a unit whole or in parts (D2); false if the client takes nothing more.
async fn write_unit(unit: &[u8], kind: Kind, said: &Sender<Said>) -> bool {
    for piece in cut(unit, kind) {
        let message = match piece {
            Message::Whole(bytes) => Said::Message {
                is_binary: kind == Kind::Binary,
                bytes: bytes.to_vec(),
            },
            Message::Part { head, bytes } => Said::Message {
                is_binary: true,
                bytes: [&head, bytes].concat(),
            },
        };
        let sent = timeout(WRITE_TIMEOUT, said.send(message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return false;
        }
    }
    true
}

/// Says the end, for a data channel has no close code, and closes (P5.1).
async fn close(said: &Sender<Said>, end: End) {
    if write_unit(closing(end).as_bytes(), Kind::Text, said).await {
        let _ = timeout(WRITE_TIMEOUT, said.send(Said::End)).await;
    }
}
