//! What a conversation consists of.

use serde_json::{Map, Value, json};

use super::event::Problem;
use super::weight::weight;

/// Most items of a conversation, and most bytes that they take.
const MOST: usize = 1_000;
const BYTES: usize = 4 << 20;

/// Longest id that a client gives.
const LONGEST_ID: usize = 64;

/// Where an item is put.
const ROOT: &str = "root";

/// An item, and what of it the client is not told.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) value: Value,
    /// How long its sound is, if it has any, in milliseconds.
    pub(super) sound_ms: Option<u64>,
    bytes: usize,
}

/// All items in their order.
#[derive(Debug, Default)]
pub(super) struct Items {
    list: Vec<Item>,
    bytes: usize,
}

impl Items {
    pub(super) fn get(&self, id: &str) -> Option<&Item> {
        self.list.iter().find(|item| item.id == id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Item> {
        self.list.iter_mut().find(|item| item.id == id)
    }

    pub(super) fn last(&self) -> Option<&Item> {
        self.list.last()
    }

    /// The last item's id, as the next one's `previous_item_id`.
    pub(super) fn last_id(&self) -> Value {
        self.last()
            .map_or(Value::Null, |item| item.id.as_str().into())
    }

    /// Appends what the server itself makes. The oldest items go where there is no more room.
    pub(super) fn append(&mut self, id: &str, value: Value) {
        let bytes = weight(&value);
        while !self.list.is_empty() && !self.has_room(bytes) {
            self.bytes -= self.list.remove(0).bytes;
        }
        self.bytes += bytes;
        self.list.push(Item {
            id: id.to_owned(),
            value,
            sound_ms: None,
            bytes,
        });
    }

    /// Keeps what became of an item, if it is still there.
    pub(super) fn replace(&mut self, id: &str, value: Value, sound_ms: Option<u64>) {
        if let Some(item) = self.list.iter_mut().find(|item| item.id == id) {
            let bytes = weight(&value);
            self.bytes = self.bytes - item.bytes + bytes;
            item.bytes = bytes;
            item.value = value;
            item.sound_ms = sound_ms;
        }
    }

    const fn has_room(&self, bytes: usize) -> bool {
        self.list.len() < MOST && self.bytes + bytes <= BYTES
    }

    pub(super) fn remove(&mut self, id: &str) -> bool {
        let place = self.list.iter().position(|item| item.id == id);
        if let Some(place) = place {
            self.bytes -= self.list.remove(place).bytes;
        }
        place.is_some()
    }

    /// Puts a client's item after `previous`; at the end where that is not said. Returns its id and
    /// the one before it.
    pub(super) fn insert(
        &mut self,
        wanted: &Map<String, Value>,
        previous: Option<&str>,
        fresh: String,
    ) -> Result<(String, Value), Problem> {
        let id = match wanted.get("id") {
            None | Some(Value::Null) => fresh,
            Some(Value::String(id)) if (1..=LONGEST_ID).contains(&id.len()) => id.clone(),
            Some(_) => {
                let wanted = "a string of at most 64 characters";
                return Err(Problem::wrong_value("item.id", wanted));
            }
        };
        if self.get(&id).is_some() {
            let message = format!("Error adding item: the item with id '{id}' exists already.");
            return Err(Problem::new("item_create_duplicate_item_id", message).at("item.id"));
        }
        let value = self.checked(wanted, &id)?;
        let place = match previous {
            None => self.list.len(),
            Some(ROOT) => 0,
            Some(previous) => {
                let place = self.list.iter().position(|item| item.id == previous);
                place.ok_or_else(|| absent("item_create_invalid_previous_item_id", previous))? + 1
            }
        };
        let bytes = weight(&value);
        if !self.has_room(bytes) {
            let message = "The conversation has no room for the item.";
            return Err(Problem::new("conversation_too_long", message).at("item"));
        }
        self.bytes += bytes;
        let before = place
            .checked_sub(1)
            .and_then(|before| self.list.get(before));
        let before = before.map_or(Value::Null, |item| item.id.as_str().into());
        self.list.insert(
            place,
            Item {
                id: id.clone(),
                value,
                sound_ms: None,
                bytes,
            },
        );
        Ok((id, before))
    }

    /// The item as it is kept.
    fn checked(&self, wanted: &Map<String, Value>, id: &str) -> Result<Value, Problem> {
        let text = |name: &str| match wanted.get(name) {
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(_) => Err(Problem::wrong_type(&format!("item.{name}"), "a string")),
            None => Err(Problem::missing(&format!("item.{name}"))),
        };
        let mut item = match text("type")? {
            "message" => {
                let role = text("role")?;
                let content = content_of(role, wanted.get("content"))?;
                json!({ "type": "message", "role": role, "content": content })
            }
            "function_call" => json!({
                "type": "function_call",
                "name": text("name")?,
                "call_id": text("call_id")?,
                "arguments": text("arguments")?,
            }),
            "function_call_output" => {
                let (call, output) = (text("call_id")?, text("output")?);
                let is_call = |item: &Item| {
                    item.value["type"] == "function_call" && item.value["call_id"] == call
                };
                if !self.list.iter().any(is_call) {
                    let message = format!("Tool call ID '{call}' not found in conversation.");
                    return Err(Problem::new("invalid_tool_call_id", message).at("item.call_id"));
                }
                json!({ "type": "function_call_output", "call_id": call, "output": output })
            }
            _ => {
                let wanted = "'message', 'function_call' or 'function_call_output'";
                return Err(Problem::wrong_value("item.type", wanted));
            }
        };
        item["id"] = id.into();
        item["object"] = "realtime.item".into();
        item["status"] = "completed".into();
        Ok(item)
    }
}

/// There is no such item.
pub(super) fn absent(code: &'static str, id: &str) -> Problem {
    let message = format!("The item with id '{id}' does not exist.");
    Problem::new(code, message).at("item_id")
}

/// What the user said last, in whatever way; `None` if it was not the user's turn last.
pub(super) fn said_by_user(item: &Item) -> Option<String> {
    (item.value["role"] == "user").then(|| {
        let parts = item.value["content"].as_array();
        let texts = parts.into_iter().flatten().filter_map(|part| {
            let said = part["text"].as_str();
            said.or_else(|| part["transcript"].as_str())
        });
        texts.collect::<Vec<_>>().join(" ")
    })
}

/// A message's content, each part of a type that its role may have.
fn content_of(role: &str, content: Option<&Value>) -> Result<Value, Problem> {
    let known: &[&str] = match role {
        "user" => &["input_text", "input_audio", "input_image"],
        "system" => &["input_text"],
        // By the names of today and by those before.
        "assistant" => &["output_text", "output_audio", "text", "audio"],
        _ => {
            let wanted = "'user', 'assistant' or 'system'";
            return Err(Problem::wrong_value("item.role", wanted));
        }
    };
    let parts = match content {
        Some(Value::Array(parts)) => parts,
        Some(_) => return Err(Problem::wrong_type("item.content", "a list")),
        None => return Err(Problem::missing("item.content")),
    };
    let mut kept = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let place = format!("item.content[{i}]");
        let kind = match part["type"].as_str() {
            Some(kind) if known.contains(&kind) => kind,
            Some(_) | None => {
                let wanted = format!("'{}' for this role", known.join("' or '"));
                return Err(Problem::wrong_value(&format!("{place}.type"), &wanted));
            }
        };
        let mut part = part.clone();
        if kind.ends_with("text") && !part["text"].is_string() {
            return Err(Problem::missing(&format!("{place}.text")));
        }
        if let Some(members) = part.as_object_mut() {
            // What was said is kept, its sound is not.
            members.remove("audio");
        }
        part["type"] = match (role, kind) {
            ("assistant", "text") => "output_text",
            ("assistant", "audio") => "output_audio",
            (_, kind) => kind,
        }
        .into();
        kept.push(part);
    }
    Ok(kept.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    impl Items {
        /// Holds it to its bounds: what an answer adds to its item may lie beyond them until the next.
        pub(in super::super) fn check(&self) {
            let ids: BTreeSet<&str> = self.list.iter().map(|item| item.id.as_str()).collect();
            assert_eq!(ids.len(), self.list.len());
            assert_eq!(
                self.bytes,
                self.list.iter().map(|item| item.bytes).sum::<usize>()
            );
            let kept: usize = self.list.iter().map(|item| weight(&item.value)).sum();
            assert!(kept <= BYTES + (1 << 20), "{kept}");
        }
    }

    fn insert(items: &mut Items, item: Value, previous: Option<&str>) -> Result<String, Problem> {
        let fresh = format!("item_{}", items.list.len());
        let inserted = items.insert(item.as_object().unwrap(), previous, fresh);
        inserted.map(|(id, _)| id)
    }

    fn said(role: &str, kind: &str, text: &str) -> Value {
        let content = [json!({ "type": kind, "text": text })];
        json!({ "type": "message", "role": role, "content": content })
    }

    #[test]
    fn items_are_put_where_they_are_wanted() {
        let mut items = Items::default();
        insert(&mut items, said("user", "input_text", "b"), None).unwrap();
        insert(&mut items, said("assistant", "text", "a"), Some("root")).unwrap();
        insert(
            &mut items,
            said("assistant", "output_text", "c"),
            Some("item_0"),
        )
        .unwrap();
        let texts: Vec<&Value> = items
            .list
            .iter()
            .map(|item| &item.value["content"][0])
            .collect();
        assert_eq!(
            [&texts[0]["text"], &texts[1]["text"], &texts[2]["text"]],
            ["a", "b", "c"]
        );
        assert_eq!(texts[0]["type"], "output_text");
        let problem = insert(&mut items, said("user", "input_text", "d"), Some("x")).unwrap_err();
        assert_eq!(problem.code, "item_create_invalid_previous_item_id");
    }

    #[test]
    fn what_no_item_can_be_is_refused_by_its_place() {
        let mut items = Items::default();
        for (wrong, param) in [
            (json!({}), "item.type"),
            (json!({ "type": "message" }), "item.role"),
            (json!({ "type": "message", "role": "user" }), "item.content"),
            (
                json!({ "type": "message", "role": "user", "content": [7] }),
                "item.content[0].type",
            ),
            (said("assistant", "input_text", "x"), "item.content[0].type"),
            (
                json!({ "type": "message", "role": "user", "content": [{ "type": "input_text" }] }),
                "item.content[0].text",
            ),
            (
                json!({ "type": "function_call_output", "call_id": "c", "output": "{}" }),
                "item.call_id",
            ),
            (json!({ "type": "x", "id": "" }), "item.id"),
        ] {
            let problem = insert(&mut items, wrong, None).unwrap_err();
            assert_eq!(problem.param.as_deref(), Some(param));
        }
    }

    #[test]
    fn a_client_has_so_much_room_and_gets_it_back() {
        let mut items = Items::default();
        let long = "x".repeat(1 << 20);
        for _ in 0..3 {
            insert(&mut items, said("user", "input_text", &long), None).unwrap();
        }
        let problem = insert(&mut items, said("user", "input_text", &long), None).unwrap_err();
        assert_eq!(problem.code, "conversation_too_long");
        assert!(items.remove("item_2") && !items.remove("item_2"));
        insert(&mut items, said("user", "input_text", &long), None).unwrap();
    }
}
