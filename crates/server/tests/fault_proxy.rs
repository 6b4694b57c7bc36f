//! Each fault as a client sees it, before a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::io::ErrorKind;

use axum::http::StatusCode;
use futures_util::{SinkExt, StreamExt};
use throughline_server::fault::{Class, Fault};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use rig::{Rig, Ws, ms, within};

#[path = "fault_proxy/control.rs"]
mod control;
#[path = "fault_proxy/passing.rs"]
mod passing;
#[path = "fault_proxy/program.rs"]
mod program;
#[path = "fault_proxy/rig.rs"]
mod rig;

#[tokio::test]
async fn refuse403_answers_the_handshake_with_a_403_a_page_can_read() {
    let rig = Rig::start(vec![Fault::refuse403()]).await;
    let Err(Error::Http(response)) = rig.try_ws().await else {
        panic!("no refusal");
    };
    assert_eq!(response.status(), 403);
    let origin = ("origin", "https://page.example");
    let headers = [("upgrade", "websocket"), ("connection", "upgrade"), origin];
    let (head, _) = rig.http().await.ask("GET", "/ws", &headers, "").await;
    assert!(
        head.contains("access-control-allow-origin: https://page.example\r\n"),
        "{head}"
    );
    assert!(
        head.contains("access-control-allow-credentials: true\r\n"),
        "{head}"
    );
    assert_ne!(within(rig.sse().await.more()).await.unwrap(), 0);
}

#[tokio::test]
async fn rst_is_a_reset_and_not_an_end() {
    let rig = Rig::start(vec![Fault::rst().on(&[Class::Sse])]).await;
    let mut http = rig.http().await;
    http.send("GET", "/sse", &[("accept", "text/event-stream")], "")
        .await;
    assert_eq!(http.broken().await, ErrorKind::ConnectionReset);
    echoes(&mut rig.ws().await, "whole").await;
}

