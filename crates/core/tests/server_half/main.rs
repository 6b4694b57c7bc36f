//! The server half by the clauses of `PROTOCOL.md`, spoken to frame by frame.
#![allow(clippy::unwrap_used)]

mod ending;
mod handshake;
mod hostile;
mod keeping;
mod lifetime;
mod memory;
mod messages;
mod store;
mod topics;
mod world;
