//! Topics: events told to all who subscribed, numbered and kept for those who come back (P3.6).

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::SessionKey;
use super::log::ENTRY_BYTES;
use crate::time::Millis;

/// Names an event for good. On the wire it is an opaque string (P3.6), the one that `Display`
/// writes and [`EventId::parse`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    /// Names the topic's history; random, so that a topic that was forgotten and made again is not
    /// taken for the former one.
    pub epoch: u32,
    /// The event's number: 1, 2, 3 … in its epoch. 0 is the place before the first.
    pub n: u64,
}

impl EventId {
    /// Reads what `Display` wrote; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, n) = text.split_once('-')?;
        Some(Self {
            epoch: u32::from_str_radix(epoch, 16).ok()?,
            n: n.parse().ok()?,
        })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.n)
    }
}

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// With the next event.
    Now,
    /// With all that is kept.
    Start,
    /// After this event.
    After(EventId),
    /// After an event that no topic of this server had: with all that is kept, and something is
    /// missing.
    Unknown,
}

impl Since {
    /// Begins after the event whose id is `id`.
    #[must_use]
    pub fn id(id: &str) -> Self {
        EventId::parse(id).map_or(Self::Unknown, Self::After)
    }
}

/// Who hears a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subscriber {
    /// A session: events are messages of its stream.
    Session(SessionKey),
    /// Somebody whom the caller serves by other means, under a name of the caller's.
    Guest(u64),
}

/// Limits of topics.
#[derive(Debug, Clone)]
pub struct TopicsConfig {
    /// Most events that a topic keeps; the oldest go first.
    pub events: usize,
    /// Most bytes of events that a topic keeps; the newest event always stays.
    pub bytes: usize,
    /// How long a topic that nobody hears is kept after its last event or subscriber, in
    /// milliseconds.
    pub linger: u32,
    /// Most topics at a time. Another one takes the place of the one that nobody has heard for
    /// longest, and is refused where all are heard.
    pub max_topics: usize,
    /// Most topics that one subscriber may hear.
    pub max_subscriptions: usize,
}

impl Default for TopicsConfig {
    fn default() -> Self {
        Self {
            events: 1_000,
            bytes: 1 << 20,
            linger: 120_000,
            max_topics: 100_000,
            max_subscriptions: 32,
        }
    }
}

/// What a topic takes beside its events.
const TOPIC_BYTES: usize = 512;

/// What a new subscriber gets.
#[derive(Debug)]
pub(super) struct Catchup<B> {
    pub(super) events: Vec<(B, usize)>,
    /// Whether there were more, which are no longer kept.
    pub(super) missed: bool,
    pub(super) last: EventId,
}

#[derive(Debug)]
pub(super) struct Topics<B> {
    config: TopicsConfig,
    topics: BTreeMap<Arc<str>, Topic<B>>,
    subscriptions: BTreeMap<Subscriber, BTreeSet<Arc<str>>>,
    /// Topics that nobody hears, by when they were last of use.
    idle: BTreeSet<(Millis, Arc<str>)>,
    /// Topics with events, by the place of their oldest among all that were kept.
    oldest: BTreeMap<u64, Arc<str>>,
    kept: u64,
    footprint: usize,
}

/// The events run up to `last` without a hole.
#[derive(Debug)]
struct Topic<B> {
    epoch: u32,
    last: u64,
    events: VecDeque<Kept<B>>,
    bytes: usize,
    audience: Audience,
}

#[derive(Debug)]
struct Kept<B> {
    /// Grows with each event of any topic.
    place: u64,
    body: B,
    bytes: usize,
}

#[derive(Debug)]
enum Audience {
    /// Nobody, since then.
    Nobody(Millis),
    Subscribers(BTreeSet<Subscriber>),
}

impl<B: Clone> Topics<B> {
    pub(super) const fn new(config: TopicsConfig) -> Self {
        Self {
            config,
            topics: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            idle: BTreeSet::new(),
            oldest: BTreeMap::new(),
            kept: 0,
            footprint: 0,
        }
    }

    /// The id that the next event will have, where `epoch` is that of a topic not yet made.
    pub(super) fn next_event(&self, name: &str, epoch: u32) -> EventId {
        let last = self.topics.get(name).map(Topic::last_id);
        let EventId { epoch, n } = last.unwrap_or(EventId { epoch, n: 0 });
        EventId { epoch, n: n + 1 }
    }

