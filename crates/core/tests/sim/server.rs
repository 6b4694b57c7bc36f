//! The server: the real server half behind a door of connections.

use std::collections::BTreeMap;

use throughline_core::server::{
    Event, Input, LinkId, Output, SessionKey, Sessions, SessionsConfig,
};
use throughline_core::{Frame, Millis, Transport};

use crate::page::Tokens;
use crate::wire::{Down, Frames, Path, WireId};
use crate::world::{Happening, World};

/// The body of a plain server's named message.
pub(crate) const NAMED_READY: u64 = u64::MAX;

/// What a message to the page weighs.
const BODY_BYTES: usize = 8;

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
    pub(crate) config: SessionsConfig,
    /// What the memory ceiling has cost so far.
    pub(crate) evicted: u64,
    power: Power,
    /// Links, as the door knows them.
    pub(crate) ears: BTreeMap<u64, Ear>,
    pub(crate) last_link: u64,
    pub(crate) last_entropy: u128,
    /// Its sessions, as the application behind it knows them.
    pub(crate) talks: BTreeMap<SessionKey, Talk>,
    /// Sessions that the application was told of so far.
    pub(crate) epoch: u64,
    /// What the application heard from each tab, in order.
    pub(crate) heard: Vec<Vec<u64>>,
    /// The same by session.
    pub(crate) records: Vec<Vec<u64>>,
    /// How long a token lasts from when the page gets it.
    pub(crate) token_life: Option<u64>,
    /// Most units that may wait for one link.
    pub(crate) mailbox: usize,
    /// What its clock is ahead of the world's.
    pub(crate) ahead: u64,
    /// Where a plain server sends, and what waits for its next poll.
    pub(crate) plain: Option<WireId>,
    pub(crate) plain_waiting: Frames,
    pub(crate) plain_published: u64,
}

/// One session, as the application behind the server knows it.
#[derive(Debug)]
pub(crate) struct Talk {
    /// The tab that said `hello`.
    pub(crate) tab: usize,
    /// Which of all sessions it is; 0 until the application is told of it.
    pub(crate) epoch: u64,
    /// Messages to the page.
    pub(crate) published: u64,
    /// Messages from the page.
    pub(crate) heard: u64,
    /// What the page has acknowledged.
    pub(crate) acked: u64,
    /// The last message to the page that the server may have had to forget unacknowledged.
    pub(crate) forgotten: u64,
}

impl Talk {
    pub(crate) const fn new(tab: usize) -> Self {
        Self {
            tab,
            epoch: 0,
            published: 0,
            heard: 0,
            acked: 0,
            forgotten: 0,
        }
    }
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
            evicted: 0,
            power: Power::Up,
            ears: BTreeMap::new(),
            last_link: 0,
            last_entropy: 1 << 100,
            talks: BTreeMap::new(),
            epoch: 0,
            heard: vec![Vec::new()],
            records: Vec::new(),
            token_life: None,
            mailbox: usize::MAX,
            ahead: 0,
            plain: None,
            plain_waiting: Vec::new(),
            plain_published: 0,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.power == Power::Up
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.sessions.is_draining()
    }

    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        let due = self.sessions.poll_timeout()?;
        Some(due - Millis(self.ahead))
    }
}

impl World {
    /// Takes one input through the server half.
    pub(crate) fn serve(&mut self, input: Input<u64>) {
        let now = self.server_now();
        self.server.sessions.handle(input, now);
        self.check_memory();
        self.drain_server();
    }

