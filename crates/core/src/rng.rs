//! The session's only source of chance: a generator seeded once.

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;

use crate::frame::Nonce;

/// A seeded generator with the few shapes the core draws.
#[derive(Debug, Clone)]
pub(crate) struct Rng(Xoshiro128PlusPlus);

impl Rng {
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        Self(Xoshiro128PlusPlus::from_seed(seed))
    }

    /// Draws uniformly from `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        let width = high.saturating_sub(low) + 1;
        // Multiply-shift on 32 bits: spans are milliseconds, the bias is below 2^-14.
        low + ((u64::from(self.0.next_u32()) * width) >> 32)
    }

    pub(crate) fn nonce(&mut self) -> Nonce {
        Nonce(u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64()))
    }
}