    /// Keeps an event, and returns who is to hear it. One that is kept already is for nobody.
    pub(super) fn publish(
        &mut self,
        name: &Arc<str>,
        event: EventId,
        (body, bytes): (B, usize),
        now: Millis,
    ) -> Vec<Subscriber> {
        if !self.make(name, event.epoch, now) {
            return Vec::new();
        }
        self.touch(name, now);
        let Some(topic) = self.topics.get_mut(name) else {
            return Vec::new();
        };
        let before = (topic.first_place(), topic.footprint());
        if !topic.advance(event) {
            return Vec::new();
        }
        self.kept += 1;
        let place = self.kept;
        topic.push(Kept { place, body, bytes }, &self.config);
        let subscribers = topic.subscribers().collect();
        self.settle(name, before);
        subscribers
    }

    /// Adds a subscriber. `None`: there are too many topics, or it hears too many.
    pub(super) fn subscribe(
        &mut self,
        name: &Arc<str>,
        subscriber: Subscriber,
        since: Since,
        epoch: u32,
        now: Millis,
    ) -> Option<Catchup<B>> {
        let heard = self.subscriptions.get(&subscriber);
        let knows = heard.is_some_and(|names| names.contains(name));
        let count = heard.map_or(0, BTreeSet::len);
        if (!knows && count >= self.config.max_subscriptions) || !self.make(name, epoch, now) {
            return None;
        }
        let topic = self.topics.get_mut(name)?;
        match &mut topic.audience {
            Audience::Subscribers(subscribers) => drop(subscribers.insert(subscriber)),
            Audience::Nobody(since) => {
                self.idle.remove(&(*since, name.clone()));
                topic.audience = Audience::Subscribers(BTreeSet::from([subscriber]));
            }
        }
        let names = self.subscriptions.entry(subscriber).or_default();
        names.insert(name.clone());
        Some(topic.catch_up(since))
    }

    /// Takes a subscriber away, and says whether it was one.
    pub(super) fn unsubscribe(&mut self, name: &str, subscriber: Subscriber, now: Millis) -> bool {
        let Some(names) = self.subscriptions.get_mut(&subscriber) else {
            return false;
        };
        let Some(name) = names.take(name) else {
            return false;
        };
        if names.is_empty() {
            self.subscriptions.remove(&subscriber);
        }
        self.leave(&name, subscriber, now);
        true
    }

    /// Takes a subscriber out of every topic, and returns which it heard.
    pub(super) fn forget(&mut self, subscriber: Subscriber, now: Millis) -> BTreeSet<Arc<str>> {
        let names = self.subscriptions.remove(&subscriber).unwrap_or_default();
        for name in &names {
            self.leave(name, subscriber, now);
        }
        names
    }

    pub(super) fn subscribers(&self, name: &str) -> impl Iterator<Item = Subscriber> {
        self.topics
            .get(name)
            .into_iter()
            .flat_map(Topic::subscribers)
    }

    pub(super) fn subscriber_count(&self, name: &str) -> usize {
        self.topics
            .get(name)
            .map_or(0, |topic| match &topic.audience {
                Audience::Nobody(_) => 0,
                Audience::Subscribers(subscribers) => subscribers.len(),
            })
    }

    /// The topic of `epoch` among those that the subscriber hears.
    pub(super) fn heard_in(&self, subscriber: Subscriber, epoch: u32) -> Option<&Arc<str>> {
        let mut names = self.subscriptions.get(&subscriber)?.iter();
        names.find(|name| {
            let topic = self.topics.get(*name);
            topic.is_some_and(|topic| topic.epoch == epoch)
        })
    }

    /// The topics that somebody hears.
    pub(super) fn heard(&self) -> Vec<Arc<str>> {
        let names: BTreeSet<_> = self.subscriptions.values().flatten().cloned().collect();
        names.into_iter().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.topics.len()
    }

    /// When the next topic is to be forgotten.
    pub(super) fn deadline(&self) -> Option<Millis> {
        let (since, _) = self.idle.first()?;
        Some(*since + u64::from(self.config.linger))
    }

    /// Forgets topics that nobody came back to.
    pub(super) fn expire(&mut self, now: Millis) {
        while self.deadline().is_some_and(|at| at <= now) {
            self.drop_idle();
        }
    }

    /// About what all topics take in memory.
    pub(super) const fn footprint(&self) -> usize {
        self.footprint
    }

    /// Forgets the oldest event of all. False: there is none.
    pub(super) fn drop_oldest(&mut self) -> bool {
        let Some((_, name)) = self.oldest.first_key_value() else {
            return false;
        };
        let name = name.clone();
        let Some(topic) = self.topics.get_mut(&name) else {
            return false;
        };
        let before = (topic.first_place(), topic.footprint());
        topic.pop_first();
        self.settle(&name, before);
        true
    }

