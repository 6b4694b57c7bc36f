//! Messages on their way up: numbered at the first write, kept until acknowledged.

use alloc::vec::Vec;

use crate::input::Ticket;
use crate::output::{Event, Outcome, Output};

#[derive(Debug, Clone)]
pub(crate) struct Entry<B> {
    pub(crate) ticket: Ticket,
    pub(crate) request: Option<u32>,
    pub(crate) body: B,
    pub(crate) bytes: u32,
}

/// A bounded queue. The first `numbered` entries have a `seq`: `acked + 1`, `acked + 2`, …; of these
/// the first `written` have been written to the current link.
#[derive(Debug)]
pub(crate) struct Outbox<B> {
    entries: Vec<Entry<B>>,
    acked: u64,
    numbered: usize,
    written: usize,
    bytes: usize,
}

impl<B: Clone> Outbox<B> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            acked: 0,
            numbered: 0,
            written: 0,
            bytes: 0,
        }
    }

    pub(crate) fn push(&mut self, entry: Entry<B>) {
        self.bytes += entry.bytes as usize;
        self.entries.push(entry);
    }

    /// Hands out the next entry to write on this link, with its `seq`.
    pub(crate) fn next(&mut self) -> Option<(u64, &Entry<B>)> {
        let entry = self.entries.get(self.written)?;
        self.written += 1;
        self.numbered = self.numbered.max(self.written);
        Some((self.acked + self.written as u64, entry))
    }

    /// What the next entry to write weighs.
    pub(crate) fn peek_bytes(&self) -> Option<usize> {
        Some(self.entries.get(self.written)?.bytes as usize)
    }

    /// Takes note that the server has everything up to `seq`. `None`: it cannot, so much was never
    /// written.
    pub(crate) fn ack<S>(&mut self, seq: u64, outputs: &mut Vec<Output<B, S>>) -> Option<()> {
        let count = seq
            .checked_sub(self.acked)
            .map_or(Some(0), |n| usize::try_from(n).ok())?;
        if count > self.numbered {
            return None;
        }
        self.settle_front(count, Outcome::Sent, outputs);
        self.acked += count as u64;
        Some(())
    }

    /// Makes every entry due again, for a new link.
    pub(crate) fn rewind(&mut self) {
        self.written = 0;
    }

    /// Starts a new numbering. Entries that had a number are given up: nobody knows their fate.
    pub(crate) fn renumber<S>(&mut self, outputs: &mut Vec<Output<B, S>>) {
        self.settle_front(self.numbered, Outcome::Unknown, outputs);
        self.acked = 0;
    }

    /// Gives up entries that were written, at most once dialects only.
    pub(crate) fn forget_written<S>(&mut self, outcome: Outcome, outputs: &mut Vec<Output<B, S>>) {
        self.acked += self.written as u64;
        self.settle_front(self.written, outcome, outputs);
    }

    /// Removes an entry that has no number yet.
    pub(crate) fn cancel(&mut self, ticket: Ticket) -> bool {
        let found = self.entries.iter().position(|entry| entry.ticket == ticket);
        let Some(index) = found.filter(|index| *index >= self.numbered) else {
            return false;
        };
        self.bytes -= self.entries.remove(index).bytes as usize;
        true
    }

    /// Empties the outbox at the end of the session.
    pub(crate) fn clear<S>(&mut self, outputs: &mut Vec<Output<B, S>>) {
        self.renumber(outputs);
        self.settle_front(self.entries.len(), Outcome::Closed, outputs);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn settle_front<S>(&mut self, count: usize, outcome: Outcome, outputs: &mut Vec<Output<B, S>>) {
        for entry in self.entries.drain(..count.min(self.entries.len())) {
            self.bytes -= entry.bytes as usize;
            outputs.push(Output::Event(Event::Settled(entry.ticket, outcome)));
        }
        self.numbered = self.numbered.saturating_sub(count);
        self.written = self.written.saturating_sub(count);
    }
}
