//! Measures two nodes on one Redis, and prints a line of JSON for each figure. It needs
//! `redis-server`, and the program beside it:
//!
//! ```text
//! cargo build --release -p throughline-server --bins --example cluster
//! target/release/examples/cluster
//! ```

#![allow(dead_code, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use throughline_core::Transport;

use client::Client;
use rig::{Cluster, Node, until};

#[path = "../tests/cluster/client.rs"]
mod client;
#[path = "../tests/cluster/proxy.rs"]
mod proxy;
#[path = "../tests/cluster/redis.rs"]
mod redis;
#[path = "../tests/cluster/rig.rs"]
mod rig;

/// Clients of each run, and what each sends: in the kill run every few milliseconds, in the
/// throughput run at once.
const CLIENTS: usize = 60;
const KILL_MESSAGES: u64 = 300;
const BULK_MESSAGES: u64 = 2_000;

#[tokio::main]
async fn main() {
    kill().await;
    throughput().await;
}

/// Kills each of two nodes in mid-stream, and counts what is lost and doubled both ways.
async fn kill() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|i| {
            let transport = Transport::TEXT[i % Transport::TEXT.len()];
            Client::start(cluster.proxy.address, &[transport])
        })
        .collect();
    let total = || -> usize {
        let seen = clients.iter().map(|client| client.seen().messages.len());
        seen.sum()
    };
    let third = CLIENTS * KILL_MESSAGES as usize / 3;
    let sender = async {
        for n in 0..KILL_MESSAGES {
            for client in &clients {
                client.send("ECHO", json!(n));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let killer = async {
        until("a third is through", async || total() >= third).await;
        let heir = Node::start(&cluster.redis).await;
        cluster.a.kill().await;
        cluster.proxy.route(vec![cluster.b.address, heir.address]);
        until("two thirds are through", async || total() >= 2 * third).await;
        cluster.proxy.route(vec![heir.address]);
        cluster.b.kill().await;
        heir
    };
    let ((), _heir) = tokio::join!(sender, killer);
    let done = async || {
        clients
            .iter()
            .all(|client| client.seen().sent as u64 == KILL_MESSAGES)
    };
    until("all is acknowledged", done).await;
    let all = async || {
        let mut heard = clients
            .iter()
            .map(|client| client.heard("ECHO").len() as u64);
        heard.all(|heard| heard >= KILL_MESSAGES)
    };
    until("all is echoed", all).await;
    let (mut lost, mut doubled, mut disordered) = (0, 0, 0);
    for client in &clients {
        let heard = client.heard("ECHO");
        for n in 0..KILL_MESSAGES {
            match heard.iter().filter(|echo| **echo == json!(n)).count() {
                0 => lost += 1,
                times => doubled += times - 1,
            }
        }
        disordered += heard
            .windows(2)
            .filter(|two| two[0].as_u64() > two[1].as_u64())
            .count();
        lost += client.losses().0 + client.losses().1;
    }
    for (name, value) in [
        ("lost", lost),
        ("doubled", doubled),
        ("disordered", disordered),
    ] {
        let line = json!({
            "name": format!("cluster.kill.{name}"), "value": value, "unit": "messages",
            "of": CLIENTS as u64 * KILL_MESSAGES, "ok": value == 0,
        });
        println!("{line}");
    }
}

/// Echoes as many messages as fit, on one node in memory and on two nodes on Redis.
async fn throughput() {
    let alone = Node::with(&["--max-rate", "1000000"], None).await;
    let baseline = echo(alone.address).await;
    drop(alone);
    let Some(cluster) = Cluster::with(&["--max-rate", "1000000"]).await else {
        return;
    };
    let value = echo(cluster.proxy.address).await;
    let line = json!({
        "name": "cluster.throughput", "value": value.round(), "unit": "echoes/s",
        "baseline": baseline.round(), "baselineIs": "one node, in memory",
        "ratio": (value / baseline * 100.0).round() / 100.0, "clients": CLIENTS, "ok": value > 0.0,
    });
    println!("{line}");
}

async fn echo(address: SocketAddr) -> f64 {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| Client::start(address, &[Transport::WebSocket]))
        .collect();
    for client in &clients {
        until("connected", async || client.is_connected()).await;
    }
    let began = Instant::now();
    for n in 0..BULK_MESSAGES {
        for client in &clients {
            client.send("ECHO", json!(n));
        }
    }
    for client in &clients {
        let all = async || client.seen().messages.len() as u64 >= BULK_MESSAGES;
        until("all is echoed", all).await;
    }
    (CLIENTS as u64 * BULK_MESSAGES) as f64 / began.elapsed().as_secs_f64()
}
