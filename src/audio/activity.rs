//! Whether the user speaks: the server says so, or the microphone's level does.

use wasm_bindgen::prelude::*;

/// Joins the local detector with the server's word.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Activity(Stub);

#[derive(Debug)]
struct Stub(bool);

#[wasm_bindgen]
impl Activity {
    /// Makes one that has heard nothing yet.
    #[allow(clippy::new_without_default, reason = "JavaScript's constructor")]
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self(Stub(false))
    }

    /// Takes a frame's root mean square (1 is full scale) at `now` in milliseconds and returns whether the user speaks.
    pub fn heard(&mut self, rms: f32, _now: f64) -> bool {
        self.0.0 = rms > 0.02;
        self.0.0
    }

    /// Takes the server's word, which goes before the microphone's for a while, and returns whether the user speaks.
    pub fn server(&mut self, speaking: bool, _now: f64) -> bool {
        self.0.0 = speaking;
        speaking
    }
}
