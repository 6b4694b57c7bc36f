//! The search for a link: rounds of attempts, and the waits between them.

use super::attempt::{Attempt, Phase, Uplink};
use super::link::Plan;
use super::path::EXCHANGE;
use super::state::State;
use super::{Session, Streak, Token};
use crate::close::{Cause, Ending, Verdict};
use crate::config::{Dialect, Readiness};
use crate::frame::{Frame, Hello, Ready, Transport, VERSION};
use crate::input::{AttemptId, Environment, Report};
use crate::note::Kind;
use crate::output::{Event, Output, TokenReason};
use crate::time::Millis;
use crate::transports::Transports;

/// Rounds that fail with "not here" on every transport before a session that once had a link fails.
const UNSUITABLE_ROUNDS: u32 = 3;

#[derive(Debug)]
pub(super) struct Search {
    pub(super) step: Step,
    /// When the session is told that this takes long (connecting) or is suspended (reconnecting).
    pub(super) patience: Millis,
}

#[derive(Debug)]
pub(super) enum Step {
    /// The token function runs.
    Token { until: Millis },
    /// Attempts run.
    Round(Round),
    /// The HTTP side probe runs: did the transport fail, or the server?
    SideProbe { until: Millis, round: Round },
    /// Nothing runs until then.
    Waiting { until: Millis },
}

/// One round over the candidate transports.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) mode: Mode,
    /// Transports not started yet, the next one first.
    pub(super) queue: Transports,
    /// When the next one starts, whatever happens.
    pub(super) next_at: Millis,
    pub(super) tally: Tally,
}

/// How a round goes from one transport to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Staggered starts, first proof wins.
    Race,
    /// The next one starts when this one has not proven itself in time, but not because it was
    /// refused: an overloaded server is not opened twice by everyone.
    Relay,
    /// One at a time.
    Sequence,
}

/// What the failures of a round have in common.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The longest wait a server asked for.
    pub(super) retry_after: Option<u32>,
    /// A failure that says "not on this transport".
    pub(super) unsuitable: Option<Ending>,
    /// A failure that may pass.
    pub(super) passing: Option<Ending>,
    /// A WebSocket that speaks something else: this says more than that nothing is elsewhere.
    pub(super) foreign: Option<Ending>,
    /// A WebSocket that failed and hid why.
    pub(super) hidden: Option<Ending>,
    /// A transport that shows statuses was tried.
    pub(super) asked_http: bool,
}

impl Step {
    pub(super) const fn deadline(&self) -> Millis {
        match self {
            Self::Token { until } | Self::SideProbe { until, .. } | Self::Waiting { until } => {
                *until
            }
            Self::Round(round) => round.next_at,
        }
    }

    /// Pushes deadlines out by the time in which the page was frozen. A wait is not pushed: it only
    /// grows stale.
    pub(super) fn postpone(&mut self, later: impl Fn(Millis) -> Millis) {
        match self {
            Self::Token { until } | Self::SideProbe { until, .. } => *until = later(*until),
            Self::Round(round) => round.next_at = later(round.next_at),
            Self::Waiting { .. } => {}
        }
    }
}

impl<B: Clone, S: Clone + PartialEq> Session<B, S> {
    pub(super) fn start_search(&mut self, now: Millis) {
        let patience = now + u64::from(self.config.timing.connect);
        let search = Search {
            step: Step::Waiting { until: now },
            patience,
        };
        self.transition_to(State::Connecting(search), None);
        self.next_round(now);
    }

