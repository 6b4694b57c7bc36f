//! An operator console's feed: comments of a show, to all who watch it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use throughline_core::codec::Body;

use super::{body_of, parse, timestamp};
use crate::hub::{Hub, Peer};

/// The show that the demo watches.
pub(crate) const DEMO_SHOW: &str = "demo";

/// Between two comments of the demo.
const PAUSE: Duration = Duration::from_millis(2_500);

/// Most topics of one peer, and longest topic.
const TOPICS: usize = 32;
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
    watched: Arc<Mutex<HashMap<Peer, HashSet<String>>>>,
    comments: Arc<AtomicU64>,
}

#[derive(Debug, Deserialize)]
struct Topic {
    topic: String,
}

impl Feed {
    pub(super) fn new(hub: Hub) -> Self {
        Self {
            hub,
            watched: Arc::default(),
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
    pub(crate) fn subscribe(&self, peer: Peer, show: &str) {
        self.watch(peer, format!("shows/{show}"));
    }

    pub(super) fn handle_subscribe(&self, peer: Peer, body: &Body) {
        let topic = parse::<Topic>(body).map(|body| body.topic);
        match topic.filter(|topic| topic.starts_with("shows/") && topic.len() <= TOPIC) {
            Some(topic) => self.watch(peer, topic),
            None => self.refuse(peer, "a topic is `shows/` and the show's id"),
        }
    }

    pub(super) fn handle_unsubscribe(&self, peer: Peer, body: &Body) {
        let Some(Topic { topic }) = parse(body) else {
            return self.refuse(peer, "`topic` is missing");
        };
        let watched = self
            .locked()
            .get_mut(&peer)
            .is_some_and(|topics| topics.remove(&topic));
        if watched {
            self.hub.unsubscribe(peer, &topic);
            self.tell_viewers(&topic);
        }
    }

    /// The hub has taken the peer out of its topics already.
    pub(super) fn leave(&self, peer: Peer) {
        let topics = self.locked().remove(&peer);
        for topic in topics.into_iter().flatten() {
            self.tell_viewers(&topic);
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

    fn watch(&self, peer: Peer, topic: String) {
        let mut watched = self.locked();
        let topics = watched.entry(peer).or_default();
        if topics.len() >= TOPICS && !topics.contains(&topic) {
            drop(watched);
            return self.refuse(peer, "too many topics");
        }
        topics.insert(topic.clone());
        drop(watched);
        self.hub.subscribe(peer, &topic);
        self.tell_viewers(&topic);
    }

    fn tell_viewers(&self, topic: &str) {
        let viewers = self.hub.subscriber_count(topic);
        let show = topic.trim_start_matches("shows/");
        let status = json!({ "topic": topic, "showId": show, "viewers": viewers });
        if let Some(body) = body_of("STATUS", &status) {
            self.hub.publish(topic, &body);
        }
    }

    fn refuse(&self, peer: Peer, message: &str) {
        let reason = json!({ "error": "Failed to process message", "message": message });
        if let Some(body) = body_of("ERROR", &reason) {
            self.hub.send(peer, body);
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Peer, HashSet<String>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
