//! What is answered: from a response's creation to its end, and until its sound is played.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::event::{Order, Problem};
use super::super::items::said_by_user;
use super::super::response::{Answer, CHUNK, Carrier, Part, Place, Response, Stage, span_of};
use super::super::settings::{check_modalities, check_tools, modality_of};
use super::super::weight::check_size;
use super::{Conversation, Out, Owed, Terms, User};
use crate::voice::{FRAME, RATE};

/// Sound on its way to the user, in packets.
#[derive(Debug)]
pub(super) struct Playback {
    response: String,
    item: String,
    begun: Duration,
    sound: Arc<[i16]>,
    /// Samples that have gone, and how many there are.
    at: usize,
    end: usize,
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Completed,
    /// Why it was cancelled.
    Cancelled(&'static str),
}

impl Playback {
    pub(super) fn due(&self) -> Duration {
        self.begun + span_of(self.at.min(self.end))
    }
}

impl Conversation {
    pub(super) fn create_response(
        &mut self,
        wanted: &Map<String, Value>,
        now: Duration,
    ) -> Result<(), Problem> {
        if let Some(response) = &self.response {
            let message = format!(
                "Conversation already has an active response in progress: {}. Wait until the response is finished before creating a new one.",
                response.id
            );
            return Err(Problem::new(
                "conversation_already_has_active_response",
                message,
            ));
        }
        let modalities = wanted.get("output_modalities").or(wanted.get("modalities"));
        if let Some(modalities) = modalities {
            check_modalities(modalities, "response.output_modalities")?;
        }
        for name in ["tools", "metadata"] {
            let value = wanted.get(name).unwrap_or(&Value::Null);
            check_size(value, &format!("response.{name}"))?;
        }
        if let Some(tools) = wanted.get("tools") {
            check_tools(tools, "response.tools")?;
        }
        let modality = modalities.map_or(self.settings.modality(), modality_of);
        let place = match wanted.get("conversation").and_then(Value::as_str) {
            Some("none") => Place::Nowhere,
            Some(_) | None => Place::Conversation,
        };
        let answer = match self.call_for(wanted) {
            Some(call) => call,
            None => {
                let question = Answer::question(self.asked, modality, self.terms.speed);
                self.asked += 1;
                question
            }
        };
        let earliest = Response::thought(now, self.terms.speed);
        // What is said before it is played to its end.
        let played = self.playback.as_ref().map(|it| it.begun + span_of(it.end));
        let response = Response {
            id: self.name("resp"),
            item: self.name("item"),
            previous: Value::Null,
            answer,
            place,
            metadata: wanted.get("metadata").cloned().unwrap_or_default(),
            stage: Stage::Thinking {
                until: earliest.max(played.unwrap_or_default()),
            },
        };
        let told = told(&response, "in_progress", Value::Null, json!([]));
        self.tell(json!({ "type": "response.created", "response": told }));
        self.response = Some(response);
        Ok(())
    }

    /// The call of a tool: the one that the client wants, or the one that the user named last.
    fn call_for(&mut self, wanted: &Map<String, Value>) -> Option<Answer> {
        let said = said_by_user(self.items.last()?)?;
        let tools = wanted.get("tools").unwrap_or(self.settings.tools());
        let choice = wanted.get("tool_choice");
        let choice = choice.unwrap_or(self.settings.tool_choice());
        let is_meant = |tool: &&Value| match (choice.as_str(), tool["name"].as_str()) {
            (_, None) | (Some("none"), _) => false,
            (Some("required"), Some(_)) => true,
            (Some(_), Some(name)) => said.contains(name),
            (None, Some(name)) => choice["name"] == name,
        };
        let functions = tools.as_array()?.iter();
        let mut functions = functions.filter(|tool| tool["type"] == "function");
        let tool = functions.find(is_meant)?.clone();
        Some(Answer::call(&tool, self.name("call"), &said))
    }

    /// Answers the user's turn, now or after what is under way.
    pub(super) fn answer_turn(&mut self, now: Duration) {
        if self.create_response(&Map::new(), now).is_err() {
            self.owed = Owed::Answer;
        }
    }

    pub(super) fn cancel_response(&mut self, order: &Order, now: Duration) -> Result<(), Problem> {
        let meant = match order.members.get("response_id") {
            None => None,
            Some(_) => Some(order.text("response_id")?),
        };
        let active = self.response.as_ref();
        if active.is_none_or(|active| meant.is_some_and(|meant| meant != active.id)) {
            let message = "Cancellation failed: no active response found";
            return Err(Problem::new("response_cancel_not_active", message));
        }
        self.finish(Ending::Cancelled("client_cancelled"), now);
        Ok(())
    }

