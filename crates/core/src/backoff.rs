//! How long to wait before the next round: full jitter over growing windows.

use crate::rng::Rng;

/// Windows in milliseconds. The first delay is uniform in `[0, w]`, later ones in `[w/4, w]`; the
/// last window repeats. Chosen by simulation, see `docs/storms.md`.
pub const WINDOWS: [u32; 4] = [1_200, 3_000, 7_000, 20_000];

/// The position in the windows. It goes back to the start only after a useful link.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    step: usize,
}

impl Backoff {
    /// Draws the next delay in milliseconds and moves on.
    pub(crate) fn next(&mut self, windows: &[u32], rng: &mut Rng) -> u64 {
        let window = windows
            .get(self.step)
            .or(windows.last())
            .copied()
            .unwrap_or(0)
            .into();
        let floor = if self.step == 0 { 0 } else { window / 4 };
        self.step = (self.step + 1).min(windows.len());
        rng.between(floor, window)
    }

    /// Whether no delay was drawn since the start.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.step == 0
    }

    /// Starts over at the first window.
    pub(crate) fn reset(&mut self) {
        self.step = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_delay_falls_in_its_window_and_the_last_window_repeats() {
        for seed in 0..200u8 {
            let mut rng = Rng::new([seed.wrapping_add(1); 16]);
            let mut backoff = Backoff::default();
            for step in 0..8 {
                let window = u64::from(WINDOWS[step.min(3)]);
                let delay = backoff.next(&WINDOWS, &mut rng);
                assert!(delay <= window);
                assert!(step == 0 || delay >= window / 4);
            }
        }
    }

    #[test]
    fn the_first_delay_covers_its_whole_window() {
        let mut rng = Rng::new([3; 16]);
        let delays: Vec<u64> = (0..2_000)
            .map(|_| Backoff::default().next(&WINDOWS, &mut rng))
            .collect();
        assert!(delays.iter().any(|d| *d < 60));
        assert!(delays.iter().any(|d| *d > 1_140));
    }
}
