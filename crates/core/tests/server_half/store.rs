//! Sessions that live in a store: what is recorded, and how one is met, led and let go.

use throughline_core::close::code;
use throughline_core::server::{
    Arrived, Event, EventId, Input, Keep, LinkId, Outline, Output, Record, SessionKey,
    SessionsConfig, Snapshot, Subject,
};
use throughline_core::{Frame, Hello, Millis, Nonce, Transport};

use crate::world::{Out, World, closed, heard, hello, message, transmit};

const ID: Nonce = Nonce(77);

fn outline() -> Outline {
    Outline {
        id: ID,
        subject: Subject::from("ann"),
        connect: Nonce(1),
        instance: Nonce(2),
        fence: 3,
        received: 5,
    }
}

/// Of 5 messages up, the last is unheard; of 9 down, the last two are kept.
fn snapshot() -> Snapshot<&'static str> {
    Snapshot {
        outline: outline(),
        acked: 7,
        last: 9,
        kept: vec![(message(8, "h"), 1), (message(9, "i"), 1)],
        unheard: vec![Arrived {
            seq: 5,
            request: None,
            body: "e",
        }],
        topics: Vec::new(),
    }
}

fn world() -> World {
    World::with(SessionsConfig {
        keep: Keep::Store,
        ..SessionsConfig::default()
    })
}

fn welcome(world: &mut World, link: u64) {
    world.open(link);
    let hello = Hello {
        session: Some(ID.to_hex()),
        received: 8,
        ..hello()
    };
    world.handle(Input::Welcome {
        link: LinkId(link),
        hello,
        outline: outline(),
        expires: None,
        resumed: true,
    });
}

const TAKE: Frame<&str> = Frame::Take {
    fence: 4,
    received: 8,
};

/// A session led by a take on link 1, and what came of that.
fn led(snapshot: Snapshot<&'static str>) -> (World, SessionKey, Vec<Out>) {
    let mut world = world();
    welcome(&mut world, 1);
    world.drain();
    world.handle(Input::Lead(snapshot));
    world.frame(1, TAKE);
    let session = world.sessions.session_of(LinkId(1)).unwrap();
    let outputs = world.drain();
    (world, session, outputs)
}

fn records(session: SessionKey, outputs: &[Out]) -> Vec<Record<&'static str>> {
    let records = outputs.iter().filter_map(|output| match output {
        Output::Record {
            session: whose,
            record,
        } if *whose == session => Some(record.clone()),
        _ => None,
    });
    records.collect()
}

/// P2.3: `hello` proves a path and changes nothing.
#[test]
fn a_hello_meets_a_session_and_records_nothing() {
    let mut world = world();
    welcome(&mut world, 1);
    let ready = world.ready(1);
    assert_eq!(
        (ready.session, ready.resumed, ready.received),
        (ID.to_hex(), true, 5)
    );
    assert_eq!(world.drain(), []);
    world.handle(Input::LinkClosed { link: LinkId(1) });
    assert_eq!((world.drain(), world.sessions.session_count()), (vec![], 0));
}

/// P2.4: what is kept after `received` comes on the link, and what no handler was done with comes to
/// one again.
#[test]
fn a_take_goes_on_from_what_the_store_has() {
    let (_, session, outputs) = led(snapshot());
    let subject = Subject::from("ann");
    let expected = [
        Output::Event(Event::Opened { session, subject }),
        Output::Event(Event::Message {
            session,
            seq: 5,
            body: "e",
        }),
        Output::Record {
            session,
            record: Record::Taken { fence: 4 },
        },
        Output::Record {
            session,
            record: Record::Acked { offset: 8 },
        },
        Output::Event(Event::LinkChanged {
            session,
            transport: Some(Transport::WebSocket),
        }),
        transmit(1, vec![message(9, "i")]),
    ];
    assert_eq!(outputs, expected);
}

