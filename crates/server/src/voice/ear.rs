//! What is heard of a peer: 20 ms at a time, and whether it is speech.

use throughline_core::Millis;

use super::resample::Resampler;
use super::vad::{Speech, Vad};
use super::{FRAME, RATE};

/// Takes sound at any rate.
#[derive(Debug)]
pub(super) struct Ear {
    rate: u32,
    resampler: Resampler,
    /// Less than a frame.
    rest: Vec<i16>,
    vad: Vad,
    /// Frames heard so far: the ear's own time, whatever the pace at which they came.
    frames: u64,
}

/// Twenty milliseconds, and what they decided.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) samples: Vec<i16>,
    pub(super) speech: Option<Speech>,
}

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            rate: RATE,
            resampler: Resampler::new(RATE, RATE),
            rest: Vec::new(),
            vad: Vad::new(),
            frames: 0,
        }
    }

    /// Takes samples, and returns the frames that they complete.
    pub(super) fn push(&mut self, samples: &[i16], rate: u32) -> Vec<Frame> {
        if rate != self.rate {
            self.rate = rate;
            self.resampler = Resampler::new(rate, RATE);
        }
        self.rest.extend(self.resampler.push(samples));
        let whole = self.rest.len() / FRAME * FRAME;
        let samples: Vec<i16> = self.rest.drain(..whole).collect();
        samples
            .chunks(FRAME)
            .map(|frame| self.judge(frame))
            .collect()
    }

    /// Nothing comes any more: whoever spoke has stopped.
    pub(super) fn fall_silent(&mut self) -> Option<Speech> {
        let at = self.now();
        match std::mem::replace(&mut self.vad, Vad::new()) {
            Vad::Speaking { .. } => Some(Speech::Stopped { at }),
            Vad::Quiet { .. } => None,
        }
    }

    pub(super) const fn hears_speech(&self) -> bool {
        matches!(self.vad, Vad::Speaking { .. })
    }

    fn judge(&mut self, frame: &[i16]) -> Frame {
        let now = self.now();
        self.frames += 1;
        Frame {
            samples: frame.to_vec(),
            speech: self.vad.push(loudness(frame), now),
        }
    }

    const fn now(&self) -> Millis {
        Millis(self.frames * 20)
    }
}

/// The root mean square, 1 being full scale.
fn loudness(frame: &[i16]) -> f32 {
    let sum: f32 = frame
        .iter()
        .map(|s| (f32::from(*s) / 32_768.0).powi(2))
        .sum();
    (sum / frame.len().max(1) as f32).sqrt()
}
