//! The network: what becomes of a connection, and how long things take.

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;
use throughline_core::{Cause, Transport};

use crate::peer::{Mending, Udp};

/// What happens to new connections of one transport (for split ones: to the way down).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// HTTP 403.
    Refuse,
    /// A TCP reset.
    Rst,
    /// Accepted, never answered.
    Hang,
    /// Opened, then silence both ways.
    Swallow,
    /// Opened, then cut; until then bytes pass or do not.
    Flap {
        after: u64,
        passes: bool,
    },
    /// A stream's headers come and its bytes are held back.
    Mute,
    Status {
        status: u16,
        retry_after: Option<u32>,
    },
    /// The page itself cannot open it.
    Here(Cause),
}

impl Fault {
    pub(crate) const fn status(status: u16) -> Self {
        Self::Status {
            status,
            retry_after: None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Net {
    /// By transport.
    pub(crate) faults: [Fault; 4],
    /// On every POST.
    pub(crate) post: Fault,
    /// On every request there is, the side probe included.
    pub(crate) all: Fault,
    pub(crate) offline: bool,
    pub(crate) udp: Udp,
    pub(crate) mending: Mending,
    /// Milliseconds that an offer takes, at most.
    pub(crate) gathering: u64,
    /// One in so many POSTs arrives twice; 0: none.
    pub(crate) repeats: u64,
    /// Milliseconds one way.
    pub(crate) delay: u64,
    pub(crate) jitter: u64,
    rng: Xoshiro128PlusPlus,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            faults: [Fault::None; 4],
            post: Fault::None,
            all: Fault::None,
            offline: false,
            udp: Udp::Open,
            mending: Mending::Heals,
            gathering: 60,
            repeats: 0,
            delay: 5,
            jitter: 0,
            rng: Xoshiro128PlusPlus::seed_from_u64(seed),
        }
    }

    pub(crate) fn set(&mut self, transport: Transport, fault: Fault) {
        self.faults[transport as usize] = fault;
    }

    /// Heals everything but time.
    pub(crate) fn heal(&mut self) {
        self.faults = [Fault::None; 4];
        self.post = Fault::None;
        self.all = Fault::None;
        self.offline = false;
        self.mending = Mending::Heals;
        self.repeats = 0;
    }

    /// Whether this POST is sent once more on its way.
    pub(crate) fn repeats(&mut self) -> bool {
        self.repeats > 0 && self.one_in(self.repeats)
    }

    /// What meets a request for the way down of `transport`.
    pub(crate) fn fate(&self, transport: Transport) -> Fault {
        self.common(self.faults[transport as usize])
    }

    /// What was set for `transport`, whatever else meets requests.
    pub(crate) fn own(&self, transport: Transport) -> Fault {
        self.faults[transport as usize]
    }

    pub(crate) fn fate_of_post(&self) -> Fault {
        self.common(self.post)
    }

    pub(crate) fn fate_of_probe(&self) -> Fault {
        self.common(Fault::None)
    }

    fn common(&self, own: Fault) -> Fault {
        if self.offline {
            Fault::Rst
        } else if self.all != Fault::None {
            self.all
        } else {
            own
        }
    }

    /// One way over an open connection.
    pub(crate) fn travel(&mut self) -> u64 {
        let jitter = self.below(self.jitter + 1);
        self.delay + jitter
    }

    /// To the door over a new connection: its handshake is a round trip.
    pub(crate) fn dial(&mut self) -> u64 {
        2 * self.delay + self.travel()
    }

    /// Draws from `0..end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (u64::from(self.rng.next_u32()) * end) >> 32
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}
