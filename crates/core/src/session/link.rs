//! The link that carries the session: liveness, acks, and the plan to leave it for a better one.

use super::attempt::{Attempt, Uplink};
use super::path::Mend;
use super::state::{Farewell, State};
use super::{Ack, Session, Streak, Token};
use crate::close::{Cause, Ending, code};
use crate::config::{Dialect, Memory};
use crate::frame::{Frame, Transport, VOICE};
use crate::input::AttemptId;
use crate::note::Kind;
use crate::output::{Event, Outcome, Output, TokenReason};
use crate::time::Millis;
use crate::transports::Transports;

/// Received messages after which an ack is due at once: half of the window of P3.3.
pub(super) const ACK_WINDOW: u32 = 500;

/// Bytes received after which an ack is due at once.
pub(super) const ACK_BYTES: usize = 256 << 10;

/// Bytes after which a unit is closed.
const UNIT_BYTES: usize = 64 << 10;

/// A stream that was cut is opened again within so many milliseconds.
const REOPEN_SPREAD: u64 = 250;

/// How often the wait for the next move doubles after one that failed.
const MOST_DOUBLINGS: u32 = 4;

/// Half heartbeat intervals of silence after which a link is half-open (2.5 intervals).
const QUIET_TICKS: u8 = 5;

#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: AttemptId,
    pub(super) transport: Transport,
    pub(super) since: Millis,
    pub(super) rtt: u32,
    pub(super) usefulness: Usefulness,
    pub(super) uplink: Uplink,
    pub(super) pulse: Option<Pulse>,
    /// A sign of life is due, after waking up; or another link, after the stream was cut.
    pub(super) proof_by: Millis,
    /// The ping in flight.
    pub(super) ping: Option<(u32, Millis)>,
    pub(super) pings: u32,
    pub(super) mend: Mend,
    pub(super) plan: Plan,
    pub(super) renewal: Renewal,
    /// Probes for a better transport so far.
    pub(super) climbs: u32,
    /// Moves that failed so far, as far as they count.
    pub(super) failed_moves: u32,
    /// Milliseconds the session may be without a link before it is suspended.
    pub(super) window: u32,
}

/// Whether the link has been useful for long enough to trust it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usefulness {
    Unproven {
        until: Millis,
    },
    /// Likewise, but the page was hidden, slept, or changed its network since: being cut says nothing.
    Disturbed {
        until: Millis,
    },
    Stable,
}

/// Watches for silence. Counting ticks instead of comparing clocks keeps a frozen page, whose
/// timers come late and once, from mistaking its own sleep for the network's.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) tick: u64,
    pub(super) next: Millis,
    pub(super) quiet: u8,
    pub(super) beats: u8,
}

/// What the link waits to do about its own replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing: the most preferred transport carries the session, or attempts are under way.
    Stay,
    /// Probe the better transports.
    Climb { at: Millis },
    /// The server asked to move: open a new link, on this transport or a better one.
    Move { at: Millis },
    /// The move's attempt is under way.
    Moving,
    /// The token function runs, then the plan goes on.
    AskToken { then: Target, until: Millis },
}

/// Whether the link's token is being replaced by a fresh one (P2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// No need is known.
    Idle,
    /// The token function runs.
    Asked { expires: Millis },
    /// It failed; it is asked again.
    Again { at: Millis, expires: Millis },
}

/// Which transports a plan opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Better,
    Same,
    /// The next lesser one, to be there if the path should be dead.
    Standby,
}

/// What a tick asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Ping,
    HalfOpen,
}

impl Pulse {
    pub(super) fn new(heartbeat: u32, now: Millis) -> Option<Self> {
        let tick = u64::from(heartbeat / 2);
        (tick > 0).then_some(Self {
            tick,
            next: now + tick,
            quiet: 0,
            beats: 0,
        })
    }