    /// Goes on from a lost link.
    pub(super) fn search_again(&mut self, ending: Ending, plan: Plan, window: u32, now: Millis) {
        let patience = now + u64::from(window);
        let search = Search {
            step: Step::Waiting { until: now },
            patience,
        };
        self.transition_to(State::Reconnecting(search), Some(ending));
        if ending.verdict() == Verdict::RefreshToken {
            return self.refresh_token(ending, now);
        }
        if let Some(index) = self.attempts.iter().position(Attempt::is_settling) {
            return self.adopt(index, now);
        }
        if !self.attempts.is_empty() {
            let running = self.attempts.iter().map(|attempt| attempt.transport);
            let queue = self.candidates().without(running.collect());
            let next_at = now + u64::from(self.config.timing.proof);
            let round = Round {
                mode: Mode::Relay,
                queue,
                next_at,
                tally: Tally::default(),
            };
            return self.set_step(Step::Round(round));
        }
        match plan {
            Plan::Move { at } => self.wait_until(at, now),
            Plan::Stay | Plan::Climb { .. } | Plan::Moving | Plan::AskToken { .. } => {
                let untried = self.candidates().without(self.streak.flapped);
                if ending.cause == Cause::Flapped && !self.streak.lost_useful && !untried.is_empty()
                {
                    self.next_round(now);
                } else {
                    self.wait(ending.retry_after, now);
                }
            }
        }
    }

    /// Asks for a token if one is due, then starts a round.
    fn next_round(&mut self, now: Millis) {
        match self.token {
            Token::Needed(reason) => {
                let until = now + u64::from(self.config.timing.token);
                self.set_step(Step::Token { until });
                self.note(Kind::Token, None, reason as u32, 0);
                self.outputs.push(Output::NeedToken(reason));
            }
            Token::None | Token::Held => self.start_round(now),
        }
    }

    pub(super) fn start_round(&mut self, now: Millis) {
        self.spend_token();
        let mode = match self.config.dialect {
            Dialect::Json(_) => Mode::Sequence,
            Dialect::Throughline if self.backoff.is_fresh() && !self.streak.lost_useful => {
                Mode::Race
            }
            Dialect::Throughline => Mode::Relay,
        };
        let mut queue = self.candidates();
        if queue.is_empty() {
            return self.fail(Ending::of(Cause::Unavailable));
        }
        if mode != Mode::Race {
            // What worked last, but the most preferred one in the second round, and another one in
            // every fifth, unless each has its turn in every round. Which fifth differs by session: a
            // crowd does not try it all at once.
            let rounds = self.streak.rounds as usize;
            let last = self.memory.map(|memory| memory.transport);
            if let Some(last) = last.filter(|last| rounds != 1 && !self.goes_last(*last)) {
                queue = queue.starting_with(last);
            }
            if let Some(first) = queue.first().filter(|first| self.goes_last(*first)) {
                queue.take_first();
                queue.add(first);
            }
            let others = queue.iter().count() - 1;
            let turn = rounds + (self.identity.connect.0 as u32 % 5) as usize;
            if mode == Mode::Relay
                && rounds > 0
                && turn % 5 == 4
                && others > 0
                && let Some(other) = queue.iter().nth(1 + turn / 5 % others)
            {
                queue = queue.starting_with(other);
            }
        }
        self.streak.rounds += 1;
        self.set_step(Step::Round(Round {
            mode,
            queue,
            next_at: Millis::NEVER,
            tally: Tally::default(),
        }));
        self.start_next(now);
    }

    /// Opens the round's next transport and says when the one after it joins.
    fn start_next(&mut self, now: Millis) {
        let stagger = self.stagger();
        let standby = self.standby();
        let proof = self.config.timing.proof;
        let Some(Search {
            step: Step::Round(round),
            ..
        }) = self.state.search_mut()
        else {
            return;
        };
        let Some(transport) = round.queue.take_first() else {
            round.next_at = Millis::NEVER;
            return;
        };
        round.tally.asked_http |= transport.is_split();
        let until_next = match round.mode {
            _ if round.queue.is_empty() => None,
            Mode::Sequence => None,
            Mode::Race | Mode::Relay if transport.is_negotiated() => Some(standby),
            Mode::Race => Some(stagger),
            Mode::Relay => Some(proof),
        };
        round.next_at = until_next.map_or(Millis::NEVER, |span| now + u64::from(span));
        self.open(transport, now);
    }

