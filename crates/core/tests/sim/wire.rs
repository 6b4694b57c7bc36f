//! One attempt or link as the page and the network hold it.

use std::collections::VecDeque;

use throughline_core::{AttemptId, Ending, Frame, Transport};

use crate::peer::Peer;

pub(crate) type Frames = Vec<Frame<u64>>;

/// Names a wire: how many there were before it.
pub(crate) type WireId = usize;

/// Names a page: its tab, and how many pages that tab had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageId {
    pub(crate) tab: usize,
    pub(crate) load: u32,
}

/// What arrives at the server's door.
#[derive(Debug, Clone)]
pub(crate) enum Up {
    /// The upgrade, or the stream's GET.
    Open,
    /// A peer connection's offer.
    Offer,
    /// A peer connection is ended by a request, since its channel has no path.
    Leave,
    Poll,
    Post(Frames),
    /// A POST that something on the way sent once more; its answer goes nowhere.
    Again(Frames),
    /// A WebSocket message.
    Unit(Frames),
    /// The page closed its end.
    Bye,
}

/// What arrives at the page.
#[derive(Debug, Clone)]
pub(crate) enum Down {
    /// The answer to an offer.
    Answered,
    /// The answer to an ICE restart.
    Mended,
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
    /// A peer connection's packets vanish, and what they carried waits for another path.
    Dark,
    /// Bytes down vanish.
    Muted,
    /// Bytes up vanish.
    Deaf,
    /// The page's end is broken; what was under way up arrives all the same.
    Lingering,
}

impl Path {
    /// What was lost on a connection stays lost: nothing later arrives in its place.
    pub(crate) const fn worsened(self, path: Self) -> Self {
        match (self, path) {
            (Self::Live, path) => path,
            (Self::Dark, _) => Self::Dead,
            (Self::Muted, Self::Deaf | Self::Dead) | (Self::Deaf, Self::Muted | Self::Dead) => {
                Self::Dead
            }
            (path, _) => path,
        }
    }
}

/// Whether the page still holds the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grip {
    Held,
    Dropped,
}

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) page: PageId,
    pub(crate) attempt: AttemptId,
    pub(crate) transport: Transport,
    pub(crate) path: Path,
    pub(crate) grip: Grip,
    /// The server's name for the link, if it knows it.
    pub(crate) link: Option<u64>,
    /// What `hello` said had arrived.
    pub(crate) greeted: u64,
    /// The session that the server named in `ready`.
    pub(crate) ready: Option<String>,
    /// Nothing arrives before this.
    pub(crate) stalled_until: u64,
    /// Units down under way.
    pub(crate) flying: usize,
    /// Bytes overtake none that were sent before them.
    pub(crate) up_at: u64,
    pub(crate) down_at: u64,
    /// Units that wait for the POST in flight.
    pub(crate) posts: VecDeque<Frames>,
    /// The POST in flight, by number.
    pub(crate) posting: Option<u32>,
    pub(crate) posted: u32,
    pub(crate) peer: Peer,
}

impl Wire {
    pub(crate) fn new(page: PageId, attempt: AttemptId, transport: Transport) -> Self {
        Self {
            page,
            attempt,
            transport,
            path: Path::Live,
            grip: Grip::Held,
            link: None,
            greeted: 0,
            ready: None,
            stalled_until: 0,
            flying: 0,
            up_at: 0,
            down_at: 0,
            posts: VecDeque::new(),
            posting: None,
            posted: 0,
            peer: Peer::default(),
        }
    }
}
