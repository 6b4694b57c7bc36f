//! Sound in messages: how it is written, and what is heard in it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use throughline_core::vad::{Config, Speech};

use crate::voice::{Ear, Law, RATE, Resampler};

/// Samples a second of PCM in messages.
const WIDE: u32 = 24_000;

/// Samples that the ear gets at once: it keeps the room that the most of them took.
const AT_ONCE: usize = 4_800;

/// How sound is written in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// PCM16, little-endian, at 24 kHz.
    Pcm,
    /// G.711, at 8 kHz.
    G711(Law),
}

impl Format {
    /// By its name of today, an object, or the one before, a string.
    pub(super) fn read(format: &Value) -> Option<Self> {
        let is_wide = format.get("rate").is_none_or(|rate| *rate == WIDE);
        match format.get("type").unwrap_or(format).as_str()? {
            "audio/pcm" | "pcm16" if is_wide => Some(Self::Pcm),
            "audio/pcmu" | "g711_ulaw" => Some(Self::G711(Law::Mu)),
            "audio/pcma" | "g711_alaw" => Some(Self::G711(Law::A)),
            _ => None,
        }
    }

    const fn rate(self) -> u32 {
        match self {
            Self::Pcm => WIDE,
            Self::G711(_) => RATE,
        }
    }

    /// Samples at [`RATE`] as base64.
    pub(super) fn encode(self, widen: &mut Resampler, samples: &[i16]) -> String {
        STANDARD.encode(match self {
            Self::Pcm => {
                let wide = widen.push(samples);
                wide.iter()
                    .flat_map(|sample| sample.to_le_bytes())
                    .collect()
            }
            Self::G711(law) => law.encode(samples),
        })
    }

    /// The samples that base64 says, at the format's rate; `None` where it says none.
    fn decode(self, text: &str) -> Option<Vec<i16>> {
        let bytes = STANDARD.decode(text).ok()?;
        match self {
            Self::Pcm if bytes.len() % 2 == 1 => None,
            Self::Pcm => {
                let pairs = bytes.chunks_exact(2);
                Some(
                    pairs
                        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                        .collect(),
                )
            }
            Self::G711(law) => Some(law.decode(&bytes)),
        }
    }
}

/// From [`RATE`] to that of PCM in messages.
pub(super) fn widener() -> Resampler {
    Resampler::new(RATE, WIDE)
}

/// What is heard of the user, in milliseconds since the first sound.
#[derive(Debug)]
pub(super) struct Listener {
    ear: Ear,
    pause: Duration,
    /// Where the ear began to count.
    base: u64,
    /// Samples at [`RATE`] since the ear began.
    samples: u64,
    /// Where what is not yet committed begins.
    from: u64,
}

/// Somebody began or ceased to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Started { ms: u64 },
    Stopped { ms: u64 },
}

impl Listener {
    pub(super) fn new() -> Self {
        let pause = Duration::from_millis(Config::default().hangover.into());
        Self {
            ear: Ear::new(Config::default()),
            pause,
            base: 0,
            samples: 0,
            from: 0,
        }
    }

    /// Changes the quiet that ends a turn. What was being said is forgotten where it changes.
    pub(super) fn set_pause(&mut self, pause: Duration) {
        if self.pause == pause {
            return;
        }
        let hangover = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        let config = Config {
            hangover: hangover.max(20),
            ..Config::default()
        };
        *self = Self {
            ear: Ear::new(config),
            pause,
            base: self.now(),
            samples: 0,
            from: self.from,
        };
    }

    /// Hears base64 of this format; `None`: it says no sound.
    pub(super) fn hear_text(&mut self, text: &str, format: Format) -> Option<Vec<Change>> {
        let samples = format.decode(text)?;
        Some(self.hear(&samples, format.rate()))
    }

    pub(super) fn hear(&mut self, samples: &[i16], rate: u32) -> Vec<Change> {
        self.samples += samples.len() as u64 * u64::from(RATE) / u64::from(rate);
        let base = self.base;
        let frames = samples.chunks(AT_ONCE);
        let frames = frames.flat_map(|samples| self.ear.push(samples, rate));
        let speeches = frames.filter_map(|frame| frame.speech);
        speeches.map(|speech| change(base, speech)).collect()
    }

    /// Nothing comes any more: whoever spoke has stopped.
    pub(super) fn fall_silent(&mut self) -> Option<Change> {
        let speech = self.ear.fall_silent()?;
        self.samples += u64::from(RATE);
        Some(change(self.base, speech))
    }

    pub(super) const fn hears_speech(&self) -> bool {
        self.ear.hears_speech()
    }

    /// Milliseconds that were heard and not committed or cleared.
    pub(super) const fn held(&self) -> u64 {
        self.now().saturating_sub(self.from)
    }

    /// What was heard is committed, or cleared.
    pub(super) const fn drain(&mut self) {
        self.from = self.now();
    }

    const fn now(&self) -> u64 {
        self.base + self.samples * 1_000 / RATE as u64
    }
}

fn change(base: u64, speech: Speech) -> Change {
    match speech {
        Speech::Started { at } => Change::Started { ms: base + at.0 },
        Speech::Stopped { at } => Change::Stopped { ms: base + at.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_heard_as_many_short_ones() {
        let second =
            |level: i16| (0..24_000).map(move |i| if i % 24 < 12 { level } else { -level });
        let levels = [0, 6_000, 0, 0, 6_000, 6_000, 0, 0];
        let sound: Vec<i16> = levels.into_iter().flat_map(second).collect();
        let (mut whole, mut parts) = (Listener::new(), Listener::new());
        let heard = whole.hear(&sound, WIDE);
        let short = sound.chunks(481).flat_map(|part| parts.hear(part, WIDE));
        assert_eq!(heard, short.collect::<Vec<_>>());
        assert_eq!(heard.len(), 4);
        assert_eq!(whole.held(), 8_000);
    }
}
