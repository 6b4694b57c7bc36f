//! A server that knows no frames: one message at a time, at most once.

use throughline_core::{Dialect, Frame, Readiness};

use crate::server::NAMED_READY;
use crate::wire::{Down, Frames, Up, WireId};
use crate::world::World;

impl World {
    pub(crate) fn open_plainly(&mut self, wire: WireId, up: &Up) {
        let named = self.page.config.dialect == Dialect::Json(Readiness::Named);
        let first = self.server.plain != Some(wire);
        self.server.plain = Some(wire);
        if first {
            self.server.plain_waiting.clear();
        }
        let ready = Frame::Message {
            n: 0,
            body: NAMED_READY,
        };
        let greeting: Frames = if named && first {
            vec![ready]
        } else {
            Vec::new()
        };
        if matches!(up, Up::Poll) {
            let mut frames = greeting;
            frames.append(&mut self.server.plain_waiting);
            self.send_down(wire, Down::Polled(frames));
        } else {
            self.send_down(wire, Down::Opened);
            if !greeting.is_empty() {
                self.send_down(wire, Down::Unit(greeting));
            }
        }
        if first {
            self.publish();
        }
    }

    pub(crate) fn hear_plainly(&mut self, frames: &Frames) {
        for frame in frames {
            if let Frame::Message { body, .. } | Frame::Request { body, .. } = frame {
                self.server.heard[0].push(*body);
            }
        }
    }

    pub(crate) fn publish_plainly(&mut self) {
        self.server.plain_published += 1;
        let body = self.server.plain_published;
        if let Some(wire) = self.server.plain.filter(|_| self.server.is_up()) {
            let frames = vec![Frame::Message { n: 0, body }];
            if self.wires[wire].transport == throughline_core::Transport::LongPoll {
                self.server.plain_waiting.extend(frames);
            } else {
                self.send_down(wire, Down::Unit(frames));
            }
        }
    }
}
