//! What is said to a peer: one stream at a time, at its own pace, on whatever carries it now.

use std::collections::VecDeque;
use std::f32::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};

use throughline_core::server::LinkId;

use super::{FRAME, Line, RATE};

/// How far messages may run ahead of real time. Packets do not: nothing holds them back.
const AHEAD: Duration = Duration::from_millis(200);

/// How often it is looked whether there is a way to the peer again.
const LOOK: Duration = Duration::from_millis(20);

/// A line that was silent for this long was dead: what went out meanwhile was not heard.
const DEAD: Duration = Duration::from_secs(1);

/// Most samples that wait to be echoed.
const ECHO: usize = 2 * RATE as usize;

/// What carries sound to a peer now.
#[derive(Debug, Clone)]
pub(super) enum Rung {
    /// Nothing: it waits.
    None,
    /// Packets of the link that owns the session.
    Line(LinkId, Line),
    /// Messages of the session.
    Messages,
}

/// Where the sound comes from.
#[derive(Debug)]
pub(super) enum Source {
    Prompt(Arc<[i16]>),
    /// A sine without end, whose pitch says which second it is: 400 Hz and 100 Hz more for each, up to
    /// 1,100 Hz, and again.
    Tone {
        phase: f32,
    },
    Echo(VecDeque<i16>),
}

/// A stream that is being said.
#[derive(Debug)]
pub(super) struct Utterance {
    pub(super) stream: u32,
    source: Source,
    rung: Rung,
    /// When its first sample was due, had it been said without a pause.
    begun: Instant,
    /// Samples said.
    at: u64,
    /// Samples said when the rung was reached.
    since: u64,
}

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Step {
    /// The stream begins on a rung, or goes on there, with sample `from`.
    Begin {
        rung: Rung,
        from: u64,
    },
    Say {
        rung: Rung,
        samples: Vec<i16>,
    },
    End,
    Wait(Instant),
}

impl Rung {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Messages, Self::Messages) => true,
            (Self::Line(a, _), Self::Line(b, _)) => a == b,
            (Self::None | Self::Messages | Self::Line(..), _) => false,
        }
    }
}

impl Utterance {
    pub(super) fn new(stream: u32, source: Source, now: Instant) -> Self {
        Self {
            stream,
            source,
            rung: Rung::None,
            begun: now,
            at: 0,
            since: 0,
        }
    }

    pub(super) const fn is_prompt(&self) -> bool {
        matches!(self.source, Source::Prompt(_))
    }

    /// Adds what is to be echoed; what waits too long for a way goes.
    pub(super) fn echo(&mut self, samples: &[i16]) {
        if let Source::Echo(waiting) = &mut self.source {
            waiting.extend(samples);
            let excess = waiting.len().saturating_sub(ECHO);
            waiting.drain(..excess);
        }
    }

    /// What is to be done at `now`, where `rung` carries sound, with messages of `chunk` samples.
    pub(super) fn step(&mut self, rung: Rung, chunk: usize, now: Instant) -> Step {
        if !self.rung.is_same(&rung) {
            self.leave(now);
            self.rung = rung.clone();
            self.since = self.at;
            return match &rung {
                Rung::None => Step::Wait(now + LOOK),
                Rung::Line(..) | Rung::Messages => Step::Begin {
                    rung,
                    from: self.at,
                },
            };
        }
        let (size, ahead) = match &rung {
            Rung::None => {
                self.pause(now);
                return Step::Wait(now + LOOK);
            }
            Rung::Line(..) => (FRAME, Duration::ZERO),
            Rung::Messages => (chunk, AHEAD),
        };
        let due = match self.source {
            Source::Prompt(_) | Source::Tone { .. } => self.begun + span(self.at),
            Source::Echo(_) => now,
        };
        if due > now + ahead {
            return Step::Wait(due - ahead);
        }
        match self.source.take(self.at, size) {
            Some(samples) if samples.is_empty() => Step::Wait(now + Duration::from_secs(60)),
            Some(samples) => {
                self.at += samples.len() as u64;
                Step::Say { rung, samples }
            }
            None => Step::End,
        }
    }

    /// Leaves a rung. What went out on a line after it had died is said again: of a stream that is
    /// never heard twice or not at all, no more than what passes between two signs of life of the
    /// peer.
    fn leave(&mut self, now: Instant) {
        match &self.rung {
            Rung::Line(_, line) => {
                let silent = now.saturating_duration_since(*line.sign.borrow());
                if silent >= DEAD {
                    let lost = silent.as_millis() as u64 * u64::from(RATE) / 1_000;
                    let frames = lost.min(self.at - self.since) / FRAME as u64;
                    self.at -= frames * FRAME as u64;
                }
                self.pause(now);
            }
            Rung::None => self.pause(now),
            // What runs ahead is played meanwhile.
            Rung::Messages => {}
        }
    }

