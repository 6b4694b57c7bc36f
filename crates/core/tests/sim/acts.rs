//! What a scenario does to the world.

use throughline_core::{Ending, Environment, Input, Transport};

use crate::net::Fault;
use crate::page::Tokens;
use crate::wire::{Grip, Path, WireId};
use crate::world::{Happening, World};

/// Something that a scenario does to the world.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Fault(Transport, Fault),
    FaultOnPosts(Fault),
    FaultOnAll(Fault),
    Cut,
    HalfOpen,
    Mute,
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
    Cancel,
    Publish(u32),
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
            Act::HalfOpen => self.bend(Path::Dead),
            Act::Mute => self.bend(Path::Muted),
            Act::Delay { delay, jitter } => (self.net.delay, self.net.jitter) = (delay, jitter),
            Act::Offline => {
                self.net.offline = true;
                self.bend(Path::Dead);
                self.turn(Input::Environment(Environment::Offline));
            }
            Act::Online => {
                self.net.offline = false;
                self.turn(Input::Environment(Environment::Online));
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
            Act::Send { request, bytes } => self.send(request, bytes),
            Act::Cancel => self.cancel(),
            Act::Publish(count) => (0..count).for_each(|_| self.publish()),
            Act::Close => self.turn(Input::Close),
            Act::Heal => {
                self.net.heal();
                self.page.tokens = Tokens::Good;
                if !self.server.is_up() || self.server.is_draining() {
                    let kept = !self.server.is_draining();
                    self.restart(kept);
                }
            }
        }
    }

    /// Every connection breaks.
    pub(crate) fn cut(&mut self) {
        for wire in 0..self.page.wires.len() {
            self.cut_one(wire);
        }
    }

    pub(crate) fn cut_one(&mut self, wire: WireId) {
        let found = &mut self.page.wires[wire];
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
        for wire in &mut self.page.wires {
            wire.path = path;
        }
    }
}
