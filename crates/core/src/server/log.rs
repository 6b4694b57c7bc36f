//! A session's messages on their way down: numbered, kept until acknowledged, bounded by bytes.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::frame::Frame;

/// What an entry takes beside its payload: itself, and what its type and payload are shared by.
pub(super) const ENTRY_BYTES: usize = 160;

/// What a session was sent, or will be, has not acknowledged, and can be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unacked {
    /// How many messages and replies.
    pub messages: usize,
    /// What they take in units, about.
    pub bytes: usize,
}

/// The entries' offsets run from `first` to `last()` without a hole.
#[derive(Debug)]
pub(super) struct Log<B> {
    entries: VecDeque<(Frame<B>, usize)>,
    first: u64,
    acked: u64,
    bytes: usize,
}

impl<B: Clone> Log<B> {
    pub(super) const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            first: 1,
            acked: 0,
            bytes: 0,
        }
    }

    /// Goes on from what a store has: `entries` up to the offset `last`.
    pub(super) fn restore(entries: Vec<(Frame<B>, usize)>, last: u64, acked: u64) -> Self {
        Self {
            first: (last + 1).saturating_sub(entries.len() as u64),
            bytes: entries.iter().map(|(_, bytes)| bytes).sum(),
            entries: entries.into(),
            acked,
        }
    }

    /// Gives the next offset away and keeps the frame under it, at the cost of the oldest if there
    /// are more than `limit` bytes. The newest always stays.
    pub(super) fn push(
        &mut self,
        bytes: usize,
        limit: usize,
        frame: impl FnOnce(u64) -> Frame<B>,
    ) -> Frame<B> {
        let frame = frame(self.last() + 1);
        self.entries.push_back((frame.clone(), bytes));
        self.bytes += bytes;
        while self.bytes > limit && self.entries.len() > 1 {
            self.pop_first();
        }
        frame
    }

    /// Forgets what the client has. `None`: it cannot have that, so much was never sent.
    pub(super) fn ack(&mut self, offset: u64) -> Option<()> {
        if offset > self.last() {
            return None;
        }
        self.acked = self.acked.max(offset);
        while self.first <= offset {
            self.pop_first();
        }
        Some(())
    }

    /// Whether everything that the client lacks is still here. `received` may be older than its
    /// last ack, where a `hello` was overtaken.
    pub(super) fn covers(&self, received: u64) -> bool {
        received <= self.last() && received.max(self.acked) + 1 >= self.first
    }

    /// The last offset given away.
    pub(super) fn last(&self) -> u64 {
        self.first + self.entries.len() as u64 - 1
    }

    /// About what the entries take in memory.
    pub(super) fn footprint(&self) -> usize {
        self.bytes + self.entries.len() * ENTRY_BYTES
    }

    /// Forgets the oldest entries down to a footprint of `level`, and says how many. The newest
    /// always stays.
    pub(super) fn shrink(&mut self, level: usize) -> usize {
        let before = self.entries.len();
        while self.footprint() > level && self.entries.len() > 1 {
            self.pop_first();
        }
        before - self.entries.len()
    }

    pub(super) fn unacked(&self) -> Unacked {
        Unacked {
            messages: self.entries.len(),
            bytes: self.bytes,
        }
    }

    /// The oldest offset that is kept, or the next to be given away.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    pub(super) const fn acked(&self) -> u64 {
        self.acked
    }

    /// All entries, with their sizes.
    pub(super) fn replay(&self) -> impl Iterator<Item = (Frame<B>, usize)> {
        self.entries.iter().cloned()
    }

    fn pop_first(&mut self) {
        if let Some((_, bytes)) = self.entries.pop_front() {
            self.bytes -= bytes;
            self.first += 1;
        }
    }
}
