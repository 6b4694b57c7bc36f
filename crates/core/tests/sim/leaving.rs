//! Links that end: the page let go, the connection broke, or no way down ever came.

use throughline_core::Transport;
use throughline_core::server::{Input, LinkId};

use crate::server::{Ear, Way};
use crate::wire::WireId;
use crate::world::World;

impl World {
    pub(crate) fn take_bye(&mut self, wire: WireId) {
        if self.server.plain == Some(wire) {
            self.server.plain = None;
        }
        let Some(link) = self.wires[wire].link else {
            return;
        };
        match self.wires[wire].transport {
            Transport::WebSocket | Transport::Sse | Transport::WebRtc => self.reset(link),
            Transport::LongPoll => self.lose_poll(link),
        }
    }

    /// A poll's connection is gone; another may come.
    pub(crate) fn lose_poll(&mut self, link: u64) {
        if let Some(ear) = self.server.ears.get_mut(&link) {
            ear.way = Way::None;
            self.await_way(link, 30_000);
        }
    }

    pub(crate) fn reset(&mut self, link: u64) {
        if self.server.ears.remove(&link).is_some() {
            self.serve(Input::LinkClosed { link: LinkId(link) });
        }
    }

    pub(crate) fn lonely(&mut self, link: u64, turn: u32) {
        let lonely = |ear: &Ear| ear.turn == turn && ear.way == Way::None;
        if self.server.ears.get(&link).is_some_and(lonely) {
            self.serve(Input::CloseLink {
                link: LinkId(link),
                code: 4408,
                retry: None,
            });
        }
    }
}
