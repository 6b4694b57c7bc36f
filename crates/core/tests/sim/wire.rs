//! One attempt or link as the page and the network hold it.

use std::collections::VecDeque;

use throughline_core::{AttemptId, Ending, Frame, Transport};

pub(crate) type Frames = Vec<Frame<u64>>;

/// Names a wire: its attempt's number, less one.
pub(crate) type WireId = usize;

/// What arrives at the server's door.
#[derive(Debug, Clone)]
pub(crate) enum Up {
    /// The upgrade, or the stream's GET.
    Open,
    Poll,
    Post(Frames),
    /// A WebSocket message.
    Unit(Frames),
    /// The page closed its end.
    Bye,
}

/// What arrives at the page.
#[derive(Debug, Clone)]
pub(crate) enum Down {
    Opened,
    /// A WebSocket message or an event.
    Unit(Frames),
    /// The answer to a POST.
    Posted(Frames),
    /// The answer to a poll.
    Polled(Frames),
    /// A WebSocket's close code, perhaps after a `close` frame.
    Closed {
        code: u16,
        retry: Option<u32>,
    },
    Ended(Ending),
}

/// What the network does with what is sent on a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    Live,
    /// Bytes vanish and nobody is told.
    Dead,
    /// Bytes down vanish.
    Muted,
}

/// Whether the page still holds the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grip {
    Held,
    Dropped,
}

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) attempt: AttemptId,
    pub(crate) transport: Transport,
    pub(crate) path: Path,
    pub(crate) grip: Grip,
    /// The server's name for the link, if it knows it.
    pub(crate) link: Option<u64>,
    /// Bytes overtake none that were sent before them.
    pub(crate) up_at: u64,
    pub(crate) down_at: u64,
    /// Units that wait for the POST in flight.
    pub(crate) posts: VecDeque<Frames>,
    /// The POST in flight, by number.
    pub(crate) posting: Option<u32>,
    pub(crate) posted: u32,
}

impl Wire {
    pub(crate) fn new(attempt: AttemptId, transport: Transport) -> Self {
        Self {
            attempt,
            transport,
            path: Path::Live,
            grip: Grip::Held,
            link: None,
            up_at: 0,
            down_at: 0,
            posts: VecDeque::new(),
            posting: None,
            posted: 0,
        }
    }
}
