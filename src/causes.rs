//! What transports report, by the numbers they report it with: `pkg/js/core.js`.

use throughline_core::Cause;

/// Milliseconds that a server may make a page wait, at the most.
const LONGEST_WAIT: u32 = 3_600_000;

const CAUSES: [Cause; 12] = [
    Cause::Refused,
    Cause::Lost,
    Cause::Status,
    Cause::Closed,
    Cause::Blocked,
    Cause::BadAddress,
    Cause::Unavailable,
    Cause::Protocol,
    Cause::PostHung,
    Cause::Endpoint,
    Cause::Hang,
    Cause::Cut,
];

/// The cause that a transport reports.
pub(crate) fn reported(number: u8) -> Cause {
    CAUSES.get(number as usize).copied().unwrap_or(Cause::Lost)
}

/// The number of a cause.
#[cfg(feature = "voice")]
pub(crate) fn spelled(cause: Cause) -> i64 {
    let known = CAUSES.iter().position(|known| *known == cause);
    known.map_or(1, |number| number as i64)
}

/// A span in milliseconds; below 0 is none.
pub(crate) fn span(ms: f64) -> Option<u32> {
    (ms >= 0.0).then_some((ms as u32).min(LONGEST_WAIT))
}
