//! Messages by the thousand, for tests and benchmarks.

use serde::Deserialize;
use serde_json::json;
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