    /// Counts half an interval.
    pub(super) fn beat(&mut self, now: Millis) -> Beat {
        self.next = now + self.tick;
        self.quiet += 1;
        self.beats = self.beats.wrapping_add(1);
        if self.quiet >= QUIET_TICKS {
            Beat::HalfOpen
        } else if self.beats.is_multiple_of(2) {
            Beat::Ping
        } else {
            Beat::Nothing
        }
    }
}

impl Link {
    pub(super) fn heard(&mut self) {
        self.proof_by = Millis::NEVER;
        if VOICE {
            self.mend = Mend::Idle;
        }
        if let Some(pulse) = &mut self.pulse {
            pulse.quiet = 0;
        }
    }

    /// The first of the deadlines that the link has.
    pub(super) fn deadline(&self) -> Millis {
        let mut due = self.proof_by;
        match self.plan {
            Plan::Climb { at } | Plan::Move { at } | Plan::AskToken { until: at, .. } => {
                due = due.min(at);
            }
            Plan::Stay | Plan::Moving => {}
        }
        match self.renewal {
            Renewal::Again { at, .. } => due = due.min(at),
            Renewal::Idle | Renewal::Asked { .. } => {}
        }
        match self.usefulness {
            Usefulness::Unproven { until } | Usefulness::Disturbed { until } => {
                due = due.min(until);
            }
            Usefulness::Stable => {}
        }
        match &self.pulse {
            Some(pulse) => due.min(pulse.next),
            None => due,
        }
    }
}

impl<S> Attempt<S> {
    pub(super) fn into_link(
        self,
        rtt: u32,
        heartbeat: u32,
        window: u32,
        stable: Millis,
        climbs: u32,
        now: Millis,
    ) -> Link {
        Link {
            id: self.id,
            transport: self.transport,
            since: now,
            rtt,
            usefulness: Usefulness::Unproven { until: stable },
            uplink: self.uplink,
            pulse: Pulse::new(heartbeat, now),
            proof_by: Millis::NEVER,
            ping: None,
            pings: 0,
            mend: Mend::Idle,
            plan: Plan::Stay,
            renewal: Renewal::Idle,
            climbs,
            failed_moves: 0,
            window,
        }
    }
}

impl<B: Clone, S: Clone + PartialEq> Session<B, S> {
    pub(super) fn handle_frame(&mut self, frame: Frame<B, S>, now: Millis) {
        let closing = matches!(self.state, State::Closing(..));
        let Some(link) = self.state.link_mut() else {
            return;
        };
        // On a split transport the answer to a POST brings it, and says nothing of the way down.
        let by_answer = link.transport.is_split() && matches!(frame, Frame::Ack { .. });
        if !by_answer {
            link.heard();
        }
        match frame {
            Frame::Ack { n } => {
                if self.outbox.ack(n, &mut self.outputs).is_none() {
                    return self.lose(Ending::of(Cause::Protocol), now);
                }
                self.relieve();
                self.flush(now);
            }
            Frame::Ping { k: 0 } => {}
            Frame::Ping { k } => {
                self.pending.push(Frame::Pong { k });
                self.flush(now);
            }
            Frame::Pong { k } => {
                if let Some((_, at)) = link.ping.take_if(|ping| ping.0 == k) {
                    let rtt = (now - at) as u32;
                    link.rtt = rtt;
                    let id = link.id;
                    self.pace_watch(rtt);
                    self.emit(Event::RoundTrip(id, rtt));
                }
            }
            Frame::Goaway { .. } if closing || link.plan == Plan::Moving => {}
            Frame::Goaway { spread } => {
                let named = Some((link.id, link.transport));
                link.plan = Plan::Move {
                    at: now + self.rng.between(0, spread.into()),
                };
                self.note(Kind::Goaway, named, spread, 0);
            }
            Frame::Expiring { ms } => self.renew(now + u64::from(ms)),
            Frame::Close { code, retry } => {
                self.lose(
                    Ending {
                        code,
                        retry_after: retry,
                        ..Ending::of(Cause::Closed)
                    },
                    now,
                );
            }
            Frame::Hello(_)
            | Frame::Auth
            | Frame::Ready(_)
            | Frame::Take { .. }
            | Frame::Message { .. }
            | Frame::Request { .. }
            | Frame::Reply { .. } => {}
        }
    }

