//! The server: the real server half behind a door of connections.

use std::collections::BTreeMap;

use throughline_core::server::{
    Event, Input, LinkId, Output, SessionKey, Sessions, SessionsConfig,
};
use throughline_core::{Frame, Millis};

use crate::page::Tokens;
use crate::wire::{Down, Frames, WireId};
use crate::world::{Happening, World};

/// The body of a plain server's named message.
pub(crate) const NAMED_READY: u64 = u64::MAX;

/// Milliseconds a long-poll link may be without a poll.
const POLL_PATIENCE: u64 = 30_000;

/// Whether connections reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    Up,
    Down,
}

pub(crate) struct Server {
    pub(crate) sessions: Sessions<u64>,
    config: SessionsConfig,
    power: Power,
    /// Links, as the door knows them.
    pub(crate) ears: BTreeMap<u64, Ear>,
    pub(crate) last_link: u64,
    pub(crate) last_entropy: u128,
    pub(crate) current: Option<SessionKey>,
    /// Server sessions so far; the current one's number.
    pub(crate) epoch: u64,
    /// Messages published to the current session.
    pub(crate) published: u64,
    /// Bodies that the application heard, in order.
    pub(crate) heard: Vec<u64>,
    /// Where a plain server sends, and what waits for its next poll.
    pub(crate) plain: Option<WireId>,
    pub(crate) plain_waiting: Frames,
}

/// A link's way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    None,
    Socket,
    Stream,
    /// A poll is held.
    Held,
}

#[derive(Debug)]
pub(crate) struct Ear {
    pub(crate) wire: WireId,
    pub(crate) way: Way,
    /// Units that wait for a way down.
    pub(crate) waiting: Vec<Frames>,
    pub(crate) turn: u32,
    /// The link has ended; the next poll is told so, the one after it gets 404.
    pub(crate) ended: Option<Frame<u64>>,
}

impl Server {
    pub(crate) fn new(config: SessionsConfig) -> Self {
        Self {
            sessions: Sessions::new(config.clone()),
            config,
            power: Power::Up,
            ears: BTreeMap::new(),
            last_link: 0,
            last_entropy: 1 << 100,
            current: None,
            epoch: 0,
            published: 0,
            heard: Vec::new(),
            plain: None,
            plain_waiting: Vec::new(),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.power == Power::Up
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.sessions.is_draining()
    }

    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        self.sessions.poll_timeout().map(|at| at.0)
    }
}

impl World {
    /// Takes one input through the server half.
    pub(crate) fn serve(&mut self, input: Input<u64>) {
        self.server.sessions.handle(input, Millis(self.now));
        self.drain_server();
    }

    pub(crate) fn drain_server(&mut self) {
        let mut requests = Vec::new();
        while let Some(output) = self.server.sessions.poll_output() {
            match output {
                Output::Transmit { link, frames } => self.write(link.0, frames),
                Output::CloseLink { link, code, retry } => self.hang_up(link.0, code, retry),
                Output::Event(Event::Opened { session, .. }) => {
                    self.server.current = Some(session);
                    self.server.epoch += 1;
                    self.server.published = 0;
                    self.publish();
                }
                Output::Event(Event::Message { body, .. }) => self.server.heard.push(body),
                Output::Event(Event::Request {
                    session, id, body, ..
                }) => {
                    self.server.heard.push(body);
                    requests.push((session, id));
                }
                Output::Event(
                    Event::LinkChanged { .. }
                    | Event::Subscribed { .. }
                    | Event::SubscriptionRefused { .. }
                    | Event::Unsubscribed { .. },
                )
                | Output::ToGuest { .. }
                | Output::Record { .. } => {}
                Output::Event(Event::Closed { session } | Event::Moved { session }) => {
                    self.server.current = self.server.current.filter(|key| *key != session);
                }
            }
        }
        for (session, id) in requests {
            if self.server.current == Some(session) {
                let body = self.next_body();
                self.serve(Input::Reply {
                    session,
                    id,
                    ok: true,
                    body,
                    bytes: 8,
                });
            }
        }
        self.arm_server();
    }

    /// The application behind the server sends a message.
    pub(crate) fn publish(&mut self) {
        if self.page.is_json() {
            return self.publish_plainly();
        }
        if let (Some(session), true) = (self.server.current, self.server.is_up()) {
            let body = self.next_body();
            self.serve(Input::Publish {
                session,
                body,
                bytes: 8,
            });
        }
    }

