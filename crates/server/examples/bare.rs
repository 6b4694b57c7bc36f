//! What one writes without a protocol: a WebSocket of `{type, …}` messages, on the same libraries as
//! the reference server. The benchmarks measure against it.
//!
//! `FLOOD {count, size, perUnit}` is answered by as many `FLOOD_ITEM {i, pad}`, each alone where
//! `perUnit` is 1, else as JSON arrays; `COUNT_ME` is counted, `COUNTED` answered with the count;
//! everything else comes back.

use std::error::Error;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    r#type: &'a str,
    #[serde(default)]
    count: u32,
    #[serde(default)]
    size: usize,
    #[serde(default)]
    per_unit: u32,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    r#type: &'a str,
    i: u32,
    pad: &'a str,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("bare listening on http://{}", listener.local_addr()?);
    let accept = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(run) };
    axum::serve(listener, Router::new().route("/", get(accept))).await?;
    Ok(())
}

/// Serves one client until its socket ends.
async fn run(mut socket: WebSocket) {
    let mut counted = 0_u32;
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        let Ok(call) = serde_json::from_str::<Call<'_>>(&text) else {
            return;
        };
        let sent = match call.r#type {
            "FLOOD" => flood(&mut socket, &call).await,
            "COUNT_ME" => {
                counted += 1;
                continue;
            }
            "COUNTED" => {
                let count = json!({ "type": "COUNTED", "count": counted });
                socket.send(Message::text(count.to_string())).await
            }
            _ => socket.send(Message::Text(text)).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn flood(socket: &mut WebSocket, call: &Call<'_>) -> Result<(), axum::Error> {
    let pad = "x".repeat(call.size);
    let item = |i| {
        let r#type = "FLOOD_ITEM";
        serde_json::to_string(&Item {
            r#type,
            i,
            pad: &pad,
        })
        .unwrap_or_default()
    };
    let mut next = 0;
    while next < call.count {
        if call.per_unit <= 1 {
            socket.send(Message::text(item(next))).await?;
            next += 1;
            continue;
        }
        let end = call.count.min(next + call.per_unit);
        let mut unit = String::from("[");
        for i in next..end {
            if i > next {
                unit.push(',');
            }
            unit.push_str(&item(i));
        }
        unit.push(']');
        socket.send(Message::text(unit)).await?;
        next = end;
    }
    Ok(())
}
