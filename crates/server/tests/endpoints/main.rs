//! The server by its endpoints: in this process, on real sockets.
#![allow(clippy::unwrap_used)]

mod access;
mod apps;
mod drain;
mod golden;
mod hostile;
mod json;
mod lifetime;
mod limits;
mod openai;
mod program;
mod rig;
mod room;
mod rtc;
mod sessions;
mod split;
mod voice;
