//! The driver: input → core → outputs, spelled as numbers for the page to perform.

use throughline_core::trace::Entry;
use throughline_core::{
    Config, Ending, Event, Frame, Input, Millis, Nonce, Output, Restored, Session, Ticket,
    Transport,
};

use crate::numbers::{NONE, Numbers, spelled};

/// What the page calls a session by: it keeps the server's name itself.
pub(crate) type Name = u32;

/// Joins a core and the page.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) session: Session<Ticket, Name>,
    numbers: Numbers,
}

impl Driver {
    pub(crate) fn new(config: Config, seed: [u8; 16], restored: Option<Restored<Name>>) -> Self {
        let mut session = Session::new(config, seed);
        if let Some(restored) = restored {
            session.restore(restored);
        }
        Self {
            session,
            numbers: Numbers::default(),
        }
    }

    /// Takes one input through the core and returns how many numbers say what to do about it. Events
    /// come last: the page may call back for them.
    pub(crate) fn turn(&mut self, input: Input<Ticket, Name>, now: Millis) -> usize {
        self.numbers.clear();
        let mut events = Numbers::default();
        self.session.handle(input, now);
        while let Some(output) = self.session.poll_output() {
            self.numbers.output(output, &mut events);
        }
        let due = self.session.poll_timeout();
        let span = spelled(due.map(|due| due - now));
        self.numbers.put(&[spelling::ALARM, span]);
        self.numbers.append(&events);
        self.numbers.len()
    }

    /// Spells the outbox's messages and bytes, then the log: six numbers an entry.
    pub(crate) fn inspect(&mut self) -> usize {
        self.numbers.clear();
        let (messages, bytes) = self.session.buffered();
        self.numbers.put(&[messages as i64, bytes as i64]);
        for Entry {
            at,
            kind,
            attempt,
            a,
            b,
        } in self.session.trace().iter()
        {
            let (id, carried) = attempt.map_or((0, NONE), |(id, t)| (id.0, t as i64));
            let (id, a, b) = (id.into(), (*a).into(), (*b).into());
            self.numbers
                .put(&[at.0 as i64, *kind as i64, id, carried, a, b]);
        }
        self.numbers.len()
    }

    /// Reads the next number; 0 after the last.
    pub(crate) fn take(&mut self) -> i64 {
        self.numbers.take()
    }
}

/// What the first number of an output or frame says, as in `pkg/js/core.js`.
mod spelling {
    pub(super) const OPEN: i64 = 0;
    pub(super) const HELLO: i64 = 1;
    pub(super) const MESSAGE: i64 = 2;
    pub(super) const CONTROL: i64 = 3;
    pub(super) const TRANSMIT: i64 = 4;
    pub(super) const DROP: i64 = 5;
    pub(super) const NEED_TOKEN: i64 = 6;
    pub(super) const ASK_HTTP: i64 = 7;
    pub(super) const ALARM: i64 = 8;
    pub(super) const STATE: i64 = 9;
    pub(super) const RETRY_IN: i64 = 10;
    pub(super) const CARRIED_BY: i64 = 11;
    pub(super) const TROUBLE: i64 = 12;
    pub(super) const SETTLED: i64 = 13;
    pub(super) const GAP: i64 = 14;
    pub(super) const DRAINED: i64 = 15;
    pub(super) const REMEMBER: i64 = 16;
    pub(super) const ROUND_TRIP: i64 = 17;
    pub(super) const MEND: i64 = 18;
}

/// Read by `pkg/js/perform.js`.
impl Numbers {
    /// Spells an output: its number, then what belongs to it.
    fn output(&mut self, output: Output<Ticket, Name>, events: &mut Self) {
        match output {
            Output::Open {
                attempt,
                transport,
                link,
            } => {
                self.put(&[spelling::OPEN, attempt.0.into(), transport as i64]);
                self.nonce(link);
            }
            Output::Transmit { attempt, frames } => {
                for frame in frames {
                    self.frame(frame);
                }
                self.put(&[spelling::TRANSMIT, attempt.0.into()]);
            }
            Output::Drop { attempt } => self.put(&[spelling::DROP, attempt.0.into()]),
            Output::Mend { attempt } => self.put(&[spelling::MEND, attempt.0.into()]),
            Output::NeedToken(reason) => self.put(&[spelling::NEED_TOKEN, reason as i64]),
            Output::SideProbe => self.put(&[spelling::ASK_HTTP]),
            Output::Event(event) => events.event(event),
        }
    }

