//! How a server goes away.

use std::time::Duration;

use serde_json::json;
use throughline_core::Transport;

use crate::rig::{PATIENCE, Rig, hello, rand_u128, websocket};

/// P5.2, P5.3, P6.3
#[tokio::test]
async fn a_drain_asks_to_move_refuses_newcomers_and_closes_who_stays() {
    let rig = Rig::start().await;
    let mut links = Vec::new();
    for transport in Transport::TEXT {
        links.push(rig.take(transport, hello(), 1).await.0);
    }
    assert_eq!(rig.server.spread(), Duration::from_secs(1));
    let (address, http) = (rig.server.addr(), rig.http.clone());
    let drained = tokio::spawn(rig.server.drain());
    for link in &mut links {
        assert_eq!(link.message().await, json!(["goaway", 1_000]));
    }
    let url = format!("http://{address}/realtime");
    assert_eq!(websocket(&url, &[]).await.err(), Some(503));
    assert_eq!(http.get(&url).send().await.unwrap().status(), 503);
    let named = format!("{url}?link={:032x}", rand_u128());
    for accept in ["text/event-stream", "*/*"] {
        let answer = http
            .get(&named)
            .header("Accept", accept)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "2");
    }
    let unit = json!([["hello", hello()]]);
    assert_eq!(
        http.post(&named).json(&unit).send().await.unwrap().status(),
        503
    );
    for link in &mut links {
        let (code, retry) = link.closed().await;
        assert_eq!(code, 4503);
        assert!((2_000..3_000).contains(&retry.unwrap()), "{retry:?}");
    }
    tokio::time::timeout(PATIENCE, drained)
        .await
        .unwrap()
        .unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_server_without_clients_drains_at_once() {
    let rig = Rig::start().await;
    let before = std::time::Instant::now();
    tokio::time::timeout(PATIENCE, rig.server.drain())
        .await
        .unwrap();
    assert!(before.elapsed() < Duration::from_secs(1));
}
