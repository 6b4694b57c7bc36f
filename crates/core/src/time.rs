//! Time as the core knows it: a number it is given.

use core::ops::{Add, Sub};

/// A moment (or a span) in milliseconds on the driver's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// Later than any other: what is due then is never due. A span may be added.
    pub(crate) const NEVER: Self = Self(1 << 62);
}

impl Add<u64> for Millis {
    type Output = Self;

    fn add(self, span: u64) -> Self {
        Self(self.0 + span)
    }
}

impl Sub for Millis {
    type Output = u64;

    /// Returns the span since `earlier`, or 0 if `earlier` is later.
    fn sub(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
