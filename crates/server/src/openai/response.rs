//! What is answered, and when each part of it is due.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::settings::Modality;
use crate::app::QUESTIONS;
use crate::voice::{FRAME, RATE, prompt};

/// From a turn's end to the first word.
const THOUGHT: Duration = Duration::from_millis(200);

/// Between two pieces of text that nobody says.
const PIECE: Duration = Duration::from_millis(20);

/// Samples in a message of sound.
pub(super) const CHUNK: usize = RATE as usize / 10;

/// What the user is taken to have said: nobody here understands speech.
const ANSWERS: [&str; 6] = [
    "I build audio tools.",
    "It was a tool that measures latency, and I wrote its clock.",
    "A queue filled up, and so I gave it a bound.",
    "When its tests would fail without it.",
    "How to write a codec.",
    "No, thank you.",
];

/// Most properties of a call's arguments that are made up, and most letters of what was said in each.
const PROPERTIES: usize = 16;
const LETTERS: usize = 1_000;

/// What carries a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// WebRTC: sound goes in packets at its own pace, and the server knows what is played.
    Packets,
    /// A WebSocket: sound goes in messages, well ahead of what is played.
    Messages,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Speech {
        text: String,
        sound: Arc<[i16]>,
        samples: usize,
    },
    Text(String),
    Call {
        name: String,
        call: String,
        arguments: String,
    },
}

/// A response under way.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) id: String,
    pub(super) item: String,
    /// `previous_item_id` of its item.
    pub(super) previous: Value,
    pub(super) answer: Answer,
    pub(super) place: Place,
    pub(super) metadata: Value,
    pub(super) stage: Stage,
}

/// Where its item goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Conversation,
    /// Nowhere: the response is for itself.
    Nowhere,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing is said yet.
    Thinking {
        until: Duration,
    },
    Saying(Saying),
}

/// How far it has come.
#[derive(Debug)]
pub(super) struct Saying {
    pub(super) since: Duration,
    /// How long it takes to make.
    pub(super) span: Duration,
    pub(super) pieces: Vec<String>,
    pub(super) said: usize,
    /// Samples that went in messages.
    pub(super) sent: usize,
}

/// The next part of a response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Piece(String),
    /// Samples from here on, at most [`CHUNK`].
    Sound(usize),
    Done,
}

impl Response {
    /// When it has thought, if it begins now.
    pub(super) fn thought(now: Duration, speed: f64) -> Duration {
        now + THOUGHT.div_f64(speed)
    }

    /// Begins to say it.
    pub(super) fn begin(&mut self, now: Duration, carrier: Carrier, speed: f64) {
        let pieces = self.answer.pieces();
        let span = match (&self.answer, carrier) {
            // A model is ahead of what it says.
            (Answer::Speech { samples, .. }, Carrier::Packets) => span_of(*samples).mul_f64(0.75),
            (Answer::Speech { samples, .. }, Carrier::Messages) => span_of(*samples).mul_f64(0.25),
            (Answer::Text(_) | Answer::Call { .. }, _) => {
                PIECE.mul_f64(pieces.len() as f64 / speed)
            }
        };
        self.stage = Stage::Saying(Saying {
            since: now,
            span,
            pieces,
            said: 0,
            sent: 0,
        });
    }

    /// When its next part is due, and what that is, once it is being said.
    pub(super) fn next(&self, carrier: Carrier) -> (Duration, Option<Part>) {
        let saying = match &self.stage {
            Stage::Thinking { until } => return (*until, None),
            Stage::Saying(saying) => saying,
        };
        let at = |share: f64| saying.since + saying.span.mul_f64(share);
        let piece = saying.pieces.get(saying.said).map(|piece| {
            let share = saying.said as f64 / saying.pieces.len() as f64;
            (at(share), Part::Piece(piece.clone()))
        });
        let sound = match (&self.answer, carrier) {
            (Answer::Speech { samples, .. }, Carrier::Messages) if saying.sent < *samples => {
                let share = saying.sent as f64 / *samples as f64;
                Some((at(share), Part::Sound(saying.sent)))
            }
            (Answer::Speech { .. } | Answer::Text(_) | Answer::Call { .. }, _) => None,
        };
        let first = [piece, sound]
            .into_iter()
            .flatten()
            .min_by_key(|(due, _)| *due);
        let (due, part) = first.unwrap_or((at(1.0), Part::Done));
        (due, Some(part))
    }

    /// What of its text was said.
    pub(super) fn said(&self) -> String {
        match &self.stage {
            Stage::Thinking { .. } => String::new(),
            Stage::Saying(saying) => saying
                .pieces
                .iter()
                .take(saying.said)
                .map(String::as_str)
                .collect(),
        }
    }

    /// Samples that were made until `now`.
    pub(super) fn made(&self, now: Duration) -> usize {
        match (&self.answer, &self.stage) {
            (Answer::Speech { samples, .. }, Stage::Saying(saying)) => {
                let elapsed = now.saturating_sub(saying.since).as_secs_f64();
                let share = (elapsed / saying.span.as_secs_f64().max(f64::MIN_POSITIVE)).min(1.0);
                (share * *samples as f64) as usize / FRAME * FRAME
            }
            (Answer::Speech { .. } | Answer::Text(_) | Answer::Call { .. }, _) => 0,
        }
    }
}

impl Answer {
    /// The question of so many before it. The pace shortens the time that it takes: of the sound only
    /// so much is said.
    pub(super) fn question(asked: usize, modality: Modality, speed: f64) -> Self {
        let text = QUESTIONS[asked % QUESTIONS.len()].to_owned();
        match modality {
            Modality::Text => Self::Text(text),
            Modality::Audio => {
                let sound = prompt(asked);
                let samples = (sound.len() as f64 / speed) as usize / FRAME * FRAME;
                let samples = samples.clamp(2 * CHUNK, sound.len());
                Self::Speech {
                    text,
                    sound,
                    samples,
                }
            }
        }
    }

