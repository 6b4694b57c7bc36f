//! The driver: input → core → outputs → one timer → deliver.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use throughline_core::{
    Accept, AttemptId, Config, Event, Input, Millis, Output, Session, Ticket, Transport,
};
use wasm_bindgen::prelude::*;

use crate::transport::{self, Link};

#[wasm_bindgen]
extern "C" {
    /// The JavaScript side of a session: what the driver calls out to.
    #[derive(Debug, Clone)]
    pub type Host;

    /// Delivers one turn's events, eight numbers each. Listeners run inside and may call back.
    #[wasm_bindgen(method)]
    fn deliver(this: &Host, events: &[f64]);

    /// Asks the token function; 0 to connect, 1 because the last one was refused.
    #[wasm_bindgen(method, js_name = askToken)]
    fn ask_token(this: &Host, reason: u8);

    /// Sets the one alarm, below 0: none.
    #[wasm_bindgen(method, js_name = setAlarm)]
    fn set_alarm(this: &Host, ms: f64);

    /// Milliseconds on the page's monotonic clock.
    #[wasm_bindgen(method)]
    fn now(this: &Host) -> f64;
}

/// Joins a core, its open links, and the page.
#[derive(Debug)]
pub(crate) struct Driver {
    host: Host,
    session: RefCell<Session<Ticket>>,
    links: RefCell<Vec<Link>>,
    inbox: RefCell<VecDeque<Input<Ticket>>>,
    turning: Cell<bool>,
}

impl Driver {
    pub(crate) fn new(host: Host, config: Config, seed: [u8; 16]) -> Self {
        Self {
            host,
            session: RefCell::new(Session::new(config, seed)),
            links: RefCell::default(),
            inbox: RefCell::default(),
            turning: Cell::new(false),
        }
    }

    /// Takes one input through the core. Called from inside a turn, it leaves the input to that
    /// turn: user code never meets borrowed state.
    pub(crate) fn turn(&self, input: Input<Ticket>) {
        self.inbox.borrow_mut().push_back(input);
        if self.turning.replace(true) {
            return;
        }
        loop {
            let Some(input) = self.inbox.borrow_mut().pop_front() else {
                break;
            };
            let now = self.now();
            self.session.borrow_mut().handle(input, now);
            let mut events = Vec::new();
            loop {
                let Some(output) = self.session.borrow_mut().poll_output() else {
                    break;
                };
                self.perform(output, &mut events);
            }
            if !events.is_empty() {
                self.host.deliver(&events);
            }
        }
        self.turning.set(false);
        self.arm();
    }

    pub(crate) fn accept(&self, attempt: AttemptId, n: u64) -> Accept {
        self.session.borrow_mut().accept(attempt, n)
    }

    pub(crate) fn heard(&self, attempt: AttemptId) {
        self.session.borrow_mut().heard(attempt);
    }

    pub(crate) fn inspect(&self) -> Vec<f64> {
        let session = self.session.borrow();
        let (messages, bytes) = session.buffered();
        let mut numbers = Vec::from([messages as f64, bytes as f64]);
        for entry in session.trace().iter() {
            let (attempt, transport) = entry
                .attempt
                .map_or((0, -1.0), |(id, t)| (id.0, f64::from(t as u8)));
            numbers.extend([
                entry.at.0 as f64,
                f64::from(entry.kind as u8),
                attempt.into(),
                transport,
                entry.a.into(),
                entry.b.into(),
            ]);
        }
        numbers
    }

    fn perform(&self, output: Output<Ticket>, events: &mut Vec<f64>) {
        match output {
            Output::Open {
                attempt,
                transport,
                link,
            } => {
                let link = Link::open(&self.host, attempt, transport, link);
                self.links.borrow_mut().push(link);
            }
            Output::Transmit { attempt, frames } => {
                let unit = transport::unit(&self.host, frames);
                let links = self.links.borrow();
                if let Some(link) = links.iter().find(|link| link.attempt == attempt) {
                    link.send(unit);
                }
            }
            Output::Drop { attempt } => {
                self.links
                    .borrow_mut()
                    .retain(|link| link.attempt != attempt);
            }
            Output::NeedToken(reason) => self.host.ask_token(reason as u8),
            Output::SideProbe => transport::side_probe(&self.host),
            Output::Event(event) => events.extend(numbers(event)),
        }
    }

    fn arm(&self) {
        // Set anew each time: a timer may fire early, and would otherwise be thought to be running.
        let due = self.session.borrow().poll_timeout();
        let span = due.map_or(-1.0, |due| (due - self.now()) as f64);
        self.host.set_alarm(span);
    }

    fn now(&self) -> Millis {
        Millis(self.host.now() as u64)
    }
}

/// Spells an event as kind, a, b, and an ending's cause, transport, code, status, retry-after.
/// −1 stands for "none".
fn numbers(event: Event) -> [f64; 8] {
    const NONE: f64 = -1.0;
    let carried = |t: Option<Transport>| t.map_or(NONE, |t| f64::from(t as u8));
    let (kind, a, b, ending) = match event {
        Event::State { from, to, ending } => (0, from as u8 as f64, to as u8 as f64, ending),
        Event::RetryIn(ms) => (1, ms as f64, NONE, None),
        Event::Transport { from, to } => (2, carried(from), carried(to), None),
        Event::Trouble(ending) => (3, NONE, NONE, Some(ending)),
        Event::Settled(ticket, outcome) => (4, ticket.0.into(), outcome as u8 as f64, None),
        Event::Gap => (5, NONE, NONE, None),
        Event::Drained => (6, NONE, NONE, None),
        Event::Remember(memory) => (
            7,
            f64::from(memory.transport as u8),
            memory.rtt.into(),
            None,
        ),
        Event::RoundTrip(ms) => (8, ms.into(), NONE, None),
    };
    let [cause, transport, code, status, retry] = ending.map_or([NONE; 5], |ending| {
        [
            f64::from(ending.cause as u8),
            carried(ending.transport),
            ending.code.into(),
            ending.status.into(),
            ending.retry_after.map_or(NONE, |ms| ms as f64),
        ]
    });
    [kind.into(), a, b, cause, transport, code, status, retry]
}
