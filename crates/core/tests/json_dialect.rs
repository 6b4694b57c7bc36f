//! The plain-JSON dialect where the simulated world, whose servers all speak the protocol, does not reach.

use throughline_core::{
    Accept, AttemptId, Cause, Config, Dialect, Ending, Environment, Event, Frame, Input, Millis,
    Outcome, Output, Readiness, Report, Session, StateKind, Ticket, Timing, Transport,
};

/// A page, and a clock.
struct Page {
    session: Session<(), u32>,
    now: Millis,
    /// Transports in the order they were opened.
    opened: Vec<Transport>,
    /// Attempts that units were handed to.
    written: Vec<AttemptId>,
    settled: Vec<Outcome>,
    states: Vec<StateKind>,
    /// Links that a round trip was told of, which is when they are taken.
    taken: Vec<AttemptId>,
    troubles: Vec<Cause>,
    /// Why the session failed, if it did.
    failed: Option<Ending>,
}

impl Page {
    fn polling(readiness: Readiness) -> Self {
        Self::new(readiness, &[Transport::LongPoll], false)
    }

    fn new(readiness: Readiness, transports: &[Transport], polls: bool) -> Self {
        Self::with(readiness, transports, polls, Timing::default())
    }

    fn with(readiness: Readiness, transports: &[Transport], polls: bool, timing: Timing) -> Self {
        let config = Config {
            dialect: Dialect::Json(readiness),
            transports: transports.iter().copied().collect(),
            polls,
            timing,
            ..Config::default()
        };
        Self::of(config)
    }

    fn of(config: Config) -> Self {
        Self {
            session: Session::new(config, [7; 16]),
            now: Millis(0),
            opened: Vec::new(),
            written: Vec::new(),
            settled: Vec::new(),
            states: Vec::new(),
            taken: Vec::new(),
            troubles: Vec::new(),
            failed: None,
        }
    }

    /// Tells the session something and returns the attempt that it opens, if it does.
    fn tell(&mut self, input: Input<(), u32>) -> Option<AttemptId> {
        self.session.handle(input, self.now);
        let mut opened = None;
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Open {
                    attempt, transport, ..
                } => {
                    opened = Some(attempt);
                    self.opened.push(transport);
                }
                Output::Transmit { attempt, .. } => self.written.push(attempt),
                Output::Event(Event::Settled(_, outcome)) => self.settled.push(outcome),
                Output::Event(Event::State { to, ending, .. }) => {
                    self.states.push(to);
                    self.failed = ending.filter(|_| to == StateKind::Failed);
                }
                Output::Event(Event::Trouble(ending)) => self.troubles.push(ending.cause),
                Output::Event(Event::RoundTrip(link, _)) => self.taken.push(link),
                _ => {}
            }
        }
        opened
    }

    fn end(&mut self, attempt: AttemptId, cause: Cause) -> Option<AttemptId> {
        self.tell(Input::Report(attempt, Report::Ended(Ending::of(cause))))
    }

    fn send(&mut self, ticket: u32) {
        self.tell(Input::Send {
            ticket: Ticket(ticket),
            request: None,
            body: (),
            bytes: 1,
            ttl: None,
            replaces: None,
        });
    }

    /// Opens an attempt and lets it settle.
    fn settle(&mut self, attempt: AttemptId) {
        self.tell(Input::Report(attempt, Report::Opened));
        self.pass(300);
    }

    /// A stream that has carried the session for ten seconds.
    fn streaming() -> (Self, AttemptId) {
        let mut page = Self::new(Readiness::Settled, &[Transport::Sse], false);
        let attempt = page.tell(Input::Connect).expect("an attempt");
        page.settle(attempt);
        page.pass(10_000);
        (page, attempt)
    }

    /// Lets time pass until the session opens an attempt.
    fn until_open(&mut self) -> AttemptId {
        for _ in 0..100 {
            self.now = self.session.poll_timeout().expect("something is due");
            if let Some(attempt) = self.tell(Input::Timeout) {
                return attempt;
            }
        }
        panic!("nothing was opened");
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now + ms;
        self.tell(Input::Timeout);
    }
}

