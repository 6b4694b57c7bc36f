//! Sends that wait, expire, give way, and outlive their page.

use throughline_core::{Config, Outcome, WhenFull};

use super::{POLL, SSE, WS, only, useful};
use crate::acts::Act;

const PLAIN: Act = Act::Send {
    request: false,
    bytes: 30,
};

#[test]
fn what_waits_for_room_goes_as_soon_as_there_is_room() {
    for transport in [WS, SSE, POLL] {
        let config = Config {
            outbox_messages: 3,
            ..only(&[transport])
        };
        let mut world = useful(2, config);
        (0..60).for_each(|_| world.act(PLAIN));
        let took = world.until(30_000, |world| world.page.app.undecided() == 0);
        assert!(took < 20_000, "{transport:?}: {took} ms");
        assert!(
            transport != WS || took < 15_000,
            "no ping had to help: {took} ms"
        );
        world.check_heard();
    }
}

#[test]
fn a_message_that_was_written_does_not_expire() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(3, only(&[transport]));
        world.act(Act::Fleeting { ttl: 20 });
        world.act(Act::Cut);
        world.pass(20_000);
        assert_eq!(world.page.app.sends, [Some(Outcome::Sent)]);
        assert_eq!(world.heard(), [1]);
    }
}

#[test]
fn a_message_that_expired_while_it_waited_never_arrives() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(4, only(&[transport]));
        world.act(Act::Down);
        world.pass(100);
        world.act(Act::Fleeting { ttl: 500 });
        world.act(PLAIN);
        world.pass(499);
        assert_eq!(world.page.app.undecided(), 2);
        world.pass(1);
        assert_eq!(world.page.app.sends, [Some(Outcome::Expired), None]);
        world.act(Act::Up { kept: true });
        world.pass(30_000);
        assert_eq!(world.heard(), [2]);
        world.check_calm();
    }
}

#[test]
fn the_latest_of_a_key_arrives_and_the_others_that_waited_do_not() {
    let latest = Act::Latest { key: 1, bytes: 9 };
    let mut world = useful(5, Config::default());
    world.act(latest.clone());
    world.pass(100);
    world.act(Act::Down);
    world.pass(100);
    (0..4).for_each(|_| world.act(latest.clone()));
    world.act(Act::Up { kept: true });
    world.pass(30_000);
    let replaced = Some(Outcome::Replaced);
    let sent = Some(Outcome::Sent);
    assert_eq!(
        world.page.app.sends,
        [sent, replaced, replaced, replaced, sent]
    );
    assert_eq!(world.heard(), [1, 5]);
}

#[test]
fn a_refused_message_leaves_the_one_that_it_was_to_stand_for() {
    let config = Config {
        outbox_bytes: 1_000,
        when_full: WhenFull::Refuse,
        ..only(&[WS])
    };
    let mut world = useful(6, config);
    world.act(Act::Down);
    world.pass(100);
    world.act(PLAIN);
    world.act(Act::Latest { key: 1, bytes: 9 });
    world.act(Act::Latest {
        key: 1,
        bytes: 2_000,
    });
    world.act(Act::Up { kept: true });
    world.pass(30_000);
    assert_eq!(world.page.app.sends[2], Some(Outcome::Full));
    assert_eq!(world.heard(), [1, 2]);
}

#[test]
fn a_reloaded_page_goes_on_and_nothing_is_lost_or_doubled() {
    for transport in [WS, SSE, POLL] {
        for seed in 0..100 {
            let mut world = useful(seed, only(&[transport]));
            world.act(Act::Delay {
                delay: 60,
                jitter: 40,
            });
            for at in 0..100 {
                let start = world.now;
                world.plan(start + at * 30, Act::Publish(1));
                world.plan(start + at * 30, PLAIN);
            }
            for at in [800, 1_700, 2_900] {
                world.plan(world.now + at, Act::Reload);
            }
            world.pass(60_000);
            assert!(world.is_on(transport), "{transport:?}, seed {seed}");
            assert_eq!(world.page.app.gaps, 0);
            let sent = |outcome: &Option<Outcome>| *outcome == Some(Outcome::Sent);
            assert!(
                world.page.app.sends.iter().all(sent),
                "seed {seed}: {:?}",
                world.page.app.sends
            );
            assert_eq!(world.heard().len(), 100);
            world.check_calm();
        }
    }
}

#[test]
fn a_reload_after_the_session_was_forgotten_is_told_as_a_gap() {
    let mut world = useful(7, only(&[WS]));
    world.act(Act::Up { kept: false });
    world.act(PLAIN);
    world.act(Act::Reload);
    world.pass(20_000);
    assert_eq!(world.page.app.gaps, 1);
    assert_eq!(world.page.app.sends, [Some(Outcome::Unknown)]);
    world.check_calm();
}

#[test]
fn a_tab_that_was_duplicated_gets_a_session_of_its_own() {
    let mut world = useful(8, Config::default());
    // The same person, another page.
    (0..2).for_each(|_| world.add_tab(8));
    world.focus(2);
    world.connect();
    for _ in 0..5 {
        for tab in [0, 2] {
            world.focus(tab);
            world.act(PLAIN);
            world.act(Act::Publish(1));
        }
        world.pass(1_000);
        world.act(Act::Cut);
    }
    world.pass(30_000);
    for tab in [0, 2] {
        world.focus(tab);
        assert_eq!(world.heard().len(), 5);
        world.check_calm();
    }
}

#[test]
fn what_the_server_has_is_not_sent_again() {
    for transport in [WS, SSE, POLL] {
        let mut world = useful(10, only(&[transport]));
        // Nothing comes down any more: no ack says that it arrived.
        world.act(Act::Mute);
        (0..5).for_each(|_| world.act(PLAIN));
        world.pass(200);
        let heard = world.heard().len();
        assert!(heard > 0);
        world.act(Act::Cut);
        world.pass(10_000);
        assert_eq!(world.heard().len(), 5);
        assert_eq!(world.page.app.undecided(), 0);
        assert_eq!(world.tally.doubles_up, 0, "{transport:?}");
    }
}

#[test]
fn no_more_is_on_its_way_than_the_outbox_may_hold() {
    let config = Config {
        outbox_messages: 3,
        ..only(&[WS])
    };
    let mut world = useful(11, config);
    // No ack comes back.
    world.act(Act::Mute);
    (0..10).for_each(|_| world.act(PLAIN));
    world.pass(200);
    assert_eq!(world.heard(), [1, 2, 3]);
    world.act(Act::Cut);
    world.pass(30_000);
    assert_eq!(world.heard().len(), 10);
}
