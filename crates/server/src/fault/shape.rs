//! How bytes are held back, without I/O: the caller brings the time.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Bytes;
use tokio::time::Instant;

/// Says when bytes that were written may leave.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shape {
    pub(super) delay: Duration,
    pub(super) drip: Option<Drip>,
}

impl Shape {
    pub(super) fn is_plain(&self) -> bool {
        self.delay.is_zero() && self.drip.is_none()
    }

    /// Returns how many bytes may wait before the writer is held up.
    ///
    /// A delay alone must not limit the rate, a drip must.
    pub(super) fn capacity(&self) -> usize {
        match self.drip {
            Some(_) => 64 * 1024,
            None => 16 * 1024 * 1024,
        }
    }
}

/// A trickle: `bytes` may leave in each tick of `every`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drip {
    pub(super) bytes: usize,
    pub(super) every: Duration,
}

/// What is kept of a body, or of a WebSocket's bytes after its 101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Nothing,
    Until(usize),
    Forever,
}

/// Bytes on their way, in order, each with the moment it may leave.
#[derive(Debug, Default)]
pub(super) struct Queue {
    chunks: VecDeque<(Instant, Bytes)>,
    queued: usize,
    tick: Option<Tick>,
}

#[derive(Debug)]
struct Tick {
    ends: Instant,
    left: usize,
}

/// What a queue has to give.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due<'a> {
    Bytes(&'a [u8]),
    At(Instant),
    Empty,
}

impl Queue {
    pub(super) fn push(&mut self, now: Instant, shape: Shape, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let due = now + shape.delay;
        let due = match self.chunks.back() {
            Some((last, _)) => due.max(*last),
            None => due,
        };
        self.queued += bytes.len();
        self.chunks.push_back((due, bytes));
    }

    pub(super) fn due(&mut self, now: Instant, shape: Shape) -> Due<'_> {
        let Some((due, bytes)) = self.chunks.front() else {
            return Due::Empty;
        };
        if *due > now {
            return Due::At(*due);
        }
        let Some(drip) = shape.drip else {
            self.tick = None;
            return Due::Bytes(bytes);
        };
        let tick = match &mut self.tick {
            Some(tick) if tick.ends > now => tick,
            stale => stale.insert(Tick {
                ends: now + drip.every,
                left: drip.bytes,
            }),
        };
        if tick.left == 0 {
            return Due::At(tick.ends);
        }
        Due::Bytes(&bytes[..bytes.len().min(tick.left)])
    }

    /// Takes away the first `sent` bytes of what [`Queue::due`] gave.
    pub(super) fn advance(&mut self, sent: usize) {
        let Some((_, bytes)) = self.chunks.front_mut() else {
            return;
        };
        let sent = sent.min(bytes.len());
        self.queued -= sent;
        if let Some(tick) = &mut self.tick {
            tick.left = tick.left.saturating_sub(sent);
        }
        let _ = bytes.split_to(sent);
        if bytes.is_empty() {
            self.chunks.pop_front();
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }
}

/// Holds bytes back and lets them go as [`Hold`] says.
#[derive(Debug)]
pub(super) struct Gather {
    hold: Hold,
    held: Vec<u8>,
}

impl Gather {
    pub(super) fn new(hold: Hold) -> Self {
        Self {
            hold,
            held: Vec::new(),
        }
    }

    /// Takes `bytes` in and returns those that leave: whole blocks of the limit.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Bytes {
        match self.hold {
            Hold::Nothing => Bytes::copy_from_slice(bytes),
            Hold::Forever => Bytes::new(),
            Hold::Until(limit) => {
                self.held.extend_from_slice(bytes);
                let leaving = self.held.len() - self.held.len() % limit;
                let kept = self.held.split_off(leaving);
                Bytes::from(std::mem::replace(&mut self.held, kept))
            }
        }
    }

    /// Returns what is left when no more bytes come.
    pub(super) fn finish(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.held))
    }

    pub(super) fn hold(&self) -> Hold {
        self.hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_delay_keeps_the_order_and_does_not_limit_the_rate() {
        let (now, mut queue) = (Instant::now(), Queue::default());
        let slow = Shape {
            delay: 10 * MS,
            drip: None,
        };
        queue.push(now, slow, Bytes::from_static(b"a"));
        queue.push(now + MS, slow, Bytes::from_static(b"b"));
        queue.push(now + MS, Shape::default(), Bytes::from_static(b"c"));
        assert_eq!(queue.due(now + 9 * MS, slow), Due::At(now + 10 * MS));
        assert_eq!(queue.due(now + 10 * MS, slow), Due::Bytes(b"a"));
        queue.advance(1);
        assert_eq!(queue.due(now + 10 * MS, slow), Due::At(now + 11 * MS));
        for byte in [b"b", b"c"] {
            assert_eq!(queue.due(now + 11 * MS, slow), Due::Bytes(byte));
            queue.advance(1);
        }
        assert_eq!(queue.due(now + 11 * MS, slow), Due::Empty);
        assert_eq!(queue.queued(), 0);
    }

    #[test]
    fn a_drip_gives_its_bytes_once_in_each_tick() {
        let (now, mut queue) = (Instant::now(), Queue::default());
        let drip = Shape {
            delay: Duration::ZERO,
            drip: Some(Drip {
                bytes: 2,
                every: 10 * MS,
            }),
        };
        queue.push(now, drip, Bytes::from_static(b"abc"));
        assert_eq!(queue.due(now, drip), Due::Bytes(b"ab"));
        queue.advance(1);
        assert_eq!(queue.due(now, drip), Due::Bytes(b"b"));
        queue.advance(1);
        assert_eq!(queue.due(now + MS, drip), Due::At(now + 10 * MS));
        assert_eq!(queue.due(now + 10 * MS, drip), Due::Bytes(b"c"));
    }

    #[test]
    fn a_buffer_lets_whole_blocks_go_and_the_rest_at_the_end() {
        let mut gather = Gather::new(Hold::Until(4));
        assert_eq!(gather.push(b"abc"), "");
        assert_eq!(gather.push(b"defghij"), "abcdefgh");
        assert_eq!(gather.finish(), "ij");
    }
}
