//! What holds after every step, and at the end.

use throughline_core::{
    Cause, Ending, Event, Input, Millis, Outcome, StateKind, Ticket, Transport, Verdict, WhenFull,
};

use crate::app::App;
use crate::wire::Grip;
use crate::world::World;

/// What is remembered of the time before a turn.
pub(crate) struct Before {
    state: StateKind,
    due: Option<Millis>,
    timeout: bool,
}

impl World {
    pub(crate) fn before_turn(&self, input: &Input<u64>) -> Before {
        let core = &self.page.core;
        let timeout = matches!(input, Input::Timeout);
        Before {
            state: core.state(),
            due: core.poll_timeout(),
            timeout,
        }
    }

    pub(crate) fn after_turn(&mut self, before: Before) {
        let (core, config, now) = (&self.page.core, &self.page.config, Millis(self.now));
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
        let held: Vec<_> = self.page.held().collect();
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
            Event::RetryIn(_)
            | Event::Trouble(_)
            | Event::Gap { .. }
            | Event::Drained
            | Event::Remember(_)
            | Event::RoundTrip(_) => {}
        }
    }

    /// A message reached the application: in order, none twice, none skipped without a gap.
    pub(crate) fn deliver(&mut self, body: u64) {
        self.digest(body);
        let app = &mut self.page.app;
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
            assert_eq!(n, 1, "a session begins with its first message");
            app.gap = false;
        }
        app.last = (epoch, n);
        app.delivered += 1;
    }

    fn check_outcome(&self, ticket: Ticket, outcome: Outcome) {
        let arrived = || self.server.heard.contains(&u64::from(ticket.0));
        match outcome {
            Outcome::Sent if self.page.is_json() => {}
            Outcome::Sent => assert!(arrived(), "{ticket:?} is sent and has not arrived"),
            Outcome::Full
            | Outcome::Cancelled
            | Outcome::Closed
            | Outcome::Expired
            | Outcome::Replaced => {
                assert!(!arrived(), "{ticket:?} is {outcome:?} and has arrived");
            }
            // Told where nobody can know: a new session, the end, or at most once.
            Outcome::Unknown => {}
        }
    }

    /// Only what an application must act on ends a session.
    fn check_failure(&self, ending: Ending) {
        let terminal = match ending.verdict() {
            Verdict::Stop | Verdict::SwitchTransport => true,
            Verdict::RefreshToken => self.page.app.asked.len() > 1 || !self.page.config.has_token,
            Verdict::Retry | Verdict::RetryAfter(_) => false,
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
            self.page.held().count(),
            1,
            "one connection carries a calm session"
        );
        assert_eq!(app.undecided(), 0, "a send is left undecided");
        if !self.page.is_json() {
            let sent = (self.server.epoch, self.server.published);
            assert_eq!(app.last, sent, "messages to the page were lost");
        }
        self.check_heard();
    }

    /// The server heard everything in the order it was sent, and nothing twice. At most once, what
    /// a dropped link still carried may be overtaken, but it is not repeated either.
    pub(crate) fn check_heard(&self) {
        let mut heard = self.server.heard.clone();
        if self.page.is_json() {
            heard.sort_unstable();
        }
        let rising = heard.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(rising, "out of order or twice: {heard:?}");
        assert!(self.page.wires.iter().all(|w| w.grip == Grip::Dropped
            || Some(w.attempt) == self.page.core.link()
            || self.page.core.attempts() > 0));
    }
}

impl App {
    pub(crate) fn settle(&mut self, ticket: Ticket, outcome: Outcome) {
        let decided = self.sends[ticket.0 as usize - 1].replace(outcome);
        assert_eq!(decided, None, "{ticket:?} was settled twice");
    }
}
