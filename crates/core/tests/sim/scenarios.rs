//! Named scenarios.

use throughline_core::{Config, Transport};

use crate::net::Fault;
use crate::world::World;

mod climbing;
mod defects;
mod ending;
mod first_connect;
mod liveness;
mod reconnecting;
mod sending;
mod tokens;
mod voice;

pub(crate) const WS: Transport = Transport::WebSocket;
pub(crate) const SSE: Transport = Transport::Sse;
pub(crate) const RTC: Transport = Transport::WebRtc;
pub(crate) const POLL: Transport = Transport::LongPoll;

/// Faults that a new WebSocket may meet.
pub(crate) const FAULTS: [Fault; 6] = [
    Fault::Refuse,
    Fault::Rst,
    Fault::Hang,
    Fault::Swallow,
    Fault::Flap {
        after: 100,
        passes: true,
    },
    Fault::Flap {
        after: 100,
        passes: false,
    },
];

pub(crate) fn only(transports: &[Transport]) -> Config {
    Config {
        transports: transports.iter().copied().collect(),
        ..Config::default()
    }
}

pub(crate) fn with_token() -> Config {
    Config {
        has_token: true,
        ..Config::default()
    }
}

/// A session that has been useful for long enough, on `transports`' first.
pub(crate) fn useful(seed: u64, config: Config) -> World {
    let mut world = World::settled(seed, config);
    world.pass(12_000);
    assert!(
        !world.page.app.memories.is_empty(),
        "the link proved useful"
    );
    world
}
