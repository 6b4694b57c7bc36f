//! What waits for the store: everything the core asks for, in its order, until the changes that
//! precede it are kept.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use throughline_core::codec::Body;
use throughline_core::server::{Arrived, Event, LinkId, Output, Record, SessionKey, Subscriber};
use throughline_core::{Frame, Nonce};
use tokio::sync::oneshot;

use crate::store::{Commit, Lease, Place, Publication};

/// One thing that waits.
#[derive(Debug)]
pub(super) enum Held {
    /// A change to keep.
    Change {
        lease: Lease,
        session: SessionKey,
        change: Change,
    },
    /// An event to publish, in answer to a message of that session.
    Publish {
        session: Option<SessionKey>,
        event: Publication,
    },
    /// To be done once what stands before it is kept; not at all, if `session` is lost by then.
    Output {
        session: Option<SessionKey>,
        output: Output<Body>,
    },
    /// Somebody waits to know that what stands before it is kept.
    Told {
        session: SessionKey,
        told: oneshot::Sender<()>,
    },
}

/// A change of a session's.
#[derive(Debug)]
pub(super) enum Change {
    Core(Record<Body>),
    /// The handler of this message is done.
    Heard(u64),
    /// The application wants it to hear a topic.
    Wants {
        topic: Arc<str>,
        since: String,
    },
    /// Nothing: it is led here still, and lives on.
    Alive,
}

/// Which session a link is of, and whose page the link is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub(super) session: SessionKey,
    pub(super) id: Nonce,
    pub(super) instance: Nonce,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    held: Vec<Held>,
    leases: HashMap<SessionKey, Lease>,
    bound: HashMap<LinkId, Bound>,
    /// Sessions that the store gave to others, until the core has let go of them.
    lost: HashSet<SessionKey>,
    published: u64,
}

/// Some of what waits, to be kept and done together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) commits: Vec<Commit>,
    /// Whose each commit is.
    pub(super) sessions: Vec<SessionKey>,
    pub(super) events: Vec<Publication>,
    pub(super) rest: Vec<Held>,
}

thread_local! {
    /// The session whose message this thread handles.
    static TURN: Cell<Option<SessionKey>> = const { Cell::new(None) };
}

/// Runs a handler of a message of `session`'s.
pub(super) fn in_turn<T>(session: SessionKey, handle: impl FnOnce() -> T) -> T {
    struct Reset(Option<SessionKey>);
    impl Drop for Reset {
        fn drop(&mut self) {
            TURN.set(self.0);
        }
    }
    let _reset = Reset(TURN.replace(Some(session)));
    handle()
}

impl Ledger {
    /// Takes note of an output, to be done in its time.
    pub(super) fn hold(&mut self, output: Output<Body>) {
        let session = match &output {
            Output::Record { session, .. } => Some(*session),
            Output::Transmit { link, .. } => self.bound.get(link).map(|bound| bound.session),
            Output::CloseLink { .. } | Output::ToGuest { .. } => None,
            Output::Event(event) => session_of(event),
        };
        match output {
            Output::Record { session, record } => self.change(session, Change::Core(record)),
            output => self.held.push(Held::Output { session, output }),
        }
    }

    /// Takes note of a change of a session that is led here.
    pub(super) fn change(&mut self, session: SessionKey, change: Change) {
        if let Some(lease) = self.leases.get(&session) {
            self.held.push(Held::Change {
                lease: *lease,
                session,
                change,
            });
        }
    }

    /// Takes note of an event; one that answers a message counts only while its session is led here.
    pub(super) fn publish(&mut self, topic: Arc<str>, body: Body) {
        self.published += 1;
        let session = TURN.get();
        let event = Publication {
            topic,
            body,
            number: self.published,
            lease: session.and_then(|session| self.leases.get(&session).copied()),
        };
        self.held.push(Held::Publish { session, event });
    }

    /// Tells `told` when all that waits is kept; drops it if the session is lost.
    pub(super) fn tell(&mut self, session: SessionKey, told: oneshot::Sender<()>) {
        self.held.push(Held::Told { session, told });
    }

    pub(super) fn bind(&mut self, link: LinkId, bound: Bound) {
        self.bound.insert(link, bound);
    }

    pub(super) fn bound(&self, link: LinkId) -> Option<Bound> {
        self.bound.get(&link).copied()
    }

    pub(super) fn unbind(&mut self, link: LinkId) {
        self.bound.remove(&link);
    }

    pub(super) fn lead(&mut self, session: SessionKey, lease: Lease) {
        self.leases.insert(session, lease);
    }

    pub(super) fn led(&self) -> Vec<SessionKey> {
        self.leases.keys().copied().collect()
    }

