//! The client's numbers: how many may be on their way, and what a new epoch does to them.

use throughline_core::{
    AttemptId, Cause, Config, Ending, Event, Frame, Input, Millis, Outcome, Output, Ready, Report,
    Session, StateKind, Ticket, Transport,
};

/// P3.7: the rest waits without a number.
#[test]
fn no_more_than_a_window_of_messages_is_on_its_way() {
    let mut page = Page::connected(&[Transport::WebSocket]);
    for ticket in 1..=1_500 {
        page.send(ticket, 10);
    }
    assert_eq!(page.seqs(), (1..=1_000).collect::<Vec<_>>());
    page.hear(1, Frame::Ack { n: 400 });
    assert_eq!(page.seqs(), (1_001..=1_400).collect::<Vec<_>>());
}

/// P3.7: of the bytes as well, except for one that is larger than all.
#[test]
fn no_more_than_a_window_of_bytes_is_on_its_way() {
    let mut page = Page::connected(&[Transport::WebSocket]);
    for ticket in 1..=5 {
        page.send(ticket, 300 << 10);
    }
    assert_eq!(page.seqs(), [1, 2, 3]);
    page.hear(1, Frame::Ack { n: 3 });
    assert_eq!(page.seqs(), [4, 5]);
    page.hear(1, Frame::Ack { n: 5 });
    page.send(6, 2 << 20);
    page.send(7, 1);
    assert_eq!(page.seqs(), [6]);
}

/// P2.8, P3.5
#[test]
fn another_id_in_ready_begins_both_numberings_anew() {
    let mut page = Page::connected(&[Transport::WebSocket]);
    page.send(1, 10);
    page.send(2, 10);
    page.hear(1, Frame::Ack { n: 1 });
    assert_eq!(page.session.accept(AttemptId(1), 1) as u8 & 1, 1);
    page.lose(1);
    page.send(3, 10);
    page.wait_for_attempt(2);
    page.written.clear();
    page.report(2, Report::Opened);
    page.report(2, Report::Frame(ready(8, 0)));
    let gap = Event::Gap {
        received: 1,
        unknown: 1,
    };
    assert!(page.events.contains(&gap), "{:?}", page.events);
    let settled = Event::Settled(Ticket(2), Outcome::Unknown);
    assert!(page.events.contains(&settled));
    let take = Frame::Take {
        fence: 1,
        received: 0,
    };
    let third = Frame::Message { n: 1, body: 3 };
    let after_hello = &page.written[1..];
    assert_eq!(after_hello, [take, third]);
}

/// P2.8: what the link still carries would be lost.
#[test]
fn another_session_offered_beside_a_live_link_is_left() {
    let mut page = Page::new(&[Transport::WebSocket, Transport::Sse]);
    page.wait_for_attempt(2);
    page.report(2, Report::Written);
    page.report(2, Report::Frame(ready(7, 0)));
    assert_eq!(page.session.transport(), Some(Transport::Sse));
    page.report(1, Report::Opened);
    page.report(1, Report::Frame(ready(8, 0)));
    page.pass(1_000);
    assert_eq!(page.session.transport(), Some(Transport::Sse));
    assert!(page.dropped.contains(&1));
    let gaps = page
        .events
        .iter()
        .filter(|event| matches!(event, Event::Gap { .. }));
    assert_eq!(gaps.count(), 0);
}

/// P2.8: its answer would name yet another session.
#[test]
fn who_said_hello_in_the_name_of_the_session_before_is_left_with_it() {
    let mut page = Page::connected(&[Transport::WebSocket, Transport::Sse]);
    page.pass(11_000);
    page.lose(1);
    page.wait_for_attempt(2);
    page.pass(500);
    page.report(2, Report::Opened);
    page.wait_for_attempt(3);
    page.report(3, Report::Written);
    page.hear(3, ready(8, 0));
    assert!(matches!(page.events[..], [.., Event::RoundTrip(..)]));
    assert_eq!(page.session.transport(), Some(Transport::Sse));
    assert!(page.dropped.contains(&2), "it asked for session 7");
    page.hear(2, ready(9, 0));
    page.lose(3);
    page.wait_for_attempt(4);
    page.report(4, Report::Written);
    page.hear(4, ready(8, 0));
    let gaps = page.events.iter();
    let gaps = gaps.filter(|event| matches!(event, Event::Gap { .. }));
    assert_eq!(gaps.count(), 1, "session 8 goes on");
}

struct Page {
    now: u64,
    session: Session<u32, u32>,
    opened: u32,
    written: Vec<Frame<u32, u32>>,
    events: Vec<Event>,
    dropped: Vec<u32>,
}

impl Page {
    fn new(transports: &[Transport]) -> Self {
        let config = Config {
            transports: transports.iter().copied().collect(),
            ..Config::default()
        };
        let mut page = Self {
            now: 0,
            session: Session::new(config, [7; 16]),
            opened: 0,
            written: Vec::new(),
            events: Vec::new(),
            dropped: Vec::new(),
        };
        page.tell(Input::Connect);
        page
    }

    /// On a session that the server calls 7.
    fn connected(transports: &[Transport]) -> Self {
        let mut page = Self::new(transports);
        page.report(1, Report::Opened);
        page.report(1, Report::Frame(ready(7, 0)));
        assert_eq!(page.session.state(), StateKind::Connected);
        page
    }

    fn send(&mut self, ticket: u32, bytes: u32) {
        self.tell(Input::Send {
            ticket: Ticket(ticket),
            request: None,
            body: ticket,
            bytes,
            ttl: None,
            replaces: None,
        });
    }

    fn hear(&mut self, attempt: u32, frame: Frame<u32, u32>) {
        self.report(attempt, Report::Frame(frame));
    }

    fn lose(&mut self, attempt: u32) {
        self.report(attempt, Report::Ended(Ending::of(Cause::Lost)));
    }

    fn report(&mut self, attempt: u32, report: Report<u32, u32>) {
        self.tell(Input::Report(AttemptId(attempt), report));
    }

    fn wait_for_attempt(&mut self, attempt: u32) {
        while self.opened < attempt {
            self.now = self
                .session
                .poll_timeout()
                .expect("it goes on")
                .0
                .max(self.now);
            self.tell(Input::Timeout);
        }
    }

    fn pass(&mut self, span: u64) {
        let until = Millis(self.now + span);
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until) {
            self.now = at.0.max(self.now);
            self.tell(Input::Timeout);
        }
        self.now = until.0;
    }

    /// The numbers written since the last call.
    fn seqs(&mut self) -> Vec<u64> {
        self.written
            .drain(..)
            .filter_map(|frame| frame.n())
            .collect()
    }

    fn tell(&mut self, input: Input<u32, u32>) {
        self.session.handle(input, Millis(self.now));
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Open { attempt, .. } => self.opened = attempt.0,
                Output::Transmit { frames, .. } => self.written.extend(frames),
                Output::Drop { attempt } => self.dropped.push(attempt.0),
                Output::Event(event) => self.events.push(event),
                Output::NeedToken(_)
                | Output::SideProbe
                | Output::Mend { .. }
                | Output::Note(_) => {}
            }
        }
    }
}

fn ready(session: u32, received: u64) -> Frame<u32, u32> {
    Frame::Ready(Ready {
        session,
        resumed: true,
        received,
        heartbeat: 15_000,
        window: 120_000,
        unit: 1 << 20,
    })
}