#[test]
fn the_first_poll_waits_for_the_named_message() {
    let mut page = Page::polling(Readiness::Named);
    let attempt = page.tell(Input::Connect).unwrap();
    page.tell(Input::Report(attempt, Report::Opened));
    page.pass(400);
    assert_eq!(page.session.state(), StateKind::Connecting);
    page.tell(Input::Report(attempt, Report::Ready));
    assert_eq!(page.session.state(), StateKind::Connected);
}

#[test]
fn a_later_poll_is_ready_when_it_is_answered() {
    let mut page = Page::polling(Readiness::Named);
    let attempt = page.tell(Input::Connect).unwrap();
    page.tell(Input::Report(attempt, Report::Ready));
    let ending = Ending::of(Cause::Lost);
    let next = page.tell(Input::Report(attempt, Report::Ended(ending)));
    let attempt = next.unwrap_or_else(|| page.until_open());
    page.tell(Input::Report(attempt, Report::Opened));
    page.pass(400);
    assert_eq!(page.session.state(), StateKind::Connected);
}

/// Where another transport is tried after it, a path has less time.
#[test]
fn a_path_that_is_the_only_one_has_its_time() {
    for (transports, ms, opened) in [
        (&[Transport::WebRtc][..], 14_900, 1),
        (&[Transport::WebRtc, Transport::WebSocket], 4_900, 1),
        (&[Transport::WebRtc, Transport::WebSocket], 5_100, 2),
    ] {
        let mut page = Page::new(Readiness::Named, transports, false);
        let attempt = page.tell(Input::Connect).expect("an attempt");
        for report in [Report::Offered, Report::Answered] {
            page.tell(Input::Report(attempt, report));
        }
        page.pass(ms);
        assert_eq!(page.opened.len(), opened, "{transports:?} for {ms} ms");
    }
}

/// A server of plain JSON knows no frames, and a second connection is a second conversation.
#[test]
fn a_silent_data_channel_is_left_without_a_word_of_ours() {
    let mut config = Config {
        dialect: Dialect::Json(Readiness::Settled),
        transports: [Transport::WebRtc, Transport::WebSocket]
            .into_iter()
            .collect(),
        ..Config::default()
    };
    config.timing.heartbeat = 4_000;
    let mut session: Session<(), u32> = Session::new(config, [7; 16]);
    let mut outputs = Vec::new();
    let mut tell = |input, now| {
        session.handle(input, Millis(now));
        outputs.extend(core::iter::from_fn(|| session.poll_output()));
        session.state()
    };
    tell(Input::Connect, 0);
    tell(Input::Report(AttemptId(1), Report::Opened), 10);
    let mut now = 310;
    assert_eq!(tell(Input::Timeout, now), StateKind::Connected);
    while tell(Input::Timeout, now) == StateKind::Connected {
        now += 10;
        assert!(now < 11_000, "its silence is not noticed");
    }
    assert!(now > 8_000, "{now}");
    let said =
        |output: &&Output<(), u32>| matches!(output, Output::Transmit { .. } | Output::Mend { .. });
    assert_eq!(outputs.iter().find(said), None);
    let opens = outputs
        .iter()
        .filter(|output| matches!(output, Output::Open { .. }));
    assert_eq!(opens.count(), 1);
}

/// What beats where the page cannot see it is not waited for, and polls have their own pace.
#[test]
fn each_transport_has_its_heartbeat() {
    let timing = Timing {
        heartbeat: 400,
        heartbeat_sse: 0,
        heartbeat_poll: 1_000,
        ..Timing::default()
    };
    for (transport, noticed) in [
        (Transport::WebSocket, Some(1_000)),
        (Transport::Sse, None),
        (Transport::LongPoll, Some(2_500)),
    ] {
        let mut page = Page::with(Readiness::Settled, &[transport], false, timing.clone());
        let attempt = page.tell(Input::Connect).expect("an attempt");
        page.settle(attempt);
        let since = page.now;
        while page.session.state() == StateKind::Connected && page.now.0 < since.0 + 9_000 {
            page.pass(10);
        }
        let silent = (page.now.0 < since.0 + 9_000).then_some(page.now.0 - since.0);
        assert_eq!(silent, noticed, "{transport:?}");
    }
}

