//! One try to open a link: open, greet, prove, perhaps wait to be taken.

use crate::close::Cause;
use crate::frame::{Ready, Transport};
use crate::input::AttemptId;
use crate::time::Millis;

/// A try in flight. It becomes a [`Link`](super::link::Link) or is dropped.
#[derive(Debug)]
pub(super) struct Attempt<S> {
    pub(super) id: AttemptId,
    pub(super) transport: Transport,
    /// When the clock of its round trip started: at opening, or at opened where that is a moment of its own.
    pub(super) started: Millis,
    pub(super) phase: Phase<S>,
    pub(super) uplink: Uplink,
}

#[derive(Debug)]
pub(super) enum Phase<S> {
    /// Nothing heard yet.
    Opening { until: Millis },
    /// The offer is on its way.
    Offered { until: Millis },
    /// It was answered; the path is being looked for.
    Answered { until: Millis },
    /// Opened; the proof of life is due.
    Greeting { until: Millis },
    /// A plain server speaks, but has not said what names it ready.
    Speaking { until: Millis },
    /// Proven (or, without a handshake, open): taken if it still lives then.
    Settling {
        until: Millis,
        ready: Option<Ready<S>>,
        rtt: u32,
    },
}

/// Whether the way up takes another unit now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uplink {
    Free,
    /// A POST is in flight; POSTs are sent one after another.
    Busy,
}

impl<S> Attempt<S> {
    pub(super) const fn until(&self) -> Millis {
        match self.phase {
            Phase::Opening { until }
            | Phase::Offered { until }
            | Phase::Answered { until }
            | Phase::Greeting { until }
            | Phase::Speaking { until }
            | Phase::Settling { until, .. } => until,
        }
    }

    /// Pushes the deadline out by the time in which the page was frozen.
    pub(super) fn postpone(&mut self, later: impl Fn(Millis) -> Millis) {
        match &mut self.phase {
            Phase::Opening { until }
            | Phase::Offered { until }
            | Phase::Answered { until }
            | Phase::Greeting { until }
            | Phase::Speaking { until }
            | Phase::Settling { until, .. } => {
                *until = later(*until);
            }
        }
    }

    /// A message came.
    pub(super) fn speak(&mut self) {
        if let Phase::Greeting { until } = self.phase {
            self.phase = Phase::Speaking { until };
        }
    }

    /// Names what a passed deadline means in this phase; `None` where it is not a failure.
    pub(super) const fn overdue(&self) -> Option<Cause> {
        match (&self.phase, self.transport) {
            (Phase::Opening { .. } | Phase::Offered { .. } | Phase::Answered { .. }, _)
            | (Phase::Greeting { .. }, Transport::LongPoll) => Some(Cause::Hang),
            (Phase::Greeting { .. }, Transport::WebSocket | Transport::WebRtc) => {
                Some(Cause::Swallowed)
            }
            // The stream is there and the POST of `hello` has no answer: the way up is what hangs.
            (Phase::Greeting { .. }, Transport::Sse) if matches!(self.uplink, Uplink::Busy) => {
                Some(Cause::PostHung)
            }
            (Phase::Greeting { .. }, Transport::Sse) => Some(Cause::Muted),
            (Phase::Speaking { .. }, _) => Some(Cause::NotReady),
            (Phase::Settling { .. }, _) => None,
        }
    }

    pub(super) const fn has_opened(&self) -> bool {
        match self.phase {
            Phase::Opening { .. } | Phase::Offered { .. } | Phase::Answered { .. } => false,
            Phase::Greeting { .. } | Phase::Speaking { .. } | Phase::Settling { .. } => true,
        }
    }

    pub(super) const fn is_settling(&self) -> bool {
        match self.phase {
            Phase::Opening { .. }
            | Phase::Offered { .. }
            | Phase::Answered { .. }
            | Phase::Greeting { .. }
            | Phase::Speaking { .. } => false,
            Phase::Settling { .. } => true,
        }
    }
}
