//! `hello` and `take` where sessions live in a store: both ask it first (P2.2, P2.4).

use throughline_core::close::code;
use throughline_core::codec::Body;
use throughline_core::server::{Input, LinkId};
use throughline_core::{Frame, Hello, Nonce};
use tokio::sync::oneshot;

use super::follow::Errand;
use super::keeper::Keeper;
use super::ledger::Bound;
use super::{Hub, Peer, entropy};
use crate::store::Claim;
use crate::token::Grant;

impl Hub {
    /// Handles the frames of a unit, as [`Hub::handle_unit`] does, and asks the store where that is
    /// needed. An ack is returned once what it acknowledges is kept.
    pub(crate) async fn receive(
        &self,
        link: LinkId,
        frames: Vec<Frame<Body>>,
        grant: Option<&Grant>,
        wants_ack: bool,
    ) -> Option<Frame<Body>> {
        let Some(keeper) = self.keeper() else {
            return self.handle_unit(link, frames, grant, wants_ack);
        };
        let mut ready = Vec::new();
        for frame in frames {
            match (frame, grant) {
                (Frame::Hello(hello), Some(grant)) => {
                    self.handle_unit(link, std::mem::take(&mut ready), Some(grant), false);
                    self.welcome(keeper, link, hello, grant).await;
                }
                (frame @ Frame::Take { fence, .. }, _) => {
                    self.handle_unit(link, std::mem::take(&mut ready), grant, false);
                    if self.lead(keeper, link, fence).await {
                        ready.push(frame);
                    }
                }
                (frame, _) => ready.push(frame),
            }
        }
        let ack = self.handle_unit(link, ready, grant, wants_ack)?;
        self.is_kept(link).await.then_some(ack)
    }

    /// Waits until what the link's session did is kept. False: it was lost.
    async fn is_kept(&self, link: LinkId) -> bool {
        let (tell, told) = oneshot::channel();
        {
            let mut state = self.locked();
            let Some(session) = state.sessions.session_of(link) else {
                return false;
            };
            if let Some(ledger) = &mut state.ledger {
                ledger.tell(session, tell);
            }
            self.drain_outputs(&mut state);
        }
        told.await.is_ok()
    }

    /// Finds or makes the session of a `hello`, and joins the link to it.
    async fn welcome(&self, keeper: &Keeper, link: LinkId, hello: Hello, grant: &Grant) {
        let fresh = match entropy() {
            Ok(entropy) => Nonce(entropy),
            Err(error) => {
                tracing::error!(%error, "no entropy");
                return self.close_link(link, code::INTERNAL, None);
            }
        };
        let found = match keeper.store.open(&hello, &grant.subject, fresh).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "no session can be found");
                return self.close_link(link, code::TRY_LATER, Some(self.limits().retry));
            }
        };
        let (id, instance) = (found.outline.id, hello.instance);
        let mut state = self.locked();
        let input = Input::Welcome {
            link,
            hello,
            outline: found.outline,
            expires: self.expiry(grant),
            resumed: found.resumed,
        };
        state.sessions.handle(input, self.now());
        if let Some(session) = state.sessions.session_of(link)
            && let Some(ledger) = &mut state.ledger
        {
            let bound = Bound {
                session,
                id,
                instance,
            };
            ledger.bind(link, bound);
        }
        self.drain_outputs(&mut state);
    }

    /// Makes this node the one that leads the link's session, for a `take` with `fence`. False: the
    /// `take` is refused, and its link closed.
    async fn lead(&self, keeper: &Keeper, link: LinkId, fence: u32) -> bool {
        let bound = self
            .locked()
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.bound(link));
        let Some(bound) = bound else {
            // Before `hello`, or after the end: the core knows what to make of it.
            return true;
        };
        if fence == 0 {
            self.close_link(link, code::PROTOCOL, None);
            return false;
        }
        let _alone = keeper.claim_lock(bound.id.0).lock().await;
        if self.locked().sessions.leads(bound.session) {
            return true;
        }
        let claim = keeper.store.claim(bound.id, fence, bound.instance).await;
        let (lease, snapshot, wanted) = match claim {
            Ok(Claim::Led {
                lease,
                snapshot,
                wanted,
            }) => (lease, snapshot, wanted),
            Ok(Claim::Refused) => {
                self.close_link(link, code::REPLACED, None);
                return false;
            }
            Ok(Claim::Gone) => {
                self.close_link(link, code::INTERNAL, None);
                return false;
            }
            Err(error) => {
                tracing::warn!(%error, "no session can be led");
                self.close_link(link, code::TRY_LATER, Some(self.limits().retry));
                return false;
            }
        };
        for (topic, _) in &snapshot.topics {
            if let Err(error) = self.load(keeper, topic).await {
                tracing::warn!(%error, "a topic cannot be read");
                self.close_link(link, code::TRY_LATER, Some(self.limits().retry));
                return false;
            }
        }
        let mut state = self.locked();
        state.sessions.handle(Input::Lead(*snapshot), self.now());
        let Some(session) = state.sessions.find_id(bound.id) else {
            return false;
        };
        if let Some(ledger) = &mut state.ledger {
            ledger.lead(session, lease);
        }
        self.drain_outputs(&mut state);
        drop(state);
        for (topic, since) in wanted {
            let peer = Peer::Session(session);
            keeper.errand(Errand::Subscribe { peer, topic, since });
        }
        true
    }
}
