//! Split links: a way down and POSTs that find each other by the link's name (annexes B and C).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use throughline_core::codec::Body;
use throughline_core::server::{LinkId, Subject};
use throughline_core::{Frame, Nonce, Transport};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::{Hub, LinkMailbox};
use crate::store::NodeId;
use crate::token::Grant;

/// A split link that has its way down.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) link: LinkId,
    pub(crate) transport: Transport,
    pub(crate) mailbox: Arc<LinkMailbox>,
    grant: Mutex<Option<Grant>>,
    polls: Polls,
    /// What the last poll that had a number was answered, should it come again (C1).
    answered: Mutex<Option<(u64, VecDeque<Frame<Body>>)>>,
}

/// Where a split link is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Here(Arc<Split>),
    /// At another node.
    There(NodeId),
}

/// The polls of a link: the newest counts (C2).
#[derive(Debug)]
struct Polls {
    newest: watch::Sender<u64>,
    held: AtomicUsize,
    last: Mutex<Instant>,
    told: Notify,
    over: AtomicBool,
}

/// A held poll.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    split: &'a Split,
    number: u64,
    newest: watch::Receiver<u64>,
}

/// What became of a request to open a way down.
pub(crate) enum Down {
    /// It is new; dropping the guard ends the link.
    Opened(Arc<Split>, Guard),
    /// A poll goes on.
    Known(Arc<Split>),
    /// The name is, or was, another link's.
    Taken,
}

/// What a token is to the link that it came beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// It is of another subject.
    Elsewhere,
    /// It changes nothing.
    Same,
    /// It lives longer than the one before.
    Fresher,
}

fn outlives(grant: &Grant, former: &Grant) -> bool {
    match (grant.expires, former.expires) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(end), Some(former)) => end > former,
    }
}

/// Ends the link when it is dropped, and after a while forgets its name.
#[derive(Debug)]
pub(crate) struct Guard {
    hub: Hub,
    name: Nonce,
    link: LinkId,
}

/// Between two looks at the polls that are left.
const LOOK: Duration = Duration::from_millis(10);

/// How long the name of an ended link is not given to another (C3).
const TOMBSTONE: Duration = Duration::from_secs(60);

impl Split {
    /// Binds the link to a token's subject (B3), and says what the token is to it.
    pub(crate) fn bind(&self, grant: &Grant) -> Bound {
        let mut bound = self.grant.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *bound {
            Some(former) if former.subject != grant.subject => Bound::Elsewhere,
            Some(former) if outlives(grant, former) => {
                former.expires = grant.expires;
                Bound::Fresher
            }
            Some(_) => Bound::Same,
            None => {
                *bound = Some(grant.clone());
                Bound::Same
            }
        }
    }

    pub(crate) fn subject(&self) -> Option<Subject> {
        let bound = self.grant.lock().unwrap_or_else(PoisonError::into_inner);
        bound.as_ref().map(|grant| grant.subject.clone())
    }

    /// What the poll of that number was answered, if it was the last one.
    pub(crate) fn answered(&self, poll: u64) -> Option<VecDeque<Frame<Body>>> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, frames) = answered.as_ref().filter(|(last, _)| *last == poll)?;
        Some(frames.clone())
    }

    /// Keeps what a poll is answered until the next one comes.
    pub(crate) fn keep_answer(&self, poll: u64, frames: VecDeque<Frame<Body>>) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some((poll, frames));
    }

    /// Begins a poll and ends the one before it.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.polls.held.fetch_add(1, Ordering::Relaxed);
        self.polls.newest.send_modify(|newest| *newest += 1);
        let newest = self.polls.newest.subscribe();
        let number = *newest.borrow();
        Held {
            split: self,
            number,
            newest,
        }
    }

    /// Takes note that the client knows of the end.
    pub(crate) fn told(&self) {
        self.polls.over.store(true, Ordering::Relaxed);
        self.polls.told.notify_one();
    }

    /// Whether the client knows of the end (C3).
    pub(crate) fn is_over(&self) -> bool {
        self.polls.over.load(Ordering::Relaxed)
    }

    /// Waits until the link has been without a poll for `idle`, or its end was told.
    pub(crate) async fn abandoned(&self, idle: Duration) {
        loop {
            let last = *self
                .polls
                .last
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let held = self.polls.held.load(Ordering::Relaxed) > 0;
            let since = if held { Instant::now() } else { last };
            if since.elapsed() >= idle {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(since + idle) => {}
                () = self.polls.told.notified() => return,
            }
        }
    }
}

