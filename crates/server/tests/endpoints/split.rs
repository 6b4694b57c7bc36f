//! What is special to split links (annexes B and C).

use serde_json::{Value, json};
use throughline_core::Transport;

use crate::rig::{Rig, eventually, hello, rand_u128};

fn address() -> String {
    format!("/realtime?link={:032x}", rand_u128())
}

/// B1: the POST may come first.
#[tokio::test]
async fn hello_and_stream_find_each_other_in_either_order() {
    let rig = Rig::start().await;
    let address = address();
    let unit = json!([["hello", hello()]]);
    let post = rig.post(&address, &unit);
    let stream = async {
        tokio::task::yield_now().await;
        let request = rig
            .http
            .get(rig.url(&address))
            .header("Accept", "text/event-stream");
        let mut stream = request.send().await.unwrap();
        let mut text = String::new();
        while !text.contains("\n\ndata: ") || !text.ends_with("\n\n") {
            text += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
        }
        text
    };
    let (answer, text) = tokio::join!(post, stream);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "[]");
    assert!(text.contains(r#"[["ready",{"session":""#), "{text}");
}

/// B1
#[tokio::test]
async fn a_half_that_stays_alone_is_given_up() {
    let rig = Rig::with(|config| {
        config.sessions.hello_timeout = 150;
        config.limits.join = std::time::Duration::from_millis(150);
    })
    .await;
    let lonely = rig.post(&address(), &json!([["hello", hello()]])).await;
    assert_eq!(lonely.status(), 408);
    let mut stream = rig.open(Transport::Sse).await;
    assert_eq!(stream.closed().await, (4408, None));
    assert_eq!(stream.frame().await, json!(["end"]));
    let mut poll = rig.open(Transport::LongPoll).await;
    assert_eq!(poll.closed().await, (4408, None));
}

/// B2
#[tokio::test]
async fn a_stream_begins_at_once_and_is_not_to_be_held_back() {
    let rig = Rig::start().await;
    let request = rig
        .http
        .get(rig.url(&address()))
        .header("Accept", "text/event-stream");
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.headers()["cache-control"], "no-cache, no-transform");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    assert_eq!(&stream.chunk().await.unwrap().unwrap()[..1], b":");
}

/// B4
#[tokio::test]
async fn a_post_to_an_unknown_link_is_404() {
    let rig = Rig::start().await;
    let answer = rig.post(&address(), &json!([["ping", 1]])).await;
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn addresses_and_bodies_that_make_no_sense_are_400() {
    let rig = Rig::start().await;
    assert_eq!(rig.get("/realtime?link=xyz").await.status(), 400);
    assert_eq!(
        rig.post("/realtime?link=xyz", &json!([])).await.status(),
        400
    );
    assert_eq!(rig.post("/realtime", &json!([])).await.status(), 400);
    assert_eq!(
        rig.post(&address(), &json!({ "type": "echo" }))
            .await
            .status(),
        400
    );
}

/// C2
#[tokio::test]
async fn a_new_poll_ends_the_older_one() {
    let rig = Rig::start().await;
    let (link, _) = rig.take(Transport::LongPoll, hello(), 1).await;
    let address = rig.url(&format!("/realtime?link={}", link.name));
    let held = tokio::spawn(rig.http.get(&address).send());
    // Whichever of the two came first is answered with nothing.
    let other = tokio::spawn(rig.http.get(&address).send());
    let (first, other) = tokio::select! {
        answer = held => (answer, "the other"),
        answer = other => (answer, "the first"),
    };
    let first = first.unwrap().unwrap();
    assert_eq!(
        (
            first.status().as_u16(),
            first.text().await.unwrap().as_str()
        ),
        (200, "[]"),
        "{other}"
    );
}

/// C2
#[tokio::test]
async fn a_link_without_a_poll_is_closed() {
    let rig = Rig::with(|config| config.limits.idle = std::time::Duration::from_millis(100)).await;
    let (mut link, _) = rig.take(Transport::LongPoll, hello(), 1).await;
    eventually("the link ends", || rig.server.hub().link_count() == 0).await;
    assert_eq!(link.closed().await, (1001, None));
    assert_eq!(link.frame().await, json!(["end"]));
}

/// C3
#[tokio::test]
async fn an_ended_poll_link_tells_its_end_once() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::LongPoll, hello(), 1).await;
    link.send(json!([["ack", 99]])).await;
    assert_eq!(link.closed().await, (4400, None));
    let address = format!("/realtime?link={}", link.name);
    let polled = rig.get(&address).await;
    assert_eq!(polled.text().await.unwrap(), r#"[["close",4400]]"#);
    assert_eq!(rig.get(&address).await.status(), 404);
}

/// C1: browsers ask again by themselves where a connection broke before the answer.
#[tokio::test]
async fn a_poll_that_comes_again_is_answered_the_same() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::LongPoll, hello(), 1).await;
    link.send(json!([[1, "ECHO", "one"]])).await;
    let address = |n| format!("/realtime?link={}&poll={n}", link.name);
    let first = rig.get(&address(7)).await.text().await.unwrap();
    assert!(first.contains(r#"[1,"ECHO","one"]"#), "{first}");
    assert_eq!(rig.get(&address(7)).await.text().await.unwrap(), first);
    rig.post(&address(0), &json!([[2, "ECHO", "two"]])).await;
    let next = rig.get(&address(8)).await.text().await.unwrap();
    assert!(
        next.contains(r#"[2,"ECHO","two"]"#) && !next.contains("one"),
        "{next}"
    );
}

/// C1
#[tokio::test]
async fn a_poll_with_nothing_to_say_is_a_heartbeat() {
    let rig = Rig::with(|config| config.sessions.heartbeat = 200).await;
    let (link, _) = rig.take(Transport::LongPoll, hello(), 1).await;
    let answer = rig.get(&format!("/realtime?link={}", link.name)).await;
    let unit: Value = answer.json().await.unwrap();
    assert_eq!(unit, json!([["ping", 0]]));
}
