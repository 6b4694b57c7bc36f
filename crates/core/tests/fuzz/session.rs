//! Whatever a page, its transports and a server do, in whatever order, the client half keeps its
//! promises: every send is decided, numbers stay, no transport is forgotten, nothing runs on.

use std::collections::{BTreeMap, BTreeSet};

use throughline_core::{
    Accept, AttemptId, Cause, Config, Dialect, Ending, Environment, Event, Frame, Input, Memory,
    Millis, Nonce, Output, Readiness, Ready, Report, Restored, Session, StateKind, Ticket,
    Transport, WhenFull,
};

use crate::cursor::Cursor;

/// Most messages the outbox holds here.
const OUTBOX: usize = 6;

/// Far more than one input may ask for, beside the outcomes of sends.
const MAX_OUTPUTS: usize = 32;

pub(crate) fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let mut world = World::new(&mut cursor);
    while !cursor.is_done() {
        world.step(&mut cursor);
    }
    world.tell(Input::Close);
    world.wait(10_000);
    let ended = [StateKind::Closed, StateKind::Failed];
    assert!(ended.contains(&world.session.state()), "close() goes on");
}

struct World {
    now: Millis,
    dialect: Dialect,
    when_full: WhenFull,
    session: Session<u32, u8>,
    last_attempt: u32,
    /// What was opened and has not ended.
    live: BTreeMap<AttemptId, Transport>,
    last_ticket: u32,
    undecided: BTreeSet<u32>,
    /// Which send got which number, since the last gap.
    numbers: BTreeMap<u64, u32>,
    /// What was last written to each link.
    written: BTreeMap<AttemptId, u64>,
    taken: Option<AttemptId>,
    fence: u32,
    received: u64,
}

impl World {
    fn new(cursor: &mut Cursor<'_>) -> Self {
        let dialect = match cursor.byte() {
            0..200 => Dialect::Throughline,
            200..230 => Dialect::Json(Readiness::Named),
            230.. => Dialect::Json(Readiness::Settled),
        };
        let transports = (0..cursor.below(5)).filter_map(|_| cursor.pick(&Transport::ALL));
        let transports = transports.collect();
        let memory = cursor.flip().then(|| Memory {
            transport: Transport::ALL[cursor.below(4)],
            rtt: cursor.byte().into(),
        });
        let restores = dialect == Dialect::Throughline && cursor.byte() > 200;
        let config = Config {
            dialect,
            transports,
            has_token: cursor.flip(),
            memory,
            outbox_messages: OUTBOX,
            outbox_bytes: 1_000,
            when_full: if cursor.flip() {
                WhenFull::Wait
            } else {
                WhenFull::Refuse
            },
            ..Config::default()
        };
        let seed = [cursor.byte() | 1; 16];
        let mut world = Self {
            now: Millis(0),
            dialect,
            when_full: config.when_full,
            session: Session::new(config, seed),
            last_attempt: 0,
            live: BTreeMap::new(),
            last_ticket: 0,
            undecided: BTreeSet::new(),
            numbers: BTreeMap::new(),
            written: BTreeMap::new(),
            taken: None,
            fence: 0,
            received: 0,
        };
        if restores {
            world.restore(cursor);
        }
        world
    }

    /// Goes on from an earlier page, which may have written some messages.
    fn restore(&mut self, cursor: &mut Cursor<'_>) {
        let (received, acked) = (cursor.byte().into(), u64::from(cursor.byte()));
        self.session.restore(Restored {
            session: 0,
            connect: Nonce(1),
            instance: Nonce(2),
            fence: cursor.byte().into(),
            received,
            acked,
        });
        self.received = received;
        for i in 1..=cursor.below(OUTBOX) as u64 {
            let (ticket, request) = (self.next_ticket(), None);
            self.numbers.insert(acked + i, ticket);
            self.tell(Input::Kept {
                ticket: Ticket(ticket),
                request,
                body: ticket,
                bytes: 10,
            });
        }
    }

    fn next_ticket(&mut self) -> u32 {
        self.last_ticket += 1;
        self.undecided.insert(self.last_ticket);
        self.last_ticket
    }

