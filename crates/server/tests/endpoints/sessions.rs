//! Handshake, messages, takeover and resume, on every transport.

use serde_json::json;
use throughline_core::Transport;

use crate::rig::{Rig, eventually, hello, resume};

/// P2.1–P2.4, A1, B1, C1
#[tokio::test]
async fn a_session_opens_on_every_transport() {
    let rig = Rig::start().await;
    for transport in Transport::TEXT {
        let (_link, ready) = rig.take(transport, hello(), 1).await;
        assert_eq!(ready["resumed"], true, "{transport:?}");
        assert_eq!(ready["received"], 0);
        assert_eq!(ready["heartbeat"], 15_000);
        assert_eq!(ready["window"], 120_000);
        assert_eq!(ready["unit"], 1 << 20);
        assert_eq!(ready["session"].as_str().unwrap().len(), 32);
    }
}

/// P1.5–P1.7, P3.1
#[tokio::test]
async fn json_and_bytes_come_back_as_they_were_sent() {
    let rig = Rig::start().await;
    for transport in Transport::TEXT {
        let (mut link, _) = rig.take(transport, hello(), 1).await;
        link.send(json!([[1, "ECHO", { "a": [1, "é", null] }]]))
            .await;
        assert_eq!(
            link.message().await,
            json!([1, "ECHO", { "a": [1, "é", null] }])
        );
        link.send_bytes(2, "ECHO", &[0, 255, 10]).await;
        let expected = match transport {
            Transport::WebSocket | Transport::LongPoll | Transport::WebRtc => {
                json!(["bytes", 2, "ECHO", [0, 255, 10]])
            }
            Transport::Sse => json!(["bin", 2, "ECHO", "AP8K"]),
        };
        assert_eq!(link.message().await, expected);
        link.send(json!([["bin", 3, "ECHO", "AP8K"]])).await;
        let mut again = expected;
        again[1] = 3.into();
        assert_eq!(link.message().await, again);
    }
}

/// P3.3, B4
#[tokio::test]
async fn what_arrives_is_acknowledged() {
    let rig = Rig::start().await;
    for transport in Transport::TEXT {
        let (mut link, _) = rig.take(transport, hello(), 1).await;
        link.send(json!([[1, "ECHO", 0]])).await;
        let mut acked = false;
        for _ in 0..2 {
            acked |= link.frame().await == json!(["ack", 1]);
        }
        assert!(acked, "{transport:?}");
    }
}

/// P3.4
#[tokio::test]
async fn requests_are_answered_or_refused() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    link.send(json!([["req", 1, 7, "ECHO", { "x": 1 }], ["req", 2, 8, "FAIL", null]]))
        .await;
    assert_eq!(link.message().await, json!(["rep", 1, 7, { "x": 1 }]));
    let refusal = link.message().await;
    assert_eq!(
        (&refusal[0], &refusal[2], &refusal[3]["code"]),
        (&json!("err"), &json!(8), &json!("failed"))
    );
}

/// P2.2, P2.4: a race makes one session, which moves by `take` between any two transports.
#[tokio::test]
async fn a_session_moves_to_another_transport_and_loses_nothing() {
    let rig = Rig::start().await;
    for to in Transport::TEXT {
        for from in Transport::TEXT {
            let hello = hello();
            let (mut old, ready) = rig.take(from, hello.clone(), 1).await;
            let mut new = rig.greet(to, hello).await;
            assert_eq!(new.ready().await["session"], ready["session"]);
            old.send(json!([[1, "ECHO", "a"], [2, "ECHO", "b"]])).await;
            assert_eq!(old.message().await, json!([1, "ECHO", "a"]));
            new.send(json!([["take", 2, 1], [2, "ECHO", "b"], [3, "ECHO", "c"]]))
                .await;
            assert_eq!(
                new.message().await,
                json!([2, "ECHO", "b"]),
                "{from:?} to {to:?}"
            );
            assert_eq!(new.message().await, json!([3, "ECHO", "c"]));
        }
    }
}

/// P2.4
#[tokio::test]
async fn an_old_fence_and_another_page_are_closed() {
    let rig = Rig::start().await;
    let hello = hello();
    let (mut owner, _) = rig.take(Transport::WebSocket, hello.clone(), 5).await;
    let (mut late, _) = rig.take(Transport::Sse, hello.clone(), 5).await;
    assert_eq!(late.closed().await, (4409, None));
    let mut copy = hello.clone();
    copy["instance"] = "00000000000000000000000000000099".into();
    let (mut copy, _) = rig.take(Transport::WebSocket, copy, 6).await;
    assert_eq!(copy.closed().await, (4409, None));
    owner.send(json!([[1, "ECHO", "still here"]])).await;
    assert_eq!(owner.message().await, json!([1, "ECHO", "still here"]));
}

