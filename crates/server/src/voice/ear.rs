//! What is heard of a peer: 20 ms at a time, and whether it is speech.

use throughline_core::Millis;
use throughline_core::vad::{Config, Speech, Vad};

use super::resample::Resampler;
use super::{FRAME, RATE};

/// Frames in a second.
const PAUSE: u64 = 50;

/// Takes sound at any rate.
#[derive(Debug)]
pub(crate) struct Ear {
    rate: u32,
    resampler: Resampler,
    /// Less than a frame.
    rest: Vec<i16>,
    vad: Vad,
    speech: Option<Speech>,
    /// Frames heard so far: the ear's own time, whatever the pace at which they came.
    frames: u64,
}

/// Twenty milliseconds, and what they decided.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) samples: Vec<i16>,
    pub(crate) speech: Option<Speech>,
}

impl Ear {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            rate: RATE,
            resampler: Resampler::new(RATE, RATE),
            rest: Vec::new(),
            vad: Vad::new(config),
            speech: None,
            frames: 0,
        }
    }

    /// Takes samples, and returns the frames that they complete.
    pub(crate) fn push(&mut self, samples: &[i16], rate: u32) -> Vec<Frame> {
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
    pub(crate) fn fall_silent(&mut self) -> Option<Speech> {
        // More silence than any pause in a sentence.
        self.frames += PAUSE;
        self.decide(0.0)
    }

    pub(crate) const fn hears_speech(&self) -> bool {
        matches!(self.speech, Some(Speech::Started { .. }))
    }

    fn judge(&mut self, frame: &[i16]) -> Frame {
        self.frames += 1;
        Frame {
            samples: frame.to_vec(),
            speech: self.decide(loudness(frame)),
        }
    }

    fn decide(&mut self, level: f32) -> Option<Speech> {
        let speech = self.vad.push(level, Millis(self.frames * 20));
        self.speech = speech.or(self.speech);
        speech
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
