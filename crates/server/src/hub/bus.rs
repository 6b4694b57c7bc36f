//! What nodes tell each other: a short notice each, which may be lost.

use std::sync::Weak;
use std::time::Duration;

use throughline_core::Nonce;
use throughline_core::close::code;

use super::follow::Errand;
use super::keeper::{Keeper, PAUSE};
use super::split::Place;
use super::{Hub, LOOK, Shared};
use crate::store::NodeId;

/// The longest pause between two tries to listen.
const LONGEST: Duration = Duration::from_secs(2);

/// A notice, read.
enum Notice<'a> {
    /// Another node leads the session now, under this lease.
    Moved(Nonce, u64),
    /// A topic has an event.
    Event(&'a str),
    /// A split link that this node waits for is at another one (B1).
    Joined(Nonce, NodeId),
    /// A request, with its number and who asks.
    Ask(u64, &'a str, &'a str),
    /// The answer to a request.
    Answer(u64, &'a str),
}

impl<'a> Notice<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "moved" => {
                let (session, lease) = rest.split_once(' ')?;
                Some(Self::Moved(Nonce::from_hex(session)?, lease.parse().ok()?))
            }
            "event" => Some(Self::Event(rest)),
            "joined" => {
                let (link, node) = rest.split_once(' ')?;
                Some(Self::Joined(Nonce::from_hex(link)?, node.into()))
            }
            "ask" => {
                let (number, rest) = rest.split_once(' ')?;
                let (node, request) = rest.split_once(' ')?;
                Some(Self::Ask(number.parse().ok()?, node, request))
            }
            "answer" => {
                let (number, answer) = rest.split_once(' ')?;
                Some(Self::Answer(number.parse().ok()?, answer))
            }
            _ => None,
        }
    }
}

impl Hub {
    fn heed(&self, keeper: &Keeper, text: &str) {
        match Notice::read(text) {
            Some(Notice::Moved(id, lease)) => {
                let mut state = self.locked();
                let ledger = state.ledger.as_ref();
                if let Some(session) = ledger.and_then(|ledger| ledger.led_before(id, lease)) {
                    self.let_go(&mut state, vec![session], code::GOING_AWAY, None);
                }
            }
            Some(Notice::Event(topic)) => keeper.errand(Errand::Event(topic.into())),
            Some(Notice::Joined(link, node)) => {
                let state = self.locked();
                if let Some(waiting) = state.joins.get(&link) {
                    waiting.send_replace(Some(Place::There(node)));
                }
            }
            Some(Notice::Ask(number, node, request)) => {
                let Some((link, answered)) = keeper.calls.asked(request) else {
                    return tracing::warn!("a request of an unknown kind came");
                };
                let (hub, node) = (self.clone(), node.to_owned());
                tokio::spawn(async move {
                    if let Ok(answer) = answered.await
                        && let Some(Keeper { store, .. }) = hub.keeper()
                    {
                        hub.answer_call(store, &node, number, link, &answer).await;
                    }
                });
            }
            Some(Notice::Answer(number, answer)) => keeper.calls.answered(number, answer),
            None => tracing::warn!("a notice of an unknown kind came"),
        }
    }
}

/// Listens for as long as the hub lives.
pub(super) async fn listen(shared: Weak<Shared>) {
    let mut pause = PAUSE;
    loop {
        let Some(hub) = shared.upgrade().map(Hub) else {
            return;
        };
        let Some(keeper) = hub.keeper() else {
            return;
        };
        match keeper.store.listen().await {
            Ok(mut ears) => {
                pause = PAUSE;
                // What was said meanwhile was not heard.
                hub.renew_leases();
                keeper.errand(Errand::Refresh);
                drop(hub);
                loop {
                    let heard = tokio::time::timeout(LOOK, ears.hear()).await;
                    let Some(hub) = shared.upgrade().map(Hub) else {
                        return;
                    };
                    match (heard, hub.keeper()) {
                        (Ok(Some(text)), Some(keeper)) => hub.heed(keeper, &text),
                        (Ok(None), _) => break,
                        (Ok(Some(_)) | Err(_), _) => {}
                    }
                }
                tracing::warn!("the store no longer tells what happens");
            }
            Err(error) => {
                tracing::warn!(%error, "the store does not tell what happens");
                drop(hub);
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Lets go of every session when the store lost its tail: all that is known here of it may be more
/// than what it has.
pub(super) async fn watch_runs(shared: Weak<Shared>) {
    let runs = shared
        .upgrade()
        .map(Hub)
        .and_then(|hub| Some(hub.keeper()?.store.runs()));
    let Some(mut runs) = runs else {
        return;
    };
    let mut last = runs.borrow_and_update().clone();
    while runs.changed().await.is_ok() {
        let now = runs.borrow_and_update().clone();
        let Some(hub) = shared.upgrade().map(Hub) else {
            return;
        };
        if last.is_some() && last != now {
            tracing::error!("the store was restarted: its sessions begin anew");
            hub.let_go_of_all(code::GOING_AWAY, None);
        }
        last = now;
    }
}