    /// The session with that id, if it was led here under an older lease.
    pub(super) fn led_before(&self, id: Nonce, lease: u64) -> Option<SessionKey> {
        let mut leases = self.leases.iter();
        leases
            .find(|(_, led)| led.session == id && led.number < lease)
            .map(|(session, _)| *session)
    }

    pub(super) fn lose(&mut self, session: SessionKey) {
        self.lost.insert(session);
    }

    /// Whether an output of the session's may be done. Of a lost one, only what cleans up after it.
    pub(super) fn may(&mut self, session: Option<SessionKey>, output: &Output<Body>) -> bool {
        let lost = session.is_some_and(|session| self.lost.contains(&session));
        match output {
            Output::Event(Event::Closed { session } | Event::Moved { session }) => {
                self.leases.remove(session);
                self.lost.remove(session);
                true
            }
            Output::CloseLink { .. } | Output::ToGuest { .. } => true,
            Output::Event(Event::Unsubscribed { .. }) => true,
            Output::Event(
                Event::Opened { .. }
                | Event::Message { .. }
                | Event::Request { .. }
                | Event::LinkChanged { .. }
                | Event::Subscribed { .. }
                | Event::SubscriptionRefused { .. },
            )
            | Output::Transmit { .. }
            | Output::Record { .. } => !lost,
        }
    }

    pub(super) fn is_lost(&self, session: SessionKey) -> bool {
        self.lost.contains(&session)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes all that waits. What lost sessions did is nowhere to be kept: it follows from what was
    /// not kept either.
    pub(super) fn take(&mut self) -> Vec<Held> {
        let mut held = std::mem::take(&mut self.held);
        if !self.lost.is_empty() {
            held.retain(|held| match held {
                Held::Change { session, .. }
                | Held::Publish {
                    session: Some(session),
                    ..
                } => !self.lost.contains(session),
                Held::Publish { session: None, .. } | Held::Output { .. } | Held::Told { .. } => {
                    true
                }
            });
        }
        held
    }
}

impl Batch {
    /// Gathers what is to be kept by session.
    pub(super) fn gather(held: Vec<Held>) -> Self {
        let mut commits: BTreeMap<SessionKey, Commit> = BTreeMap::new();
        let (mut events, mut rest) = (Vec::new(), Vec::with_capacity(held.len()));
        for held in held {
            match held {
                Held::Change {
                    lease,
                    session,
                    change,
                } => {
                    let commit = commits.entry(session);
                    apply(commit.or_insert_with(|| Commit::new(lease)), change);
                }
                Held::Publish { event, .. } => events.push(event),
                Held::Output { .. } | Held::Told { .. } => rest.push(held),
            }
        }
        let (sessions, commits) = commits.into_iter().unzip();
        Self {
            commits,
            sessions,
            events,
            rest,
        }
    }

    /// Whether there is nothing to keep.
    pub(super) const fn is_kept(&self) -> bool {
        self.commits.is_empty() && self.events.is_empty()
    }
}

fn apply(commit: &mut Commit, change: Change) {
    let mut place = |topic: Arc<str>, place| {
        commit.topics.retain(|(other, _)| *other != topic);
        commit.topics.push((topic, place));
    };
    match change {
        Change::Alive => {}
        Change::Heard(seq) => commit.heard = Some(seq),
        Change::Wants { topic, since } => place(topic, Place::Wanted(since)),
        Change::Core(Record::Heard { topic, event }) => place(topic, Place::At(event)),
        Change::Core(Record::Left { topic }) => place(topic, Place::Left),
        Change::Core(Record::Taken { fence }) => commit.fence = Some(fence),
        Change::Core(Record::Acked { offset }) => {
            commit.acked = commit.acked.max(Some(offset));
            commit.first = commit.first.max(Some(offset + 1));
        }
        Change::Core(Record::Up(Arrived { seq, request, body })) => {
            commit.up.push(match request {
                None => Frame::Message { n: seq, body },
                Some(id) => Frame::Request { n: seq, id, body },
            });
        }
        Change::Core(Record::Down { frame, first }) => {
            commit.down.push(frame);
            commit.first = commit.first.max(Some(first));
        }
        Change::Core(Record::Ended) => commit.ended = true,
    }
}

fn session_of(event: &Event<Body>) -> Option<SessionKey> {
    match event {
        Event::Opened { session, .. }
        | Event::Message { session, .. }
        | Event::Request { session, .. }
        | Event::LinkChanged { session, .. }
        | Event::Moved { session }
        | Event::Closed { session } => Some(*session),
        Event::Subscribed { subscriber, .. }
        | Event::SubscriptionRefused { subscriber, .. }
        | Event::Unsubscribed { subscriber, .. } => match subscriber {
            Subscriber::Session(session) => Some(*session),
            Subscriber::Guest(_) => None,
        },
    }
}
