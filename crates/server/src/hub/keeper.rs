//! Keeps what waits in the ledger, and does what follows from it: one transaction at a time, for all
//! that has come together since the last.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use throughline_core::close::code;
use throughline_core::server::{Input, SessionKey};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Mutex as AsyncMutex, Notify};

use super::call::{Call, Calls};
use super::follow::Errand;
use super::ledger::{Batch, Change, Held, Ledger};
use super::{Hub, LOOK, Shared, State};
use crate::store::{Kept, Store};

/// What a hub has beside its state when its sessions live in a store.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(super) store: Store,
    pub(super) errands: UnboundedSender<Errand>,
    pub(super) calls: Calls,
    wake: Notify,
    /// Held while a handler runs, so that what it did is kept at once or not at all.
    turn: Mutex<()>,
    /// One `take` of a session at a time; sessions share them.
    claims: [AsyncMutex<()>; 64],
    /// Between two signs of life to the store.
    renewal: Duration,
}

/// What the tasks of a keeper work off.
#[derive(Debug)]
pub(crate) struct Chores {
    errands: UnboundedReceiver<Errand>,
    /// Requests of other nodes.
    pub(crate) calls: UnboundedReceiver<Call>,
}

/// How long the store may be away before the node lets go of its sessions.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries to reach the store.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

impl Keeper {
    pub(crate) fn new(store: Store, renewal: Duration) -> (Self, Chores) {
        let (errands, errands_received) = mpsc::unbounded_channel();
        let (calls, calls_received) = Calls::new();
        let keeper = Self {
            store,
            errands,
            calls,
            wake: Notify::new(),
            turn: Mutex::new(()),
            claims: [const { AsyncMutex::const_new(()) }; 64],
            renewal,
        };
        let chores = Chores {
            errands: errands_received,
            calls: calls_received,
        };
        (keeper, chores)
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Whoever holds it is the only one who claims the session.
    pub(super) fn claim_lock(&self, session: u128) -> &AsyncMutex<()> {
        let [first, ..] = &self.claims;
        self.claims
            .get((session % self.claims.len() as u128) as usize)
            .unwrap_or(first)
    }

    /// Runs `work` while nothing is taken from the ledger.
    pub(super) fn undivided<T>(&self, work: impl FnOnce() -> T) -> T {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }
}

impl Hub {
    /// Starts what a hub with a store needs, and returns the requests of other nodes.
    pub(super) fn start_keeper(&self, chores: Chores) -> UnboundedReceiver<Call> {
        tokio::spawn(keep(Arc::downgrade(&self.0)));
        tokio::spawn(super::bus::listen(Arc::downgrade(&self.0)));
        tokio::spawn(super::bus::watch_runs(Arc::downgrade(&self.0)));
        tokio::spawn(super::follow::run(Arc::downgrade(&self.0), chores.errands));
        chores.calls
    }

    pub(crate) fn keeper(&self) -> Option<&Keeper> {
        self.0.keeper.as_ref()
    }

    /// Lets go of every session: they live on in the store.
    pub(super) fn let_go_of_all(&self, code: u16, retry: Option<u32>) {
        let mut state = self.locked();
        let all = state.sessions.keys();
        self.let_go(&mut state, all, code, retry);
    }

    /// Lets go of sessions. What they did and is not kept is as if it had not been.
    pub(super) fn let_go(
        &self,
        state: &mut State,
        sessions: Vec<SessionKey>,
        code: u16,
        retry: Option<u32>,
    ) {
        for session in sessions {
            if let Some(ledger) = &mut state.ledger
                && state.sessions.leads(session)
            {
                ledger.lose(session);
            }
            let input = Input::LetGo {
                session,
                code,
                retry,
            };
            state.sessions.handle(input, self.now());
        }
        self.drain_outputs(state);
    }

    /// Tells the store that the sessions led here live, and learns which no longer are.
    pub(super) fn renew_leases(&self) {
        let mut state = self.locked();
        if let Some(ledger) = &mut state.ledger {
            for session in ledger.led() {
                ledger.change(session, Change::Alive);
            }
        }
        drop(state);
        if let Some(keeper) = self.keeper() {
            keeper.wake();
        }
        self.rename_links();
    }

    fn take_held(&self, keeper: &Keeper) -> Vec<Held> {
        keeper.undivided(|| {
            let mut state = self.locked();
            state.ledger.as_mut().map(Ledger::take).unwrap_or_default()
        })
    }

    /// Keeps a batch, then does what waited for it.
    async fn settle(&self, keeper: &Keeper, batch: Batch) {
        let kept = if batch.is_kept() {
            Some(Vec::new())
        } else {
            commit(keeper, &batch).await
        };
        let mut state = self.locked();
        let (lost, code, retry) = match kept {
            Some(kept) => {
                let pairs = batch.sessions.iter().zip(kept);
                let lost = pairs.filter(|(_, kept)| *kept == Kept::Lost);
                let lost: Vec<_> = lost.map(|(session, _)| *session).collect();
                (lost, code::GOING_AWAY, None)
            }
            None => {
                tracing::error!("the store is away: its sessions are let go");
                let retry = Some(self.limits().retry);
                let led = state.ledger.as_ref().map(Ledger::led).unwrap_or_default();
                (led, code::TRY_LATER, retry)
            }
        };
        if let Some(ledger) = &mut state.ledger {
            for session in &lost {
                ledger.lose(*session);
            }
        }
        for held in batch.rest {
            self.release(&mut state, held);
        }
        self.let_go(&mut state, lost, code, retry);
    }

    fn release(&self, state: &mut State, held: Held) {
        let Some(ledger) = &mut state.ledger else {
            return;
        };
        match held {
            Held::Output { session, output } => {
                if ledger.may(session, &output) {
                    self.perform(state, output);
                }
            }
            Held::Told { session, told } => {
                if !ledger.is_lost(session) {
                    // Who asked may have gone.
                    let _ = told.send(());
                }
            }
            Held::Change { .. } | Held::Publish { .. } => {}
        }
    }
}

/// Keeps a batch, as often as it takes. `None`: the store was away for too long.
async fn commit(keeper: &Keeper, batch: &Batch) -> Option<Vec<Kept>> {
    let began = Instant::now();
    loop {
        match keeper.store.commit(&batch.commits, &batch.events).await {
            Ok(kept) => return Some(kept),
            Err(error) if began.elapsed() >= PATIENCE => {
                tracing::error!(%error, "nothing can be kept");
                return None;
            }
            Err(error) => tracing::warn!(%error, "not kept, trying again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Works for as long as the hub lives.
async fn keep(shared: Weak<Shared>) {
    let mut renewed = Instant::now();
    loop {
        let Some(hub) = shared.upgrade().map(Hub) else {
            return;
        };
        let Some(keeper) = hub.keeper() else {
            return;
        };
        if renewed.elapsed() >= keeper.renewal {
            renewed = Instant::now();
            hub.renew_leases();
        }
        let held = hub.take_held(keeper);
        if held.is_empty() {
            tokio::select! {
                () = keeper.wake.notified() => {}
                () = tokio::time::sleep(LOOK.min(keeper.renewal)) => {}
            }
            continue;
        }
        hub.settle(keeper, Batch::gather(held)).await;
    }
}
