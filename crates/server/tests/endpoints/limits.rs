//! Each limit, with its code.

use serde_json::json;
use throughline_core::Transport;
use throughline_core::server::Rate;

use crate::rig::{Rig, hello};

/// P1.8, P5.6
#[tokio::test]
async fn a_unit_over_the_limit_is_4413_and_413() {
    let rig = Rig::with(|config| config.sessions.unit = 2_048).await;
    let large = json!([[1, "ECHO", "x".repeat(2_100)]]);
    let huge = json!([[1, "ECHO", "x".repeat(100_000)]]);
    for unit in [&large, &huge] {
        let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
        link.send(unit.clone()).await;
        assert_eq!(link.closed().await, (4413, None));
    }
    let (mut link, _) = rig.take(Transport::Sse, hello(), 1).await;
    let answer = rig
        .post(&format!("/realtime?link={}", link.name), &large)
        .await;
    assert_eq!(answer.status(), 413);
    assert_eq!(link.closed().await, (4413, None));
}

/// P1.8
#[tokio::test]
async fn a_unit_that_is_none_is_4400() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    link.send(json!({ "type": "echo" })).await;
    assert_eq!(link.closed().await, (4400, None));
    let (mut link, _) = rig.take(Transport::Sse, hello(), 1).await;
    link.send(json!([["auth"]])).await;
    assert_eq!(link.closed().await, (4400, None));
}

/// P5.3, P5.6
#[tokio::test]
async fn too_many_messages_are_4429_and_429() {
    let rate = Rate {
        per_second: 1,
        burst: 2,
    };
    let rig = Rig::with(|config| config.sessions.rate = rate).await;
    let flood = json!([[1, "ECHO", 1], [2, "ECHO", 2], [3, "ECHO", 3]]);
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    link.send(flood.clone()).await;
    assert_eq!(link.closed().await, (4429, Some(2_000)));
    let (link, _) = rig.take(Transport::Sse, hello(), 1).await;
    let answer = rig
        .post(&format!("/realtime?link={}", link.name), &flood)
        .await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "2");
}

/// P5.3, P5.6
#[tokio::test]
async fn too_many_sessions_are_4503_and_503() {
    let rig = Rig::with(|config| config.sessions.max_sessions = 1).await;
    let first = hello();
    let (_link, ready) = rig.take(Transport::WebSocket, first.clone(), 1).await;
    let mut link = rig.greet(Transport::WebSocket, hello()).await;
    assert_eq!(link.closed().await, (4503, Some(2_000)));
    let mut link = rig.open(Transport::Sse).await;
    let unit = json!([["hello", hello()]]);
    let answer = rig
        .post(&format!("/realtime?link={}", link.name), &unit)
        .await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "2");
    assert_eq!(link.closed().await, (4503, Some(2_000)));
    let again = crate::rig::resume(&first, &ready, 0);
    let (_link, ready) = rig.take(Transport::WebSocket, again, 2).await;
    assert_eq!(ready["resumed"], true, "who is in stays in");
}

/// P3.8, P5.3, P5.6: a reader that stops reading is not buffered for without end.
#[tokio::test]
async fn too_many_bytes_for_a_slow_reader_are_4429() {
    let rig = Rig::with(|config| config.limits.buffered_bytes = 64 << 10).await;
    let (mut link, _) = rig.take(Transport::Sse, hello(), 1).await;
    link.send(json!([[1, "SUBSCRIBE", { "topic": "shows/slow" }]]))
        .await;
    assert_eq!(link.message().await[1], "SUBSCRIBED");
    assert_eq!(link.message().await[1], "STATUS");
    let comment = json!({ "showId": "slow", "text": "x".repeat(60_000) });
    assert_eq!(rig.server.hub().link_count(), 1);
    for _ in 0..400 {
        rig.post("/api/debug/emit-comment", &comment).await;
        if rig.server.hub().link_count() == 0 {
            break;
        }
    }
    assert_eq!(rig.server.hub().link_count(), 0);
    assert_eq!(link.closed().await, (4429, Some(2_000)));
}
