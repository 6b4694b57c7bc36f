//! Throughline's reference server and fault proxy.
//!
//! [`Server`] speaks `PROTOCOL.md` at `/realtime`, data channels included, plain JSON at `/json`, and runs two small
//! applications on both. [`fault`] stands in front of any server and breaks it on purpose.

pub mod fault;
pub mod hub;
pub mod openai;
pub mod origin;
pub mod server;
pub mod token;
pub mod turn;
pub mod webrtc;

mod app;
mod route;
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "nothing is kept without a store")
)]
pub mod store;
mod voice;

pub use server::{Profile, Server, ServerConfig, StartError};
