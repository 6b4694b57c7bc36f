//! The plain-JSON path.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{PATIENCE, Rig, websocket};

async fn next_message(
    socket: &mut (impl StreamExt<Item = Result<Message, impl std::fmt::Debug>> + Unpin),
) -> Value {
    match timeout(PATIENCE, socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap()
    {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_websocket_speaks_messages_with_a_type() {
    let rig = Rig::start().await;
    let mut socket = websocket(&rig.url("/json"), &[]).await.unwrap();
    assert_eq!(next_message(&mut socket).await["type"], "SESSION_CREATED");
    socket
        .send(Message::text(r#"{"type":"echo","message":"hi"}"#))
        .await
        .unwrap();
    assert_eq!(
        next_message(&mut socket).await,
        json!({ "type": "echo", "message": "hi" })
    );
    socket.send(Message::text("not json")).await.unwrap();
    assert_eq!(
        next_message(&mut socket).await["error"],
        "Failed to process message"
    );
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    let echoed = timeout(PATIENCE, socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(echoed, Message::binary(vec![1, 2, 3]));
}

#[tokio::test]
async fn a_stream_and_posts_share_a_client() {
    let rig = Rig::start().await;
    let address = rig.url("/json?client=a");
    let request = rig.http.get(&address).header("Accept", "text/event-stream");
    let mut stream = request.send().await.unwrap();
    let posted = rig
        .post("/json?client=a", &json!({ "type": "ECHO", "n": 1 }))
        .await;
    assert_eq!(posted.status(), 204);
    let mut text = String::new();
    while !text.contains("data: {\"type\":\"ECHO\",\"n\":1}\n\n") {
        let chunk = timeout(PATIENCE, stream.chunk())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        text += std::str::from_utf8(&chunk).unwrap();
    }
}

#[tokio::test]
async fn a_poll_answers_an_array_and_the_first_one_at_once() {
    let rig = Rig::start().await;
    let poll = || async {
        rig.get("/json?client=b")
            .await
            .json::<Vec<Value>>()
            .await
            .unwrap()
    };
    let mut messages = poll().await;
    if messages.is_empty() {
        messages = poll().await;
    }
    assert_eq!(messages[0]["type"], "SESSION_CREATED");
    rig.post("/json?client=b", &json!({ "type": "ECHO", "n": 2 }))
        .await;
    assert_eq!(poll().await, [json!({ "type": "ECHO", "n": 2 })]);
}

#[tokio::test]
async fn posts_that_make_no_sense_are_400() {
    let rig = Rig::start().await;
    assert_eq!(
        rig.post("/json", &json!({ "type": "ECHO" })).await.status(),
        400
    );
    assert_eq!(rig.post("/json?client=c", &json!([1])).await.status(), 400);
    assert_eq!(
        rig.post("/json?client=", &json!({ "type": "ECHO" }))
            .await
            .status(),
        400
    );
}

#[tokio::test]
async fn too_many_guests_are_503() {
    let rig = Rig::with(|config| config.limits.max_guests = 1).await;
    let message = json!({ "type": "ECHO" });
    assert_eq!(rig.post("/json?client=a", &message).await.status(), 204);
    assert_eq!(rig.post("/json?client=a", &message).await.status(), 204);
    let refused = rig.post("/json?client=b", &message).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "2");
}

#[tokio::test]
async fn a_console_stream_is_told_of_its_show_and_kept_alive() {
    let rig = Rig::with(|config| config.sessions.heartbeat = 200).await;
    let request = rig.http.get(rig.url("/api/shows/s1/stream"));
    let mut stream = request.bearer_auth("dev-operator").send().await.unwrap();
    let mut text = String::new();
    let mut read = async |until: &str| {
        while !text.contains(until) {
            let chunk = timeout(PATIENCE, stream.chunk())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            text += std::str::from_utf8(&chunk).unwrap();
        }
    };
    read("data: {\"type\":\"STATUS\"").await;
    rig.post(
        "/api/debug/emit-comment",
        &json!({ "showId": "s1", "text": "hello" }),
    )
    .await;
    read("\"text\":\"hello\"").await;
    read(": heartbeat\n\n").await;
}

/// Reads a stream until `count` events have an id, and returns those and everything read.
async fn events(stream: &mut reqwest::Response, count: usize) -> (Vec<String>, String) {
    let mut text = String::new();
    loop {
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
        let ids = whole.lines().filter_map(|line| line.strip_prefix("id: "));
        let ids: Vec<String> = ids.map(str::to_owned).collect();
        if ids.len() >= count {
            return (ids, text);
        }
        let chunk = timeout(PATIENCE, stream.chunk());
        let chunk = chunk.await.unwrap().unwrap().unwrap();
        text += std::str::from_utf8(&chunk).unwrap();
    }
}

/// WHATWG HTML §9.2.4: `EventSource` names the last event in a header, others in the address.
#[tokio::test]
async fn a_console_stream_that_returns_gets_what_it_missed() {
    let rig = Rig::start().await;
    let emit = async |text: &str| {
        let comment = json!({ "showId": "s2", "text": text });
        rig.post("/api/debug/emit-comment", &comment).await;
    };
    let address = rig.url("/api/shows/s2/stream");
    let mut stream = rig.http.get(&address).send().await.unwrap();
    while !text_of(&mut stream).await.contains("STATUS") {}
    emit("one").await;
    let (ids, _) = events(&mut stream, 1).await;
    drop(stream);
    emit("two").await;
    emit("three").await;
    let by_header = rig.http.get(&address).header("Last-Event-ID", &ids[0]);
    let by_query = rig.http.get(format!("{address}?lastEventId={}", ids[0]));
    for request in [by_header, by_query] {
        let mut stream = request.send().await.unwrap();
        let (_, text) = events(&mut stream, 2).await;
        assert!(!text.contains("\"text\":\"one\""), "{text}");
        assert!(text.find("\"two\"").unwrap() < text.find("\"three\"").unwrap());
    }
}

/// A client with a name keeps its topics while it is away; what was lost on the way comes again.
#[tokio::test]
async fn a_client_that_returns_gets_what_it_missed_of_its_topics() {
    let rig = Rig::start().await;
    let address = rig.url("/json?client=back");
    let open = |last: Option<&str>| {
        let request = rig.http.get(&address).header("Accept", "text/event-stream");
        last.into_iter()
            .fold(request, |request, id| request.header("Last-Event-ID", id))
    };
    let mut stream = open(None).send().await.unwrap();
    let subscribe = json!({ "type": "SUBSCRIBE", "topic": "shows/s3" });
    rig.post("/json?client=back", &subscribe).await;
    while !text_of(&mut stream).await.contains("STATUS") {}
    for text in ["one", "two"] {
        let comment = json!({ "showId": "s3", "text": text });
        rig.post("/api/debug/emit-comment", &comment).await;
    }
    let (ids, _) = events(&mut stream, 2).await;
    drop(stream);
    let comment = json!({ "showId": "s3", "text": "three" });
    rig.post("/api/debug/emit-comment", &comment).await;
    let mut stream = open(Some(&ids[0])).send().await.unwrap();
    let (again, text) = events(&mut stream, 2).await;
    assert_eq!(again[0], ids[1]);
    assert!(text.contains("\"three\""), "{text}");
    rig.post("/json?client=back", &json!({ "type": "ECHO", "last": 1 }))
        .await;
    let mut rest = String::new();
    while !rest.contains("\"last\":1") {
        rest += &text_of(&mut stream).await;
    }
    assert!(!rest.contains("id: "), "nothing comes twice: {rest}");
}

async fn text_of(stream: &mut reqwest::Response) -> String {
    let chunk = timeout(PATIENCE, stream.chunk());
    let chunk = chunk.await.unwrap().unwrap().unwrap();
    String::from_utf8(chunk.to_vec()).unwrap()
}
