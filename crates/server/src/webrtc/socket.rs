//! The socket: whom a datagram is for.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

use super::Endpoint;
use super::stun::addressee;

/// The largest datagram that is looked at: what an Ethernet carries, and a little more.
const LARGEST: usize = 2_048;

/// Between two attempts to read from a socket that fails.
const BREATH: Duration = Duration::from_millis(5);

/// A datagram on its way to a peer.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) source: SocketAddr,
    pub(super) bytes: Vec<u8>,
    pub(super) at: Instant,
}

/// Hands datagrams to their peers, until aborted.
pub(super) async fn read(endpoint: Endpoint) {
    let mut buffer = vec![0; LARGEST];
    let counts = &endpoint.0.counts;
    loop {
        let (length, source) = match endpoint.0.socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                // Some systems tell here that an earlier datagram did not arrive.
                tracing::debug!(%error, "no datagram");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        if endpoint.0.swallows.load(Ordering::Relaxed) {
            counts.swallowed.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let Some(bytes) = buffer.get(..length) else {
            continue;
        };
        let packet = Packet {
            source,
            bytes: bytes.to_vec(),
            at: Instant::now(),
        };
        let delivered = endpoint.table().deliver(addressee(bytes), packet);
        let count = match delivered {
            true => &counts.received,
            false => &counts.stray,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    /// Sends a datagram. One that cannot be sent is lost, as others are.
    pub(super) async fn transmit(&self, to: SocketAddr, bytes: &[u8]) {
        let counts = &self.0.counts;
        if self.0.swallows.load(Ordering::Relaxed) {
            counts.swallowed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match self.0.socket.send_to(bytes, to).await {
            Ok(_) => drop(counts.sent.fetch_add(1, Ordering::Relaxed)),
            Err(error) => tracing::debug!(%error, "datagram not sent"),
        }
    }
}

/// This machine's address towards the others. Nothing is sent to find out.
pub(super) async fn outward_ip(bound: SocketAddr) -> io::Result<std::net::IpAddr> {
    let (any, afar): (SocketAddr, SocketAddr) = match bound {
        SocketAddr::V4(_) => (
            (Ipv4Addr::UNSPECIFIED, 0).into(),
            (Ipv4Addr::new(192, 0, 2, 1), 9).into(),
        ),
        SocketAddr::V6(_) => (
            (Ipv6Addr::UNSPECIFIED, 0).into(),
            (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into(),
        ),
    };
    let probe = UdpSocket::bind(any).await?;
    match probe.connect(afar).await {
        Ok(()) => Ok(probe.local_addr()?.ip()),
        // There is no network but this machine's own.
        Err(_) => Ok(match bound {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        }),
    }
}