    pub(super) fn handle_written(&mut self, now: Millis) {
        if let Some(link) = self.state.link_mut() {
            link.uplink = Uplink::Free;
        }
        if self.config.dialect != Dialect::Throughline {
            self.forget_written(Outcome::Sent);
        }
        if let State::Closing(_, Farewell::Leaving { .. }) = self.state {
            return self.finish(State::Closed(Ending::of(Cause::Asked)));
        }
        self.flush(now);
    }

    /// Writes what waits: control frames first, then messages, as many as fit a unit.
    pub(super) fn flush(&mut self, now: Millis) {
        self.expire(now);
        let at_most_once = self.config.dialect != Dialect::Throughline;
        if at_most_once && self.attempts.iter().any(Attempt::is_settling) {
            // What waits goes over the link that is about to be taken.
            return;
        }
        while let Some(link) = self.state.link_mut() {
            let (attempt, split) = (link.id, link.transport.is_split());
            if link.uplink == Uplink::Busy {
                return;
            }
            let mut frames = core::mem::take(&mut self.pending);
            let mut bytes = 0;
            while let Some(next) = self.outbox.peek_bytes() {
                if !frames.is_empty()
                    && (next.saturating_add(bytes) > UNIT_BYTES || (at_most_once && split))
                {
                    break;
                }
                bytes = next.saturating_add(bytes);
                let Some((n, entry)) = self.outbox.next() else {
                    break;
                };
                let body = entry.body.clone();
                frames.push(match entry.request {
                    Some(id) => Frame::Request { n, id, body },
                    None => Frame::Message { n, body },
                });
            }
            if frames.is_empty() {
                break;
            }
            if self.inbox.unacked > 0 && !at_most_once {
                frames.push(self.ack());
            }
            if split && let Some(link) = self.state.link_mut() {
                link.uplink = Uplink::Busy;
            }
            self.outputs.push(Output::Transmit { attempt, frames });
            if at_most_once && !split {
                self.forget_written(Outcome::Sent);
            }
        }
        self.leave();
    }

    fn ack(&mut self) -> Frame<B, S> {
        self.inbox.settle();
        Frame::Ack {
            n: self.inbox.settled(),
        }
    }

    pub(super) fn schedule_ack(&mut self, now: Millis) {
        let Some(link) = self.state.link() else {
            self.inbox.ack = Ack::Settled;
            return;
        };
        let span = match self.inbox.unacked {
            u32::MAX => return,
            ACK_WINDOW.. => 0,
            _ if self.inbox.unacked_bytes >= ACK_BYTES => 0,
            _ if link.transport.is_split() => self.config.timing.ack_split,
            _ => self.config.timing.ack,
        };
        self.inbox.ack = Ack::Due(now + u64::from(span));
    }

    /// Goes on with the farewell once everything has arrived.
    fn leave(&mut self) {
        let empty = self.outbox.is_empty() && self.pending.is_empty();
        let State::Closing(link, Farewell::Draining { until }) = &mut self.state else {
            return;
        };
        if !empty || link.uplink == Uplink::Busy {
            return;
        }
        let (attempt, until, split) = (link.id, *until, link.transport.is_split());
        if self.config.dialect == Dialect::Throughline {
            let frames = [Frame::Close {
                code: code::NORMAL,
                retry: None,
            }]
            .into();
            self.outputs.push(Output::Transmit { attempt, frames });
            if split {
                link.uplink = Uplink::Busy;
                if let State::Closing(_, farewell) = &mut self.state {
                    *farewell = Farewell::Leaving { until };
                }
                return;
            }
        }
        self.finish(State::Closed(Ending::of(Cause::Asked)));
    }