    /// Spells a frame of the unit that the next transmit sends. Only what a client says has a
    /// spelling.
    fn frame(&mut self, frame: Frame<Ticket, Name>) {
        match frame {
            Frame::Hello(hello) => {
                self.put(&[
                    spelling::HELLO,
                    hello.session.map_or(NONE, i64::from),
                    hello.received as i64,
                ]);
                self.nonce(hello.connect);
                self.nonce(hello.instance);
            }
            Frame::Message { n, body } => {
                self.put(&[spelling::MESSAGE, n as i64, 0, body.0.into()])
            }
            Frame::Request { n, id, body } => {
                self.put(&[spelling::MESSAGE, n as i64, id.into(), body.0.into()])
            }
            Frame::Take { fence, received } => self.control(0, fence.into(), received as i64),
            Frame::Ack { n } => self.control(1, n as i64, NONE),
            Frame::Ping { k } => self.control(2, k.into(), NONE),
            Frame::Pong { k } => self.control(3, k.into(), NONE),
            Frame::Close { code, .. } => self.control(4, code.into(), NONE),
            Frame::Auth => self.control(5, NONE, NONE),
            Frame::Expiring { .. }
            | Frame::Ready(_)
            | Frame::Reply { .. }
            | Frame::Goaway { .. } => {}
        }
    }

    fn control(&mut self, name: i64, a: i64, b: i64) {
        self.put(&[spelling::CONTROL, name, a, b]);
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::State { from, to, ending } => {
                self.put(&[spelling::STATE, from as i64, to as i64]);
                self.ending(ending);
            }
            Event::RetryIn(ms) => self.put(&[spelling::RETRY_IN, ms as i64]),
            Event::Transport { from, to } => {
                self.put(&[spelling::CARRIED_BY, carried(from), carried(to)])
            }
            Event::Trouble(ending) => {
                self.put(&[spelling::TROUBLE]);
                self.ending(Some(ending));
            }
            Event::Settled(ticket, outcome) => {
                self.put(&[spelling::SETTLED, ticket.0.into(), outcome as i64])
            }
            Event::Gap { received, unknown } => {
                self.put(&[spelling::GAP, received as i64, unknown as i64]);
            }
            Event::Drained => self.put(&[spelling::DRAINED]),
            Event::Remember(memory) => {
                self.put(&[
                    spelling::REMEMBER,
                    memory.transport as i64,
                    memory.rtt.into(),
                ]);
            }
            Event::RoundTrip(attempt, ms) => {
                self.put(&[spelling::ROUND_TRIP, attempt.0.into(), ms.into()])
            }
        }
    }

    /// Spells cause, transport, close code, status and retry-after; only "none" where nothing ended.
    fn ending(&mut self, ending: Option<Ending>) {
        let Some(ending) = ending else {
            return self.put(&[NONE]);
        };
        let retry_after = spelled(ending.retry_after);
        let (code, status) = (ending.code.into(), ending.status.into());
        self.put(&[
            ending.cause as i64,
            carried(ending.transport),
            code,
            status,
            retry_after,
        ]);
    }

    /// Spells a nonce as four words, the highest first.
    fn nonce(&mut self, nonce: Nonce) {
        let word = |shift: u32| i64::from((nonce.0 >> shift) as u32);
        self.put(&[word(96), word(64), word(32), word(0)]);
    }
}

fn carried(transport: Option<Transport>) -> i64 {
    transport.map_or(NONE, |transport| transport as i64)
}
