//! What outlives a node: sessions and topics in a store that several nodes share.
//!
//! A session is led by one node at a time, the one where its last `take` came. Only that node
//! numbers its messages and hands them to handlers, and it does nothing that a client or a handler
//! could see before the store has what it follows from. Each `take` on another node gives out a new
//! lease; what comes under an older one is refused.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use throughline_core::codec::{Body, CodecError};
use throughline_core::server::{EventId, Outline, Snapshot, TopicsConfig};
use throughline_core::{Frame, Nonce};

#[cfg(feature = "redis")]
mod entry;
#[cfg(not(feature = "redis"))]
mod none;
#[cfg(feature = "redis")]
pub(crate) mod redis;

#[cfg(not(feature = "redis"))]
pub(crate) use self::none::Store;
#[cfg(feature = "redis")]
pub(crate) use self::redis::Redis as Store;

/// The Redis that nodes share. Its `Debug` shows no address, which may have a password.
#[derive(Clone)]
pub struct StoreConfig {
    address: String,
    prefix: String,
}

impl StoreConfig {
    /// Takes an address such as `redis://127.0.0.1:6379/0` or `redis+unix:///run/redis.sock`, and what
    /// every key begins with. Nodes with the same of both are one server.
    #[must_use]
    pub fn new(address: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            prefix: prefix.into(),
        }
    }

    /// Makes the store of a node whose sessions are kept for `window` without a link.
    pub(crate) fn open(
        &self,
        window: Duration,
        topics: &TopicsConfig,
    ) -> Result<Store, BadAddress> {
        let mut node = [0; 8];
        getrandom::fill(&mut node).map_err(|_| BadAddress)?;
        let node = format!("{:016x}", u64::from_ne_bytes(node)).into();
        let lives = Lives {
            session: window + 2 * renewal(window),
            topic: Duration::from_millis(topics.linger.into()) + 2 * renewal(window),
            events: topics.events,
        };
        Store::new(&self.address, self.prefix.clone(), node, lives)
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// The store's address is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadAddress;

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store's address is not one of a Redis: redis://HOST:PORT/DB")
    }
}

impl std::error::Error for BadAddress {}

/// Between two signs of life of a session to the store.
pub(crate) fn renewal(window: Duration) -> Duration {
    (window / 3).min(Duration::from_secs(30))
}

/// How sessions and topics are kept in the store.
#[derive(Debug, Clone)]
pub(crate) struct Lives {
    /// How long a session is kept after its node was last heard of.
    pub(crate) session: Duration,
    /// How long a topic is kept after it was last of use, and how many of its events.
    pub(crate) topic: Duration,
    pub(crate) events: usize,
}

/// Names a node, anew at each start.
pub(crate) type NodeId = Arc<str>;

/// The right to lead a session: its number in the order in which nodes led it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) session: Nonce,
    pub(crate) number: u64,
}

/// The session that a `hello` asks for.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) outline: Outline,
    pub(crate) resumed: bool,
}

/// What became of the wish to lead a session.
#[derive(Debug)]
pub(crate) enum Claim {
    Led {
        lease: Lease,
        snapshot: Box<Snapshot<Body>>,
        /// Subscriptions that were asked for and did not begin.
        wanted: Vec<(Arc<str>, String)>,
    },
    /// A `take` with as high a fence came before, or it is another page's (P2.4).
    Refused,
    /// The session is no more.
    Gone,
}

/// What a session did since the last commit.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) lease: Lease,
    pub(crate) fence: Option<u32>,
    /// Numbered frames without a hole.
    pub(crate) up: Vec<Frame<Body>>,
    pub(crate) down: Vec<Frame<Body>>,
    /// The oldest offset kept.
    pub(crate) first: Option<u64>,
    pub(crate) acked: Option<u64>,
    /// The last `seq` whose handler is done.
    pub(crate) heard: Option<u64>,
    pub(crate) topics: Vec<(Arc<str>, Place)>,
    pub(crate) ended: bool,
}

/// Where a session is in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    At(EventId),
    /// It is to begin there, as the application said.
    Wanted(String),
    /// It hears the topic no longer.
    Left,
}

/// An event on its way into a topic.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) topic: Arc<str>,
    pub(crate) body: Body,
    /// Its number among this node's, by which one that is sent twice is known.
    pub(crate) number: u64,
    /// The session whose message it answers.
    pub(crate) lease: Option<Lease>,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes,
    /// The session is led elsewhere, or is no more.
    Lost,
}

/// A topic's events after a place.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) epoch: u32,
    pub(crate) last: u64,
    /// Each with its number.
    pub(crate) events: Vec<(u64, Body)>,
}

/// Why a store did not do what it was asked.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// It cannot be reached, or failed.
    #[cfg(feature = "redis")]
    Redis(::redis::RedisError),
    /// What it keeps is not what was given to it.
    Garbled,
    Codec(CodecError),
}

impl Commit {
    pub(crate) const fn new(lease: Lease) -> Self {
        Self {
            lease,
            fence: None,
            up: Vec::new(),
            down: Vec::new(),
            first: None,
            acked: None,
            heard: None,
            topics: Vec::new(),
            ended: false,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The error may show a command, and a command what an application said.
            #[cfg(feature = "redis")]
            Self::Redis(error) => write!(f, "the store failed: {}", error.category()),
            Self::Garbled => f.write_str("the store keeps what nobody gave to it"),
            Self::Codec(error) => write!(f, "a message cannot be kept: {error}"),
        }
    }
}