    /// The link is gone.
    pub(super) fn lose(&mut self, mut ending: Ending, now: Millis) {
        let State::Connected(link) = &mut self.state else {
            return self.finish(State::Closed(Ending::of(Cause::Asked)));
        };
        if ending.cause == Cause::Cut {
            let patience = u64::from(self.config.timing.settle);
            let after = u64::from(ending.retry_after.unwrap_or(0));
            if link.usefulness == Usefulness::Stable && after <= patience {
                // A crowd whose streams end together does not come back in one instant.
                let at = now + self.rng.between(0, REOPEN_SPREAD) + after;
                link.plan = Plan::Move { at };
                link.proof_by = at + patience;
                return;
            }
            ending.cause = Cause::Lost;
        }
        let (attempt, transport) = (link.id, link.transport);
        let (plan, window, since) = (link.plan, link.window, link.since);
        ending.transport = Some(transport);
        match (link.usefulness, ending.cause) {
            (Usefulness::Stable, _) => self.streak.lost_useful = true,
            (Usefulness::Disturbed { .. }, _) => {}
            (Usefulness::Unproven { .. }, Cause::Lost) => {
                ending.cause = Cause::Flapped;
                self.streak.flapped.add(transport);
            }
            (Usefulness::Unproven { .. }, _) => _ = self.streak.flapped.add(transport),
        }
        if transport.is_negotiated() {
            self.lose_path(since, now);
        }
        self.note(
            Kind::Ended,
            Some((attempt, transport)),
            ending.cause as u32,
            ending.number(),
        );
        if ending.verdict() == crate::Verdict::Stop {
            return self.fail(ending);
        }
        self.outputs.push(Output::Drop { attempt });
        self.pending.clear();
        self.inbox.settle();
        if self.config.dialect != Dialect::Throughline {
            self.forget_written(Outcome::Unknown);
        }
        self.search_again(ending, plan, window, now);
    }

    /// The page was hidden or slept: if the link is cut now, that is not for its youth.
    pub(super) fn disturb(&mut self) {
        if let Some(link) = self.state.link_mut()
            && let Usefulness::Unproven { until } = link.usefulness
        {
            link.usefulness = Usefulness::Disturbed { until };
        }
    }

    /// Asks for a sign of life: the page slept, or the browser says that the network went.
    pub(super) fn prove_link(&mut self, now: Millis) {
        let proof_by = now + u64::from(self.config.timing.wake);
        if let State::Connected(link) = &mut self.state
            && self.config.dialect == Dialect::Throughline
        {
            link.proof_by = proof_by;
            link.ping = None;
            self.ping(now);
        }
    }

    /// Starts a round trip unless one is under way, and writes what waits.
    pub(super) fn ping(&mut self, now: Millis) {
        if let Some(link) = self.state.link_mut()
            && link.ping.is_none()
        {
            link.pings += 1;
            link.ping = Some((link.pings, now));
            self.pending.push(Frame::Ping { k: link.pings });
        }
        self.flush(now);
    }