impl Held<'_> {
    /// Waits until a newer poll has come.
    pub(crate) async fn superseded(&mut self) {
        let number = self.number;
        // The sender lives in the same `Split`.
        let _ = self.newest.wait_for(|newest| *newest != number).await;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self
            .split
            .polls
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.split.polls.held.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.hub.link_closed(self.link);
        let (hub, name) = (self.hub.clone(), self.name);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(TOMBSTONE).await;
                hub.locked().splits.remove(&name);
            });
        }
    }
}

impl Hub {
    /// Opens the way down of the link called `name`, or finds the poll link of that name.
    pub(crate) fn open_down(&self, name: Nonce, transport: Transport) -> Down {
        if let Some(split) = self.split(name) {
            let poll = transport == Transport::LongPoll && split.transport == transport;
            return if poll {
                Down::Known(split)
            } else {
                Down::Taken
            };
        }
        let (link, mailbox) = self.open_link(transport);
        let polls = Polls {
            newest: watch::Sender::new(0),
            held: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
            told: Notify::new(),
            over: AtomicBool::new(false),
        };
        let split = Arc::new(Split {
            link,
            transport,
            mailbox,
            grant: Mutex::new(None),
            polls,
            answered: Mutex::new(None),
        });
        let mut state = self.locked();
        state.splits.insert(name, split.clone());
        if let Some(waiting) = state.joins.remove(&name) {
            waiting.send_replace(Some(Place::Here(split.clone())));
        }
        drop(state);
        let guard = Guard {
            hub: self.clone(),
            name,
            link,
        };
        Down::Opened(split, guard)
    }

    /// Waits until every poll link that has ended was told so.
    pub(super) async fn polls_told(&self) {
        let untold = |split: &Arc<Split>| {
            split.transport == Transport::LongPoll
                && split.mailbox.ending().is_some()
                && !split.is_over()
        };
        while self.locked().splits.values().any(untold) {
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(crate) fn split(&self, name: Nonce) -> Option<Arc<Split>> {
        self.locked().splits.get(&name).cloned()
    }

    /// Waits for the way down of a link whose `hello` came first (B1). `None`: it did not come.
    pub(crate) async fn join(&self, name: Nonce) -> Option<Place> {
        let mut joined = {
            let mut state = self.locked();
            if let Some(split) = state.splits.get(&name) {
                return Some(Place::Here(split.clone()));
            }
            let waiting = state
                .joins
                .entry(name)
                .or_insert_with(|| watch::Sender::new(None));
            waiting.subscribe()
        };
        let _forget = Forget { hub: self, name };
        match self.find_link(name, Some(self.limits().join)).await {
            Ok(None) => {}
            Ok(Some(place)) => return Some(place),
            Err(_) => return None,
        }
        let joined = joined.wait_for(Option::is_some);
        match tokio::time::timeout(self.limits().join, joined).await {
            Ok(Ok(place)) => place.clone(),
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

/// Forgets that somebody waits, when he no longer does.
struct Forget<'a> {
    hub: &'a Hub,
    name: Nonce,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut state = self.hub.locked();
        // One receiver is the caller's own.
        if state
            .joins
            .get(&self.name)
            .is_some_and(|waiting| waiting.receiver_count() <= 1)
        {
            state.joins.remove(&self.name);
        }
    }
}
