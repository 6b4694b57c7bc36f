//! Clients that mean no good: whatever they send, a conversation keeps its rules and its bounds.

use super::super::super::weight::weight;
use super::*;

/// Numbers as they come out of a seed: a run that fails fails again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick(&mut self, of: &[Value]) -> Value {
        let one = self.roll(of.len() as u64);
        of[one as usize].clone()
    }

    /// A number that some sum may not bear, or that is none.
    fn number(&mut self) -> Value {
        let small = self.roll(3_000).into();
        let odd = [
            small,
            u64::MAX.into(),
            i64::MIN.into(),
            1e300.into(),
            0.into(),
            "7".into(),
        ];
        self.pick(&odd)
    }

    fn nonsense(&mut self) -> Value {
        match self.roll(8) {
            0 => self.number(),
            1 => Value::Null,
            2 => json!([]),
            3 => json!({}),
            4 => json!(true),
            5 => "\u{1}\"x".repeat(self.roll(9_000) as usize).into(),
            6 => (0..self.roll(150)).fold(json!(0), |inner, _| json!([inner])),
            _ => vec![json!({ "": 0 }); self.roll(3_000) as usize].into(),
        }
    }

    fn tools(&mut self) -> Value {
        let name = match self.roll(2) {
            0 => "hello".to_owned(),
            _ => "x".repeat(self.roll(40_000) as usize),
        };
        let properties = match self.roll(3) {
            0 => json!({ "a": {}, "b": {} }),
            1 => {
                let some = 0..self.roll(6);
                let some = some.map(|i| (format!("p{i}"), json!({ "enum": [self.nonsense()] })));
                some.collect::<Map<String, Value>>().into()
            }
            _ => self.nonsense(),
        };
        json!([{ "type": "function", "name": name, "parameters": { "properties": properties } }])
    }

    fn content(&mut self) -> Value {
        match self.roll(7) {
            0 | 1 => json!([]),
            2 => {
                let text = "hello ".repeat(self.roll(20_000) as usize);
                json!([{ "type": "input_text", "text": text }])
            }
            3 => json!([{ "type": "input_image", "x": self.nonsense() }]),
            4 => json!([{ "type": "input_audio", "transcript": self.nonsense() }]),
            5 => json!([[7]]),
            _ => self.nonsense(),
        }
    }
}

/// Ids that a client may name.
struct Ids {
    /// The last item's and the last response's.
    item: Value,
    response: Value,
    /// How many events there were.
    told: usize,
}

impl Ids {
    /// One that is there, was there, will be there, or never.
    fn any(&self, dice: &mut Dice) -> Value {
        match dice.roll(5) {
            0 | 1 => self.item.clone(),
            2 => format!("item_x{:05}", self.told as u64 + dice.roll(8)).into(),
            3 => format!("mine_{}", dice.roll(3)).into(),
            _ => dice.nonsense(),
        }
    }
}

