//! A link lives as long as its token (P2.7).

use throughline_core::close::code;
use throughline_core::server::{Input, LinkId, Subject};
use throughline_core::{Frame, Millis};

use crate::world::{World, hello};

impl World {
    /// Opens a link whose token expires at `end`, and takes the session.
    fn taken_until(&mut self, link: u64, end: u64) {
        self.open(link);
        self.say_hello_until(link, hello(), "ann", Some(Millis(end)));
        self.frame(
            link,
            Frame::Take {
                fence: 1,
                received: 0,
            },
        );
        self.drain();
    }

    fn auth(&mut self, link: u64, subject: &str, end: Option<u64>) {
        self.handle(Input::Auth {
            link: LinkId(link),
            subject: Subject::from(subject),
            expires: end.map(Millis),
        });
    }

    /// When the link is told that its token expires, and with how much left, until `end`.
    fn warnings(&mut self, link: u64, end: u64) -> Vec<(u64, u32)> {
        let mut warnings = Vec::new();
        while self.now < Millis(end) {
            let next = self.sessions.poll_timeout().unwrap_or(Millis(end));
            self.pass(next.min(Millis(end)) - self.now);
            let now = self.now.0;
            let told = self
                .frames(link)
                .into_iter()
                .filter_map(|frame| match frame {
                    Frame::Expiring { ms } => Some((now, ms)),
                    _ => None,
                });
            warnings.extend(told);
        }
        warnings
    }
}

/// P2.7: in time for another, once, and then the end.
#[test]
fn a_link_is_warned_once_and_closed_when_its_token_has_expired() {
    let mut world = World::new();
    world.taken_until(1, 60_000);
    assert_eq!(world.warnings(1, 59_999), [(40_000, 20_000)]);
    assert_eq!(world.closes(), []);
    world.pass(1);
    assert_eq!(world.closes(), [(1, code::UNAUTHORIZED, None)]);
}

/// P2.7: a long life is told of 30 s before its end.
#[test]
fn a_long_life_is_told_of_half_a_minute_before_its_end() {
    let mut world = World::new();
    world.taken_until(1, 3_600_000);
    assert_eq!(world.warnings(1, 3_599_999), [(3_570_000, 30_000)]);
}

/// P2.7
#[test]
fn a_fresh_token_moves_the_end_and_is_warned_of_again() {
    let mut world = World::new();
    world.taken_until(1, 60_000);
    world.pass(50_000);
    world.drain();
    world.auth(1, "ann", Some(110_000));
    assert_eq!(world.warnings(1, 109_999), [(90_000, 20_000)]);
    world.auth(1, "ann", None);
    assert_eq!(world.warnings(1, 1_000_000), []);
    assert_eq!(world.closes(), []);
}

/// P2.7
#[test]
fn auth_of_another_subject_or_before_hello_ends_the_link() {
    let mut world = World::new();
    world.taken_until(1, 60_000);
    world.open(2);
    world.auth(2, "ann", Some(60_000));
    assert_eq!(world.closes(), [(2, code::PROTOCOL, None)]);
    world.auth(1, "bob", Some(60_000));
    assert_eq!(world.closes(), [(1, code::FORBIDDEN, None)]);
    assert_eq!(
        world.sessions.session_count(),
        1,
        "the session waits for its own"
    );
}

/// P2.7
#[test]
fn a_token_that_expired_on_the_way_is_too_late() {
    let mut world = World::new();
    world.pass(1_000);
    world.open(1);
    world.say_hello_until(1, hello(), "ann", Some(Millis(1_000)));
    assert_eq!(world.closes(), [(1, code::UNAUTHORIZED, None)]);
    assert_eq!(world.sessions.session_count(), 0);
    world.taken_until(2, 5_000);
    world.auth(2, "ann", Some(999));
    assert_eq!(world.closes(), [(2, code::UNAUTHORIZED, None)]);
}
