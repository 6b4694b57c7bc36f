//! The states, what each allows, and the only code that changes them.

use alloc::vec::Vec;

use super::link::Link;
use super::search::Search;
use crate::close::Ending;
use crate::frame::Transport;
use crate::note::{Kind, Note};
use crate::output::{Event, Output, StateKind};
use crate::time::Millis;

/// Each state owns the data that exists only in it.
#[derive(Debug)]
// A tag of its own: one in a niche costs code wherever it is looked at.
#[repr(u8)]
pub(super) enum State {
    Idle,
    Connecting(Search),
    Connected(Link),
    Reconnecting(Search),
    Suspended(Search),
    Closing(Link, Farewell),
    Closed(Ending),
    Failed(Ending),
}

/// How far the end of a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// The outbox is being emptied.
    Draining { until: Millis },
    /// `close` is on its way up.
    Leaving { until: Millis },
}

/// What `send()` does in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendPolicy {
    /// Refused: there is nobody to send it.
    Refuse,
    /// Kept in the outbox until there is a link.
    Queue,
    /// Written at once.
    Transmit,
}

/// A row of the policy table: what a state allows and what an application should show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The state's name.
    pub name: &'static str,
    /// What `send()` does.
    pub send: SendPolicy,
    /// What there is of a link.
    pub link: &'static str,
    /// Whether the session tries to connect by itself.
    pub retries: bool,
    /// Whether the state is never left.
    pub terminal: bool,
    /// What an application should show.
    pub show: &'static str,
}

impl StateKind {
    /// Every state, in the order a session may pass through them.
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::Connecting,
        Self::Connected,
        Self::Reconnecting,
        Self::Suspended,
        Self::Closing,
        Self::Closed,
        Self::Failed,
    ];

    /// Returns the state's row of the policy table.
    #[must_use]
    pub const fn policy(self) -> Policy {
        use SendPolicy::{Queue, Refuse, Transmit};
        let (name, send, link, retries, terminal, show) = match self {
            Self::Idle => ("idle", Refuse, "none", false, false, "nothing"),
            Self::Connecting => ("connecting", Queue, "opening", true, false, "connecting"),
            Self::Connected => ("connected", Transmit, "live", false, false, "live"),
            Self::Reconnecting => (
                "reconnecting",
                Queue,
                "opening",
                true,
                false,
                "reconnecting",
            ),
            Self::Suspended => ("suspended", Refuse, "opening", true, false, "offline"),
            Self::Closing => ("closing", Refuse, "draining", false, false, "closing"),
            Self::Closed => ("closed", Refuse, "none", false, true, "closed"),
            Self::Failed => (
                "failed",
                Refuse,
                "none",
                false,
                true,
                "the error and its remedy",
            ),
        };
        Policy {
            name,
            send,
            link,
            retries,
            terminal,
            show,
        }
    }

    /// Whether a session may go from this state to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Idle => matches!(next, Self::Connecting | Self::Closed),
            Self::Connecting => matches!(next, Self::Connected | Self::Closed | Self::Failed),
            Self::Connected => {
                matches!(
                    next,
                    Self::Reconnecting | Self::Closing | Self::Closed | Self::Failed
                )
            }
            Self::Reconnecting => {
                matches!(
                    next,
                    Self::Connected | Self::Suspended | Self::Closed | Self::Failed
                )
            }
            Self::Suspended => matches!(next, Self::Connected | Self::Closed | Self::Failed),
            Self::Closing => matches!(next, Self::Closed),
            Self::Closed | Self::Failed => false,
        }
    }
}

impl State {
    pub(super) const fn kind(&self) -> StateKind {
        match self {
            Self::Idle => StateKind::Idle,
            Self::Connecting(_) => StateKind::Connecting,
            Self::Connected(_) => StateKind::Connected,
            Self::Reconnecting(_) => StateKind::Reconnecting,
            Self::Suspended(_) => StateKind::Suspended,
            Self::Closing(..) => StateKind::Closing,
            Self::Closed(_) => StateKind::Closed,
            Self::Failed(_) => StateKind::Failed,
        }
    }

    pub(super) const fn search_mut(&mut self) -> Option<&mut Search> {
        match self {
            Self::Connecting(search) | Self::Reconnecting(search) | Self::Suspended(search) => {
                Some(search)
            }
            Self::Idle
            | Self::Connected(_)
            | Self::Closing(..)
            | Self::Closed(_)
            | Self::Failed(_) => None,
        }
    }

    pub(super) const fn link(&self) -> Option<&Link> {
        match self {
            Self::Connected(link) | Self::Closing(link, _) => Some(link),
            Self::Idle
            | Self::Connecting(_)
            | Self::Reconnecting(_)
            | Self::Suspended(_)
            | Self::Closed(_)
            | Self::Failed(_) => None,
        }
    }

    pub(super) const fn link_mut(&mut self) -> Option<&mut Link> {
        match self {
            Self::Connected(link) | Self::Closing(link, _) => Some(link),
            Self::Idle
            | Self::Connecting(_)
            | Self::Reconnecting(_)
            | Self::Suspended(_)
            | Self::Closed(_)
            | Self::Failed(_) => None,
        }
    }

    pub(super) fn transport(&self) -> Option<Transport> {
        self.link().map(|link| link.transport)
    }

    /// Enters `next`, says so, and returns what was left.
    pub(super) fn transition_to<B, S>(
        &mut self,
        next: Self,
        ending: Option<Ending>,
        outputs: &mut Vec<Output<B, S>>,
    ) -> Self {
        let (from, to) = (self.kind(), next.kind());
        let carried = (self.transport(), next.transport());
        let left = core::mem::replace(self, next);
        if carried.0 != carried.1 {
            outputs.push(Output::Event(Event::Transport {
                from: carried.0,
                to: carried.1,
            }));
        }
        if from != to {
            debug_assert!(from.may_become(to), "{from:?} may not become {to:?}");
            outputs.push(Output::Note(Note {
                kind: Kind::State,
                attempt: None,
                a: from as u32,
                b: to as u32,
            }));
            outputs.push(Output::Event(Event::State { from, to, ending }));
        }
        left
    }
}
