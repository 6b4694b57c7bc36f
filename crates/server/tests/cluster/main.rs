//! More than one node: real programs on a real Redis, behind a proxy that spreads connections, and
//! the core's own client half on the other side.

#![allow(missing_docs, clippy::unwrap_used)]

mod client;
mod failover;
mod outage;
mod proxy;
mod redis;
mod rig;
mod split;
mod topics;
