//! A client goes on at another node, whatever became of the first.

use std::time::Duration;

use serde_json::json;
use throughline_core::Transport;

use crate::client::Client;
use crate::rig::{Cluster, until};

/// P2.2, P2.4, P3.5: what was sent and not received before the move comes after it, once.
#[tokio::test]
async fn a_session_goes_on_at_the_other_node() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    cluster.proxy.route(vec![cluster.a.address]);
    let client = Client::connected(cluster.proxy.address, Transport::WebSocket).await;
    for i in 0..10 {
        client.send("ECHO", json!(i));
    }
    until("ten echoes", async || client.heard("ECHO").len() == 10).await;
    cluster.proxy.route(vec![cluster.b.address]);
    cluster.a.kill().await;
    for i in 10..20 {
        client.send("ECHO", json!(i));
    }
    until("twenty echoes", async || client.heard("ECHO").len() == 20).await;
    let expected: Vec<_> = (0..20).map(|i| json!(i)).collect();
    assert_eq!(client.heard("ECHO"), expected);
    assert_eq!(client.losses(), (0, 0));
    assert_eq!(client.seen().links, 2);
}

/// A node is killed in mid-stream, and one after it that took over: nothing is lost, nothing comes
/// twice, and all is in order, both ways, for every client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_loses_and_doubles_nothing() {
    const CLIENTS: usize = 60;
    const MESSAGES: u64 = 200;
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|i| {
            let transport = match i % 6 {
                0 => Transport::Sse,
                1 => Transport::LongPoll,
                _ => Transport::WebSocket,
            };
            Client::start(cluster.proxy.address, &[transport])
        })
        .collect();
    let sender = async {
        for n in 0..MESSAGES {
            for client in &clients {
                client.send("ECHO", json!(n));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let total = || -> usize {
        clients
            .iter()
            .map(|client| client.seen().messages.len())
            .sum()
    };
    let third = CLIENTS * MESSAGES as usize / 3;
    let killer = async {
        until("a third is through", async || total() >= third).await;
        let heir = crate::rig::Node::start(&cluster.redis).await;
        cluster.a.kill().await;
        cluster.proxy.route(vec![cluster.b.address, heir.address]);
        until("two thirds are through", async || total() >= 2 * third).await;
        cluster.proxy.route(vec![heir.address]);
        cluster.b.kill().await;
        heir
    };
    let ((), _heir) = tokio::join!(sender, killer);
    let expected: Vec<_> = (0..MESSAGES).map(|n| json!(n)).collect();
    for client in &clients {
        until("all is echoed", async || {
            client.heard("ECHO").len() >= expected.len()
        })
        .await;
        until("all is acknowledged", async || {
            client.seen().sent == expected.len()
        })
        .await;
        assert_eq!(client.heard("ECHO"), expected);
        assert_eq!(client.losses(), (0, 0));
    }
}