    pub(super) fn handle_link_due(&mut self, now: Millis) {
        if let Ack::Due(at) = self.inbox.ack
            && at <= now
        {
            let ack = self.ack();
            self.pending.push(ack);
            return self.flush(now);
        }
        let Some(link) = self.state.link_mut() else {
            return;
        };
        if link.proof_by <= now {
            return self.lose(Ending::of(Cause::HalfOpen), now);
        }
        match link.usefulness {
            Usefulness::Unproven { until } | Usefulness::Disturbed { until } if until <= now => {
                link.usefulness = Usefulness::Stable;
                let memory = Memory {
                    transport: link.transport,
                    rtt: link.rtt,
                };
                return self.remember(memory);
            }
            Usefulness::Unproven { .. } | Usefulness::Disturbed { .. } | Usefulness::Stable => {}
        }
        if let Some(pulse) = link.pulse.as_mut().filter(|pulse| pulse.next <= now) {
            if link.transport.is_negotiated() && self.config.dialect == Dialect::Throughline {
                return self.watch_path(now);
            }
            let beat = pulse.beat(now);
            // A split transport pays a POST for each ping.
            let sparing = link.transport.is_split() && pulse.beats % 4 != 0;
            // A ping unanswered for an interval: the way up is dead, whatever comes down.
            let interval = 2 * pulse.tick;
            let unanswered = link.ping.is_some_and(|(_, at)| now - at >= interval);
            let mute = unanswered && !link.transport.is_split();
            return match beat {
                Beat::HalfOpen => self.lose(Ending::of(Cause::HalfOpen), now),
                Beat::Ping if mute => self.lose(Ending::of(Cause::HalfOpen), now),
                Beat::Ping if !sparing && self.config.dialect == Dialect::Throughline => {
                    self.ping(now);
                }
                Beat::Ping | Beat::Nothing => {}
            };
        }
        if let Renewal::Again { at, expires } = link.renewal
            && at <= now
        {
            link.renewal = Renewal::Idle;
            return self.renew(expires);
        }
        match link.plan {
            Plan::Climb { at } if at <= now => self.follow_plan(Target::Better, now),
            Plan::Move { at } if at <= now => self.follow_plan(Target::Same, now),
            Plan::AskToken { until, .. } if until <= now => self.continue_plan(Err(()), now),
            Plan::Stay | Plan::Climb { .. } | Plan::Move { .. } => {}
            Plan::Moving | Plan::AskToken { .. } => {}
        }
    }

    fn remember(&mut self, memory: Memory) {
        self.memory = Some(memory);
        self.backoff.reset();
        self.streak = Streak::default();
        self.emit(Event::Remember(memory));
    }

    pub(super) fn follow_plan(&mut self, target: Target, now: Millis) {
        if self.token == Token::None {
            return self.open_target(target, now);
        }
        let until = now + u64::from(self.config.timing.token);
        self.set_plan(Plan::AskToken {
            then: target,
            until,
        });
        if let Some(link) = self.state.link()
            && matches!(link.renewal, Renewal::Asked { .. })
        {
            return;
        }
        self.note(Kind::Token, None, TokenReason::Connect as u32, 0);
        self.outputs.push(Output::NeedToken(TokenReason::Connect));
    }

    /// Asks for a token that this link goes on with; one call of the token function serves this and
    /// the link's plan.
    fn renew(&mut self, expires: Millis) {
        let Some(link) = self.state.link_mut() else {
            return;
        };
        let asking = matches!(link.renewal, Renewal::Asked { .. })
            || matches!(link.plan, Plan::AskToken { .. });
        link.renewal = Renewal::Asked { expires };
        if self.token != Token::None && !asking {
            let reason = TokenReason::Expiring;
            self.outputs.push(Output::NeedToken(reason));
        }
    }

    /// Hands a fresh token to the server, or asks again in half of what is left.
    fn continue_renewal(&mut self, token: Result<(), ()>, now: Millis) {
        let Some(link) = self.state.link_mut() else {
            return;
        };
        let Renewal::Asked { expires } = link.renewal else {
            return;
        };
        link.renewal = Renewal::Idle;
        match token {
            Ok(()) => {
                self.pending.push(Frame::Auth);
                self.flush(now);
            }
            Err(()) => {
                let half = (expires - now) / 2;
                if half > u64::from(self.config.timing.settle) {
                    let at = now + half;
                    link.renewal = Renewal::Again { at, expires };
                }
                let ending = Ending {
                    transport: Some(link.transport),
                    ..Ending::of(Cause::Token)
                };
                self.emit(Event::Trouble(ending));
            }
        }
    }

