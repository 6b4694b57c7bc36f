//! WebRTC: peers on one UDP socket, each with one data channel and one way for sound (annex D).
//!
//! A peer is a task of its own. What it hears on its data channel and its track, and what it is to
//! say there, go over the two ends of a [`Call`].

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use str0m::config::DtlsCert;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::negotiation::Fragment;
use self::peer::{Command, Peer};
use self::table::Table;

pub(crate) use self::call::{Call, Heard, Media, Said};
pub(crate) use self::negotiation::BadSdp;
pub(crate) use self::table::{Full, Name};

mod call;
mod negotiation;
mod peer;
mod socket;
mod stun;
mod table;
mod track;

/// What a WebRTC endpoint is configured with.
#[derive(Debug, Clone)]
pub struct RtcConfig {
    /// Where it listens for datagrams.
    pub udp: Udp,
    /// The address that peers are told, where it is not the one listened on: behind a NAT.
    pub announce: Option<IpAddr>,
    /// Most peers at a time; further ones are answered 503.
    pub max_peers: usize,
    /// Most peers of one remote address; further ones are answered 429.
    pub max_peers_per_address: usize,
    /// How long a peer has to open its data channel (D10).
    pub opening: Duration,
}

/// Where datagrams are listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Udp {
    /// Nowhere: offers are answered 404.
    Off,
    /// On the address where the server listens for HTTP, on any port.
    Beside,
    /// Here; port 0 takes any.
    At(SocketAddr),
}

impl Default for RtcConfig {
    fn default() -> Self {
        Self {
            udp: Udp::Beside,
            announce: None,
            max_peers: 10_000,
            max_peers_per_address: 256,
            opening: Duration::from_secs(20),
        }
    }
}

/// How long links that have ended may take to tell their peers.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// All peers, and the socket that they share. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    socket: UdpSocket,
    /// What peers are told to send to.
    address: SocketAddr,
    /// What it proves itself by to every peer: a key made for each would cost more than all the rest.
    identity: DtlsCert,
    opening: Duration,
    table: Mutex<Table>,
    /// Told whenever a peer has gone.
    left: Notify,
    reading: Mutex<Option<JoinHandle<()>>>,
    counts: Counts,
    /// Whether datagrams are swallowed both ways, for tests.
    swallows: AtomicBool,
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Counts {
    offers: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    swallowed: AtomicU64,
    stray: AtomicU64,
}

/// What tests are told.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    peers: usize,
    offers: u64,
    packets: Packets,
    /// What becomes of datagrams: `pass` or `drop`.
    udp: &'static str,
}

#[derive(Debug, Serialize)]
struct Packets {
    received: u64,
    sent: u64,
    swallowed: u64,
    /// Those for nobody.
    stray: u64,
}

/// A peer that was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) name: Name,
    pub(crate) answer: String,
    pub(crate) call: Call,
}

/// Why an offer was not answered.
#[derive(Debug)]
pub(crate) enum Refusal {
    Full(Full),
    Bad(BadSdp),
}

/// What became of a change to a peer.
#[derive(Debug)]
pub(crate) enum Changed {
    /// Candidates were taken.
    Trickled,
    /// ICE begins anew: the fragment for the client, and the version it has now.
    Restarted { fragment: String, version: u64 },
    /// It was meant for another version of the negotiation.
    Stale,
    /// It makes no sense.
    Bad(BadSdp),
    /// The peer is gone.
    Gone,
}

/// Which version of the negotiation a change is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The client begins ICE anew, whatever version there is (RFC 9725 §4.4.2).
    Any,
    /// This one.
    Version(u64),
}

impl Endpoint {
    /// Binds the socket and reads from it until [`Endpoint::stop`]. `None`: it is off.
    pub(crate) async fn start(config: &RtcConfig, beside: SocketAddr) -> io::Result<Option<Self>> {
        let listen = match config.udp {
            Udp::Off => return Ok(None),
            Udp::Beside => SocketAddr::new(beside.ip(), 0),
            Udp::At(address) => address,
        };
        let crypto = str0m::crypto::from_feature_flags();
        let identity = crypto.dtls_provider.generate_certificate();
        let identity = identity.ok_or_else(|| io::Error::other("no certificate can be made"))?;
        crypto.install_process_default();
        let socket = UdpSocket::bind(listen).await?;
        let bound = socket.local_addr()?;
        let ip = match config.announce {
            Some(ip) => ip,
            None if bound.ip().is_unspecified() => socket::outward_ip(bound).await?,
            None => bound.ip(),
        };
        let shared = Shared {
            socket,
            address: SocketAddr::new(ip, bound.port()),
            identity,
            opening: config.opening,
            table: Mutex::new(Table::new(config.max_peers, config.max_peers_per_address)),
            left: Notify::new(),
            reading: Mutex::new(None),
            counts: Counts::default(),
            swallows: AtomicBool::new(false),
        };
        let endpoint = Self(Arc::new(shared));
        let reading = tokio::spawn(socket::read(endpoint.clone()));
        *endpoint.reading() = Some(reading);
        Ok(Some(endpoint))
    }

