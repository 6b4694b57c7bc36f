//! How a peer connection comes to be: offer, exchange, answer, channel; later ICE restarts. No I/O.
//!
//! ```text
//!  Start ─ servers 3 s ─ offer 5 s ─┬─ gathering 1 s ─┬─ exchange 20 s ─ transport 15 s ─ open ⇄ mend 5 s
//!                                   └──── trickle ────┘
//! ```
//!
//! The driver tells what the browser and the exchange did ([`Input`]), does what [`Negotiation::poll`]
//! says, and rings at [`Negotiation::poll_timeout`]. Each exchange has a number: what an earlier one
//! still brings does nothing. There is never more than one on its way.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use crate::close::Cause;
use crate::time::Millis;

/// How long each phase may take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spans {
    /// Finding ICE servers; then it goes on without.
    pub servers: u64,
    /// Making the offer and setting it.
    pub offer: u64,
    /// Waiting for candidates, where the dialect cannot trickle.
    pub gathering: u64,
    /// Offer out, answer back.
    pub exchange: u64,
    /// From the answer to the open channel.
    pub transport: u64,
    /// An ICE restart, whole.
    pub mend: u64,
    /// How long candidates are collected before they are sent.
    pub batch: u64,
    /// What connectivity checks have to find a path before candidates follow the offer.
    pub checks: u64,
}

impl Spans {
    /// The longest a start can take to be open or ended.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.servers + self.offer + self.gathering + self.exchange + self.transport
    }
}

impl Default for Spans {
    fn default() -> Self {
        Self {
            servers: 3_000,
            offer: 5_000,
            gathering: 1_000,
            exchange: 20_000,
            transport: 15_000,
            mend: 5_000,
            batch: 100,
            checks: 20,
        }
    }
}

/// Where the client's candidates go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gathering {
    /// The offer goes out at once, candidates follow it.
    Trickle,
    /// The offer waits for the first candidate from beyond this host, or for all, within its span.
    Bounded,
}

/// Where a candidate points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// At an address of this host.
    Host,
    /// At an address that others see, or a relay's.
    Beyond,
}

/// The number of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange(pub u32);

/// What an exchange failed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What went wrong.
    pub cause: Cause,
    /// The HTTP status, 0 if none was seen.
    pub status: u16,
    /// Milliseconds the server asked us to wait.
    pub retry_after: Option<u32>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<C> {
    /// Begin.
    Start,
    /// ICE servers are in place, or could not be had.
    Servers,
    /// The offer is the local description.
    Described,
    /// It could not be made or set.
    Undescribed,
    /// A candidate was gathered.
    Candidate(Reach, C),
    /// There will be no more.
    Gathered,
    /// An exchange was answered.
    Answered(Exchange),
    /// An exchange failed.
    Refused(Exchange, Refusal),
    /// The answer is the remote description.
    Applied(Exchange),
    /// It is none.
    Unapplied(Exchange),
    /// The data channel opened.
    ChannelOpen,
    /// The data channel closed, or the connection failed.
    Gone,
    /// An ICE restart is wanted.
    Mend,
    /// The alarm rang.
    Timeout,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<C> {
    /// Find ICE servers, then [`Input::Servers`].
    FindServers,
    /// Make an offer and set it, then [`Input::Described`].
    Describe,
    /// The same with fresh ICE credentials, and with fresh ICE servers if the old ones expire.
    Redescribe,
    /// Send the offer.
    SendOffer(Exchange),
    /// Send the restart's credentials.
    SendRestart(Exchange),
    /// Send candidates.
    SendCandidates(Exchange, Vec<C>),
    /// Give up the exchange that is on its way.
    Abort,
    /// Set the answer that this exchange brought, then [`Input::Applied`].
    Apply(Exchange),
    /// Take back an offer that nobody answered.
    Rollback,
    /// Report how far it came.
    Report(Milestone),
    /// It is over.
    End(Ended),
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// The local description is set.
    Offered,
    /// The remote description is set.
    Answered,
    /// The channel is open.
    Opened,
    /// An ICE restart was answered.
    Mended,
}

/// Where it stood when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Making the offer.
    Offer = 0,
    /// Exchanging it for an answer.
    Exchange = 1,
    /// Setting the answer.
    Answer = 2,
    /// Finding a path.
    Transport = 3,
    /// Open.
    Open = 4,
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Where it stood.
    pub phase: Phase,
    /// What went wrong.
    pub refusal: Refusal,
}

#[derive(Debug)]
enum State {
    Idle,
    Servers { due: Millis },
    Offering { due: Millis },
    Gathering { due: Millis },
    Exchanging { due: Millis, exchange: Exchange },
    Answering { due: Millis, exchange: Exchange },
    Connecting { due: Millis },
    Open(Mend),
    Ended,
}