/// What a client may say, sense or nonsense.
fn anything(dice: &mut Dice, ids: &Ids) -> Value {
    let input = |input: Value| json!({ "type": "session.update", "session": { "type": "realtime", "audio": { "input": input } } });
    let id = ids.any(dice);
    match dice.roll(25) {
        0..=2 => json!({ "type": "response.create" }),
        3 => {
            json!({ "type": "response.create", "response": { "output_modalities": ["text"], "conversation": "none" } })
        }
        4 => {
            json!({ "type": "response.create", "response": { "tools": dice.tools(), "tool_choice": "required", "metadata": dice.nonsense() } })
        }
        5 => json!({ "type": "response.cancel" }),
        6 => json!({ "type": "response.cancel", "response_id": ids.response }),
        7 => user("hello"),
        8 | 9 => json!({ "type": "conversation.item.delete", "item_id": id }),
        10..=12 => {
            let item =
                json!({ "id": id, "type": "message", "role": "user", "content": dice.content() });
            let previous = [Value::Null, "root".into(), ids.any(dice)];
            json!({ "type": "conversation.item.create", "item": item, "previous_item_id": dice.pick(&previous) })
        }
        13 => {
            json!({ "type": "conversation.item.create", "item": { "id": id, "type": "function_call", "name": "x", "call_id": "c", "arguments": "{}" } })
        }
        14 | 15 => {
            json!({ "type": "conversation.item.truncate", "item_id": id, "content_index": 0, "audio_end_ms": dice.number() })
        }
        16 => json!({ "type": "conversation.item.retrieve", "item_id": id }),
        17 => json!({ "type": "output_audio_buffer.clear" }),
        18 => json!({ "type": "input_audio_buffer.commit" }),
        19 => {
            let turns = [
                Value::Null,
                json!({ "type": "server_vad", "silence_duration_ms": dice.number(), "prefix_padding_ms": dice.number() }),
                json!({ "type": "server_vad", "interrupt_response": dice.roll(2) == 0 }),
            ];
            input(json!({ "turn_detection": dice.pick(&turns), "transcription": { "model": "x" } }))
        }
        20 => {
            let formats = [
                json!({ "type": "audio/pcm", "rate": 24_000 }),
                json!({ "type": "audio/pcmu" }),
                json!({ "type": "audio/pcm", "rate": dice.number() }),
            ];
            input(json!({ "format": dice.pick(&formats) }))
        }
        21 => {
            let name = format!("k{}", dice.roll(1_000));
            let more = json!({ name: dice.nonsense() });
            let tools = [dice.tools(), json!([])];
            json!({ "type": "session.update", "session": { "type": "realtime", "audio": more, "tools": dice.pick(&tools) } })
        }
        22 => {
            let sound = STANDARD.encode(vec![0x5a; dice.roll(60_000) as usize]);
            json!({ "type": "input_audio_buffer.append", "audio": sound })
        }
        23 => json!({ "type": "input_audio_buffer.clear" }),
        _ => json!({ "type": dice.nonsense(), "item": id, "event_id": dice.nonsense() }),
    }
}

/// Puts another item in the place of one, by its name.
fn anew(room: &mut Room, id: &Value, content: Value) -> Vec<Value> {
    let delete = json!({ "type": "conversation.item.delete", "item_id": id });
    let item = json!({ "id": id, "type": "message", "role": "user", "content": content });
    let create = json!({ "type": "conversation.item.create", "item": item });
    [room.send(delete), room.send(create)].concat()
}

/// Hears nothing until the conversation says this.
fn until(room: &mut Room, kind: &str) -> Vec<Value> {
    let mut steps = (0..1_000).map(|_| room.hear(20, 0));
    let events = steps.find(|events| kinds(events).contains(&kind));
    events.unwrap_or_else(|| panic!("no {kind}"))
}

/// What is known of a conversation by its events alone.
#[derive(Default)]
struct Told {
    running: Option<Value>,
    played: Option<Value>,
    ended: usize,
}

