//! From an attempt that has proven itself to the link, and what that does to the session.

use super::Session;
use super::attempt::{Phase, Uplink};
use super::link::Plan;
use super::state::State;
use crate::close::{Cause, Ending, code};
use crate::config::Dialect;
use crate::frame::{Frame, Ready, Transport};
use crate::note::Kind;
use crate::output::Event;
use crate::time::Millis;
use crate::transports::Transports;

/// Milliseconds between two looks at whether the old link's way up is free.
const UPLINK_PAUSE: u64 = 50;

impl<B: Clone, S: Clone + PartialEq> Session<B, S> {
    /// Makes a proven attempt the link, and the old link, if there is one, history.
    pub(super) fn adopt(&mut self, index: usize, now: Millis) {
        if let State::Connected(link) = &self.state
            && self.config.dialect != Dialect::Throughline
            && link.uplink == Uplink::Busy
            && let Some(attempt) = self.attempts.get_mut(index)
        {
            // A POST in flight would be cut with the old link.
            return attempt.postpone(|_| now + UPLINK_PAUSE);
        }
        if self.is_stray(index) {
            let attempt = self.attempts.get(index).map(|attempt| attempt.id);
            self.drop_attempts(|other| Some(other.id) == attempt);
            return self.replan(now);
        }
        let mut attempt = self.attempts.remove(index);
        let Phase::Settling { ready, rtt, .. } = &mut attempt.phase else {
            return;
        };
        let (ready, rtt) = (ready.take(), *rtt);
        let timing = &self.config.timing;
        let mut window = timing.window;
        let mut heartbeat = match attempt.transport {
            Transport::WebSocket | Transport::WebRtc => timing.heartbeat,
            Transport::Sse => timing.heartbeat_sse,
            Transport::LongPoll => timing.heartbeat_poll,
        };
        let named = Some((attempt.id, attempt.transport));
        self.pending.clear();
        if let Some(ready) = ready {
            (heartbeat, window) = (ready.heartbeat, ready.window);
            if attempt.transport.is_negotiated() {
                heartbeat = self.watch(rtt);
            }
            if !self.recognise(ready) {
                self.drop_link(attempt.id, attempt.transport, Cause::Protocol, 0);
                // A session that is kept for later pages may have been taken by one of them.
                let (cause, code) = match self.inbox.delivered {
                    Some(_) => (Cause::Closed, code::REPLACED),
                    None => (Cause::Protocol, 0),
                };
                let ending = Ending {
                    transport: Some(attempt.transport),
                    code,
                    ..Ending::of(cause)
                };
                return self.fail(ending);
            }
            let received = self.inbox.settled();
            self.pending.push(Frame::Take {
                fence: self.identity.fence + 1,
                received,
            });
        }
        self.identity.fence += 1;
        self.outbox.rewind();
        self.inbox.settle();
        self.note(Kind::Take, named, self.identity.fence, 0);
        let transports = self.config.transports;
        let lesser: Transports = transports
            .iter()
            .skip_while(|t| *t != attempt.transport)
            .collect();
        self.drop_attempts(|other| lesser.has(other.transport));
        let stable = now + u64::from(self.config.timing.stable);
        let id = attempt.id;
        let link = attempt.into_link(rtt, heartbeat, window, stable, self.falls, now);
        let left = self.transition_to(State::Connected(link), None);
        self.emit(Event::RoundTrip(id, rtt));
        self.flush(now);
        if let State::Connected(old) = left {
            self.drop_link(old.id, old.transport, Cause::Superseded, 0);
        }
        if self.attempts.is_empty() {
            self.replan(now);
        }
    }

    /// Whether an attempt beside a live link was answered for another session: to take it would
    /// lose what the link still carries. A link that is being left anyway loses it either way.
    fn is_stray(&self, index: usize) -> bool {
        let phase = self.attempts.get(index).map(|attempt| &attempt.phase);
        let (
            State::Connected(link),
            Some(Phase::Settling {
                ready: Some(ready), ..
            }),
        ) = (&self.state, phase)
        else {
            return false;
        };
        link.plan != Plan::Moving && self.identity.session.as_ref() != Some(&ready.session)
    }

    /// Compares the server's session with ours; false where it claims what it cannot have.
    fn recognise(&mut self, ready: Ready<S>) -> bool {
        let before = self.identity.session.replace(ready.session);
        if before.is_some() && before != self.identity.session {
            let unknown = self.outbox.renumber(&mut self.outputs);
            let received = core::mem::take(&mut self.inbox.received);
            self.inbox.delivered = self.inbox.delivered.map(|_| 0);
            self.identity.fence = 0;
            self.relieve();
            self.emit(Event::Gap { received, unknown });
            self.note(Kind::Gap, None, 0, 0);
            // Who was greeted in the name of the old session is answered for yet another one.
            self.drop_attempts(|other| other.has_opened() || other.transport.is_split());
            return true;
        }
        let settled = self.outbox.ack(ready.received, &mut self.outputs);
        self.relieve();
        settled.is_some()
    }
}