    /// The token function settled while a link carries the session.
    pub(super) fn handle_link_token(&mut self, token: Result<(), ()>, now: Millis) {
        self.continue_renewal(token, now);
        self.continue_plan(token, now);
    }

    fn continue_plan(&mut self, token: Result<(), ()>, now: Millis) {
        let Some(Link {
            plan: Plan::AskToken { then, .. },
            ..
        }) = self.state.link()
        else {
            return;
        };
        match (token, *then) {
            (Ok(()), target) => self.open_target(target, now),
            (Err(()), Target::Better | Target::Standby) => self.replan(now),
            (Err(()), Target::Same) => self.move_later(now),
        }
    }

    fn open_target(&mut self, target: Target, now: Millis) {
        let Some(transport) = self.state.transport() else {
            return;
        };
        self.spend_token();
        match target {
            Target::Same => {
                self.set_plan(Plan::Moving);
                self.open(transport, now);
            }
            Target::Better => {
                self.set_plan(Plan::Stay);
                let better = self.better_than(transport);
                let nearest = better.iter().last();
                for better in better.iter() {
                    // Without numbers, two that open at once would deliver everything twice.
                    if self.config.dialect == Dialect::Throughline || Some(better) == nearest {
                        self.open(better, now);
                    }
                }
            }
            Target::Standby => {
                self.set_plan(Plan::Stay);
                match self.next_after(transport) {
                    Some(lesser) => self.open(lesser, now),
                    None => self.replan(now),
                }
            }
        }
    }

    /// Plans anew after an attempt beside the link has failed, or when a link is taken.
    pub(super) fn replan(&mut self, now: Millis) {
        if !self.attempts.is_empty() {
            return;
        }
        let timing = self.config.timing.clone();
        let State::Connected(link) = &mut self.state else {
            return;
        };
        match link.plan {
            Plan::Moving => return self.move_later(now),
            Plan::Move { .. } => return,
            Plan::Stay | Plan::Climb { .. } | Plan::AskToken { .. } => {}
        }
        let (transport, since, climbs) = (link.transport, link.since, link.climbs);
        let may = match self.config.dialect {
            Dialect::Throughline => true,
            Dialect::Json(_) => self.config.polls && transport == Transport::LongPoll,
        };
        if !may || self.better_than(transport).is_empty() {
            return self.set_plan(Plan::Stay);
        }
        let base = if now - since > u64::from(timing.climb_patience) {
            timing.climb_slow
        } else {
            (0..climbs.min(16)).fold(timing.climb, |span, _| {
                (span + span / 2).min(timing.climb_cap)
            })
        };
        let tenth = u64::from(base / 10);
        let span = u64::from(base) - tenth + self.rng.between(0, 2 * tenth);
        if let State::Connected(link) = &mut self.state {
            link.climbs += 1;
            link.plan = Plan::Climb { at: now + span };
        }
        self.note(Kind::Climb, None, span as u32, 0);
    }

    fn move_later(&mut self, now: Millis) {
        let Some(link) = self.state.link_mut() else {
            return;
        };
        let span = self.rng.between(1_000, 3_000) << link.failed_moves;
        link.failed_moves = MOST_DOUBLINGS.min(link.failed_moves + 1);
        link.plan = Plan::Move { at: now + span };
    }

    fn better_than(&self, transport: Transport) -> Transports {
        let transports = self.config.transports.iter();
        let better: Transports = transports.take_while(|t| *t != transport).collect();
        better.without(self.barred)
    }

    fn set_plan(&mut self, plan: Plan) {
        if let Some(link) = self.state.link_mut() {
            link.plan = plan;
        }
    }

    /// At most once: what was written is no longer ours.
    fn forget_written(&mut self, outcome: Outcome) {
        self.outbox.forget_written(outcome, &mut self.outputs);
        self.relieve();
    }
}
