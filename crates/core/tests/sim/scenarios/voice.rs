//! Links over a peer connection: standby, paths that die unseen, and the way back.

use throughline_core::{Cause, Config, Dialect, Memory, Readiness, StateKind, Transport};

use super::{RTC, SSE, WS, only, useful};
use crate::acts::Act;
use crate::net::Fault;
use crate::peer::{Mending, Udp};
use crate::world::World;

/// Milliseconds for the offer, at most, in this world.
const GATHERED: u64 = 60;

fn voice() -> Config {
    only(&Transport::ALL)
}

fn left_the_link(world: &World) -> bool {
    let mut states = world.page.app.states.iter();
    states.any(|(_, state)| *state == StateKind::Reconnecting)
}

/// When the first attempt on `transport` began.
fn opened_on(world: &World, transport: Transport) -> Option<u64> {
    let mut opens = world.page.app.opens.iter();
    opens.find(|(_, t)| *t == transport).map(|(at, _)| *at)
}

fn count_on(world: &World, transport: Transport) -> usize {
    let opens = world.page.app.opens.iter();
    opens.filter(|(_, t)| *t == transport).count()
}

/// Words both ways for so long.
fn talk(world: &mut World, span: u64) {
    for at in (0..span).step_by(200) {
        world.plan(
            world.now + at,
            Act::Send {
                request: at % 1_000 == 0,
                bytes: 20,
            },
        );
        world.plan(world.now + at, Act::Publish(1));
    }
}

#[test]
fn a_sound_network_has_one_peer_connection_and_nothing_beside_it() {
    for seed in 0..40 {
        let mut world = World::new(seed, voice());
        world.connect();
        let took = world.until(1_000, |world| world.is_on(RTC));
        assert!(took <= 300, "{took}");
        world.pass(60_000);
        assert_eq!(world.page.app.opens.len(), 1);
        assert!(world.page.app.mends.is_empty());
        world.check_calm();
    }
}

/// D5
#[test]
fn a_black_hole_from_the_start_costs_no_more_than_the_standby() {
    for seed in 0..40 {
        let mut world = World::new(seed, voice());
        world.net.udp = Udp::Lost;
        world.connect();
        let took = world.until(4_000, |world| world.is_on(WS));
        assert!(took <= GATHERED + 2_500, "seed {seed}: {took}");
        let after = opened_on(&world, WS).unwrap();
        assert!(
            (1_500..=1_600 + GATHERED).contains(&after),
            "1.5 s after the answer: {after}"
        );
        assert_eq!(world.server.sessions.session_count(), 1);
        talk(&mut world, 120_000);
        world.pass(120_000);
        assert!(world.is_on(WS) && !left_the_link(&world));
        world.act(Act::Udp(Udp::Open));
        world.until(60_000, |world| world.is_on(RTC));
        world.pass(20_000);
        assert!(world.is_on(RTC));
        assert_eq!(world.server.sessions.session_count(), 1);
        world.check_calm();
    }
}

/// D5
#[test]
fn an_offer_without_an_answer_is_stood_by_for_two_and_a_half_seconds() {
    for seed in 0..40 {
        let mut world = World::new(seed, voice());
        world.net.set(RTC, Fault::Hang);
        world.connect();
        world.until(4_000, |world| world.is_on(WS));
        let after = opened_on(&world, WS).unwrap();
        assert!(
            (2_500..=2_500 + GATHERED).contains(&after),
            "after the offer: {after}"
        );
        world.pass(19_000 - world.now);
        assert_eq!(world.page.core.attempts(), 1, "it has its twenty seconds");
        world.pass(2_000);
        assert_eq!(world.page.core.attempts(), 0);
        let hung = world.page.app.troubles.iter();
        assert!(
            hung.map(|ending| (ending.transport, ending.cause))
                .eq([(Some(RTC), Cause::Hang)])
        );
    }
}

