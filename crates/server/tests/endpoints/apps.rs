//! The interviewer and the console, over the reliable dialect.

use serde_json::{Value, json};
use throughline_core::Transport;

use crate::rig::{Link, Rig, hello};

/// Sends messages with rising numbers.
struct Talk {
    link: Link,
    sent: u64,
}

impl Talk {
    async fn open(rig: &Rig) -> Self {
        Self {
            link: rig.take(Transport::WebSocket, hello(), 1).await.0,
            sent: 0,
        }
    }

    async fn say(&mut self, kind: &str, payload: Value) {
        self.sent += 1;
        self.link.send(json!([[self.sent, kind, payload]])).await;
    }

    async fn hear(&mut self, kind: &str) -> Value {
        let message = self.link.message().await;
        assert_eq!(message[1], kind, "{message}");
        message[2].clone()
    }
}

#[tokio::test]
async fn an_interview_follows_its_script() {
    let rig = Rig::start().await;
    let mut talk = Talk::open(&rig).await;
    talk.say("start_interview", json!({ "interviewId": "i" }))
        .await;
    let id = talk.hear("SESSION_CREATED").await["sessionId"].clone();
    let first = talk.hear("AI_MESSAGE").await;
    assert!(first["text"].as_str().unwrap().starts_with("Hello!"));
    assert!(first["id"].is_string() && first["timestamp"].as_str().unwrap().ends_with('Z'));
    talk.say(
        "USER_MESSAGE",
        json!({ "sessionId": id, "text": "I build boats" }),
    )
    .await;
    assert_eq!(talk.hear("TYPING_INDICATOR").await["isTyping"], true);
    assert_eq!(talk.hear("TYPING_INDICATOR").await["isTyping"], false);
    assert_ne!(talk.hear("AI_MESSAGE").await["text"], first["text"]);
    talk.say("PAUSE_INTERVIEW", json!({ "sessionId": id }))
        .await;
    assert_eq!(talk.hear("INTERVIEW_PAUSED").await["sessionId"], id);
    talk.say("USER_MESSAGE", json!({ "sessionId": id, "text": "hm" }))
        .await;
    assert_eq!(
        talk.hear("ERROR").await["error"],
        "Failed to process message"
    );
    talk.say("RESUME_INTERVIEW", json!({ "sessionId": id }))
        .await;
    assert_eq!(talk.hear("INTERVIEW_RESUMED").await["sessionId"], id);
    talk.say("END_INTERVIEW", json!({ "sessionId": id })).await;
    let ended = talk.hear("INTERVIEW_ENDED").await;
    assert_eq!(
        ended["resultsUrl"],
        format!("/results/{}", id.as_str().unwrap())
    );
    talk.say("USER_MESSAGE", json!({ "sessionId": id, "text": "more" }))
        .await;
    let gone = format!("Session {} not found", id.as_str().unwrap());
    assert_eq!(talk.hear("ERROR").await["error"], gone);
}

#[tokio::test]
async fn what_the_interviewer_does_not_know_is_an_error() {
    let rig = Rig::start().await;
    let mut talk = Talk::open(&rig).await;
    talk.say("NONSENSE", json!({})).await;
    assert_eq!(talk.hear("ERROR").await["error"], "Unknown message type");
    talk.say("USER_MESSAGE", json!("no members")).await;
    assert_eq!(
        talk.hear("ERROR").await["error"],
        "Failed to process message"
    );
}

/// P3.4
#[tokio::test]
async fn an_interview_can_be_requested() {
    let rig = Rig::start().await;
    let mut talk = Talk::open(&rig).await;
    talk.link
        .send(json!([["req", 1, 1, "START_INTERVIEW", {}]]))
        .await;
    let created = talk.hear("SESSION_CREATED").await;
    let mut frame = talk.link.message().await;
    if frame[1] == "AI_MESSAGE" {
        frame = talk.link.message().await;
    }
    assert_eq!((&frame[0], &frame[3]), (&json!("rep"), &created));
}

