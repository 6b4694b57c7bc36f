//! A page that is loaded again and goes on with its session, by what it had stored.

use throughline_core::{Event, Frame, Input, Nonce, Outcome, Restored, StateKind, Ticket};

use crate::page::{Page, Reader};
use crate::wire::{Frames, PageId, WireId};
use crate::world::World;

/// What a page keeps where the next page of its tab finds it.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// The server's name of the session.
    pub(crate) session: Option<String>,
    connect: Option<Nonce>,
    instance: Option<Nonce>,
    fence: u32,
    /// Sends of this session that were settled as sent.
    acked: u64,
    /// Sends of this session that were written and are not settled, in order.
    written: Vec<Ticket>,
}

impl World {
    /// Notes what a unit says of the session.
    pub(crate) fn store_unit(&mut self, wire: WireId, frames: &Frames) {
        let stored = &mut self.page.stored;
        for frame in frames {
            match frame {
                Frame::Hello(hello) => {
                    stored.connect = Some(hello.connect);
                    stored.instance = Some(hello.instance);
                    self.wires[wire].greeted = hello.received;
                }
                Frame::Take { fence, .. } => {
                    stored.fence = *fence;
                    stored.session.clone_from(&self.wires[wire].ready);
                }
                Frame::Message { body, .. } | Frame::Request { body, .. } => {
                    let ticket = Ticket(*body as u32);
                    if !stored.written.contains(&ticket) {
                        stored.written.push(ticket);
                    }
                }
                _ => {}
            }
        }
    }

    /// Notes what an event says of the session.
    pub(crate) fn store_event(&mut self, event: &Event) {
        let stored = &mut self.page.stored;
        match event {
            Event::Settled(ticket, outcome) => {
                stored.acked += u64::from(*outcome == Outcome::Sent);
                stored.written.retain(|written| written != ticket);
            }
            Event::Gap { .. } => {
                stored.acked = 0;
                stored.written.clear();
            }
            Event::State { .. }
            | Event::RetryIn(_)
            | Event::Transport { .. }
            | Event::Trouble(_)
            | Event::Drained
            | Event::Remember(_)
            | Event::RoundTrip(..) => {}
        }
    }

    /// The page goes, and its tab opens it again. A session that is over or that ends is not gone on
    /// with.
    pub(crate) fn reload(&mut self) {
        let state = self.state();
        let ends = state == StateKind::Closing || state.policy().terminal;
        if self.page.is_json() || state == StateKind::Idle || ends {
            return;
        }
        for wire in self.page.held.clone() {
            self.let_go(wire);
        }
        self.disarm_page();
        let PageId { tab, load } = self.page.id;
        let id = PageId {
            tab,
            load: load + 1,
        };
        let page = Page::new(self.seed, id, self.page.config.clone());
        let old = core::mem::replace(&mut *self.page, page);
        self.page.inherit(old, self.now);
        self.tally.reloads += 1;
        let (kept, waiting) = self.page.app.left(&self.page.stored.written);
        for ticket in kept {
            let letter = self.page.app.letter(ticket);
            self.turn(Input::Kept {
                ticket,
                request: letter.request.then_some(ticket.0),
                body: self.page.body(ticket),
                bytes: letter.bytes,
            });
        }
        self.connect();
        for ticket in waiting {
            self.hand_over(ticket, None);
        }
    }
}

impl Page {
    /// Takes over what outlives a page: what the application did and heard, and what was stored.
    fn inherit(&mut self, old: Self, now: u64) {
        self.app = old.app;
        self.stored = old.stored;
        self.tokens = old.tokens;
        self.alarm_first = old.alarm_first;
        self.late = old.late;
        self.reader = old.reader;
        self.app.states.push((now, StateKind::Idle));
        self.app.carried.push((now, None));
        let received = old.read.max(old.acknowledged);
        let stored = &self.stored;
        if let (Some(session), Some(connect), Some(instance)) =
            (stored.session.clone(), stored.connect, stored.instance)
        {
            self.core.restore(Restored {
                session,
                connect,
                instance,
                fence: stored.fence,
                received,
                acked: stored.acked,
            });
            (self.accepted, self.read) = (received, received);
            if !self.app.gap {
                // What was acknowledged and never read is lost with the page.
                self.app.last.1 = self.app.last.1.max(received);
            }
        }
        if let Reader::Slow(_) = self.reader {
            self.core.delivered(self.read);
        }
    }
}