    pub(crate) fn next_body(&mut self) -> u64 {
        self.server.published += 1;
        self.server.epoch << 32 | self.server.published
    }

    fn write(&mut self, link: u64, frames: Frames) {
        let Some(ear) = self.server.ears.get_mut(&link) else {
            return;
        };
        let wire = ear.wire;
        match ear.way {
            Way::Socket | Way::Stream => self.send_down(wire, Down::Unit(frames)),
            Way::Held => self.answer_poll(link, frames),
            Way::None => ear.waiting.push(frames),
        }
    }

    pub(crate) fn answer_poll(&mut self, link: u64, frames: Frames) {
        let Some(ear) = self.server.ears.get_mut(&link) else {
            return;
        };
        ear.way = Way::None;
        let wire = ear.wire;
        self.send_down(wire, Down::Polled(frames));
        self.await_way(link, POLL_PATIENCE);
    }

    /// Gives up a link that gets no way down within `span`.
    pub(crate) fn await_way(&mut self, link: u64, span: u64) {
        if let Some(ear) = self.server.ears.get_mut(&link) {
            ear.turn += 1;
            let turn = ear.turn;
            self.after(span, Happening::Lonely(link, turn));
        }
    }

    fn hang_up(&mut self, link: u64, code: u16, retry: Option<u32>) {
        let Some(ear) = self.server.ears.get_mut(&link) else {
            return;
        };
        let (wire, way) = (ear.wire, ear.way);
        let close = Frame::Close { code, retry };
        match way {
            Way::Socket => {
                self.server.ears.remove(&link);
                self.send_down(wire, Down::Closed { code, retry });
            }
            Way::Stream => {
                self.server.ears.remove(&link);
                self.end_stream(wire, close);
            }
            Way::Held => {
                let frames = vec![close];
                ear.way = Way::None;
                self.send_down(wire, Down::Polled(frames));
                self.server.ears.remove(&link);
            }
            Way::None => ear.ended = Some(close),
        }
    }

    pub(crate) fn end_stream(&mut self, wire: WireId, close: Frame<u64>) {
        self.send_down(wire, Down::Unit(vec![close]));
        let ending = throughline_core::Ending::of(throughline_core::Cause::Lost);
        self.send_down(wire, Down::Ended(ending));
    }

    pub(crate) fn send_down(&mut self, wire: WireId, down: Down) {
        let at = (self.now + self.net.travel()).max(self.page.wires[wire].down_at);
        self.page.wires[wire].down_at = at;
        self.after(at - self.now, Happening::Down(wire, down));
    }

    /// Every connection breaks, new ones are refused.
    pub(crate) fn crash(&mut self) {
        self.server.power = Power::Down;
        self.cut();
    }

    pub(crate) fn restart(&mut self, kept: bool) {
        self.cut();
        self.server.power = Power::Up;
        let links: Vec<u64> = self.server.ears.keys().copied().collect();
        self.server.ears.clear();
        for wire in &mut self.page.wires {
            wire.link = None;
        }
        if kept {
            for link in links {
                self.serve(Input::LinkClosed { link: LinkId(link) });
            }
        } else {
            self.server.sessions = Sessions::new(self.server.config.clone());
            self.server.current = None;
        }
        self.arm_server();
    }

    /// A balancer asks the page to move; the server itself stays.
    pub(crate) fn goaway(&mut self, spread: u32) {
        let live = self
            .server
            .ears
            .iter()
            .filter(|(_, ear)| ear.ended.is_none());
        let links: Vec<u64> = live.map(|(link, _)| *link).collect();
        for link in links {
            self.write(link, vec![Frame::Goaway { spread }]);
        }
    }

    pub(crate) fn answer_probe(&mut self) {
        use crate::net::Fault;
        let bad = !self.page.token_is_good;
        let (status, retry) = match self.net.fate_of_probe() {
            _ if !self.server.is_up() => (0, None),
            Fault::Status {
                status,
                retry_after,
            } => (status, retry_after),
            Fault::Refuse => (403, None),
            Fault::Rst | Fault::Here(_) => (0, None),
            Fault::Hang | Fault::Swallow | Fault::Flap { .. } | Fault::Mute => return,
            Fault::None if bad => (401, None),
            Fault::None => (204, None),
        };
        let span = self.net.travel();
        self.after(span, Happening::Probed(status, retry));
    }

    /// Whether the server takes the page's token.
    pub(crate) fn welcomes(&self) -> bool {
        self.page.token_is_good && self.page.tokens != Tokens::Bad
    }
}
