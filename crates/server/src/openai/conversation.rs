//! A conversation, whatever carries it: events and sound in, events and sound out, and when to look
//! again. It knows no clock: time is a span since it began.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use self::reply::Playback;
use super::event::{Names, Order, Problem};
use super::items::Items;
use super::response::{Carrier, Response, heard_answer};
use super::settings::{Settings, Turns};
use super::sound::{Change, Listener, widener};
use crate::voice::{RATE, Resampler};

mod order;
mod reply;
#[cfg(test)]
mod tests;

/// Speech in packets that come no longer has stopped.
const SILENCE: Duration = Duration::from_secs(1);

/// From a turn's end to each part of its transcript.
const TRANSCRIPT: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(190)];
const TRANSCRIBED: Duration = Duration::from_millis(230);

/// What a conversation is held under.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) carrier: Carrier,
    pub(super) names: Names,
    /// Factor for the pace of what is said.
    pub(super) speed: f64,
    /// How long it may last.
    pub(super) longest: Duration,
}

/// What is to go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Out {
    Event(String),
    /// 20 ms at [`RATE`].
    Sound(Vec<i16>),
    /// It has lasted for as long as it may.
    Expired,
}

/// Both sides of it.
#[derive(Debug)]
pub(super) struct Conversation {
    terms: Terms,
    /// What every id of it contains.
    seed: String,
    named: u64,
    settings: Settings,
    items: Items,
    listener: Listener,
    user: User,
    /// When sound came last in packets.
    heard: Duration,
    response: Option<Response>,
    owed: Owed,
    /// What is played to the user, as far as the server knows.
    playback: Option<Playback>,
    /// Parts of transcripts, in the order in which they are due.
    transcripts: VecDeque<(Duration, Value)>,
    asked: usize,
    answered: usize,
    widen: Resampler,
    out: VecDeque<Out>,
}

/// What the user does.
#[derive(Debug)]
enum User {
    Listens,
    /// It speaks, and this is the item that it makes.
    Speaks {
        item: String,
    },
}

/// Whether the user's turn ended while a response was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    Nothing,
    Answer,
}

/// What is due next.
#[derive(Debug, Clone, Copy)]
enum Due {
    Response,
    Playback,
    Transcript,
    Silence,
    Expiry,
}

impl Conversation {
    /// Begins one, and says so.
    pub(super) fn new(terms: Terms, seed: String, settings: Settings) -> Self {
        let mut conversation = Self {
            terms,
            seed,
            named: 0,
            settings,
            items: Items::default(),
            listener: Listener::new(),
            user: User::Listens,
            heard: Duration::ZERO,
            response: None,
            owed: Owed::Nothing,
            playback: None,
            transcripts: VecDeque::new(),
            asked: 0,
            answered: 0,
            widen: widener(),
            out: VecDeque::new(),
        };
        conversation.obey_settings();
        let session = conversation.settings.to_json().clone();
        conversation.tell(json!({ "type": "session.created", "session": session }));
        conversation
    }

    /// Takes an event of the client.
    pub(super) fn handle(&mut self, text: &str, now: Duration) {
        self.step(now);
        let refused = match Order::read(text) {
            Ok(order) => self
                .obey(&order, now)
                .map_err(|problem| (problem, order.id())),
            Err(refused) => Err(refused),
        };
        if let Err((problem, id)) = refused {
            self.refuse(&problem, id);
        }
    }

    /// Takes sound that came in packets, at [`RATE`].
    pub(super) fn hear(&mut self, samples: &[i16], now: Duration) {
        self.step(now);
        self.heard = now;
        let changes = self.listener.hear(samples, RATE);
        self.note(changes, now);
    }

    /// Does all that is due.
    pub(super) fn step(&mut self, now: Duration) {
        loop {
            let (due, what) = self.next();
            if due > now {
                return;
            }
            match what {
                Due::Response => self.step_response(due),
                Due::Playback => self.step_playback(),
                Due::Transcript => {
                    if let Some((_, event)) = self.transcripts.pop_front() {
                        self.transcribe(event);
                    }
                }
                Due::Silence => {
                    // A pause may be longer than this silence.
                    self.heard = due;
                    let change = self.listener.fall_silent();
                    self.note(change, due);
                }
                Due::Expiry => return self.expire(),
            }
        }
    }

    /// When to look again.
    pub(super) fn due(&self) -> Duration {
        self.next().0
    }