/// D5
#[test]
fn an_offer_that_takes_its_time_has_its_standby_all_the_same() {
    for seed in 0..40 {
        let mut world = World::new(seed, voice());
        world.net.gathering = 2_000;
        world.net.set(RTC, Fault::Hang);
        world.connect();
        world.until(5_000, |world| world.is_on(WS));
        let offered = world.page.app.offered[0];
        let after = opened_on(&world, WS).unwrap() - offered;
        assert_eq!(after, 2_500, "seed {seed}");
    }
}

#[test]
fn a_channel_that_never_opens_and_never_fails_has_fifteen_seconds() {
    let mut world = World::new(1, voice());
    world.net.set(RTC, Fault::Mute);
    world.connect();
    world.pass(14_900);
    assert!(world.is_on(WS) && world.page.core.attempts() == 1);
    world.pass(300);
    assert_eq!(world.page.core.attempts(), 0);
    assert_eq!(world.page.app.troubles[0].cause, Cause::Hang);
}

#[test]
fn an_offer_that_is_refused_is_not_waited_for() {
    let refusals = [
        Fault::Refuse,
        Fault::Rst,
        Fault::status(404),
        Fault::status(503),
    ];
    for fault in refusals {
        let mut world = World::new(1, voice());
        world.net.set(RTC, fault);
        world.connect();
        let took = world.until(1_000, |world| world.is_on(WS));
        assert!(took <= 200, "{fault:?}: {took}");
    }
}

#[test]
fn a_host_without_peer_connections_begins_one_step_lower_and_says_nothing() {
    let mut world = World::new(1, voice());
    world.net.set(RTC, Fault::Here(Cause::Unavailable));
    world.connect();
    let took = world.until(1_000, |world| world.is_on(WS));
    assert!(took <= 100, "{took}");
    world.pass(600_000);
    assert!(world.page.app.troubles.is_empty());
    assert_eq!(count_on(&world, RTC), 1, "it is not asked again");
}

#[test]
fn where_a_lesser_transport_worked_last_it_stands_by_for_a_tenth_of_a_second() {
    let memory = Some(Memory {
        transport: WS,
        rtt: 20,
    });
    let mut world = World::new(1, Config { memory, ..voice() });
    world.net.udp = Udp::Lost;
    world.connect();
    let took = world.until(1_000, |world| world.is_on(WS));
    assert!(took <= 250 + GATHERED, "{took}");
}

#[test]
fn an_attempt_that_lost_to_its_standby_is_taken_when_it_proves_itself() {
    for seed in 0..40 {
        let mut world = World::new(seed, voice());
        world.net.udp = Udp::Lost;
        world.connect();
        talk(&mut world, 10_000);
        world.until(4_000, |world| world.is_on(WS));
        world.pass(5_000);
        world.act(Act::Udp(Udp::Open));
        world.until(2_000, |world| world.is_on(RTC));
        assert_eq!(count_on(&world, RTC), 1, "the first one");
        assert!(!left_the_link(&world));
        world.pass(20_000);
        assert_eq!(world.server.sessions.session_count(), 1);
        world.check_calm();
    }
}

/// D4, D5
#[test]
fn a_black_hole_in_mid_session_is_noticed_left_and_climbed_back_from() {
    for seed in 0..100 {
        let mut world = useful(seed, voice());
        assert!(world.is_on(RTC));
        if seed % 2 == 0 {
            talk(&mut world, 110_000);
        }
        world.pass(seed * 131);
        let (died, opened) = (world.now, world.page.app.opens.len());
        world.act(Act::Udp(Udp::Lost));
        // The mend is answered at once, and restarts the clock: it is in vain.
        world.net.mending = Mending::Fails;
        let took = world.until(3_000, left_the_link);
        assert!(
            (1_300..=2_500).contains(&took),
            "seed {seed}: noticed after {took}"
        );
        assert!(
            matches!(world.page.app.mends[..], [at] if at < died + took),
            "asked for another path once, before"
        );
        world.until(3_000, |world| world.is_on(WS));
        assert_eq!(
            world.page.app.opens[opened].1, WS,
            "the dead one is not tried first"
        );
        world.pass(100_000);
        assert!(world.is_on(WS));
        world.act(Act::Heal);
        world.until(60_000, |world| world.is_on(RTC));
        world.pass(60_000);
        assert!(world.is_on(RTC));
        assert_eq!(world.page.app.gaps, 0);
        assert_eq!(world.server.sessions.session_count(), 1);
        world.check_calm();
    }
}

