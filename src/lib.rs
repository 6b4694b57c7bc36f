//! Throughline's browser SDK: one realtime session over changing transports.
//!
//! ```text
//!    JS app
//!      │  calls               ▲  events, one turn at a time
//!    pkg/js      session.js   │  listeners · async iterator · wasm loading
//!      ▼                      │
//!    host        pkg/js/host.js      input → core → perform → one timer → deliver
//!      ▼            │         ▲  reports (queued, with the attempt's number)
//!    driver         ▼         │
//!  src/*.rs      transport    │      src/transport/*   open · send · close · report
//!      ▼            │         │
//!    core           ▼         │
//!  crates/core   network  ⇄  crates/server
//!    (pure)
//! ```
//!
//! Arrows run one way; what travels up is data. Payloads stay JavaScript values: the browser's
//! `JSON.parse` reads a unit, and only numbers cross into WebAssembly.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod session;

mod causes;
mod driver;
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
mod memory;
mod numbers;
#[cfg(all(target_family = "wasm", not(feature = "bindgen")))]
mod plain;

#[cfg(feature = "voice")]
pub mod audio;
#[cfg(feature = "voice")]
pub mod negotiation;

pub use session::Core;

#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
#[global_allocator]
static ALLOCATOR: memory::Memory = memory::Memory::new();

#[cfg(all(target_family = "wasm", not(feature = "std")))]
#[panic_handler]
fn trap(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
