//! What a client asks for.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::event::{Order, Problem};
use super::super::items::absent;
use super::super::response::Carrier;
use super::super::settings::Turns;
use super::Conversation;

/// The least sound that can be committed, in milliseconds.
const LEAST: u64 = 100;

impl Conversation {
    pub(super) fn obey(&mut self, order: &Order, now: Duration) -> Result<(), Problem> {
        match order.kind.as_str() {
            "session.update" => self.update(order),
            "response.create" => match order.members.get("response") {
                None => self.create_response(&Map::new(), now),
                Some(_) => self.create_response(order.object("response")?, now),
            },
            "response.cancel" => self.cancel_response(order, now),
            "conversation.item.create" => self.create_item(order),
            "conversation.item.retrieve" => self.retrieve_item(order),
            "conversation.item.delete" => self.delete_item(order),
            "conversation.item.truncate" => self.truncate_item(order),
            "input_audio_buffer.append" => self.append_sound(order, now),
            "input_audio_buffer.commit" => self.commit_sound(now),
            "input_audio_buffer.clear" => {
                self.listener.drain();
                self.tell(json!({ "type": "input_audio_buffer.cleared" }));
                Ok(())
            }
            "output_audio_buffer.clear" => match self.terms.carrier {
                Carrier::Packets => {
                    self.clear_playback();
                    Ok(())
                }
                Carrier::Messages => {
                    let message = "Only WebRTC has an output audio buffer.";
                    Err(Problem::new("invalid_value", message).at("type"))
                }
            },
            kind => {
                let shown: String = kind.chars().take(64).collect();
                let message = format!("Invalid value: '{shown}'. It is no type of event.");
                Err(Problem::new("invalid_value", message).at("type"))
            }
        }
    }

    fn update(&mut self, order: &Order) -> Result<(), Problem> {
        self.settings.update(order.object("session")?)?;
        self.obey_settings();
        let session = self.settings.to_json().clone();
        self.tell(json!({ "type": "session.updated", "session": session }));
        Ok(())
    }

    fn create_item(&mut self, order: &Order) -> Result<(), Problem> {
        let wanted = order.object("item")?;
        let previous = match order.members.get("previous_item_id") {
            None => None,
            Some(previous) if previous.is_null() => None,
            Some(_) => Some(order.text("previous_item_id")?),
        };
        // What is said of an item later must not meet another by its name.
        let own = format!("item_{}", self.seed);
        if matches!(wanted.get("id"), Some(Value::String(id)) if id.starts_with(&own)) {
            let message =
                format!("Error adding item: ids that begin with '{own}' are the server's to give.");
            return Err(Problem::new("item_create_duplicate_item_id", message).at("item.id"));
        }
        let fresh = self.name("item");
        let (id, previous) = self.items.insert(wanted, previous, fresh)?;
        if let Some(item) = self.items.get(&id) {
            let value = item.value.clone();
            self.tell_item(&value, &previous);
        }
        Ok(())
    }

    fn retrieve_item(&mut self, order: &Order) -> Result<(), Problem> {
        let id = order.text("item_id")?;
        let item = self.items.get(id);
        let item = item.ok_or_else(|| absent("item_retrieve_invalid_item_id", id))?;
        let event = json!({ "type": "conversation.item.retrieved", "item": item.value });
        self.tell(event);
        Ok(())
    }

    fn delete_item(&mut self, order: &Order) -> Result<(), Problem> {
        let id = order.text("item_id")?;
        if !self.items.remove(id) {
            return Err(absent("item_delete_invalid_item_id", id));
        }
        self.tell(json!({ "type": "conversation.item.deleted", "item_id": id }));
        Ok(())
    }

    fn truncate_item(&mut self, order: &Order) -> Result<(), Problem> {
        let id = order.text("item_id")?;
        let item = self.items.get(id);
        let item = item.ok_or_else(|| absent("item_truncate_invalid_item_id", id))?;
        let index = order.count("content_index")?;
        let end = order.count("audio_end_ms")?;
        let Some(length) = item.sound_ms.filter(|_| index == 0) else {
            let wanted = "the part of an assistant's item that has sound";
            return Err(Problem::wrong_value("content_index", wanted));
        };
        if end > length {
            let message = format!("Audio content of {length}ms is already shorter than {end}ms.");
            return Err(Problem::new("invalid_value", message).at("audio_end_ms"));
        }
        self.truncate(id, end);
        Ok(())
    }

    fn append_sound(&mut self, order: &Order, now: Duration) -> Result<(), Problem> {
        let sound = order.text("audio")?;
        let changes = self.listener.hear_text(sound, self.settings.input());
        let wanted = "sound of the session's input format in base64";
        let changes = changes.ok_or_else(|| Problem::wrong_value("audio", wanted))?;
        self.heard = now;
        self.note(changes, now);
        Ok(())
    }

    fn commit_sound(&mut self, now: Duration) -> Result<(), Problem> {
        let held = self.listener.held();
        if held < LEAST {
            let message = format!(
                "Error committing input audio buffer: buffer too small. Expected at least {LEAST}ms of audio, but buffer only has {held}.00ms of audio."
            );
            return Err(Problem::new("input_audio_buffer_commit_empty", message));
        }
        let item = match (self.settings.turns(), self.take_spoken()) {
            (Turns::Heard { .. }, Some(item)) => item,
            (Turns::Heard { .. } | Turns::Client, _) => self.name("item"),
        };
        self.commit(item, now);
        Ok(())
    }
}
