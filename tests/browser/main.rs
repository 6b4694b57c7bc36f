//! The SDK in a browser, run by `wasm-pack test`: the compiled part by itself, and the built package against a running server.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

mod core;
mod session;