    fn step(&mut self, cursor: &mut Cursor<'_>) {
        match cursor.below(20) {
            0 => self.tell(Input::Connect),
            1..=3 => self.send(cursor),
            4 => {
                let ticket = u32::from(cursor.byte()).min(self.last_ticket);
                self.tell(Input::Cancel(Ticket(ticket)));
            }
            5 => match cursor.byte() {
                0..250 => {}
                250.. => self.tell(Input::Close),
            },
            6 | 7 => self.tell(Input::Token(if cursor.byte() < 200 {
                Ok(())
            } else {
                Err(())
            })),
            8..=14 => self.report(cursor),
            15 => self.accept(cursor),
            16 => {
                let status = [0, 200, 204, 401, 403, 404, 429, 503][cursor.below(8)];
                let retry_after = cursor.flip().then(|| cursor.span() as u32);
                self.tell(Input::SideProbe {
                    status,
                    retry_after,
                });
            }
            17 => {
                let environment = [
                    Environment::Online,
                    Environment::Offline,
                    Environment::Woke,
                    Environment::Hidden,
                    Environment::NetworkChanged,
                ][cursor.below(5)];
                self.tell(Input::Environment(environment));
            }
            18 => {
                // A frozen page: its alarm rings once, late.
                self.now = self.now + cursor.span();
                self.tell(Input::Timeout);
            }
            _ => {
                let span = cursor.span().min(60_000);
                self.wait(span);
            }
        }
    }

    fn send(&mut self, cursor: &mut Cursor<'_>) {
        let earlier = u32::from(cursor.byte()).min(self.last_ticket);
        let ticket = self.next_ticket();
        let request = (cursor.byte() < 64).then_some(ticket);
        let bytes = u32::from(cursor.byte()) * 4;
        self.tell(Input::Send {
            ticket: Ticket(ticket),
            request,
            body: ticket,
            bytes,
            ttl: cursor.flip().then(|| cursor.span() as u32),
            replaces: (cursor.byte() > 200).then_some(Ticket(earlier)),
        });
    }

    fn report(&mut self, cursor: &mut Cursor<'_>) {
        let ids: Vec<_> = self.live.keys().copied().collect();
        let id = match cursor.byte() {
            0..16 => Some(AttemptId(u32::from(cursor.byte()).min(self.last_attempt))),
            16..96 => self.session.link().or_else(|| cursor.pick(&ids)),
            96.. => cursor.pick(&ids),
        };
        let Some(id) = id else { return };
        let report = match cursor.below(16) {
            0..=1 => Report::Opened,
            2 => match cursor.below(4) {
                0 => Report::Opened,
                1 => Report::Offered,
                2 => Report::Answered,
                _ => Report::Mended,
            },
            3..=11 => match self.dialect {
                Dialect::Throughline => Report::Frame(self.frame(cursor)),
                Dialect::Json(_) => Report::Ready,
            },
            12..=14 => Report::Written,
            _ => {
                // A transport that has ended is gone, whoever asked.
                self.live.remove(&id);
                Report::Ended(ending(cursor))
            }
        };
        self.tell(Input::Report(id, report));
    }

    fn frame(&self, cursor: &mut Cursor<'_>) -> Frame<u32, u8> {
        let last = self.numbers.last_key_value().map_or(0, |(n, _)| *n);
        let n = match cursor.byte() {
            0..100 => last,
            100..250 => u64::from(cursor.byte()) % (last + 1),
            250.. => u64::MAX >> cursor.below(64),
        };
        let k = u32::from(cursor.byte());
        match cursor.below(20) {
            0..=7 => Frame::Ready(Ready {
                session: u8::from(k > 240),
                resumed: k % 2 == 0,
                received: n,
                heartbeat: [0, 1, 1_000, 15_000][cursor.below(4)],
                window: [0, 5_000, 120_000, u32::MAX][cursor.below(4)],
                unit: 1 << 20,
            }),
            8..=10 => Frame::Ack { n },
            11 => Frame::Ping { k },
            12 => Frame::Pong { k: k % 4 },
            13 => Frame::Goaway { spread: k * 100 },
            14 => Frame::Close {
                code: code(cursor),
                retry: (k > 128).then_some(k * 50),
            },
            15 => Frame::Expiring { ms: k * 100 },
            16 => Frame::Take {
                fence: k,
                received: n,
            },
            17 => Frame::Message { n, body: k },
            18 => Frame::Auth,
            _ => Frame::Reply {
                n,
                id: k,
                ok: true,
                body: k,
            },
        }
    }

