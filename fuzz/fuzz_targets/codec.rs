//! Units, text and binary, read and written back.
#![no_main]

#[path = "../../crates/core/tests/fuzz/codec.rs"]
mod codec;

libfuzzer_sys::fuzz_target!(|input: &[u8]| codec::run(input));
