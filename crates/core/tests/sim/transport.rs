//! The page's transports, as `src/transport/*.js` has them: what they send, and what they report.

use throughline_core::{Cause, Ending, Frame, Input, Report, Transport};

use crate::net::Fault;
use crate::page::{Late, Reader};
use crate::server::NAMED_READY;
use crate::wire::{Down, Frames, Grip, Path, Up, WireId};
use crate::world::{Happening, World};

/// Milliseconds a POST may take.
const POST_LIMIT: u64 = 10_000;
/// Milliseconds before the next poll where one was answered with nothing.
const EMPTY_PAUSE: u64 = 100;
/// The same where the server knows no frames.
const POLL_INTERVAL: u64 = 3_000;

impl World {
    pub(crate) fn dial(&mut self, wire: WireId, transport: Transport) {
        if let Fault::Here(cause) = self.net.fate(transport) {
            self.after(0, Happening::Broken(wire, Ending::of(cause)));
            return;
        }
        match transport {
            Transport::WebRtc => {
                let span = self.net.below(self.net.gathering);
                self.after(span, Happening::Offer(wire));
            }
            Transport::WebSocket | Transport::Sse => {
                let span = self.net.dial();
                self.send_up(wire, span, Up::Open);
            }
            Transport::LongPoll => {
                let span = self.net.dial();
                self.send_up(wire, span, Up::Poll);
            }
        }
    }

    pub(crate) fn transmit(&mut self, wire: WireId, frames: Frames) {
        assert!(!frames.is_empty(), "a unit carries a frame");
        let found = &mut self.wires[wire];
        assert_eq!(found.grip, Grip::Held, "nothing is sent on a dropped wire");
        if found.transport.is_split() {
            found.posts.push_back(frames);
            self.post(wire);
        } else {
            let span = self.net.travel();
            self.send_up(wire, span, Up::Unit(frames));
        }
    }

    /// Sends the next POST, if none is in flight.
    fn post(&mut self, wire: WireId) {
        let found = &mut self.wires[wire];
        if found.posting.is_some() {
            return;
        }
        let Some(frames) = found.posts.pop_front() else {
            return;
        };
        found.posted += 1;
        let number = found.posted;
        found.posting = Some(number);
        let span = if number == 1 {
            self.net.dial()
        } else {
            self.net.travel()
        };
        let stall = self.wires[wire].stalled_until.saturating_sub(self.now);
        if !self.page.is_json() && self.net.repeats() {
            let later = stall + self.net.below(4_000);
            self.after(later, Happening::Up(wire, Up::Again(frames.clone())));
            self.tally.repeated += 1;
        }
        self.after(span.max(stall), Happening::Up(wire, Up::Post(frames)));
        self.after(POST_LIMIT, Happening::PostLimit(wire, number));
    }

    pub(crate) fn post_limit(&mut self, wire: WireId, post: u32) {
        let found = &self.wires[wire];
        if found.posting == Some(post) && found.grip == Grip::Held {
            self.receive(wire, Down::Ended(Ending::of(Cause::PostHung)));
        }
    }

    pub(crate) fn poll(&mut self, wire: WireId) {
        if self.wires[wire].grip == Grip::Held {
            let span = self.net.travel();
            self.send_up(wire, span, Up::Poll);
        }
    }

    pub(crate) fn let_go(&mut self, wire: WireId) {
        let found = &mut self.wires[wire];
        assert_eq!(found.grip, Grip::Held, "a wire is dropped once");
        found.grip = Grip::Dropped;
        found.posts.clear();
        self.page.held.retain(|held| *held != wire);
        if self.wires[wire].path == Path::Dark {
            let span = self.net.dial();
            self.after(span, Happening::Up(wire, Up::Leave));
        } else {
            let span = self.net.travel();
            self.send_up(wire, span, Up::Bye);
        }
    }

    pub(crate) fn send_up(&mut self, wire: WireId, span: u64, up: Up) {
        let found = &mut self.wires[wire];
        let at = (self.now + span).max(found.up_at).max(found.stalled_until);
        found.up_at = at;
        self.after(at - self.now, Happening::Up(wire, up));
    }