/// P2.3, P2.4: what was sent while no link was there is replayed.
#[tokio::test]
async fn a_cut_link_is_resumed_with_replay() {
    let rig = Rig::start().await;
    for transport in Transport::TEXT {
        let hello = hello();
        let (mut link, ready) = rig.take(transport, hello.clone(), 1).await;
        link.send(json!([[1, "SUBSCRIBE", { "topic": "shows/cut" }]]))
            .await;
        assert_eq!(link.message().await[1], "SUBSCRIBED");
        assert_eq!(link.message().await[1], "STATUS");
        drop(link);
        let comment = json!({ "showId": "cut", "text": "while away" });
        let answer = rig.post("/api/debug/emit-comment", &comment).await;
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer["delivered"], 1, "{transport:?}");
        let (mut link, ready) = rig
            .take(Transport::WebSocket, resume(&hello, &ready, 2), 2)
            .await;
        assert_eq!(
            (&ready["resumed"], &ready["received"]),
            (&json!(true), &json!(1))
        );
        let replayed = link.message().await;
        assert_eq!(
            (&replayed[0], &replayed[2]["text"]),
            (&json!(3), &json!("while away"))
        );
        link.send(json!([["close", 1000]])).await;
        link.closed().await;
    }
}

/// P5.5
#[tokio::test]
async fn close_1000_ends_the_session() {
    let rig = Rig::start().await;
    for transport in Transport::TEXT {
        let hello = hello();
        let (mut link, ready) = rig.take(transport, hello.clone(), 1).await;
        link.send(json!([["close", 1000]])).await;
        assert_eq!(link.closed().await, (1000, None), "{transport:?}");
        assert_eq!(rig.server.hub().session_count(), 0);
        let mut again = rig
            .greet(Transport::WebSocket, resume(&hello, &ready, 0))
            .await;
        assert_eq!(again.ready().await["resumed"], false);
        drop(again);
        let (mut last, _) = rig.take(Transport::WebSocket, hello, 1).await;
        last.send(json!([["close", 1000]])).await;
        last.closed().await;
    }
}

/// P4.1, P4.2
#[tokio::test]
async fn pings_are_answered_and_quiet_links_get_heartbeats() {
    let rig = Rig::with(|config| config.sessions.heartbeat = 200).await;
    for transport in Transport::TEXT {
        let (mut link, _) = rig.take(transport, hello(), 1).await;
        link.send(json!([["ping", 3]])).await;
        assert_eq!(link.message().await, json!(["pong", 3]), "{transport:?}");
        assert_eq!(link.frame().await, json!(["ping", 0]));
    }
}

/// B5: the server notices that a client has gone.
#[tokio::test]
async fn a_link_whose_client_is_gone_ends() {
    let rig = Rig::start().await;
    for transport in [Transport::WebSocket, Transport::Sse] {
        let (link, _) = rig.take(transport, hello(), 1).await;
        assert_eq!(rig.server.hub().link_count(), 1);
        drop(link);
        eventually("the link ends", || rig.server.hub().link_count() == 0).await;
    }
}

/// A2: a client that answers no ping is not there.
#[tokio::test]
async fn a_websocket_that_answers_no_ping_is_dropped() {
    let rig = Rig::with(|config| config.sessions.heartbeat = 100).await;
    let (_unread, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    assert_eq!(rig.server.hub().link_count(), 1);
    eventually("the link ends", || rig.server.hub().link_count() == 0).await;
}

/// A2: one that answers pings and says nothing else is.
#[tokio::test]
async fn a_quiet_websocket_is_kept() {
    let rig = Rig::with(|config| config.sessions.heartbeat = 100).await;
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    for _ in 0..8 {
        assert_eq!(link.frame().await, json!(["ping", 0]));
    }
    assert_eq!(rig.server.hub().link_count(), 1);
}

#[tokio::test]
async fn a_flood_arrives_whole_and_in_order() {
    let rig = Rig::start().await;
    for transport in Transport::TEXT {
        let (mut link, _) = rig.take(transport, hello(), 1).await;
        link.send(json!([[1, "FLOOD", { "count": 3_000, "size": 100, "perUnit": 10 }]]))
            .await;
        for i in 0..3_000 {
            let item = link.message().await;
            assert_eq!(
                (&item[0], &item[2]["i"]),
                (&json!(i + 1), &json!(i)),
                "{transport:?}"
            );
        }
    }
}
