//! Who is there: peers by name, by ICE user fragment and by remote address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use throughline_core::Nonce;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::Shared;
use super::peer::Command;
use super::socket::Packet;

/// A peer's name in addresses: unguessable, and so the right to change it.
pub(crate) type Name = Nonce;

/// Datagrams that wait for one peer; more are lost, as they are anywhere on the way.
const PACKETS: usize = 512;

/// Changes that wait for one peer.
const COMMANDS: usize = 16;

/// Remote addresses that one peer is known under. The oldest goes.
const ADDRESSES: usize = 16;

/// Why there is no room for a peer.
#[derive(Debug)]
pub(crate) enum Full {
    Server,
    Address,
    Entropy(getrandom::Error),
}

#[derive(Debug)]
pub(super) struct Table {
    peers: HashMap<Name, Entry>,
    ufrags: HashMap<String, Name>,
    addresses: HashMap<SocketAddr, Name>,
    per_ip: HashMap<IpAddr, usize>,
    max: usize,
    max_per_ip: usize,
}

#[derive(Debug)]
struct Entry {
    remote: IpAddr,
    /// What reaches the peer's task; `None` before there is one.
    inlet: Option<Inlet>,
    ufrag: String,
    addresses: Vec<SocketAddr>,
}

#[derive(Debug)]
struct Inlet {
    packets: Sender<Packet>,
    commands: Sender<Command>,
}

/// A place in the table, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    shared: Arc<Shared>,
    name: Name,
}

/// A peer's place, and what comes in there.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) packets: Receiver<Packet>,
    pub(super) commands: Receiver<Command>,
    seat: Seat,
}

/// How sure it is that a peer is at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It proved it with its password.
    Checked,
    /// It says so. Whoever has proved it comes first.
    Claimed,
}

impl Table {
    pub(super) fn new(max: usize, max_per_ip: usize) -> Self {
        Self {
            peers: HashMap::new(),
            ufrags: HashMap::new(),
            addresses: HashMap::new(),
            per_ip: HashMap::new(),
            max,
            max_per_ip,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// Takes a place, if there is one.
    pub(super) fn claim(shared: &Arc<Shared>, remote: IpAddr) -> Result<Seat, Full> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(Full::Entropy)?;
        let name = Nonce(u128::from_ne_bytes(random));
        let mut table = shared.table();
        if table.peers.len() >= table.max {
            return Err(Full::Server);
        }
        let max_per_ip = table.max_per_ip;
        let count = table.per_ip.entry(remote).or_default();
        if *count >= max_per_ip {
            return Err(Full::Address);
        }
        *count += 1;
        let entry = Entry {
            remote,
            inlet: None,
            ufrag: String::new(),
            addresses: Vec::new(),
        };
        table.peers.insert(name, entry);
        drop(table);
        let shared = shared.clone();
        Ok(Seat { shared, name })
    }

    pub(super) fn commands(&self, name: Name) -> Option<Sender<Command>> {
        let inlet = self.peers.get(&name)?.inlet.as_ref()?;
        Some(inlet.commands.clone())
    }

    pub(super) fn everyone(&self) -> Vec<Sender<Command>> {
        let inlets = self.peers.values().filter_map(|peer| peer.inlet.as_ref());
        inlets.map(|inlet| inlet.commands.clone()).collect()
    }

    /// Hands a datagram to the peer it names, else to the one at its source. False: it is for nobody.
    pub(super) fn deliver(&self, addressee: Option<&str>, packet: Packet) -> bool {
        let name = match addressee {
            Some(ufrag) => self.ufrags.get(ufrag),
            None => self.addresses.get(&packet.source),
        };
        let inlet = name
            .and_then(|name| self.peers.get(name))
            .and_then(|peer| peer.inlet.as_ref());
        inlet.is_some_and(|inlet| inlet.packets.try_send(packet).is_ok())
    }

    fn rename(&mut self, name: Name, ufrag: String) {
        let Some(peer) = self.peers.get_mut(&name) else {
            return;
        };
        let old = std::mem::replace(&mut peer.ufrag, ufrag.clone());
        self.ufrags.remove(&old);
        self.ufrags.insert(ufrag, name);
    }

    fn place(&mut self, name: Name, address: SocketAddr, proof: Proof) {
        let taken = self.addresses.get(&address).copied();
        match (taken, proof) {
            (Some(holder), _) if holder == name => return,
            (Some(_), Proof::Claimed) => return,
            (Some(holder), Proof::Checked) => {
                if let Some(holder) = self.peers.get_mut(&holder) {
                    holder.addresses.retain(|held| *held != address);
                }
            }
            (None, _) => {}
        }
        let Some(peer) = self.peers.get_mut(&name) else {
            return;
        };
        if peer.addresses.len() == ADDRESSES {
            self.addresses.remove(&peer.addresses.remove(0));
        }
        peer.addresses.push(address);
        self.addresses.insert(address, name);
    }

    fn remove(&mut self, name: Name) {
        let Some(peer) = self.peers.remove(&name) else {
            return;
        };
        self.ufrags.remove(&peer.ufrag);
        for address in peer.addresses {
            self.addresses.remove(&address);
        }
        if let Some(count) = self.per_ip.get_mut(&peer.remote) {
            *count -= 1;
            if *count == 0 {
                self.per_ip.remove(&peer.remote);
            }
        }
    }
}

impl Seat {
    /// Opens the place to datagrams and changes.
    pub(super) fn fill(self, ufrag: &str) -> (Name, Entrance) {
        let (packets, incoming) = mpsc::channel(PACKETS);
        let (commands, orders) = mpsc::channel(COMMANDS);
        let mut table = self.shared.table();
        if let Some(peer) = table.peers.get_mut(&self.name) {
            peer.inlet = Some(Inlet { packets, commands });
        }
        table.rename(self.name, ufrag.to_owned());
        drop(table);
        let entrance = Entrance {
            packets: incoming,
            commands: orders,
            seat: self,
        };
        (entrance.seat.name, entrance)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.table().remove(self.name);
        self.shared.left.notify_waiters();
    }
}

impl Entrance {
    /// The peer goes by another user fragment now.
    pub(super) fn rename(&self, ufrag: &str) {
        let mut table = self.seat.shared.table();
        table.rename(self.seat.name, ufrag.to_owned());
    }