#[tokio::test]
async fn a_comment_reaches_those_who_watch_the_show() {
    let rig = Rig::start().await;
    let (mut one, mut two) = (Talk::open(&rig).await, Talk::open(&rig).await);
    one.say("SUBSCRIBE", json!({ "topic": "shows/a" })).await;
    assert_eq!(one.hear("SUBSCRIBED").await["replayed"], 0);
    assert_eq!(one.hear("STATUS").await["viewers"], 1);
    two.say("SUBSCRIBE", json!({ "topic": "shows/a" })).await;
    two.hear("SUBSCRIBED").await;
    assert_eq!(two.hear("STATUS").await["viewers"], 2);
    assert_eq!(one.hear("STATUS").await["viewers"], 2);
    let comment = json!({ "showId": "a", "text": "hi", "author": "mira" });
    let answer: Value = rig
        .post("/api/debug/emit-comment", &comment)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(answer, json!({ "showId": "a", "delivered": 2 }));
    for talk in [&mut one, &mut two] {
        let comment = talk.hear("COMMENT").await;
        assert_eq!(
            (&comment["text"], &comment["author"]),
            (&json!("hi"), &json!("mira"))
        );
    }
    two.say("UNSUBSCRIBE", json!({ "topic": "shows/a" })).await;
    assert_eq!(one.hear("STATUS").await["viewers"], 1);
    one.say("SUBSCRIBE", json!({ "topic": "elsewhere" })).await;
    assert_eq!(
        one.hear("ERROR").await["error"],
        "Failed to process message"
    );
}

/// P3.6: a viewer that comes back says what it had last, and gets what came since.
#[tokio::test]
async fn a_viewer_that_comes_back_gets_what_it_missed() {
    let rig = Rig::start().await;
    let emit = async |text: &str| {
        let comment = json!({ "showId": "b", "text": text });
        rig.post("/api/debug/emit-comment", &comment).await;
    };
    let mut talk = Talk::open(&rig).await;
    talk.say("SUBSCRIBE", json!({ "topic": "shows/b" })).await;
    let subscribed = talk.hear("SUBSCRIBED").await;
    talk.hear("STATUS").await;
    emit("one").await;
    let seen = talk.link.message().await;
    assert_eq!(seen[2]["text"], "one");
    drop(talk);
    emit("two").await;
    emit("three").await;
    for (since, first) in [
        (&seen[3], 1),
        (&subscribed["last"], 0),
        (&json!("start"), 0),
    ] {
        let mut talk = Talk::open(&rig).await;
        talk.say("SUBSCRIBE", json!({ "topic": "shows/b", "since": since }))
            .await;
        for text in ["one", "two", "three"].iter().skip(first) {
            assert_eq!(talk.hear("COMMENT").await["text"], *text);
        }
        let answer = talk.hear("SUBSCRIBED").await;
        let told = (&answer["replayed"], &answer["missed"]);
        assert_eq!(told, (&json!(3 - first), &json!(false)), "{since}");
    }
}

/// P3.6: what is no longer kept is told, not passed over.
#[tokio::test]
async fn a_viewer_whose_place_is_no_longer_known_is_told_that_events_are_missing() {
    let rig = Rig::with(|config| config.sessions.topics.events = 2).await;
    for text in ["one", "two", "three"] {
        let comment = json!({ "showId": "c", "text": text });
        rig.post("/api/debug/emit-comment", &comment).await;
    }
    let mut talk = Talk::open(&rig).await;
    for since in ["0-0", "what is this?"] {
        talk.say("SUBSCRIBE", json!({ "topic": "shows/c", "since": since }))
            .await;
        assert_eq!(talk.hear("COMMENT").await["text"], "two");
        assert_eq!(talk.hear("COMMENT").await["text"], "three");
        assert_eq!(talk.hear("SUBSCRIBED").await["missed"], true, "{since}");
        talk.hear("STATUS").await;
    }
}

#[tokio::test]
async fn a_flood_is_counted_both_ways() {
    let rig = Rig::start().await;
    let mut talk = Talk::open(&rig).await;
    for i in [0, 1, 3, 1, 2] {
        talk.say("COUNT_ME", json!({ "i": i })).await;
    }
    talk.link
        .send(json!([["req", 6, 1, "COUNTED", null]]))
        .await;
    let told = json!({ "count": 4, "doubled": 1, "reordered": 1 });
    assert_eq!(talk.link.message().await, json!(["rep", 1, 1, told]));
    let flood = json!({ "count": 300, "size": 10 });
    talk.link.send(json!([[7, "FLOOD", flood]])).await;
    for i in 0..300 {
        assert_eq!(talk.hear("FLOOD_ITEM").await["i"], i);
    }
}

#[tokio::test]
async fn health_counts_what_there_is() {
    let rig = Rig::start().await;
    let _talk = Talk::open(&rig).await;
    let health: Value = rig.get("/api/health").await.json().await.unwrap();
    let counts = (&health["status"], &health["sessions"], &health["links"]);
    assert_eq!(counts, (&json!("ok"), &json!(1), &json!(1)));
}