#[test]
fn a_useful_stream_that_is_cut_is_opened_again_and_no_state_changes() {
    let (mut page, attempt) = Page::streaming();
    assert_eq!(page.end(attempt, Cause::Cut), None);
    let cut = page.now;
    let next = page.until_open();
    assert!(page.now - cut <= 250, "at once");
    page.settle(next);
    assert_eq!(page.session.link(), Some(next));
    assert_eq!(page.states, [StateKind::Connecting, StateKind::Connected]);
}

#[test]
fn a_cut_stream_that_stays_away_is_lost() {
    let (mut page, attempt) = Page::streaming();
    page.end(attempt, Cause::Cut);
    let next = page.until_open();
    page.end(next, Cause::Lost);
    page.pass(1_250);
    assert_eq!(page.session.state(), StateKind::Reconnecting);
}

#[test]
fn a_young_stream_that_is_cut_is_lost() {
    let mut page = Page::new(Readiness::Settled, &[Transport::Sse], false);
    let attempt = page.tell(Input::Connect).unwrap();
    page.settle(attempt);
    page.end(attempt, Cause::Cut);
    assert_eq!(page.session.state(), StateKind::Reconnecting);
}

#[test]
fn a_post_in_flight_holds_the_old_link_and_what_waits_goes_over_the_new_one_once() {
    let (mut page, attempt) = Page::streaming();
    page.send(1);
    page.end(attempt, Cause::Cut);
    let next = page.until_open();
    page.settle(next);
    assert_eq!(
        page.session.link(),
        Some(attempt),
        "its POST is not answered"
    );
    page.send(2);
    assert_eq!(page.written, [attempt]);
    page.tell(Input::Report(attempt, Report::Written));
    page.pass(50);
    assert_eq!(page.session.link(), Some(next));
    assert_eq!(page.written, [attempt, next]);
    page.tell(Input::Report(next, Report::Written));
    assert_eq!(page.settled, [Outcome::Sent, Outcome::Sent]);
}

#[test]
fn what_only_polls_looks_for_a_stream_one_at_a_time() {
    let mut page = Page::new(Readiness::Settled, &Transport::TEXT, true);
    let socket = page.tell(Input::Connect).unwrap();
    let stream = page.end(socket, Cause::Refused).unwrap();
    let poll = page.end(stream, Cause::Refused).unwrap();
    page.settle(poll);
    page.opened.clear();
    let next = page.until_open();
    assert_eq!(page.opened, [Transport::Sse]);
    page.send(1);
    assert_eq!(page.written, [poll]);
    page.tell(Input::Report(poll, Report::Written));
    page.settle(next);
    assert_eq!(page.session.transport(), Some(Transport::Sse));
    assert_eq!(page.states, [StateKind::Connecting, StateKind::Connected]);
}

#[test]
fn what_waits_goes_over_the_polled_link_where_the_stream_fails_after_all() {
    let mut page = Page::new(
        Readiness::Settled,
        &[Transport::Sse, Transport::LongPoll],
        true,
    );
    let stream = page.tell(Input::Connect).unwrap();
    let poll = page.end(stream, Cause::Refused).unwrap();
    page.settle(poll);
    let next = page.until_open();
    page.tell(Input::Report(next, Report::Opened));
    page.send(1);
    assert!(page.written.is_empty(), "it waits for the stream");
    page.end(next, Cause::Lost);
    assert_eq!(page.written, [poll]);
}

#[test]
fn what_polls_and_holds_its_answers_stays_where_it_is() {
    let mut page = Page::new(
        Readiness::Settled,
        &[Transport::Sse, Transport::LongPoll],
        false,
    );
    let stream = page.tell(Input::Connect).unwrap();
    let poll = page.end(stream, Cause::Refused).unwrap();
    page.settle(poll);
    page.pass(100_000);
    assert_eq!(page.opened, [Transport::Sse, Transport::LongPoll]);
}

