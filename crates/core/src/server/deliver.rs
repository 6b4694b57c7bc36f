//! Frames after the handshake: messages up, messages down, liveness (P3, P4).

use super::link::Standing;
use super::{Arrived, LinkId, Output, Record, SessionKey, Sessions};
use crate::close::code;
use crate::frame::Frame;
use crate::time::Millis;

/// What becomes of a numbered frame.
enum Arrival {
    New,
    Again,
    /// It skips a number (P3.2).
    Gap,
    /// Too many in too short a time.
    TooFast,
}

impl<B: Clone> Sessions<B> {
    pub(super) fn handle_frame(&mut self, id: LinkId, frame: Frame<B>, now: Millis) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let Some(key) = link.session() else {
            return self.close(id, code::PROTOCOL, None, now);
        };
        match frame {
            Frame::Message { .. } | Frame::Request { .. } if self.is_elsewhere(key) => {
                // Who leads takes them on the next link: they were not acknowledged here (P3.5).
                self.close(id, code::GOING_AWAY, None, now);
            }
            Frame::Ack { .. } if self.is_elsewhere(key) => {}
            Frame::Take { fence, received } => self.handle_take(id, fence, received, now),
            Frame::Message { n, body } => {
                let arrived = Arrived {
                    seq: n,
                    request: None,
                    body,
                };
                self.handle_numbered(id, key, arrived, now);
            }
            Frame::Request {
                n,
                id: request,
                body,
            } => {
                let arrived = Arrived {
                    seq: n,
                    request: Some(request),
                    body,
                };
                self.handle_numbered(id, key, arrived, now);
            }
            Frame::Ack { n } => match self.with_log(key, |log| log.ack(n)) {
                Some(Some(())) => self.record(key, || Record::Acked { offset: n }),
                Some(None) => self.close(id, code::PROTOCOL, None, now),
                None => {}
            },
            Frame::Ping { k: 0 } | Frame::Pong { .. } => {}
            Frame::Ping { k } => self.write(id, Frame::Pong { k }, 0, now),
            Frame::Close {
                code: code::NORMAL, ..
            } if matches!(link.standing, Standing::Owner { .. }) => {
                self.end(key, code::NORMAL, now);
            }
            Frame::Close { .. } => self.close(id, code::NORMAL, None, now),
            Frame::Hello(_)
            | Frame::Ready(_)
            | Frame::Reply { .. }
            | Frame::Goaway { .. }
            | Frame::Auth
            | Frame::Expiring { .. } => {
                self.close(id, code::PROTOCOL, None, now);
            }
        }
    }

    /// Keeps a frame of the session's own stream, and writes it to the owner.
    pub(super) fn deliver(
        &mut self,
        key: SessionKey,
        bytes: usize,
        now: Millis,
        frame: impl FnOnce(u64) -> Frame<B>,
    ) {
        let limit = self.config.replay_bytes;
        if self.is_elsewhere(key) {
            return;
        }
        let pushed = self.with_log(key, |log| {
            let frame = log.push(bytes, limit, frame);
            (frame, log.first())
        });
        let Some((frame, first)) = pushed else {
            return;
        };
        self.record(key, || Record::Down {
            frame: frame.clone(),
            first,
        });
        if let Some(owner) = self.owner_of(key) {
            self.write(owner, frame, bytes, now);
        }
    }

    fn handle_numbered(&mut self, id: LinkId, key: SessionKey, arrived: Arrived<B>, now: Millis) {
        match self.receive(key, arrived.seq, now) {
            Arrival::New => {
                self.claim(key);
                self.record(key, || Record::Up(arrived.clone()));
                let event = arrived.into_event(key);
                self.outputs.push_back(Output::Event(event));
            }
            Arrival::Again => {}
            Arrival::Gap => self.close(id, code::PROTOCOL, None, now),
            Arrival::TooFast => {
                self.close(id, code::SLOW_DOWN, Some(self.config.retry), now);
            }
        }
    }

    /// Counts a number in, and sees to its ack (P3.3). A double is acknowledged too: who sends
    /// again has not seen the first ack.
    fn receive(&mut self, key: SessionKey, n: u64, now: Millis) -> Arrival {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Arrival::Again;
        };
        let arrival = if n <= session.received {
            Arrival::Again
        } else if n > session.received + 1 {
            return Arrival::Gap;
        } else if !session.bucket.take(self.config.rate, now) {
            return Arrival::TooFast;
        } else {
            session.received = n;
            Arrival::New
        };
        if session.owe_ack(self.config.ack, self.config.ack_messages, now) {
            self.owing.push_back(key);
        } else {
            self.watch_session(key);
        }
        arrival
    }
}
