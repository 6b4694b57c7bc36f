//! What the proxy must leave whole.

use std::io::ErrorKind;

use futures_util::{SinkExt, StreamExt};
use throughline_server::fault::{Class, Connections, Count, Fault, FaultProxy, ProxyConfig};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::rig::{Http, Rig, ms, within};
use super::{echoes, http_post, is_reset};

#[tokio::test]
async fn without_faults_every_class_passes_and_is_counted() {
    let rig = Rig::start(vec![]).await;
    let mut ws = rig.ws().await;
    echoes(&mut ws, "hello").await;
    let mut sse = rig.sse().await;
    assert_ne!(within(sse.more()).await.unwrap(), 0);
    let mut http = rig.http().await;
    assert_eq!(http.ask("GET", "/realtime/now", &[], "").await.1, "now");
    assert_eq!(http.ask("GET", "/static", &[], "").await.1, "static");
    let large = "body".repeat(1 << 19);
    let (head, body) = http.ask("POST", "/post", &[], &large).await;
    assert!(head.starts_with("HTTP/1.1 202"), "{head}");
    assert!(body == large);
    let count = |opened, live| Count { opened, live };
    let expected = Connections {
        websocket: count(1, 1),
        sse: count(1, 1),
        poll: count(1, 0),
        post: count(1, 0),
        other: count(1, 0),
    };
    assert_eq!(rig.proxy.faults().connections(), expected);
    let classes: Vec<_> = rig
        .proxy
        .faults()
        .log()
        .iter()
        .map(|entry| entry.class)
        .collect();
    let order = [
        Class::Websocket,
        Class::Sse,
        Class::Poll,
        Class::Other,
        Class::Post,
    ];
    assert_eq!(classes, order.map(Some));
}

#[tokio::test]
async fn each_request_on_one_connection_is_judged_by_its_own_class() {
    let rig = Rig::start(vec![
        Fault::post_404(),
        Fault::delay(ms(100)).on(&[Class::Poll]),
    ])
    .await;
    let mut http = rig.http().await;
    for _ in 0..3 {
        assert_eq!(http.ask("GET", "/static", &[], "").await.1, "static");
        assert!(
            http.ask("POST", "/post", &[], "x")
                .await
                .0
                .starts_with("HTTP/1.1 404")
        );
        assert_eq!(http.ask("GET", "/realtime/now", &[], "").await.1, "now");
    }
    rig.proxy
        .faults()
        .set(vec![Fault::rst().on(&[Class::Poll])]);
    assert_eq!(http.ask("POST", "/post", &[], "whole").await.1, "whole");
    http.send("GET", "/realtime/now", &[], "").await;
    assert_eq!(http.broken().await, ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_server_sees_each_client_leave() {
    let rig = Rig::start(vec![]).await;
    let ws = rig.ws().await;
    let sse = rig.sse().await;
    let mut poll = rig.http().await;
    poll.send("GET", "/realtime/poll", &[], "").await;
    rig.wait_seen(|seen| (seen.websockets, seen.streams, seen.polls) == (1, 1, 1))
        .await;
    drop(poll);
    rig.wait_seen(|seen| seen.polls == 0).await;
    drop(sse);
    rig.wait_seen(|seen| seen.streams == 0).await;
    drop(ws);
    rig.wait_seen(|seen| seen.websockets == 0).await;
    let connections = rig.proxy.faults().connections();
    within(async {
        while rig.proxy.faults().connections().websocket.live > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(connections.sse.opened, 1);
}

#[tokio::test]
async fn the_client_sees_the_server_leave() {
    let rig = Rig::start(vec![]).await;
    let mut ws = rig.ws().await;
    echoes(&mut ws, "hello").await;
    ws.send(Message::text("close")).await.unwrap();
    within(async { while let Some(Ok(_)) = ws.next().await {} }).await;
    rig.wait_seen(|seen| seen.websockets == 0).await;
}

#[tokio::test]
async fn an_absent_server_is_a_502() {
    let rig = Rig::start(vec![]).await;
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = ProxyConfig::before(nowhere.local_addr().unwrap());
    drop(nowhere);
    let proxy = FaultProxy::start(config).await.unwrap();
    let mut http = Http::connect(proxy.addr()).await;
    assert!(
        http.ask("GET", "/static", &[], "")
            .await
            .0
            .starts_with("HTTP/1.1 502")
    );
    assert_eq!(
        rig.http().await.ask("GET", "/static", &[], "").await.1,
        "static"
    );
}

#[tokio::test]
async fn cut_resets_the_connections_of_its_classes_alone() {
    let rig = Rig::start(vec![]).await;
    let mut ws = rig.ws().await;
    let mut sse = rig.sse().await;
    assert_eq!(rig.proxy.faults().cut(&[Class::Sse, Class::Poll]), 1);
    assert_eq!(sse.broken().await, ErrorKind::ConnectionReset);
    rig.wait_seen(|seen| seen.streams == 0).await;
    echoes(&mut ws, "whole").await;
}

#[tokio::test]
async fn a_new_rule_leaves_live_connections_alone_unless_it_is_live() {
    let rig = Rig::start(vec![]).await;
    let mut ws = rig.ws().await;
    rig.proxy.faults().set(vec![Fault::swallow()]);
    echoes(&mut ws, "still here").await;
    rig.proxy.faults().add(vec![Fault::refuse403().live()]);
    assert!(is_reset(&mut ws).await);
}

#[tokio::test]
async fn dropping_the_proxy_ends_its_connections() {
    let rig = Rig::start(vec![]).await;
    let proxy = FaultProxy::start(ProxyConfig::before(rig.upstream))
        .await
        .unwrap();
    let address = proxy.addr();
    let mut http = Http::connect(address).await;
    http.send("GET", "/sse", &[("accept", "text/event-stream")], "")
        .await;
    http.head().await;
    drop(proxy);
    http.broken().await;
    rig.wait_seen(|seen| seen.streams == 0).await;
    within(async { while TcpStream::connect(address).await.is_ok() {} }).await;
}

#[tokio::test]
async fn twenty_thousand_messages_pass_whole_and_in_order() {
    let rig = Rig::start(vec![]).await;
    let (mut sender, mut receiver) = rig.ws().await.split();
    let sending = async {
        for n in 0..20_000 {
            sender
                .feed(Message::text(format!("{n:>100}")))
                .await
                .unwrap();
        }
        sender.flush().await.unwrap();
    };
    let receiving = async {
        for n in 0..20_000 {
            assert_eq!(
                receiver.next().await.unwrap().unwrap(),
                Message::text(format!("{n:>100}"))
            );
        }
    };
    within(async { tokio::join!(sending, receiving) }).await;
    assert_eq!(http_post(&rig, "and then").await.1, "and then");
}
