//! Links over a peer connection: how they are negotiated, and how a path that died unseen is noticed.
//!
//! Packets that vanish close nothing: a data channel stays open, and takes what is written to it, for
//! a quarter of a minute. So such a link is asked for a sign of life whenever it is idle.

use super::Session;
use super::attempt::Phase;
use super::link::{Plan, Target};
use super::search::{Search, Step};
use super::state::State;
use crate::close::{Cause, Ending};
use crate::config::Dialect;
use crate::frame::{Transport, VOICE};
use crate::input::AttemptId;
use crate::note::Kind;
use crate::output::Output;
use crate::time::Millis;

/// Milliseconds until the offer is answered.
pub(super) const EXCHANGE: u64 = 20_000;

/// Milliseconds from the answer until the channel is open.
const OPENING: u64 = 15_000;

/// The same where another transport is tried after it.
const OPENING_ALONE: u64 = 5_000;

/// Ticks without a word after which a ping is due, another path is looked for, and the link is lost.
/// The first tick may follow the last word at once, so the span of silence has one tick less.
const PING: u8 = 2;
const SUSPECT: u8 = 4;
const LOST: u8 = SILENCE as u8 + 1;
/// The same once another path was found: what lives there answers at once.
const LOST_AGAIN: u8 = 3;

/// Ticks in [`Timing::quiet`](crate::Timing::quiet).
const SILENCE: u32 = 5;

/// What was done about a path that seems dead, since the link was last heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mend {
    Idle,
    /// Another path is being looked for.
    Asked,
    /// One may be there; it has one more span of silence to prove itself.
    Answered,
}

impl<B: Clone, S: Clone + PartialEq> Session<B, S> {
    /// How long the next transport stands by; short where another one worked last.
    pub(super) fn standby(&self) -> u32 {
        match self.memory {
            Some(memory) if !memory.transport.is_negotiated() => self.stagger(),
            Some(_) | None => self.config.timing.standby,
        }
    }

    pub(super) fn handle_offered(&mut self, index: usize, now: Millis) {
        let Some(attempt) = self.attempts.get_mut(index).filter(|_| VOICE) else {
            return;
        };
        let Phase::Opening { until } = attempt.phase else {
            return;
        };
        attempt.phase = Phase::Offered { until };
        let (id, named) = (attempt.id, Some((attempt.id, attempt.transport)));
        self.note(Kind::Offered, named, 0, 0);
        let at = now + u64::from(self.standby());
        self.stand_by(id, |_| at);
    }

    pub(super) fn handle_answered(&mut self, index: usize, now: Millis) {
        let span = match self.config.dialect {
            Dialect::Throughline => OPENING,
            Dialect::Json(_) if self.config.transports.iter().nth(1).is_some() => OPENING_ALONE,
            Dialect::Json(_) => OPENING,
        };
        let Some(attempt) = self.attempts.get_mut(index).filter(|_| VOICE) else {
            return;
        };
        let (Phase::Opening { .. } | Phase::Offered { .. }) = attempt.phase else {
            return;
        };
        attempt.phase = Phase::Answered { until: now + span };
        let (id, named) = (attempt.id, Some((attempt.id, attempt.transport)));
        self.note(Kind::Answered, named, 0, 0);
        let soon = now + u64::from(self.config.timing.standby_answered);
        self.stand_by(id, |at| at.min(soon));
    }

    /// Sets when the transport after this attempt starts, if that waits for this attempt.
    fn stand_by(&mut self, id: AttemptId, moved: impl Fn(Millis) -> Millis) {
        if let Some(Search {
            step: Step::Round(round),
            ..
        }) = self.state.search_mut()
            && id.0 == self.last_attempt
            && round.next_at < Millis::NEVER
        {
            round.next_at = moved(round.next_at);
        }
    }

    /// The heartbeat interval that watches a path: two ticks.
    pub(super) fn watch(&self, rtt: u32) -> u32 {
        (self.config.timing.quiet / SILENCE * 2).max(rtt.saturating_add(rtt / 2))
    }

    /// A path that has become slow is watched as slowly; one that was lately, nearly so.
    pub(super) fn pace_watch(&mut self, rtt: u32) {
        let tick = u64::from(self.watch(rtt) / 2);
        if let Some(link) = self.state.link_mut().filter(|_| VOICE)
            && link.transport.is_negotiated()
            && self.config.dialect == Dialect::Throughline
            && let Some(pulse) = &mut link.pulse
        {
            pulse.tick = tick.max(pulse.tick - pulse.tick / 8);
        }
    }

