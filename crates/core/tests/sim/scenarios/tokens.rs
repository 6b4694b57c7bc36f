//! Tokens: asked for, refused, and never coming.

use throughline_core::{Config, StateKind, TokenReason, Transport};

use super::{POLL, SSE, WS, with_token};
use crate::acts::Act;
use crate::page::Tokens;
use crate::world::World;

fn reasons(world: &World) -> Vec<TokenReason> {
    world
        .page
        .app
        .asked
        .iter()
        .map(|(_, reason)| *reason)
        .collect()
}

fn on(transport: Transport) -> Config {
    Config {
        transports: [transport].into_iter().collect(),
        ..with_token()
    }
}

#[test]
fn a_refused_token_is_refreshed_once_and_the_session_goes_on() {
    for transport in [WS, SSE, POLL] {
        let mut world = World::new(1, on(transport));
        world.page.tokens = Tokens::BadOnce;
        world.connect();
        world.until(2_000, |world| world.page.app.delivered > 0);
        assert_eq!(
            reasons(&world),
            [TokenReason::Connect, TokenReason::Unauthorized]
        );
    }
}

#[test]
fn a_token_refused_twice_fails_the_session() {
    for transport in [WS, SSE, POLL] {
        let mut world = World::new(1, on(transport));
        world.page.tokens = Tokens::Bad;
        world.connect();
        world.until(2_000, |world| world.state() == StateKind::Failed);
        assert_eq!(
            reasons(&world),
            [TokenReason::Connect, TokenReason::Unauthorized]
        );
        let number = world.page.app.ending.map(|ending| ending.number());
        assert!(
            matches!(number, Some(401 | 4401)),
            "{transport:?}: {number:?}"
        );
    }
}

#[test]
fn a_session_that_gives_no_tokens_fails_at_the_first_refusal() {
    let mut world = World::plain();
    world.page.token_is_good = false;
    world.connect();
    world.until(2_000, |world| world.state() == StateKind::Failed);
    assert!(world.page.app.asked.is_empty());
}

#[test]
fn a_token_function_that_throws_or_never_returns_is_asked_again() {
    for tokens in [Tokens::Throws, Tokens::NeverReturns] {
        let mut world = World::new(1, with_token());
        world.page.tokens = tokens;
        world.connect();
        world.pass(90_000);
        assert_eq!(world.state(), StateKind::Connecting, "{tokens:?}");
        assert!(
            world.page.app.opens.is_empty(),
            "nothing is opened without a token"
        );
        assert!(
            (3..=14).contains(&world.page.app.asked.len()),
            "{}",
            world.page.app.asked.len()
        );
        world.page.tokens = Tokens::Good;
        world.until(40_000, |world| world.is_on(WS));
    }
}

#[test]
fn a_token_expired_on_a_live_link_is_refreshed_on_the_way_back() {
    for transport in [WS, SSE, POLL] {
        let mut world = World::new(1, on(transport));
        world.connect();
        world.pass(12_000);
        world.page.tokens = Tokens::BadOnce;
        world.act(Act::Cut);
        world.pass(30_000);
        assert_eq!(world.state(), StateKind::Connected);
        assert_eq!(
            reasons(&world).last(),
            Some(&TokenReason::Unauthorized),
            "{transport:?}"
        );
        world.check_calm();
    }
}

#[test]
fn every_round_gets_a_token_of_its_own() {
    let mut world = World::new(1, with_token());
    world.act(Act::Down);
    world.connect();
    world.pass(60_000);
    let rounds = world.page.app.retries.len() + 1;
    let asked = world.page.app.asked.len();
    assert!(
        asked == rounds || asked + 1 == rounds,
        "{asked} tokens for {rounds} rounds"
    );
}

#[test]
fn a_token_that_comes_after_the_end_opens_nothing() {
    for tokens in [Tokens::Good, Tokens::Throws] {
        let mut world = World::new(1, with_token());
        world.page.tokens = tokens;
        world.connect();
        world.act(Act::Close);
        world.pass(60_000);
        assert_eq!(world.state(), StateKind::Closed);
        assert!(world.page.app.opens.is_empty());
    }
}
