//! One peer's conversation in sound: a task, from the first sound to the peer's end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use throughline_core::codec::Body;
use throughline_core::vad::{self, Speech};
use tokio::sync::mpsc::Receiver;
use tokio::time::sleep_until;

use super::ear::Ear;
use super::mouth::{Rung, Source, Step, Utterance};
use super::resample::Resampler;
use super::{FRAME, Mode, RATE, Setting, Turn, Voices};
use crate::hub::Peer;

/// Whoever speaks and is not heard for this long has stopped.
const SILENCE: Duration = Duration::from_secs(1);

/// What a conversation is told.
#[derive(Debug)]
pub(super) enum Order {
    /// The peer was heard, at so many samples a second.
    Heard {
        samples: Vec<i16>,
        rate: u32,
    },
    /// The peer says no more for now.
    Stopped,
    /// The peer wants to hear no more of this stream.
    Interrupted {
        stream: u32,
    },
    Say {
        text: String,
        samples: Arc<[i16]>,
    },
    /// Nothing more is to be said for now.
    Hush,
    Set(Setting),
}

pub(super) struct Talk {
    voices: Voices,
    peer: Peer,
    orders: Receiver<Order>,
    setting: Setting,
    ear: Ear,
    heard: Instant,
    /// What is being said, if anything.
    utterance: Option<Utterance>,
    /// Streams said so far.
    streams: u32,
    /// Captions so far.
    captions: u32,
    widen: Resampler,
    /// When the peer began to speak, on the ear's clock.
    spoke_at: u64,
}

impl Talk {
    pub(super) fn new(voices: Voices, peer: Peer, orders: Receiver<Order>) -> Self {
        let setting = Setting::default();
        Self {
            voices,
            peer,
            orders,
            widen: Resampler::new(RATE, setting.rate),
            setting,
            ear: Ear::new(vad::Config::default()),
            heard: Instant::now(),
            utterance: None,
            streams: 0,
            captions: 0,
            spoke_at: 0,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let due = self.speak(Instant::now());
            let silent = self.ear.hears_speech().then(|| self.heard + SILENCE);
            let due = [due, silent].into_iter().flatten().min();
            let order = tokio::select! {
                biased;
                order = self.orders.recv() => order,
                () = until(due) => {
                    if self.ear.hears_speech() && self.heard.elapsed() >= SILENCE {
                        self.fall_silent();
                    }
                    continue;
                }
            };
            match order {
                Some(order) => self.obey(order),
                None => return,
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Heard { samples, rate } => self.hear(&samples, rate),
            Order::Stopped => {
                self.fall_silent();
                if self.setting.mode == Mode::Echo {
                    self.end();
                }
            }
            Order::Interrupted { stream } => {
                if self.utterance.as_ref().is_some_and(|u| u.stream == stream) {
                    self.flush();
                }
            }
            Order::Say { text, samples } => {
                self.flush();
                self.caption("agent", &text);
                self.begin(Source::Prompt(samples));
            }
            Order::Hush => self.flush(),
            Order::Set(setting) => {
                self.flush();
                self.widen = Resampler::new(RATE, setting.rate);
                self.setting = setting;
                match setting.mode {
                    Mode::Tone => self.begin(Source::Tone { phase: 0.0 }),
                    Mode::Interview | Mode::Echo => {}
                }
            }
        }
    }

    fn hear(&mut self, samples: &[i16], rate: u32) {
        self.heard = Instant::now();
        for frame in self.ear.push(samples, rate) {
            if self.setting.mode == Mode::Echo {
                if self.utterance.is_none() {
                    self.begin(Source::Echo(VecDeque::new()));
                }
                if let Some(utterance) = &mut self.utterance {
                    utterance.echo(&frame.samples);
                }
            }
            if let Some(speech) = frame.speech {
                self.notice(speech);
            }
        }
    }

    fn fall_silent(&mut self) {
        if let Some(speech) = self.ear.fall_silent() {
            self.notice(speech);
        }
    }

    /// The peer began to speak, or stopped: it is told so, and has its turn.
    fn notice(&mut self, speech: Speech) {
        let (speaking, at) = match speech {
            Speech::Started { at } => (true, at.0),
            Speech::Stopped { at } => (false, at.0),
        };
        self.tell("speech", &json!({ "speaking": speaking, "at": at }));
        match speech {
            Speech::Started { .. } => {
                self.spoke_at = at;
                if self.utterance.as_ref().is_some_and(Utterance::is_prompt) {
                    self.flush();
                }
            }
            Speech::Stopped { .. } if self.setting.mode == Mode::Interview => {
                let tenths = (at.saturating_sub(self.spoke_at) + 50) / 100;
                let text = format!("(spoke for {}.{} s)", tenths / 10, tenths % 10);
                self.caption("user", &text);
                // Nobody listens once the server goes away.
                let _ = self.voices.0.turns.send(Turn { peer: self.peer });
            }
            Speech::Stopped { .. } => {}
        }
    }

    /// Says all that is due, and returns when there is more.
    fn speak(&mut self, now: Instant) -> Option<Instant> {
        loop {
            let rung = self.voices.rung(self.peer);
            let utterance = self.utterance.as_mut()?;
            match utterance.step(rung, self.setting.chunk, now) {
                Step::Begin { rung, from } => {
                    let stream = utterance.stream;
                    let start = match rung {
                        Rung::Line(..) => {
                            json!({ "stream": stream, "rate": RATE, "from": from, "rtp": true })
                        }
                        Rung::Messages | Rung::None => {
                            let rate = self.setting.rate;
                            let from = from * u64::from(rate) / u64::from(RATE);
                            json!({ "stream": stream, "rate": rate, "from": from })
                        }
                    };
                    self.tell("audio:start", &start);
                }
                Step::Say { rung, samples } => match rung {
                    // A line that is full loses it, as the network would.
                    Rung::Line(_, line) => drop(line.sound.try_send(samples)),
                    Rung::Messages | Rung::None => {
                        let wide = self.widen.push(&samples);
                        self.voices.send_sound(self.peer, &wide);
                    }
                },
                Step::End => self.end(),
                Step::Wait(due) => return Some(due),
            }
        }
    }

    fn begin(&mut self, source: Source) {
        self.end();
        self.streams += 1;
        self.utterance = Some(Utterance::new(self.streams, source, Instant::now()));
    }

    /// Ends a stream that was said to its end.
    fn end(&mut self) {
        if let Some(utterance) = self.utterance.take() {
            self.tell("audio:end", &json!({ "stream": utterance.stream }));
        }
    }

    /// Ends a stream in its midst: what the peer has not played is not to be played.
    fn flush(&mut self) {
        if let Some(utterance) = self.utterance.take() {
            self.tell("audio:flush", &json!({ "stream": utterance.stream }));
        }
    }

    fn caption(&mut self, who: &str, text: &str) {
        self.captions += 1;
        let id = format!("caption-{}", self.captions);
        let caption = json!({ "id": id, "who": who, "text": text, "final": true });
        self.tell("caption", &caption);
    }

    fn tell(&self, kind: &str, payload: &Value) {
        match Body::json(kind, payload) {
            Ok(body) => self.voices.0.hub.send(self.peer, body),
            Err(error) => tracing::error!(%error, kind, "a message has no JSON form"),
        }
    }
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            mode: Mode::Interview,
            rate: RATE,
            chunk: FRAME,
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