    /// A numbered message comes: mostly the next one.
    fn accept(&mut self, cursor: &mut Cursor<'_>) {
        let Some(id) = self.session.link() else {
            return;
        };
        let n = match cursor.byte() {
            0..200 => self.received + 1,
            200..250 => u64::from(cursor.byte()),
            250.. => (1 << 53) - 1,
        };
        if cursor.byte() > 200 {
            self.session.delivered(self.received);
        }
        let bytes = usize::from(cursor.byte()) * 4_000;
        let turn = self.session.heard(id, bytes);
        let verdict = self.session.accept(id, n);
        if self.dialect == Dialect::Throughline {
            match verdict {
                Accept::Deliver | Accept::DeliverAndTurn => {
                    assert_eq!(n, self.received + 1);
                    self.received = n;
                }
                Accept::Drop | Accept::DropAndTurn => assert_ne!(n, self.received + 1),
            }
        }
        match verdict {
            Accept::DropAndTurn | Accept::DeliverAndTurn => self.tell(Input::Timeout),
            Accept::Drop | Accept::Deliver if turn => self.tell(Input::Timeout),
            Accept::Drop | Accept::Deliver => {}
        }
    }

    fn wait(&mut self, span: u64) {
        let until = self.now + span;
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.tell(Input::Timeout);
            let next = self.session.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "an alarm rings on");
        }
        self.now = until;
    }

    fn tell(&mut self, input: Input<u32, u8>) {
        // Each send may be written and decided, beside all else.
        let bound = MAX_OUTPUTS + 2 * self.undecided.len();
        self.session.handle(input, self.now);
        let mut count = 0;
        while let Some(output) = self.session.poll_output() {
            self.perform(output);
            count += 1;
        }
        assert!(count <= bound, "{count} outputs");
        self.check();
    }

    fn perform(&mut self, output: Output<u32, u8>) {
        match output {
            Output::Open {
                attempt, transport, ..
            } => {
                assert_eq!(attempt.0, self.last_attempt + 1);
                self.last_attempt = attempt.0;
                self.live.insert(attempt, transport);
            }
            Output::Transmit { attempt, frames } => {
                assert!(
                    self.live.contains_key(&attempt),
                    "written to what has ended"
                );
                assert!(!frames.is_empty());
                for frame in frames {
                    self.write(attempt, &frame);
                }
            }
            Output::Drop { attempt } => {
                self.live.remove(&attempt);
            }
            Output::Event(Event::Settled(Ticket(ticket), _)) => {
                assert!(self.undecided.remove(&ticket), "decided twice");
            }
            Output::Event(Event::Gap { .. }) => {
                self.numbers.clear();
                self.written.clear();
                (self.fence, self.received) = (0, 0);
            }
            Output::Event(
                Event::State { .. }
                | Event::RetryIn(_)
                | Event::Transport { .. }
                | Event::Trouble(_)
                | Event::Drained
                | Event::Remember(_)
                | Event::RoundTrip(..),
            )
            | Output::NeedToken(_)
            | Output::Note(_)
            | Output::SideProbe => {}
            Output::Mend { attempt } => {
                assert_eq!(self.live.get(&attempt), Some(&Transport::WebRtc));
                assert_eq!(self.session.link(), Some(attempt), "no link is mended");
            }
        }
    }

    fn write(&mut self, attempt: AttemptId, frame: &Frame<u32, u8>) {
        match frame {
            Frame::Message { n, body } | Frame::Request { n, body, .. } => {
                let is_owner = self.taken == Some(attempt);
                assert!(is_owner || self.dialect != Dialect::Throughline);
                let sent = *self.numbers.entry(*n).or_insert(*body);
                assert_eq!(sent, *body, "a number changed hands");
                let last = self.written.insert(attempt, *n);
                if last.is_none() && self.dialect == Dialect::Throughline {
                    let mut earlier = self.numbers.range(..n).map(|(_, ticket)| ticket);
                    let decided = earlier.all(|ticket| !self.undecided.contains(ticket));
                    assert!(decided, "a new link does not begin with the oldest");
                }
                assert!(
                    last.is_none_or(|last| *n == last + 1),
                    "a number is skipped"
                );
            }
            Frame::Take { fence, received } => {
                assert!(*fence > self.fence, "a fence must grow");
                assert!(*received <= self.received);
                (self.fence, self.taken) = (*fence, Some(attempt));
            }
            Frame::Ack { n } => {
                assert!(*n <= self.received);
                assert_eq!(self.taken, Some(attempt));
            }
            Frame::Hello(hello) => assert!(hello.received <= self.received),
            Frame::Ping { .. } | Frame::Pong { .. } | Frame::Close { .. } => {}
            Frame::Auth => assert_eq!(self.taken, Some(attempt)),
            Frame::Ready(_)
            | Frame::Reply { .. }
            | Frame::Goaway { .. }
            | Frame::Expiring { .. } => panic!("a server's frame was written"),
        }
    }

    fn check(&self) {
        let session = &self.session;
        let link = session.link();
        if let Some(link) = link {
            assert!(self.live.contains_key(&link), "the link has ended");
        }
        let open = session.attempts() + usize::from(link.is_some());
        assert_eq!(self.live.len(), open, "a transport is forgotten");
        assert!(open <= 5, "{open} transports at a time");
        let negotiated =
            |(id, t): &(&AttemptId, &Transport)| **t == Transport::WebRtc && Some(**id) != link;
        let negotiated = self.live.iter().filter(negotiated).count();
        assert!(negotiated <= 1, "two peer connections open at once");
        let (messages, bytes) = session.buffered();
        assert_eq!(messages, self.undecided.len());
        match self.when_full {
            WhenFull::Refuse => {
                assert!(messages <= OUTBOX && (bytes <= 1_000 || messages == 1));
            }
            WhenFull::Wait => {}
        }
        let on_their_way = self
            .numbers
            .values()
            .filter(|ticket| self.undecided.contains(ticket));
        assert!(on_their_way.count() <= OUTBOX);
        match session.state() {
            StateKind::Closed | StateKind::Failed => {
                assert!(self.undecided.is_empty(), "a send is not decided");
                assert_eq!((open, session.poll_timeout()), (0, None));
            }
            StateKind::Idle => assert_eq!((open, session.poll_timeout()), (0, None)),
            StateKind::Connecting
            | StateKind::Reconnecting
            | StateKind::Suspended
            | StateKind::Closing => assert!(
                session.poll_timeout().is_some(),
                "nothing would ever happen"
            ),
            StateKind::Connected => {}
        }
    }
}

fn ending(cursor: &mut Cursor<'_>) -> Ending {
    let causes = [
        Cause::Refused,
        Cause::Lost,
        Cause::Status,
        Cause::Closed,
        Cause::Blocked,
        Cause::BadAddress,
        Cause::Unavailable,
        Cause::Protocol,
        Cause::PostHung,
        Cause::Endpoint,
    ];
    let cause = causes[cursor.below(causes.len())];
    Ending {
        code: match cause {
            Cause::Closed => code(cursor),
            _ => 0,
        },
        status: match cause {
            Cause::Status => {
                [0, 302, 400, 401, 403, 404, 413, 429, 500, 501, 503][cursor.below(11)]
            }
            _ => 0,
        },
        retry_after: (cursor.byte() > 200).then(|| cursor.span() as u32),
        ..Ending::of(cause)
    }
}

fn code(cursor: &mut Cursor<'_>) -> u16 {
    let codes = [
        1000, 1001, 1002, 1006, 1008, 1009, 1011, 4000, 4400, 4401, 4403, 4404, 4408, 4409, 4413,
        4429, 4500, 4503,
    ];
    codes[cursor.below(codes.len())]
}
