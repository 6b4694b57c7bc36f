//! Data channels as links (annex D).

use std::collections::VecDeque;
use std::time::Duration;

use throughline_core::close::code;
use throughline_core::codec::Body;
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
use crate::webrtc::parts::{Amiss, Join, Piece, cut};
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
    let mut join = Join::new(context.unit);
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
        let piece = match is_binary {
            true => Piece::Binary(bytes),
            false => Piece::Text(bytes),
        };
        match join.push(piece) {
            Ok(None) => {}
            Ok(Some(Piece::Binary(bytes))) => handle_binary(context, link, &bytes).await,
            Ok(Some(Piece::Text(bytes))) => match std::str::from_utf8(&bytes) {
                Ok(text) => handle_text(context, link, text).await,
                Err(_) => context.hub.close_link(link, code::PROTOCOL, None),
            },
            Err(Amiss::Broken) => context.hub.close_link(link, code::PROTOCOL, None),
            Err(Amiss::TooLarge) => context.hub.close_link(link, code::TOO_LARGE, None),
        }
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
        let unit = match next_unit(&mut frames, Carrier::Both) {
            Ok(Some(Unit::Text(text))) => Piece::Text(text.into_bytes()),
            Ok(Some(Unit::Binary(bytes))) => Piece::Binary(bytes),
            Ok(None) => return true,
            Err(error) => {
                tracing::error!(%error, "an application's message cannot be written");
                return false;
            }
        };
        for piece in cut(unit) {
            if !write_piece(piece, said).await {
                return false;
            }
        }
    }
}

async fn write_piece(piece: Piece, said: &Sender<Said>) -> bool {
    let (is_binary, bytes) = match piece {
        Piece::Text(bytes) => (false, bytes),
        Piece::Binary(bytes) => (true, bytes),
    };
    let message = Said::Message { is_binary, bytes };
    matches!(timeout(WRITE_TIMEOUT, said.send(message)).await, Ok(Ok(())))
}

/// Says the end, for a data channel has no close code, and closes (P5.1).
async fn close(said: &Sender<Said>, end: End) {
    if write_piece(Piece::Text(closing(end).into_bytes()), said).await {
        let _ = timeout(WRITE_TIMEOUT, said.send(Said::End)).await;
    }
}
