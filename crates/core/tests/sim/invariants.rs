//! What holds after every step, and at the end.

use throughline_core::{
    Cause, Ending, Event, Frame, Input, Millis, Outcome, StateKind, Ticket, Transport, Verdict,
    WhenFull,
};

use throughline_core::server::{Input as Told, LinkId, SessionKey};
use throughline_core::session::SendPolicy;

use crate::app::App;
use crate::page::{Reader, Tokens};
use crate::server::Server;
use crate::wire::Frames;
use crate::world::World;

/// What a session takes at least, with a message.
const LEAST_BYTES: usize = 1_300;

/// Unread messages beyond which acks wait no longer.
const WINDOW: u64 = 500;

/// What is remembered of the time before a turn.
pub(crate) struct Before {
    state: StateKind,
    due: Option<Millis>,
    timeout: bool,
    gaps: u32,
}

impl World {
    pub(crate) fn before_turn(&self, input: &Input<u64>) -> Before {
        let core = &self.page.core;
        let timeout = matches!(input, Input::Timeout);
        Before {
            state: core.state(),
            due: core.poll_timeout(),
            timeout,
            gaps: self.page.app.gaps,
        }
    }

    pub(crate) fn after_turn(&mut self, before: Before) {
        let (core, config, now) = (&self.page.core, &self.page.config, self.page_now());
        let due = core.poll_timeout();
        if before.timeout {
            assert!(
                due.is_none_or(|at| at >= now),
                "a timeout stays due: {due:?} at {now:?}"
            );
            let again = due == Some(now);
            self.page.spins = if again { self.page.spins + 1 } else { 0 };
            assert!(self.page.spins < 3, "the alarm spins");
        } else if due.is_some_and(|at| at < now) {
            assert!(
                before.due.is_some_and(|at| at < now),
                "a deadline was set in the past"
            );
        }
        let held: Vec<_> = self.held().collect();
        let link = core.link();
        assert_eq!(
            held.len(),
            core.attempts() + usize::from(link.is_some()),
            "what is open is what the core says"
        );
        for transport in Transport::ALL {
            let tried = held
                .iter()
                .filter(|w| w.transport == transport && Some(w.attempt) != link);
            assert!(tried.count() <= 1, "two attempts on {transport:?}");
        }
        if self.page.is_json() {
            assert!(
                held.len() <= 1,
                "this dialect opens one connection at a time"
            );
        }
        let (messages, bytes) = core.buffered();
        match config.when_full {
            WhenFull::Wait => {}
            WhenFull::Refuse => {
                assert!(
                    messages <= config.outbox_messages,
                    "{messages} messages in the outbox"
                );
                assert!(
                    bytes <= config.outbox_bytes || messages == 1,
                    "{bytes} bytes in the outbox"
                );
            }
        }
        let state = core.state();
        if before.state.policy().terminal {
            assert_eq!(state, before.state, "a terminal state is left");
        }
        if state.policy().terminal {
            assert_eq!(due, None, "a timer is left");
            assert!(held.is_empty(), "a connection is left");
            assert_eq!(messages, 0, "a message is left");
            assert_eq!(self.page.app.undecided(), 0, "a send is left undecided");
        }
        let unknown = core::mem::take(&mut self.page.app.unknown);
        assert!(
            unknown == 0
                || self.page.is_json()
                || before.gaps < self.page.app.gaps
                || state.policy().terminal,
            "a send's fate is unknown and nothing was lost"
        );
        self.digest(1_000 + state as u64);
    }

    pub(crate) fn observe(&mut self, event: &Event) {
        match event {
            Event::State { from, to, ending } => {
                assert!(from.may_become(*to), "{from:?} became {to:?}");
                let last = self
                    .page
                    .app
                    .states
                    .last()
                    .map_or(StateKind::Idle, |(_, state)| *state);
                assert_eq!(*from, last, "a change of state was not told");
                if *to == StateKind::Failed {
                    self.check_failure(ending.expect("a failure has a reason"));
                }
            }
            Event::Transport { from, .. } => {
                let last = self
                    .page
                    .app
                    .carried
                    .last()
                    .and_then(|(_, carried)| *carried);
                assert_eq!(*from, last, "a change of transport was not told");
            }
            Event::Settled(ticket, outcome) => self.check_outcome(*ticket, *outcome),
            Event::Gap { received, unknown } => self.check_gap(*received, *unknown),
            Event::RetryIn(_)
            | Event::Trouble(_)
            | Event::Drained
            | Event::Remember(_)
            | Event::RoundTrip(..) => {}
        }
    }