#[test]
fn a_cut_stream_that_asks_for_more_than_a_second_is_lost() {
    let (mut page, attempt) = Page::streaming();
    let ending = Ending {
        retry_after: Some(3_000),
        ..Ending::of(Cause::Cut)
    };
    page.tell(Input::Report(attempt, Report::Ended(ending)));
    assert_eq!(page.session.state(), StateKind::Reconnecting);
}

#[test]
fn a_move_that_fails_is_tried_again_ever_later() {
    let mut page = Page::new(Readiness::Settled, &[Transport::WebSocket], false);
    let link = page.tell(Input::Connect).unwrap();
    page.settle(link);
    let goaway = Report::Frame(Frame::Goaway { spread: 0 });
    page.tell(Input::Report(link, goaway));
    let mut next = page.until_open();
    for doublings in [0, 1, 2, 3, 4, 4, 4] {
        let failed = page.now;
        page.end(next, Cause::Refused);
        next = page.until_open();
        let waited = (page.now - failed) >> doublings;
        assert!((1_000..=3_000).contains(&waited), "{waited}, {doublings}");
    }
    page.settle(next);
    assert_eq!(page.states, [StateKind::Connecting, StateKind::Connected]);
    assert_eq!(page.taken, [link, next]);
}

/// Where messages come, nothing holds them back: the name that is waited for is a wrong one.
#[test]
fn messages_without_the_named_one_are_told_from_silence() {
    for (transport, silent) in [
        (Transport::WebSocket, Cause::Swallowed),
        (Transport::Sse, Cause::Muted),
    ] {
        for (speaks, cause) in [(true, Cause::NotReady), (false, silent)] {
            let transports = [transport, Transport::LongPoll];
            let mut page = Page::new(Readiness::Named, &transports, false);
            let attempt = page.tell(Input::Connect).unwrap();
            page.tell(Input::Report(attempt, Report::Opened));
            if speaks {
                assert_eq!(page.session.accept(attempt, 0), Accept::Deliver);
            }
            page.pass(1_500);
            assert_eq!(page.troubles, [cause], "{transport:?}");
            assert_eq!(page.opened, transports, "another one is tried");
        }
    }
}

/// What speaks another dialect over its WebSocket has nothing at the addresses of the others.
#[test]
fn a_server_of_another_dialect_is_named_as_such() {
    let mut page = Page::of(Config::default());
    let mut attempts = vec![page.tell(Input::Connect).unwrap()];
    page.tell(Input::Report(attempts[0], Report::Opened));
    attempts.extend(page.end(attempts[0], Cause::Protocol));
    let missing = Ending {
        status: 404,
        ..Ending::of(Cause::Status)
    };
    for index in 1..3 {
        let report = Report::Ended(missing);
        attempts.extend(page.tell(Input::Report(attempts[index], report)));
    }
    let failed = page.failed.map(|ending| (ending.cause, ending.transport));
    assert_eq!(failed, Some((Cause::Protocol, Some(Transport::WebSocket))));
}

/// A page that comes back finds its young link cut: that was its own sleep.
#[test]
fn a_young_link_that_is_lost_with_the_page_away_is_opened_again() {
    let transports = [Transport::WebSocket, Transport::Sse];
    for disturbance in [None, Some(Environment::Hidden), Some(Environment::Woke)] {
        let mut page = Page::new(Readiness::Settled, &transports, false);
        let attempt = page.tell(Input::Connect).unwrap();
        page.settle(attempt);
        page.pass(2_000);
        if let Some(environment) = disturbance {
            page.tell(Input::Environment(environment));
        }
        if page.end(attempt, Cause::Lost).is_none() {
            page.until_open();
        }
        let next = if disturbance.is_some() { 0 } else { 1 };
        assert_eq!(page.opened, [transports[0], transports[next]]);
    }
    let mut page = Page::new(Readiness::Settled, &transports, false);
    let attempt = page.tell(Input::Connect).unwrap();
    page.settle(attempt);
    page.send(1);
    page.pass(60_000);
    page.end(attempt, Cause::Lost);
    page.until_open();
    assert_eq!(page.opened, [transports[0]; 2]);
}
