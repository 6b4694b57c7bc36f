//! The switchboard: the rules in force, the live connections, the counts and the log.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::time::Instant;

use super::class::Class;
use super::connection::Connection;
use super::locked;
use super::rule::Fault;

/// Switches the faults of one running proxy; clones share it.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Board>);

/// Counts the requests of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Requests since the start, broken ones included.
    pub opened: u64,
    /// Requests not yet over: open WebSockets, running streams, waiting polls.
    pub live: u64,
}

/// Counts the requests of every class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Connections {
    /// WebSocket handshakes and the connections they became.
    pub websocket: Count,
    /// SSE streams.
    pub sse: Count,
    /// Long polls.
    pub poll: Count,
    /// `POST`s.
    pub post: Count,
    /// All the rest.
    pub other: Count,
}

/// Records one request that reached the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Milliseconds since the proxy's start.
    pub ms: u64,
    /// Its class; `None` for a connection that `down` reset before it could ask.
    pub class: Option<Class>,
    /// The names of the faults that took effect, in the rules' order.
    pub faults: Vec<&'static str>,
}

impl Faults {
    pub(super) fn new() -> Self {
        Self(Arc::new(Board {
            started: Instant::now(),
            rules: Mutex::default(),
            connections: Mutex::default(),
            next_connection: AtomicU64::new(0),
            counters: Default::default(),
            log: Mutex::default(),
        }))
    }

    /// Puts `faults` in force in place of all others, for the requests that come from here on.
    ///
    /// Those that are new, and live or `down`, also cut the existing connections they select.
    pub fn set(&self, faults: Vec<Fault>) {
        let before = std::mem::replace(&mut *locked(&self.0.rules), Arc::new(faults.clone()));
        self.0
            .cut_live(faults.iter().filter(|fault| !before.contains(fault)));
    }

    /// Puts `faults` in force beside the others; live ones cut as in [`Faults::set`].
    pub fn add(&self, faults: Vec<Fault>) {
        let mut rules = locked(&self.0.rules);
        *rules = Arc::new(rules.iter().chain(&faults).cloned().collect());
        drop(rules);
        self.0.cut_live(faults.iter());
    }

    /// Takes every fault out of force; requests under way keep theirs until they end.
    pub fn clear(&self) {
        *locked(&self.0.rules) = Arc::default();
    }

    /// Resets the live connections that carry a request of `classes`, and returns how many.
    pub fn cut(&self, classes: &[Class]) -> usize {
        self.0
            .cut(|carries| carries.is_some_and(|class| classes.contains(&class)))
    }

    /// Returns the rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<Vec<Fault>> {
        locked(&self.0.rules).clone()
    }

    /// Returns the counts of requests.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let count = |class: Class| self.0.counters[class.index()].count();
        Connections {
            websocket: count(Class::Websocket),
            sse: count(Class::Sse),
            poll: count(Class::Poll),
            post: count(Class::Post),
            other: count(Class::Other),
        }
    }

    /// Returns the last 20 000 requests, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.log_since(0)
    }

    /// Returns the logged requests from `ms` milliseconds after the start on, oldest first.
    #[must_use]
    pub fn log_since(&self, ms: u64) -> Vec<LogEntry> {
        let log = locked(&self.0.log);
        let from = log.partition_point(|entry| entry.ms < ms);
        log.range(from..).cloned().collect()
    }

    /// Empties the log.
    pub fn clear_log(&self) {
        locked(&self.0.log).clear();
    }

    pub(super) fn is_down(&self) -> bool {
        self.rules().iter().any(Fault::is_down)
    }

    pub(super) fn record(&self, class: Option<Class>, faults: Vec<&'static str>) {
        let mut log = locked(&self.0.log);
        if log.len() == LOGGED {
            log.pop_front();
        }
        // The clock is read under the lock, so that the entries are in its order.
        let ms = u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        log.push_back(LogEntry { ms, class, faults });
    }

    pub(super) fn enlist(&self) -> Enlisted {
        let connection = Arc::new(Connection::default());
        let id = self.0.next_connection.fetch_add(1, Ordering::Relaxed);
        locked(&self.0.connections).insert(id, connection.clone());
        Enlisted {
            connection,
            faults: self.clone(),
            id,
        }
    }

    pub(super) fn count(&self, class: Class) -> Counted {
        let counter = &self.0.counters[class.index()];
        counter.opened.fetch_add(1, Ordering::Relaxed);
        counter.live.fetch_add(1, Ordering::Relaxed);
        Counted {
            class,
            faults: self.clone(),
        }
    }
}

/// Keeps a connection within reach of `cut` until dropped.
pub(super) struct Enlisted {
    pub(super) connection: Arc<Connection>,
    faults: Faults,
    id: u64,
}

impl Drop for Enlisted {
    fn drop(&mut self) {
        locked(&self.faults.0.connections).remove(&self.id);
    }
}

/// Counts a request as live until dropped.
pub(super) struct Counted {
    class: Class,
    faults: Faults,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let counter = &self.faults.0.counters[self.class.index()];
        counter.live.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Board {
    started: Instant,
    rules: Mutex<Arc<Vec<Fault>>>,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    next_connection: AtomicU64,
    counters: [Counter; Class::ALL.len()],
    log: Mutex<VecDeque<LogEntry>>,
}

impl Board {
    fn cut_live<'a>(&self, faults: impl Iterator<Item = &'a Fault>) {
        for fault in faults {
            if fault.is_down() {
                self.cut(|_| true);
            } else if fault.is_live() {
                self.cut(|carries| carries.is_some_and(|class| fault.selects(class)));
            }
        }
    }

    fn cut(&self, is_meant: impl Fn(Option<Class>) -> bool) -> usize {
        let connections = locked(&self.connections);
        let meant = connections
            .values()
            .filter(|connection| is_meant(connection.carries()));
        meant.map(|connection| connection.reset()).count()
    }
}

#[derive(Debug, Default)]
struct Counter {
    opened: AtomicU64,
    live: AtomicU64,
}

impl Counter {
    fn count(&self) -> Count {
        Count {
            opened: self.opened.load(Ordering::Relaxed),
            live: self.live.load(Ordering::Relaxed),
        }
    }
}

const LOGGED: usize = 20_000;
