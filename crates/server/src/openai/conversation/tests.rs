use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;

use super::*;

mod hostile;

/// A conversation and its clock.
struct Room {
    conversation: Conversation,
    now: Duration,
    /// Samples that went out in packets.
    said: usize,
}

impl Room {
    fn new(carrier: Carrier, names: Names, wanted: Value) -> Self {
        let terms = Terms {
            carrier,
            names,
            speed: 1.0,
            longest: Duration::from_secs(600),
        };
        let mut settings = Settings::new(names, "m");
        let wanted: &Map<String, Value> = wanted.as_object().unwrap();
        if !wanted.is_empty() {
            settings.update(wanted).unwrap();
        }
        Self {
            conversation: Conversation::new(terms, "x".to_owned(), settings),
            now: Duration::ZERO,
            said: 0,
        }
    }

    fn packets() -> Self {
        let transcription = json!({ "input": { "transcription": { "model": "whisper-1" } } });
        let wanted = json!({ "type": "realtime", "audio": transcription });
        let mut room = Self::new(Carrier::Packets, Names::Ga, wanted);
        assert_eq!(room.events()[0]["type"], "session.created");
        room
    }

    fn messages() -> Self {
        let mut room = Self::new(Carrier::Messages, Names::Ga, json!({}));
        room.events();
        room
    }

    fn send(&mut self, event: Value) -> Vec<Value> {
        self.conversation.handle(&event.to_string(), self.now);
        self.events()
    }

    fn events(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(out) = self.conversation.take() {
            match out {
                Out::Event(text) => events.push(serde_json::from_str(&text).unwrap()),
                Out::Sound(samples) => self.said += samples.len(),
                Out::Expired => events.push(json!({ "type": "expired" })),
            }
        }
        events
    }

    /// Lets time pass.
    fn pass(&mut self, ms: u64) -> Vec<Value> {
        self.now += Duration::from_millis(ms);
        self.conversation.step(self.now);
        self.events()
    }

