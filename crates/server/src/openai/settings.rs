//! What a session is set to: by its shape of today, or by the one before.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::event::{Names, Problem};
use super::sound::Format;
use super::weight::check_size;

/// A session's settings, as they are told and as they are meant.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    names: Names,
    session: Value,
}

/// Who ends the user's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turns {
    /// The client, by `input_audio_buffer.commit`.
    Client,
    /// What is heard.
    Heard {
        /// Quiet that ends a turn.
        pause: Duration,
        /// What of the time before speech belongs to it, in milliseconds.
        padding: u64,
        creates_response: bool,
        interrupts_response: bool,
    },
}

/// How a response is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modality {
    Audio,
    Text,
}

/// The settings that a client may change.
const GA: &[&str] = &[
    "type",
    "model",
    "output_modalities",
    "instructions",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "audio",
    "include",
    "prompt",
    "tracing",
    "truncation",
    "reasoning",
    "parallel_tool_calls",
];
const OLDER: &[&str] = &[
    "model",
    "modalities",
    "instructions",
    "voice",
    "speed",
    "input_audio_format",
    "output_audio_format",
    "input_audio_transcription",
    "input_audio_noise_reduction",
    "turn_detection",
    "tools",
    "tool_choice",
    "temperature",
    "max_response_output_tokens",
    "tracing",
];

impl Settings {
    pub(super) fn new(names: Names, model: &str) -> Self {
        let turns = json!({
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 500,
            "create_response": true,
            "interrupt_response": true,
        });
        let session = match names {
            Names::Ga => json!({
                "type": "realtime",
                "object": "realtime.session",
                "model": model,
                "output_modalities": ["audio"],
                "instructions": "",
                "tools": [],
                "tool_choice": "auto",
                "max_output_tokens": "inf",
                "audio": {
                    "input": {
                        "format": { "type": "audio/pcm", "rate": 24_000 },
                        "transcription": null,
                        "noise_reduction": null,
                        "turn_detection": turns,
                    },
                    "output": {
                        "format": { "type": "audio/pcm", "rate": 24_000 },
                        "voice": "marin",
                        "speed": 1.0,
                    },
                },
            }),
            Names::Older => json!({
                "object": "realtime.session",
                "model": model,
                "modalities": ["audio", "text"],
                "instructions": "",
                "voice": "alloy",
                "input_audio_format": "pcm16",
                "output_audio_format": "pcm16",
                "input_audio_transcription": null,
                "turn_detection": turns,
                "tools": [],
                "tool_choice": "auto",
                "temperature": 0.8,
                "max_response_output_tokens": "inf",
            }),
        };
        Self { names, session }
    }

    /// Names the session, and says when it ends, in seconds since 1970.
    pub(super) fn name(&mut self, id: &str, expires_at: u64) {
        self.session["id"] = id.into();
        self.session["expires_at"] = expires_at.into();
    }

    /// Merges what a client wants; nothing of it is taken if some of it cannot be meant.
    pub(super) fn update(&mut self, wanted: &Map<String, Value>) -> Result<(), Problem> {
        let known = match self.names {
            Names::Ga => GA,
            Names::Older => OLDER,
        };
        if self.names == Names::Ga {
            match wanted.get("type").map(Value::as_str) {
                Some(Some("realtime")) => {}
                Some(_) => return Err(Problem::wrong_value("session.type", "'realtime'")),
                None => return Err(Problem::missing("session.type")),
            }
        }
        if let Some(name) = wanted.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Problem::unknown(&format!("session.{name}")));
        }
        let mut merged = self.clone();
        for (name, value) in wanted {
            merge(&mut merged.session[name], value);
        }
        merged.check()?;
        *self = merged;
        Ok(())
    }

    pub(super) const fn to_json(&self) -> &Value {
        &self.session
    }

    pub(super) fn turns(&self) -> Turns {
        let turns = self.find("/audio/input/turn_detection", "/turn_detection");
        let number = |name: &str, usual| turns[name].as_u64().unwrap_or(usual);
        let choice = |name: &str| turns[name].as_bool().unwrap_or(true);
        match turns {
            Value::Null => Turns::Client,
            turns => Turns::Heard {
                pause: match turns["type"].as_str() {
                    Some("server_vad") => Duration::from_millis(number("silence_duration_ms", 500)),
                    Some(_) | None => Duration::from_millis(500),
                },
                padding: number("prefix_padding_ms", 300),
                creates_response: choice("create_response"),
                interrupts_response: choice("interrupt_response"),
            },
        }
    }

    pub(super) fn has_transcription(&self) -> bool {
        self.find("/audio/input/transcription", "/input_audio_transcription")
            .is_object()
    }

    pub(super) fn modality(&self) -> Modality {
        modality_of(self.find("/output_modalities", "/modalities"))
    }

    pub(super) fn tools(&self) -> &Value {
        &self.session["tools"]
    }

    pub(super) fn tool_choice(&self) -> &Value {
        &self.session["tool_choice"]
    }

    /// How sound is written that comes in messages.
    pub(super) fn input(&self) -> Format {
        let format = self.find("/audio/input/format", "/input_audio_format");
        Format::read(format).unwrap_or(Format::Pcm)
    }

    /// How sound is written that goes in messages.
    pub(super) fn output(&self) -> Format {
        let format = self.find("/audio/output/format", "/output_audio_format");
        Format::read(format).unwrap_or(Format::Pcm)
    }

    fn check(&self) -> Result<(), Problem> {
        check_size(&self.session, "session")?;
        let formats = [
            ("audio.input.format", "input_audio_format"),
            ("audio.output.format", "output_audio_format"),
        ];
        for (ga, older) in formats {
            let place = self.place(ga, older);
            let pointer = format!("/{}", place.replace('.', "/"));
            let format = self.session.pointer(&pointer).unwrap_or(&Value::Null);
            if Format::read(format).is_none() {
                let wanted = "PCM at 24 kHz, or G.711";
                return Err(Problem::wrong_value(&format!("session.{place}"), wanted));
            }
        }
        let modalities = self.place("output_modalities", "modalities");
        check_modalities(&self.session[modalities], &format!("session.{modalities}"))?;
        check_tools(self.tools(), "session.tools")?;
        if !self.session["instructions"].is_string() {
            return Err(Problem::wrong_type("session.instructions", "a string"));
        }
        let place = self.place("audio.input.turn_detection", "turn_detection");
        let turns = self.find("/audio/input/turn_detection", "/turn_detection");
        match (turns, turns["type"].as_str()) {
            (Value::Null, _) | (_, Some("server_vad" | "semantic_vad")) => Ok(()),
            (_, Some(_) | None) => Err(Problem::wrong_value(
                &format!("session.{place}.type"),
                "'server_vad' or 'semantic_vad'",
            )),
        }
    }

    const fn place<'a>(&self, ga: &'a str, older: &'a str) -> &'a str {
        match self.names {
            Names::Ga => ga,
            Names::Older => older,
        }
    }

    fn find(&self, ga: &str, older: &str) -> &Value {
        let pointer = self.place(ga, older);
        self.session.pointer(pointer).unwrap_or(&Value::Null)
    }
}

