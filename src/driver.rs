//! The driver: input → core → outputs, spelled as numbers for the page to perform.

use throughline_core::note::Note;
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
        self.numbers.put(spelling::ALARM).put(span);
        self.numbers.append(&events);
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
    pub(super) const NOTE: i64 = 19;
}

/// Read by `pkg/js/perform.js`.
impl Numbers {
    /// Spells an output: its number, then what belongs to it.
    fn output(&mut self, output: Output<Ticket, Name>, events: &mut Self) -> &mut Self {
        match output {
            Output::Open {
                attempt,
                transport,
                link,
            } => self
                .put(spelling::OPEN)
                .put(attempt.0.into())
                .put(transport as i64)
                .nonce(link),
            Output::Transmit { attempt, frames } => {
                for frame in frames {
                    self.frame(frame);
                }
                self.put(spelling::TRANSMIT).put(attempt.0.into())
            }
            Output::Drop { attempt } => self.put(spelling::DROP).put(attempt.0.into()),
            Output::Mend { attempt } => self.put(spelling::MEND).put(attempt.0.into()),
            Output::NeedToken(reason) => self.put(spelling::NEED_TOKEN).put(reason as i64),
            Output::SideProbe => self.put(spelling::ASK_HTTP),
            Output::Note(Note {
                kind,
                attempt,
                a,
                b,
            }) => {
                let (id, carried) = attempt.map_or((0, NONE), |(id, t)| (id.0, t as i64));
                self.put(spelling::NOTE)
                    .put(kind as i64)
                    .put(id.into())
                    .put(carried)
                    .put(a.into())
                    .put(b.into())
            }
            Output::Event(event) => {
                events.event(event);
                self
            }
        }
    }

    /// Spells a frame of the unit that the next transmit sends. Only what a client says has a
    /// spelling.
    fn frame(&mut self, frame: Frame<Ticket, Name>) -> &mut Self {
        match frame {
            Frame::Hello(hello) => self
                .put(spelling::HELLO)
                .put(hello.session.map_or(NONE, i64::from))
                .put(hello.received as i64)
                .nonce(hello.connect)
                .nonce(hello.instance),
            Frame::Message { n, body } => self
                .put(spelling::MESSAGE)
                .put(n as i64)
                .put(0)
                .put(body.0.into()),
            Frame::Request { n, id, body } => self
                .put(spelling::MESSAGE)
                .put(n as i64)
                .put(id.into())
                .put(body.0.into()),
            Frame::Take { fence, received } => self.control(0, fence.into(), received as i64),
            Frame::Ack { n } => self.control(1, n as i64, NONE),
            Frame::Ping { k } => self.control(2, k.into(), NONE),
            Frame::Pong { k } => self.control(3, k.into(), NONE),
            Frame::Close { code, .. } => self.control(4, code.into(), NONE),
            Frame::Auth => self.control(5, NONE, NONE),
            Frame::Expiring { .. }
            | Frame::Ready(_)
            | Frame::Reply { .. }
            | Frame::Goaway { .. } => self,
        }
    }

    fn control(&mut self, name: i64, a: i64, b: i64) -> &mut Self {
        self.put(spelling::CONTROL).put(name).put(a).put(b)
    }

    fn event(&mut self, event: Event) -> &mut Self {
        match event {
            Event::State { from, to, ending } => {
                self.put(spelling::STATE).put(from as i64).put(to as i64);
                self.ending(ending)
            }
            Event::RetryIn(ms) => self.put(spelling::RETRY_IN).put(ms as i64),
            Event::Transport { from, to } => self
                .put(spelling::CARRIED_BY)
                .put(carried(from))
                .put(carried(to)),
            Event::Trouble(ending) => {
                self.put(spelling::TROUBLE);
                self.ending(Some(ending))
            }
            Event::Settled(ticket, outcome) => self
                .put(spelling::SETTLED)
                .put(ticket.0.into())
                .put(outcome as i64),
            Event::Gap { received, unknown } => self
                .put(spelling::GAP)
                .put(received as i64)
                .put(unknown as i64),
            Event::Drained => self.put(spelling::DRAINED),
            Event::Remember(memory) => self
                .put(spelling::REMEMBER)
                .put(memory.transport as i64)
                .put(memory.rtt.into()),
            Event::RoundTrip(attempt, ms) => self
                .put(spelling::ROUND_TRIP)
                .put(attempt.0.into())
                .put(ms.into()),
        }
    }

    /// Spells cause, transport, close code, status and retry-after; only "none" where nothing ended.
    fn ending(&mut self, ending: Option<Ending>) -> &mut Self {
        let Some(ending) = ending else {
            return self.put(NONE);
        };
        let retry_after = spelled(ending.retry_after.map(u64::from));
        let (code, status) = (ending.code.into(), ending.status.into());
        self.put(ending.cause as i64)
            .put(carried(ending.transport))
            .put(code)
            .put(status)
            .put(retry_after)
    }

    /// Spells a nonce as four words, the highest first.
    fn nonce(&mut self, nonce: Nonce) -> &mut Self {
        let word = |shift: u32| i64::from((nonce.0 >> shift) as u32);
        self.put(word(96)).put(word(64)).put(word(32)).put(word(0))
    }
}

fn carried(transport: Option<Transport>) -> i64 {
    transport.map_or(NONE, |transport| transport as i64)
}
