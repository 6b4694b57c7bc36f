//! Events as they are written, by their names of today and by those before.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

/// By which names events go out, and in which shape a session's settings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Names {
    /// Those of today.
    #[default]
    Ga,
    /// Those before, of the beta.
    Older,
}

/// Why a client's event was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) message: String,
    /// What of the event is wrong.
    pub(super) param: Option<String>,
}

impl Problem {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            param: None,
        }
    }

    pub(super) fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(super) fn missing(param: &str) -> Self {
        let message = format!("Missing required parameter: '{param}'.");
        Self::new("missing_required_parameter", message).at(param)
    }

    pub(super) fn unknown(param: &str) -> Self {
        Self::new(
            "unknown_parameter",
            format!("Unknown parameter: '{param}'."),
        )
        .at(param)
    }

    pub(super) fn wrong_type(param: &str, wanted: &str) -> Self {
        let message = format!("Invalid type for '{param}': expected {wanted}.");
        Self::new("invalid_type", message).at(param)
    }

    pub(super) fn wrong_value(param: &str, wanted: &str) -> Self {
        let message = format!("Invalid value for '{param}': expected {wanted}.");
        Self::new("invalid_value", message).at(param)
    }

    /// The object that stands in an event and in an HTTP answer alike.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "type": "invalid_request_error",
            "code": self.code,
            "message": self.message,
            "param": self.param,
        })
    }
}

/// A client's event, and what it calls itself.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) kind: String,
    pub(super) members: Map<String, Value>,
}

impl Order {
    /// Reads an event. With what is wrong comes the `event_id`, as far as there is one.
    pub(super) fn read(text: &str) -> Result<Self, (Problem, Value)> {
        let Ok(Value::Object(members)) = serde_json::from_str(text) else {
            let message = "The event is no JSON object.";
            return Err((Problem::new("invalid_json", message), Value::Null));
        };
        match members.get("type") {
            Some(Value::String(kind)) => Ok(Self {
                kind: kind.clone(),
                members,
            }),
            Some(_) => Err((Problem::wrong_type("type", "a string"), id_of(&members))),
            None => Err((Problem::missing("type"), id_of(&members))),
        }
    }

    /// What the client calls the event.
    pub(super) fn id(&self) -> Value {
        id_of(&self.members)
    }

    fn member(&self, name: &str) -> Result<&Value, Problem> {
        let found = self.members.get(name);
        found.ok_or_else(|| Problem::missing(name))
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, Problem> {
        let text = self.member(name)?.as_str();
        text.ok_or_else(|| Problem::wrong_type(name, "a string"))
    }

    pub(super) fn count(&self, name: &str) -> Result<u64, Problem> {
        let count = self.member(name)?.as_u64();
        count.ok_or_else(|| Problem::wrong_type(name, "an integer from 0 on"))
    }

    pub(super) fn object(&self, name: &str) -> Result<&Map<String, Value>, Problem> {
        let object = self.member(name)?.as_object();
        object.ok_or_else(|| Problem::wrong_type(name, "an object"))
    }
}

/// Longest `event_id` that comes back.
const LONGEST_ID: usize = 512;

fn id_of(members: &Map<String, Value>) -> Value {
    match members.get("event_id") {
        Some(Value::String(id)) if id.len() <= LONGEST_ID => id.as_str().into(),
        Some(_) | None => Value::Null,
    }
}

impl Names {
    /// The event by these names; `None` where there was none of the kind.
    pub(super) fn write(self, event: Value) -> Option<Value> {
        match self {
            Self::Ga => Some(event),
            Self::Older => older(event),
        }
    }
}

fn older(mut event: Value) -> Option<Value> {
    let kind = event["type"].as_str().unwrap_or_default();
    let renamed = match kind {
        "conversation.item.done" => return None,
        "conversation.item.added" => "conversation.item.created".to_owned(),
        "response.function_call_arguments.done" => {
            if let Some(members) = event.as_object_mut() {
                members.remove("name");
            }
            "response.function_call_arguments.done".to_owned()
        }
        kind => kind
            .replacen("response.output_audio", "response.audio", 1)
            .replacen("response.output_text", "response.text", 1),
    };
    event["type"] = renamed.into();
    if let Some(item) = event.get_mut("item") {
        older_item(item);
    }
    if let Some(response) = event.get_mut("response").and_then(Value::as_object_mut) {
        if let Some(modalities) = response.remove("output_modalities") {
            let spoken = modalities == json!(["audio"]);
            let modalities = if spoken {
                json!(["audio", "text"])
            } else {
                modalities
            };
            response.insert("modalities".to_owned(), modalities);
        }
        let output = response.get_mut("output").and_then(Value::as_array_mut);
        output.into_iter().flatten().for_each(older_item);
    }
    Some(event)
}

fn older_item(item: &mut Value) {
    let parts = item.get_mut("content").and_then(Value::as_array_mut);
    for part in parts.into_iter().flatten() {
        match part["type"].as_str() {
            Some("output_audio") => part["type"] = "audio".into(),
            Some("output_text") => part["type"] = "text".into(),
            Some(_) | None => {}
        }
    }
}
