//! Whether somebody speaks.

use throughline_core::Millis;

/// Louder than this is speech: −40 dB of full scale.
const LOUD: f32 = 0.01;

/// How long it must be loud to begin, and quiet to end.
const ONSET: u64 = 60;
const HANGOVER: u64 = 500;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    Started { at: Millis },
    Stopped { at: Millis },
}

/// Decides by loudness.
#[derive(Debug)]
pub(super) enum Vad {
    Quiet { loud_since: Option<Millis> },
    Speaking { loud: Millis },
}

impl Vad {
    pub(super) const fn new() -> Self {
        Self::Quiet { loud_since: None }
    }

    /// Takes the loudness of 20 ms, 1 being full scale.
    pub(super) fn push(&mut self, rms: f32, now: Millis) -> Option<Speech> {
        let is_loud = rms > LOUD;
        match self {
            Self::Quiet { loud_since } if !is_loud => {
                *loud_since = None;
                None
            }
            Self::Quiet { loud_since } => {
                let at = *loud_since.get_or_insert(now);
                if now - at < ONSET {
                    return None;
                }
                *self = Self::Speaking { loud: now };
                Some(Speech::Started { at })
            }
            Self::Speaking { loud } if is_loud => {
                *loud = now;
                None
            }
            Self::Speaking { loud } if now - *loud < HANGOVER => None,
            Self::Speaking { loud } => {
                let at = *loud;
                *self = Self::new();
                Some(Speech::Stopped { at })
            }
        }
    }
}
