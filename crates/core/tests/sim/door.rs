//! The server's door: requests and sockets, joined to links (annexes A, B and C).

use throughline_core::server::{Input, LinkId, Subject};
use throughline_core::{Cause, Ending, Frame, Millis, Transport};

use crate::net::Fault;
use crate::server::{Ear, Talk, Way};
use crate::wire::{Down, Frames, Path, Up, WireId};
use crate::world::{Happening, World};

/// Milliseconds a split link may be without its way down at first.
const JOIN_PATIENCE: u64 = 10_000;

/// Whether somebody waits for the answer to a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copy {
    First,
    Again,
}

impl World {
    pub(crate) fn arrive(&mut self, wire: WireId, up: Up) {
        if self.keep_up(wire, &up) {
            return;
        }
        match self.wires[wire].path {
            Path::Dead | Path::Deaf => return,
            Path::Lingering if matches!(up, Up::Open | Up::Poll | Up::Bye) => return,
            Path::Live | Path::Dark | Path::Muted | Path::Lingering => {}
        }
        match up {
            Up::Offer => {
                if self.pass_fault(wire, &up) {
                    self.send_down(wire, Down::Answered);
                }
            }
            Up::Leave => self.leave_by_http(wire),
            Up::Open | Up::Poll => {
                if self.pass_fault(wire, &up) {
                    self.open_way(wire, &up);
                }
            }
            Up::Post(frames) => self.take_post(wire, frames, Copy::First),
            Up::Again(frames) => self.take_post(wire, frames, Copy::Again),
            Up::Unit(frames) => self.take_unit(wire, frames),
            Up::Bye => self.take_bye(wire),
        }
    }

    /// Lets a request for a way down meet its fate; true if it reaches the server.
    fn pass_fault(&mut self, wire: WireId, up: &Up) -> bool {
        let transport = self.wires[wire].transport;
        let fault = match up {
            // No request: what answered the offer is what may open.
            Up::Open if transport == Transport::WebRtc => match self.net.own(transport) {
                _ if !self.server.is_up() => return false,
                fault @ (Fault::Swallow | Fault::Flap { .. }) => fault,
                _ => Fault::None,
            },
            Up::Offer => match self.net.fate(transport) {
                _ if !self.server.is_up() => Fault::Rst,
                Fault::Swallow | Fault::Flap { .. } => Fault::None,
                fault => fault,
            },
            _ if self.server.is_up() => self.net.fate(transport),
            _ => Fault::Rst,
        };
        let polled = matches!(up, Up::Poll);
        match fault {
            Fault::None => {}
            Fault::Refuse => {
                self.refuse(wire, 403, None);
                return false;
            }
            Fault::Status {
                status,
                retry_after,
            } => {
                self.refuse(wire, status, retry_after);
                return false;
            }
            Fault::Rst | Fault::Here(_) => {
                self.refuse(wire, 0, None);
                return false;
            }
            Fault::Hang => {
                self.wires[wire].path = Path::Dead;
                return false;
            }
            Fault::Swallow | Fault::Flap { passes: false, .. } => {
                if polled {
                    self.wires[wire].path = Path::Dead;
                } else {
                    self.send_down(wire, Down::Opened);
                    self.wires[wire].path = Path::Muted;
                }
                if let Fault::Flap { after, .. } = fault {
                    self.after(after, Happening::CutOne(wire));
                }
                return false;
            }
            Fault::Flap {
                after,
                passes: true,
            } => _ = self.after(after, Happening::CutOne(wire)),
            Fault::Mute => match transport {
                Transport::Sse => self.wires[wire].path = Path::Muted,
                Transport::WebSocket | Transport::LongPoll | Transport::WebRtc => {}
            },
        }
        let by_http = transport.is_split() || matches!(up, Up::Offer);
        if by_http && !self.welcomes() {
            self.refuse(wire, 401, None);
            return false;
        }
        true
    }