    pub(crate) fn drain_server(&mut self) {
        let mut requests = Vec::new();
        while let Some(output) = self.server.sessions.poll_output() {
            match output {
                Output::Transmit { link, frames } => self.write(link.0, frames),
                Output::CloseLink { link, code, retry } => self.hang_up(link.0, code, retry),
                Output::Event(Event::Opened { session, .. }) => {
                    self.server.epoch += 1;
                    self.server.records.push(Vec::new());
                    let epoch = self.server.epoch;
                    if let Some(talk) = self.server.talks.get_mut(&session) {
                        assert_eq!(talk.epoch, 0, "a session is opened once");
                        talk.epoch = epoch;
                    }
                    self.publish_to(session);
                }
                Output::Event(Event::Message { session, seq, body }) => {
                    self.listen(session, seq, body);
                }
                Output::Event(Event::Request {
                    session,
                    seq,
                    id,
                    body,
                }) => {
                    self.listen(session, seq, body);
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
                    self.server.talks.remove(&session);
                }
            }
        }
        for (session, id) in requests {
            if let Some(body) = self.next_body(session) {
                self.serve(Input::Reply {
                    session,
                    id,
                    ok: true,
                    body,
                    bytes: BODY_BYTES,
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
        if let (Some(session), true) = (self.session(), self.server.is_up()) {
            self.publish_to(session);
        }
    }

    /// The latest session of the page's tab.
    pub(crate) fn session(&self) -> Option<SessionKey> {
        let tab = self.page.id.tab;
        let mine = |(_, talk): &(_, &Talk)| talk.tab == tab && talk.epoch > 0;
        let mine = self.server.talks.iter().filter(mine);
        mine.max_by_key(|(_, talk)| talk.epoch).map(|(key, _)| *key)
    }

    fn publish_to(&mut self, session: SessionKey) {
        if let Some(body) = self.next_body(session) {
            self.serve(Input::Publish {
                session,
                body,
                bytes: BODY_BYTES,
            });
        }
    }

    /// Numbers a message to the page as it should be numbered on its way.
    fn next_body(&mut self, session: SessionKey) -> Option<u64> {
        let limit = self.server.config.replay_bytes;
        let talk = self.server.talks.get_mut(&session)?;
        talk.published += 1;
        let kept = (limit / BODY_BYTES).max(1) as u64;
        if talk.published - talk.acked > kept {
            talk.forgotten = talk.published - kept;
        }
        Some(talk.epoch << 32 | talk.published)
    }

    /// The time on the server's clock.
    pub(crate) fn server_now(&self) -> Millis {
        Millis(self.now + self.server.ahead)
    }

    fn write(&mut self, link: u64, frames: Frames) {
        let Some(ear) = self.server.ears.get_mut(&link) else {
            return;
        };
        let (wire, way) = (ear.wire, ear.way);
        self.observe_told(link, &frames);
        let Some(ear) = self.server.ears.get_mut(&link) else {
            return;
        };
        match way {
            Way::Socket | Way::Stream => self.send_down(wire, Down::Unit(frames)),
            Way::Held => self.answer_poll(link, frames),
            Way::None => ear.waiting.push(frames),
        }
        self.bound(link);
    }

    /// Closes a link whose page does not read what it is sent.
    fn bound(&mut self, link: u64) {
        let Some(ear) = self.server.ears.get(&link) else {
            return;
        };
        let flying = self.wires[ear.wire].flying;
        if ear.ended.is_none() && flying + ear.waiting.len() > self.server.mailbox {
            self.tally.slow += 1;
            self.serve(Input::CloseLink {
                link: LinkId(link),
                code: 4429,
                retry: Some(300),
            });
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
        let span = self.net.travel();
        let found = &mut self.wires[wire];
        let at = (self.now + span)
            .max(found.down_at)
            .max(found.stalled_until);
        found.down_at = at;
        found.flying += 1;
        self.after(at - self.now, Happening::Down(wire, down));
    }

    /// Every connection breaks, new ones are refused.
    pub(crate) fn crash(&mut self) {
        self.server.power = Power::Down;
        for wire in 0..self.wires.len() {
            match self.wires[wire].transport {
                Transport::WebRtc => self.vanish(wire),
                Transport::WebSocket | Transport::Sse | Transport::LongPoll => self.cut_one(wire),
            }
        }
    }

    pub(crate) fn restart(&mut self, kept: bool) {
        self.cut();
        self.server.power = Power::Up;
        let links: Vec<u64> = self.server.ears.keys().copied().collect();
        self.server.ears.clear();
        for wire in &mut self.wires {
            wire.link = None;
        }
        if kept {
            for link in links {
                self.serve(Input::LinkClosed { link: LinkId(link) });
            }
        } else {
            // What was on its way to the process that died never reaches the one after it.
            for wire in &mut self.wires {
                wire.path = Path::Dead;
            }
            self.server.sessions = Sessions::new(self.server.config.clone());
            self.server.talks.clear();
            self.server.evicted = 0;
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
        let bad = !self.welcomes();
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
        self.after(span, Happening::Probed(self.page.id, status, retry));
    }

    /// Whether the server takes the page's token.
    pub(crate) fn welcomes(&self) -> bool {
        let in_time = self.now < self.page.token_until;
        self.page.token_is_good && in_time && self.page.tokens != Tokens::Bad
    }
}