    /// Counts a tick of the watch.
    pub(super) fn watch_path(&mut self, now: Millis) {
        let Some(link) = self.state.link_mut() else {
            return;
        };
        let Some(pulse) = &mut link.pulse else {
            return;
        };
        pulse.next = now + pulse.tick;
        pulse.quiet += 1;
        let lost = match link.mend {
            Mend::Idle | Mend::Asked => LOST,
            Mend::Answered => LOST_AGAIN,
        };
        match pulse.quiet {
            quiet if quiet >= lost => return self.lose(Ending::of(Cause::HalfOpen), now),
            SUSPECT => {
                self.mend();
                self.stand_in(now);
            }
            PING.. => {}
            _ => return,
        }
        self.ping(now);
    }

    /// Opens another transport beside a path that seems dead: it is proven by the time that is certain.
    fn stand_in(&mut self, now: Millis) {
        let State::Connected(link) = &self.state else {
            return;
        };
        match link.plan {
            Plan::Stay | Plan::Climb { .. } if self.attempts.is_empty() => {
                self.follow_plan(Target::Standby, now);
            }
            Plan::Stay | Plan::Climb { .. } => {}
            Plan::Move { .. } | Plan::Moving | Plan::AskToken { .. } => {}
        }
    }

    /// The most preferred of the transports that are less so than this one.
    pub(super) fn next_after(&self, transport: Transport) -> Option<Transport> {
        let after = self
            .config
            .transports
            .iter()
            .skip_while(|t| *t != transport);
        after.skip(1).find(|t| !self.barred.has(*t))
    }

    /// Whether an attempt is there only in case that the link's path is dead.
    pub(super) fn stands_in(&self, index: usize) -> bool {
        let (State::Connected(link), Some(attempt)) = (&self.state, self.attempts.get(index))
        else {
            return false;
        };
        let mut transports = self.config.transports.iter();
        VOICE
            && link.transport.is_negotiated()
            && transports.any(|t| t == link.transport)
            && transports.any(|t| t == attempt.transport)
    }

    /// A stand-in is as old as a better link would have to be: it waits on, or is not needed.
    pub(super) fn relieve_stand_in(&mut self, index: usize, now: Millis) {
        let silent = self.state.link().and_then(|link| link.pulse.as_ref());
        let silent = silent.is_some_and(|pulse| pulse.quiet >= PING);
        let until = now + u64::from(self.config.timing.settle);
        match self.attempts.get_mut(index) {
            Some(attempt) if silent => attempt.postpone(|_| until),
            Some(attempt) => {
                let id = attempt.id;
                self.drop_attempts(|other| other.id == id);
                self.replan(now);
            }
            None => {}
        }
    }

    /// The page moved: the path is gone, and another one likely.
    pub(super) fn move_path(&mut self) {
        if !VOICE {
            return;
        }
        self.falls = 0;
        if let State::Connected(link) = &mut self.state
            && link.transport.is_negotiated()
            && self.config.dialect == Dialect::Throughline
        {
            link.mend = Mend::Idle;
            self.mend();
        }
    }

    /// Gives up what is being negotiated beside a link: it names addresses of the network before.
    pub(super) fn renegotiate(&mut self, now: Millis) {
        if !VOICE {
            return;
        }
        let stale = self.attempts.iter().any(|a| a.transport.is_negotiated());
        if stale && let State::Connected(_) = self.state {
            self.drop_attempts(|attempt| {
                attempt.transport.is_negotiated() && !attempt.has_opened()
            });
            self.replan(now);
        }
    }

    /// Asks for another path, once in each silence.
    fn mend(&mut self) {
        let Some(link) = self.state.link_mut() else {
            return;
        };
        match link.mend {
            Mend::Idle => link.mend = Mend::Asked,
            Mend::Asked | Mend::Answered => return,
        }
        let (attempt, named) = (link.id, Some((link.id, link.transport)));
        self.note(Kind::Mend, named, 0, 0);
        self.outputs.push(Output::Mend { attempt });
    }

    pub(super) fn handle_mended(&mut self, now: Millis) {
        let proof = now + u64::from(self.config.timing.wake);
        let Some(link) = self.state.link_mut().filter(|_| VOICE) else {
            return;
        };
        match link.mend {
            Mend::Asked => link.mend = Mend::Answered,
            Mend::Idle | Mend::Answered => return,
        }
        if link.proof_by < Millis::NEVER {
            link.proof_by = proof;
        }
        link.ping = None;
        if let Some(pulse) = &mut link.pulse {
            pulse.quiet = 0;
            pulse.next = now + pulse.tick;
        }
        let named = Some((link.id, link.transport));
        self.note(Kind::Mended, named, 0, 0);
        self.ping(now);
    }

    /// Takes note that a path died, and after how short a life.
    pub(super) fn lose_path(&mut self, since: Millis, now: Millis) {
        self.streak.lost_path = true;
        let brief = now - since <= u64::from(self.config.timing.climb_cap);
        self.falls = if brief { self.falls + 1 } else { 0 };
    }
}
