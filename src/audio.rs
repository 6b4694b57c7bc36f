//! Voice's flows: where something is waited for and decided. What the page wires together is `pkg/js/voice`.

mod activity;
mod microphone;
mod watch;

pub use activity::Activity;
pub use microphone::Microphone;
