//! The two ends of what a peer hears and says.

use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that were heard and not yet taken; a peer that sends more is closed.
const HEARD_BYTES: usize = 4 << 20;

/// Messages on their way to the data channel.
const SAID: usize = 4;

/// What came on a data channel.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The channel is open.
    Open,
    /// A message.
    Message {
        is_binary: bool,
        bytes: Vec<u8>,
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
}

/// The far end: the peer's.
#[derive(Debug)]
pub(super) struct Far {
    heard: UnboundedSender<Heard>,
    room: Arc<Semaphore>,
    pub(super) said: Receiver<Said>,
}

pub(super) fn pair() -> (Call, Far) {
    let (hears, heard) = mpsc::unbounded_channel();
    let (said, says) = mpsc::channel(SAID);
    let far = Far {
        heard: hears,
        room: Arc::new(Semaphore::new(HEARD_BYTES)),
        said: says,
    };
    (Call { heard, said }, far)
}

/// Whether a peer may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Left,
    Exhausted,
}

impl Far {
    pub(super) fn open(&self) {
        // Nobody listens where the server goes away.
        let _ = self.heard.send(Heard::Open);
    }

    /// Hands on a message, if there is room for it.
    pub(super) fn hear(&self, is_binary: bool, bytes: Vec<u8>) -> Patience {
        let size = u32::try_from(bytes.len() + 64).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(size);
        let (heard, patience) = match room {
            Ok(room) => (
                Heard::Message {
                    is_binary,
                    bytes,
                    _room: room,
                },
                Patience::Left,
            ),
            Err(_) => (Heard::TooMuch, Patience::Exhausted),
        };
        let _ = self.heard.send(heard);
        patience
    }
}
