//! Frames of every kind, in any order, on many links of the server half.
#![no_main]

#[path = "../../crates/core/tests/fuzz/cursor.rs"]
mod cursor;
#[path = "../../crates/core/tests/fuzz/server.rs"]
mod server;

libfuzzer_sys::fuzz_target!(|input: &[u8]| server::run(input));
