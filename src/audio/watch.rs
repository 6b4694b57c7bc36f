//! Whether a microphone that is on really hears.

use core::mem;

/// Milliseconds of nothing but zeros, or of no frames at all, that no room makes.
const PATIENCE: f64 = 2_000.0;

/// What a frame, or the lack of one, changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
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

/// Watches the levels of a microphone.
#[derive(Debug)]
pub(crate) struct Watch {
    state: State,
    sound: f64,
}

impl Watch {
    pub(crate) const fn new(now: f64) -> Self {
        Self {
            state: State::Hearing,
            sound: now,
        }
    }

    /// Takes a frame's level, or `None` where time passed without one.
    pub(crate) fn turn(&mut self, level: Option<f32>, now: f64) -> Option<Change> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seconds_of_zeros_are_told_once_and_so_is_the_sound_after_them() {
        let mut watch = Watch::new(0.0);
        let frames = |from: u32, to: u32, level: f32| {
            (from / 20..to / 20).map(move |i| (f64::from(i) * 20.0, level))
        };
        let told: Vec<_> = frames(0, 5_000, 0.0)
            .chain(frames(5_000, 6_000, 0.1))
            .chain(frames(6_000, 7_900, 0.0))
            .chain(frames(7_900, 8_000, 0.1))
            .filter_map(|(now, level)| Some((now, watch.turn(Some(level), now)?)))
            .collect();
        assert_eq!(told, [(2_000.0, Change::Silent), (5_000.0, Change::Heard)]);
    }

    #[test]
    fn frames_that_stay_away_are_silence() {
        let mut watch = Watch::new(100.0);
        assert_eq!(watch.turn(Some(0.5), 200.0), None);
        assert_eq!(watch.turn(None, 2_199.0), None);
        assert_eq!(watch.turn(None, 2_200.0), Some(Change::Silent));
        assert_eq!(watch.turn(None, 9_000.0), None);
    }
}
