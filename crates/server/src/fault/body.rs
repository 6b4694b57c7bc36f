//! The body of a response on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::exchange::{Client, Exchange};
use super::shape::{Gather, Hold};
use super::upstream::Upstream;

/// A body that the proxy made, or one that streams from the server.
pub(super) enum FaultBody {
    Local(Bytes),
    Streamed(Box<Streamed>),
}

impl FaultBody {
    pub(super) fn streamed(
        body: Incoming,
        hold: Hold,
        exchange: Exchange,
        upstream: Upstream,
        client: Arc<Client>,
    ) -> Self {
        let hold = if body.is_end_stream() {
            Hold::Nothing
        } else {
            hold
        };
        Self::Streamed(Box::new(Streamed {
            body,
            gather: Gather::new(hold),
            stage: Stage::Running,
            source: Some(Source {
                upstream,
                client,
                _exchange: exchange,
            }),
        }))
    }
}

impl Body for FaultBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Local(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Local(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Streamed(streamed) => streamed.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Local(bytes) => bytes.is_empty(),
            Self::Streamed(streamed) => {
                streamed.gather.hold() == Hold::Nothing && streamed.body.is_end_stream()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Local(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Streamed(streamed) => match streamed.gather.hold() {
                Hold::Nothing => streamed.body.size_hint(),
                Hold::Until(_) | Hold::Forever => SizeHint::default(),
            },
        }
    }
}

pub(super) struct Streamed {
    body: Incoming,
    gather: Gather,
    stage: Stage,
    source: Option<Source>,
}

enum Stage {
    Running,
    /// The server's body is over and these trailers are still to go.
    Trailing(Option<HeaderMap>),
}

/// What the body keeps alive: given back or closed at its end.
struct Source {
    upstream: Upstream,
    client: Arc<Client>,
    _exchange: Exchange,
}

impl Streamed {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.gather.hold() == Hold::Nothing {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            if frame.is_none() {
                self.finish();
            }
            return Poll::Ready(frame);
        }
        while let Stage::Running = self.stage {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) if self.gather.hold() != Hold::Forever => {
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        let leaving = self.gather.push(&data);
                        if !leaving.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(leaving))));
                        }
                    }
                    Err(frame) => self.stage = Stage::Trailing(frame.into_trailers().ok()),
                },
                Poll::Ready(None | Some(Err(_))) => self.stage = Stage::Trailing(None),
            }
        }
        if self.gather.hold() == Hold::Forever {
            // The end of a muted body is as mute as the rest; the client's leaving ends the task.
            return Poll::Pending;
        }
        let rest = self.gather.finish();
        if !rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        match &mut self.stage {
            Stage::Trailing(Some(trailers)) => {
                let trailers = std::mem::take(trailers);
                self.stage = Stage::Trailing(None);
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Stage::Trailing(None) | Stage::Running => {
                self.finish();
                Poll::Ready(None)
            }
        }
    }

    fn finish(&mut self) {
        if let Some(source) = self.source.take() {
            source.client.give_back(source.upstream);
        }
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        // A body of known length may be over without having been asked for its end.
        if self.body.is_end_stream() {
            self.finish();
        }
    }
}