    pub(super) fn open(&mut self, transport: Transport, now: Millis) {
        self.last_attempt += 1;
        let id = AttemptId(self.last_attempt);
        let link = self.rng.nonce();
        let timing = &self.config.timing;
        let open = match (self.config.dialect, &self.state) {
            _ if transport.is_negotiated() => EXCHANGE,
            // Nothing waits for it: some browsers show a stream only with its first byte.
            (Dialect::Throughline, _) | (Dialect::Json(_), State::Connected(_)) => {
                u64::from(timing.open)
            }
            (Dialect::Json(_), _) => self.patient(timing.json_open),
        };
        let mut attempt = Attempt {
            id,
            transport,
            started: now,
            phase: Phase::Opening { until: now + open },
            uplink: Uplink::Free,
        };
        self.note(Kind::Open, Some((id, transport)), 0, 0);
        self.outputs.push(Output::Open {
            attempt: id,
            transport,
            link,
        });
        if transport.is_split() && self.config.dialect == Dialect::Throughline {
            attempt.uplink = Uplink::Busy;
            self.greet(id);
        }
        self.attempts.push(attempt);
    }

    fn greet(&mut self, attempt: AttemptId) {
        let hello = Hello {
            version: VERSION,
            connect: self.identity.connect,
            instance: self.identity.instance,
            session: self.identity.session.clone(),
            received: self.inbox.settled(),
        };
        self.outputs.push(Output::Transmit {
            attempt,
            frames: [Frame::Hello(hello)].into(),
        });
    }

    pub(super) fn handle_attempt(&mut self, index: usize, report: Report<B, S>, now: Millis) {
        match report {
            Report::Opened => self.handle_opened(index, now),
            Report::Frame(Frame::Ready(ready)) => self.prove(index, Some(ready), now),
            Report::Frame(Frame::Close { code, retry }) => {
                let ending = Ending {
                    code,
                    retry_after: retry,
                    ..Ending::of(Cause::Closed)
                };
                self.fail_attempt(index, ending, now);
            }
            Report::Frame(_) => {}
            Report::Ready => self.prove(index, None, now),
            Report::Written => {
                if let Some(attempt) = self.attempts.get_mut(index) {
                    attempt.uplink = Uplink::Free;
                }
                // The POST of `hello` is answered once the server has both ways (B1): the stream is
                // open, even where the browser hides that until its first bytes.
                self.handle_opened(index, now);
            }
            Report::Ended(ending) => self.fail_attempt(index, ending, now),
            Report::Offered => self.handle_offered(index, now),
            Report::Answered => self.handle_answered(index, now),
            Report::Mended => {}
        }
    }

    fn handle_opened(&mut self, index: usize, now: Millis) {
        let proof = now + self.patient(self.config.timing.proof);
        let settled = now + u64::from(self.config.timing.json_settle);
        let dialect = self.config.dialect;
        let had_link = self.identity.fence > 0;
        let Some(attempt) = self.attempts.get_mut(index).filter(|a| !a.has_opened()) else {
            return;
        };
        let (id, transport) = (attempt.id, attempt.transport);
        // An answered poll proves both ways, and no server greets a client twice that it knows.
        let greeted = had_link && transport == Transport::LongPoll;
        attempt.phase = match dialect {
            Dialect::Throughline => Phase::Greeting { until: proof },
            Dialect::Json(Readiness::Named) if !greeted => Phase::Greeting { until: proof },
            Dialect::Json(_) => {
                let rtt = (now - attempt.started) as u32;
                Phase::Settling {
                    until: settled,
                    ready: None,
                    rtt,
                }
            }
        };
        if !transport.is_split() {
            attempt.started = now;
            if dialect == Dialect::Throughline {
                self.greet(id);
            }
        }
        self.note(Kind::Opened, Some((id, transport)), 0, 0);
    }

