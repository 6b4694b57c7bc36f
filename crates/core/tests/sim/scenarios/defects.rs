//! Lifecycle defects that other clients have had, each as a scenario.

use throughline_core::server::SessionsConfig;
use throughline_core::{
    AttemptId, Cause, Config, Ending, Environment, Frame, Input, Millis, Nonce, Outcome, Output,
    Report, Restored, Session, StateKind, Ticket,
};

use super::{POLL, SSE, WS, only, useful};
use crate::acts::Act;
use crate::net::Fault;
use crate::wire::Down;
use crate::world::World;

#[test]
fn close_before_open_never_reconnects() {
    let mut world = World::plain();
    world.act(Act::Close);
    world.connect();
    world.pass(60_000);
    assert!(world.page.app.opens.is_empty());
    assert_eq!(world.state(), StateKind::Closed);
}

#[test]
fn a_transport_that_never_says_closed_does_not_hold_the_session() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(1, only(&[transport]));
        world.act(Act::HalfOpen);
        world.act(Act::Close);
        world.until(2_000, |world| world.state() == StateKind::Closed);
        assert_eq!(world.held().count(), 0);
    }
}

#[test]
fn late_reports_of_a_dropped_attempt_change_nothing() {
    let mut world = World::plain();
    world.net.set(WS, Fault::Hang);
    world.connect();
    world.until(2_000, |world| world.is_on(SSE));
    world.until(12_000, |world| world.page.core.attempts() == 0);
    let old = AttemptId(1);
    let states = world.page.app.states.len();
    let ready = throughline_core::Ready {
        session: "forged".into(),
        resumed: true,
        received: 0,
        heartbeat: 1,
        window: 1,
        unit: 1,
    };
    let reports = [
        Report::Opened,
        Report::Frame(Frame::Ready(ready)),
        Report::Frame(Frame::Close {
            code: 4403,
            retry: None,
        }),
        Report::Written,
        Report::Ready,
        Report::Frame(Frame::Goaway { spread: 0 }),
        Report::Ended(Ending::of(Cause::Lost)),
    ];
    for report in reports {
        world.turn(Input::Report(old, report));
    }
    assert_eq!(
        world.page.core.accept(old, 2) as u8 & 1,
        0,
        "its messages are not delivered"
    );
    assert_eq!(world.page.app.states.len(), states);
    assert!(world.is_on(SSE));
    world.pass(60_000);
    world.check_calm();
}

#[test]
fn a_frame_of_the_old_link_after_a_climb_is_not_delivered_twice() {
    for seed in 0..100 {
        let mut world = World::new(seed, Config::default());
        world.net.set(WS, Fault::Rst);
        world.act(Act::Delay {
            delay: 40,
            jitter: 120,
        });
        world.connect();
        world.until(4_000, |world| world.is_on(SSE));
        world.act(Act::Heal);
        for at in 0..1_200 {
            world.plan(world.now + at * 20, Act::Publish(1));
        }
        world.until(60_000, |world| world.is_on(WS));
        world.pass(30_000);
        world.check_calm();
    }
}

#[test]
fn an_answer_slower_than_the_deadline_is_not_mixed_up_with_the_next_attempts() {
    for seed in 0..50 {
        let mut world = World::new(seed, only(&[WS]));
        world.act(Act::Delay {
            delay: 900,
            jitter: 200,
        });
        world.connect();
        world.until(60_000, |world| world.page.app.delivered > 0);
        world.pass(60_000);
        assert!(
            world.is_on(WS),
            "patience grows until a slow network is fast enough"
        );
        world.check_calm();
    }
}

#[test]
fn a_refusal_in_the_handshake_and_one_on_the_link_are_treated_alike() {
    for code in [4400, 4403, 4409, 4413] {
        let mut early = World::plain();
        early.connect();
        early.pass(17);
        early.net.set(WS, Fault::None);
        let close = Report::Frame(Frame::Close { code, retry: None });
        early.page.core.handle(
            Input::Report(AttemptId(1), close.clone()),
            throughline_core::Millis(early.now),
        );
        let mut late = useful(1, Config::default());
        let link = late.page.core.link().expect("a link");
        late.page.core.handle(
            Input::Report(link, close),
            throughline_core::Millis(late.now),
        );
        assert_eq!(early.state(), StateKind::Failed, "{code}");
        assert_eq!(late.state(), StateKind::Failed, "{code}");
        assert_eq!(
            (
                early.page.core.poll_timeout(),
                late.page.core.poll_timeout()
            ),
            (None, None)
        );
    }
}

#[test]
fn a_close_frame_in_the_same_task_as_the_streams_end_decides() {
    let mut world = useful(1, only(&[SSE]));
    let wire = world.wires.len() - 1;
    let close = Frame::Close {
        code: 4503,
        retry: Some(5_000),
    };
    world.receive(wire, Down::Unit(vec![close]));
    world.receive(wire, Down::Ended(Ending::of(Cause::Lost)));
    let (_, wait) = *world.page.app.retries.last().expect("a wait");
    assert!(wait >= 5_000, "the server's word was kept: {wait}");
    world.pass(60_000);
    world.check_calm();
}