    /// The address that peers are told.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Answers an offer from `remote`, and starts the peer.
    pub(crate) fn answer(&self, offer: &str, remote: IpAddr) -> Result<Answered, Refusal> {
        self.0.counts.offers.fetch_add(1, Ordering::Relaxed);
        let seat = Table::claim(&self.0, remote)?;
        let (mut negotiated, answer) =
            negotiation::answer(offer, self.address(), &self.0.identity).map_err(Refusal::Bad)?;
        let (call, far) = call::pair();
        let (name, entrance) = seat.fill(&negotiated.ufrag());
        let peer = Peer::new(self.clone(), entrance, negotiated, far);
        tokio::spawn(peer.run());
        Ok(Answered { name, answer, call })
    }

    /// Takes candidates for a peer, or begins its ICE anew.
    pub(crate) async fn change(&self, name: Name, condition: Condition, fragment: &str) -> Changed {
        let fragment = match Fragment::parse(fragment) {
            Ok(fragment) => fragment,
            Err(error) => return Changed::Bad(error),
        };
        let (tell, told) = oneshot::channel();
        let command = Command::Change {
            condition,
            fragment,
            tell,
        };
        match self.command(name, command) {
            true => told.await.unwrap_or(Changed::Gone),
            false => Changed::Gone,
        }
    }

    /// Closes a peer. False: there is none of that name.
    pub(crate) fn close(&self, name: Name) -> bool {
        self.command(name, Command::Close)
    }

    /// Closes every peer.
    pub(crate) fn close_all(&self) {
        for commands in self.table().everyone() {
            let _ = commands.try_send(Command::Close);
        }
    }

    /// Forgets every peer without a word to it, as a crash would.
    pub(crate) fn forget_all(&self) {
        for commands in self.table().everyone() {
            let _ = commands.try_send(Command::Vanish);
        }
    }

    /// Swallows all datagrams both ways, or no longer does.
    pub(crate) fn swallow(&self, swallows: bool) {
        self.0.swallows.store(swallows, Ordering::Relaxed);
    }

    /// What there is and what has happened.
    pub(crate) fn report(&self) -> Report {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.0.counts;
        Report {
            peers: self.table().len(),
            offers: count(&counts.offers),
            packets: Packets {
                received: count(&counts.received),
                sent: count(&counts.sent),
                swallowed: count(&counts.swallowed),
                stray: count(&counts.stray),
            },
            udp: if self.0.swallows.load(Ordering::Relaxed) {
                "drop"
            } else {
                "pass"
            },
        }
    }

    /// Waits until every peer has heard its link's last words, and closes those without a link.
    pub(crate) async fn drain(&self) {
        if timeout(LAST_WORDS, self.emptied()).await.is_err() {
            self.close_all();
            self.emptied().await;
        }
    }

    async fn emptied(&self) {
        loop {
            let left = self.0.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.table().len() == 0 {
                return;
            }
            left.await;
        }
    }

    /// Stops reading and forgets every peer.
    pub(crate) fn stop(&self) {
        if let Some(reading) = self.reading().take() {
            reading.abort();
        }
        self.forget_all();
    }

    fn command(&self, name: Name, command: Command) -> bool {
        let commands = self.table().commands(name);
        commands.is_some_and(|commands| commands.try_send(command).is_ok())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table()
    }

    fn reading(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.0
            .reading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// A panic while the lock is held cannot leave the table half changed.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        Self::Full(full)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(Full::Server) => f.write_str("the server has all the peers it takes"),
            Self::Full(Full::Address) => f.write_str("too many peers of this address"),
            Self::Full(Full::Entropy(error)) => error.fmt(f),
            Self::Bad(error) => error.fmt(f),
        }
    }
}