    fn prove(&mut self, index: usize, ready: Option<Ready<S>>, now: Millis) {
        let until = match &self.state {
            State::Connected(_) => now + u64::from(self.config.timing.settle),
            State::Idle
            | State::Connecting(_)
            | State::Reconnecting(_)
            | State::Suspended(_)
            | State::Closing(..)
            | State::Closed(_)
            | State::Failed(_) => now,
        };
        let Some(attempt) = self.attempts.get_mut(index).filter(|a| !a.is_settling()) else {
            return;
        };
        let rtt = (now - attempt.started) as u32;
        let named = Some((attempt.id, attempt.transport));
        attempt.phase = Phase::Settling { until, ready, rtt };
        self.note(Kind::Ready, named, rtt, 0);
        if until == now {
            self.adopt(index, now);
        }
    }

    pub(super) fn handle_overdue(&mut self, index: usize, now: Millis) {
        match self.attempts.get(index).and_then(Attempt::overdue) {
            Some(cause) => self.fail_attempt(index, Ending::of(cause), now),
            None if self.stands_in(index) => self.relieve_stand_in(index, now),
            None => self.adopt(index, now),
        }
    }

    pub(super) fn fail_attempt(&mut self, index: usize, mut ending: Ending, now: Millis) {
        let attempt = self.attempts.remove(index);
        let transport = attempt.transport;
        ending.transport = Some(transport);
        ending.cause = match ending.cause {
            Cause::Lost | Cause::Cut if attempt.has_opened() => Cause::Flapped,
            // The server answered, and no packet found a way.
            Cause::Lost if matches!(attempt.phase, Phase::Answered { .. }) => Cause::Hang,
            Cause::Lost | Cause::Cut => Cause::Refused,
            cause => cause,
        };
        self.drop_link(attempt.id, transport, ending.cause, ending.number());
        let barred = matches!(
            ending.cause,
            Cause::Blocked | Cause::BadAddress | Cause::Unavailable
        );
        if barred {
            self.barred.add(transport);
        }
        // A host without peer connections is no trouble: the ladder begins one step lower.
        let missing = transport.is_negotiated() && ending.cause == Cause::Unavailable;
        // Why a WebSocket that is used alone was refused, the side probe is about to say.
        let alone = self.config.transports.iter().count() == 1;
        let refused = transport == Transport::WebSocket && ending.cause == Cause::Refused;
        let unclear = alone && refused && self.state.search_mut().is_some();
        let silent = missing || unclear;
        if !silent && self.streak.reported.add(transport) {
            self.emit(Event::Trouble(ending));
        }
        if self.state.search_mut().is_none() {
            self.replan(now);
            return self.flush(now);
        }
        match ending.verdict() {
            Verdict::Stop => self.fail(ending),
            Verdict::RefreshToken => self.refresh_token(ending, now),
            verdict @ (Verdict::Retry | Verdict::SwitchTransport) => {
                self.tally(ending, verdict, now);
            }
        }
    }

    /// Counts a failure and goes on with the round, if anything is left of it.
    fn tally(&mut self, ending: Ending, verdict: Verdict, now: Millis) {
        let Some(Search {
            step: Step::Round(round),
            ..
        }) = self.state.search_mut()
        else {
            return;
        };
        let websocket = ending.transport == Some(Transport::WebSocket) && ending.number() == 0;
        round.tally.retry_after = round.tally.retry_after.max(ending.retry_after);
        if verdict == Verdict::SwitchTransport {
            round.tally.unsuitable = Some(ending);
        } else if websocket && ending.cause == Cause::Protocol {
            round.tally.foreign = Some(ending);
        } else if websocket && ending.cause != Cause::NotReady {
            round.tally.hidden = Some(ending);
        } else {
            round.tally.passing = Some(ending);
        }
        let goes_on = match round.mode {
            Mode::Race | Mode::Sequence => true,
            Mode::Relay => {
                verdict == Verdict::SwitchTransport
                    || matches!(
                        ending.cause,
                        Cause::Hang
                            | Cause::Swallowed
                            | Cause::Muted
                            | Cause::NotReady
                            | Cause::Flapped
                    )
            }
        };
        if goes_on && !round.queue.is_empty() {
            self.start_next(now);
        } else if self.attempts.is_empty() {
            self.end_round(now);
        }
    }