#[test]
fn a_mend_that_finds_a_path_keeps_the_link() {
    for seed in 0..100 {
        let mut world = useful(seed, voice());
        talk(&mut world, 60_000);
        for _ in 0..5 {
            world.pass(7_000 + seed * 31);
            world.act(Act::PathLost);
        }
        world.pass(60_000);
        // Another transport stood in each time, and was not needed.
        let opens = world.page.app.opens.iter().map(|open| open.1);
        assert!(opens.skip(1).eq([WS; 5]), "seed {seed}");
        assert_eq!(world.page.app.mends.len(), 5);
        assert!(!left_the_link(&world));
        world.check_calm();
    }
}

/// D4
#[test]
fn a_mend_that_is_answered_in_vain_is_not_asked_for_again() {
    for seed in 0..40 {
        let mut world = useful(seed, voice());
        talk(&mut world, 20_000);
        world.pass(seed * 97);
        world.net.mending = Mending::InVain;
        world.act(Act::PathLost);
        let took = world.until(5_000, left_the_link);
        assert!(took <= 2_600, "seed {seed}: {took}");
        assert_eq!(world.page.app.mends.len(), 1);
        // It stands by since the path went silent.
        let took = world.until(3_000, |world| world.is_on(WS));
        assert!(took <= 10, "seed {seed}: {took}");
        world.act(Act::Heal);
        world.until(60_000, |world| world.is_on(RTC));
        world.pass(20_000);
        world.check_calm();
    }
}

#[test]
fn nothing_stands_in_for_a_session_that_closes() {
    for silent in (900..1_500).step_by(50) {
        let mut world = useful(silent, voice());
        let opened = world.page.app.opens.len();
        world.act(Act::Udp(Udp::Lost));
        // What is on its way keeps the session from closing at once.
        talk(&mut world, 1);
        world.pass(1);
        world.act(Act::Close);
        world.until(2_100, |world| world.state() == StateKind::Closed);
        world.pass(silent);
        assert_eq!(world.page.app.opens.len(), opened);
    }
}

#[test]
fn a_closed_channel_is_left_at_once_and_not_tried_first() {
    for seed in 0..40 {
        let mut world = useful(seed, voice());
        let opened = world.page.app.opens.len();
        world.act(Act::Cut);
        let took = world.until(100, left_the_link);
        assert!(took <= 10, "{took}");
        world.until(2_000, |world| world.is_on(WS));
        assert_eq!(world.page.app.opens[opened].1, WS);
        world.until(60_000, |world| world.is_on(RTC));
        world.pass(20_000);
        world.check_calm();
    }
}

#[test]
fn alone_a_peer_connection_is_tried_again_all_the_same() {
    let mut world = useful(1, only(&[RTC]));
    world.act(Act::Udp(Udp::Lost));
    world.pass(60_000);
    world.act(Act::Udp(Udp::Open));
    world.until(60_000, |world| world.is_on(RTC));
    world.pass(1_000);
    world.check_calm();
}

#[test]
fn a_slow_but_sound_path_stays() {
    for (delay, jitter) in [(5, 0), (150, 250), (450, 200)] {
        let mut world = useful(1, voice());
        world.act(Act::Delay { delay, jitter });
        world.pass(900_000);
        assert!(!left_the_link(&world), "{delay} + {jitter}");
        // What stood in while the path became slow was not needed.
        let opens = world.page.app.opens.len();
        assert!(opens <= 8, "{delay} + {jitter}: {opens}");
        world.pass(3_000);
        world.check_calm();
    }
}

