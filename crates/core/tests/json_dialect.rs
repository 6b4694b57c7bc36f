//! The plain-JSON dialect where the simulated world, whose servers all speak the protocol, does not reach.

use throughline_core::{
    AttemptId, Cause, Config, Dialect, Ending, Input, Millis, Output, Readiness, Report, Session,
    StateKind, Transport,
};

/// A page that polls, and a clock.
struct Page {
    session: Session<(), u32>,
    now: Millis,
}

impl Page {
    fn polling(readiness: Readiness) -> Self {
        let config = Config {
            dialect: Dialect::Json(readiness),
            transports: [Transport::LongPoll].into_iter().collect(),
            ..Config::default()
        };
        let session = Session::new(config, [7; 16]);
        Self {
            session,
            now: Millis(0),
        }
    }

    /// Tells the session something and returns the attempt that it opens, if it does.
    fn tell(&mut self, input: Input<(), u32>) -> Option<AttemptId> {
        self.session.handle(input, self.now);
        let mut opened = None;
        while let Some(output) = self.session.poll_output() {
            if let Output::Open { attempt, .. } = output {
                opened = Some(attempt);
            }
        }
        opened
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