impl Told {
    fn check(&mut self, events: &[Value], ids: &mut Ids) {
        ids.told += events.len();
        for event in events {
            let id = &event["response_id"];
            match event["type"].as_str().unwrap() {
                "response.created" => {
                    assert_eq!(self.running, None);
                    ids.response = event["response"]["id"].clone();
                    self.running = Some(ids.response.clone());
                }
                "response.done" => {
                    assert_eq!(self.running.take().as_ref(), Some(&event["response"]["id"]));
                    self.ended += 1;
                }
                "output_audio_buffer.started" => assert_eq!(self.played.replace(id.clone()), None),
                "output_audio_buffer.stopped" | "output_audio_buffer.cleared" => {
                    assert_eq!(self.played.take().as_ref(), Some(id));
                }
                "conversation.item.added" => ids.item = event["item"]["id"].clone(),
                kind if kind.starts_with("response.") => {
                    assert_eq!(self.running.as_ref(), Some(id));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn whatever_a_client_does_one_response_runs_and_one_is_played_within_bounds() {
    for carrier in [Carrier::Packets, Carrier::Messages] {
        let mut dice = Dice(7);
        let (mut ended, mut heaviest) = (0, 0);
        for _ in 0..2 {
            let transcription = json!({ "input": { "transcription": { "model": "x" } } });
            let wanted = json!({ "type": "realtime", "audio": transcription });
            let mut room = Room::new(carrier, Names::Ga, wanted);
            let mut ids = Ids {
                item: Value::Null,
                response: Value::Null,
                told: 0,
            };
            let mut told = Told::default();
            for _ in 0..400 {
                let events = match dice.roll(8) {
                    0 => room.pass(dice.roll(1_500)),
                    2 => room.pass(dice.roll(100)),
                    3 => anew(&mut room, &ids.item, dice.content()),
                    1 | 4 => {
                        let level = if dice.roll(2) == 0 { 0 } else { 6_000 };
                        room.hear(dice.roll(400), level)
                    }
                    _ => {
                        let event = anything(&mut dice, &ids);
                        room.send(event)
                    }
                };
                told.check(&events, &mut ids);
                room.conversation.items.check();
                let settings = room.conversation.settings.to_json();
                assert!(settings.to_string().len() <= 64 << 10);
                heaviest = heaviest.max(weight(settings));
            }
            ended += told.ended;
        }
        assert!(ended > 20, "{ended}");
        assert!(heaviest <= 1 << 20, "{heaviest}");
    }
}

#[test]
fn an_id_that_the_server_gave_is_no_clients_to_give() {
    let mut room = Room::packets();
    let replace = |room: &mut Room, id: &Value| {
        let events = anew(room, id, json!([]));
        assert_eq!(kinds(&events), ["conversation.item.deleted", "error"]);
        assert_eq!(code(&events), "item_create_duplicate_item_id");
    };
    // Before its transcript comes.
    room.hear(500, 0);
    room.hear(500, 6_000);
    let events = until(&mut room, "input_audio_buffer.committed");
    let heard = &find(&events, "input_audio_buffer.committed")["item_id"];
    replace(&mut room, heard);
    let events = room.pass(500);
    assert!(
        !kinds(&events)
            .iter()
            .any(|kind| kind.contains("transcription"))
    );
    // Before it is interrupted.
    let said = &find(&events, "response.output_item.added")["item"]["id"];
    until(&mut room, "response.done");
    replace(&mut room, said);
    let events = room.hear(500, 6_000);
    find(&events, "output_audio_buffer.cleared");
    assert!(!kinds(&events).contains(&"conversation.item.truncated"));
    // Before it is given.
    let item = json!({ "id": "item_x00999", "type": "message", "role": "user", "content": [] });
    let refused = room.send(json!({ "type": "conversation.item.create", "item": item }));
    assert_eq!(code(&refused), "item_create_duplicate_item_id");
}

#[test]
fn what_a_call_says_is_bounded_by_more_than_what_was_said_to_it() {
    let mut room = Room::messages();
    let names = ["a", "b", "c", "d"].map(|name| (name.to_owned(), json!({})));
    let properties: Map<String, Value> = names.into_iter().collect();
    let tool =
        json!({ "type": "function", "name": "x", "parameters": { "properties": properties } });
    room.send(user(&"x\"".repeat(500_000)));
    let wanted = json!({ "tools": [tool], "tool_choice": "required" });
    room.send(json!({ "type": "response.create", "response": wanted }));
    let events = room.pass(60_000);
    let arguments = &find(&events, "response.function_call_arguments.done")["arguments"];
    assert!((4_000..64 << 10).contains(&arguments.as_str().unwrap().len()));
}

#[test]
fn what_a_response_is_asked_with_is_bounded() {
    let mut room = Room::messages();
    let long = "x".repeat(64 << 10);
    for (wanted, param) in [
        (json!({ "metadata": { "a": long } }), "response.metadata"),
        (
            json!({ "tools": [{ "type": "function", "name": long }] }),
            "response.tools",
        ),
    ] {
        let refused = room.send(json!({ "type": "response.create", "response": wanted }));
        assert_eq!(code(&refused), "value_too_large");
        assert_eq!(refused[0]["error"]["param"], param);
    }
}
