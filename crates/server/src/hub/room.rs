//! Room: how an application keeps from sending faster than a peer takes.

use std::sync::Arc;

use throughline_core::server::SessionKey;
use tokio::sync::Notify;

use super::{Hub, LinkMailbox, Peer, State};

/// What a publisher waits for.
enum Wait {
    Nothing,
    /// The client acknowledges something, or the session is over.
    Ack(Arc<Notify>),
    /// The link takes something, or ends.
    Link(Arc<LinkMailbox>),
}

impl Hub {
    /// Waits until at most `bytes` wait for the peer's link, and at most half of
    /// [`SessionsConfig::replay_bytes`](throughline_core::server::SessionsConfig::replay_bytes) are
    /// unacknowledged, whether a link is there or not.
    ///
    /// An application that waits here before it sends never pushes a message out of the history that
    /// a resume needs. One that does not may send faster than the peer takes: then the oldest
    /// messages are forgotten, and where more than
    /// [`HubLimits::buffered_bytes`](super::HubLimits::buffered_bytes) wait for its link, the link is
    /// closed with 4429 and a hint; what a resume sends again does not count. The client comes back
    /// after that: if all that it lacks is still kept it goes on, else it is told of the gap (P2.3,
    /// P3.5).
    ///
    /// Returns at once for a peer that is gone.
    pub async fn room(&self, peer: Peer, bytes: usize) {
        match peer {
            Peer::Session(session) => self.session_room(session, bytes).await,
            Peer::Guest(id) => {
                let guest = self.locked().guests.get(&id).map(Arc::clone);
                if let Some(guest) = guest {
                    guest.mailbox().room(bytes).await;
                }
            }
        }
    }

    async fn session_room(&self, session: SessionKey, bytes: usize) {
        loop {
            let wait = self.locked().wait(session, bytes);
            match wait {
                Wait::Nothing => return,
                Wait::Ack(told) => {
                    let told = told.notified();
                    tokio::pin!(told);
                    told.as_mut().enable();
                    // It may have come before this one listened.
                    let still = matches!(self.locked().wait(session, bytes), Wait::Ack(_));
                    if still {
                        told.await;
                    }
                }
                Wait::Link(mailbox) => mailbox.room(bytes).await,
            }
        }
    }
}

impl State {
    fn wait(&mut self, session: SessionKey, bytes: usize) -> Wait {
        let Some(unacked) = self.sessions.unacked(session) else {
            return Wait::Nothing;
        };
        if unacked.bytes > self.sessions.config().replay_bytes / 2 {
            return Wait::Ack(self.rooms.entry(session).or_default().clone());
        }
        let owner = self.sessions.owner_of(session);
        match owner.and_then(|link| self.links.get(&link)) {
            Some(mailbox) if !mailbox.has_room(bytes) => Wait::Link(mailbox.clone()),
            Some(_) | None => Wait::Nothing,
        }
    }

    /// Wakes who waits for room in the session.
    pub(super) fn tell_room(&self, session: SessionKey) {
        if let Some(told) = self.rooms.get(&session) {
            told.notify_waiters();
        }
    }
}
