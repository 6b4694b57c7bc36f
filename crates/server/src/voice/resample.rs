//! From one rate to another: a windowed sinc, for speech.

use std::f32::consts::PI;

/// Half the filter's length, in samples of the slower rate.
const REACH: usize = 8;

/// Turns samples at one rate into samples at another, block by block.
#[derive(Debug)]
pub(crate) struct Resampler {
    /// `up` samples come out for `down` that go in.
    up: usize,
    down: usize,
    /// The low-pass filter at `up` times the input rate.
    taps: Vec<f32>,
    /// The last samples that went in, the oldest first.
    history: Vec<f32>,
    /// Where the next output lies, in steps of `1/up` after the first sample of the next block.
    phase: usize,
}

impl Resampler {
    /// From `from` to `to` samples a second.
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let divisor = gcd(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        let slow = up.max(down);
        let length = match up == down {
            true => 1,
            false => 2 * REACH * slow + 1,
        };
        let middle = (length / 2) as f32;
        let taps = (0..length).map(|i| {
            let x = i as f32 - middle;
            let window = 0.5 + 0.5 * (PI * x / (middle + 1.0)).cos();
            window * sinc(x / slow as f32) * up as f32 / slow as f32
        });
        Self {
            up,
            down,
            history: vec![0.0; length.div_ceil(up)],
            taps: taps.collect(),
            phase: 0,
        }
    }

    /// The next block.
    pub(crate) fn push(&mut self, samples: &[i16]) -> Vec<i16> {
        if self.up == self.down {
            return samples.to_vec();
        }
        let held = self.history.len();
        let new = samples.iter().map(|sample| f32::from(*sample));
        self.history.extend(new);
        let mut out = Vec::with_capacity(samples.len() * self.up / self.down + 1);
        while self.phase < samples.len() * self.up {
            let (newest, first) = (self.phase / self.up + held, self.phase % self.up);
            let taps = self.taps.iter().skip(first).step_by(self.up);
            let heard = self.history[..=newest].iter().rev();
            let sum: f32 = taps.zip(heard).map(|(tap, sample)| tap * sample).sum();
            out.push(sum.round().clamp(-32_768.0, 32_767.0) as i16);
            self.phase += self.down;
        }
        self.phase -= samples.len() * self.up;
        self.history.drain(..samples.len());
        out
    }
}

fn sinc(x: f32) -> f32 {
    match x == 0.0 {
        true => 1.0,
        false => (PI * x).sin() / (PI * x),
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        b => gcd(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f32, count: usize) -> Vec<i16> {
        let step = 2.0 * PI * hertz / rate as f32;
        let wave = (0..count).map(|i| (10_000.0 * (step * i as f32).sin()) as i16);
        wave.collect()
    }

    fn loudness(samples: &[i16]) -> f32 {
        let sum: f32 = samples.iter().map(|s| f32::from(*s).powi(2)).sum();
        (sum / samples.len() as f32).sqrt()
    }

    #[test]
    fn speech_comes_through_and_what_would_alias_does_not() {
        for (from, to) in [
            (8_000, 16_000),
            (8_000, 24_000),
            (16_000, 8_000),
            (24_000, 8_000),
            (48_000, 8_000),
        ] {
            let loud = loudness(&tone(from, 1_000.0, 8_000));
            let out = Resampler::new(from, to).push(&tone(from, 1_000.0, from as usize));
            assert_eq!(out.len(), to as usize);
            let kept = loudness(&out[400..]) / loud;
            assert!((0.95..1.05).contains(&kept), "{from} {to} {kept}");
            if from > to {
                let out = Resampler::new(from, to).push(&tone(from, 6_000.0, from as usize));
                assert!(loudness(&out[400..]) / loud < 0.05, "{from} {to}");
            }
        }
    }

    #[test]
    fn blocks_make_no_seams() {
        for (from, to) in [(8_000, 24_000), (24_000, 8_000), (44_100, 8_000)] {
            let wave = tone(from, 700.0, 4_410);
            let whole = Resampler::new(from, to).push(&wave);
            let mut resampler = Resampler::new(from, to);
            let pieces: Vec<i16> = wave
                .chunks(37)
                .flat_map(|block| resampler.push(block))
                .collect();
            assert_eq!(pieces, whole);
        }
    }
}