    /// A call of a tool, with arguments made of what was said.
    pub(super) fn call(tool: &Value, call: String, said: &str) -> Self {
        Self::Call {
            name: tool["name"].as_str().unwrap_or_default().to_owned(),
            call,
            arguments: arguments(&tool["parameters"], said).to_string(),
        }
    }

    /// The item that it makes, once so much of it was said.
    pub(super) fn item(&self, id: &str, status: &str, said: &str) -> Value {
        let message = |part: Value| {
            let content = if status == "in_progress" {
                json!([])
            } else {
                json!([part])
            };
            json!({ "type": "message", "role": "assistant", "content": content })
        };
        let mut item = match self {
            Self::Speech { .. } => message(json!({ "type": "output_audio", "transcript": said })),
            Self::Text(_) => message(json!({ "type": "output_text", "text": said })),
            Self::Call { name, call, .. } => {
                json!({ "type": "function_call", "name": name, "call_id": call, "arguments": said })
            }
        };
        item["id"] = id.into();
        item["object"] = "realtime.item".into();
        item["status"] = status.into();
        item
    }

    fn pieces(&self) -> Vec<String> {
        match self {
            Self::Speech { text, .. } | Self::Text(text) => {
                text.split_inclusive(' ').map(str::to_owned).collect()
            }
            Self::Call { arguments, .. } => {
                let middle = arguments
                    .find(':')
                    .map_or(arguments.len(), |colon| colon + 1);
                let (first, rest) = arguments.split_at(middle);
                let pieces = [first, rest].into_iter().filter(|piece| !piece.is_empty());
                pieces.map(str::to_owned).collect()
            }
        }
    }
}

/// What the user is taken to have said, so many answers before it.
pub(super) const fn heard_answer(answered: usize) -> &'static str {
    ANSWERS[answered % ANSWERS.len()]
}

/// How long so many samples last.
pub(super) const fn span_of(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 1_000_000 / RATE as u64)
}

/// Arguments that fit a JSON schema of one level.
fn arguments(schema: &Value, said: &str) -> Value {
    let said: String = said.chars().take(LETTERS).collect();
    let properties = schema["properties"].as_object();
    let properties = properties.into_iter().flatten().take(PROPERTIES);
    let made = properties.map(|(name, property)| {
        let value = match (&property["enum"][0], property["type"].as_str()) {
            (Value::Null, Some("number" | "integer")) => 1.into(),
            (Value::Null, Some("boolean")) => true.into(),
            (Value::Null, Some("array")) => json!([]),
            (Value::Null, Some("object")) => json!({}),
            (Value::Null, Some(_) | None) => said.as_str().into(),
            (first, _) => first.clone(),
        };
        (name.clone(), value)
    });
    made.collect::<Map<String, Value>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(answer: Answer) -> Response {
        Response {
            id: "resp_1".to_owned(),
            item: "item_1".to_owned(),
            previous: Value::Null,
            answer,
            place: Place::Conversation,
            metadata: Value::Null,
            stage: Stage::Thinking {
                until: Duration::ZERO,
            },
        }
    }

    /// All parts in order, with when each was due.
    fn parts(response: &mut Response, carrier: Carrier) -> Vec<(Duration, Part)> {
        let mut parts = Vec::new();
        loop {
            let (due, part) = response.next(carrier);
            let part = part.unwrap();
            let Stage::Saying(saying) = &mut response.stage else {
                unreachable!("it was begun");
            };
            match part {
                Part::Piece(_) => saying.said += 1,
                Part::Sound(_) => saying.sent += CHUNK,
                Part::Done => {}
            }
            parts.push((due, part));
            if parts.last().unwrap().1 == Part::Done {
                return parts;
            }
        }
    }

    #[test]
    fn messages_bring_all_sound_ahead_of_its_time_and_packets_none() {
        let answer = Answer::question(0, Modality::Audio, 1.0);
        let Answer::Speech { samples, text, .. } = answer.clone() else {
            unreachable!("it is spoken");
        };
        for (carrier, chunks, share) in [
            (Carrier::Messages, samples.div_ceil(CHUNK), 0.25),
            (Carrier::Packets, 0, 0.75),
        ] {
            let mut response = response(answer.clone());
            response.begin(Duration::ZERO, carrier, 1.0);
            let parts = parts(&mut response, carrier);
            assert!(parts.is_sorted_by_key(|(due, _)| *due));
            let sounds = parts
                .iter()
                .filter(|(_, part)| matches!(part, Part::Sound(_)));
            assert_eq!(sounds.count(), chunks);
            assert_eq!(parts.last().unwrap().0, span_of(samples).mul_f64(share));
            assert_eq!(response.said(), text);
        }
    }

    #[test]
    fn a_calls_arguments_fit_its_schema() {
        let tool = json!({
            "name": "note",
            "parameters": { "properties": {
                "count": { "type": "integer" },
                "kind": { "enum": ["good", "bad"] },
                "topic": { "type": "string" },
            } },
        });
        let mut response = response(Answer::call(&tool, "call_1".into(), "note sound"));
        response.begin(Duration::ZERO, Carrier::Packets, 1.0);
        parts(&mut response, Carrier::Packets);
        let arguments: Value = serde_json::from_str(&response.said()).unwrap();
        assert_eq!(
            arguments,
            json!({ "count": 1, "kind": "good", "topic": "note sound" })
        );
        let bare = Answer::call(&json!({ "name": "x" }), "call_1".into(), "x");
        assert!(matches!(bare, Answer::Call { arguments, .. } if arguments == "{}"));
    }
}
