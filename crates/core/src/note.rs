//! What happened, as numbers: what `explain()` is made of.

use crate::frame::Transport;
use crate::input::AttemptId;

/// What happened. The meaning of [`Note::a`] and [`Note::b`] follows each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The state changed: `a` from, `b` to.
    State = 0,
    /// An attempt started.
    Open = 1,
    /// It opened.
    Opened = 2,
    /// It proved itself: `a` milliseconds from start.
    Ready = 3,
    /// It was taken as the link: `a` the fence.
    Take = 4,
    /// It ended: `a` the cause, `b` the close code or HTTP status.
    Ended = 5,
    /// The next round waits: `a` milliseconds.
    Wait = 6,
    /// The token function was asked: `a` the reason.
    Token = 7,
    /// The HTTP side probe answered: `a` the status.
    SideProbe = 8,
    /// The server asked to move: `a` the spread.
    Goaway = 9,
    /// History was lost.
    Gap = 10,
    /// A probe for a better transport is due: `a` milliseconds from now.
    Climb = 11,
    /// An attempt's offer is on its way.
    Offered = 12,
    /// It was answered.
    Answered = 13,
    /// Another path was asked for.
    Mend = 14,
    /// One may be there.
    Mended = 15,
}

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub kind: Kind,
    /// To which attempt, if to one.
    pub attempt: Option<(AttemptId, Transport)>,
    /// By kind.
    pub a: u32,
    /// By kind.
    pub b: u32,
}
