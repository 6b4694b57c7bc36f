//! What an application sees of the other side: peers of either dialect, topics, and what they do.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use throughline_core::codec::Body;
use throughline_core::server::{Event, EventId, Input, SessionKey};
use throughline_core::{Millis, Transport};

use super::guest::GuestId;
use super::ledger::{Change, in_turn};
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
        /// A session's number for it. With [`Hub::name_of`] it says on every node and after every
        /// failure which message this is, should its handler run again. Guests number nothing.
        seq: Option<u64>,
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
        /// As for a message.
        seq: u64,
        /// The request's id.
        id: u32,
        /// Type and payload.
        body: Body,
    },
    /// It hears a topic now; what it missed was sent to it.
    Subscribed {
        /// Who.
        peer: Peer,
        /// The topic's name.
        topic: Arc<str>,
        /// How many events came again.
        replayed: usize,
        /// Whether there were more since the place asked for, which are no longer kept. The client
        /// is to be told so.
        missed: bool,
        /// The topic's last event: the place to come back to before another comes.
        last: EventId,
    },
    /// It does not hear the topic that it asked for: it hears too many, or there are too many.
    SubscriptionRefused {
        /// Who.
        peer: Peer,
        /// The topic's name.
        topic: Arc<str>,
    },
    /// It no longer hears a topic.
    Unsubscribed {
        /// Who.
        peer: Peer,
        /// The topic's name.
        topic: Arc<str>,
    },
    /// It goes on at another node, or will: this one has nothing to do with it any more.
    Moved {
        /// Who.
        peer: Peer,
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
        let now = self.now();
        for body in bodies {
            self.enqueue(&mut state, peer, body, now);
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

    /// Names a session for handlers: the same at every node and in every life of one, and no secret.
    /// Guests have no such name.
    #[must_use]
    pub fn name_of(&self, peer: Peer) -> Option<String> {
        match peer {
            Peer::Session(session) => {
                let id = self.locked().sessions.session_id(session)?;
                let hash = Sha256::digest(id);
                Some(hash.iter().take(16).map(|b| format!("{b:02x}")).collect())
            }
            Peer::Guest(_) => None,
        }
    }

    /// Runs the handler of an event. What it does before it returns (sends, replies, publications,
    /// subscriptions) is kept together with the fact that it is done, or not at all: where a node
    /// dies before, the next one hears the message again, under the same name and number. What a
    /// handler does later counts for itself.
    pub fn turn<T>(&self, event: PeerEvent, handle: impl FnOnce(PeerEvent) -> T) -> T {
        let done = match &event {
            PeerEvent::Message {
                peer: Peer::Session(session),
                seq: Some(seq),
                ..
            }
            | PeerEvent::Request {
                peer: Peer::Session(session),
                seq,
                ..
            } => Some((*session, *seq)),
            PeerEvent::Message { .. }
            | PeerEvent::Request { .. }
            | PeerEvent::Opened { .. }
            | PeerEvent::Attached { .. }
            | PeerEvent::Garbled { .. }
            | PeerEvent::Subscribed { .. }
            | PeerEvent::SubscriptionRefused { .. }
            | PeerEvent::Unsubscribed { .. }
            | PeerEvent::Moved { .. }
            | PeerEvent::Closed { .. } => None,
        };
        let (Some((session, seq)), Some(keeper)) = (done, self.keeper()) else {
            return handle(event);
        };
        let handled = keeper.undivided(|| {
            let handled = in_turn(session, || handle(event));
            if let Some(ledger) = &mut self.locked().ledger {
                ledger.change(session, Change::Heard(seq));
            }
            handled
        });
        keeper.wake();
        handled
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

    /// Tells the application what the core says.
    pub(super) fn pass_on(&self, event: Event<Body>) {
        let event = match event {
            Event::Opened { session, subject } => {
                tracing::info!(
                    session = session.0,
                    subject = subject.name(),
                    "session opened"
                );
                PeerEvent::Opened {
                    peer: Peer::Session(session),
                }
            }
            Event::Message { session, seq, body } => {
                tracing::debug!(session = session.0, seq, "message");
                PeerEvent::Message {
                    peer: Peer::Session(session),
                    seq: Some(seq),
                    body,
                }
            }
            Event::Request {
                session,
                seq,
                id,
                body,
            } => {
                tracing::debug!(session = session.0, seq, id, "request");
                PeerEvent::Request {
                    peer: Peer::Session(session),
                    seq,
                    id,
                    body,
                }
            }
            Event::LinkChanged { session, transport } => {
                let name = transport.map_or("none", Transport::name);
                tracing::info!(session = session.0, transport = name, "session's link");
                return;
            }
            Event::Subscribed {
                subscriber,
                topic,
                replayed,
                missed,
                last,
            } => PeerEvent::Subscribed {
                peer: subscriber.into(),
                topic,
                replayed,
                missed,
                last,
            },
            Event::SubscriptionRefused { subscriber, topic } => PeerEvent::SubscriptionRefused {
                peer: subscriber.into(),
                topic,
            },
            Event::Unsubscribed { subscriber, topic } => PeerEvent::Unsubscribed {
                peer: subscriber.into(),
                topic,
            },
            Event::Moved { session } => {
                tracing::info!(session = session.0, "session let go");
                PeerEvent::Moved {
                    peer: Peer::Session(session),
                }
            }
            Event::Closed { session } => {
                tracing::info!(session = session.0, "session closed");
                PeerEvent::Closed {
                    peer: Peer::Session(session),
                }
            }
        };
        // Nobody listens once the server is being dropped.
        let _ = self.0.events.send(event);
    }

    fn enqueue(&self, state: &mut State, peer: Peer, body: Body, now: Millis) {
        match peer {
            Peer::Session(session) => {
                let bytes = body.size();
                let input = Input::Publish {
                    session,
                    body,
                    bytes,
                };
                state.sessions.handle(input, now);
            }
            Peer::Guest(id) => self.enqueue_guest(state, id, body),
        }
    }
}
