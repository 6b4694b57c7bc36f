//! The hub: every session, link and topic of the server behind one lock, and the one timer that
//! the core asks for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use throughline_core::close::code;
use throughline_core::codec::Body;
use throughline_core::server::{
    Event, Input, Keep, LinkId, MemoryUse, Output, SessionKey, Sessions, SessionsConfig,
};
use throughline_core::{Frame, Hello, Millis, Nonce, Transport};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, watch};

use self::call::Call;
use self::guest::{Guest, GuestId};
use self::keeper::{Chores, Keeper};
use self::ledger::Ledger;
use self::mailbox::{End, Mailbox, Tally};
use self::split::{Place, Split};
use crate::token::Grant;

pub use peer::{Peer, PeerEvent};
pub(crate) use reach::Reach;

mod admit;
mod bus;
pub(crate) mod call;
mod drain;
mod follow;
pub(crate) mod guest;
pub(crate) mod keeper;
mod ledger;
pub(crate) mod mailbox;
pub(crate) mod pace;
mod peer;
mod reach;
mod room;
pub(crate) mod split;
mod topic;

/// Frames on their way to a link.
pub(crate) type LinkMailbox = Mailbox<Frame<Body>>;

/// Everything that lives on the server. Clones share it.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    events: UnboundedSender<PeerEvent>,
    alarm: Notify,
    /// Told whenever a link has gone.
    left: Notify,
    started: Instant,
    limits: HubLimits,
    /// Bytes that wait in mailboxes.
    waiting: Tally,
    /// Where sessions live in a store.
    keeper: Option<Keeper>,
}

#[derive(Debug)]
struct State {
    sessions: Sessions<Body>,
    /// When the timer task wakes.
    alarm: Option<Millis>,
    links: HashMap<LinkId, Arc<LinkMailbox>>,
    /// What waits for the store, if there is one.
    ledger: Option<Ledger>,
    splits: HashMap<Nonce, Arc<Split>>,
    joins: HashMap<Nonce, watch::Sender<Option<Place>>>,
    guests: HashMap<GuestId, Arc<Guest>>,
    guest_names: HashMap<String, GuestId>,
    /// Who waits for room in a session.
    rooms: HashMap<SessionKey, Arc<Notify>>,
    last_id: u64,
}

/// The hub's own limits, beside those of the sessions.
#[derive(Debug, Clone)]
pub struct HubLimits {
    /// Bytes that may wait for one link; more close it with 4429, and the client comes back
    /// ([`Hub::room`]).
    pub buffered_bytes: usize,
    /// Most guests at a time; further ones are answered 503.
    pub max_guests: usize,
    /// The hint that goes with 4429, in milliseconds.
    pub retry: u32,
    /// How long a link may be without a poll, and a guest without a way down (C2).
    pub idle: Duration,
    /// How long one half of a split link waits for the other (B1).
    pub join: Duration,
}

impl Hub {
    /// Makes a hub, and the stream of what its peers do. Its timer runs on the current runtime
    /// until the last clone is gone.
    #[must_use]
    pub fn new(config: SessionsConfig, limits: HubLimits) -> (Self, UnboundedReceiver<PeerEvent>) {
        Self::assemble(config, limits, None)
    }

    /// Makes a hub whose sessions live in a store, and the streams of what its peers do and of what
    /// other nodes ask.
    pub(crate) fn with_store(
        config: SessionsConfig,
        limits: HubLimits,
        (keeper, chores): (Keeper, Chores),
    ) -> (Self, UnboundedReceiver<PeerEvent>, UnboundedReceiver<Call>) {
        let config = SessionsConfig {
            keep: Keep::Store,
            ..config
        };
        let (hub, events) = Self::assemble(config, limits, Some(keeper));
        let calls = hub.start_keeper(chores);
        (hub, events, calls)
    }