/// An ICE restart of an open connection; all its steps share one deadline.
#[derive(Debug)]
enum Mend {
    None,
    Describing { due: Millis },
    Exchanging { due: Millis, exchange: Exchange },
    Applying { due: Millis, exchange: Exchange },
}

/// Candidates on their way to the server.
#[derive(Debug)]
enum Trickle<C> {
    /// Nobody wants them.
    Off,
    /// Not before the server answered.
    Held(Vec<C>),
    Idle,
    Collecting {
        due: Millis,
        batch: Vec<C>,
    },
    Sending {
        due: Millis,
        exchange: Exchange,
        next: Vec<C>,
    },
}

/// One peer connection's negotiation. `C` is a candidate as the driver has it.
#[derive(Debug)]
pub struct Negotiation<C> {
    gathering: Gathering,
    spans: Spans,
    state: State,
    trickle: Trickle<C>,
    exchanges: u32,
    outputs: VecDeque<Output<C>>,
}

impl<C> Negotiation<C> {
    /// Makes one that has not started.
    #[must_use]
    pub const fn new(gathering: Gathering, spans: Spans) -> Self {
        Self {
            gathering,
            spans,
            state: State::Idle,
            trickle: Trickle::Off,
            exchanges: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Says what to do next; nothing when all is said.
    pub fn poll(&mut self) -> Option<Output<C>> {
        self.outputs.pop_front()
    }

    /// Says when to ring.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Millis> {
        let phase = match &self.state {
            State::Servers { due }
            | State::Offering { due }
            | State::Gathering { due }
            | State::Exchanging { due, .. }
            | State::Answering { due, .. }
            | State::Connecting { due }
            | State::Open(
                Mend::Describing { due }
                | Mend::Exchanging { due, .. }
                | Mend::Applying { due, .. },
            ) => Some(*due),
            State::Idle | State::Open(Mend::None) | State::Ended => None,
        };
        let trickle = match &self.trickle {
            Trickle::Collecting { due, .. } | Trickle::Sending { due, .. } => Some(*due),
            Trickle::Off | Trickle::Held(_) | Trickle::Idle => None,
        };
        phase.into_iter().chain(trickle).min()
    }

    /// Tells it one thing that happened.
    pub fn handle(&mut self, input: Input<C>, now: Millis) {
        match input {
            Input::Start => self.start(now),
            Input::Servers => self.describe(now),
            Input::Described => self.described(now),
            Input::Undescribed => self.undescribed(),
            Input::Candidate(reach, candidate) => self.candidate(reach, candidate, now),
            Input::Gathered => self.gathered(now),
            Input::Answered(exchange) => self.answered(exchange, now),
            Input::Refused(exchange, refusal) => self.refused(exchange, refusal),
            Input::Applied(exchange) => self.applied(exchange, now),
            Input::Unapplied(exchange) => self.unapplied(exchange),
            Input::ChannelOpen => self.opened(),
            Input::Gone => self.gone(),
            Input::Mend => self.mend(now),
            Input::Timeout => self.timeout(now),
        }
    }

    fn start(&mut self, now: Millis) {
        if let State::Idle = self.state {
            let due = now + self.spans.servers;
            self.state = State::Servers { due };
            self.outputs.push_back(Output::FindServers);
        }
    }

    fn describe(&mut self, now: Millis) {
        if let State::Servers { .. } = self.state {
            let due = now + self.spans.offer;
            self.state = State::Offering { due };
            self.outputs.push_back(Output::Describe);
        }
    }

    fn described(&mut self, now: Millis) {
        match self.state {
            State::Offering { .. } => {
                match self.gathering {
                    Gathering::Trickle => {
                        self.trickle = Trickle::Held(Vec::new());
                        self.send_offer(now);
                    }
                    Gathering::Bounded => {
                        let due = now + self.spans.gathering;
                        self.state = State::Gathering { due };
                    }
                }
                self.outputs.push_back(Output::Report(Milestone::Offered));
            }
            State::Open(Mend::Describing { due }) => {
                let exchange = self.exchange();
                self.state = State::Open(Mend::Exchanging { due, exchange });
                self.outputs.push_back(Output::SendRestart(exchange));
            }
            State::Idle
            | State::Servers { .. }
            | State::Gathering { .. }
            | State::Exchanging { .. }
            | State::Answering { .. }
            | State::Connecting { .. }
            | State::Open(Mend::None | Mend::Exchanging { .. } | Mend::Applying { .. })
            | State::Ended => {}
        }
    }

    fn undescribed(&mut self) {
        match self.state {
            State::Offering { .. } => self.end(Phase::Offer, of(Cause::Unavailable)),
            State::Open(Mend::Describing { .. }) => self.unmend(),
            State::Idle
            | State::Servers { .. }
            | State::Gathering { .. }
            | State::Exchanging { .. }
            | State::Answering { .. }
            | State::Connecting { .. }
            | State::Open(Mend::None | Mend::Exchanging { .. } | Mend::Applying { .. })
            | State::Ended => {}
        }
    }

    fn candidate(&mut self, reach: Reach, candidate: C, now: Millis) {
        if let (State::Gathering { .. }, Reach::Beyond) = (&self.state, reach) {
            self.send_offer(now);
        }
        match &mut self.trickle {
            Trickle::Off => {}
            Trickle::Held(batch)
            | Trickle::Collecting { batch, .. }
            | Trickle::Sending { next: batch, .. } => batch.push(candidate),
            Trickle::Idle => {
                let (due, batch) = (now + self.spans.batch, Vec::from([candidate]));
                self.trickle = Trickle::Collecting { due, batch };
            }
        }
    }

    fn gathered(&mut self, now: Millis) {
        if let State::Gathering { .. } = self.state {
            self.send_offer(now);
        }
    }

    fn send_offer(&mut self, now: Millis) {
        let (due, exchange) = (now + self.spans.exchange, self.exchange());
        self.state = State::Exchanging { due, exchange };
        self.outputs.push_back(Output::SendOffer(exchange));
    }

    fn answered(&mut self, answered: Exchange, now: Millis) {
        match self.state {
            State::Exchanging { exchange, .. } if exchange == answered => {
                let due = now + self.spans.transport;
                self.state = State::Answering { due, exchange };
                self.outputs.push_back(Output::Apply(exchange));
                self.release(now + self.spans.checks, now);
            }
            State::Open(Mend::Exchanging { due, exchange }) if exchange == answered => {
                self.state = State::Open(Mend::Applying { due, exchange });
                self.outputs.push_back(Output::Apply(exchange));
            }
            _ => self.trickled(answered, now),
        }
    }

    fn refused(&mut self, refused: Exchange, refusal: Refusal) {
        match (&self.state, &self.trickle) {
            (State::Exchanging { exchange, .. }, _) if *exchange == refused => {
                // It is on its way no more.
                self.state = State::Ended;
                self.end(Phase::Exchange, refusal);
            }
            // The server knows of no such peer: nothing will answer on any path.
            (State::Open(Mend::Exchanging { exchange, .. }), _)
                if *exchange == refused && matches!(refusal.status, 404 | 410) =>
            {
                self.state = State::Open(Mend::None);
                self.gone();
            }
            (State::Open(Mend::Exchanging { exchange, .. }), _) if *exchange == refused => {
                self.unmend();
            }
            // Connectivity checks tell the server most of it: the call goes on.
            (_, Trickle::Sending { exchange, .. }) if *exchange == refused => {
                self.trickle = Trickle::Off;
            }
            _ => {}
        }
    }

    fn applied(&mut self, applied: Exchange, now: Millis) {
        match self.state {
            State::Answering { due, exchange } if exchange == applied => {
                self.state = State::Connecting { due };
                self.outputs.push_back(Output::Report(Milestone::Answered));
            }
            State::Open(Mend::Applying { exchange, .. }) if exchange == applied => {
                self.state = State::Open(Mend::None);
                self.outputs.push_back(Output::Report(Milestone::Mended));
                self.release(now, now);
            }
            _ => {}
        }
    }

    fn unapplied(&mut self, unapplied: Exchange) {
        match self.state {
            State::Answering { exchange, .. } if exchange == unapplied => {
                self.end(Phase::Answer, of(Cause::Protocol));
            }
            State::Open(Mend::Applying { exchange, .. }) if exchange == unapplied => self.unmend(),
            _ => {}
        }
    }

    fn opened(&mut self) {
        match self.state {
            State::Connecting { .. } => {}
            State::Answering { .. } => self.outputs.push_back(Output::Report(Milestone::Answered)),
            State::Idle
            | State::Servers { .. }
            | State::Offering { .. }
            | State::Gathering { .. }
            | State::Exchanging { .. }
            | State::Open(_)
            | State::Ended => return,
        }
        self.state = State::Open(Mend::None);
        if let Trickle::Collecting { .. } = self.trickle {
            self.trickle = Trickle::Idle;
        }
        self.outputs.push_back(Output::Report(Milestone::Opened));
    }

    fn gone(&mut self) {
        match self.state {
            State::Open(_) => self.end(Phase::Open, of(Cause::Lost)),
            State::Connecting { .. } | State::Answering { .. } => {
                self.end(Phase::Transport, of(Cause::Refused));
            }
            State::Exchanging { .. } => self.end(Phase::Exchange, of(Cause::Refused)),
            State::Idle
            | State::Servers { .. }
            | State::Offering { .. }
            | State::Gathering { .. } => self.end(Phase::Offer, of(Cause::Refused)),
            State::Ended => {}
        }
    }

    /// One restart at a time: a second wish while one is under way is the same wish.
    fn mend(&mut self, now: Millis) {
        if let State::Open(Mend::None) = self.state {
            let due = now + self.spans.mend;
            self.state = State::Open(Mend::Describing { due });
            // Candidates of the old credentials are worth nothing.
            match mem::replace(&mut self.trickle, Trickle::Off) {
                Trickle::Off => {}
                Trickle::Sending { .. } => {
                    self.outputs.push_back(Output::Abort);
                    self.trickle = Trickle::Held(Vec::new());
                }
                Trickle::Held(_) | Trickle::Idle | Trickle::Collecting { .. } => {
                    self.trickle = Trickle::Held(Vec::new());
                }
            }
            self.outputs.push_back(Output::Redescribe);
        }
    }

    /// The restart came to nothing. Whether the link lives is not for this to say.
    fn unmend(&mut self) {
        self.state = State::Open(Mend::None);
        if let Trickle::Held(_) = self.trickle {
            self.trickle = Trickle::Idle;
        }
        self.outputs.push_back(Output::Rollback);
    }

    fn timeout(&mut self, now: Millis) {
        match self.state {
            State::Servers { due } if due <= now => self.describe(now),
            State::Offering { due } if due <= now => self.end(Phase::Offer, of(Cause::Hang)),
            State::Gathering { due } if due <= now => self.send_offer(now),
            State::Exchanging { due, .. } if due <= now => {
                self.end(Phase::Exchange, of(Cause::Hang));
            }
            State::Answering { due, .. } | State::Connecting { due } if due <= now => {
                self.end(Phase::Transport, of(Cause::Hang));
            }
            State::Open(Mend::Exchanging { due, .. }) if due <= now => {
                self.outputs.push_back(Output::Abort);
                self.unmend();
            }
            State::Open(Mend::Describing { due } | Mend::Applying { due, .. }) if due <= now => {
                self.unmend();
            }
            _ => {}
        }
        match mem::replace(&mut self.trickle, Trickle::Off) {
            Trickle::Collecting { due, batch } if due <= now => self.send_candidates(batch, now),
            Trickle::Sending { due, .. } if due <= now => self.outputs.push_back(Output::Abort),
            other => self.trickle = other,
        }
    }

    /// Lets go of the candidates that were held back, unless the checks find a path without them
    /// until then.
    fn release(&mut self, due: Millis, now: Millis) {
        match mem::replace(&mut self.trickle, Trickle::Off) {
            Trickle::Held(batch) if batch.is_empty() => self.trickle = Trickle::Idle,
            Trickle::Held(batch) if due <= now => self.send_candidates(batch, now),
            Trickle::Held(batch) => self.trickle = Trickle::Collecting { due, batch },
            other => self.trickle = other,
        }
    }

    fn send_candidates(&mut self, batch: Vec<C>, now: Millis) {
        let (due, exchange) = (now + self.spans.mend, self.exchange());
        let next = Vec::new();
        self.trickle = Trickle::Sending {
            due,
            exchange,
            next,
        };
        self.outputs
            .push_back(Output::SendCandidates(exchange, batch));
    }

    fn trickled(&mut self, answered: Exchange, now: Millis) {
        match mem::replace(&mut self.trickle, Trickle::Off) {
            Trickle::Sending { exchange, next, .. } if exchange == answered => {
                self.trickle = if next.is_empty() {
                    Trickle::Idle
                } else {
                    let due = now + self.spans.batch;
                    Trickle::Collecting { due, batch: next }
                };
            }
            other => self.trickle = other,
        }
    }

    fn end(&mut self, phase: Phase, refusal: Refusal) {
        let waits = matches!(
            self.state,
            State::Exchanging { .. } | State::Open(Mend::Exchanging { .. })
        );
        if waits || matches!(self.trickle, Trickle::Sending { .. }) {
            self.outputs.push_back(Output::Abort);
        }
        self.state = State::Ended;
        self.trickle = Trickle::Off;
        self.outputs
            .push_back(Output::End(Ended { phase, refusal }));
    }

    fn exchange(&mut self) -> Exchange {
        self.exchanges += 1;
        Exchange(self.exchanges)
    }
}

const fn of(cause: Cause) -> Refusal {
    Refusal {
        cause,
        status: 0,
        retry_after: None,
    }
}