    /// Takes note of what became of a topic's events.
    fn settle(&mut self, name: &Arc<str>, (place, footprint): (Option<u64>, usize)) {
        let topic = self.topics.get(name);
        let now = topic.and_then(Topic::first_place);
        if now != place {
            place.map(|place| self.oldest.remove(&place));
            now.map(|place| self.oldest.insert(place, name.clone()));
        }
        self.footprint = self.footprint - footprint + topic.map_or(0, Topic::footprint);
    }

    /// Makes the topic if there is none. False: there is no place for it.
    fn make(&mut self, name: &Arc<str>, epoch: u32, now: Millis) -> bool {
        if self.topics.contains_key(name) {
            return true;
        }
        if self.topics.len() >= self.config.max_topics && !self.drop_idle() {
            return false;
        }
        self.idle.insert((now, name.clone()));
        let topic = Topic {
            epoch,
            last: 0,
            events: VecDeque::new(),
            bytes: 0,
            audience: Audience::Nobody(now),
        };
        self.topics.insert(name.clone(), topic);
        self.settle(name, (None, 0));
        true
    }

    /// Takes note that a topic is of use.
    fn touch(&mut self, name: &Arc<str>, now: Millis) {
        if let Some(Topic {
            audience: Audience::Nobody(since),
            ..
        }) = self.topics.get_mut(name)
        {
            self.idle.remove(&(*since, name.clone()));
            self.idle.insert((now, name.clone()));
            *since = now;
        }
    }

    fn leave(&mut self, name: &Arc<str>, subscriber: Subscriber, now: Millis) {
        let Some(topic) = self.topics.get_mut(name) else {
            return;
        };
        if let Audience::Subscribers(subscribers) = &mut topic.audience {
            subscribers.remove(&subscriber);
            if subscribers.is_empty() {
                topic.audience = Audience::Nobody(now);
                self.idle.insert((now, name.clone()));
            }
        }
    }

    /// Forgets the topic that nobody has heard for longest. False: all are heard.
    fn drop_idle(&mut self) -> bool {
        let Some((_, name)) = self.idle.pop_first() else {
            return false;
        };
        if let Some(topic) = self.topics.remove(&name) {
            self.settle(&name, (topic.first_place(), topic.footprint()));
        }
        true
    }
}

impl<B: Clone> Topic<B> {
    const fn last_id(&self) -> EventId {
        EventId {
            epoch: self.epoch,
            n: self.last,
        }
    }

    fn subscribers(&self) -> impl Iterator<Item = Subscriber> {
        let subscribers = match &self.audience {
            Audience::Nobody(_) => None,
            Audience::Subscribers(subscribers) => Some(subscribers),
        };
        subscribers.into_iter().flatten().copied()
    }

    /// Makes `event` the last one, and says whether it is new. One that does not follow begins the
    /// history anew, for what lies between cannot be told.
    fn advance(&mut self, event: EventId) -> bool {
        if event.epoch == self.epoch && event.n <= self.last {
            return false;
        }
        if event.epoch != self.epoch || event.n != self.last + 1 {
            self.events.clear();
            self.bytes = 0;
        }
        self.epoch = event.epoch;
        self.last = event.n;
        true
    }

    fn first_place(&self) -> Option<u64> {
        self.events.front().map(|event| event.place)
    }

    fn footprint(&self) -> usize {
        TOPIC_BYTES + self.bytes + self.events.len() * ENTRY_BYTES
    }

    fn push(&mut self, event: Kept<B>, config: &TopicsConfig) {
        self.bytes += event.bytes;
        self.events.push_back(event);
        while self.events.len() > 1
            && (self.events.len() > config.events || self.bytes > config.bytes)
        {
            self.pop_first();
        }
    }

    fn pop_first(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.bytes -= event.bytes;
        }
    }

    fn catch_up(&self, since: Since) -> Catchup<B> {
        let kept = self.events.len() as u64;
        let (count, missed) = match since {
            Since::Now => (0, false),
            Since::Start => (kept, false),
            Since::After(id) if id.epoch == self.epoch && id.n <= self.last => {
                let behind = self.last - id.n;
                (behind.min(kept), behind > kept)
            }
            Since::After(_) | Since::Unknown => (kept, true),
        };
        let skipped = (kept - count) as usize;
        let events = self.events.iter().skip(skipped);
        Catchup {
            events: events
                .map(|event| (event.body.clone(), event.bytes))
                .collect(),
            missed,
            last: self.last_id(),
        }
    }
}
