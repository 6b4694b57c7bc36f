//! Inputs of every kind, in any order, for the client half.
#![no_main]

#[path = "../../crates/core/tests/fuzz/cursor.rs"]
mod cursor;
#[path = "../../crates/core/tests/fuzz/session.rs"]
mod session;

libfuzzer_sys::fuzz_target!(|input: &[u8]| session::run(input));