#[tokio::test]
async fn hang_takes_the_handshake_and_never_answers() {
    let rig = Rig::start(vec![Fault::hang()]).await;
    let mut http = rig.http().await;
    http.send(
        "GET",
        "/ws",
        &[("upgrade", "websocket"), ("connection", "upgrade")],
        "",
    )
    .await;
    assert!(http.is_silent(ms(200)).await);
    assert_eq!(rig.proxy.faults().connections().websocket.live, 1);
    drop(http);
    within(async {
        while rig.proxy.faults().connections().websocket.live > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(rig.seen.borrow().websockets, 0);
}

#[tokio::test]
async fn swallow_completes_a_valid_handshake_and_then_is_silent() {
    let rig = Rig::start(vec![Fault::swallow()]).await;
    let mut ws = rig.ws().await;
    ws.send(Message::text("anyone?")).await.unwrap();
    assert!(timeout(ms(200), ws.next()).await.is_err());
    assert_eq!(rig.seen.borrow().websockets, 0);
    let mut http = rig.http().await;
    let headers = [
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "throughline.1, other"),
    ];
    http.send("GET", "/ws", &headers, "").await;
    let head = http.head().await;
    assert!(
        head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "{head}"
    );
    assert!(
        head.contains("sec-websocket-protocol: throughline.1\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn flap_with_pass_carries_bytes_until_the_cut() {
    let rig = Rig::start(vec![Fault::flap(ms(300), true)]).await;
    let mut ws = rig.ws().await;
    let opened = Instant::now();
    echoes(&mut ws, "before").await;
    assert!(is_reset(&mut ws).await);
    assert!(
        (ms(200)..ms(3000)).contains(&opened.elapsed()),
        "{:?}",
        opened.elapsed()
    );
    rig.wait_seen(|seen| seen.websockets == 0).await;
}

#[tokio::test]
async fn flap_without_pass_is_silent_until_the_cut() {
    let rig = Rig::start(vec![Fault::flap(ms(100), false)]).await;
    let mut ws = rig.ws().await;
    ws.send(Message::text("anyone?")).await.unwrap();
    assert!(is_reset(&mut ws).await);
    assert!(!rig.seen.has_changed().unwrap());
}

#[tokio::test]
async fn mute_sse_passes_the_head_and_no_byte_of_the_body() {
    let rig = Rig::start(vec![Fault::mute_sse()]).await;
    let mut http = rig.sse().await;
    let sent = rig.seen.borrow().sse_bytes;
    assert!(http.read.is_empty());
    assert!(http.is_silent(ms(200)).await);
    rig.wait_seen(|seen| seen.sse_bytes > sent + 8192).await;
    drop(http);
    rig.wait_seen(|seen| seen.streams == 0).await;
}

#[tokio::test]
async fn buffer_releases_the_body_in_blocks() {
    let rig = Rig::start(vec![Fault::buffer(8192)]).await;
    let mut http = rig.sse().await;
    for _ in 0..2 {
        while http.read.len() < 6 + 8192 + 2 {
            within(http.more()).await.unwrap();
        }
        assert!(rig.seen.borrow().sse_bytes >= 7 * 1024);
        let block: Vec<u8> = http.read.drain(..6 + 8192 + 2).collect();
        assert!(block.starts_with(b"2000\r\n") && block.ends_with(b"\r\n"));
    }
    rig.proxy
        .faults()
        .set(vec![Fault::buffer(1 << 20).on(&[Class::Post])]);
    let (_, body) = http_post(&rig, "the end lets it go").await;
    assert_eq!(body, "the end lets it go");
}

#[tokio::test]
async fn buffer_holds_the_bytes_of_a_websocket_too() {
    let rig = Rig::start(vec![Fault::buffer(1000).on(&[Class::Websocket])]).await;
    let mut ws = rig.ws().await;
    ws.send(Message::text("a".repeat(600))).await.unwrap();
    assert!(timeout(ms(150), ws.next()).await.is_err());
    ws.send(Message::text("b".repeat(600))).await.unwrap();
    assert_eq!(
        within(ws.next()).await.unwrap().unwrap(),
        Message::text("a".repeat(600))
    );
    ws.send(Message::text("close")).await.unwrap();
    assert_eq!(
        within(ws.next()).await.unwrap().unwrap(),
        Message::text("b".repeat(600))
    );
}

#[tokio::test]
async fn delay_comes_on_top_both_ways_and_keeps_the_rate() {
    let rig = Rig::start(vec![Fault::delay(ms(100))]).await;
    let before = Instant::now();
    let mut ws = rig.ws().await;
    assert!(before.elapsed() >= ms(200));
    let before = Instant::now();
    echoes(&mut ws, "one").await;
    assert!(before.elapsed() >= ms(200));
    let (mut sender, mut receiver) = ws.split();
    let before = Instant::now();
    let sending = async {
        for n in 0..200 {
            sender.send(Message::text(n.to_string())).await.unwrap();
            tokio::time::sleep(ms(2)).await;
        }
    };
    let receiving = async {
        for n in 0..200 {
            assert_eq!(
                receiver.next().await.unwrap().unwrap(),
                Message::text(n.to_string())
            );
        }
    };
    within(async { tokio::join!(sending, receiving) }).await;
    assert!(
        before.elapsed() < ms(5000),
        "{:?} is a rate limit",
        before.elapsed()
    );
    let before = Instant::now();
    let (_, body) = http_post(&rig, "slow").await;
    assert_eq!(body, "slow");
    assert!(before.elapsed() >= ms(200));
    let before = Instant::now();
    let (_, body) = rig.http().await.ask("GET", "/static", &[], "").await;
    assert_eq!(body, "static");
    assert!(before.elapsed() < ms(200));
}

#[tokio::test]
async fn slow_drip_lets_few_bytes_through_in_each_tick() {
    let rig = Rig::start(vec![Fault::slow_drip(16, ms(20))]).await;
    let mut http = rig.http().await;
    let before = Instant::now();
    http.send("GET", "/sse", &[("accept", "text/event-stream")], "")
        .await;
    while http.read.len() < 160 {
        within(http.more()).await.unwrap();
        let ticks = before.elapsed().as_millis() as usize / 20 + 1;
        assert!(
            http.read.len() <= 16 * ticks,
            "{} in {ticks}",
            http.read.len()
        );
    }
    assert!(http.read.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn cut_after_resets_what_was_well_until_then() {
    let rig = Rig::start(vec![Fault::cut_after(ms(300))]).await;
    let before = Instant::now();
    let mut ws = rig.ws().await;
    let mut sse = rig.sse().await;
    let mut poll = rig.http().await;
    poll.send("GET", "/realtime/poll", &[], "").await;
    echoes(&mut ws, "well").await;
    assert_ne!(within(sse.more()).await.unwrap(), 0);
    assert!(is_reset(&mut ws).await);
    assert!(before.elapsed() >= ms(300));
    assert_eq!(sse.broken().await, ErrorKind::ConnectionReset);
    assert_eq!(poll.broken().await, ErrorKind::ConnectionReset);
    rig.wait_seen(|seen| seen.websockets + seen.streams + seen.polls == 0)
        .await;
}

#[tokio::test]
async fn cut_after_spares_a_connection_whose_request_is_over() {
    let rig = Rig::start(vec![Fault::cut_after(ms(100))]).await;
    let mut http = rig.http().await;
    assert_eq!(http.ask("GET", "/realtime/now", &[], "").await.1, "now");
    assert!(http.is_silent(ms(250)).await);
    assert_eq!(http.ask("GET", "/static", &[], "").await.1, "static");
}

#[tokio::test]
async fn post_404_answers_posts_alone() {
    let rig = Rig::start(vec![Fault::post_404()]).await;
    assert!(http_post(&rig, "x").await.0.starts_with("HTTP/1.1 404"));
    assert_eq!(rig.seen.borrow().posts, 0);
    echoes(&mut rig.ws().await, "whole").await;
}

#[tokio::test]
async fn post_hang_reads_a_large_post_and_never_answers() {
    let rig = Rig::start(vec![Fault::post_hang()]).await;
    let mut http = rig.http().await;
    http.send("POST", "/post", &[], &"x".repeat(8 << 20)).await;
    assert!(http.is_silent(ms(200)).await);
    assert_eq!(rig.seen.borrow().posts, 0);
}

#[tokio::test]
async fn status_answers_its_code_and_retry_after_to_every_realtime_class() {
    let rig = Rig::start(vec![Fault::status(StatusCode::TOO_MANY_REQUESTS, Some(7))]).await;
    let mut http = rig.http().await;
    let origin = ("origin", "https://page.example");
    for (method, path, accept) in [
        ("GET", "/realtime/poll", "*/*"),
        ("GET", "/sse", "text/event-stream"),
        ("POST", "/post", "*/*"),
    ] {
        let (head, _) = http
            .ask(method, path, &[("accept", accept), origin], "")
            .await;
        assert!(head.starts_with("HTTP/1.1 429"), "{head}");
        assert!(head.contains("retry-after: 7\r\n"), "{head}");
        assert!(
            head.contains("access-control-expose-headers: Retry-After\r\n"),
            "{head}"
        );
    }
    assert!(matches!(rig.try_ws().await, Err(Error::Http(response)) if response.status() == 429));
    assert_eq!(http.ask("GET", "/static", &[], "").await.1, "static");
}

#[tokio::test]
async fn down_resets_all_that_is_there_and_all_that_comes() {
    let rig = Rig::start(vec![]).await;
    let mut ws = rig.ws().await;
    echoes(&mut ws, "up").await;
    let mut idle = rig.http().await;
    assert_eq!(idle.ask("GET", "/static", &[], "").await.1, "static");
    rig.proxy.faults().set(vec![Fault::down()]);
    assert!(is_reset(&mut ws).await);
    assert_eq!(idle.broken().await, ErrorKind::ConnectionReset);
    let mut late = rig.http().await;
    assert_eq!(late.broken().await, ErrorKind::ConnectionReset);
    let log = rig.proxy.faults().log();
    assert_eq!(
        log.last().map(|entry| (entry.class, entry.faults.clone())),
        Some((None, vec!["down"]))
    );
    rig.proxy.faults().clear();
    echoes(&mut rig.ws().await, "up again").await;
}

#[tokio::test]
async fn faults_of_different_classes_are_active_together() {
    let rig = Rig::start(vec![Fault::swallow(), Fault::mute_sse(), Fault::post_404()]).await;
    let mut ws = rig.ws().await;
    let mut sse = rig.sse().await;
    ws.send(Message::text("anyone?")).await.unwrap();
    let (ws_silent, sse_silent) = tokio::join!(timeout(ms(150), ws.next()), sse.is_silent(ms(150)));
    assert!(ws_silent.is_err() && sse_silent);
    assert!(http_post(&rig, "x").await.0.starts_with("HTTP/1.1 404"));
}

async fn http_post(rig: &Rig, body: &str) -> (String, String) {
    rig.http().await.ask("POST", "/post", &[], body).await
}

async fn echoes(ws: &mut Ws, text: &str) {
    ws.send(Message::text(text)).await.unwrap();
    assert_eq!(
        within(ws.next()).await.unwrap().unwrap(),
        Message::text(text)
    );
}

/// Reads until the connection breaks and tells whether by a TCP reset.
async fn is_reset(ws: &mut Ws) -> bool {
    loop {
        match within(ws.next()).await {
            Some(Ok(_)) => {}
            Some(Err(Error::Io(error))) => return error.kind() == ErrorKind::ConnectionReset,
            Some(Err(_)) | None => return false,
        }
    }
}
