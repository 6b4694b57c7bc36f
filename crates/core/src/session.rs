//! The session: one conversation over changing links, as a state machine.

mod adopt;
mod attempt;
mod link;
mod path;
mod search;
mod state;

use alloc::string::String;
use alloc::vec::{self, Vec};
use core::mem;

use crate::backoff::Backoff;
use crate::close::{Cause, Ending};
use crate::config::{Config, Dialect, Memory, WhenFull};
use crate::frame::{Frame, Nonce, Transport};
use crate::input::{AttemptId, Environment, Input, Report, Ticket};
use crate::note::{Kind, Note};
use crate::outbox::{Bounds, Entry as Queued, Outbox};
use crate::output::{Event, Outcome, Output, StateKind, TokenReason};
use crate::rng::Rng;
use crate::time::Millis;
use crate::transports::Transports;

use attempt::Attempt;
use search::Step;
use state::{Farewell, State};
pub use state::{Policy, SendPolicy};

/// A late alarm says that the page was frozen, not that the network was silent, from here on.
const FROZEN: u64 = 1_000;

/// The client's half of a session. `B` is a message's type and payload and `S` the server's name
/// of the session, both opaque here.
#[derive(Debug)]
pub struct Session<B, S = String> {
    config: Config,
    rng: Rng,
    state: State,
    attempts: Vec<Attempt<S>>,
    last_attempt: u32,
    identity: Identity<S>,
    outbox: Outbox<B>,
    pressure: Pressure,
    /// Control frames that wait for the way up.
    pending: Vec<Frame<B, S>>,
    inbox: Inbox,
    token: Token,
    memory: Option<Memory>,
    backoff: Backoff,
    streak: Streak,
    /// Negotiated links in a row that did not live long.
    falls: u32,
    /// Transports that can never work here.
    barred: Transports,
    outputs: Vec<Output<B, S>>,
    /// Outputs that are being handed out.
    leaving: vec::IntoIter<Output<B, S>>,
}

/// Who the session is to the server.
#[derive(Debug)]
struct Identity<S> {
    connect: Nonce,
    instance: Nonce,
    session: Option<S>,
    fence: u32,
}

/// What an earlier page knew of the session that this one goes on with.
#[derive(Debug, Clone)]
pub struct Restored<S = String> {
    /// The server's name of the session.
    pub session: S,
    /// Who the session is to the server: the nonces that it was made with.
    pub connect: Nonce,
    /// See [`Restored::connect`].
    pub instance: Nonce,
    /// The last fence that was used.
    pub fence: u32,
    /// The last offset that was delivered or acknowledged.
    pub received: u64,
    /// The last `seq` that the server acknowledged.
    pub acked: u64,
}

/// What has arrived, and what the server is to be told of it.
#[derive(Debug)]
struct Inbox {
    received: u64,
    /// The last offset that was delivered, where acks wait for that.
    delivered: Option<u64>,
    unacked: u32,
    unacked_bytes: usize,
    ack: Ack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ack {
    Settled,
    /// Something arrived since; the next turn sets the time.
    Wanted,
    Due(Millis),
}

/// Where tokens come from, and whether the one at hand may be used for the next round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    Needed(TokenReason),
    Held,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pressure {
    Room,
    Full,
}

/// What has been learned since the last useful link.
#[derive(Debug, Default)]
struct Streak {
    rounds: u32,
    /// The side probe was used.
    probed: bool,
    /// When the token was refreshed because the server asked.
    refreshed: Option<Millis>,
    /// Became ready, then died young.
    flapped: Transports,
    /// The application was told.
    reported: Transports,
    lost_useful: bool,
    /// A negotiated link was lost.
    lost_path: bool,
}

/// What to do with a numbered message. Bit 0 says deliver it, bit 1 turn soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Accept {
    /// Not for the application: a double, or from an attempt that was dropped.
    Drop = 0,
    /// Deliver it.
    Deliver = 1,
    /// Drop it, and hand the core [`Input::Timeout`] soon.
    DropAndTurn = 2,
    /// Deliver it, and hand the core [`Input::Timeout`] soon.
    DeliverAndTurn = 3,
}

