//! Topics and sessions together: who subscribes, and how events come to them.

use alloc::sync::Arc;

use super::topic::{Catchup, EventId, Since, Subscriber};
use super::{Event, Output, Sessions};
use crate::frame::Frame;
use crate::time::Millis;

impl<B: Clone> Sessions<B> {
    pub(super) fn handle_subscribe(
        &mut self,
        subscriber: Subscriber,
        topic: Arc<str>,
        since: Since,
        entropy: u32,
        now: Millis,
    ) {
        match subscriber {
            Subscriber::Session(key) if !self.sessions.contains_key(&key) => return,
            Subscriber::Session(_) | Subscriber::Guest(_) => {}
        }
        let caught_up = self
            .topics
            .subscribe(&topic, subscriber, since, entropy, now);
        let Some(Catchup {
            events,
            missed,
            last,
        }) = caught_up
        else {
            let event = Event::SubscriptionRefused { subscriber, topic };
            return self.outputs.push_back(Output::Event(event));
        };
        self.outputs.push_back(Output::Event(Event::Subscribed {
            subscriber,
            topic,
            replayed: events.len(),
            missed,
            last,
        }));
        for (body, bytes) in events {
            self.tell(subscriber, body, bytes, now);
        }
    }

    pub(super) fn handle_unsubscribe(
        &mut self,
        subscriber: Subscriber,
        topic: Arc<str>,
        now: Millis,
    ) {
        if self.topics.unsubscribe(&topic, subscriber, now) {
            let event = Event::Unsubscribed { subscriber, topic };
            self.outputs.push_back(Output::Event(event));
        }
    }

    pub(super) fn handle_publish_topic(
        &mut self,
        topic: &Arc<str>,
        event: Option<EventId>,
        body: B,
        bytes: usize,
        now: Millis,
    ) {
        let subscribers = match event {
            Some(event) => self
                .topics
                .publish(topic, event, (body.clone(), bytes), now),
            None => self.topics.subscribers(topic).collect(),
        };
        for subscriber in subscribers {
            self.tell(subscriber, body.clone(), bytes, now);
        }
    }

    /// Takes a subscriber that is gone out of its topics.
    pub(super) fn forget_subscriber(&mut self, subscriber: Subscriber, now: Millis) {
        for topic in self.topics.forget(subscriber, now) {
            let event = Event::Unsubscribed { subscriber, topic };
            self.outputs.push_back(Output::Event(event));
        }
    }

    fn tell(&mut self, subscriber: Subscriber, body: B, bytes: usize, now: Millis) {
        match subscriber {
            Subscriber::Session(key) => {
                self.deliver(key, bytes, now, |n| Frame::Message { n, body });
            }
            Subscriber::Guest(guest) => {
                self.outputs.push_back(Output::ToGuest { guest, body });
            }
        }
    }
}
