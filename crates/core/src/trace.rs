//! The last things that happened, as numbers: what `explain()` is made of.

use alloc::vec::Vec;

use crate::frame::Transport;
use crate::input::AttemptId;
use crate::time::Millis;

/// Entries kept; older ones make room.
pub const CAPACITY: usize = 256;

/// What happened. The meaning of [`Entry::a`] and [`Entry::b`] follows each kind.
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
pub struct Entry {
    /// When.
    pub at: Millis,
    /// What.
    pub kind: Kind,
    /// To which attempt, if to one.
    pub attempt: Option<(AttemptId, Transport)>,
    /// By kind.
    pub a: u32,
    /// By kind.
    pub b: u32,
}

/// A bounded log of entries, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    entries: Vec<Entry>,
    /// Where the oldest entry is once the log is full.
    oldest: usize,
}

impl Trace {
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.entries.len() < CAPACITY {
            self.entries.push(entry);
        } else if let Some(oldest) = self.entries.get_mut(self.oldest) {
            *oldest = entry;
            self.oldest = (self.oldest + 1) % CAPACITY;
        }
    }

    /// Returns the entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        let (newer, older) = self
            .entries
            .split_at_checked(self.oldest)
            .unwrap_or_default();
        older.iter().chain(newer)
    }
}
