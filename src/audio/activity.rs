//! Whether the user speaks: the server says so, or the microphone's level does.

use throughline_core::Millis;
use throughline_core::vad::{Config, Speech, Vad};
use wasm_bindgen::prelude::*;

/// Joins what is heard here with the server's word.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Activity {
    vad: Vad,
    speaking: bool,
}

#[wasm_bindgen]
impl Activity {
    /// Makes one that has heard nothing yet.
    #[allow(clippy::new_without_default, reason = "JavaScript's constructor")]
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self {
            vad: Vad::new(Config::default()),
            speaking: false,
        }
    }

    /// Takes the level of a frame that ended at `now` in milliseconds and returns whether the user speaks.
    pub fn heard(&mut self, level: f32, now: f64) -> bool {
        let change = self.vad.push(level, Millis(now as u64));
        self.turn(change)
    }

    /// Takes the server's word and returns whether the user speaks.
    pub fn server(&mut self, speaking: bool, now: f64) -> bool {
        let change = self.vad.server(speaking, Millis(now as u64));
        self.turn(change)
    }

    fn turn(&mut self, change: Option<Speech>) -> bool {
        match change {
            Some(Speech::Started { .. }) => self.speaking = true,
            Some(Speech::Stopped { .. }) => self.speaking = false,
            None => {}
        }
        self.speaking
    }
}
