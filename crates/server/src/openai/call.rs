//! A session over WebRTC: events on its data channel, whatever that is called, and sound in packets.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::{sleep_until, timeout};

use super::Opening;
use super::conversation::Out;
use crate::webrtc::{Call, Heard, Said};

/// How long a client may take to accept an event.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Waits for the channel to open, and is its session until it ends.
pub(super) async fn run(mut call: Call, opening: Opening) {
    let Some(Heard::Open(_)) = call.heard.recv().await else {
        return;
    };
    let (mut talk, mut stopping) = opening.begin();
    loop {
        while let Some(out) = talk.take() {
            match out {
                Out::Event(text) => {
                    let message = Said::Message {
                        is_binary: false,
                        bytes: text.into_bytes(),
                    };
                    if !say(&call.said, message).await {
                        return;
                    }
                }
                // A line that is full loses it, as the network would.
                Out::Sound(samples) => drop(call.sound.try_send(samples)),
                Out::Expired => {
                    say(&call.said, Said::End).await;
                    return;
                }
            }
        }
        tokio::select! {
            heard = call.heard.recv() => match heard {
                Some(Heard::Message { bytes, .. }) => talk.handle(&bytes),
                Some(Heard::Sound { samples, .. }) => talk.hear(&samples),
                Some(Heard::Open(_)) => {}
                Some(Heard::TooMuch) | None => return,
            },
            () = sleep_until(talk.due().into()) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// False if the client takes nothing more.
async fn say(said: &Sender<Said>, message: Said) -> bool {
    matches!(timeout(WRITE_TIMEOUT, said.send(message)).await, Ok(Ok(())))
}
