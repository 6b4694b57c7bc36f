//! A proxy that stands in front of any server and breaks things the way real networks, proxies and
//! hosts do, switchable while it runs.
//!
//! It reads the head of each HTTP/1.1 request to find its [`Class`], asks the [`Fault`]s in force
//! what becomes of that class, and passes all the rest on byte by byte. When one side goes away,
//! the other is told at once.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Parts};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub use board::{Connections, Count, Faults, LogEntry};
pub use class::Class;
pub use rule::Fault;

use board::Enlisted;
use exchange::{Client, Next, Role, Shared};
use tunnel::End;
use wire::Wire;

mod answer;
mod board;
mod body;
mod bounds;
mod class;
mod connection;
mod control;
mod exchange;
mod kind;
mod plan;
mod rule;
mod shape;
mod tunnel;
mod upstream;
mod wire;

/// Says where a [`FaultProxy`] stands.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// The address it listens on; port 0 takes any.
    pub listen: SocketAddr,
    /// The server behind it, `host:port`, asked for on each connection.
    pub upstream: String,
    /// The prefixes of the paths where a `GET` is a poll; `/realtime` by custom.
    pub paths: Vec<String>,
}

impl ProxyConfig {
    /// Returns a proxy on any free port of 127.0.0.1 before `upstream`, for `/realtime`.
    #[must_use]
    pub fn before(upstream: SocketAddr) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            upstream: upstream.to_string(),
            paths: vec!["/realtime".into()],
        }
    }
}

/// A running proxy; dropping it stops it and closes all its connections.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    faults: Faults,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts listening; the proxy serves on the runtime it was started on.
    ///
    /// # Errors
    ///
    /// Returns why the address cannot be listened on, such as [`io::ErrorKind::AddrInUse`].
    pub async fn start(config: ProxyConfig) -> io::Result<Self> {
        let listener = listen(config.listen)?;
        let address = listener.local_addr()?;
        let faults = Faults::new();
        let shared = Arc::new(Shared {
            upstream: config.upstream,
            paths: config.paths,
            faults: faults.clone(),
        });
        Ok(Self {
            address,
            faults,
            accepting: tokio::spawn(accept(listener, shared)),
        })
    }

    /// Returns the address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns its switchboard.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let enlisted = shared.faults.enlist();
                    // Asked after enlisting: a connection meets the rule or is cut by its setting.
                    if shared.faults.is_down() {
                        shared.faults.record(None, vec![Fault::down().name()]);
                        enlisted.connection.wire.reset_on_drop();
                        drop(Wire::new(stream, enlisted.connection.wire.clone()));
                    } else {
                        serving.spawn(serve(stream, shared.clone(), enlisted));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = serving.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, enlisted: Enlisted) {
    let connection = enlisted.connection.clone();
    let wire = Wire::new(stream, connection.wire.clone());
    let client = Arc::new(Client::new(shared, connection.clone()));
    let work = async {
        let service = service_fn(|request| client.clone().handle_request(request));
        let served = http1::Builder::new()
            .auto_date_header(false)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(wire), service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "client connection ended");
        }
        if let Some(next) = client.take_next() {
            become_next(next, &enlisted).await;
        }
    };
    tokio::select! {
        biased;
        () = connection.wait_reset() => {}
        () = work => {}
    }
}

/// Runs what a connection is after its 101 until either side ends it.
async fn become_next(mut next: Next, enlisted: &Enlisted) {
    let ended = match &mut next.role {
        Role::Silence => upgraded(&mut next.client).await.map(|end| (end.wire, None)),
        Role::Tunnel { upstream, hold, .. } => {
            match tokio::try_join!(upgraded(&mut next.client), upgraded(upstream)) {
                Ok((mut client, mut upstream)) => {
                    client.wire.set_hold(*hold);
                    let ended = tunnel::run(&mut client, &mut upstream).await;
                    Ok((client.wire, Some(ended)))
                }
                Err(error) => Err(error),
            }
        }
    };
    match ended {
        Ok((wire, None)) => tunnel::silence(wire).await,
        Ok((_wire, Some(Ok(())))) => {}
        Ok((_wire, Some(Err(error)))) => {
            tracing::debug!(%error, "websocket ended");
            enlisted.connection.wire.reset_on_drop();
        }
        Err(error) => tracing::debug!(%error, "websocket never began"),
    }
}

async fn upgraded(upgrade: &mut OnUpgrade) -> io::Result<End> {
    let upgraded = upgrade.await.map_err(io::Error::other)?;
    match upgraded.downcast::<TokioIo<Wire>>() {
        Ok(Parts { io, read_buf, .. }) => Ok(End {
            wire: io.into_inner(),
            ahead: read_buf,
        }),
        Err(_) => Err(io::Error::other("an upgrade of a stream that is not ours")),
    }
}

/// Locks `mutex`; what it guards is whole between any two statements, so a panic spoils nothing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const BACKLOG: u32 = 4096;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
