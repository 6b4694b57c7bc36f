//! What a scenario does to the world.

use throughline_core::{Ending, Environment, Input, Transport};

use crate::app::Letter;
use crate::net::Fault;
use crate::page::Tokens;
use crate::peer::{Mending, Udp};
use crate::wire::{Grip, Path, WireId};
use crate::world::{Happening, World};

/// Something that a scenario does to the world.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Fault(Transport, Fault),
    FaultOnPosts(Fault),
    FaultOnAll(Fault),
    Cut,
    /// As a cut, but what was under way up arrives.
    Linger,
    HalfOpen,
    Mute,
    Deafen,
    /// The paths of peer connections go; there are others.
    PathLost,
    Udp(Udp),
    Mending(Mending),
    /// Nothing arrives for so long, then all of it.
    Stall(u64),
    /// One in so many POSTs arrives twice.
    Repeats(u64),
    /// The page's clock goes ahead at once.
    ClockJump(u64),
    ServerClockJump(u64),
    Delay {
        delay: u64,
        jitter: u64,
    },
    Offline,
    Online,
    Woke,
    NetworkChanged,
    /// The page stops for so long.
    Freeze(u64),
    Down,
    /// The server is back, with its sessions or without.
    Up {
        kept: bool,
    },
    Goaway(u32),
    Drain(u32),
    Tokens(Tokens),
    Send {
        request: bool,
        bytes: u32,
    },
    /// A message that is worthless after so long.
    Fleeting {
        ttl: u64,
    },
    /// A message of which only the latest counts.
    Latest {
        key: u8,
        bytes: u32,
    },
    /// The page goes and comes again.
    Reload,
    Cancel,
    Publish(u32),
    Connect,
    Close,
    Heal,
}

impl World {
    pub(crate) fn act(&mut self, act: Act) {
        match act {
            Act::Fault(transport, fault) => self.net.set(transport, fault),
            Act::FaultOnPosts(fault) => self.net.post = fault,
            Act::FaultOnAll(fault) => self.net.all = fault,
            Act::Cut => self.cut(),
            Act::Linger => (0..self.wires.len()).for_each(|wire| self.linger(wire)),
            Act::HalfOpen => self.bend(Path::Dead),
            Act::Mute => self.bend(Path::Muted),
            Act::Deafen => self.bend(Path::Deaf),
            Act::PathLost => self.darken_all(),
            Act::Udp(udp) => self.set_udp(udp),
            Act::Mending(mending) => self.net.mending = mending,
            Act::Stall(span) => {
                let until = self.now + span;
                for wire in &mut self.wires {
                    wire.stalled_until = wire.stalled_until.max(until);
                }
            }
            Act::Repeats(one_in) => self.net.repeats = one_in,
            Act::ClockJump(span) => {
                self.page.ahead += span;
                self.arm_page();
            }
            Act::ServerClockJump(span) => {
                self.server.ahead += span;
                self.arm_server();
            }
            Act::Delay { delay, jitter } => (self.net.delay, self.net.jitter) = (delay, jitter),
            Act::Offline => {
                self.net.offline = true;
                self.bend(Path::Dead);
                self.tell_all(Environment::Offline);
            }
            Act::Online => {
                self.net.offline = false;
                self.tell_all(Environment::Online);
            }
            Act::Woke => self.turn(Input::Environment(Environment::Woke)),
            Act::NetworkChanged => self.turn(Input::Environment(Environment::NetworkChanged)),
            Act::Freeze(span) => {
                if self.page.frozen_until < self.now {
                    self.page.frozen_until = self.now + span;
                }
            }
            Act::Down => self.crash(),
            Act::Up { kept } => self.restart(kept),
            Act::Goaway(spread) => self.goaway(spread),
            Act::Drain(spread) => {
                self.serve(throughline_core::server::Input::Drain { spread, retry: 500 });
            }
            Act::Tokens(tokens) => self.page.tokens = tokens,
            Act::Send { request, bytes } => self.send(Letter::plain(request, bytes)),
            Act::Fleeting { ttl } => self.send(Letter {
                until: Some(self.now + ttl),
                ..Letter::plain(false, 20)
            }),
            Act::Latest { key, bytes } => self.send(Letter {
                key: Some(key),
                ..Letter::plain(false, bytes)
            }),
            Act::Reload => self.reload(),
            Act::Cancel => self.cancel(),
            Act::Publish(count) => (0..count).for_each(|_| self.publish()),
            Act::Connect => self.connect(),
            Act::Close => self.turn(Input::Close),
            Act::Heal => {
                self.net.heal();
                self.set_udp(Udp::Open);
                for tab in self.tabs() {
                    self.focus(tab);
                    self.page.tokens = Tokens::Good;
                }
                if !self.server.is_up() || self.server.is_draining() {
                    let kept = !self.server.is_draining();
                    self.restart(kept);
                }
            }
        }
    }

    /// The browser tells each of its pages.
    fn tell_all(&mut self, environment: Environment) {
        for tab in 0..=self.others.len() {
            self.focus(tab);
            self.turn(Input::Environment(environment));
        }
    }

    /// The page learns that a connection broke; the server learns it after what was under way.
    fn linger(&mut self, wire: WireId) {
        let found = &mut self.wires[wire];
        if found.grip == Grip::Dropped {
            return;
        }
        found.path = match found.path {
            Path::Dark => Path::Dead,
            Path::Live | Path::Dead | Path::Muted | Path::Deaf | Path::Lingering => Path::Lingering,
        };
        let (link, up_at) = (found.link, found.up_at.max(found.stalled_until));
        let polled = found.transport == Transport::LongPoll;
        let span = self.net.travel();
        let ending = Ending::of(throughline_core::Cause::Lost);
        self.after(span, Happening::Broken(wire, ending));
        if let Some(link) = link {
            let span = up_at.saturating_sub(self.now) + self.net.travel();
            self.tally.lingered += 1;
            if polled {
                self.lose_poll(link);
            } else {
                self.after(span, Happening::Reset(link));
            }
        }
    }

    /// Every connection breaks.
    pub(crate) fn cut(&mut self) {
        for wire in 0..self.wires.len() {
            self.cut_one(wire);
        }
    }

    pub(crate) fn cut_one(&mut self, wire: WireId) {
        let found = &mut self.wires[wire];
        if found.grip == Grip::Dropped {
            return;
        }
        found.path = Path::Dead;
        let link = found.link.take();
        let span = self.net.travel();
        let ending = Ending::of(throughline_core::Cause::Lost);
        self.after(span, Happening::Broken(wire, ending));
        if let Some(link) = link {
            self.after(span, Happening::Reset(link));
        }
    }

    fn bend(&mut self, path: Path) {
        for wire in &mut self.wires {
            // A channel needs both ways for either.
            wire.path = match wire.transport {
                Transport::WebRtc => Path::Dead,
                Transport::WebSocket | Transport::Sse | Transport::LongPoll => {
                    wire.path.worsened(path)
                }
            };
        }
    }
}
