//! Units that no honest client sends, over real sockets: each has its code, and a neighbour's session
//! goes on.

use serde_json::{Value, json};
use throughline_core::Transport;
use throughline_core::codec::MAX_NUMBER;

use crate::rig::{Link, Rig, hello, rand_u128, resume};

/// A session that echoes, to see whether it still does.
struct Neighbour {
    link: Link,
    said: u64,
}

impl Neighbour {
    async fn move_in(rig: &Rig) -> Self {
        let mut hello = hello();
        hello["token"] = "dev-ann".into();
        let (link, _) = rig.take(Transport::WebSocket, hello, 1).await;
        let mut neighbour = Self { link, said: 0 };
        neighbour.talks_on().await;
        neighbour
    }

    async fn talks_on(&mut self) {
        self.said += 1;
        let n = self.said;
        self.link.send(json!([[n, "ECHO", n]])).await;
        assert_eq!(self.link.message().await, json!([n, "ECHO", n]));
    }
}

/// Says a unit on a link of its own, and returns the code by which the link ends.
async fn say(rig: &Rig, transport: Transport, unit: &Value) -> u64 {
    let mut hello = hello();
    hello["token"] = "dev-eve".into();
    let (mut link, _) = rig.take(transport, hello, 1).await;
    match transport {
        Transport::WebSocket | Transport::WebRtc => link.send(unit.clone()).await,
        Transport::Sse | Transport::LongPoll => {
            let path = format!("/realtime?link={}", link.name);
            rig.post(&path, unit).await;
        }
    }
    link.closed().await.0
}

/// P1.8, P2.4, P2.6, P3.2, P3.3
#[tokio::test]
async fn frames_that_break_the_rules_end_their_own_link() {
    let rig = Rig::start().await;
    let mut neighbour = Neighbour::move_in(&rig).await;
    let units = [
        (json!([["ack", 1]]), 4400),
        (json!([["ack", MAX_NUMBER]]), 4400),
        (json!([["ack", MAX_NUMBER + 1]]), 4400),
        (json!([["ack", -1]]), 4400),
        (json!([["ack", 0.5]]), 4400),
        (json!([[2, "ECHO", 0]]), 4400),
        (json!([[MAX_NUMBER, "ECHO", 0]]), 4400),
        (json!([[MAX_NUMBER + 1, "ECHO", 0]]), 4400),
        (json!([[u64::MAX, "ECHO", 0]]), 4400),
        (json!([["req", MAX_NUMBER, 1, "ECHO", 0]]), 4400),
        (json!([["req", 1, 1_u64 << 32, "ECHO", 0]]), 4400),
        (json!([["take", 1, 0]]), 4409),
        (json!([["take", 0, 0]]), 4400),
        (json!([["take", 2, 1]]), 4400),
        (json!([["take", 2, MAX_NUMBER]]), 4400),
        (json!([["take", 1_u64 << 32, 0]]), 4400),
        (json!([["hello", hello()]]), 4400),
        (json!([["auth", 1]]), 4400),
        (json!([["auth"]]), 4400),
        (json!([["auth", "dev-ann"]]), 4403),
        (json!([["auth", "nonsense"]]), 4401),
        (json!([["expiring", 1]]), 4400),
        (json!([["goaway", 1]]), 4400),
        (json!([["ready", {}]]), 4400),
        (json!([["rep", 1, 1, 0]]), 4400),
        (json!([["unheard-of"]]), 4400),
        (json!([[]]), 4400),
        (json!({}), 4400),
    ];
    for (unit, code) in &units {
        let ended = say(&rig, Transport::WebSocket, unit).await;
        assert_eq!(ended, *code, "{unit}");
    }
    neighbour.talks_on().await;
    for transport in [Transport::Sse, Transport::LongPoll] {
        for (unit, code) in &units {
            if unit[0][0] == "hello" || *unit == json!([["take", 1, 0]]) {
                // On split links these may be what the network repeats (B4).
                continue;
            }
            assert_eq!(say(&rig, transport, unit).await, *code, "{unit}");
        }
        neighbour.talks_on().await;
    }
}

/// P2.2: to another subject a session's id is worth nothing, on every transport.
#[tokio::test]
async fn a_stolen_session_id_is_unknown_to_another_subject() {
    let rig = Rig::start().await;
    let mut anns = hello();
    anns["token"] = "dev-ann".into();
    let (mut link, ready) = rig.take(Transport::WebSocket, anns.clone(), 1).await;
    for (fence, transport) in (2..).zip(Transport::TEXT) {
        let mut stolen = resume(&anns, &ready, 0);
        stolen["token"] = "dev-eve".into();
        let (mut thief, theirs) = rig.take(transport, stolen, fence).await;
        assert_eq!(theirs["resumed"], false);
        assert_ne!(theirs["session"], ready["session"]);
        thief.send(json!([["close", 1000]])).await;
        thief.closed().await;
    }
    link.send(json!([[1, "ECHO", "mine"]])).await;
    assert_eq!(link.message().await, json!([1, "ECHO", "mine"]));
}

/// B1, B3, C1: a split link's name opens no second way down, and no other transport's.
#[tokio::test]
async fn a_links_name_is_used_once() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::Sse, hello(), 1).await;
    let address = rig.url(&format!("/realtime?link={}", link.name));
    let second = rig.http.get(&address).header("Accept", "text/event-stream");
    assert_eq!(second.send().await.unwrap().status(), 404);
    assert_eq!(rig.http.get(&address).send().await.unwrap().status(), 404);
    link.send(json!([[1, "ECHO", "still here"]])).await;
    assert_eq!(link.message().await, json!([1, "ECHO", "still here"]));
}

/// B4, P6: names and bodies that are none.
#[tokio::test]
async fn what_is_no_name_and_no_unit_is_told_so() {
    let rig = Rig::start().await;
    for name in ["", "x", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32)] {
        let path = format!("/realtime?link={name}");
        assert_eq!(rig.get(&path).await.status(), 400, "{name}");
        assert_eq!(rig.post(&path, &json!([])).await.status(), 400, "{name}");
    }
    let path = format!("/realtime?link={:032x}", rand_u128());
    assert_eq!(rig.post(&path, &json!([["ping", 1]])).await.status(), 404);
    assert_eq!(rig.post(&path, &json!("no unit")).await.status(), 400);
}
