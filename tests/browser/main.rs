//! The browser crate in a browser: the facade and the transports against a running server, with a
//! small page-side host in place of `pkg/js`.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

mod handles;
mod links;
mod page;
mod parser;
