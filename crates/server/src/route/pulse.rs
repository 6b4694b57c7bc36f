//! Whether a WebSocket's client still lives: protocol pings and what is heard (A2).

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Takes note of what the reading half hears.
#[derive(Debug)]
pub(super) struct Ear(watch::Sender<Instant>);

/// Tells the writing half what is due.
#[derive(Debug)]
pub(super) struct Pulse {
    heard: watch::Receiver<Instant>,
    ticks: Interval,
    patience: Duration,
}

/// What a tick asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    /// Nothing was heard for 2.5 intervals.
    HalfOpen,
}

/// Makes the two halves for pings every `interval`.
pub(super) fn pulse(interval: Duration) -> (Ear, Pulse) {
    let now = Instant::now();
    let (ear, heard) = watch::channel(now);
    let mut ticks = interval_at(now + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    (
        Ear(ear),
        Pulse {
            heard,
            ticks,
            patience: interval * 5 / 2,
        },
    )
}

impl Ear {
    pub(super) fn hear(&self) {
        self.0.send_replace(Instant::now());
    }
}

impl Pulse {
    /// Waits for the next beat. Cancelling it loses none.
    pub(super) async fn beat(&mut self) -> Beat {
        self.ticks.tick().await;
        if self.heard.borrow().elapsed() > self.patience {
            Beat::HalfOpen
        } else {
            Beat::Ping
        }
    }
}