impl Inbox {
    /// The last offset that need not come again: what has arrived, or, where acks wait for that, was
    /// delivered, within half a window.
    fn settled(&self) -> u64 {
        let received = self.received;
        self.delivered.map_or(received, |delivered| {
            delivered.max(received.saturating_sub(link::ACK_WINDOW.into()))
        })
    }

    /// Nothing is to be acknowledged.
    const fn settle(&mut self) {
        self.unacked = 0;
        self.unacked_bytes = 0;
        self.ack = Ack::Settled;
    }
}

impl<B: Clone, S: Clone + PartialEq> Session<B, S> {
    /// Makes a session in state `idle`. `seed` must not be all zero and, in a browser, must come
    /// from its secure random source: the session's nonces are drawn from it.
    #[must_use]
    #[inline(never)]
    pub fn new(mut config: Config, seed: [u8; 16]) -> Self {
        let mut rng = Rng::new(seed);
        if config.transports.is_empty() {
            config.transports = Transport::TEXT.into_iter().collect();
        }
        let identity = Identity {
            connect: rng.nonce(),
            instance: rng.nonce(),
            session: None,
            fence: 0,
        };
        Self {
            rng,
            state: State::Idle,
            attempts: Vec::new(),
            last_attempt: 0,
            identity,
            outbox: Outbox::new(Bounds {
                messages: config.outbox_messages,
                bytes: config.outbox_bytes,
            }),
            pressure: Pressure::Room,
            pending: Vec::new(),
            inbox: Inbox {
                received: 0,
                delivered: None,
                unacked: 0,
                unacked_bytes: 0,
                ack: Ack::Settled,
            },
            token: if config.has_token {
                Token::Needed(TokenReason::Connect)
            } else {
                Token::None
            },
            memory: config.memory,
            backoff: Backoff::default(),
            streak: Streak::default(),
            falls: 0,
            barred: Transports::default(),
            outputs: Vec::new(),
            leaving: Vec::new().into_iter(),
            config,
        }
    }

    /// Goes on with the session of an earlier page; has an effect only in state `idle`. What that
    /// page may have written follows as [`Input::Kept`], in its order.
    pub fn restore(&mut self, restored: Restored<S>) {
        if !matches!(self.state, State::Idle) {
            return;
        }
        self.identity = Identity {
            connect: restored.connect,
            instance: restored.instance,
            session: Some(restored.session),
            fence: restored.fence,
        };
        self.inbox.received = restored.received;
        self.outbox.restore(restored.acked);
    }

    /// Takes note that everything up to `offset` was delivered. From the first call on, acks wait
    /// for that, within half a window.
    pub const fn delivered(&mut self, offset: u64) {
        self.inbox.delivered = Some(offset);
    }

    /// Tells the session one thing that happened at `now`.
    pub fn handle(&mut self, input: Input<B, S>, now: Millis) {
        match input {
            Input::Connect => {
                if matches!(self.state, State::Idle) {
                    self.start_search(now);
                }
            }
            Input::Send {
                ticket,
                request,
                body,
                bytes,
                ttl,
                replaces,
            } => {
                let entry = Queued {
                    ticket,
                    request,
                    body,
                    bytes,
                    expires: ttl.map_or(Millis::NEVER, |ttl| now + u64::from(ttl)),
                };
                self.send(entry, replaces, now);
            }
            Input::Kept {
                ticket,
                request,
                body,
                bytes,
            } => {
                if matches!(self.state, State::Idle) {
                    self.outbox.put_back(Queued {
                        ticket,
                        request,
                        body,
                        bytes,
                        expires: Millis::NEVER,
                    });
                }
            }
            Input::Cancel(ticket) => {
                if self.outbox.cancel(ticket) {
                    self.settle(ticket, Outcome::Cancelled);
                    self.relieve();
                }
            }
            Input::Close => self.close(now),
            Input::Token(result) => self.handle_token(result, now),
            Input::Report(id, report) => self.handle_report(id, report, now),
            Input::SideProbe {
                status,
                retry_after,
            } => {
                self.handle_side_probe(status, retry_after, now);
            }
            Input::Environment(environment) => self.handle_environment(environment, now),
            Input::Timeout => self.handle_timeout(now),
        }
        if self.inbox.ack == Ack::Wanted {
            self.schedule_ack(now);
        }
    }

