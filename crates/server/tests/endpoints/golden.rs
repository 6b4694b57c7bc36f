//! `tests/data/frames`: what is refused ends a real link with the code that the file names.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use throughline_core::Transport;
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{Link, Rig, hello};

#[derive(Deserialize)]
struct Refused {
    name: String,
    direction: String,
    text: String,
    code: u64,
}

#[derive(Deserialize)]
struct Binary {
    name: String,
    hex: String,
    code: Option<u64>,
}

#[derive(Deserialize)]
struct Illegal {
    name: String,
    state: State,
    text: String,
    code: u64,
    /// The one transport on which it is illegal, if not on all: the network may repeat a POST (B4).
    on: Option<String>,
}

/// How far a link has come.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum State {
    Open,
    Greeted,
    Owner,
}

/// P1.5, P1.8, P1.9, P5.1, P5.4, B4
#[tokio::test]
async fn a_unit_that_is_not_as_described_ends_its_link() {
    let rig = Rig::start().await;
    let units = golden::<Refused>("refused");
    for unit in units.iter().filter(|unit| unit.direction != "down") {
        refuses(
            &rig,
            State::Owner,
            Message::text(&*unit.text),
            unit.code,
            &unit.name,
        )
        .await;
    }
    assert_eq!(rig.server.hub().link_count(), 0);
}

/// P1.6, P1.8
#[tokio::test]
async fn a_binary_unit_that_is_not_as_described_ends_its_link() {
    let rig = Rig::start().await;
    for unit in golden::<Binary>("binary") {
        if let Some(code) = unit.code {
            let bytes = Message::binary(from_hex(&unit.hex));
            refuses(&rig, State::Owner, bytes, code, &unit.name).await;
        }
    }
}

/// P1.3, P1.10, P2.4, P2.6, P2.7, P2.9, P3.2, P3.3
#[tokio::test]
async fn a_frame_that_is_not_legal_where_it_stands_ends_its_link() {
    let rig = Rig::start().await;
    for Illegal {
        name,
        state,
        text,
        code,
        on,
    } in golden("illegal")
    {
        let unit = Message::text(text);
        match on.as_deref() {
            None => refuses(&rig, state, unit, code, &name).await,
            Some("websocket") => refuses_on_websocket(&rig, state, unit, code, &name).await,
            Some(on) => panic!("{name}: {on}"),
        }
    }
}

/// B4
#[tokio::test]
async fn a_post_that_the_network_repeats_changes_nothing() {
    let rig = Rig::start().await;
    let mut link = rig.open(Transport::Sse).await;
    let greet = json!([["hello", hello()]]);
    link.send(greet.clone()).await;
    let ready = link.ready().await;
    link.send(greet).await;
    let first = json!([["take", 1, 0], [1, "ECHO", "once"]]);
    link.send(first.clone()).await;
    assert_eq!(link.message().await, json!([1, "ECHO", "once"]));
    link.send(first).await;
    link.send(json!([[2, "ECHO", "and on"]])).await;
    assert_eq!(
        link.message().await,
        json!([2, "ECHO", "and on"]),
        "{ready}"
    );
}

/// P1.8: a unit that is refused counts for nothing, and P1.2: what came before it counts.
#[tokio::test]
async fn a_refused_unit_counts_for_nothing_and_the_one_before_it_does() {
    let rig = Rig::start().await;
    let hello = hello();
    let (mut link, ready) = rig.take(Transport::WebSocket, hello.clone(), 1).await;
    link.send(json!([[1, "ECHO", "a"]])).await;
    link.send(json!([[2, "ECHO", "b"], ["ack"]])).await;
    assert_eq!(link.closed().await, (4400, None));
    let again = crate::rig::resume(&hello, &ready, 0);
    let (mut link, ready) = rig.take(Transport::WebSocket, again, 2).await;
    assert_eq!(ready["received"], 1);
    link.send(json!([
        [2, "ECHO", "b"],
        [3, "ECHO", "c"],
        [5, "ECHO", "e"]
    ]))
    .await;
    assert_eq!(link.closed().await, (4400, None));
    let again = crate::rig::resume(&hello, &ready, 0);
    let (_link, ready) = rig.take(Transport::WebSocket, again, 3).await;
    assert_eq!(ready["received"], 3, "those before the one that skips");
}

/// Sends the unit on a WebSocket and in a POST, and hears the code on both.
async fn refuses(rig: &Rig, state: State, unit: Message, code: u64, name: &str) {
    refuses_on_websocket(rig, state, unit.clone(), code, name).await;
    refuses_in_post(rig, state, unit, code, name).await;
}

async fn refuses_on_websocket(rig: &Rig, state: State, unit: Message, code: u64, name: &str) {
    let mut socket = reach(rig, Transport::WebSocket, state).await;
    assert!(socket.send_raw(unit).await.is_none());
    assert_eq!(socket.closed().await, (code, None), "{name}, WebSocket");
}

async fn refuses_in_post(rig: &Rig, state: State, unit: Message, code: u64, name: &str) {
    let mut stream = reach(rig, Transport::Sse, state).await;
    let answer = stream.send_raw(unit).await.unwrap();
    assert_eq!(answer.status(), 200, "{name}, POST");
    let told: Value = answer.json().await.unwrap();
    assert_eq!(told, json!([["close", code]]), "{name}, POST");
    assert_eq!(stream.closed().await, (code, None), "{name}, SSE");
    assert_eq!(stream.frame().await, json!(["end"]), "{name}, SSE");
}

async fn reach(rig: &Rig, transport: Transport, state: State) -> Link {
    match state {
        State::Open => rig.open(transport).await,
        State::Greeted => {
            let mut link = rig.greet(transport, hello()).await;
            link.ready().await;
            link
        }
        State::Owner => rig.take(transport, hello(), 1).await.0,
    }
}

fn golden<T: DeserializeOwned>(file: &str) -> Vec<T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/frames");
    let text = fs::read_to_string(folder.join(file).with_extension("json")).unwrap();
    let units: Vec<T> = serde_json::from_str(&text).unwrap();
    assert!(!units.is_empty());
    units
}

fn from_hex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
