//! Links over a peer connection: how they are negotiated, and how a path that died unseen is noticed.
//!
//! Packets that vanish close nothing: a data channel stays open, and takes what is written to it, for
//! a quarter of a minute. So such a link is asked for a sign of life whenever it is idle.

use super::attempt::Phase;
use super::search::{Search, Step};
use super::state::State;
use super::{Session, link::Link};
use crate::close::{Cause, Ending};
use crate::config::Dialect;
use crate::frame::VOICE;
use crate::input::AttemptId;
use crate::output::Output;
use crate::time::Millis;
use crate::trace::Kind;

/// Milliseconds until the offer is answered.
pub(super) const EXCHANGE: u64 = 20_000;

/// Milliseconds from the answer until the channel is open.
const OPENING: u64 = 15_000;

/// The same where one transport is tried after the other.
const OPENING_ALONE: u64 = 5_000;

/// Ticks without a word after which a ping is due, another path is looked for, and the link is lost.
/// The first tick may follow the last word at once, so the span of silence has one tick less.
const PING: u8 = 2;
const SUSPECT: u8 = 4;
const LOST: u8 = SILENCE as u8 + 1;

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
        self.note(Kind::Offered, named, 0, 0, now);
        let at = now + u64::from(self.standby());
        self.stand_by(id, |_| at);
    }

    pub(super) fn handle_answered(&mut self, index: usize, now: Millis) {
        let span = match self.config.dialect {
            Dialect::Throughline => OPENING,
            Dialect::Json(_) => OPENING_ALONE,
        };
        let Some(attempt) = self.attempts.get_mut(index).filter(|_| VOICE) else {
            return;
        };
        let (Phase::Opening { .. } | Phase::Offered { .. }) = attempt.phase else {
            return;
        };
        attempt.phase = Phase::Answered { until: now + span };
        let (id, named) = (attempt.id, Some((attempt.id, attempt.transport)));
        self.note(Kind::Answered, named, 0, 0, now);
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
        {
            round.next_at = round.next_at.map(moved);
        }
    }

    /// The heartbeat interval that watches a path: two ticks.
    pub(super) fn watch(&self, rtt: u32) -> u32 {
        (self.config.timing.quiet / SILENCE * 2).max(rtt)
    }

    /// Counts a tick of the watch.
    pub(super) fn watch_path(&mut self, now: Millis) {
        let Some(Link {
            pulse: Some(pulse), ..
        }) = self.state.link_mut()
        else {
            return;
        };
        pulse.next = now + pulse.tick;
        pulse.quiet += 1;
        match pulse.quiet {
            LOST.. => return self.lose(Ending::of(Cause::HalfOpen), now),
            SUSPECT.. => self.mend(now),
            PING.. => {}
            _ => return,
        }
        self.ping_path(now);
    }

    /// The page moved: the path is gone, and another one likely.
    pub(super) fn move_path(&mut self, now: Millis) {
        if !VOICE {
            return;
        }
        self.falls = 0;
        if let State::Connected(link) = &mut self.state
            && link.transport.is_negotiated()
            && self.config.dialect == Dialect::Throughline
        {
            link.mend = Mend::Idle;
            self.mend(now);
        }
    }

    /// Gives up what is being negotiated beside a link: it names addresses of the network before.
    pub(super) fn renegotiate(&mut self, now: Millis) {
        if !VOICE {
            return;
        }
        let stale = self.attempts.iter().any(|a| a.transport.is_negotiated());
        if stale && let State::Connected(_) = self.state {
            self.drop_attempts(
                |attempt| attempt.transport.is_negotiated() && !attempt.has_opened(),
                now,
            );
            self.replan(now);
        }
    }

    /// Asks for another path, once in each silence.
    fn mend(&mut self, now: Millis) {
        let Some(link) = self.state.link_mut() else {
            return;
        };
        match link.mend {
            Mend::Idle => link.mend = Mend::Asked,
            Mend::Asked | Mend::Answered => return,
        }
        let (attempt, named) = (link.id, Some((link.id, link.transport)));
        self.note(Kind::Mend, named, 0, 0, now);
        self.outputs.push_back(Output::Mend { attempt });
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
        link.proof_by = link.proof_by.map(|_| proof);
        link.ping = None;
        if let Some(pulse) = &mut link.pulse {
            pulse.quiet = 0;
            pulse.next = now + pulse.tick;
        }
        let named = Some((link.id, link.transport));
        self.note(Kind::Mended, named, 0, 0, now);
        self.ping_path(now);
    }

    fn ping_path(&mut self, now: Millis) {
        if let Some(link) = self.state.link_mut() {
            self.pending.extend(link.start_ping(now));
            self.flush(now);
        }
    }

    /// Takes note that a path died, and after how short a life.
    pub(super) fn lose_path(&mut self, since: Millis, now: Millis) {
        self.streak.lost_path = true;
        let brief = now - since <= u64::from(self.config.timing.climb_cap);
        self.falls = if brief { self.falls + 1 } else { 0 };
    }
}