/// Which of the two ways a list of modalities asks for.
pub(super) fn modality_of(modalities: &Value) -> Modality {
    match modalities.as_array() {
        Some(list) if !list.iter().any(|way| way == "audio") => Modality::Text,
        Some(_) | None => Modality::Audio,
    }
}

pub(super) fn check_modalities(modalities: &Value, place: &str) -> Result<(), Problem> {
    let is_way = |way: &Value| way == "audio" || way == "text";
    match modalities.as_array() {
        Some(list) if !list.is_empty() && list.iter().all(is_way) => Ok(()),
        Some(_) | None => Err(Problem::wrong_value(place, "a list of 'audio' or 'text'")),
    }
}

pub(super) fn check_tools(tools: &Value, place: &str) -> Result<(), Problem> {
    let Some(tools) = tools.as_array() else {
        return Err(Problem::wrong_type(place, "a list"));
    };
    for (i, tool) in tools.iter().enumerate() {
        if tool["type"] == "function" && !tool["name"].is_string() {
            return Err(Problem::missing(&format!("{place}[{i}].name")));
        }
        if !tool["type"].is_string() {
            return Err(Problem::missing(&format!("{place}[{i}].type")));
        }
    }
    Ok(())
}

/// Objects are merged, all else is replaced.
fn merge(old: &mut Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                merge(old.entry(name).or_insert(Value::Null), value);
            }
        }
        (old, new) => *old = new.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_wanted_is_merged_and_what_cannot_be_meant_changes_nothing() {
        let mut settings = Settings::new(Names::Ga, "m");
        let wanted =
            json!({ "type": "realtime", "audio": { "input": { "turn_detection": null } } });
        settings.update(&object(wanted)).unwrap();
        assert_eq!(settings.turns(), Turns::Client);
        assert_eq!(settings.to_json()["audio"]["output"]["voice"], "marin");
        for (wrong, param) in [
            (json!({ "instructions": "x" }), "session.type"),
            (
                json!({ "type": "realtime", "modalities": ["text"] }),
                "session.modalities",
            ),
            (
                json!({ "type": "realtime", "output_modalities": [] }),
                "session.output_modalities",
            ),
            (
                json!({ "type": "realtime", "tools": [{ "type": "function" }] }),
                "session.tools[0].name",
            ),
            (
                json!({ "type": "realtime", "instructions": 7 }),
                "session.instructions",
            ),
            (
                json!({ "type": "realtime", "instructions": "x", "audio": { "input": { "format": { "type": "audio/pcm", "rate": 16_000 } } } }),
                "session.audio.input.format",
            ),
            (
                json!({ "type": "realtime", "audio": 7 }),
                "session.audio.input.format",
            ),
        ] {
            let problem = settings.update(&object(wrong)).unwrap_err();
            assert_eq!(problem.param.as_deref(), Some(param));
        }
        assert_eq!(settings.to_json()["instructions"], "");
    }

    #[test]
    fn names_that_nobody_knows_are_kept_while_there_is_room() {
        let mut settings = Settings::new(Names::Ga, "m");
        let long = "x".repeat(22 << 10);
        // Little to write, much to keep.
        let heavy = vec![json!({ "": 0 }); 2_000];
        let wanted =
            |name: &str, value: Value| json!({ "type": "realtime", "audio": { name: value } });
        for name in ["a", "b"] {
            settings
                .update(&object(wanted(name, long.as_str().into())))
                .unwrap();
        }
        for value in [long.into(), heavy.into()] {
            let problem = settings.update(&object(wanted("c", value))).unwrap_err();
            assert_eq!(problem.code, "value_too_large");
        }
        assert_eq!(settings.to_json()["audio"].get("c"), None);
    }

    #[test]
    fn the_shape_of_before_is_flat() {
        let mut settings = Settings::new(Names::Older, "m");
        let wanted =
            json!({ "modalities": ["text"], "turn_detection": { "silence_duration_ms": 200 } });
        settings.update(&object(wanted)).unwrap();
        assert_eq!(settings.modality(), Modality::Text);
        assert!(matches!(settings.turns(), Turns::Heard { pause, .. } if pause.as_millis() == 200));
        let problem = settings.update(&object(json!({ "type": "realtime" })));
        assert_eq!(problem.unwrap_err().code, "unknown_parameter");
    }
}