    /// A message reached the application: in order, none twice, none skipped without a gap.
    /// `gaps` had been told when it came.
    pub(crate) fn deliver(&mut self, body: u64, gaps: u32) {
        self.digest(body);
        self.tally.down += 1;
        let app = &mut self.page.app;
        app.log.push(body);
        let (epoch, n) = (body >> 32, body & 0xffff_ffff);
        let (last_epoch, last) = app.last;
        if self.page.config.dialect != throughline_core::Dialect::Throughline {
            assert!((epoch, n) > app.last, "{epoch}:{n} after {:?}", app.last);
        } else if epoch == last_epoch {
            assert_eq!(
                n,
                last + 1,
                "a message was lost or doubled in session {epoch}"
            );
        } else {
            assert!(epoch > last_epoch, "a message of an earlier session");
            assert!(
                last_epoch == 0 || app.gap,
                "a session was replaced without a word"
            );
            // A reload may have lost what was acknowledged and never read.
            let first = if last_epoch == 0 { last + 1 } else { 1 };
            assert_eq!(n, first, "a session begins with its first message");
            app.gap &= gaps < app.gaps;
        }
        app.last = (epoch, n);
        app.delivered += 1;
    }

    fn check_outcome(&self, ticket: Ticket, outcome: Outcome) {
        let body = (self.page.id.tab as u64) << 32 | u64::from(ticket.0);
        let arrived = || self.heard().contains(&body);
        match outcome {
            Outcome::Sent if self.page.is_json() => {}
            Outcome::Sent => assert!(arrived(), "{ticket:?} is sent and has not arrived"),
            Outcome::Closed => {
                let refuses = self.page.core.state().policy().send;
                assert_eq!(refuses, SendPolicy::Refuse, "{ticket:?} is refused");
                assert!(!arrived(), "{ticket:?} is refused and has arrived");
            }
            Outcome::Full | Outcome::Cancelled | Outcome::Expired | Outcome::Replaced => {
                assert!(!arrived(), "{ticket:?} is {outcome:?} and has arrived");
            }
            // Told where nobody can know: a new session, the end, or at most once.
            Outcome::Unknown => {}
        }
    }

    /// A gap is told only where the server could not have what the page's `hello` said it lacks.
    fn check_gap(&self, received: u64, unknown: usize) {
        let (app, accepted) = (&self.page.app, self.page.accepted);
        assert_eq!(unknown, app.unknown as usize, "what is told of a gap");
        assert_eq!(received, accepted, "what is told of a gap");
        let epoch = app.last.0;
        let lost = self.server.talks.values().find(|talk| talk.epoch == epoch);
        if let (Some(talk), false) = (lost.filter(|_| epoch > 0), app.gap) {
            let session = &self.page.stored.session;
            let strays = self
                .held()
                .filter(|w| w.ready.is_some() && w.ready != *session);
            let greeted = strays.map(|wire| wire.greeted).min().unwrap_or(accepted);
            assert!(
                greeted < talk.forgotten,
                "a gap after {greeted} of session {epoch}, which the server still has"
            );
        }
    }

    /// The page acknowledges what has arrived, or what was read where it waits for that.
    pub(crate) fn observe_sent(&mut self, frames: &Frames) {
        let page = &mut self.page;
        for frame in frames {
            match frame {
                Frame::Take { received, .. } => {
                    self.tally.takes += 1;
                    // It may have waited for the way up.
                    let most = page.read.max(page.accepted.saturating_sub(WINDOW));
                    assert!(
                        *received <= most,
                        "a take up to {received}, and {most} were read"
                    );
                    page.acknowledged = page.acknowledged.max(*received);
                }
                Frame::Ack { n } => {
                    // It may have waited for the way up.
                    let most = page.read.max(page.accepted.saturating_sub(WINDOW));
                    assert!(*n <= most, "an ack of {n}, and {most} were read");
                    page.acknowledged = page.acknowledged.max(*n);
                }
                _ => {}
            }
        }
    }

    /// The server acknowledges nothing that its application has not heard.
    pub(crate) fn observe_told(&self, link: u64, frames: &Frames) {
        let Some(session) = self.server.sessions.session_of(LinkId(link)) else {
            return;
        };
        let heard = self.server.talks.get(&session).map_or(0, |talk| talk.heard);
        for frame in frames {
            match frame {
                Frame::Ack { n } => assert!(*n <= heard, "an ack of {n}, and {heard} were heard"),
                Frame::Ready(ready) => assert!(ready.received <= heard, "ready runs ahead"),
                _ => {}
            }
        }
    }

    /// What the page says that it has is kept no longer.
    pub(crate) fn observe_asked(&mut self, link: LinkId, input: &Told<u64>) {
        let session = self.server.sessions.session_of(link);
        let talk = session.and_then(|session| self.server.talks.get_mut(&session));
        let (Some(talk), Told::Frame { frame, .. }) = (talk, input) else {
            return;
        };
        match frame {
            Frame::Ack { n } | Frame::Take { received: n, .. } => {
                talk.acked = talk.acked.max(*n).min(talk.published);
            }
            frame => {
                let double = frame.n().is_some_and(|n| n <= talk.heard);
                self.tally.doubles_up += u64::from(double);
            }
        }
    }

