//! Links whose requests reach several nodes.

use serde_json::json;
use throughline_core::Transport;

use crate::client::Client;
use crate::rig::{Cluster, random, until};

async fn echoes_come_though_requests_spread(transport: Transport) {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    // Requests go to the nodes by turns from the first on: `hello` and the way down part (B1).
    let client = Client::connected(cluster.proxy.address, transport).await;
    for i in 0..30 {
        client.send("ECHO", json!(i));
        client.request(i + 1, "ECHO", json!(i));
        until("the echo and the reply", async || {
            client.seen().messages.len() == 2 * (i as usize + 1)
        })
        .await;
    }
    let expected: Vec<_> = (0..30).map(|i| json!(i)).collect();
    assert_eq!(client.heard("ECHO"), expected);
    assert_eq!(client.heard(""), expected);
    assert_eq!((client.losses(), client.seen().links), ((0, 0), 1));
}

/// B1, B4
#[tokio::test]
async fn a_post_reaches_its_stream_at_another_node() {
    echoes_come_though_requests_spread(Transport::Sse).await;
}

/// C1, C2
#[tokio::test]
async fn a_poll_reaches_its_link_at_another_node() {
    echoes_come_though_requests_spread(Transport::LongPoll).await;
}

/// P5.4: the way up says so in bounded time where the node that has the way down is no more.
#[tokio::test]
async fn a_post_for_a_dead_nodes_link_is_answered_503() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let link = format!("/realtime?link={:032x}", random());
    let client = reqwest::Client::new();
    let stream = client
        .get(format!("http://{}{link}", cluster.a.address))
        .header("Accept", "text/event-stream");
    let stream = stream.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    cluster.a.kill().await;
    let post = client
        .post(format!("http://{}{link}", cluster.b.address))
        .json(&json!([["take", 1, 0]]));
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "2");
}

/// P6.1: a link's name is used once, on whatever node.
#[tokio::test]
async fn a_second_stream_of_a_name_is_not_found_at_another_node() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let link = format!("/realtime?link={:032x}", random());
    let client = reqwest::Client::new();
    let open = async |node| {
        let get = client.get(format!("http://{node}{link}"));
        let answer = get.header("Accept", "text/event-stream").send().await;
        answer.unwrap()
    };
    let first = open(cluster.a.address).await;
    let second = open(cluster.b.address).await;
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 404)
    );
}
