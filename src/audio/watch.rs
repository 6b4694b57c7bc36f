//! Whether a microphone that is on really hears.

use core::mem;

use wasm_bindgen::prelude::*;

/// Milliseconds of nothing but zeros, or of no frames at all, that no room makes.
const PATIENCE: f64 = 2_000.0;

/// What a frame, or the lack of one, changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Change {
    /// Nothing.
    None = 0,
    /// Nothing has come for so long that something is broken.
    Silent = 1,
    /// Sound comes again.
    Heard = 2,
}

#[derive(Debug)]
enum State {
    Hearing,
    Silent,
}

/// Watches the levels of a microphone.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Watch {
    state: State,
    sound: f64,
}

#[wasm_bindgen]
impl Watch {
    /// Makes one of a microphone that hears since `now` in milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(now: f64) -> Self {
        Self {
            state: State::Hearing,
            sound: now,
        }
    }

    /// Takes the level of a frame that came at `now`, or one below 0 where time passed without a frame, and returns what
    /// it changes: 0 nothing, 1 it fell silent, 2 it hears again.
    pub fn turn(&mut self, level: f32, now: f64) -> u8 {
        self.change(level, now) as u8
    }
}

impl Watch {
    fn change(&mut self, level: f32, now: f64) -> Change {
        if level > 0.0 {
            self.sound = now;
            return match mem::replace(&mut self.state, State::Hearing) {
                State::Hearing => Change::None,
                State::Silent => Change::Heard,
            };
        }
        match self.state {
            State::Hearing if now - self.sound >= PATIENCE => {
                self.state = State::Silent;
                Change::Silent
            }
            State::Hearing | State::Silent => Change::None,
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
            .map(|(now, level)| (now, watch.change(level, now)))
            .filter(|(_, change)| *change != Change::None)
            .collect();
        assert_eq!(told, [(2_000.0, Change::Silent), (5_000.0, Change::Heard)]);
    }

    #[test]
    fn frames_that_stay_away_are_silence() {
        let mut watch = Watch::new(100.0);
        assert_eq!(watch.change(0.5, 200.0), Change::None);
        assert_eq!(watch.change(-1.0, 2_199.0), Change::None);
        assert_eq!(watch.change(-1.0, 2_200.0), Change::Silent);
        assert_eq!(watch.change(-1.0, 9_000.0), Change::None);
    }
}
