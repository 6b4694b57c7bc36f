//! The core of Throughline: a realtime session as a state machine that does no I/O.
//!
//! # The contract
//!
//! The whole boundary is four calls, and the order is always the same:
//!
//! 1. [`Session::handle`] tells the core one [`Input`]: what the application asked for, what a
//!    transport reported, what the environment did, or that the alarm rang. `now` never goes back.
//! 2. [`Session::poll_output`] is drained to `None`: each [`Output`] is one thing to do.
//! 3. [`Session::poll_timeout`] says when to call back with [`Input::Timeout`], if nothing else
//!    happens first. One alarm is enough; a late one is not mistaken for a silent network.
//! 4. [`Session::accept`] is the hot path beside them: it judges one numbered message, and the
//!    payload never enters the core.
//!
//! The core knows no browser, clock, random source or executor. Time is [`Millis`], randomness a
//! seed, so the same inputs give the same outputs.
//!
//! ```
//! use throughline_core::{Config, Input, Millis, Output, Session, Transport};
//!
//! let mut session: Session<String> = Session::new(Config::default(), [7; 16]);
//! session.handle(Input::Connect, Millis(0));
//! let opened = std::iter::from_fn(|| session.poll_output())
//!     .any(|output| matches!(output, Output::Open { transport: Transport::WebSocket, .. }));
//! assert!(opened);
//! assert_eq!(session.poll_timeout(), Some(Millis(250)), "the next transport joins the race");
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), no_std)]
#![warn(missing_debug_implementations, clippy::indexing_slicing)]

extern crate alloc;
#[cfg(any(test, feature = "server"))]
extern crate std;

pub mod backoff;
pub mod close;
pub mod config;
pub mod frame;
pub mod input;
#[cfg(feature = "voice")]
pub mod negotiation;
pub mod note;
pub mod output;
pub mod parts;
pub mod session;
pub mod time;
pub mod transports;

mod outbox;
mod rng;

#[cfg(feature = "voice")]
pub mod vad;
#[cfg(feature = "voice")]
pub mod watch;

#[cfg(feature = "server")]
pub mod codec;
#[cfg(feature = "server")]
pub mod server;

pub use close::{Cause, Ending, Verdict};
pub use config::{Config, Dialect, Memory, Readiness, Timing, WhenFull};
pub use frame::{Frame, Hello, Nonce, Ready, Transport};
pub use input::{AttemptId, Environment, Input, Report, Ticket};
pub use output::{Event, Outcome, Output, StateKind, TokenReason};
pub use session::{Accept, Restored, Session};
pub use time::Millis;
pub use transports::Transports;