    /// The peer is at this address too.
    pub(super) fn place(&self, address: SocketAddr, proof: Proof) {
        self.seat
            .shared
            .table()
            .place(self.seat.name, address, proof);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Makes a peer without a task, and returns what reaches it.
    fn join(table: &mut Table, name: u128, ufrag: &str) -> (Name, Receiver<Packet>) {
        let name = Nonce(name);
        let (packets, incoming) = mpsc::channel(4);
        let (commands, _) = mpsc::channel(1);
        let entry = Entry {
            remote: [127, 0, 0, 1].into(),
            inlet: Some(Inlet { packets, commands }),
            ufrag: String::new(),
            addresses: Vec::new(),
        };
        table.peers.insert(name, entry);
        table.rename(name, ufrag.to_owned());
        (name, incoming)
    }

    fn at(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    fn send(table: &Table, addressee: Option<&str>, port: u16) -> bool {
        let packet = Packet {
            source: at(port),
            bytes: Vec::new(),
            at: Instant::now(),
        };
        table.deliver(addressee, packet)
    }

    #[test]
    fn a_peer_is_found_by_its_newest_name_and_by_its_addresses() {
        let mut table = Table::new(9, 9);
        let (name, mut incoming) = join(&mut table, 1, "old");
        table.rename(name, "new".into());
        assert!(!send(&table, Some("old"), 1) && send(&table, Some("new"), 1));
        assert!(!send(&table, None, 1));
        table.place(name, at(1), Proof::Claimed);
        assert!(send(&table, None, 1));
        assert_eq!((incoming.len(), incoming.try_recv().is_ok()), (2, true));
        table.remove(name);
        assert!(!send(&table, None, 1) && !send(&table, Some("new"), 1));
    }

    #[test]
    fn nobody_takes_an_address_by_naming_it() {
        let mut table = Table::new(9, 9);
        let (victim, mut incoming) = join(&mut table, 1, "a");
        let (thief, mut stolen) = join(&mut table, 2, "b");
        // Named first, and then proved by whoever is there.
        table.place(thief, at(1), Proof::Claimed);
        table.place(victim, at(1), Proof::Checked);
        table.place(thief, at(1), Proof::Claimed);
        assert!(send(&table, None, 1));
        assert!(incoming.try_recv().is_ok() && stolen.try_recv().is_err());
        // It is not taken along either.
        table.remove(thief);
        assert!(send(&table, None, 1));
    }

    #[test]
    fn a_peer_has_so_many_addresses_and_the_oldest_goes() {
        let mut table = Table::new(9, 9);
        let (name, _incoming) = join(&mut table, 1, "a");
        for port in 0..=ADDRESSES as u16 {
            table.place(name, at(port), Proof::Claimed);
        }
        assert!(!send(&table, None, 0) && send(&table, None, 1));
        assert_eq!(table.addresses.len(), ADDRESSES);
    }
}
