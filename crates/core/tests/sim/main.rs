//! The client's core and the server half, joined by a simulated network in virtual time.
//!
//! One `u64` seeds everything: a run is a function of its seed. `THROUGHLINE_SIM_RUNS` sets how many
//! random runs there are, `THROUGHLINE_SIM_SEED` runs one of them aloud.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod acts;
mod app;
mod door;
mod invariants;
mod leaving;
mod net;
mod page;
mod peer;
mod plain;
mod queue;
mod random;
mod reload;
mod runs;
mod scenarios;
mod server;
mod tally;
mod transport;
mod wire;
mod world;
