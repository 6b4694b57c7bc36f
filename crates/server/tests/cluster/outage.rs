//! A store that is away, and one that came back without its tail.

use serde_json::json;
use throughline_core::Transport;

use crate::client::Client;
use crate::rig::{Cluster, random, until};

/// P2.2, P2.3: what Redis lost is told as lost. Nothing that it never had was acknowledged.
#[tokio::test]
async fn a_redis_without_its_data_is_a_gap_and_nothing_was_falsely_acknowledged() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let client = Client::connected(cluster.proxy.address, Transport::WebSocket).await;
    client.send("ECHO", json!("before"));
    until("an echo", async || {
        client.seen().sent == 1 && client.heard("ECHO").len() == 1
    })
    .await;
    cluster.redis.down().await;
    for i in 0..5 {
        client.send("ECHO", json!(i));
    }
    // After a while without its store, a node lets go: the client learns that there is a fault.
    until("the link is closed", async || !client.is_connected()).await;
    assert_eq!(client.seen().sent, 1);
    assert_eq!(client.heard("ECHO"), [json!("before")]);
    cluster.redis.up().await;
    until("connected", async || client.is_connected()).await;
    assert_eq!(client.losses(), (1, 5));
    assert_eq!(client.seen().sent, 1);
    client.send("ECHO", json!("after"));
    until("an echo", async || client.heard("ECHO").len() == 2).await;
    assert_eq!(client.heard("ECHO"), [json!("before"), json!("after")]);
}

/// The node notices by itself, before anything is sent.
#[tokio::test]
async fn a_node_lets_go_of_sessions_that_its_store_has_lost() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let client = Client::connected(cluster.proxy.address, Transport::WebSocket).await;
    cluster.redis.down().await;
    cluster.redis.up().await;
    until("a new session", async || {
        client.losses() == (1, 0) && client.is_connected()
    })
    .await;
}

/// A short absence delays, and does no more.
#[tokio::test]
async fn a_redis_that_was_away_for_a_moment_loses_and_doubles_nothing() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let client = Client::connected(cluster.proxy.address, Transport::WebSocket).await;
    client.send("ECHO", json!(0));
    until("an echo", async || client.heard("ECHO").len() == 1).await;
    cluster.redis.signal("STOP").await;
    for i in 1..100 {
        client.send("ECHO", json!(i));
    }
    let sent = client.seen().sent;
    cluster.redis.signal("CONT").await;
    assert!(sent <= 1, "{sent} acknowledged while the store stood still");
    until("all echoes", async || {
        client.heard("ECHO").len() >= 100 && client.seen().sent == 100
    })
    .await;
    let expected: Vec<_> = (0..100).map(|i| json!(i)).collect();
    assert_eq!(client.heard("ECHO"), expected);
    assert_eq!(client.losses(), (0, 0));
}

/// P5.4
#[tokio::test]
async fn nobody_is_admitted_without_the_store() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    cluster.redis.down().await;
    let url = format!(
        "http://{}/realtime?link={:032x}",
        cluster.a.address,
        random()
    );
    let get = reqwest::Client::new().get(url);
    let answer = get.header("Accept", "text/event-stream").send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "2");
}
