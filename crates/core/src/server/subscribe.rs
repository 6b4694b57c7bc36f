//! Topics and sessions together: who subscribes, and how events come to them.

use alloc::sync::Arc;

use super::topic::{Catchup, EventId, Since, Subscriber};
use super::{Event, Output, Record, SessionKey, Sessions};
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
            Subscriber::Session(key) if !self.leads(key) => return,
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
            topic: topic.clone(),
            replayed: events.len(),
            missed,
            last,
        }));
        for (body, bytes) in events {
            self.tell(subscriber, body, bytes, now);
        }
        self.record_heard(subscriber, topic, last);
    }

    /// Goes on with a subscription that the store has. The application hears of it where something
    /// is missing.
    pub(super) fn resume_subscription(
        &mut self,
        key: SessionKey,
        topic: Arc<str>,
        event: EventId,
        now: Millis,
    ) {
        let subscriber = Subscriber::Session(key);
        let since = Since::After(event);
        let caught_up = self
            .topics
            .subscribe(&topic, subscriber, since, event.epoch, now);
        match caught_up {
            Some(Catchup {
                events,
                missed: false,
                last,
            }) => {
                for (body, bytes) in events {
                    self.tell(subscriber, body, bytes, now);
                }
                self.record_heard(subscriber, topic, last);
            }
            // Asked once more, it is told of.
            Some(Catchup { missed: true, .. }) | None => {
                self.handle_subscribe(subscriber, topic, since, event.epoch, now);
            }
        }
    }

    pub(super) fn handle_unsubscribe(
        &mut self,
        subscriber: Subscriber,
        topic: Arc<str>,
        now: Millis,
    ) {
        if self.topics.unsubscribe(&topic, subscriber, now) {
            match subscriber {
                Subscriber::Session(key) => self.record(key, || Record::Left {
                    topic: topic.clone(),
                }),
                Subscriber::Guest(_) => {}
            }
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
            if let Some(event) = event {
                self.record_heard(subscriber, topic.clone(), event);
            }
        }
    }

    fn record_heard(&mut self, subscriber: Subscriber, topic: Arc<str>, event: EventId) {
        match subscriber {
            Subscriber::Session(key) => self.record(key, || Record::Heard { topic, event }),
            Subscriber::Guest(_) => {}
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
