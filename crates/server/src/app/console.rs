//! An operator console's feed: comments of a show, to all who watch it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use throughline_core::codec::Body;
use throughline_core::server::Since;

use super::{body_of, parse, timestamp};
use crate::hub::{Hub, Peer};

/// The show that the demo watches.
pub(crate) const DEMO_SHOW: &str = "demo";

/// Between two comments of the demo.
const PAUSE: Duration = Duration::from_millis(2_500);

/// Longest topic.
const TOPIC: usize = 200;

const COMMENTS: [(&str, &str); 8] = [
    ("mira", "sound is perfect today"),
    ("jonas_k", "which camera is this?"),
    ("tea&toast", "hello from Lisbon 👋"),
    ("ada", "could you show the second board again please"),
    ("night_owl", "this is the best part"),
    ("pavel", "lost you for a second, back now"),
    ("sumi", "question for the guest: how long did it take?"),
    ("ren", "👏👏👏"),
];

/// Publishes to shows. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    hub: Hub,
    comments: Arc<AtomicU64>,
}

#[derive(Debug, Deserialize)]
struct Subscribe {
    topic: String,
    since: Option<String>,
}

impl Subscribe {
    fn is_show(&self) -> bool {
        self.topic.starts_with("shows/") && self.topic.len() <= TOPIC
    }
}

/// The answer to a subscription.
#[derive(Debug, Serialize)]
pub(super) struct Subscribed<'a> {
    pub(super) topic: &'a str,
    /// How many events came again.
    pub(super) replayed: usize,
    /// Whether there were more, which are no longer kept.
    pub(super) missed: bool,
    /// The id of the last event: the place to come back to before another comes.
    pub(super) last: String,
}

impl Feed {
    pub(super) fn new(hub: Hub) -> Self {
        Self {
            hub,
            comments: Arc::default(),
        }
    }

    /// Publishes a comment, and returns how many were there to see it.
    pub(crate) fn emit_comment(&self, show: &str, author: &str, text: &str) -> usize {
        let id = self.comments.fetch_add(1, Ordering::Relaxed) + 1;
        let comment = json!({
            "id": id, "showId": show, "author": author, "text": text, "timestamp": timestamp(),
        });
        let body = body_of("COMMENT", &comment);
        body.map_or(0, |body| self.hub.publish(&format!("shows/{show}"), &body))
    }

    /// Makes `peer` watch a show.
    pub(crate) fn subscribe(&self, peer: Peer, show: &str, since: Since) {
        self.hub.subscribe(peer, &format!("shows/{show}"), since);
    }

    pub(super) fn handle_subscribe(&self, peer: Peer, body: &Body) {
        match parse::<Subscribe>(body).filter(Subscribe::is_show) {
            Some(Subscribe { topic, since }) => {
                self.hub.subscribe(peer, &topic, place(since.as_deref()));
            }
            None => self.refuse(peer, "a topic is `shows/` and the show's id"),
        }
    }

    pub(super) fn handle_unsubscribe(&self, peer: Peer, body: &Body) {
        match parse::<Subscribe>(body) {
            Some(Subscribe { topic, .. }) => self.hub.unsubscribe(peer, &topic),
            None => self.refuse(peer, "`topic` is missing"),
        }
    }

    /// Says what the subscriber got, and where it would come back to.
    pub(super) fn greet(&self, peer: Peer, subscribed: &Subscribed<'_>) {
        if let Some(body) = body_of("SUBSCRIBED", subscribed) {
            self.hub.send(peer, body);
        }
        self.tell_viewers(subscribed.topic);
    }

    pub(super) fn tell_viewers(&self, topic: &str) {
        let viewers = self.hub.subscriber_count(topic);
        let show = topic.trim_start_matches("shows/");
        let status = json!({ "topic": topic, "showId": show, "viewers": viewers });
        if let Some(body) = body_of("STATUS", &status) {
            self.hub.announce(topic, &body);
        }
    }

    pub(super) fn refuse(&self, peer: Peer, message: &str) {
        let reason = json!({ "error": "Failed to process message", "message": message });
        if let Some(body) = body_of("ERROR", &reason) {
            self.hub.send(peer, body);
        }
    }

    /// Lets the demo's audience speak, while there is somebody to hear it.
    pub(super) async fn run_demo(self) {
        for (author, text) in COMMENTS.iter().cycle() {
            tokio::time::sleep(PAUSE).await;
            if self.hub.subscriber_count(&format!("shows/{DEMO_SHOW}")) > 0 {
                self.emit_comment(DEMO_SHOW, author, text);
            }
        }
    }
}

/// Reads `since`: the id of an event, `start`, or `now`, which is meant where there is none.
pub(crate) fn place(since: Option<&str>) -> Since {
    match since {
        None | Some("now") => Since::Now,
        Some("start") => Since::Start,
        Some(id) => Since::id(id),
    }
}