    /// The user speaks: nothing more is said.
    pub(super) fn interrupt(&mut self, now: Duration) {
        self.owed = Owed::Nothing;
        let cleared = self.clear_playback();
        self.finish(Ending::Cancelled("turn_detected"), now);
        if let Some((item, ms)) = cleared {
            self.truncate(&item, ms);
        }
    }

    /// Drops what is not played yet. Returns whose it was, and how much of it was played.
    pub(super) fn clear_playback(&mut self) -> Option<(String, u64)> {
        let playback = self.playback.take()?;
        self.tell(json!({
            "type": "output_audio_buffer.cleared",
            "response_id": playback.response,
        }));
        Some((playback.item, ms_of(playback.at)))
    }

    /// Cuts an item's sound off, and forgets what it said: nobody knows where in the text that is.
    pub(super) fn truncate(&mut self, id: &str, end: u64) {
        let Some(item) = self.items.get_mut(id) else {
            return;
        };
        item.sound_ms = Some(end);
        let part = item.value.pointer_mut("/content/0");
        if let Some(part) = part.and_then(Value::as_object_mut) {
            part.remove("transcript");
        }
        self.tell(json!({
            "type": "conversation.item.truncated",
            "item_id": id,
            "content_index": 0,
            "audio_end_ms": end,
        }));
    }

    /// The item that the user speaks into, if it does; then it does no longer.
    pub(super) fn take_spoken(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.user, User::Listens) {
            User::Listens => None,
            User::Speaks { item } => Some(item),
        }
    }

    pub(super) fn step_response(&mut self, now: Duration) {
        let carrier = self.terms.carrier;
        let Some(response) = &mut self.response else {
            return;
        };
        let part = response.next(carrier).1;
        match (part, &mut response.stage) {
            (None, _) | (_, Stage::Thinking { .. }) => self.begin_response(now),
            (Some(Part::Piece(delta)), Stage::Saying(saying)) => {
                saying.said += 1;
                let kind = match &response.answer {
                    Answer::Speech { .. } => "response.output_audio_transcript.delta",
                    Answer::Text(_) => "response.output_text.delta",
                    Answer::Call { .. } => "response.function_call_arguments.delta",
                };
                let mut event = within(response, kind);
                event["delta"] = delta.into();
                self.tell(event);
            }
            (Some(Part::Sound(from)), Stage::Saying(saying)) => {
                saying.sent += CHUNK;
                let mut event = within(response, "response.output_audio.delta");
                if let Answer::Speech { sound, samples, .. } = &response.answer {
                    let samples = sound.get(from..(*samples).min(from + CHUNK));
                    let output = self.settings.output();
                    let sound = output.encode(&mut self.widen, samples.unwrap_or_default());
                    event["delta"] = sound.into();
                }
                self.tell(event);
            }
            (Some(Part::Done), Stage::Saying(_)) => self.finish(Ending::Completed, now),
        }
    }

    fn begin_response(&mut self, now: Duration) {
        let Terms { carrier, speed, .. } = self.terms;
        let previous = self.items.last_id();
        let Some(response) = &mut self.response else {
            return;
        };
        response.begin(now, carrier, speed);
        response.previous = previous.clone();
        let item = response.answer.item(&response.item, "in_progress", "");
        let mut events = vec![output_item(response, "response.output_item.added", &item)];
        if response.place == Place::Conversation {
            self.items.append(&response.item, item.clone());
            events.push(json!({
                "type": "conversation.item.added",
                "previous_item_id": previous,
                "item": item,
            }));
        }
        if let Some(part) = part_of(&response.answer, "") {
            let mut event = within(response, "response.content_part.added");
            event["part"] = part;
            events.push(event);
        }
        if let (Answer::Speech { sound, samples, .. }, Carrier::Packets) =
            (&response.answer, carrier)
        {
            events.push(json!({
                "type": "output_audio_buffer.started",
                "response_id": response.id,
            }));
            self.playback = Some(Playback {
                response: response.id.clone(),
                item: response.item.clone(),
                begun: now,
                sound: sound.clone(),
                at: 0,
                end: *samples,
            });
        }
        for event in events {
            self.tell(event);
        }
    }