    /// The next sample is due now.
    fn pause(&mut self, now: Instant) {
        let past = now.checked_sub(span(self.at));
        self.begun = past.unwrap_or(now);
    }
}

impl Source {
    /// At most `size` samples from `at` on, none if there are none yet; `None` at the end.
    fn take(&mut self, at: u64, size: usize) -> Option<Vec<i16>> {
        match self {
            Self::Prompt(samples) => {
                let rest = samples.get(at as usize..).unwrap_or_default();
                let taken = &rest[..rest.len().min(size)];
                (!taken.is_empty()).then(|| taken.to_vec())
            }
            Self::Tone { phase } => {
                let samples = (0..size as u64).map(|i| {
                    let second = (at + i) / u64::from(RATE);
                    let hertz = 400.0 + 100.0 * (second % 8) as f32;
                    *phase = (*phase + TAU * hertz / RATE as f32) % TAU;
                    (8_000.0 * phase.sin()) as i16
                });
                Some(samples.collect())
            }
            Self::Echo(waiting) if waiting.len() < size => Some(Vec::new()),
            Self::Echo(waiting) => Some(waiting.drain(..size).collect()),
        }
    }
}

/// How long so many samples last.
fn span(samples: u64) -> Duration {
    Duration::from_micros(samples * 1_000_000 / u64::from(RATE))
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};

    use super::*;

    struct Ladder {
        sign: watch::Sender<Instant>,
        line: Line,
    }

    impl Ladder {
        fn new(now: Instant) -> Self {
            let (sign, heard) = watch::channel(now);
            let (sound, _) = mpsc::channel(1);
            let line = Line { sound, sign: heard };
            Self { sign, line }
        }

        fn line(&self) -> Rung {
            Rung::Line(LinkId(1), self.line.clone())
        }
    }

    fn prompt(seconds: usize) -> Utterance {
        let samples: Vec<i16> = (0..seconds * RATE as usize).map(|i| i as i16).collect();
        Utterance::new(1, Source::Prompt(samples.into()), Instant::now())
    }

    /// Says all that is due until `now`, and returns it.
    fn say(utterance: &mut Utterance, rung: &Rung, now: Instant) -> Vec<i16> {
        let mut said = Vec::new();
        loop {
            match utterance.step(rung.clone(), FRAME, now) {
                Step::Begin { .. } => {}
                Step::Say { samples, .. } => said.extend(samples),
                Step::End | Step::Wait(_) => return said,
            }
        }
    }

    #[test]
    fn messages_run_ahead_and_packets_do_not() {
        let mut utterance = prompt(10);
        let now = utterance.begun;
        let ladder = Ladder::new(now);
        let ms = Duration::from_millis;
        assert_eq!(say(&mut utterance, &Rung::Messages, now).len(), 11 * FRAME);
        let later = now + ms(1_000);
        assert_eq!(
            say(&mut utterance, &Rung::Messages, later).len(),
            50 * FRAME
        );
        // What runs ahead is played first.
        ladder.sign.send_replace(later);
        assert_eq!(say(&mut utterance, &ladder.line(), later).len(), 0);
        assert_eq!(
            say(&mut utterance, &ladder.line(), later + ms(220)).len(),
            FRAME
        );
    }

    #[test]
    fn a_prompt_goes_on_where_it_was() {
        let mut utterance = prompt(10);
        let now = utterance.begun;
        let ladder = Ladder::new(now);
        let ms = Duration::from_millis;
        let mut said = say(&mut utterance, &ladder.line(), now + ms(500));
        ladder.sign.send_replace(now + ms(490));
        said.extend(say(&mut utterance, &Rung::None, now + ms(510)));
        said.extend(say(&mut utterance, &Rung::None, now + ms(5_000)));
        said.extend(say(&mut utterance, &Rung::Messages, now + ms(5_000)));
        let whole: Vec<i16> = (0..said.len()).map(|i| i as i16).collect();
        assert_eq!(said, whole);
    }

    #[test]
    fn what_went_out_on_a_dead_line_is_said_again() {
        let mut utterance = prompt(10);
        let now = utterance.begun;
        let ladder = Ladder::new(now);
        let ms = Duration::from_millis;
        say(&mut utterance, &ladder.line(), now + ms(1_000));
        let heard = utterance.at;
        ladder.sign.send_replace(now + ms(1_000));
        say(&mut utterance, &ladder.line(), now + ms(2_800));
        let again = say(&mut utterance, &Rung::Messages, now + ms(2_810));
        let off = i64::from(again[0]) - heard as i64;
        assert!(off.unsigned_abs() <= 2 * FRAME as u64, "{off}");
    }
}