    /// Refuses a request. A WebSocket's page learns no more than that; status 0 is a reset.
    fn refuse(&mut self, wire: WireId, status: u16, retry_after: Option<u32>) {
        let cause = match self.wires[wire].transport {
            Transport::WebSocket => Cause::Refused,
            Transport::Sse | Transport::LongPoll | Transport::WebRtc if status == 0 => Cause::Lost,
            Transport::Sse | Transport::LongPoll | Transport::WebRtc => Cause::Status,
        };
        let shown = cause == Cause::Status;
        let (status, retry_after) = if shown {
            (status, retry_after)
        } else {
            (0, None)
        };
        let span = self.net.travel();
        let ending = Ending {
            status,
            retry_after,
            ..Ending::of(cause)
        };
        self.after(span, Happening::Broken(wire, ending));
    }

    fn open_way(&mut self, wire: WireId, up: &Up) {
        if self.page.is_json() {
            return self.open_plainly(wire, up);
        }
        let link = self.join(wire);
        let Some(ear) = self.server.ears.get_mut(&link) else {
            return self.refuse(wire, 404, None);
        };
        let waiting = core::mem::take(&mut ear.waiting);
        match up {
            Up::Poll => {
                let was = core::mem::replace(&mut ear.way, Way::Held);
                let ended = ear.ended.take();
                if was == Way::Held {
                    self.send_down(wire, Down::Polled(Vec::new()));
                }
                if let Some(close) = ended {
                    let frames = waiting.into_iter().flatten().chain([close]).collect();
                    self.answer_poll(link, frames);
                    self.server.ears.remove(&link);
                } else if !waiting.is_empty() {
                    self.answer_poll(link, waiting.into_iter().flatten().collect());
                }
            }
            Up::Open
            | Up::Post(_)
            | Up::Again(_)
            | Up::Unit(_)
            | Up::Bye
            | Up::Offer
            | Up::Leave => {
                let transport = self.wires[wire].transport;
                // Neither a stream nor a data channel has a close code.
                ear.way = match transport {
                    Transport::WebSocket => Way::Socket,
                    Transport::Sse | Transport::LongPoll | Transport::WebRtc => Way::Stream,
                };
                let ended = ear.ended.take();
                self.send_down(wire, Down::Opened);
                for frames in waiting {
                    self.send_down(wire, Down::Unit(frames));
                }
                if let Some(close) = ended {
                    self.server.ears.remove(&link);
                    self.end_stream(wire, close);
                }
            }
        }
    }

    /// Finds the link of a wire, or makes it: requests of a split link come in any order.
    fn join(&mut self, wire: WireId) -> u64 {
        if let Some(link) = self.wires[wire].link {
            return link;
        }
        self.server.last_link += 1;
        let link = self.server.last_link;
        let transport = self.wires[wire].transport;
        self.wires[wire].link = Some(link);
        let ear = Ear {
            wire,
            way: Way::None,
            waiting: Vec::new(),
            turn: 0,
            ended: None,
        };
        self.server.ears.insert(link, ear);
        self.serve(Input::LinkOpened {
            link: LinkId(link),
            transport,
        });
        if transport.is_split() {
            self.await_way(link, JOIN_PATIENCE);
        }
        link
    }

    fn take_post(&mut self, wire: WireId, frames: Frames, copy: Copy) {
        let fault = if self.server.is_up() {
            self.net.fate_of_post()
        } else {
            Fault::Rst
        };
        let refusal = match fault {
            Fault::None | Fault::Mute => None,
            Fault::Refuse => Some((403, None)),
            Fault::Status {
                status,
                retry_after,
            } => Some((status, retry_after)),
            Fault::Rst | Fault::Here(_) | Fault::Flap { .. } => Some((0, None)),
            Fault::Hang | Fault::Swallow => return,
        };
        let answer = match refusal {
            Some(refusal) => Err(refusal),
            None => self.hear_post(wire, frames),
        };
        match (copy, answer) {
            (Copy::First, Ok(frames)) => self.answer_post(wire, frames),
            (Copy::First, Err((status, retry_after))) => self.refuse(wire, status, retry_after),
            (Copy::Again, _) => {}
        }
    }

