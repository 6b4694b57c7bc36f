//! What an application sees of the other side: peers of either dialect, topics, and what they do.

use std::collections::HashSet;
use std::sync::Arc;

use throughline_core::codec::Body;
use throughline_core::server::{Input, SessionKey};

use super::guest::GuestId;
use super::{Hub, State};

/// Somebody an application talks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A session of the reliable dialect.
    Session(SessionKey),
    /// A client of the `json` dialect.
    Guest(GuestId),
}

/// What a peer did.
#[derive(Debug, Clone)]
pub enum PeerEvent {
    /// It is new.
    Opened {
        /// Who.
        peer: Peer,
    },
    /// A way down to a guest was opened; sessions need no greeting.
    Attached {
        /// Who.
        peer: Peer,
    },
    /// It sent a message.
    Message {
        /// Who.
        peer: Peer,
        /// Type and payload.
        body: Body,
    },
    /// A guest sent what is no message.
    Garbled {
        /// Who.
        peer: Peer,
    },
    /// It sent a request, and waits for [`Hub::reply`].
    Request {
        /// Who.
        peer: Peer,
        /// The request's id.
        id: u32,
        /// Type and payload.
        body: Body,
    },
    /// It is gone for good.
    Closed {
        /// Who.
        peer: Peer,
    },
}

impl Hub {
    /// Sends a message.
    pub fn send(&self, peer: Peer, body: Body) {
        self.send_all(peer, [body]);
    }

    /// Sends messages in as few units as they fit.
    pub fn send_all(&self, peer: Peer, bodies: impl IntoIterator<Item = Body>) {
        let mut state = self.locked();
        for body in bodies {
            self.enqueue(&mut state, peer, body);
        }
        self.drain_outputs(&mut state);
    }

    /// Answers a request; guests make none.
    pub fn reply(&self, peer: Peer, id: u32, ok: bool, body: Body) {
        match peer {
            Peer::Session(session) => {
                let bytes = body.size();
                self.tell(Input::Reply {
                    session,
                    id,
                    ok,
                    body,
                    bytes,
                });
            }
            Peer::Guest(_) => {}
        }
    }

    /// Sends an event to all who subscribed to `topic`, and returns how many they are.
    pub fn publish(&self, topic: &str, body: &Body) -> usize {
        let mut state = self.locked();
        let peers: Vec<Peer> = state
            .topics
            .get(topic)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        for peer in &peers {
            self.enqueue(&mut state, *peer, body.clone());
        }
        self.drain_outputs(&mut state);
        peers.len()
    }

    /// Makes `peer` hear what is published to `topic`, and returns how many do.
    pub fn subscribe(&self, peer: Peer, topic: &str) -> usize {
        let mut state = self.locked();
        let peers = state.topics.entry(topic.to_owned()).or_default();
        peers.insert(peer);
        peers.len()
    }

    /// Undoes [`subscribe`](Self::subscribe), and returns how many still hear the topic.
    pub fn unsubscribe(&self, peer: Peer, topic: &str) -> usize {
        let mut state = self.locked();
        let Some(peers) = state.topics.get_mut(topic) else {
            return 0;
        };
        peers.remove(&peer);
        let left = peers.len();
        if left == 0 {
            state.topics.remove(topic);
        }
        left
    }

    /// How many hear the topic.
    #[must_use]
    pub fn subscriber_count(&self, topic: &str) -> usize {
        self.locked().topics.get(topic).map_or(0, HashSet::len)
    }

    /// Whether the peer is still there, or may come back.
    #[must_use]
    pub fn knows(&self, peer: Peer) -> bool {
        let state = self.locked();
        match peer {
            Peer::Session(session) => state.sessions.session_id(session).is_some(),
            Peer::Guest(id) => state.guests.contains_key(&id),
        }
    }

    /// Waits until at most `bytes` wait for the peer. Returns at once for one without a link.
    pub async fn room(&self, peer: Peer, bytes: usize) {
        match peer {
            Peer::Session(session) => {
                let mailbox = {
                    let state = self.locked();
                    let link = state.sessions.owner_of(session);
                    link.and_then(|link| state.links.get(&link)).map(Arc::clone)
                };
                if let Some(mailbox) = mailbox {
                    mailbox.room(bytes).await;
                }
            }
            Peer::Guest(id) => {
                let guest = self.locked().guests.get(&id).map(Arc::clone);
                if let Some(guest) = guest {
                    guest.mailbox().room(bytes).await;
                }
            }
        }
    }

    fn enqueue(&self, state: &mut State, peer: Peer, body: Body) {
        match peer {
            Peer::Session(session) => {
                let bytes = body.size();
                let input = Input::Publish {
                    session,
                    body,
                    bytes,
                };
                state.sessions.handle(input, self.now());
            }
            Peer::Guest(id) => self.enqueue_guest(state, id, body),
        }
    }
}

impl State {
    /// Takes a peer out of every topic.
    pub(super) fn forget_peer(&mut self, peer: Peer) {
        self.topics.retain(|_, peers| {
            peers.remove(&peer);
            !peers.is_empty()
        });
    }
}