    fn end_round(&mut self, now: Millis) {
        let probe_until = now + self.patient(self.config.timing.proof);
        let had_link = self.identity.fence > 0;
        let (probed, rounds) = (self.streak.probed, self.streak.rounds);
        // What was cut young has its turn again: nothing else works.
        let left_out = core::mem::take(&mut self.streak.flapped);
        let Some(Search { step, .. }) = self.state.search_mut() else {
            return;
        };
        let Step::Round(round) = core::mem::replace(step, Step::Waiting { until: now }) else {
            return;
        };
        if round.tally.hidden.is_some() && !round.tally.asked_http && !probed {
            *step = Step::SideProbe {
                until: probe_until,
                round,
            };
            self.streak.probed = true;
            self.outputs.push(Output::SideProbe);
            return;
        }
        match (round.tally.unsuitable, round.tally.passing) {
            (Some(ending), None)
                if round.queue.is_empty()
                    && left_out.is_empty()
                    && (!had_link || rounds >= UNSUITABLE_ROUNDS) =>
            {
                self.fail(round.tally.foreign.unwrap_or(ending));
            }
            _ => self.wait(round.tally.retry_after, now),
        }
    }

    pub(super) fn handle_side_probe(&mut self, status: u16, retry_after: Option<u32>, now: Millis) {
        let had_link = self.identity.fence > 0;
        let Some(Search { step, .. }) = self.state.search_mut() else {
            return;
        };
        if !matches!(step, Step::SideProbe { .. }) {
            return;
        }
        let Step::SideProbe { round, .. } = core::mem::replace(step, Step::Waiting { until: now })
        else {
            return;
        };
        let goes_on = !round.queue.is_empty();
        let hidden = round.tally.hidden;
        *step = Step::Round(round);
        self.note(Kind::SideProbe, None, status.into(), 0);
        let ending = Ending {
            transport: Some(Transport::WebSocket),
            status,
            retry_after,
            ..Ending::of(Cause::Status)
        };
        let told = self.streak.reported.add(Transport::WebSocket);
        if matches!(status, 401 | 403) && self.streak.refreshed.is_none() {
            self.emit(Event::Trouble(ending));
        } else if let Some(hidden) = hidden.filter(|_| told) {
            self.emit(Event::Trouble(hidden));
        }
        match status {
            401 => {
                // What becomes of a fresh one is hidden just so.
                self.streak.probed = false;
                self.refresh_token(ending, now);
            }
            403 if !had_link && !goes_on => self.fail(ending),
            0 | 429 | 500..=599 => self.wait(retry_after, now),
            _ if goes_on => self.start_next(now),
            _ => self.wait(None, now),
        }
    }

    /// Asks for a fresh token, once per streak.
    pub(super) fn refresh_token(&mut self, ending: Ending, now: Millis) {
        // One refused much later was fresh once: the page was frozen with it, or it expired.
        let span = u64::from(self.config.timing.stable);
        let again = |at| now - at < span;
        if self.token == Token::None || self.streak.refreshed.is_some_and(again) {
            return self.fail(ending);
        }
        self.streak.refreshed = Some(now);
        self.drop_attempts(|_| true);
        self.token = Token::Needed(TokenReason::Unauthorized);
        self.next_round(now);
    }

