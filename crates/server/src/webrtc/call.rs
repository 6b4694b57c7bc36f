//! The two ends of what a peer hears and says.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, watch};

/// Bytes that were heard and not yet taken; a peer that sends more is closed.
const HEARD_BYTES: usize = 4 << 20;

/// Messages on their way to the data channel.
const SAID: usize = 4;

/// Pieces of sound, 20 ms each, on their way to the peer.
const SOUNDS: usize = 25;

/// Whether there is a way for sound beside the data channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    None,
    Audio,
}

/// What came from a peer.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The data channel is open.
    Open(Media),
    /// A message.
    Message {
        is_binary: bool,
        bytes: Vec<u8>,
        /// The room that it takes.
        _room: OwnedSemaphorePermit,
    },
    /// Sound at 8 kHz.
    Sound {
        samples: Vec<i16>,
        /// The room that it takes.
        _room: OwnedSemaphorePermit,
    },
    /// More came than was taken.
    TooMuch,
}

/// What is to go out on a data channel.
#[derive(Debug)]
pub(crate) enum Said {
    /// A message.
    Message { is_binary: bool, bytes: Vec<u8> },
    /// Nothing comes after it: the peer is closed once all before it has arrived.
    End,
}

/// The near end: the server's.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) heard: UnboundedReceiver<Heard>,
    pub(crate) said: Sender<Said>,
    /// Takes 20 ms at 8 kHz at a time.
    pub(crate) sound: Sender<Vec<i16>>,
    /// When the peer was last heard of.
    pub(crate) sign: watch::Receiver<Instant>,
}

/// The far end: the peer's.
#[derive(Debug)]
pub(super) struct Far {
    heard: UnboundedSender<Heard>,
    room: Arc<Semaphore>,
    pub(super) said: Receiver<Said>,
    pub(super) sound: Receiver<Vec<i16>>,
    sign: watch::Sender<Instant>,
}

pub(super) fn pair() -> (Call, Far) {
    let (hears, heard) = mpsc::unbounded_channel();
    let (said, says) = mpsc::channel(SAID);
    let (sound, sounds) = mpsc::channel(SOUNDS);
    let (signs, sign) = watch::channel(Instant::now());
    let far = Far {
        heard: hears,
        room: Arc::new(Semaphore::new(HEARD_BYTES)),
        said: says,
        sound: sounds,
        sign: signs,
    };
    let call = Call {
        heard,
        said,
        sound,
        sign,
    };
    (call, far)
}

impl Far {
    pub(super) fn open(&self, media: Media) {
        // Nobody listens where the server goes away.
        let _ = self.heard.send(Heard::Open(media));
    }

    /// Takes note that the peer lives.
    pub(super) fn live(&self, at: Instant) {
        self.sign.send_replace(at);
    }

    /// When the peer was last heard of.
    pub(super) fn sign(&self) -> Instant {
        *self.sign.borrow()
    }

    /// Hands on sound; it is lost where there is no room for it.
    pub(super) fn hear_sound(&self, samples: Vec<i16>) {
        let size = u32::try_from(samples.len() * 2 + 64).unwrap_or(u32::MAX);
        if let Ok(_room) = self.room.clone().try_acquire_many_owned(size) {
            let _ = self.heard.send(Heard::Sound { samples, _room });
        }
    }

    /// Hands on a message. Where there is no room for it, it and all that come after it are lost, for
    /// the link is to be closed.
    pub(super) fn hear(&self, is_binary: bool, bytes: Vec<u8>) {
        let size = u32::try_from(bytes.len() + 64).unwrap_or(u32::MAX);
        let heard = match self.room.clone().try_acquire_many_owned(size) {
            Ok(_room) => Heard::Message {
                is_binary,
                bytes,
                _room,
            },
            Err(TryAcquireError::NoPermits) => {
                self.room.close();
                Heard::TooMuch
            }
            Err(TryAcquireError::Closed) => return,
        };
        let _ = self.heard.send(heard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_makes_room_and_too_much_is_told_once() {
        let (mut call, far) = pair();
        let half = HEARD_BYTES / 2 - 64;
        for _ in 0..3 {
            far.hear(true, vec![0; half]);
            far.hear(true, vec![0; half]);
            for _ in 0..2 {
                assert!(matches!(call.heard.try_recv(), Ok(Heard::Message { .. })));
            }
        }
        far.hear(true, vec![0; half]);
        far.hear_sound(vec![0; half]);
        far.hear(true, vec![0; half]);
        far.hear(true, vec![0; half + 1]);
        far.hear(true, Vec::new());
        let mut heard = std::iter::from_fn(|| call.heard.try_recv().ok());
        assert!(matches!(heard.next(), Some(Heard::Message { .. })));
        assert!(matches!(heard.next(), Some(Heard::Message { .. })));
        assert!(matches!(heard.next(), Some(Heard::TooMuch)));
        assert!(heard.next().is_none());
    }
}
