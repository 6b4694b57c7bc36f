//! Topics that all nodes share.

use std::net::SocketAddr;

use serde_json::{Value, json};
use throughline_core::Transport;

use crate::client::Client;
use crate::rig::{Cluster, until};

async fn comment(node: SocketAddr, text: &str) {
    let post = reqwest::Client::new()
        .post(format!("http://{node}/api/debug/emit-comment"))
        .json(&json!({ "showId": "x", "text": text }));
    assert_eq!(post.send().await.unwrap().status(), 200);
}

fn texts(client: &Client) -> Vec<Value> {
    let comments = client.heard("COMMENT").into_iter();
    comments.map(|comment| comment["text"].clone()).collect()
}

/// P3.6: what is published at any node reaches all, in one order; who moves misses nothing and gets
/// nothing twice.
#[tokio::test]
async fn events_reach_all_nodes_and_follow_who_moves() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let (a, b) = (cluster.a.address, cluster.b.address);
    cluster.proxy.route(vec![a]);
    let mover = Client::connected(cluster.proxy.address, Transport::WebSocket).await;
    let other = Client::connected(b, Transport::WebSocket).await;
    for client in [&mover, &other] {
        client.send("SUBSCRIBE", json!({ "topic": "shows/x" }));
        until("subscribed", async || client.heard("SUBSCRIBED").len() == 1).await;
    }
    let mut expected = Vec::new();
    for i in 0..20 {
        let text = format!("comment {i}");
        comment(if i % 2 == 0 { a } else { b }, &text).await;
        expected.push(json!(text));
    }
    for client in [&mover, &other] {
        until("twenty comments", async || texts(client).len() >= 20).await;
    }
    let order = texts(&other);
    assert_eq!(texts(&mover), order, "one order for all");
    let mut sorted = order.clone();
    sorted.sort_by_key(|text| expected.iter().position(|other| other == text));
    assert_eq!(sorted, expected);
    cluster.a.kill().await;
    until("the loss is seen", async || !mover.is_connected()).await;
    // Published while nobody leads the mover's session.
    comment(b, "meanwhile").await;
    cluster.proxy.route(vec![b]);
    until("connected again", async || mover.is_connected()).await;
    comment(b, "after").await;
    let all: Vec<_> = order
        .into_iter()
        .chain([json!("meanwhile"), json!("after")])
        .collect();
    for client in [&mover, &other] {
        until("all comments", async || texts(client).len() >= all.len()).await;
        assert_eq!(texts(client), all);
    }
    assert_eq!(mover.losses(), (0, 0));
}
