//! Requests that reach another node than the one that has their split link: handed on, and answered
//! within a bounded time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use throughline_core::close::code;
use throughline_core::server::Subject;
use throughline_core::{Nonce, Transport};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use super::keeper::Keeper;
use super::{Hub, split::Place};
use crate::store::{NodeId, Store};
use crate::token::{Expiry, Grant, TokenError};

/// A request for a split link of another node's. Its tokens were checked, and are not handed on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) link: String,
    pub(crate) beside: Sent,
    /// Of an `auth` in the unit.
    pub(crate) within: Sent,
    pub(crate) verb: Verb,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Verb {
    Poll(Option<u64>),
    /// A text unit.
    Post(String),
}

/// What a token said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Sent {
    /// There was none.
    Nothing,
    /// Whom it speaks for, and when it expires, in milliseconds since 1970.
    Grant(String, Option<u64>),
    Refused,
}

impl Sent {
    pub(crate) fn write(checked: Option<&Result<Grant, TokenError>>) -> Self {
        match checked {
            None => Self::Nothing,
            Some(Ok(grant)) => Self::Grant(
                grant.subject.name().to_owned(),
                grant.expires.map(|expiry| expiry.0),
            ),
            Some(Err(_)) => Self::Refused,
        }
    }

    pub(crate) fn read(self) -> Option<Result<Grant, TokenError>> {
        match self {
            Self::Nothing => None,
            Self::Grant(subject, expires) => Some(Ok(Grant {
                subject: Subject::from(&*subject),
                expires: expires.map(Expiry),
            })),
            Self::Refused => Some(Err(TokenError::Invalid)),
        }
    }
}

/// The answer to a request, as HTTP has it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    /// The kind of content, if there is one.
    pub(crate) kind: Option<String>,
    /// In base64: a poll may be answered with bytes.
    pub(crate) body: String,
}

/// A request of another node's, to be answered.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) ask: Ask,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The node is not there.
    Gone,
    /// It did not answer in time, or the store failed.
    Silent,
}

/// Requests under way, both ways.
#[derive(Debug)]
pub(super) struct Calls {
    received: UnboundedSender<Call>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    last: AtomicU64,
}

/// How long a split link's name stays in the store after its node was last heard of.
const NAMED: Duration = Duration::from_secs(300);

impl Calls {
    pub(super) fn new() -> (Self, UnboundedReceiver<Call>) {
        let (received, receiver) = mpsc::unbounded_channel();
        let calls = Self {
            received,
            waiting: Mutex::default(),
            last: AtomicU64::new(0),
        };
        (calls, receiver)
    }

    /// Takes a request of another node's.
    pub(super) fn asked(&self, request: &str) -> Option<(Nonce, oneshot::Receiver<Answer>)> {
        let ask: Ask = serde_json::from_str(request).ok()?;
        let link = Nonce::from_hex(&ask.link)?;
        let (answer, answered) = oneshot::channel();
        self.received.send(Call { ask, answer }).ok()?;
        Some((link, answered))
    }

    /// Takes the answer to a request of this node's.
    pub(super) fn answered(&self, number: u64, answer: &str) {
        let waiting = self.waiting().remove(&number);
        if let (Some(waiting), Ok(answer)) = (waiting, serde_json::from_str(answer)) {
            // Who asked may have gone.
            let _ = waiting.send(answer);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a request that nobody waits for any more.
struct Forget<'a>(&'a Calls, u64);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.waiting().remove(&self.1);
    }
}

impl Hub {
    /// Hands a request on to the node that has its link.
    pub(crate) async fn call(
        &self,
        node: &str,
        ask: &Ask,
        patience: Duration,
    ) -> Result<Answer, Unanswered> {
        let keeper = self.keeper().ok_or(Unanswered::Gone)?;
        let calls = &keeper.calls;
        let number = calls.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (answer, answered) = oneshot::channel();
        calls.waiting().insert(number, answer);
        let _forget = Forget(calls, number);
        let request = serde_json::to_string(ask).map_err(|_| Unanswered::Silent)?;
        let notice = format!("ask {number} {} {request}", keeper.store.node());
        match keeper.store.tell(node, &notice).await {
            Ok(true) => {}
            Ok(false) => return Err(Unanswered::Gone),
            Err(error) => {
                tracing::warn!(%error, "a request cannot be handed on");
                return Err(Unanswered::Silent);
            }
        }
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(Unanswered::Silent),
        }
    }

    /// Answers a request of another node's. Where that one no longer hears it, what the answer
    /// carried is lost, and so is the link.
    pub(super) async fn answer_call(
        &self,
        store: &Store,
        node: &str,
        number: u64,
        link: Nonce,
        answer: &Answer,
    ) {
        let Ok(text) = serde_json::to_string(answer) else {
            return;
        };
        let heard = store.tell(node, &format!("answer {number} {text}")).await;
        if !heard.unwrap_or(false)
            && let Some(split) = self.split(link)
        {
            self.close_link(split.link, code::GOING_AWAY, None);
        }
    }

    /// Says where the split link of that name is, and gives the name to this node if it is nowhere.
    pub(crate) async fn name_link(
        &self,
        name: Nonce,
        transport: Transport,
    ) -> Result<Option<NodeId>, Unanswered> {
        let Some(keeper) = self.keeper() else {
            return Ok(None);
        };
        if self.split(name).is_some() {
            return Ok(None);
        }
        match keeper.store.name_link(name, NAMED).await {
            Ok(node) if node == *keeper.store.node() => Ok(None),
            Ok(node) => Ok(Some(node)),
            Err(error) => {
                tracing::warn!(%error, transport = transport.name(), "a link cannot be named");
                Err(Unanswered::Silent)
            }
        }
    }

    /// Says which other node has the split link of that name. With `wait`, a notice tells
    /// [`Hub::join`] when one has.
    pub(crate) async fn find_link(
        &self,
        name: Nonce,
        wait: Option<Duration>,
    ) -> Result<Option<Place>, Unanswered> {
        let Some(keeper) = self.keeper() else {
            return Ok(None);
        };
        match keeper.store.find_link(name, wait).await {
            Ok(Some(node)) if node != *keeper.store.node() => Ok(Some(Place::There(node))),
            Ok(Some(_) | None) => Ok(None),
            Err(error) => {
                tracing::warn!(%error, "a link cannot be found");
                Err(Unanswered::Silent)
            }
        }
    }

    /// Keeps the names of this node's split links from being forgotten.
    pub(super) fn rename_links(&self) {
        let names: Vec<Nonce> = self.locked().splits.keys().copied().collect();
        let hub = self.clone();
        tokio::spawn(async move {
            let Some(Keeper { store, .. }) = hub.keeper() else {
                return;
            };
            for name in names {
                if let Err(error) = store.name_link(name, NAMED).await {
                    return tracing::warn!(%error, "a link's name is not kept");
                }
            }
        });
    }
}
