//! A token bucket in whole numbers.

use crate::time::Millis;

/// How fast messages may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Messages per second, in the long run.
    pub per_second: u32,
    /// Messages at once, after a rest.
    pub burst: u32,
}

/// What is left of a [`Rate`], in thousandths of a message.
#[derive(Debug)]
pub(super) struct Bucket {
    level: u64,
    at: Millis,
}

impl Bucket {
    pub(super) fn full(rate: Rate, now: Millis) -> Self {
        Self {
            level: u64::from(rate.burst) * 1_000,
            at: now,
        }
    }

    /// Takes one message's worth, if there is as much.
    pub(super) fn take(&mut self, rate: Rate, now: Millis) -> bool {
        let refill = (now - self.at).saturating_mul(rate.per_second.into());
        self.level = self
            .level
            .saturating_add(refill)
            .min(u64::from(rate.burst) * 1_000);
        self.at = now;
        match self.level.checked_sub(1_000) {
            Some(level) => {
                self.level = level;
                true
            }
            None => false,
        }
    }
}
