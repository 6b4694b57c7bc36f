//! Peer connections: an offer and an answer over HTTP, then packets that may vanish without a word.
//!
//! What is written to a channel whose path is dark is kept by SCTP, and arrives in its order when a
//! path is found: the old one again, or another one by an ICE restart.

use throughline_core::{Cause, Ending, Report, Transport};

use crate::net::Fault;
use crate::wire::{Down, Grip, Path, Up, WireId};
use crate::world::{Happening, World};

/// Between two rounds of connectivity checks.
const CHECKS: u64 = 500;
/// Milliseconds of checks without an answer, or of silence, after which a connection has failed.
const FAILED: u64 = 15_000;

/// Whether packets find their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Udp {
    Open,
    /// A black hole.
    Lost,
}

/// What becomes of an ICE restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mending {
    /// It is answered, and a path is found if there is one.
    Heals,
    /// It is answered, and there is no path.
    InVain,
    /// It is not answered.
    Fails,
}

/// What a peer connection has beside what every wire has.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// What waits for a path.
    up: Vec<Up>,
    down: Vec<Down>,
    /// How often its path went dark.
    turn: u32,
}

impl Up {
    /// Whether it is a request of its own, beside the channel.
    const fn is_http(&self) -> bool {
        match self {
            Self::Offer | Self::Leave => true,
            Self::Open | Self::Poll | Self::Post(_) | Self::Again(_) | Self::Unit(_) => false,
            Self::Bye => false,
        }
    }
}

impl Down {
    const fn is_http(&self) -> bool {
        match self {
            Self::Answered | Self::Mended => true,
            Self::Opened | Self::Unit(_) | Self::Posted(_) | Self::Polled(_) => false,
            Self::Closed { .. } | Self::Ended(_) => false,
        }
    }
}

impl World {
    /// The page has its offer.
    pub(crate) fn offer(&mut self, wire: WireId) {
        if self.wires[wire].grip == Grip::Held {
            self.page.app.offered.push(self.now);
            self.report(wire, Report::Offered);
            let span = self.net.dial();
            self.after(span, Happening::Up(wire, Up::Offer));
        }
    }

    /// Whether packets of this connection arrive.
    fn passes(&self, wire: WireId) -> bool {
        let open = self.net.udp == Udp::Open && !self.net.offline;
        open && self.server.is_up() && self.wires[wire].path == Path::Live
    }

    /// Looks for a path once more, `since` milliseconds after the first time.
    pub(crate) fn check(&mut self, wire: WireId, since: u64) {
        if self.wires[wire].grip == Grip::Dropped {
            return;
        }
        let mute = self.net.own(Transport::WebRtc) == Fault::Mute;
        if self.passes(wire) && !mute {
            // DTLS, then SCTP.
            let span = self.net.dial() + 2 * self.net.travel();
            self.send_up(wire, span, Up::Open);
        } else if since < FAILED {
            self.after(CHECKS, Happening::Check(wire, since + CHECKS));
        } else if !mute {
            self.wires[wire].path = Path::Dead;
            self.receive(wire, Down::Ended(Ending::of(Cause::Lost)));
        }
    }

    /// The path of a connection goes, and nobody is told.
    fn darken(&mut self, wire: WireId) {
        let found = &mut self.wires[wire];
        if found.transport == Transport::WebRtc && found.path == Path::Live {
            found.path = Path::Dark;
            found.peer.turn += 1;
            let turn = found.peer.turn;
            self.tally.darkened += u64::from(found.grip == Grip::Held);
            self.after(FAILED, Happening::Failed(wire, turn));
        }
    }

    pub(crate) fn darken_all(&mut self) {
        (0..self.wires.len()).for_each(|wire| self.darken(wire));
    }

    /// Packets pass, or no longer.
    pub(crate) fn set_udp(&mut self, udp: Udp) {
        self.net.udp = udp;
        match udp {
            Udp::Lost => self.darken_all(),
            Udp::Open => (0..self.wires.len()).for_each(|wire| self.relight_soon(wire)),
        }
    }

    /// There is a path again: what waits is sent once more when its timer rings.
    fn relight_soon(&mut self, wire: WireId) {
        let turn = self.wires[wire].peer.turn;
        if self.wires[wire].path == Path::Dark {
            let span = self.net.travel() + self.net.below(1_000);
            self.after(span, Happening::Relit(wire, turn));
        }
    }

    pub(crate) fn relight(&mut self, wire: WireId, turn: u32) {
        let found = &mut self.wires[wire];
        let gone = self.net.udp == Udp::Lost || self.net.offline || found.grip == Grip::Dropped;
        if gone || found.path != Path::Dark || found.peer.turn != turn {
            return;
        }
        found.path = Path::Live;
        self.tally.mended += 1;
        let (up, down) = (
            core::mem::take(&mut found.peer.up),
            core::mem::take(&mut found.peer.down),
        );
        for up in up {
            self.arrive(wire, up);
        }
        for down in down {
            self.wires[wire].flying -= 1;
            self.receive(wire, down);
        }
    }

    /// No path was found for a quarter of a minute: both ends give up.
    pub(crate) fn fail_path(&mut self, wire: WireId, turn: u32) {
        let found = &mut self.wires[wire];
        if found.path != Path::Dark || found.peer.turn != turn {
            return;
        }
        found.path = Path::Dead;
        if let Some(link) = found.link.take() {
            self.after(0, Happening::Reset(link));
        }
        self.after(0, Happening::Broken(wire, Ending::of(Cause::Lost)));
    }

    /// Keeps for later what goes up a dark path; true if it did.
    pub(crate) fn keep_up(&mut self, wire: WireId, up: &Up) -> bool {
        let found = &mut self.wires[wire];
        let kept = found.path == Path::Dark && !up.is_http();
        if kept {
            found.peer.up.push(up.clone());
        }
        kept
    }

    pub(crate) fn keep_down(&mut self, wire: WireId, down: &Down) -> bool {
        let found = &mut self.wires[wire];
        let kept = found.path == Path::Dark && !down.is_http();
        if kept {
            found.peer.down.push(down.clone());
        }
        kept
    }

    /// The core asks for another path.
    pub(crate) fn ask_mend(&mut self, wire: WireId) {
        assert_eq!(self.wires[wire].transport, Transport::WebRtc);
        assert_eq!(
            self.wires[wire].grip,
            Grip::Held,
            "a dropped wire is mended"
        );
        self.page.app.mends.push(self.now);
        let span = self.net.dial();
        self.after(span, Happening::Patched(wire));
    }

    /// An ICE restart is at the server's door.
    pub(crate) fn patch(&mut self, wire: WireId) {
        let reached = self.server.is_up() && self.net.fate_of_probe() == Fault::None;
        let known = self.wires[wire].link.is_some();
        if reached && known && self.net.mending != Mending::Fails {
            let span = self.net.travel();
            self.after(span, Happening::Down(wire, Down::Mended));
            self.wires[wire].flying += 1;
            if self.net.mending == Mending::Heals {
                self.relight_soon(wire);
            }
        }
    }

    /// A request that ends a peer connection, beside its channel.
    pub(crate) fn leave_by_http(&mut self, wire: WireId) {
        if self.server.is_up() && self.net.fate_of_probe() == Fault::None {
            self.take_bye(wire);
        }
    }

    /// The process behind a peer connection dies: no packet says so.
    pub(crate) fn vanish(&mut self, wire: WireId) {
        let found = &mut self.wires[wire];
        found.path = Path::Dead;
        if let Some(link) = found.link.take() {
            self.after(0, Happening::Reset(link));
        }
    }
}
