//! A link whose way up is dead while its way down still speaks.

use throughline_core::{
    AttemptId, Config, Frame, Input, Millis, Output, Ready, Report, Session, StateKind, Transport,
};

const HEARTBEAT: u32 = 15_000;

/// P4.3
#[test]
fn a_websocket_that_hears_heartbeats_but_no_pong_is_half_open() {
    let mut session = connected(Transport::WebSocket);
    let lost = (1..=10u64).find(|n| !survives(&mut session, n * u64::from(HEARTBEAT) / 2));
    let within = 2 * u64::from(HEARTBEAT);
    let at = lost.expect("the link was lost") * u64::from(HEARTBEAT) / 2;
    assert!(at <= within, "lost after {at} ms");
}

#[test]
fn an_event_stream_whose_pongs_are_late_lives_on_its_heartbeats() {
    let mut session = connected(Transport::Sse);
    for n in 1..=10u64 {
        assert!(survives(&mut session, n * u64::from(HEARTBEAT) / 2));
    }
}

/// Lets half an interval pass in which a heartbeat comes, and nothing that answers.
fn survives(session: &mut Session<(), u32>, at: u64) -> bool {
    let heartbeat = Input::Report(AttemptId(1), Report::Frame(Frame::Ping { k: 0 }));
    tell(session, heartbeat, at);
    tell(session, Input::Timeout, at);
    session.state() == StateKind::Connected
}

fn connected(transport: Transport) -> Session<(), u32> {
    let config = Config {
        transports: [transport].into_iter().collect(),
        ..Config::default()
    };
    let mut session = Session::new(config, [7; 16]);
    tell(&mut session, Input::Connect, 0);
    tell(&mut session, Input::Report(AttemptId(1), Report::Opened), 0);
    let ready = Ready {
        session: 1,
        resumed: true,
        received: 0,
        heartbeat: HEARTBEAT,
        window: 120_000,
        unit: 1 << 20,
    };
    let ready = Report::Frame(Frame::Ready(ready));
    tell(&mut session, Input::Report(AttemptId(1), ready), 0);
    assert_eq!(session.state(), StateKind::Connected);
    session
}

fn tell(session: &mut Session<(), u32>, input: Input<(), u32>, at: u64) {
    session.handle(input, Millis(at));
    while let Some(output) = session.poll_output() {
        // A POST is answered at once.
        if let Output::Transmit { attempt, .. } = output {
            session.handle(Input::Report(attempt, Report::Written), Millis(at));
        }
    }
}
