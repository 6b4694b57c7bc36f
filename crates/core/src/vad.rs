//! Is somebody speaking? By loudness over the noise of the place.
//!
//! The noise is the quietest moment of the last two seconds or so: speech has a dip in any second, a
//! fan has none. So a fan that starts is taken for speech for that long, and a note held for longer
//! for noise.

use crate::time::Millis;

/// Milliseconds over which the quietest moment is looked for, twice.
const SPAN: u64 = 1_000;

/// How the detector judges. Levels are root mean squares, of samples between −1 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Nothing quieter than this is speech.
    pub least: f32,
    /// Speech begins at so many times the noise,
    pub begins: f32,
    /// and lasts while it is this many times the noise.
    pub lasts: f32,
    /// Milliseconds that speech takes to begin: what is shorter is a click.
    pub onset: u32,
    /// Milliseconds of quiet that end it: what is shorter is a pause in a sentence.
    pub hangover: u32,
    /// Milliseconds for which the server's word counts, whatever is heard here.
    pub trust: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            least: 0.005,
            begins: 4.0,
            lasts: 2.5,
            onset: 60,
            hangover: 500,
            trust: 1_500,
        }
    }
}

/// A change. It is told later than it happened: by the onset, or by the hangover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// Somebody speaks.
    Started {
        /// Since when.
        at: Millis,
    },
    /// Nobody speaks any more.
    Stopped {
        /// Since when.
        at: Millis,
    },
}

/// What is heard here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Quiet {
        since: Millis,
    },
    /// Loud, but not for long enough.
    Rising {
        since: Millis,
    },
    Speaking {
        since: Millis,
        /// When it was last loud.
        last: Millis,
    },
}

/// What was told last, and since when that was so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Quiet(Millis),
    Speaking(Millis),
}

/// The quietest moments.
#[derive(Debug)]
struct Noise {
    before: f32,
    now: f32,
    until: Millis,
}

/// Hears who speaks.
///
/// The server's word goes before what is heard here: for [`Config::trust`] milliseconds after
/// [`Vad::server`] said that somebody speaks, or that nobody does, nothing that contradicts it is
/// told. Then what is heard here counts again, and if that is something else, it is told.
#[derive(Debug)]
pub struct Vad {
    config: Config,
    noise: Noise,
    state: State,
    told: Told,
    trust_until: Millis,
    /// When the last frame ended.
    heard: Option<Millis>,
}

impl Vad {
    /// Makes a detector that has heard nothing.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            noise: Noise::new(Millis(0)),
            state: State::Quiet { since: Millis(0) },
            told: Told::Quiet(Millis(0)),
            trust_until: Millis(0),
            heard: None,
        }
    }

    /// Hears a frame of this level that ends now. Frames of 5 to 50 ms do; a hole in them is silence.
    pub fn push(&mut self, level: f32, now: Millis) -> Option<Speech> {
        // No number is silence.
        let level = level.max(0.0);
        let last = self.heard.replace(now).unwrap_or(now);
        let hole = now - last > u64::from(self.config.hangover);
        let began = if hole { now } else { last };
        if hole {
            self.noise = Noise::new(now);
        }
        let (onset, hangover) = (self.config.onset.into(), self.config.hangover.into());
        let loud = self.is_loud(level);
        self.noise.hear(level, now);
        self.state = match self.state {
            State::Quiet { .. } if loud => State::Rising { since: began },
            State::Rising { .. } if loud && hole => State::Rising { since: began },
            State::Rising { since } if loud && now - since >= onset => {
                State::Speaking { since, last: now }
            }
            State::Rising { .. } if !loud => State::Quiet { since: now },
            State::Speaking { since, .. } if loud && !hole => State::Speaking { since, last: now },
            State::Speaking { last, .. } if now - last >= hangover => State::Quiet { since: last },
            same @ (State::Quiet { .. } | State::Rising { .. } | State::Speaking { .. }) => same,
        };
        self.tell(now)
    }

    /// Takes the server's word for it.
    pub fn server(&mut self, speaking: bool, now: Millis) -> Option<Speech> {
        self.trust_until = now + u64::from(self.config.trust);
        self.change(speaking, now)
    }

    fn is_loud(&self, level: f32) -> bool {
        let times = match self.state {
            State::Quiet { .. } | State::Rising { .. } => self.config.begins,
            State::Speaking { .. } => self.config.lasts,
        };
        level >= self.config.least.max(self.noise.level() * times)
    }

    /// Says what is heard here, where that is news and the server's word is old.
    fn tell(&mut self, now: Millis) -> Option<Speech> {
        if now < self.trust_until {
            return None;
        }
        match self.state {
            State::Quiet { since } => self.change(false, since),
            State::Rising { .. } => None,
            State::Speaking { since, .. } => self.change(true, since),
        }
    }

    /// Tells of a change, which is never before the one before it.
    fn change(&mut self, speaking: bool, since: Millis) -> Option<Speech> {
        match (self.told, speaking) {
            (Told::Quiet(before), true) => {
                let at = since.max(before);
                self.told = Told::Speaking(at);
                Some(Speech::Started { at })
            }
            (Told::Speaking(before), false) => {
                let at = since.max(before);
                self.told = Told::Quiet(at);
                Some(Speech::Stopped { at })
            }
            (Told::Quiet(_), false) | (Told::Speaking(_), true) => None,
        }
    }
}

impl Noise {
    const fn new(now: Millis) -> Self {
        Self {
            before: f32::INFINITY,
            now: f32::INFINITY,
            until: Millis(now.0 + SPAN),
        }
    }

    fn hear(&mut self, level: f32, now: Millis) {
        if now >= self.until {
            (self.before, self.now) = (self.now, f32::INFINITY);
            self.until = now + SPAN;
        }
        self.now = self.now.min(level);
    }

    /// The quietest moment; nothing is known before the first frame.
    fn level(&self) -> f32 {
        let level = self.before.min(self.now);
        if level.is_finite() { level } else { 0.0 }
    }
}