#[test]
fn a_page_that_slept_keeps_its_peer_connection() {
    for span in [2_000, 10_000, 60_000] {
        for alarm_first in [true, false] {
            for seed in 0..20 {
                let mut world = useful(seed, voice());
                world.page.alarm_first = alarm_first;
                world.pass(seed * 70);
                world.act(Act::Freeze(span));
                world.pass(span + 60_000);
                assert!(!left_the_link(&world), "{span} ms, seed {seed}");
                world.check_calm();
            }
        }
    }
}

#[test]
fn a_network_change_mends_the_link_at_once() {
    for seed in 0..40 {
        let mut world = useful(seed, voice());
        world.pass(seed * 53);
        world.act(Act::PathLost);
        world.act(Act::NetworkChanged);
        assert_eq!(world.page.app.mends, [world.now]);
        world.pass(30_000);
        assert!(!left_the_link(&world), "seed {seed}");
        world.check_calm();
    }
}

#[test]
fn another_network_is_climbed_on_at_once_even_where_an_old_attempt_still_hopes() {
    for seed in 0..80 {
        let word = [Act::NetworkChanged, Act::Online][seed as usize % 2].clone();
        let mut world = World::new(seed, voice());
        world.net.set(RTC, Fault::Mute);
        world.connect();
        world.until(4_000, |world| world.is_on(WS));
        world.pass(seed * 100);
        world.act(Act::Heal);
        world.act(word);
        let took = world.until(4_000, |world| world.is_on(RTC));
        assert!(took <= 2_500 + GATHERED, "seed {seed}: {took}");
        assert_eq!(count_on(&world, RTC), 2);
        world.pass(10_000);
        world.check_calm();
    }
}

#[test]
fn a_path_that_keeps_dying_is_climbed_back_to_ever_more_rarely() {
    for after in [3_000, 14_000] {
        let mut world = World::new(3, voice());
        world.net.set(
            RTC,
            Fault::Flap {
                after,
                passes: true,
            },
        );
        world.connect();
        world.pass(600_000);
        let tried = count_on(&world, RTC);
        assert!((6..=16).contains(&tried), "{tried} in ten minutes");
        world.act(Act::Heal);
        world.until(90_000, |world| world.is_on(RTC));
        world.pass(20_000);
        world.check_calm();
    }
}

#[test]
fn a_peer_connection_moves_when_the_server_asks() {
    for seed in 0..40 {
        let mut world = useful(seed, voice());
        talk(&mut world, 20_000);
        world.act(Act::Goaway(3_000));
        world.pass(30_000);
        assert!(!left_the_link(&world), "seed {seed}");
        assert_eq!(count_on(&world, RTC), 2);
        assert_eq!(world.page.app.opens.len(), 2);
        world.check_calm();
    }
}

#[test]
fn one_transport_at_a_time_waits_twenty_seconds_for_an_answer_and_five_for_a_path() {
    for (fault, span) in [(Fault::Hang, 20_000), (Fault::Mute, 5_000)] {
        let mut world = World::new(
            1,
            Config {
                dialect: Dialect::Json(Readiness::Settled),
                ..only(&[RTC, WS, SSE])
            },
        );
        world.net.set(RTC, fault);
        world.connect();
        world.until(30_000, |world| world.is_on(WS));
        let after = opened_on(&world, WS).unwrap();
        assert!(
            (span..=span + 2 * GATHERED).contains(&after),
            "{fault:?}: {after}"
        );
    }
}

#[test]
fn close_leaves_a_dark_path_behind_in_time() {
    for seed in 0..40 {
        let mut world = useful(seed, voice());
        world.act(Act::Udp(Udp::Lost));
        world.pass(seed * 40);
        world.act(Act::Close);
        world.pass(2_100);
        assert!(world.state().policy().terminal, "seed {seed}");
        world.pass(30_000);
        assert_eq!(world.server.sessions.link_count(), 0, "seed {seed}");
    }
}
