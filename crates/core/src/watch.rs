//! Whether a microphone that is on really hears.

use core::mem;

use crate::time::Millis;

/// Milliseconds of nothing but zeros, or of no frames at all, that no room makes.
const PATIENCE: u64 = 2_000;

/// What a frame, or the lack of one, changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing has come for so long that something is broken.
    Silent,
    /// Sound comes again.
    Heard,
}

#[derive(Debug)]
enum State {
    Hearing,
    Silent,
}

/// Watches the levels of a microphone that is open and not muted.
#[derive(Debug)]
pub struct Watch {
    state: State,
    sound: Millis,
}

impl Watch {
    /// Makes a watch of a microphone that was opened at `now`.
    #[must_use]
    pub const fn new(now: Millis) -> Self {
        Self {
            state: State::Hearing,
            sound: now,
        }
    }

    /// Takes a frame's level, or `None` where time passed without one.
    pub fn turn(&mut self, level: Option<f32>, now: Millis) -> Option<Change> {
        if level.is_some_and(|level| level > 0.0) {
            self.sound = now;
            return match mem::replace(&mut self.state, State::Hearing) {
                State::Hearing => None,
                State::Silent => Some(Change::Heard),
            };
        }
        match self.state {
            State::Hearing if now - self.sound >= PATIENCE => {
                self.state = State::Silent;
                Some(Change::Silent)
            }
            State::Hearing | State::Silent => None,
        }
    }
}
