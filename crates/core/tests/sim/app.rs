//! The application on the page: what it did, and what it heard.

use throughline_core::{Ending, Event, Memory, Outcome, StateKind, TokenReason, Transport};

use crate::world::World;

/// What the application did, and what it heard.
#[derive(Debug, Default)]
pub(crate) struct App {
    /// Outcomes by ticket; tickets count from 1, and a message's body is its ticket.
    pub(crate) sends: Vec<Option<Outcome>>,
    pub(crate) delivered: u64,
    pub(crate) replies: u64,
    /// The server session and the number of the last message.
    pub(crate) last: (u64, u64),
    /// The application was told of a gap since.
    pub(crate) gap: bool,
    pub(crate) gaps: u32,
    pub(crate) states: Vec<(u64, StateKind)>,
    pub(crate) carried: Vec<(u64, Option<Transport>)>,
    pub(crate) opens: Vec<(u64, Transport)>,
    pub(crate) retries: Vec<(u64, u64)>,
    pub(crate) troubles: Vec<Ending>,
    pub(crate) memories: Vec<Memory>,
    pub(crate) asked: Vec<(u64, TokenReason)>,
    pub(crate) probes: u32,
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
        let (now, app) = (self.now, &mut self.page.app);
        match event {
            Event::State { to, ending, .. } => {
                app.states.push((now, to));
                app.ending = ending;
            }
            Event::RetryIn(ms) => app.retries.push((now, ms)),
            Event::Transport { to, .. } => app.carried.push((now, to)),
            Event::Trouble(ending) => app.troubles.push(ending),
            Event::Settled(ticket, outcome) => app.settle(ticket, outcome),
            Event::Gap { .. } => {
                app.gap = true;
                app.gaps += 1;
            }
            Event::Remember(memory) => app.memories.push(memory),
            Event::Drained | Event::RoundTrip(_) => {}
        }
    }
}