    /// Ends the response, if there is one.
    fn finish(&mut self, ending: Ending, now: Duration) {
        let Some(response) = self.response.take() else {
            return;
        };
        let (status, item_status, details) = match ending {
            Ending::Completed => ("completed", "completed", Value::Null),
            Ending::Cancelled(reason) => {
                let details = json!({ "type": "cancelled", "reason": reason });
                ("cancelled", "incomplete", details)
            }
        };
        let output = match response.stage {
            Stage::Thinking { .. } => json!([]),
            Stage::Saying(_) => {
                let said = response.said();
                let item = response.answer.item(&response.item, item_status, &said);
                self.tell_done(&response, &said, &item);
                self.keep(&response, &item, now);
                json!([item])
            }
        };
        let mut told = told(&response, status, details, output);
        told["usage"] = usage(&response);
        self.tell(json!({ "type": "response.done", "response": told }));
        self.tell(json!({
            "type": "rate_limits.updated",
            "rate_limits": [
                { "name": "tokens", "limit": 40_000, "remaining": 39_940, "reset_seconds": 0.1 },
            ],
        }));
        if std::mem::replace(&mut self.owed, Owed::Nothing) == Owed::Answer {
            self.answer_turn(now);
        }
    }

    /// Tells that each part of an item is there.
    fn tell_done(&mut self, response: &Response, said: &str, item: &Value) {
        let kinds: &[(&str, &str)] = match &response.answer {
            Answer::Speech { .. } => &[
                ("response.output_audio.done", ""),
                ("response.output_audio_transcript.done", "transcript"),
            ],
            Answer::Text(_) => &[("response.output_text.done", "text")],
            Answer::Call { .. } => &[("response.function_call_arguments.done", "arguments")],
        };
        for (kind, member) in kinds {
            let mut event = within(response, kind);
            if !member.is_empty() {
                event[*member] = said.into();
            }
            if let Answer::Call { name, .. } = &response.answer {
                event["name"] = name.as_str().into();
            }
            self.tell(event);
        }
        if let Some(part) = part_of(&response.answer, said) {
            let mut event = within(response, "response.content_part.done");
            event["part"] = part;
            self.tell(event);
        }
        self.tell(output_item(response, "response.output_item.done", item));
        if response.place == Place::Conversation {
            self.tell(json!({
                "type": "conversation.item.done",
                "previous_item_id": response.previous,
                "item": item,
            }));
        }
    }

    /// Keeps what was made of an item.
    fn keep(&mut self, response: &Response, item: &Value, now: Duration) {
        let made = response.made(now);
        let sound_ms = (made > 0).then(|| ms_of(made));
        self.items.replace(&response.item, item.clone(), sound_ms);
        if let Some(playback) = &mut self.playback
            && playback.response == response.id
        {
            playback.end = playback.end.min(made);
        }
    }

    pub(super) fn step_playback(&mut self) {
        let Some(playback) = &mut self.playback else {
            return;
        };
        let end = playback.end.min(playback.at + FRAME);
        match playback.sound.get(playback.at..end) {
            Some(samples) if !samples.is_empty() => {
                playback.at = end;
                self.out.push_back(Out::Sound(samples.to_vec()));
            }
            Some(_) | None => {
                let event = json!({
                    "type": "output_audio_buffer.stopped",
                    "response_id": playback.response,
                });
                self.playback = None;
                self.tell(event);
            }
        }
    }
}

/// An event about a part of a response's item.
fn within(response: &Response, kind: &str) -> Value {
    let mut event = json!({
        "type": kind,
        "response_id": response.id,
        "item_id": response.item,
        "output_index": 0,
    });
    match &response.answer {
        Answer::Speech { .. } | Answer::Text(_) => event["content_index"] = 0.into(),
        Answer::Call { call, .. } => event["call_id"] = call.as_str().into(),
    }
    event
}

fn output_item(response: &Response, kind: &str, item: &Value) -> Value {
    json!({ "type": kind, "response_id": response.id, "output_index": 0, "item": item })
}

/// The part of the item's content; a call has none.
fn part_of(answer: &Answer, said: &str) -> Option<Value> {
    match answer {
        Answer::Speech { .. } => Some(json!({ "type": "audio", "transcript": said })),
        Answer::Text(_) => Some(json!({ "type": "text", "text": said })),
        Answer::Call { .. } => None,
    }
}

/// A response as it is told.
fn told(response: &Response, status: &str, details: Value, output: Value) -> Value {
    let modality = match &response.answer {
        Answer::Speech { .. } => "audio",
        Answer::Text(_) | Answer::Call { .. } => "text",
    };
    let conversation = match response.place {
        Place::Conversation => Value::from("conv_1"),
        Place::Nowhere => Value::Null,
    };
    json!({
        "object": "realtime.response",
        "id": response.id,
        "status": status,
        "status_details": details,
        "output": output,
        "conversation_id": conversation,
        "output_modalities": [modality],
        "metadata": response.metadata,
    })
}

/// Tokens, after the number of words.
fn usage(response: &Response) -> Value {
    let output = response.said().split_whitespace().count();
    let input = 40;
    json!({ "total_tokens": input + output, "input_tokens": input, "output_tokens": output })
}

const fn ms_of(samples: usize) -> u64 {
    samples as u64 * 1_000 / RATE as u64
}
