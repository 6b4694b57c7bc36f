//! The interviewer's recordings: `assets/voice/README.md` says what they are.

use std::sync::{Arc, LazyLock};

use super::Law;

const RECORDINGS: [&[u8]; 6] = [
    include_bytes!("../../assets/voice/1.ul"),
    include_bytes!("../../assets/voice/2.ul"),
    include_bytes!("../../assets/voice/3.ul"),
    include_bytes!("../../assets/voice/4.ul"),
    include_bytes!("../../assets/voice/5.ul"),
    include_bytes!("../../assets/voice/6.ul"),
];

static PROMPTS: LazyLock<[Arc<[i16]>; 6]> =
    LazyLock::new(|| RECORDINGS.map(|recording| Law::Mu.decode(recording).into()));

/// The recording of a question.
pub(crate) fn samples(question: usize) -> Arc<[i16]> {
    PROMPTS[question % PROMPTS.len()].clone()
}
