//! How a peer is reached now: what carries its sound.

use throughline_core::server::LinkId;

use super::{Hub, Peer};

/// What leads to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Nowhere,
    /// The link that owns its session.
    Link(LinkId),
    /// It is a guest, who takes what there is.
    Guest,
}

impl Hub {
    /// How the peer is reached now.
    pub(crate) fn reach(&self, peer: Peer) -> Reach {
        let state = self.locked();
        match peer {
            Peer::Session(session) => match state.sessions.owner_of(session) {
                Some(link) => Reach::Link(link),
                None => Reach::Nowhere,
            },
            Peer::Guest(id) if state.guests.contains_key(&id) => Reach::Guest,
            Peer::Guest(_) => Reach::Nowhere,
        }
    }

    /// Whose session the link owns, if it does.
    pub(crate) fn owned_by(&self, link: LinkId) -> Option<Peer> {
        let state = self.locked();
        let session = state.sessions.session_of(link)?;
        let is_owner = state.sessions.owner_of(session) == Some(link);
        is_owner.then_some(Peer::Session(session))
    }
}