    /// What a transport does with what came for it.
    pub(crate) fn receive(&mut self, wire: WireId, down: Down) {
        let found = &mut self.wires[wire];
        let id = found.attempt;
        if found.grip == Grip::Dropped && self.page.late == Late::Swallowed {
            return;
        }
        match down {
            Down::Answered => {
                self.report(wire, Report::Answered);
                self.after(0, Happening::Check(wire, 0));
            }
            Down::Mended => self.report(wire, Report::Mended),
            Down::Opened => {
                self.report(wire, Report::Opened);
                self.page.core.heard(id, 0);
            }
            Down::Unit(frames) => {
                if found.transport.is_split() {
                    self.page.core.heard(id, 0);
                }
                self.read(wire, frames);
            }
            Down::Posted(frames) => {
                found.posting = None;
                self.read(wire, frames);
                self.report(wire, Report::Written);
                self.post(wire);
            }
            Down::Polled(frames) => {
                self.report(wire, Report::Opened);
                self.page.core.heard(id, 0);
                let pause = match (frames.is_empty(), self.page.is_json()) {
                    (false, _) => 0,
                    (true, true) => POLL_INTERVAL,
                    (true, false) => EMPTY_PAUSE,
                };
                self.read(wire, frames);
                if pause == 0 {
                    self.poll(wire);
                } else {
                    self.after(pause, Happening::Repoll(wire));
                }
            }
            Down::Closed { code, retry } => {
                if retry.is_some() {
                    self.read(wire, vec![Frame::Close { code, retry }]);
                }
                let abnormal = code == 1005 || code == 1006;
                let cause = if abnormal { Cause::Lost } else { Cause::Closed };
                let code = if abnormal { 0 } else { code };
                self.report(
                    wire,
                    Report::Ended(Ending {
                        code,
                        ..Ending::of(cause)
                    }),
                );
            }
            Down::Ended(ending) => self.report(wire, Report::Ended(ending)),
        }
    }

    /// A message is the application's now, or soon.
    fn arrived(&mut self, body: u64) {
        match self.page.reader {
            Reader::Eager => {
                self.page.read = self.page.accepted;
                self.deliver(body, self.page.app.gaps);
            }
            Reader::Slow(span) => {
                self.page.unread.push_back((self.page.app.gaps, body));
                self.after(span, Happening::Read(self.page.id));
            }
        }
    }

    pub(crate) fn read_one(&mut self) {
        if let Some((gaps, body)) = self.page.unread.pop_front() {
            self.deliver(body, gaps);
            if gaps == self.page.app.gaps {
                self.page.read = body & 0xffff_ffff;
                self.page.core.delivered(self.page.read);
            }
        }
    }

    pub(crate) fn report(&mut self, wire: WireId, report: Report<u64>) {
        let found = &self.wires[wire];
        let ended = matches!(report, Report::Ended(_));
        let (attempt, held) = (found.attempt, found.grip == Grip::Held);
        self.turn(Input::Report(attempt, report));
        if ended && held {
            assert_eq!(
                self.wires[wire].grip,
                Grip::Dropped,
                "an ended wire is dropped"
            );
        }
    }

    /// Takes a unit apart as `receive` in `src/transport/unit.js` does.
    fn read(&mut self, wire: WireId, frames: Frames) {
        let id = self.wires[wire].attempt;
        let held = self.wires[wire].grip == Grip::Held;
        let mut turn = 0;
        for frame in frames {
            match frame {
                Frame::Message { n, body } | Frame::Reply { n, body, .. } => {
                    if self.page.is_json() && body == NAMED_READY {
                        self.report(wire, Report::Ready);
                        continue;
                    }
                    let verdict = self.page.core.accept(id, n) as u8;
                    turn |= verdict;
                    self.tally.doubles_down += u64::from(verdict & 1 == 0);
                    if verdict & 1 != 0 {
                        assert!(held, "a dropped wire delivers nothing");
                        self.page.accepted = n;
                        self.arrived(body);
                        self.page.app.replies += u64::from(matches!(frame, Frame::Reply { .. }));
                    }
                }
                other => {
                    if let Frame::Ready(ready) = &other {
                        self.wires[wire].ready = Some(ready.session.clone());
                    }
                    self.report(wire, Report::Frame(other));
                }
            }
        }
        if turn & 2 != 0 {
            self.turn(Input::Timeout);
        }
    }
}
