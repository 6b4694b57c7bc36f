//! A WebSocket after its 101: bytes both ways, or silence.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::wire::Wire;

/// A stream, with the bytes that were read from it ahead.
pub(super) struct End {
    pub(super) wire: Wire,
    pub(super) ahead: Bytes,
}

/// Carries bytes both ways until both sides are done, or one is and the other has lingered.
///
/// # Errors
///
/// Returns the first error of either stream.
pub(super) async fn run(client: &mut End, upstream: &mut End) -> io::Result<()> {
    let mut up = Pump::new(std::mem::take(&mut client.ahead));
    let mut down = Pump::new(std::mem::take(&mut upstream.ahead));
    let (client, upstream) = (&mut client.wire, &mut upstream.wire);
    poll_fn(|cx| {
        let up = up.poll(cx, client, upstream)?;
        let down = down.poll(cx, upstream, client)?;
        if up.is_ready() || down.is_ready() {
            return Poll::Ready(io::Result::Ok(()));
        }
        Poll::Pending
    })
    .await?;
    let both = poll_fn(|cx| {
        let up = up.poll(cx, client, upstream)?;
        let down = down.poll(cx, upstream, client)?;
        if up.is_ready() && down.is_ready() {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    });
    timeout(LINGER, both).await.unwrap_or(Ok(()))
}

/// Reads and forgets until the client leaves.
pub(super) async fn silence(mut wire: Wire) {
    let mut sink = [0; 1024];
    while let Ok(1..) = wire.read(&mut sink).await {}
}

/// One direction. An idle one keeps no buffer, so ten thousand cost little.
struct Pump {
    carry: Bytes,
    state: PumpState,
}

#[derive(Clone, Copy)]
enum PumpState {
    Flushed,
    Unflushed,
    Closing,
    Closed,
}

impl Pump {
    fn new(ahead: Bytes) -> Self {
        Self {
            carry: ahead,
            state: PumpState::Unflushed,
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Wire,
        to: &mut Wire,
    ) -> Poll<io::Result<()>> {
        let (mut from, mut to) = (Pin::new(from), Pin::new(to));
        loop {
            while !self.carry.is_empty() {
                let sent = ready!(to.as_mut().poll_write(cx, &self.carry))?;
                if sent == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                let _ = self.carry.split_to(sent);
            }
            match self.state {
                PumpState::Flushed | PumpState::Unflushed => {}
                PumpState::Closing => {
                    ready!(to.as_mut().poll_shutdown(cx))?;
                    self.state = PumpState::Closed;
                    return Poll::Ready(Ok(()));
                }
                PumpState::Closed => return Poll::Ready(Ok(())),
            }
            let mut space = [MaybeUninit::uninit(); CHUNK];
            let mut chunk = ReadBuf::uninit(&mut space);
            match from.as_mut().poll_read(cx, &mut chunk)? {
                Poll::Ready(()) if chunk.filled().is_empty() => self.state = PumpState::Closing,
                Poll::Ready(()) => {
                    let bytes = chunk.filled();
                    let sent = match to.as_mut().poll_write(cx, bytes)? {
                        Poll::Ready(sent) => sent,
                        Poll::Pending => 0,
                    };
                    self.carry = Bytes::copy_from_slice(&bytes[sent..]);
                    self.state = PumpState::Unflushed;
                }
                Poll::Pending => {
                    if let PumpState::Unflushed = self.state {
                        ready!(to.as_mut().poll_flush(cx))?;
                        self.state = PumpState::Flushed;
                    }
                    return Poll::Pending;
                }
            }
        }
    }
}

/// How long one direction may go on after the other has ended.
const LINGER: Duration = Duration::from_secs(5);
const CHUNK: usize = 16 * 1024;
