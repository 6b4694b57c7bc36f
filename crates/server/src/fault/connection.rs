//! One client's TCP connection as the rest of the proxy sees it: what it carries, when it ends.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::class::Class;
use super::locked;
use super::wire::WireControl;

#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) wire: Arc<WireControl>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    carries: Option<Class>,
    ending: Ending,
}

#[derive(Debug, Clone, Copy, Default)]
enum Ending {
    #[default]
    Open,
    At(Instant),
    Reset,
}

impl Connection {
    /// Records which class of request it carries; `None` between two requests.
    ///
    /// The end of a request takes its deadline with it.
    pub(super) fn set_carried(&self, class: Option<Class>) {
        let mut state = locked(&self.state);
        state.carries = class;
        if let Ending::At(_) = state.ending {
            state.ending = Ending::Open;
        }
    }

    pub(super) fn carries(&self) -> Option<Class> {
        locked(&self.state).carries
    }

    /// Resets the connection at `deadline`, or at an earlier one set before.
    pub(super) fn reset_at(&self, deadline: Instant) {
        let mut state = locked(&self.state);
        state.ending = match state.ending {
            Ending::Open => Ending::At(deadline),
            Ending::At(earlier) => Ending::At(deadline.min(earlier)),
            Ending::Reset => Ending::Reset,
        };
        drop(state);
        self.changed.notify_one();
    }

    /// Resets the connection: its task drops all it holds, and the wire ends with a TCP reset.
    pub(super) fn reset(&self) {
        locked(&self.state).ending = Ending::Reset;
        self.wire.reset_on_drop();
        self.changed.notify_one();
    }

    /// Waits until the connection is to be reset. One task at a time may wait.
    pub(super) async fn wait_reset(&self) {
        loop {
            let ending = locked(&self.state).ending;
            match ending {
                Ending::Open => self.changed.notified().await,
                Ending::At(deadline) => {
                    if Instant::now() >= deadline {
                        self.reset();
                        return;
                    }
                    // Either way the state is read again: the deadline may have gone.
                    let _ = tokio::time::timeout_at(deadline, self.changed.notified()).await;
                }
                Ending::Reset => return,
            }
        }
    }
}
