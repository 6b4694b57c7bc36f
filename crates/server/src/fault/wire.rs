//! A TCP stream whose written bytes leave when its [`Shape`] lets them.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::locked;
use super::shape::{Due, Gather, Hold, Queue, Shape};

/// The hold that others keep on a [`Wire`] while an HTTP connection owns it.
#[derive(Debug, Default)]
pub(super) struct WireControl {
    shape: Mutex<Shape>,
    reset: AtomicBool,
}

impl WireControl {
    pub(super) fn set_shape(&self, shape: Shape) {
        *locked(&self.shape) = shape;
    }

    /// Makes the stream end with a TCP reset when the wire is dropped.
    pub(super) fn reset_on_drop(&self) {
        self.reset.store(true, Ordering::Release);
    }

    fn shape(&self) -> Shape {
        *locked(&self.shape)
    }
}

#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    control: Arc<WireControl>,
    gather: Gather,
    queue: Queue,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, control: Arc<WireControl>) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        Self {
            stream,
            control,
            gather: Gather::new(Hold::Nothing),
            queue: Queue::default(),
            timer: None,
        }
    }

    /// Holds back the bytes written from here on.
    pub(super) fn set_hold(&mut self, hold: Hold) {
        self.gather = Gather::new(hold);
    }

    fn is_plain(&self, shape: Shape) -> bool {
        shape.is_plain() && self.gather.hold() == Hold::Nothing && self.queue.queued() == 0
    }

    /// Sends what is due; ready once nothing is queued (what is held back does not count).
    fn poll_drain(&mut self, cx: &mut Context<'_>, shape: Shape) -> Poll<io::Result<()>> {
        loop {
            match self.queue.due(Instant::now(), shape) {
                Due::Empty => return Poll::Ready(Ok(())),
                Due::At(when) => {
                    let timer = self
                        .timer
                        .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(when)));
                    if timer.deadline() != when {
                        timer.as_mut().reset(when);
                    }
                    ready!(timer.as_mut().poll(cx));
                }
                Due::Bytes(bytes) => {
                    let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
                    if sent == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    self.queue.advance(sent);
                }
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let shape = self.control.shape();
        if self.is_plain(shape) {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        if self.queue.queued() >= shape.capacity() {
            let drained = self.poll_drain(cx, shape)?;
            if drained.is_pending() && self.queue.queued() >= shape.capacity() {
                return Poll::Pending;
            }
        }
        let room = shape.capacity().saturating_sub(self.queue.queued());
        let taken = buf.len().min(room);
        let leaving = self.gather.push(&buf[..taken]);
        self.queue.push(Instant::now(), shape, leaving);
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_plain(self.control.shape()) {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty());
        self.poll_write(cx, first.map_or(&[], |buf| buf))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shape = self.control.shape();
        ready!(self.poll_drain(cx, shape))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shape = self.control.shape();
        match self.gather.hold() {
            Hold::Nothing => {}
            Hold::Until(_) => {
                let rest: Bytes = self.gather.finish();
                self.queue.push(Instant::now(), shape, rest);
            }
            // The end of the bytes is held back like the bytes; whoever waits sets its own limit.
            Hold::Forever => return Poll::Pending,
        }
        ready!(self.poll_drain(cx, shape))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::Acquire)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "cannot reset the connection");
        }
    }
}
