//! What voice decides by numbers: whether the user speaks, whether the microphone hears. The flows are `pkg/js/voice`.

mod activity;
mod watch;

pub use activity::Activity;
pub use watch::Watch;