    /// Judges one numbered message that came on `id`. Cheap: no time is needed, nothing is queued.
    pub fn accept(&mut self, id: AttemptId, n: u64) -> Accept {
        let Some(link) = self.state.link_mut().filter(|link| link.id == id) else {
            // Without a handshake, what an opening link says is said once.
            let mut attempts = self.attempts.iter_mut();
            let plain = self.config.dialect != Dialect::Throughline;
            let attempt = attempts.find(|attempt| plain && attempt.id == id);
            let opening = attempt.map(Attempt::speak).is_some();
            return if opening {
                Accept::Deliver
            } else {
                Accept::Drop
            };
        };
        link.heard();
        if self.config.dialect != Dialect::Throughline {
            return Accept::Deliver;
        }
        if n <= self.inbox.received {
            return Accept::Drop;
        }
        if n != self.inbox.received + 1 {
            // A skipped number ends the link at the next turn.
            self.inbox.ack = Ack::Wanted;
            self.inbox.unacked = u32::MAX;
            return Accept::DropAndTurn;
        }
        self.inbox.received = n;
        self.inbox.unacked = self.inbox.unacked.saturating_add(1);
        if self.inbox.ack == Ack::Settled || self.inbox.unacked == link::ACK_WINDOW {
            self.inbox.ack = Ack::Wanted;
            return Accept::DeliverAndTurn;
        }
        Accept::Deliver
    }

    /// Notes that a unit of so many bytes has come on `id`, or 0 bytes that carry no frame, such as
    /// an SSE comment. Says whether to hand the core [`Input::Timeout`] soon.
    pub fn heard(&mut self, id: AttemptId, bytes: usize) -> bool {
        let Some(link) = self.state.link_mut().filter(|link| link.id == id) else {
            return false;
        };
        link.heard();
        let before = self.inbox.unacked_bytes;
        self.inbox.unacked_bytes = before.saturating_add(bytes);
        // Said once: the ack itself waits for the alarm, and further units may come before it.
        let crosses = before < link::ACK_BYTES && self.inbox.unacked_bytes >= link::ACK_BYTES;
        let due = crosses && self.inbox.unacked > 0;
        if due {
            self.inbox.ack = Ack::Wanted;
        }
        due
    }

    /// Hands out the next thing to do; drain it to `None` after every call of [`Session::handle`].
    pub fn poll_output(&mut self) -> Option<Output<B, S>> {
        let next = self.leaving.next();
        if next.is_none() && !self.outputs.is_empty() {
            self.leaving = mem::take(&mut self.outputs).into_iter();
            return self.leaving.next();
        }
        next
    }