    /// Hears so many milliseconds of a loud voice, or of nothing, in packets.
    fn hear(&mut self, ms: u64, level: i16) -> Vec<Value> {
        let mut events = Vec::new();
        for _ in 0..ms / 20 {
            self.now += Duration::from_millis(20);
            let samples: Vec<i16> = (0..160)
                .map(|i| if i % 8 < 4 { level } else { -level })
                .collect();
            self.conversation.hear(&samples, self.now);
            events.extend(self.events());
        }
        events
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

fn find<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let found = events.iter().find(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {:?}", kinds(events)))
}

fn user(text: &str) -> Value {
    let content = [json!({ "type": "input_text", "text": text })];
    let item = json!({ "type": "message", "role": "user", "content": content });
    json!({ "type": "conversation.item.create", "item": item })
}

fn code(events: &[Value]) -> &str {
    find(events, "error")["error"]["code"].as_str().unwrap()
}

#[test]
fn a_question_is_said_and_played_to_its_end() {
    let mut room = Room::packets();
    assert!(room.pass(5_000).is_empty());
    let events = room.send(json!({ "type": "response.create" }));
    assert_eq!(kinds(&events), ["response.created"]);
    let events = room.pass(200);
    let beginning = [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "output_audio_buffer.started",
        "response.output_audio_transcript.delta",
    ];
    assert_eq!(kinds(&events), beginning);
    let events = room.pass(60_000);
    let mut rest = kinds(&events);
    rest.retain(|kind| !kind.ends_with(".delta"));
    let end = [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "rate_limits.updated",
        "output_audio_buffer.stopped",
    ];
    assert_eq!(rest, end);
    let response = &find(&events, "response.done")["response"];
    assert_eq!(response["status"], "completed");
    assert_eq!(response["output"][0]["content"][0]["type"], "output_audio");
    let left = crate::voice::prompt(0).len() - room.said;
    assert!(left < crate::voice::FRAME, "{left}");
}

#[test]
fn whoever_speaks_is_written_down_and_answered() {
    let mut room = Room::packets();
    room.hear(1_000, 0);
    let events = room.hear(1_000, 6_000);
    let started = find(&events, "input_audio_buffer.speech_started").clone();
    assert!(started["audio_start_ms"].as_u64().unwrap().abs_diff(700) <= 60);
    let events = room.hear(700, 0);
    let order = [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ];
    assert_eq!(kinds(&events)[..5], order);
    let stopped = find(&events, "input_audio_buffer.speech_stopped");
    assert!(stopped["audio_end_ms"].as_u64().unwrap().abs_diff(2_000) <= 60);
    assert_eq!(stopped["item_id"], started["item_id"]);
    let events = [events, room.pass(300)].concat();
    let said = find(
        &events,
        "conversation.item.input_audio_transcription.completed",
    );
    assert_eq!(said["item_id"], started["item_id"]);
    let deltas = events
        .iter()
        .filter(|event| event["type"] == "conversation.item.input_audio_transcription.delta");
    let deltas: String = deltas
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    assert_eq!(deltas, said["transcript"]);
}

#[test]
fn whoever_is_heard_no_more_has_stopped() {
    let mut room = Room::packets();
    room.hear(500, 0);
    find(&room.hear(500, 6_000), "input_audio_buffer.speech_started");
    find(&room.pass(1_100), "input_audio_buffer.speech_stopped");
}

#[test]
fn speech_ends_what_is_being_said() {
    let mut room = Room::packets();
    room.hear(500, 0);
    room.send(json!({ "type": "response.create" }));
    let events = [room.hear(900, 0), room.hear(400, 6_000)].concat();
    let mut order = kinds(&events);
    order.drain(
        ..order
            .iter()
            .position(|kind| kind.ends_with("speech_started"))
            .unwrap(),
    );
    let wanted = [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "rate_limits.updated",
        "conversation.item.truncated",
    ];
    assert_eq!(order, wanted);
    let response = &find(&events, "response.done")["response"];
    assert_eq!(response["status"], "cancelled");
    assert_eq!(response["status_details"]["reason"], "turn_detected");
    assert_eq!(response["output"][0]["status"], "incomplete");
    let said = room.said;
    assert_eq!(
        find(&events, "conversation.item.truncated")["audio_end_ms"],
        said / 8
    );
    room.hear(200, 6_000);
    assert_eq!(room.said, said);
}

#[test]
fn a_turn_that_interrupts_nothing_is_answered_after_what_is_said() {
    let mut room = Room::packets();
    let turns = json!({ "interrupt_response": false });
    let audio = json!({ "input": { "turn_detection": turns } });
    let session = json!({ "type": "realtime", "audio": audio });
    room.send(json!({ "type": "session.update", "session": session }));
    room.hear(500, 0);
    room.send(json!({ "type": "response.create" }));
    let events = [room.hear(400, 0), room.hear(500, 6_000), room.hear(700, 0)].concat();
    find(&events, "input_audio_buffer.committed");
    assert!(!kinds(&events).contains(&"response.created"));
    let events = room.pass(60_000);
    let done = events
        .iter()
        .filter(|event| event["type"] == "response.done");
    let statuses: Vec<&Value> = done.map(|event| &event["response"]["status"]).collect();
    assert_eq!(statuses, ["completed", "completed"]);
}

#[test]
fn messages_bring_sound_and_clients_cut_it_off_themselves() {
    let mut room = Room::messages();
    room.send(json!({ "type": "response.create" }));
    let events = room.pass(60_000);
    let sound = events
        .iter()
        .filter(|event| event["type"] == "response.output_audio.delta");
    let bytes = sound.map(|event| {
        STANDARD
            .decode(event["delta"].as_str().unwrap())
            .unwrap()
            .len()
    });
    let samples = crate::voice::prompt(0).len() / 160 * 160;
    assert_eq!(bytes.sum::<usize>(), samples * 3 * 2);
    assert!(
        !kinds(&events)
            .iter()
            .any(|kind| kind.starts_with("output_audio_buffer"))
    );
    let item = find(&events, "response.output_item.done")["item"]["id"].clone();
    let truncate = |end: u64| json!({ "type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": end });
    assert_eq!(
        code(&room.send(truncate(samples as u64 / 8 + 1))),
        "invalid_value"
    );
    assert_eq!(
        kinds(&room.send(truncate(310))),
        ["conversation.item.truncated"]
    );
    let kept = room.send(json!({ "type": "conversation.item.retrieve", "item_id": item }));
    assert_eq!(kept[0]["item"]["content"][0].get("transcript"), None);
}

#[test]
fn sound_in_messages_is_heard_and_committed() {
    let mut room = Room::messages();
    let append = |ms: usize, level: i16| {
        let samples = (0..24 * ms).map(|i| if i % 24 < 12 { level } else { -level });
        let bytes: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
        json!({ "type": "input_audio_buffer.append", "audio": STANDARD.encode(bytes) })
    };
    room.send(append(500, 0));
    find(
        &room.send(append(500, 6_000)),
        "input_audio_buffer.speech_started",
    );
    assert!(room.pass(5_000).is_empty(), "only sound tells time");
    find(&room.send(append(700, 0)), "response.created");
    room.pass(60_000);
    let commit = json!({ "type": "input_audio_buffer.commit" });
    room.send(append(120, 0));
    find(&room.send(commit.clone()), "input_audio_buffer.committed");
    assert_eq!(
        code(&room.send(commit.clone())),
        "input_audio_buffer_commit_empty"
    );
    room.send(append(120, 0));
    find(
        &room.send(json!({ "type": "input_audio_buffer.clear" })),
        "input_audio_buffer.cleared",
    );
    assert_eq!(code(&room.send(commit)), "input_audio_buffer_commit_empty");
    for wrong in ["!", "AA=="] {
        let wrong = json!({ "type": "input_audio_buffer.append", "audio": wrong });
        assert_eq!(code(&room.send(wrong)), "invalid_value");
    }
}

#[test]
fn a_tool_that_is_named_is_called_and_its_output_answered() {
    let mut room = Room::messages();
    let tool = json!({
        "type": "function",
        "name": "note_answer",
        "parameters": { "type": "object", "properties": { "topic": { "type": "string" } } },
    });
    let session = json!({ "type": "realtime", "output_modalities": ["text"], "tools": [tool] });
    let updated = room.send(json!({ "type": "session.update", "session": session }));
    assert_eq!(updated[0]["session"]["tools"][0]["name"], "note_answer");
    let said = room.send(user("please note_answer this"));
    assert_eq!(
        kinds(&said),
        ["conversation.item.added", "conversation.item.done"]
    );
    room.send(json!({ "type": "response.create" }));
    let events = room.pass(1_000);
    let done = find(&events, "response.function_call_arguments.done");
    assert_eq!(done["arguments"], "{\"topic\":\"please note_answer this\"}");
    let deltas = events
        .iter()
        .filter(|event| event["type"] == "response.function_call_arguments.delta");
    let deltas: String = deltas
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    assert_eq!(deltas, done["arguments"]);
    let output = |call: &Value| {
        let item = json!({ "type": "function_call_output", "call_id": call, "output": "{}" });
        json!({ "type": "conversation.item.create", "item": item })
    };
    assert_eq!(
        code(&room.send(output(&json!("call_9")))),
        "invalid_tool_call_id"
    );
    find(
        &room.send(output(&done["call_id"])),
        "conversation.item.added",
    );
    room.send(json!({ "type": "response.create" }));
    find(&room.pass(5_000), "response.output_text.done");
}

#[test]
fn one_response_at_a_time_and_none_to_cancel() {
    let mut room = Room::packets();
    let cancel = json!({ "type": "response.cancel", "event_id": "mine_7" });
    let refused = room.send(cancel.clone());
    assert_eq!(code(&refused), "response_cancel_not_active");
    assert_eq!(refused[0]["error"]["event_id"], "mine_7");
    room.send(json!({ "type": "response.create" }));
    let second = room.send(json!({ "type": "response.create" }));
    assert_eq!(code(&second), "conversation_already_has_active_response");
    room.pass(1_000);
    let events = room.send(cancel);
    let reason = &find(&events, "response.done")["response"]["status_details"]["reason"];
    assert_eq!(reason, "client_cancelled");
    // What was made by then is still played.
    let clear = json!({ "type": "output_audio_buffer.clear" });
    assert_eq!(kinds(&room.send(clear)), ["output_audio_buffer.cleared"]);
    assert!(room.pass(60_000).is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused_and_nothing_else_happens() {
    let mut room = Room::packets();
    for (text, wanted, param) in [
        ("{", "invalid_json", Value::Null),
        ("[]", "invalid_json", Value::Null),
        ("{}", "missing_required_parameter", json!("type")),
        (r#"{"type":7}"#, "invalid_type", json!("type")),
        (r#"{"type":"x"}"#, "invalid_value", json!("type")),
        (
            r#"{"type":"session.update"}"#,
            "missing_required_parameter",
            json!("session"),
        ),
        (
            r#"{"type":"session.update","session":7}"#,
            "invalid_type",
            json!("session"),
        ),
        (
            r#"{"type":"session.update","session":{"type":"realtime","voice":"x"}}"#,
            "unknown_parameter",
            json!("session.voice"),
        ),
        (
            r#"{"type":"conversation.item.create"}"#,
            "missing_required_parameter",
            json!("item"),
        ),
        (
            r#"{"type":"conversation.item.delete","item_id":"x"}"#,
            "item_delete_invalid_item_id",
            json!("item_id"),
        ),
        (
            r#"{"type":"conversation.item.retrieve","item_id":"x"}"#,
            "item_retrieve_invalid_item_id",
            json!("item_id"),
        ),
        (
            r#"{"type":"conversation.item.truncate","item_id":"x"}"#,
            "item_truncate_invalid_item_id",
            json!("item_id"),
        ),
        (
            r#"{"type":"response.create","response":[]}"#,
            "invalid_type",
            json!("response"),
        ),
        (
            r#"{"type":"response.create","response":{"output_modalities":["smell"]}}"#,
            "invalid_value",
            json!("response.output_modalities"),
        ),
        (
            r#"{"type":"input_audio_buffer.append"}"#,
            "missing_required_parameter",
            json!("audio"),
        ),
    ] {
        room.conversation.handle(text, room.now);
        let events = room.events();
        assert_eq!(kinds(&events), ["error"], "{text}");
        assert_eq!(
            (code(&events), &events[0]["error"]["param"]),
            (wanted, &param),
            "{text}"
        );
    }
}

#[test]
fn by_the_names_of_before_an_item_is_created_once() {
    let mut room = Room::new(Carrier::Packets, Names::Older, json!({}));
    assert_eq!(
        room.events()[0]["session"]["modalities"],
        json!(["audio", "text"])
    );
    assert_eq!(
        kinds(&room.send(user("hello"))),
        ["conversation.item.created"]
    );
    room.send(json!({ "type": "response.create" }));
    let events = room.pass(60_000);
    assert!(
        kinds(&events)
            .iter()
            .all(|kind| !kind.contains("output_audio_t"))
    );
    find(&events, "response.audio_transcript.done");
    let response = &find(&events, "response.done")["response"];
    assert_eq!(response["modalities"], json!(["audio", "text"]));
    assert_eq!(response["output"][0]["content"][0]["type"], "audio");
}

#[test]
fn a_session_ends_when_it_has_lasted_long_enough() {
    let mut room = Room::packets();
    room.send(json!({ "type": "response.create" }));
    let events = room.pass(600_000);
    assert_eq!(kinds(&events[events.len() - 2..]), ["error", "expired"]);
    assert_eq!(code(&events), "session_expired");
    assert!(room.pass(1).is_empty());
}