    /// Returns the answer, or a status and how long to stay away.
    fn hear_post(&mut self, wire: WireId, frames: Frames) -> Result<Frames, (u16, Option<u32>)> {
        if self.page.is_json() {
            self.hear_plainly(&frames);
            return Ok(Vec::new());
        }
        let greets = matches!(frames.first(), Some(Frame::Hello(_)));
        if greets && !self.welcomes() {
            return Err((401, None));
        }
        if !greets && self.wires[wire].link.is_none() {
            return Err((404, None));
        }
        let link = self.join(wire);
        if self
            .server
            .ears
            .get(&link)
            .is_none_or(|ear| ear.ended.is_some())
        {
            return Err((404, None));
        }
        self.tell(link, frames);
        let ack = self.server.sessions.poll_ack(LinkId(link));
        let frames: Frames = ack.into_iter().collect();
        self.drain_server();
        self.observe_told(link, &frames);
        Ok(frames)
    }

    /// The answer to a POST takes its own connection: it overtakes what the stream carries.
    fn answer_post(&mut self, wire: WireId, frames: Frames) {
        let span = self.net.travel();
        self.after(span, Happening::Down(wire, Down::Posted(frames)));
    }

    fn take_unit(&mut self, wire: WireId, frames: Frames) {
        if self.page.is_json() {
            let reached = self.wires[wire].path == Path::Live && self.server.is_up();
            return if reached {
                self.hear_plainly(&frames)
            };
        }
        let Some(link) = self.wires[wire].link else {
            return;
        };
        let greets = matches!(frames.first(), Some(Frame::Hello(_)));
        if greets && !self.welcomes() {
            let link = LinkId(link);
            return self.serve(Input::CloseLink {
                link,
                code: 4401,
                retry: None,
            });
        }
        self.tell(link, frames);
        self.drain_server();
    }

    /// Tells the server half a unit's frames, without draining it.
    fn tell(&mut self, link: u64, frames: Frames) {
        let now = self.server_now();
        let link = LinkId(link);
        for frame in frames {
            let input = match frame {
                Frame::Hello(hello) => {
                    self.server.last_entropy += 1;
                    let entropy = self.server.last_entropy;
                    Input::Hello {
                        link,
                        hello,
                        subject: self.subject(),
                        expires: self.expiry(),
                        entropy,
                    }
                }
                Frame::Auth if self.welcomes() => {
                    self.tally.renewals += 1;
                    Input::Auth {
                        link,
                        subject: self.subject(),
                        expires: self.expiry(),
                    }
                }
                Frame::Auth => Input::CloseLink {
                    link,
                    code: 4401,
                    retry: None,
                },
                frame => Input::Frame { link, frame },
            };
            self.observe_asked(link, &input);
            self.server.sessions.handle(input, now);
            self.check_memory();
            self.meet(link);
        }
    }

    /// Whom the page's tokens name: every second tab is the same person's.
    fn subject(&self) -> Subject {
        Subject::from(["ann", "bob"][self.page.id.tab % 2])
    }

    /// When the page's token expires, on the server's clock.
    fn expiry(&self) -> Option<Millis> {
        let until = self.page.token_until;
        (until < u64::MAX).then(|| self.server_now() + until.saturating_sub(self.now))
    }

    /// Takes note of the session that a link belongs to.
    fn meet(&mut self, link: LinkId) {
        if let Some(session) = self.server.sessions.session_of(link) {
            let tab = self.page.id.tab;
            let talk = self.server.talks.entry(session);
            let talk = talk.or_insert_with(|| Talk::new(tab));
            assert_eq!(talk.tab, tab, "a session belongs to one tab");
        }
    }
}