#[test]
fn overdue_alarms_ring_before_what_the_socket_brought_and_judge_nothing() {
    for alarm_first in [true, false] {
        let mut world = useful(1, Config::default());
        world.page.alarm_first = alarm_first;
        world.pass(14_000);
        world.act(Act::Freeze(44_000));
        world.act(Act::Publish(5));
        world.pass(44_000);
        world.pass(1_000);
        assert!(world.is_on(WS));
        assert_eq!(world.page.app.delivered, 6);
        assert_eq!(world.page.app.opens.len(), 1);
    }
}

#[test]
fn a_page_restored_from_the_back_forward_cache_finds_its_link_gone_and_resumes() {
    for seed in 0..40 {
        let mut world = useful(seed, Config::default());
        world.act(Act::Freeze(90_000));
        world.act(Act::Cut);
        world.act(Act::Publish(3));
        world.pass(90_000);
        world.act(Act::Woke);
        world.pass(10_000);
        assert!(world.is_on(WS), "seed {seed}");
        assert_eq!((world.page.app.delivered, world.page.app.gaps), (4, 0));
        world.check_calm();
    }
}

#[test]
fn an_offline_word_with_a_half_closed_socket_is_found_out_by_the_probe() {
    let mut world = useful(1, Config::default());
    world.act(Act::Mute);
    world.turn(Input::Environment(Environment::Offline));
    let lost = |world: &World| world.state() == StateKind::Reconnecting;
    let took = world.until(2_100, lost);
    assert!(took <= 2_000);
}

#[test]
fn a_hung_post_is_the_only_one_in_flight() {
    for transport in [SSE, POLL] {
        let mut world = useful(1, only(&[transport]));
        world.act(Act::FaultOnPosts(Fault::Hang));
        (0..20).for_each(|_| {
            world.act(Act::Send {
                request: false,
                bytes: 9,
            })
        });
        world.pass(5_000);
        let wire = world.wires.last().expect("a wire");
        assert!(
            wire.posts.is_empty(),
            "what waits, waits in the core's outbox"
        );
        world.act(Act::Heal);
        world.pass(60_000);
        assert_eq!(world.heard().len(), 20);
        world.check_calm();
    }
}

#[test]
fn a_skipped_number_ends_the_link_and_the_replay_fills_the_gap() {
    let mut world = useful(1, only(&[WS]));
    let wire = world.wires.len() - 1;
    world.act(Act::Publish(1));
    let epoch = world.server.epoch;
    let body = epoch << 32 | 3;
    world.receive(wire, Down::Unit(vec![Frame::Message { n: 3, body }]));
    assert_eq!(world.state(), StateKind::Reconnecting);
    world.pass(10_000);
    assert_eq!(world.page.app.delivered, 2);
    world.check_calm();
}

#[test]
fn an_attempt_left_alone_by_the_lost_link_costs_no_busy_alarm() {
    for wait in [0, 400, 1_400] {
        let mut world = useful(1, only(&[WS]));
        world.net.set(WS, Fault::Hang);
        world.act(Act::Goaway(0));
        world.pass(10);
        assert_eq!(world.page.core.attempts(), 1, "the move is under way");
        world.pass(wait);
        world.cut_one(0);
        world.pass(30_000);
        world.act(Act::Heal);
        world.pass(60_000);
        assert!(world.is_on(WS));
        world.check_calm();
    }
}

#[test]
fn a_number_that_comes_twice_is_delivered_once() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(1, only(&[transport]));
        let wire = world.wires.len() - 1;
        let body = world.server.epoch << 32 | 1;
        let again = vec![Frame::Message { n: 1, body }, Frame::Message { n: 1, body }];
        world.receive(wire, Down::Unit(again));
        assert_eq!(world.page.app.delivered, 1);
        world.pass(30_000);
        world.check_calm();
    }
}

#[test]
fn a_message_that_expires_hurries_nothing_else() {
    for seed in 0..20 {
        let mut world = useful(seed, Config::default());
        world.act(Act::Down);
        world.pass(10_000);
        let opened = |world: &World| world.page.app.opens.len();
        let waits = |world: &World| world.page.app.retries.len();
        // In a wait of the backoff, and in a round whose first transport was not answered yet.
        let (opens, told) = (opened(&world), waits(&world));
        let left = world.page.app.retries.last().map(|(at, ms)| at + ms);
        let left = left.expect("it waits").saturating_sub(world.now);
        if left > 2 {
            world.act(Act::Fleeting { ttl: left / 2 });
            world.pass(left - 1);
            assert_eq!(world.page.app.sends, [Some(Outcome::Expired)]);
            assert_eq!((opened(&world), waits(&world)), (opens, told));
        }
        let mut world = World::new(seed, Config::default());
        world.act(Act::FaultOnAll(Fault::Hang));
        world.connect();
        world.act(Act::Fleeting { ttl: 100 });
        world.pass(240);
        assert_eq!(world.page.app.sends, [Some(Outcome::Expired)]);
        assert_eq!(opened(&world), 1, "the next transport has its stagger");
    }
}

