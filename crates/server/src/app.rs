//! The applications of the demo: a scripted interviewer, an operator console, and what tests ask
//! for. They speak with peers of either dialect alike.

use serde::Serialize;
use serde_json::json;
use throughline_core::codec::{Body, Payload};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::hub::{Hub, Peer, PeerEvent};
use crate::voice::{Turn, Voices};

use console::Subscribed;
pub(crate) use console::{DEMO_SHOW, Feed, place};
use count::Counts;
use interview::Interviews;
pub(crate) use interview::QUESTIONS;

mod bench;
mod console;
mod count;
mod interview;

/// What the applications do beyond echoing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppConfig {
    /// Scales every delay of the interviewer's script.
    pub(crate) delay_scale: f64,
    /// Whether the console's feed speaks by itself, and floods are allowed.
    pub(crate) demo: Demo,
}

/// Whether the demo's own parts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demo {
    Off,
    /// Routes and messages of tests, without the feed.
    Tests,
    On,
}

/// Starts the applications on the current runtime. They end with the hub.
pub(crate) fn start(
    hub: &Hub,
    events: UnboundedReceiver<PeerEvent>,
    (voices, turns): (Voices, UnboundedReceiver<Turn>),
    config: AppConfig,
) -> Feed {
    let feed = Feed::new(hub.clone());
    match config.demo {
        Demo::On => drop(tokio::spawn(feed.clone().run_demo())),
        Demo::Off | Demo::Tests => {}
    }
    let apps = Apps {
        hub: hub.clone(),
        interviews: Interviews::new(hub.clone(), voices.clone(), config.delay_scale),
        voices,
        feed: feed.clone(),
        counts: Counts::default(),
        demo: config.demo,
    };
    tokio::spawn(apps.run(events, turns));
    feed
}

struct Apps {
    hub: Hub,
    interviews: Interviews,
    voices: Voices,
    feed: Feed,
    counts: Counts,
    demo: Demo,
}

impl Apps {
    async fn run(
        mut self,
        mut events: UnboundedReceiver<PeerEvent>,
        mut turns: UnboundedReceiver<Turn>,
    ) {
        loop {
            tokio::select! {
                event = events.recv() => {
                    let Some(event) = event else { return };
                    let hub = self.hub.clone();
                    hub.turn(event, |event| self.handle(event));
                }
                Some(turn) = turns.recv() => self.interviews.take_turn(turn.peer),
            }
        }
    }

    fn handle(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Opened { .. } => {}
            PeerEvent::Attached { peer } => self.interviews.greet(peer),
            PeerEvent::Message { peer, body, .. } => self.handle_message(peer, body),
            PeerEvent::Garbled { peer } => self.interviews.refuse(peer),
            PeerEvent::Request { peer, id, body, .. } => self.handle_request(peer, id, &body),
            PeerEvent::Closed { peer } | PeerEvent::Moved { peer } => {
                self.counts.forget(peer);
                self.interviews.leave(peer);
                self.voices.leave(peer);
            }
            PeerEvent::Subscribed {
                peer,
                topic,
                replayed,
                missed,
                last,
            } => {
                let last = last.to_string();
                let subscribed = Subscribed {
                    topic: &topic,
                    replayed,
                    missed,
                    last,
                };
                self.feed.greet(peer, &subscribed);
            }
            PeerEvent::SubscriptionRefused { peer, .. } => {
                self.feed.refuse(peer, "too many topics");
            }
            PeerEvent::Unsubscribed { topic, .. } => self.feed.tell_viewers(&topic),
        }
    }

    fn handle_message(&mut self, peer: Peer, body: Body) {
        if &*body.kind == "audio:mode" && self.demo != Demo::Off {
            if !self.voices.set(peer, &body) {
                self.interviews.refuse(peer);
            }
            return;
        }
        if &*body.kind == "audio" || body.kind.starts_with("audio:") {
            match self.voices.handle(peer, &body) {
                true if &*body.kind == "audio:start" => self.interviews.speak(peer),
                true => {}
                false => self.interviews.refuse(peer),
            }
            return;
        }
        match &*body.kind.to_uppercase() {
            // What came as bytes goes back as bytes.
            "ECHO" | "BINARY" => self.hub.send(peer, body),
            "FLOOD" if self.demo != Demo::Off => bench::flood(&self.hub, peer, &body),
            "COUNT_ME" if self.demo != Demo::Off => self.counts.add(peer, &body),
            "SUBSCRIBE" => self.feed.handle_subscribe(peer, &body),
            "UNSUBSCRIBE" => self.feed.handle_unsubscribe(peer, &body),
            _ => self.interviews.handle(peer, &body),
        }
    }

    fn handle_request(&mut self, peer: Peer, id: u32, body: &Body) {
        let refusal =
            |code: &str, message: &str| (false, json!({ "code": code, "message": message }));
        let (ok, payload) = match &*body.kind.to_uppercase() {
            "ECHO" => {
                let body = Body {
                    kind: "".into(),
                    payload: body.payload.clone(),
                    id: None,
                };
                return self.hub.reply(peer, id, true, body);
            }
            "START_INTERVIEW" => {
                let session = self.interviews.start(peer, body);
                (true, json!({ "sessionId": session }))
            }
            "COUNTED" if self.demo != Demo::Off => (true, json!(self.counts.of(peer))),
            "FAIL" => refusal("failed", "this request always fails"),
            _ => refusal("unknown_type", "Unknown message type"),
        };
        if let Some(body) = body_of("", &payload) {
            self.hub.reply(peer, id, ok, body);
        }
    }
}

/// Makes a body of what always has a JSON form.
fn body_of(kind: &str, payload: &impl Serialize) -> Option<Body> {
    Body::json(kind, payload)
        .inspect_err(|error| tracing::error!(%error, kind, "a message has no JSON form"))
        .ok()
}

/// Reads a payload's members; `None` for bytes or what does not fit.
fn parse<'a, T: serde::Deserialize<'a>>(body: &'a Body) -> Option<T> {
    match &body.payload {
        Payload::Json(json) => serde_json::from_str(json.get()).ok(),
        Payload::Bytes(_) => None,
    }
}

/// An instant as ISO 8601, as the demo's clients show it.
fn timestamp() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis() as i64);
    iso(ms)
}

/// Writes milliseconds since 1970 by the civil calendar.
fn iso(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // Days since 0000-03-01, in eras of 400 years: leap days fall at the end of a year.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
    let year = year + era * 400 + i64::from(month <= 2);
    let (h, m, s) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{:03}Z",
        rest % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_know_the_calendar() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso(1_798_761_599_001), "2026-12-31T23:59:59.001Z");
    }
}