/// P3.3: an ack is a promise, so what it acknowledges is recorded before it.
#[test]
fn a_message_is_recorded_before_it_is_heard_and_acknowledged() {
    let (mut world, session, _) = led(snapshot());
    world.frame(1, message(6, "f"));
    let expected = [
        Output::Record {
            session,
            record: Record::Up(Arrived {
                seq: 6,
                request: None,
                body: "f",
            }),
        },
        Output::Event(Event::Message {
            session,
            seq: 6,
            body: "f",
        }),
        transmit(1, vec![Frame::Ack { n: 6 }]),
    ];
    assert_eq!(world.drain(), expected);
    world.publish(session, "j");
    let expected = [
        Output::Record {
            session,
            record: Record::Down {
                frame: message(10, "j"),
                first: 9,
            },
        },
        transmit(1, vec![message(10, "j")]),
    ];
    assert_eq!(world.drain(), expected);
    world.frame(1, Frame::Ack { n: 10 });
    assert_eq!(
        records(session, &world.drain()),
        [Record::Acked { offset: 10 }]
    );
}

/// P5.5, and the end of the window
#[test]
fn an_end_is_recorded() {
    let close = Frame::Close {
        code: code::NORMAL,
        retry: None,
    };
    let (mut world, session, _) = led(snapshot());
    world.frame(1, close);
    assert_eq!(records(session, &world.drain()), [Record::Ended]);
    let (mut world, session, _) = led(snapshot());
    world.handle(Input::LinkClosed { link: LinkId(1) });
    world.pass(120_000);
    assert_eq!(records(session, &world.drain()), [Record::Ended]);
}

#[test]
fn a_session_that_is_let_go_is_not_ended() {
    let (mut world, session, _) = led(snapshot());
    world.handle(Input::LetGo {
        session,
        code: code::GOING_AWAY,
        retry: None,
    });
    let expected = [
        closed(1, code::GOING_AWAY, None),
        Output::Event(Event::Moved { session }),
    ];
    assert_eq!(world.drain(), expected);
    assert_eq!(world.sessions.session_count(), 0);
}

/// P3.5: who leads gets them on the next link, for they are not acknowledged here.
#[test]
fn messages_for_a_session_led_elsewhere_send_the_link_away() {
    let mut world = world();
    welcome(&mut world, 1);
    world.drain();
    world.frame(1, message(6, "f"));
    assert_eq!(world.closes(), [(1, code::GOING_AWAY, None)]);
    welcome(&mut world, 2);
    world.drain();
    world.frame(2, TAKE);
    assert_eq!(world.closes(), [(2, code::INTERNAL, None)]);
}

/// P2.4: the fence and the page are looked at here too.
#[test]
fn a_fence_that_the_store_has_is_refused() {
    let mut world = world();
    welcome(&mut world, 1);
    world.drain();
    world.handle(Input::Lead(snapshot()));
    world.frame(
        1,
        Frame::Take {
            fence: 3,
            received: 8,
        },
    );
    assert_eq!(world.closes(), [(1, code::REPLACED, None)]);
}

/// P3.6: what was published since the place that the store has comes after the move, once.
#[test]
fn a_subscription_goes_on_from_its_place() {
    let at = |n| EventId { epoch: 9, n };
    let mut world = world();
    welcome(&mut world, 1);
    world.drain();
    let publish = |world: &mut World, n, body| {
        world.handle(Input::PublishTopic {
            topic: "t".into(),
            event: Some(at(n)),
            body,
            bytes: 1,
        });
    };
    publish(&mut world, 1, "one");
    publish(&mut world, 2, "two");
    world.handle(Input::Lead(Snapshot {
        unheard: Vec::new(),
        topics: vec![("t".into(), at(1))],
        ..snapshot()
    }));
    let session = world.sessions.session_of(LinkId(1)).unwrap();
    publish(&mut world, 2, "two");
    publish(&mut world, 3, "three");
    let outputs = world.drain();
    let down = |n, body| Record::Down {
        frame: message(n, body),
        first: 8,
    };
    let place = |n| Record::Heard {
        topic: "t".into(),
        event: at(n),
    };
    assert_eq!(
        records(session, &outputs),
        [down(10, "two"), place(2), down(11, "three"), place(3)]
    );
    assert_eq!(heard(&outputs), []);
    assert!(world.now == Millis(0));
}
