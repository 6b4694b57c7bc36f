//! The application on the page: what it did, and what it heard.

use std::collections::BTreeMap;

use throughline_core::{Ending, Event, Memory, Outcome, StateKind, Ticket, TokenReason, Transport};

use crate::world::World;

/// What a send asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter {
    pub(crate) request: bool,
    pub(crate) bytes: u32,
    /// When it is worthless.
    pub(crate) until: Option<u64>,
    /// Only the latest of a key counts.
    pub(crate) key: Option<u8>,
}

impl Letter {
    pub(crate) const fn plain(request: bool, bytes: u32) -> Self {
        Self {
            request,
            bytes,
            until: None,
            key: None,
        }
    }

    /// How much of its time is left.
    pub(crate) fn left(&self, now: u64) -> Option<u32> {
        self.until.map(|until| until.saturating_sub(now) as u32)
    }
}

/// What the application did, and what it heard.
#[derive(Debug, Default)]
pub(crate) struct App {
    /// Outcomes by ticket; tickets count from 1, and a message's body is its ticket.
    pub(crate) sends: Vec<Option<Outcome>>,
    pub(crate) letters: Vec<Letter>,
    /// The last send of each key.
    pub(crate) latest: BTreeMap<u8, Ticket>,
    /// Everything that was delivered, in order.
    pub(crate) log: Vec<u64>,
    pub(crate) delivered: u64,
    pub(crate) replies: u64,
    /// The server session and the number of the last message.
    pub(crate) last: (u64, u64),
    /// The application was told of a gap since.
    pub(crate) gap: bool,
    pub(crate) gaps: u32,
    /// Sends in this turn whose fate nobody knows.
    pub(crate) unknown: u32,
    pub(crate) states: Vec<(u64, StateKind)>,
    pub(crate) carried: Vec<(u64, Option<Transport>)>,
    pub(crate) opens: Vec<(u64, Transport)>,
    pub(crate) retries: Vec<(u64, u64)>,
    pub(crate) troubles: Vec<Ending>,
    pub(crate) memories: Vec<Memory>,
    pub(crate) asked: Vec<(u64, TokenReason)>,
    pub(crate) probes: u32,
    /// When offers were made.
    pub(crate) offered: Vec<u64>,
    /// When another path was asked for.
    pub(crate) mends: Vec<u64>,
    /// Tokens that the server refuses, as far as they were handed out.
    pub(crate) bad_tokens: u32,
    pub(crate) ending: Option<Ending>,
}

impl App {
    /// How many sends have no outcome yet.
    pub(crate) fn undecided(&self) -> usize {
        self.sends
            .iter()
            .filter(|outcome| outcome.is_none())
            .count()
    }

    pub(crate) fn letter(&self, ticket: Ticket) -> Letter {
        self.letters[ticket.0 as usize - 1]
    }

    /// Sends that a page leaves undecided: those that it had written, and those that wait.
    pub(crate) fn left(&self, written: &[Ticket]) -> (Vec<Ticket>, Vec<Ticket>) {
        let tickets = (1..=self.sends.len()).map(|n| Ticket(n as u32));
        let open = |ticket: &Ticket| self.sends[ticket.0 as usize - 1].is_none();
        let waiting = tickets.filter(|ticket| open(ticket) && !written.contains(ticket));
        (written.to_vec(), waiting.collect())
    }

    /// How many attempts were opened in the span from `from` to `to`.
    pub(crate) fn opened_between(&self, from: u64, to: u64) -> usize {
        self.opens
            .iter()
            .filter(|(at, _)| (from..=to).contains(at))
            .count()
    }
}

impl World {
    pub(crate) fn hear(&mut self, event: Event) {
        self.observe(&event);
        self.store_event(&event);
        let (now, app) = (self.now, &mut self.page.app);
        match event {
            Event::State { from, to, ending } => {
                let back = matches!(from, StateKind::Reconnecting | StateKind::Suspended);
                self.tally.returns += u64::from(back && to == StateKind::Connected);
                app.states.push((now, to));
                app.ending = ending;
            }
            Event::RetryIn(ms) => app.retries.push((now, ms)),
            Event::Transport { from, to } => {
                app.carried.push((now, to));
                self.tally.switches += u64::from(from.is_some() && to.is_some());
            }
            Event::Trouble(ending) => app.troubles.push(ending),
            Event::Settled(ticket, outcome) => {
                app.settle(ticket, outcome);
                self.tally.settle(outcome);
            }
            Event::Gap { .. } => {
                app.gap = true;
                app.gaps += 1;
                self.tally.gaps += 1;
                (self.page.accepted, self.page.read, self.page.acknowledged) = (0, 0, 0);
            }
            Event::Remember(memory) => app.memories.push(memory),
            Event::Drained | Event::RoundTrip(..) => {}
        }
    }
}