    fn assemble(
        config: SessionsConfig,
        limits: HubLimits,
        keeper: Option<Keeper>,
    ) -> (Self, UnboundedReceiver<PeerEvent>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let state = State {
            sessions: Sessions::new(config),
            alarm: None,
            links: HashMap::new(),
            ledger: keeper.as_ref().map(|_| Ledger::default()),
            splits: HashMap::new(),
            joins: HashMap::new(),
            guests: HashMap::new(),
            guest_names: HashMap::new(),
            rooms: HashMap::new(),
            last_id: 0,
        };
        let hub = Self(Arc::new(Shared {
            state: Mutex::new(state),
            events,
            alarm: Notify::new(),
            left: Notify::new(),
            started: Instant::now(),
            limits,
            waiting: Tally::default(),
            keeper,
        }));
        tokio::spawn(keep_time(Arc::downgrade(&hub.0)));
        (hub, receiver)
    }

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.locked().sessions.session_count()
    }

    /// How many links and guests there are.
    #[must_use]
    pub fn link_count(&self) -> usize {
        let state = self.locked();
        state.sessions.link_count() + state.guests.len()
    }

    /// What is kept, by the server half's count, and what went to keep it below
    /// [`SessionsConfig::memory`].
    #[must_use]
    pub fn memory(&self) -> MemoryUse {
        self.locked().sessions.memory()
    }

    /// Bytes that wait for links and guests.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.0.waiting.bytes()
    }

    /// Whether the server is going away.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.locked().sessions.is_draining()
    }

    /// How long the hub has lived.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(crate) fn limits(&self) -> &HubLimits {
        &self.0.limits
    }

    pub(crate) fn open_link(&self, transport: Transport) -> (LinkId, Arc<LinkMailbox>) {
        let mut state = self.locked();
        let link = LinkId(state.next_id());
        let mailbox = Arc::new(Mailbox::new(frame_size, &self.0.waiting));
        state.links.insert(link, mailbox.clone());
        tracing::info!(link = link.0, transport = transport.name(), "link opened");
        self.handle(&mut state, Input::LinkOpened { link, transport });
        (link, mailbox)
    }

    /// The connection is gone.
    pub(crate) fn link_closed(&self, link: LinkId) {
        let mut state = self.locked();
        if let Some(mailbox) = state.links.remove(&link) {
            tracing::info!(link = link.0, "link lost");
            mailbox.end(End {
                code: drain::GOING_AWAY,
                retry: None,
            });
            self.handle(&mut state, Input::LinkClosed { link });
            state.unbind(link);
        }
        drop(state);
        self.0.left.notify_waiters();
    }

    /// Closes a link for a reason of the server's.
    pub(crate) fn close_link(&self, link: LinkId, code: u16, retry: Option<u32>) {
        self.tell(Input::CloseLink { link, code, retry });
    }

    /// Handles the frames of a unit. `grant` is what the token beside a `hello` or an `auth` says.
    /// Returns the ack that the link is owed, where the caller wants to deliver it (P3.3).
    pub(crate) fn handle_unit(
        &self,
        link: LinkId,
        frames: Vec<Frame<Body>>,
        grant: Option<&Grant>,
        wants_ack: bool,
    ) -> Option<Frame<Body>> {
        let mut state = self.locked();
        let now = self.now();
        for frame in frames {
            tracing::trace!(link = link.0, n = frame.n(), "frame");
            let input = match (frame, grant) {
                (Frame::Hello(hello), Some(grant)) => self.hello(link, hello, grant),
                (Frame::Auth, Some(grant)) => self.auth(link, grant),
                (frame, _) => Input::Frame { link, frame },
            };
            state.sessions.handle(input, now);
        }
        if let Some(session) = state.sessions.session_of(link) {
            state.tell_room(session);
        }
        let ack = wants_ack.then(|| state.sessions.poll_ack(link)).flatten();
        self.drain_outputs(&mut state);
        ack
    }

    /// Takes a fresh token for a link (P2.7).
    pub(crate) fn renew(&self, link: LinkId, grant: &Grant) {
        self.tell(self.auth(link, grant));
    }

    /// The token of an `auth` is not good. Before `hello` there is nothing to renew (P2.7).
    pub(crate) fn refuse_auth(&self, link: LinkId) {
        let mut state = self.locked();
        let code = match state.sessions.session_of(link) {
            Some(_) => code::UNAUTHORIZED,
            None => code::PROTOCOL,
        };
        let retry = None;
        self.handle(&mut state, Input::CloseLink { link, code, retry });
    }

    fn hello(&self, link: LinkId, hello: Hello, grant: &Grant) -> Input<Body> {
        match entropy() {
            Ok(entropy) => Input::Hello {
                link,
                hello,
                subject: grant.subject.clone(),
                expires: self.expiry(grant),
                entropy,
            },
            Err(error) => {
                tracing::error!(%error, "no entropy");
                let (code, retry) = (code::INTERNAL, None);
                Input::CloseLink { link, code, retry }
            }
        }
    }

    fn auth(&self, link: LinkId, grant: &Grant) -> Input<Body> {
        Input::Auth {
            link,
            subject: grant.subject.clone(),
            expires: self.expiry(grant),
        }
    }

    /// When a token expires, on the core's clock.
    fn expiry(&self, grant: &Grant) -> Option<Millis> {
        let left = grant.expires?.left().as_millis();
        Some(self.now() + u64::try_from(left).unwrap_or(u64::MAX >> 1))
    }

    fn tell(&self, input: Input<Body>) {
        self.handle(&mut self.locked(), input);
    }

    fn handle(&self, state: &mut State, input: Input<Body>) {
        state.sessions.handle(input, self.now());
        self.drain_outputs(state);
    }

    /// Does all that the core asks for, or puts it where it waits for the store.
    fn drain_outputs(&self, state: &mut State) {
        while let Some(output) = state.sessions.poll_output() {
            match &mut state.ledger {
                Some(ledger) => ledger.hold(output),
                None => self.perform(state, output),
            }
        }
        if let (Some(ledger), Some(keeper)) = (&state.ledger, self.keeper())
            && !ledger.is_empty()
        {
            keeper.wake();
        }
        let due = state.sessions.poll_timeout();
        if due.is_some_and(|due| state.alarm.is_none_or(|alarm| due < alarm)) {
            self.0.alarm.notify_one();
        }
    }

    /// Does one thing that the core asks for.
    fn perform(&self, state: &mut State, output: Output<Body>) {
        match output {
            Output::Transmit { link, frames } => {
                let Some(mailbox) = state.links.get(&link) else {
                    return;
                };
                let excess = mailbox.push(frames);
                if self.is_too_much(state, excess) {
                    tracing::info!(link = link.0, "too many bytes wait");
                    let (code, retry) = (code::SLOW_DOWN, Some(self.0.limits.retry));
                    mailbox.overflow(End { code, retry });
                    let input = Input::CloseLink { link, code, retry };
                    state.sessions.handle(input, self.now());
                }
            }
            Output::CloseLink { link, code, retry } => {
                if let Some(mailbox) = state.links.remove(&link) {
                    tracing::info!(link = link.0, code, "link closed");
                    mailbox.end(End { code, retry });
                }
                state.unbind(link);
                self.0.left.notify_waiters();
            }
            // Nothing is recorded where there is no store, and records never wait.
            Output::Record { .. } => {}
            Output::ToGuest { guest, body } => {
                self.enqueue_guest(state, GuestId(guest), body);
            }
            Output::Event(event) => {
                state.see(&event);
                self.pass_on(event);
            }
        }
    }

    /// Whether what waits for one link is more than one may have: over its own limit, or over its
    /// share where all together wait for more than there is memory for.
    fn is_too_much(&self, state: &State, excess: usize) -> bool {
        let memory = state.sessions.config().memory;
        let peers = state.links.len() + state.guests.len();
        excess > self.0.limits.buffered_bytes
            || (self.0.waiting.bytes() > memory && excess > memory / peers.max(1))
    }

    fn now(&self) -> Millis {
        Millis(self.0.started.elapsed().as_millis() as u64)
    }

    /// A panic while the lock is held would be a defect of the core; the rest of the server goes on.
    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes note of what the core tells the application.
    fn see(&mut self, event: &Event<Body>) {
        match event {
            Event::Closed { session } | Event::Moved { session } => {
                if let Some(told) = self.rooms.remove(session) {
                    told.notify_waiters();
                }
            }
            Event::LinkChanged { session, .. } => self.expect_replay(*session),
            Event::Opened { .. }
            | Event::Message { .. }
            | Event::Request { .. }
            | Event::Subscribed { .. }
            | Event::SubscriptionRefused { .. }
            | Event::Unsubscribed { .. } => {}
        }
    }

    /// What a resume sends again is no sign of a slow reader.
    fn expect_replay(&mut self, session: SessionKey) {
        let owner = self.sessions.owner_of(session);
        if let Some(mailbox) = owner.and_then(|link| self.links.get(&link))
            && let Some(unacked) = self.sessions.unacked(session)
        {
            mailbox.allow(unacked.bytes + unacked.messages * FRAME_BYTES);
        }
    }

    fn unbind(&mut self, link: LinkId) {
        if let Some(ledger) = &mut self.ledger {
            ledger.unbind(link);
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// What a frame takes beside its body, about.
const FRAME_BYTES: usize = 24;

/// About what a frame takes on the wire.
fn frame_size(frame: &Frame<Body>) -> usize {
    frame.body().map_or(0, Body::size) + FRAME_BYTES
}

fn entropy() -> Result<u128, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(u128::from_ne_bytes(bytes))
}

/// Rings the core's alarm for as long as the hub lives.
async fn keep_time(shared: std::sync::Weak<Shared>) {
    loop {
        let Some(hub) = shared.upgrade().map(Hub) else {
            return;
        };
        let due = {
            let mut state = hub.locked();
            hub.handle(&mut state, Input::Timeout);
            state.alarm = state.sessions.poll_timeout();
            state.alarm
        };
        let span = due.map(|due| Duration::from_millis(due - hub.now()));
        // A hub without alarms is looked at now and then, to see whether it still lives.
        let sleep = tokio::time::sleep(span.unwrap_or(LOOK).min(LOOK));
        tokio::select! {
            () = sleep => {}
            () = hub.0.alarm.notified() => {}
        }
    }
}

/// The longest sleep of the timer task.
const LOOK: Duration = Duration::from_secs(1);
