//! Messages by the thousand, for tests and benchmarks.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use throughline_core::codec::Body;

use super::{body_of, parse};
use crate::hub::{Hub, Peer};

/// Most messages, and most bytes in one, that a flood may ask for.
const MESSAGES: u32 = 10_000_000;
const BYTES: usize = 64 << 10;

/// Bytes that may wait for the link before the next unit is made.
const AHEAD: usize = 128 << 10;

/// What came of a client's own flood.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    count: u64,
    /// The first and the latest `i`.
    first: Option<u64>,
    last: Option<u64>,
    /// How many did not follow the one before them.
    out_of_order: u64,
}

/// Counts the messages `COUNT_ME {i}` of each peer.
#[derive(Debug, Default)]
pub(super) struct Counts(HashMap<Peer, Count>);

#[derive(Debug, Deserialize)]
struct Numbered {
    i: u64,
}

impl Counts {
    pub(super) fn add(&mut self, peer: Peer, body: &Body) {
        let count = self.0.entry(peer).or_default();
        count.count += 1;
        let Some(Numbered { i }) = parse(body) else {
            return;
        };
        count.first.get_or_insert(i);
        let follows = count.last.is_none_or(|last| last.checked_add(1) == Some(i));
        count.out_of_order += u64::from(!follows);
        count.last = Some(i);
    }

    /// Answers `COUNTED`, and begins anew.
    pub(super) fn take(&mut self, peer: Peer) -> Value {
        json!(self.0.remove(&peer).unwrap_or_default())
    }

    pub(super) fn forget(&mut self, peer: Peer) {
        self.0.remove(&peer);
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flood {
    count: u32,
    size: usize,
    per_unit: Option<usize>,
}

/// Sends `count` messages `FLOOD_ITEM {i, pad}` of about `size` bytes, `perUnit` in a unit, no faster
/// than the link takes them.
pub(super) fn flood(hub: &Hub, peer: Peer, body: &Body) {
    let Some(flood) = parse::<Flood>(body).filter(|f| f.count <= MESSAGES && f.size <= BYTES)
    else {
        let reason = json!({ "error": "Failed to process message", "message": "bad FLOOD" });
        if let Some(body) = body_of("ERROR", &reason) {
            hub.send(peer, body);
        }
        return;
    };
    tokio::spawn(run(hub.clone(), peer, flood));
}

async fn run(hub: Hub, peer: Peer, flood: Flood) {
    let pad = "x".repeat(flood.size);
    let item = |i| body_of("FLOOD_ITEM", &json!({ "i": i, "pad": pad }));
    let per_unit = flood.per_unit.unwrap_or(1).clamp(1, 10_000) as u32;
    let mut next = 0;
    while next < flood.count && hub.knows(peer) {
        hub.room(peer, AHEAD).await;
        let end = flood.count.min(next.saturating_add(per_unit));
        hub.send_all(peer, (next..end).filter_map(item));
        next = end;
        tokio::task::yield_now().await;
    }
}
