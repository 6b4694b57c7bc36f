//! Guests: clients of the `json` dialect, who get what they get once, while they are there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use throughline_core::close::code;
use throughline_core::codec::Body;
use throughline_core::server::Input;
use tokio::sync::watch;
use tokio::time::Instant;

use super::mailbox::{End, Mailbox};
use super::{Hub, Peer, PeerEvent, State};

/// Names a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestId(pub(super) u64);

/// A client without a session. It may come back under its name for a while.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) id: GuestId,
    name: Option<String>,
    mailbox: Mutex<Arc<Mailbox<Body>>>,
    /// The newest way down; 0 before the first.
    newest: watch::Sender<u64>,
    attached: AtomicU64,
    last: Mutex<Instant>,
}

/// A way down to a guest. The newest one counts.
#[derive(Debug)]
pub(crate) struct Attached {
    hub: Hub,
    pub(crate) guest: Arc<Guest>,
    number: u64,
    newest: watch::Receiver<u64>,
}

impl Guest {
    pub(crate) const fn peer(&self) -> Peer {
        Peer::Guest(self.id)
    }

    pub(crate) fn mailbox(&self) -> Arc<Mailbox<Body>> {
        self.mailbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether it never had a way down.
    pub(crate) fn is_new(&self) -> bool {
        *self.newest.borrow() == 0
    }

    fn idle_since(&self) -> Option<Instant> {
        let free = self.attached.load(Ordering::Relaxed) == 0;
        free.then(|| *self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Attached {
    /// Waits until a newer way down has come.
    pub(crate) async fn superseded(&mut self) {
        let number = self.number;
        // The sender lives as long as the guest, whom `self` holds.
        let _ = self.newest.wait_for(|newest| *newest != number).await;
    }

    /// Whether this is the first way down.
    pub(crate) const fn is_first(&self) -> bool {
        self.number == 1
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        *self
            .guest
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.guest.attached.fetch_sub(1, Ordering::Relaxed);
        if self.guest.name.is_none() {
            self.hub.forget_guest(&self.guest);
        }
    }
}

impl Hub {
    /// Finds the guest of that name, or makes one. A guest without a name lives as long as its one
    /// way down. `None`: there are too many.
    pub(crate) fn guest(&self, name: Option<&str>) -> Option<Arc<Guest>> {
        let mut state = self.locked();
        let known = name.and_then(|name| state.guest_names.get(name));
        if let Some(guest) = known.and_then(|id| state.guests.get(id)) {
            return Some(guest.clone());
        }
        if state.guests.len() >= self.limits().max_guests {
            return None;
        }
        let id = GuestId(state.next_id());
        let guest = Arc::new(Guest {
            id,
            name: name.map(str::to_owned),
            mailbox: Mutex::new(self.fresh_mailbox()),
            newest: watch::Sender::new(0),
            attached: AtomicU64::new(0),
            last: Mutex::new(Instant::now()),
        });
        state.guests.insert(id, guest.clone());
        if let Some(name) = name {
            state.guest_names.insert(name.to_owned(), id);
            tokio::spawn(expire(self.clone(), guest.clone(), self.limits().idle));
        }
        tracing::info!(guest = id.0, "guest came");
        let _ = self.0.events.send(PeerEvent::Opened { peer: guest.peer() });
        Some(guest)
    }

    /// Opens a way down to the guest, in place of any other. `greeted` ones are told to the
    /// application, which may say something first.
    pub(crate) fn attach(&self, guest: Arc<Guest>, greeted: bool) -> Attached {
        guest.attached.fetch_add(1, Ordering::Relaxed);
        guest.newest.send_modify(|newest| *newest += 1);
        let newest = guest.newest.subscribe();
        let number = *newest.borrow();
        if greeted {
            let _ = self
                .0
                .events
                .send(PeerEvent::Attached { peer: guest.peer() });
        }
        Attached {
            hub: self.clone(),
            guest,
            number,
            newest,
        }
    }

    /// Hands the application a guest's message, if it was one.
    pub(crate) fn handle_guest(&self, guest: &Guest, body: Option<Body>) {
        let peer = guest.peer();
        let event = body.map_or(PeerEvent::Garbled { peer }, |body| PeerEvent::Message {
            peer,
            seq: None,
            body,
        });
        let _ = self.0.events.send(event);
    }

    pub(super) fn enqueue_guest(&self, state: &State, id: GuestId, body: Body) {
        let Some(guest) = state.guests.get(&id) else {
            return;
        };
        let mailbox = guest.mailbox();
        let excess = mailbox.push([body]);
        if self.is_too_much(state, excess) {
            tracing::info!(guest = id.0, "too many bytes wait");
            let fresh = self.fresh_mailbox();
            *guest.mailbox.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
            mailbox.overflow(End {
                code: code::SLOW_DOWN,
                retry: Some(self.limits().retry),
            });
        }
    }

    fn fresh_mailbox(&self) -> Arc<Mailbox<Body>> {
        Arc::new(Mailbox::new(Body::size, &self.0.waiting))
    }

    pub(super) fn end_guests(&self, end: End) {
        let guests: Vec<_> = self.locked().guests.values().cloned().collect();
        for guest in guests {
            guest.mailbox().end(end);
            self.forget_guest(&guest);
        }
    }

    fn forget_guest(&self, guest: &Guest) {
        let mut state = self.locked();
        if state.guests.remove(&guest.id).is_none() {
            return;
        }
        if let Some(name) = &guest.name {
            state.guest_names.remove(name);
        }
        self.handle(&mut state, Input::GuestLeft { guest: guest.id.0 });
        drop(state);
        tracing::info!(guest = guest.id.0, "guest left");
        let _ = self.0.events.send(PeerEvent::Closed { peer: guest.peer() });
        self.0.left.notify_waiters();
    }
}

/// Forgets a guest that had no way down for `idle`.
async fn expire(hub: Hub, guest: Arc<Guest>, idle: Duration) {
    loop {
        let since = guest.idle_since().unwrap_or_else(Instant::now);
        if since.elapsed() >= idle {
            return hub.forget_guest(&guest);
        }
        tokio::time::sleep_until(since + idle).await;
    }
}