    /// The next thing that goes out.
    pub(super) fn take(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    fn next(&self) -> (Duration, Due) {
        let response = self.response.as_ref();
        let response = response.map(|it| (it.next(self.terms.carrier).0, Due::Response));
        let playback = self.playback.as_ref().map(|it| (it.due(), Due::Playback));
        let transcript = self.transcripts.front();
        let transcript = transcript.map(|(due, _)| (*due, Due::Transcript));
        // In messages, only sound tells time.
        let silence = match self.terms.carrier {
            Carrier::Packets if self.listener.hears_speech() => {
                Some((self.heard + SILENCE, Due::Silence))
            }
            Carrier::Packets | Carrier::Messages => None,
        };
        // What is played ends before the next begins.
        let all = [playback, response, transcript, silence];
        let first = all.into_iter().flatten().min_by_key(|(due, _)| *due);
        let last = (self.terms.longest, Due::Expiry);
        first.filter(|(due, _)| *due < last.0).unwrap_or(last)
    }

    fn note(&mut self, changes: impl IntoIterator<Item = Change>, now: Duration) {
        let Turns::Heard {
            padding,
            creates_response,
            interrupts_response,
            ..
        } = self.settings.turns()
        else {
            return;
        };
        for change in changes {
            match change {
                Change::Started { ms } => {
                    let item = self.name("item");
                    self.tell(json!({
                        "type": "input_audio_buffer.speech_started",
                        "audio_start_ms": ms.saturating_sub(padding),
                        "item_id": item,
                    }));
                    self.user = User::Speaks { item };
                    if interrupts_response {
                        self.interrupt(now);
                    }
                }
                Change::Stopped { ms } => {
                    let user = std::mem::replace(&mut self.user, User::Listens);
                    let User::Speaks { item } = user else {
                        continue;
                    };
                    self.tell(json!({
                        "type": "input_audio_buffer.speech_stopped",
                        "audio_end_ms": ms,
                        "item_id": item,
                    }));
                    self.commit(item, now);
                    if creates_response {
                        self.answer_turn(now);
                    }
                }
            }
        }
    }

    /// Makes an item of what was heard.
    fn commit(&mut self, id: String, now: Duration) {
        self.listener.drain();
        let previous = self.items.last_id();
        let item = json!({
            "id": id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{ "type": "input_audio", "transcript": null }],
        });
        self.items.append(&id, item.clone());
        self.tell(json!({
            "type": "input_audio_buffer.committed",
            "previous_item_id": previous,
            "item_id": id,
        }));
        self.tell_item(&item, &previous);
        if self.settings.has_transcription() {
            self.plan_transcript(&id, now);
        }
    }

    fn tell_item(&mut self, item: &Value, previous: &Value) {
        for kind in ["conversation.item.added", "conversation.item.done"] {
            self.tell(json!({ "type": kind, "previous_item_id": previous, "item": item }));
        }
    }

    fn plan_transcript(&mut self, item: &str, now: Duration) {
        let text = heard_answer(self.answered);
        self.answered += 1;
        let (first, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
        let kind = "conversation.item.input_audio_transcription";
        for (after, delta) in TRANSCRIPT.into_iter().zip([first, rest]) {
            let event = json!({
                "type": format!("{kind}.delta"),
                "item_id": item,
                "content_index": 0,
                "delta": delta,
            });
            let due = now + after.div_f64(self.terms.speed);
            self.transcripts.push_back((due, event));
        }
        let event = json!({
            "type": format!("{kind}.completed"),
            "item_id": item,
            "content_index": 0,
            "transcript": text,
            "usage": { "type": "duration", "seconds": 1 },
        });
        let due = now + TRANSCRIBED.div_f64(self.terms.speed);
        self.transcripts.push_back((due, event));
    }

    fn transcribe(&mut self, event: Value) {
        let id = event["item_id"].as_str().unwrap_or_default();
        // One that was deleted meanwhile has no transcript.
        if let Some(item) = self.items.get_mut(id) {
            let part = item.value.pointer_mut("/content/0");
            let part = part.and_then(Value::as_object_mut);
            if let (Some(part), Some(said @ Value::String(_))) = (part, event.get("transcript")) {
                part.insert("transcript".to_owned(), said.clone());
            }
            self.tell(event);
        }
    }

    /// Lets the settings have their effect.
    fn obey_settings(&mut self) {
        match self.settings.turns() {
            Turns::Heard { pause, .. } => self.listener.set_pause(pause),
            Turns::Client => {}
        }
    }

    fn expire(&mut self) {
        let minutes = self.terms.longest.as_secs() / 60;
        let message = format!("Your session hit the maximum duration of {minutes} minutes.");
        self.refuse(&Problem::new("session_expired", message), Value::Null);
        self.out.push_back(Out::Expired);
        // Nothing comes after it.
        self.terms.longest = Duration::MAX;
        self.response = None;
        self.playback = None;
        self.transcripts.clear();
    }

    fn refuse(&mut self, problem: &Problem, id: Value) {
        let mut error = problem.to_json();
        error["event_id"] = id;
        self.tell(json!({ "type": "error", "error": error }));
    }

    fn tell(&mut self, mut event: Value) {
        event["event_id"] = self.name("event").into();
        if let Some(event) = self.terms.names.write(event) {
            self.out.push_back(Out::Event(event.to_string()));
        }
    }

    fn name(&mut self, kind: &str) -> String {
        self.named += 1;
        format!("{kind}_{}{:05}", self.seed, self.named)
    }
}
