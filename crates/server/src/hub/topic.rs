//! Topics as applications use them: one notion of them for sessions and guests.

use std::sync::Arc;

use throughline_core::codec::Body;
use throughline_core::server::{EventId, Input, Record, Since, Subscriber};

use super::follow::{Errand, write_since};
use super::guest::{Guest, GuestId};
use super::ledger::Change;
use super::{Hub, Peer, PeerEvent, State, entropy};

impl Peer {
    pub(super) const fn subscriber(self) -> Subscriber {
        match self {
            Self::Session(session) => Subscriber::Session(session),
            Self::Guest(GuestId(guest)) => Subscriber::Guest(guest),
        }
    }
}

impl From<Subscriber> for Peer {
    fn from(subscriber: Subscriber) -> Self {
        match subscriber {
            Subscriber::Session(session) => Self::Session(session),
            Subscriber::Guest(guest) => Self::Guest(GuestId(guest)),
        }
    }
}

impl Hub {
    /// Sends an event to all who subscribed to `topic`, keeps it for those who come back
    /// ([`Since`]), and returns how many hear it at this node. The event's id is added to the body (P3.6).
    pub fn publish(&self, topic: &str, body: &Body) -> usize {
        self.publish_event(topic, body, Kept::Yes)
    }

    /// As [`publish`](Self::publish), for what is of no use later: it is not kept and has no id.
    pub fn announce(&self, topic: &str, body: &Body) -> usize {
        self.publish_event(topic, body, Kept::No)
    }

    /// Makes `peer` hear what is published to `topic`, from `since` on.
    /// [`PeerEvent::Subscribed`] or [`PeerEvent::SubscriptionRefused`] answers it.
    pub fn subscribe(&self, peer: Peer, topic: &str, since: Since) {
        let mut state = self.locked();
        self.subscribe_in(&mut state, peer, topic.into(), since);
    }

    /// Undoes [`subscribe`](Self::subscribe). [`PeerEvent::Unsubscribed`] answers it, if there was
    /// something to undo.
    pub fn unsubscribe(&self, peer: Peer, topic: &str) {
        let (subscriber, topic): (_, Arc<str>) = (peer.subscriber(), topic.into());
        let Some(keeper) = self.keeper() else {
            return self.tell(Input::Unsubscribe { subscriber, topic });
        };
        let mut state = self.locked();
        if let (Peer::Session(session), Some(ledger)) = (peer, &mut state.ledger) {
            let topic = topic.clone();
            ledger.change(session, Change::Core(Record::Left { topic }));
        }
        keeper.errand(Errand::Unsubscribe { peer, topic });
    }

    /// How many hear the topic.
    #[must_use]
    pub fn subscriber_count(&self, topic: &str) -> usize {
        self.locked().sessions.subscriber_count(topic)
    }

    /// Gives a guest that came back what it missed of the topic whose event `last` was the last it
    /// got, if it hears that topic still.
    pub(crate) fn catch_up(&self, guest: &Guest, last: &str) {
        let Some(event) = EventId::parse(last) else {
            return;
        };
        let mut state = self.locked();
        let peer = guest.peer();
        let topic = state.sessions.heard_topic(peer.subscriber(), event);
        let Some(topic) = topic.cloned() else {
            return;
        };
        // What waits for the guest comes again, in its place.
        guest.mailbox().retain(|body| {
            let id = body.id.as_deref().and_then(EventId::parse);
            id.is_none_or(|id| id.epoch != event.epoch)
        });
        self.subscribe_in(&mut state, peer, topic, Since::After(event));
    }

    fn subscribe_in(&self, state: &mut State, peer: Peer, topic: Arc<str>, since: Since) {
        if let Some(keeper) = self.keeper() {
            let since = write_since(since);
            if let (Peer::Session(session), Some(ledger)) = (peer, &mut state.ledger) {
                let (topic, since) = (topic.clone(), since.clone());
                ledger.change(session, Change::Wants { topic, since });
            }
            return keeper.errand(Errand::Subscribe { peer, topic, since });
        }
        let entropy = match entropy() {
            Ok(entropy) => entropy as u32,
            Err(error) => {
                tracing::error!(%error, "no entropy");
                let refused = PeerEvent::SubscriptionRefused { peer, topic };
                let _ = self.0.events.send(refused);
                return;
            }
        };
        let input = Input::Subscribe {
            subscriber: peer.subscriber(),
            topic,
            since,
            entropy,
        };
        self.handle(state, input);
    }

    fn publish_event(&self, topic: &str, body: &Body, kept: Kept) -> usize {
        let mut state = self.locked();
        if let (Kept::Yes, Some(ledger), Some(keeper)) = (&kept, &mut state.ledger, self.keeper()) {
            ledger.publish(topic.into(), body.clone());
            keeper.wake();
            return state.sessions.subscriber_count(topic);
        }
        let event = match kept {
            Kept::No => None,
            Kept::Yes => entropy()
                .inspect_err(|error| tracing::error!(%error, "no entropy"))
                .ok()
                .map(|entropy| state.sessions.next_event(topic, entropy as u32)),
        };
        let body = body
            .clone()
            .with_id(event.map(|event| event.to_string().into()));
        let input = Input::PublishTopic {
            topic: topic.into(),
            event,
            bytes: body.size(),
            body,
        };
        self.handle(&mut state, input);
        state.sessions.subscriber_count(topic)
    }
}

enum Kept {
    Yes,
    No,
}
