//! Messages on their way up: numbered at the first write, kept until acknowledged.

use alloc::vec::Vec;

use crate::input::Ticket;
use crate::output::{Event, Outcome, Output};
use crate::time::Millis;

#[derive(Debug, Clone)]
pub(crate) struct Entry<B> {
    pub(crate) ticket: Ticket,
    pub(crate) request: Option<u32>,
    pub(crate) body: B,
    pub(crate) bytes: u32,
    /// Worthless from then on, unless it was written before.
    pub(crate) expires: Millis,
}

/// How much may be on its way at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// A queue. The first `numbered` entries have a `seq`: `acked + 1`, `acked + 2`, …; of these the
/// first `written` have been written to the current link. What has no number yet waits, and may
/// still be taken back.
#[derive(Debug)]
pub(crate) struct Outbox<B> {
    entries: Vec<Entry<B>>,
    bounds: Bounds,
    acked: u64,
    numbered: usize,
    numbered_bytes: u64,
    written: usize,
    bytes: u64,
    /// No waiting entry expires before.
    soonest: Millis,
}

impl<B: Clone> Outbox<B> {
    pub(crate) const fn new(bounds: Bounds) -> Self {
        Self {
            entries: Vec::new(),
            bounds,
            acked: 0,
            numbered: 0,
            numbered_bytes: 0,
            written: 0,
            bytes: 0,
            soonest: Millis::NEVER,
        }
    }

    /// Goes on from the numbering of an earlier page.
    pub(crate) const fn restore(&mut self, acked: u64) {
        self.acked = acked;
    }

    /// Puts back what an earlier page may have written: it keeps its number.
    pub(crate) fn put_back(&mut self, entry: Entry<B>) {
        self.numbered += 1;
        self.numbered_bytes += u64::from(entry.bytes);
        self.push(entry);
    }

    pub(crate) fn push(&mut self, entry: Entry<B>) {
        self.bytes += u64::from(entry.bytes);
        self.soonest = self.soonest.min(entry.expires);
        self.entries.push(entry);
    }

    /// Whether an entry of so many bytes stays within the bounds, in place of one that waits.
    pub(crate) fn has_room(&self, bytes: u32, replaces: Option<Ticket>) -> bool {
        let waiting = self.entries.iter().skip(self.numbered);
        let freed = replaces.and_then(|ticket| waiting.rev().find(|entry| entry.ticket == ticket));
        let (count, weight) = freed.map_or((0, 0), |entry| (1, u64::from(entry.bytes)));
        self.fits(self.entries.len() - count, self.bytes - weight, bytes)
    }

    /// Whether half of the bounds is free.
    pub(crate) fn is_relaxed(&self) -> bool {
        self.entries.len() <= self.bounds.messages / 2 && self.bytes <= self.bounds.bytes as u64 / 2
    }

    /// Whether one more entry fits beside `count` that hold `held` bytes. One alone always does.
    const fn fits(&self, count: usize, held: u64, bytes: u32) -> bool {
        count == 0
            || (count < self.bounds.messages && held + bytes as u64 <= self.bounds.bytes as u64)
    }

    /// What the next entry to write weighs, if there is one that may go on its way now.
    pub(crate) fn peek_bytes(&self) -> Option<usize> {
        let bytes = self.entries.get(self.written)?.bytes;
        let may_go =
            self.written < self.numbered || self.fits(self.numbered, self.numbered_bytes, bytes);
        may_go.then_some(bytes as usize)
    }

    /// Hands out the entry that [`peek_bytes`](Self::peek_bytes) weighed, with its `seq`.
    pub(crate) fn next(&mut self) -> Option<(u64, &Entry<B>)> {
        let entry = self.entries.get(self.written)?;
        self.written += 1;
        if self.written > self.numbered {
            self.numbered = self.written;
            self.numbered_bytes += u64::from(entry.bytes);
        }
        Some((self.acked + self.written as u64, entry))
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
    pub(crate) const fn rewind(&mut self) {
        self.written = 0;
    }

    /// Starts a new numbering and returns how many entries had a number. They are given up: nobody
    /// knows their fate.
    pub(crate) fn renumber<S>(&mut self, outputs: &mut Vec<Output<B, S>>) -> usize {
        let unknown = self.numbered;
        self.settle_front(unknown, Outcome::Unknown, outputs);
        self.acked = 0;
        unknown
    }

    /// Gives up entries that were written, at most once dialects only.
    pub(crate) fn forget_written<S>(&mut self, outcome: Outcome, outputs: &mut Vec<Output<B, S>>) {
        self.acked += self.written as u64;
        self.settle_front(self.written, outcome, outputs);
    }

    /// Removes an entry that has no number yet.
    pub(crate) fn cancel(&mut self, ticket: Ticket) -> bool {
        let found = self.entries.iter().position(|entry| entry.ticket == ticket);
        let waiting = found.filter(|index| *index >= self.numbered);
        let Some(index) = waiting else {
            return false;
        };
        let entry = self.entries.remove(index);
        self.bytes -= u64::from(entry.bytes);
        true
    }

    /// Until when nothing that waits expires.
    pub(crate) const fn soonest(&self) -> Millis {
        self.soonest
    }

    /// Removes what has expired before it got a number.
    pub(crate) fn expire<S>(&mut self, now: Millis, outputs: &mut Vec<Output<B, S>>) {
        if self.soonest > now {
            return;
        }
        self.soonest = Millis::NEVER;
        let mut index = self.numbered;
        while let Some(entry) = self.entries.get(index) {
            let (ticket, bytes, expires) = (entry.ticket, entry.bytes, entry.expires);
            if expires <= now {
                self.bytes -= u64::from(bytes);
                self.entries.remove(index);
                let event = Event::Settled(ticket, Outcome::Expired);
                outputs.push(Output::Event(event));
            } else {
                self.soonest = self.soonest.min(expires);
                index += 1;
            }
        }
    }

    /// Empties the outbox at the end of the session.
    pub(crate) fn clear<S>(&mut self, outputs: &mut Vec<Output<B, S>>) {
        self.renumber(outputs);
        self.settle_front(self.entries.len(), Outcome::Closed, outputs);
        self.soonest = Millis::NEVER;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    fn settle_front<S>(&mut self, count: usize, outcome: Outcome, outputs: &mut Vec<Output<B, S>>) {
        let count = count.min(self.entries.len());
        for entry in self.entries.drain(..count) {
            self.bytes -= u64::from(entry.bytes);
            if self.numbered > 0 {
                self.numbered -= 1;
                self.numbered_bytes -= u64::from(entry.bytes);
            }
            self.written = self.written.saturating_sub(1);
            outputs.push(Output::Event(Event::Settled(entry.ticket, outcome)));
        }
    }
}
