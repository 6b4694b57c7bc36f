//! Topics that live in a store: read from there into the core, which tells who hears them here.

use std::sync::{Arc, Weak};

use throughline_core::codec::Body;
use throughline_core::server::{EventId, Input, Since};
use tokio::sync::mpsc::UnboundedReceiver;

use super::keeper::{Keeper, PAUSE};
use super::{Hub, Peer, Shared, entropy};
use crate::store::StoreError;

/// What is to be done about a topic, in order.
#[derive(Debug)]
pub(super) enum Errand {
    Subscribe {
        peer: Peer,
        topic: Arc<str>,
        /// As [`write_since`] puts it.
        since: String,
    },
    Unsubscribe {
        peer: Peer,
        topic: Arc<str>,
    },
    /// There is an event.
    Event(Arc<str>),
    /// There may be events of all that is heard.
    Refresh,
}

impl Keeper {
    pub(super) fn errand(&self, errand: Errand) {
        // The receiver lives as long as the hub.
        let _ = self.errands.send(errand);
    }
}

impl Hub {
    /// Reads what a topic has in the store and not here, and returns its epoch.
    pub(super) async fn load(&self, keeper: &Keeper, topic: &Arc<str>) -> Result<u32, StoreError> {
        loop {
            let known = self.locked().sessions.next_event(topic, 0);
            let known = EventId {
                n: known.n - 1,
                ..known
            };
            let fresh = entropy().map_err(|_| StoreError::Garbled)? as u32;
            let found = keeper.store.events(topic, Some(known), fresh).await?;
            let (count, last) = (found.events.len(), found.last);
            let reached = found.events.last().is_none_or(|(n, _)| *n >= last);
            let mut state = self.locked();
            for (n, body) in found.events {
                self.hear(&mut state, topic, found.epoch, n, body);
            }
            self.drain_outputs(&mut state);
            if count == 0 || reached {
                return Ok(found.epoch);
            }
        }
    }

    fn hear(&self, state: &mut super::State, topic: &Arc<str>, epoch: u32, n: u64, body: Body) {
        let input = Input::PublishTopic {
            topic: topic.clone(),
            event: Some(EventId { epoch, n }),
            bytes: body.size(),
            body,
        };
        state.sessions.handle(input, self.now());
    }

    async fn attend(&self, keeper: &Keeper, errand: &Errand) -> Result<(), StoreError> {
        match errand {
            Errand::Subscribe { peer, topic, since } => {
                let epoch = self.load(keeper, topic).await?;
                self.tell(Input::Subscribe {
                    subscriber: peer.subscriber(),
                    topic: topic.clone(),
                    since: read_since(since),
                    entropy: epoch,
                });
            }
            Errand::Unsubscribe { peer, topic } => self.tell(Input::Unsubscribe {
                subscriber: peer.subscriber(),
                topic: topic.clone(),
            }),
            Errand::Event(topic) => {
                if self.subscriber_count(topic) > 0 {
                    self.load(keeper, topic).await?;
                }
            }
            Errand::Refresh => {
                let heard = self.locked().sessions.heard_topics();
                for topic in heard {
                    self.load(keeper, &topic).await?;
                }
            }
        }
        Ok(())
    }
}

/// Works the errands off, one after another, for as long as the hub lives.
pub(super) async fn run(shared: Weak<Shared>, mut errands: UnboundedReceiver<Errand>) {
    while let Some(errand) = errands.recv().await {
        loop {
            let Some(hub) = shared.upgrade().map(Hub) else {
                return;
            };
            let Some(keeper) = hub.keeper() else {
                return;
            };
            match hub.attend(keeper, &errand).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%error, "a topic cannot be read, trying again"),
            }
            drop(hub);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Writes a place as the store keeps it.
pub(super) fn write_since(since: Since) -> String {
    match since {
        Since::Now => "now".to_owned(),
        Since::Start => "start".to_owned(),
        Since::Unknown => "unknown".to_owned(),
        Since::After(event) => event.to_string(),
    }
}

fn read_since(since: &str) -> Since {
    match since {
        "now" => Since::Now,
        "start" => Since::Start,
        id => Since::id(id),
    }
}
