//! Whether a microphone that is on really hears.

use throughline_core::{Millis, watch};
use wasm_bindgen::prelude::*;

/// Watches the levels of a microphone.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Watch(watch::Watch);

#[wasm_bindgen]
impl Watch {
    /// Makes one of a microphone that hears since `now` in milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(now: f64) -> Self {
        Self(watch::Watch::new(Millis(now as u64)))
    }

    /// Takes the level of a frame that came at `now`, or one below 0 where time passed without a frame, and returns what
    /// it changes: 0 nothing, 1 it fell silent, 2 it hears again.
    pub fn turn(&mut self, level: f32, now: f64) -> u8 {
        let level = (level >= 0.0).then_some(level);
        match self.0.turn(level, Millis(now as u64)) {
            None => 0,
            Some(watch::Change::Silent) => 1,
            Some(watch::Change::Heard) => 2,
        }
    }
}