    /// Waits for the backoff, or longer where a server asked for it. Clients that were asked to
    /// wait equally long come back spread out all the same.
    pub(super) fn wait(&mut self, retry_after: Option<u32>, now: Millis) {
        let windows = self.config.timing.backoff;
        let backoff = self.backoff.next(&windows, &mut self.rng);
        let asked = retry_after.map_or(0, |ms| {
            let spread = windows[0].max(ms / 4);
            u64::from(ms) + self.rng.between(0, spread.into())
        });
        self.wait_until(now + backoff.max(asked), now);
    }

    fn wait_until(&mut self, until: Millis, now: Millis) {
        self.set_step(Step::Waiting { until });
        let span = until - now;
        self.note(Kind::Wait, None, u32::try_from(span).unwrap_or(u32::MAX), 0);
        self.emit(Event::RetryIn(span));
    }

    /// The surroundings changed for the better: a wait ends soon, jittered all the same.
    pub(super) fn hurry(&mut self, environment: Environment, now: Millis) {
        let soon = now + self.rng.between(0, self.config.timing.backoff[0].into());
        if environment == Environment::NetworkChanged {
            self.backoff.reset();
            self.streak = Streak::default();
            self.move_path();
        }
        if environment != Environment::Woke {
            self.renegotiate(now);
        }
        if let Some(search) = self.state.search_mut() {
            if let Step::Waiting { until } = search.step
                && soon < until
            {
                self.wait_until(soon, now);
            }
        } else if let Some(link) = self.state.link_mut()
            && let Plan::Climb { at } = link.plan
            && environment != Environment::Woke
        {
            link.plan = Plan::Climb { at: at.min(soon) };
        }
    }

    pub(super) fn handle_search_due(&mut self, now: Millis) {
        let Some(search) = self.state.search_mut() else {
            return;
        };
        if search.patience <= now {
            search.patience = Millis::NEVER;
            return self.lose_patience(now);
        }
        match search.step {
            Step::Token { .. } => self.handle_token(Err(()), now),
            Step::Round(_) => self.start_next(now),
            Step::SideProbe { .. } => self.handle_side_probe(0, None, now),
            Step::Waiting { .. } => self.next_round(now),
        }
    }

    fn lose_patience(&mut self, now: Millis) {
        let ending = Ending::of(Cause::Deadline);
        if let State::Reconnecting(search) = &mut self.state {
            let step = core::mem::replace(&mut search.step, Step::Waiting { until: now });
            let search = Search {
                step,
                patience: Millis::NEVER,
            };
            self.transition_to(State::Suspended(search), Some(ending));
        } else {
            self.emit(Event::Trouble(ending));
        }
    }

    /// Transports worth trying, most preferred first.
    fn candidates(&self) -> Transports {
        let usable = self.config.transports.without(self.barred);
        let steady = usable.without(self.streak.flapped);
        if steady.is_empty() { usable } else { steady }
    }

    /// Whether a transport is not to be tried first: its path died since the last useful link.
    const fn goes_last(&self, transport: Transport) -> bool {
        transport.is_negotiated() && self.streak.lost_path
    }

    /// A small multiple of the remembered round trip; short where a lesser transport worked last.
    pub(super) fn stagger(&self) -> u32 {
        match self.memory {
            None => self.config.timing.stagger,
            Some(memory) if self.config.transports.first() == Some(memory.transport) => {
                memory.rtt.saturating_mul(4).clamp(100, 1_000)
            }
            Some(_) => 100,
        }
    }

    /// Doubles a span with each failed round, so that a slow network gets its time.
    fn patient(&self, span: u32) -> u64 {
        let doubled = u64::from(span) << self.streak.rounds.saturating_sub(1).min(8);
        doubled.min(self.config.timing.open.into())
    }

    pub(super) fn spend_token(&mut self) {
        if self.token != Token::None {
            self.token = Token::Needed(TokenReason::Connect);
        }
    }

    fn set_step(&mut self, step: Step) {
        if let Some(search) = self.state.search_mut() {
            search.step = step;
        }
    }
}