    /// The server keeps no more than it may; what the ceiling cost is told to those who come back.
    pub(crate) fn check_memory(&mut self) {
        let Server {
            sessions,
            config,
            talks,
            evicted: before,
            ..
        } = &mut self.server;
        let memory = sessions.memory();
        let least = sessions.session_count() * LEAST_BYTES;
        assert!(
            memory.total() <= config.memory.max(least),
            "{memory:?} is over the ceiling"
        );
        let evicted = memory.messages_dropped + memory.sessions_ended;
        for (session, talk) in talks {
            let Some(kept) = sessions.unacked(*session) else {
                continue;
            };
            assert!(
                kept.bytes <= config.replay_bytes || kept.messages == 1,
                "{kept:?} are kept"
            );
            if evicted > *before {
                let gone = talk.published.saturating_sub(kept.messages as u64);
                talk.forgotten = talk.forgotten.max(gone);
            }
        }
        self.tally.evicted += evicted - *before;
        *before = evicted;
    }

    /// A message reached the server's application: in order in its session, none twice in any.
    pub(crate) fn listen(&mut self, session: SessionKey, seq: u64, body: u64) {
        let talk = self.server.talks.get_mut(&session).expect("it was met");
        talk.heard += 1;
        assert_eq!(
            seq, talk.heard,
            "a message was lost or doubled on its way up"
        );
        let tab = (body >> 32) as usize;
        assert_eq!(tab, talk.tab, "a message came to another's session");
        let heard = &mut self.server.heard[tab];
        let double = heard.contains(&body);
        heard.push(body);
        // What an earlier session's link still carried may be overtaken by a later session.
        let session = &mut self.server.records[talk.epoch as usize - 1];
        let last = session.last().copied();
        session.push(body);
        assert!(!double, "{body} was heard before");
        assert!(last.is_none_or(|last| last < body), "{body} after {last:?}");
        self.tally.up += 1;
    }

    /// Only what an application must act on ends a session.
    fn check_failure(&self, ending: Ending) {
        let terminal = match ending.verdict() {
            Verdict::Stop | Verdict::SwitchTransport => true,
            Verdict::RefreshToken => {
                // A server whose clock jumps ends good tokens, twice within one streak perhaps.
                let refused = self.page.app.bad_tokens > 0
                    || self.page.tokens == Tokens::Bad
                    || self.server.ahead > 0;
                refused && self.page.app.asked.len() > 1 || !self.page.config.has_token
            }
            Verdict::Retry => false,
        };
        let known = match ending.number() {
            0 => matches!(
                ending.cause,
                Cause::Unavailable | Cause::Blocked | Cause::BadAddress
            ),
            401 | 403 | 404 | 4401 => true,
            _ => false,
        };
        assert!(terminal && known, "failed for {ending:?}");
    }

    /// What must be true when all faults are long over.
    pub(crate) fn check_calm(&self) {
        let app = &self.page.app;
        assert_eq!(
            self.held().count(),
            1,
            "one connection carries a calm session"
        );
        assert_eq!(app.undecided(), 0, "a send is left undecided");
        if !self.page.is_json() {
            let session = self.session().expect("a calm session is known");
            let link = core_link(self).expect("a calm session has a link");
            assert_eq!(self.server.sessions.session_of(link), Some(session));
            let talk = &self.server.talks[&session];
            let sent = (talk.epoch, talk.published);
            assert_eq!(app.last, sent, "messages to the page were lost");
            if self.page.reader == Reader::Eager {
                assert_eq!(talk.acked, talk.published, "what arrived is acknowledged");
            }
        }
        self.check_heard();
    }

    /// The server heard everything in the order it was sent, and nothing twice. At most once, and
    /// from one session to the next, what a dropped link still carried may be overtaken, but it is
    /// not repeated either.
    pub(crate) fn check_heard(&self) {
        let mut heard = self.heard().to_vec();
        heard.sort_unstable();
        for bodies in self.server.records.iter().chain([&heard]) {
            let rising = bodies.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(rising, "out of order or twice: {bodies:?}");
        }
    }
}

/// The server's name for the link that carries the page's session.
fn core_link(world: &World) -> Option<LinkId> {
    let link = world.page.core.link()?;
    let wire = world.page.wires[link.0 as usize - 1];
    world.wires[wire].link.map(LinkId)
}

impl App {
    pub(crate) fn settle(&mut self, ticket: Ticket, outcome: Outcome) {
        let decided = self.sends[ticket.0 as usize - 1].replace(outcome);
        assert_eq!(decided, None, "{ticket:?} was settled twice");
        self.unknown += u32::from(outcome == Outcome::Unknown);
    }
}