#[test]
fn a_post_that_the_network_repeats_costs_nothing() {
    for transport in [SSE, POLL] {
        for seed in 0..100 {
            let mut world = World::new(seed, only(&[transport]));
            world.act(Act::Repeats(1));
            world.connect();
            for at in 0..60 {
                let request = at % 2 == 0;
                world.plan(at * 200, Act::Send { request, bytes: 30 });
            }
            world.pass(30_000);
            assert!(world.is_on(transport), "seed {seed}");
            assert_eq!(world.page.app.opens.len(), 1, "one link carried all of it");
            assert_eq!(world.heard().len(), 60);
            world.check_calm();
        }
    }
}

#[test]
fn a_token_that_expired_while_the_page_was_frozen_is_not_taken_for_a_refusal() {
    for transport in [WS, SSE, POLL] {
        for seed in 0..40 {
            let config = Config {
                has_token: true,
                ..only(&[transport])
            };
            let mut world = World::new(seed, config);
            world.server.token_life = Some(20_000);
            world.connect();
            world.pass(3_000);
            // The server ends the link for its token; the page gets a fresh one, and is frozen.
            world.act(Act::ServerClockJump(30_000));
            world.act(Act::Delay {
                delay: 400,
                jitter: 50,
            });
            world.until(5_000, |world| world.page.app.asked.len() == 2);
            world.pass(100);
            world.act(Act::Freeze(60_000));
            world.pass(90_000);
            assert!(world.is_on(transport), "{transport:?}, seed {seed}");
            world.check_calm();
        }
    }
}

#[test]
fn a_handshake_that_ends_while_suspended_connects_the_session() {
    let mut crossed = 0;
    for seed in 0..100 {
        let server = SessionsConfig {
            window: 20_000,
            ..SessionsConfig::default()
        };
        let mut world = World::with(seed, only(&[WS]), server);
        world.connect();
        world.pass(12_000);
        world.act(Act::FaultOnAll(Fault::Rst));
        world.act(Act::Cut);
        world.pass(19_000);
        world.act(Act::FaultOnAll(Fault::None));
        world.act(Act::Delay {
            delay: 200,
            jitter: 0,
        });
        world.until(60_000, |world| world.is_on(WS));
        let states = &world.page.app.states;
        if let [
            ..,
            (suspended, StateKind::Suspended),
            (_, StateKind::Connected),
        ] = states[..]
        {
            let (opened, _) = *world.page.app.opens.last().expect("an attempt");
            crossed += u32::from(opened < suspended);
        }
        world.pass(30_000);
        world.check_calm();
    }
    assert!(crossed > 0, "some handshakes crossed the moment");
}

#[test]
fn numbers_beyond_32_bits_are_counted() {
    let (received, acked) = ((1 << 53) - 3, (1 << 52) + 1);
    let mut core = Session::<u64>::new(only(&[WS]), [7; 16]);
    core.restore(Restored {
        session: "s".into(),
        connect: Nonce(1),
        instance: Nonce(2),
        fence: 3,
        received,
        acked,
    });
    let link = AttemptId(1);
    let ready = throughline_core::Ready {
        session: "s".into(),
        resumed: true,
        received: acked,
        heartbeat: 15_000,
        window: 1,
        unit: 1,
    };
    let message = Input::Send {
        ticket: Ticket(1),
        request: None,
        body: 1,
        bytes: 1,
        ttl: None,
        replaces: None,
    };
    let inputs = [
        Input::Connect,
        Input::Report(link, Report::Opened),
        Input::Report(link, Report::Frame(Frame::Ready(ready))),
        message,
    ];
    let mut sent = Vec::new();
    for input in inputs {
        core.handle(input, Millis(0));
        while let Some(output) = core.poll_output() {
            if let Output::Transmit { frames, .. } = output {
                sent.extend(frames);
            }
        }
    }
    let [Frame::Hello(hello), take, message] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(hello.received, received);
    assert_eq!(*take, Frame::Take { fence: 4, received });
    assert_eq!(message.n(), Some(acked + 1));
    assert_eq!(core.accept(link, received) as u8 & 1, 0);
    assert_eq!(core.accept(link, received + 1) as u8 & 1, 1);
    core.handle(
        Input::Report(link, Report::Frame(Frame::Ack { n: acked + 1 })),
        Millis(0),
    );
    assert_eq!(core.buffered(), (0, 0));
}
