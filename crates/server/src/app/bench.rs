//! Messages by the thousand, for tests and benchmarks.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::to_raw_value;
use throughline_core::codec::Body;

use super::{body_of, parse};
use crate::hub::{Hub, Peer};

/// Most messages, and most bytes in one, that a flood may ask for.
const MESSAGES: u32 = 10_000_000;
const BYTES: usize = 64 << 10;

/// Bytes that may wait for the link before the next unit is made.
const AHEAD: usize = 128 << 10;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flood {
    count: u32,
    size: usize,
    per_unit: Option<usize>,
    /// Milliseconds between two units.
    every: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    i: u32,
    pad: &'a str,
}

/// Sends `count` messages `FLOOD_ITEM {i, pad}` of about `size` bytes, `perUnit` in a unit, no faster
/// than the link takes them and, with `every`, that many milliseconds apart.
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
    let item = |i| {
        let raw = to_raw_value(&Item { i, pad: &pad }).ok()?;
        Some(Body {
            kind: "FLOOD_ITEM".into(),
            payload: raw.into(),
            id: None,
        })
    };
    let per_unit = flood.per_unit.unwrap_or(1).clamp(1, 10_000) as u32;
    let every = Duration::from_millis(flood.every.unwrap_or(0).into());
    let mut next = 0;
    while next < flood.count && hub.knows(peer) {
        hub.room(peer, AHEAD).await;
        let end = flood.count.min(next.saturating_add(per_unit));
        hub.send_all(peer, (next..end).filter_map(item));
        next = end;
        if every.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(every).await;
        }
    }
}