    /// Returns when [`Input::Timeout`] is due at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Millis> {
        let due = self.due();
        (due < Millis::NEVER).then_some(due)
    }

    fn due(&self) -> Millis {
        let mut due = self.outbox.soonest();
        match &self.state {
            State::Connecting(search) | State::Reconnecting(search) | State::Suspended(search) => {
                due = due.min(search.step.deadline()).min(search.patience);
            }
            State::Closing(_, Farewell::Draining { until } | Farewell::Leaving { until }) => {
                due = due.min(*until);
            }
            State::Idle | State::Connected(_) | State::Closed(_) | State::Failed(_) => {}
        }
        if let Some(link) = self.state.link() {
            if let Ack::Due(at) = self.inbox.ack {
                due = due.min(at);
            }
            due = due.min(link.deadline());
        }
        for attempt in &self.attempts {
            due = due.min(attempt.until());
        }
        due
    }

    /// Returns the state.
    #[must_use]
    pub const fn state(&self) -> StateKind {
        self.state.kind()
    }

    /// Returns the transport that carries the session, if one does.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.state.transport()
    }

    /// Returns the link that carries the session, if one does.
    #[must_use]
    pub fn link(&self) -> Option<AttemptId> {
        self.state.link().map(|link| link.id)
    }

    /// Returns the last round trip in milliseconds, 0 if there was none.
    #[must_use]
    pub fn round_trip(&self) -> u32 {
        self.state.link().map_or(0, |link| link.rtt)
    }

    /// Returns how many messages, and how many bytes, wait in the outbox.
    #[must_use]
    pub fn buffered(&self) -> (usize, usize) {
        (self.outbox.len(), self.outbox.bytes())
    }

    /// Returns how many attempts are in flight beside the link.
    #[must_use]
    pub const fn attempts(&self) -> usize {
        self.attempts.len()
    }

    fn send(&mut self, entry: Queued<B>, replaces: Option<Ticket>, now: Millis) {
        let policy = self.state.kind().policy().send;
        if policy == SendPolicy::Refuse {
            return self.settle(entry.ticket, Outcome::Closed);
        }
        if !self.outbox.has_room(entry.bytes, replaces) {
            self.pressure = Pressure::Full;
            if self.config.when_full == WhenFull::Refuse {
                return self.settle(entry.ticket, Outcome::Full);
            }
        }
        if let Some(earlier) = replaces.filter(|earlier| self.outbox.cancel(*earlier)) {
            self.settle(earlier, Outcome::Replaced);
        }
        self.outbox.push(entry);
        if policy == SendPolicy::Transmit {
            self.flush(now);
        }
    }

    fn close(&mut self, now: Millis) {
        let until = now + u64::from(self.config.timing.close);
        match &self.state {
            State::Connected(_) => {
                self.drop_attempts(|_| true);
                let placeholder = State::Closed(Ending::of(Cause::Asked));
                let State::Connected(mut link) = mem::replace(&mut self.state, placeholder) else {
                    return;
                };
                link.plan = link::Plan::Stay;
                let transport = link.transport;
                self.state = State::Closing(link, Farewell::Draining { until });
                self.note(
                    Kind::State,
                    None,
                    StateKind::Connected as u32,
                    StateKind::Closing as u32,
                );
                self.emit(Event::State {
                    from: StateKind::Connected,
                    to: StateKind::Closing,
                    ending: Some(Ending {
                        transport: Some(transport),
                        ..Ending::of(Cause::Asked)
                    }),
                });
                self.flush(now);
            }
            State::Idle | State::Connecting(_) | State::Reconnecting(_) | State::Suspended(_) => {
                self.finish(State::Closed(Ending::of(Cause::Asked)));
            }
            State::Closing(..) | State::Closed(_) | State::Failed(_) => {}
        }
    }

    /// Enters a terminal state: nothing runs afterwards, every send is decided.
    fn finish(&mut self, terminal: State) {
        self.drop_attempts(|_| true);
        let ending = match &terminal {
            State::Closed(ending) | State::Failed(ending) => Some(*ending),
            State::Idle
            | State::Connecting(_)
            | State::Connected(_)
            | State::Reconnecting(_)
            | State::Suspended(_)
            | State::Closing(..) => None,
        };
        self.pending.clear();
        self.inbox.ack = Ack::Settled;
        self.outbox.clear(&mut self.outputs);
        let left = self.transition_to(terminal, ending);
        if let State::Connected(link) | State::Closing(link, _) = left {
            self.outputs.push(Output::Drop { attempt: link.id });
        }
    }

    fn fail(&mut self, ending: Ending) {
        self.finish(State::Failed(ending));
    }

    fn handle_token(&mut self, result: Result<(), ()>, now: Millis) {
        if let Some(search) = self.state.search_mut() {
            if !matches!(search.step, Step::Token { .. }) {
                return;
            }
            match result {
                Ok(()) => {
                    self.token = Token::Held;
                    self.start_round(now);
                }
                Err(()) => {
                    let ending = Ending::of(Cause::Token);
                    self.emit(Event::Trouble(ending));
                    self.wait(None, now);
                }
            }
        } else {
            self.handle_link_token(result, now);
        }
    }

    fn handle_report(&mut self, id: AttemptId, report: Report<B, S>, now: Millis) {
        if self.state.link().is_some_and(|link| link.id == id) {
            match report {
                Report::Frame(frame) => self.handle_frame(frame, now),
                Report::Written => self.handle_written(now),
                Report::Ended(ending) => self.lose(ending, now),
                Report::Mended => self.handle_mended(now),
                Report::Offered | Report::Answered | Report::Opened | Report::Ready => {}
            }
        } else if let Some(index) = self.attempts.iter().position(|attempt| attempt.id == id) {
            self.handle_attempt(index, report, now);
        }
    }

    fn handle_environment(&mut self, environment: Environment, now: Millis) {
        match environment {
            Environment::Hidden => self.disturb(),
            Environment::Offline => self.prove_link(now),
            Environment::Woke | Environment::Online | Environment::NetworkChanged => {
                self.disturb();
                self.prove_link(now);
                self.hurry(environment, now);
            }
        }
    }

    fn handle_timeout(&mut self, now: Millis) {
        if self.inbox.ack == Ack::Wanted && self.inbox.unacked == u32::MAX {
            self.inbox.settle();
            self.lose(Ending::of(Cause::Protocol), now);
        }
        let due = self.due();
        if now - due > FROZEN {
            self.thaw(now - due, now);
        }
        // Each pass handles what is due and moves or removes its deadline, so this ends.
        for _ in 0..64 {
            if self.due() > now {
                break;
            }
            self.handle_due(now);
        }
    }

    /// Forgives the time in which the page was frozen.
    fn thaw(&mut self, span: u64, now: Millis) {
        // What was set after waking has its whole time anyway.
        let latest = now + u64::from(self.config.timing.open.max(self.config.timing.token));
        let later = |at: Millis| (at + span).min(latest).max(at);
        for attempt in &mut self.attempts {
            attempt.postpone(later);
        }
        if let Some(search) = self.state.search_mut() {
            search.step.postpone(later);
        }
        if let Some(link) = self.state.link_mut() {
            link.proof_by = link.proof_by + span;
        }
        self.disturb();
        self.prove_link(now);
    }

    fn handle_due(&mut self, now: Millis) {
        if self.outbox.soonest() <= now {
            // Nothing else may be due.
            self.expire(now);
        } else if let Some(index) = self
            .attempts
            .iter()
            .position(|attempt| attempt.until() <= now)
        {
            self.handle_overdue(index, now);
        } else if let State::Closing(..) = self.state {
            self.handle_closing_due(now);
        } else if self.state.link().is_some() {
            self.handle_link_due(now);
        } else {
            self.handle_search_due(now);
        }
    }

    fn handle_closing_due(&mut self, now: Millis) {
        let State::Closing(_, farewell) = &self.state else {
            return;
        };
        let (Farewell::Draining { until } | Farewell::Leaving { until }) = *farewell;
        if until <= now {
            self.finish(State::Closed(Ending::of(Cause::Asked)));
        } else {
            self.handle_link_due(now);
        }
    }

    fn drop_attempts(&mut self, which: impl Fn(&Attempt<S>) -> bool) {
        let mut index = 0;
        while let Some(attempt) = self.attempts.get(index) {
            if which(attempt) {
                let attempt = self.attempts.remove(index);
                self.drop_link(attempt.id, attempt.transport, Cause::Superseded, 0);
            } else {
                index += 1;
            }
        }
    }

    fn transition_to(&mut self, next: State, ending: Option<Ending>) -> State {
        self.state.transition_to(next, ending, &mut self.outputs)
    }

    fn settle(&mut self, ticket: Ticket, outcome: Outcome) {
        self.emit(Event::Settled(ticket, outcome));
    }

    /// Gives up what has waited too long.
    fn expire(&mut self, now: Millis) {
        self.outbox.expire(now, &mut self.outputs);
        self.relieve();
    }

    /// Tells the application that a full outbox has room again.
    fn relieve(&mut self) {
        if self.pressure == Pressure::Full && self.outbox.is_relaxed() {
            self.pressure = Pressure::Room;
            self.emit(Event::Drained);
        }
    }

    /// Lets go of an attempt or a link, and notes why it ended.
    fn drop_link(&mut self, attempt: AttemptId, transport: Transport, cause: Cause, number: u32) {
        let named = Some((attempt, transport));
        self.note(Kind::Ended, named, cause as u32, number);
        self.outputs.push(Output::Drop { attempt });
    }

    #[inline(never)]
    fn emit(&mut self, event: Event) {
        self.outputs.push(Output::Event(event));
    }

    #[inline(never)]
    fn note(&mut self, kind: Kind, attempt: Option<(AttemptId, Transport)>, a: u32, b: u32) {
        self.outputs.push(Output::Note(Note {
            kind,
            attempt,
            a,
            b,
        }));
    }
}
