//! The bodies of `fuzz/fuzz_targets`, run over the corpora that fuzzing has grown:
//! `cargo +nightly fuzz run codec`, and so on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod codec;
mod cursor;
mod server;
mod session;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[test]
fn codec_corpus() {
    replay("codec", codec::run);
}

#[test]
fn server_corpus() {
    replay("server", server::run);
}

#[test]
fn session_corpus() {
    replay("session", session::run);
}

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut count = 0;
    for entry in fs::read_dir(corpus.join(target)).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        assert!(catch_unwind(|| run(&input)).is_ok(), "{}", path.display());
        count += 1;
    }
    assert!(count > 0, "no corpus of {target}");
}
