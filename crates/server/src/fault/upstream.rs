//! The proxy's own connection to the server behind it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::shape::Shape;
use super::wire::{Wire, WireControl};

/// A connection to the server; dropping it closes the socket.
#[derive(Debug)]
pub(super) struct Upstream {
    sender: SendRequest<Incoming>,
    wire: Arc<WireControl>,
    _driver: Driver,
}

impl Upstream {
    pub(super) async fn connect(address: &str) -> io::Result<Self> {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let wire = Arc::new(WireControl::default());
        let io = TokioIo::new(Wire::new(stream, wire.clone()));
        let (sender, connection) = http1::handshake(io).await.map_err(io::Error::other)?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "upstream connection ended");
            }
        });
        Ok(Self {
            sender,
            wire,
            _driver: Driver(driver),
        })
    }

    /// Waits until it can take a request; false if the server has closed it.
    pub(super) async fn is_ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request with its bytes in `shape`.
    ///
    /// # Errors
    ///
    /// Gives the request back where none of it was sent, as on a connection the server just closed.
    pub(super) async fn send(
        &mut self,
        shape: Shape,
        request: Request<Incoming>,
    ) -> Result<Response<Incoming>, (hyper::Error, Option<Request<Incoming>>)> {
        self.wire.set_shape(shape);
        self.sender
            .try_send_request(request)
            .await
            .map_err(|mut error| {
                let unsent = error.take_message();
                (error.into_error(), unsent)
            })
    }
}

#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
