//! Data channels as links, and their signalling (annex D).

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use throughline_core::Transport;
use throughline_core::codec::encode_binary;
use throughline_server::webrtc::Udp;
use tokio::net::UdpSocket;

use crate::rig::{Rig, eventually, hello, rand_u128, resume};

use self::client::offer;

pub(crate) mod client;

impl Rig {
    async fn switch(&self, switch: Value) -> Value {
        let answer = self.post("/api/rtc", &switch).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    async fn peers(&self) -> u64 {
        let report: Value = self.get("/api/rtc").await.json().await.unwrap();
        report["peers"].as_u64().unwrap()
    }

    async fn without_peers(&self) {
        for _ in 0..1_000 {
            if self.peers().await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("peers stay");
    }
}

/// D1, D7
#[tokio::test]
async fn a_session_goes_over_a_data_channel() {
    let rig = Rig::start().await;
    let (mut peer, ready) = rig.take_rtc(hello(), 1).await;
    assert_eq!(ready["resumed"], true);
    peer.send(json!([[1, "ECHO", { "a": [1, "é", null] }]]));
    let echo = json!([1, "ECHO", { "a": [1, "é", null] }]);
    assert_eq!(peer.frame().await, echo);
    peer.send_bytes(encode_binary(2, "ECHO", &[0, 255, 10], None).unwrap());
    assert_eq!(
        peer.frame().await,
        json!(["bytes", 2, "ECHO", [0, 255, 10]])
    );
    assert_eq!(rig.server.hub().session_count(), 1);
    assert_eq!(rig.peers().await, 1);
    peer.leave();
    eventually("the link is gone", || rig.server.hub().link_count() == 0).await;
    rig.without_peers().await;
    assert_eq!(rig.server.hub().session_count(), 1, "it may come back");
}

/// D2
#[tokio::test]
async fn large_units_go_both_ways_in_parts() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    let text = "é".repeat(150_000);
    peer.send_unit(false, json!([[1, "ECHO", text]]).to_string().as_bytes());
    assert_eq!(peer.frame().await, json!([1, "ECHO", text]));
    let bytes: Vec<u8> = (0..300_000_u32).map(|i| i as u8).collect();
    peer.send_unit(true, &encode_binary(2, "ECHO", &bytes, None).unwrap());
    assert_eq!(peer.frame().await, json!(["bytes", 2, "ECHO", bytes]));
}

#[tokio::test]
async fn a_session_moves_between_a_data_channel_and_every_other_transport() {
    let rig = Rig::start().await;
    for transport in Transport::TEXT {
        let hello = hello();
        let (mut peer, ready) = rig.take_rtc(hello.clone(), 1).await;
        peer.send(json!([[1, "ECHO", 1]]));
        assert_eq!(peer.frame().await, json!([1, "ECHO", 1]));
        let again = resume(&hello, &ready, 1);
        let (mut link, ready) = rig.take(transport, again.clone(), 2).await;
        assert_eq!(ready["resumed"], true, "{transport:?}");
        link.send(json!([[2, "ECHO", 2]])).await;
        assert_eq!(link.message().await, json!([2, "ECHO", 2]));
        let (mut peer, _) = rig.take_rtc(resume(&hello, &ready, 2), 3).await;
        peer.send(json!([[3, "ECHO", 3]]));
        assert_eq!(peer.frame().await, json!([3, "ECHO", 3]));
    }
}

/// D9, D10
#[tokio::test]
async fn an_ice_restart_keeps_the_link() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    for n in 1..=3 {
        let stale = peer.etag.clone();
        peer.restart().await;
        assert_eq!(peer.patch(&stale, "a=candidate:x\r\n").await.status(), 412);
        peer.send(json!([[n, "ECHO", n]]));
        assert_eq!(peer.frame().await, json!([n, "ECHO", n]));
    }
    assert_eq!(peer.delete().await.status(), 200);
    assert_eq!(peer.unit().await, json!([["closed"]]));
    eventually("the link is gone", || rig.server.hub().link_count() == 0).await;
    rig.without_peers().await;
    assert_eq!(peer.delete().await.status(), 404);
}

/// D8, D9
#[tokio::test]
async fn changes_to_a_peer_are_refused_with_a_reason() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    let candidate = "a=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n";
    assert_eq!(peer.patch(&peer.etag, candidate).await.status(), 204);
    let local = "a=candidate:1 1 udp 1 5a8b.local 9 typ host\r\n";
    assert_eq!(peer.patch(&peer.etag, local).await.status(), 204);
    let fresh = "a=ice-ufrag:abcdefgh\r\na=ice-pwd:0123456789012345678901\r\n";
    assert_eq!(peer.patch(&peer.etag, fresh).await.status(), 412);
    for (etag, fragment, status) in [
        ("\"9\"", candidate, 412),
        ("nonsense", candidate, 412),
        (&*peer.etag, "", 400),
        (&*peer.etag, "hello", 400),
        ("\"*\"", "a=ice-ufrag:abcdefgh\r\n", 400),
        ("\"*\"", "a=ice-ufrag:a b\r\na=ice-pwd:x\r\n", 400),
        ("\"*\"", &"a=x\r\n".repeat(20_000), 413),
    ] {
        let answer = peer.patch(etag, fragment).await;
        assert_eq!(answer.status(), status, "{etag} {fragment:.40}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let patch = || rig.http.patch(&peer.location);
    let fragment = "application/trickle-ice-sdpfrag";
    let bare = patch().header("Content-Type", fragment).send().await;
    assert_eq!(bare.unwrap().status(), 428);
    let other = patch().header("Content-Type", "text/plain").send().await;
    assert_eq!(other.unwrap().status(), 415);
    for name in ["nonsense", &format!("{:032x}", rand_u128())] {
        let url = rig.url(&format!("/realtime/rtc/{name}"));
        assert_eq!(rig.http.delete(&url).send().await.unwrap().status(), 404);
    }
    peer.send(json!([[1, "ECHO", 1]]));
    assert_eq!(peer.frame().await, json!([1, "ECHO", 1]));
}

/// D6
#[tokio::test]
async fn an_offer_needs_a_good_token_and_makes_no_session() {
    let rig = Rig::with(|config| {
        config.tokens_required = true;
        config.rtc.max_peers = 1;
    })
    .await;
    let sdp = offer().await.sdp;
    for token in [None, Some("nonsense")] {
        let answer = rig.post_offer(&sdp, token).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
    let token: Value = rig
        .post("/api/token", &json!({}))
        .await
        .json()
        .await
        .unwrap();
    let answer = rig.post_offer(&sdp, token["token"].as_str()).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(rig.server.hub().session_count(), 0);
    let full = rig.post_offer(&sdp, token["token"].as_str()).await;
    assert_eq!(full.status(), 503);
    assert!(full.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn one_address_has_so_many_peers() {
    let rig = Rig::with(|config| config.rtc.max_peers_per_address = 1).await;
    let peer = rig.peer().await;
    let sdp = offer().await.sdp;
    let refused = rig.post_offer(&sdp, None).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    peer.delete().await;
    rig.without_peers().await;
    assert_eq!(rig.post_offer(&sdp, None).await.status(), 201);
}

/// D6
#[tokio::test]
async fn bad_offers_are_told_so_and_harm_nobody() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    let good = offer().await.sdp;
    let lines: Vec<&str> = good.lines().collect();
    let mut bad: Vec<String> = ["", "v=0", "hello", "v=0\r\nm=audio", "\0\0\0"]
        .map(str::to_owned)
        .into();
    for gone in 0..lines.len() {
        let (mut cut, mut torn) = (lines.clone(), lines.clone());
        let twice = [&lines[..gone], &lines[gone..=gone], &lines[gone..]].concat();
        cut.remove(gone);
        torn[gone] = &torn[gone][..torn[gone].len() / 2];
        let huge = lines[gone].replace(['0', '1', '2'], "99999999999999999999");
        let mut swollen = lines.clone();
        swollen[gone] = &huge;
        let variants = [cut, torn, twice, swollen, lines[..gone].to_vec()];
        bad.extend(variants.map(|lines| lines.join("\r\n") + "\r\n"));
    }
    let mut refused = 0;
    for sdp in bad {
        let answer = rig.post_offer(&sdp, None).await;
        match answer.status().as_u16() {
            201 => {}
            400 => {
                refused += 1;
                let problem: Value = answer.json().await.unwrap();
                assert_ne!(problem["detail"], "", "{sdp}");
            }
            status => panic!("{status}: {sdp}"),
        }
    }
    assert!(refused > 20, "{refused}");
    let large = rig.post_offer(&"a".repeat((64 << 10) + 1), None).await;
    assert_eq!(large.status(), 413);
    peer.send(json!([[1, "ECHO", 1]]));
    assert_eq!(peer.frame().await, json!([1, "ECHO", 1]));
}

#[tokio::test]
async fn stray_datagrams_harm_nobody() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    let address: SocketAddr = rig.server.datagrams().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut state = 7_u64;
    for size in 0..400 {
        for first in [0, 1, 20, 63, 128, 191, 255] {
            let mut bytes: Vec<u8> = (0..size)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            socket.send_to(&bytes, address).await.unwrap();
        }
    }
    peer.send(json!([[1, "ECHO", 1]]));
    assert_eq!(peer.frame().await, json!([1, "ECHO", 1]));
    let report: Value = rig.get("/api/rtc").await.json().await.unwrap();
    assert!(report["packets"]["stray"].as_u64().unwrap() > 0, "{report}");
}

/// D3
#[tokio::test]
async fn what_is_no_unit_ends_its_link_with_a_code() {
    let rig = Rig::with(|config| config.sessions.unit = 100_000).await;
    let part = |flags: u8, size: usize| {
        let mut bytes = vec![0, 0, flags];
        bytes.resize(3 + size, b' ');
        bytes
    };
    let cases: [(&[Vec<u8>], u64); 5] = [
        (&[vec![0xff; 10]], 4400),
        (&[part(4, 10)], 4400),
        (&[part(0, 60_001)], 4400),
        (&[part(0, 10), vec![0, 2, b'[', b']']], 4400),
        (&[part(2, 60_000), part(3, 60_000)], 4413),
    ];
    for (messages, code) in cases {
        let (mut peer, _) = rig.take_rtc(hello(), 1).await;
        for message in messages {
            peer.send_bytes(message.clone());
        }
        assert_eq!(peer.frame().await, json!(["close", code]), "{messages:.3?}");
        assert_eq!(peer.unit().await, json!([["closed"]]));
    }
    for (text, code) in [("hello", 4400), (&*" ".repeat(100_001), 4413)] {
        let (mut peer, _) = rig.take_rtc(hello(), 1).await;
        peer.send_text(text);
        assert_eq!(peer.frame().await, json!(["close", code]));
    }
    rig.without_peers().await;
}

#[tokio::test]
async fn swallowed_datagrams_come_through_again() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    rig.switch(json!({ "udp": "drop" })).await;
    peer.send(json!([[1, "ECHO", 1]]));
    let mut report = json!(null);
    while report["packets"]["swallowed"]
        .as_u64()
        .is_none_or(|n| n < 2)
    {
        report = rig.get("/api/rtc").await.json().await.unwrap();
    }
    assert_eq!(report["udp"], "drop");
    let report = rig.switch(json!({ "udp": "pass" })).await;
    assert_eq!(report["udp"], "pass");
    assert_eq!(peer.frame().await, json!([1, "ECHO", 1]));
    let bad = rig.post("/api/rtc", &json!({ "udp": "maybe" })).await;
    assert_eq!(bad.status(), 400);
}

#[tokio::test]
async fn a_peer_that_is_killed_comes_back_with_its_session() {
    let rig = Rig::start().await;
    let hello = hello();
    let (peer, ready) = rig.take_rtc(hello.clone(), 1).await;
    assert_eq!(rig.switch(json!({ "kill": true })).await["offers"], 1);
    rig.without_peers().await;
    eventually("the link is gone", || rig.server.hub().link_count() == 0).await;
    drop(peer);
    let (_peer, ready) = rig.take_rtc(resume(&hello, &ready, 0), 2).await;
    assert_eq!(ready["resumed"], true);
    assert_eq!(rig.server.hub().session_count(), 1);
}

#[tokio::test]
async fn peers_are_closed_when_the_server_asks() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    rig.switch(json!({ "close": true })).await;
    assert_eq!(peer.unit().await, json!([["closed"]]));
    rig.without_peers().await;
}

#[tokio::test]
async fn a_drain_reaches_peers_and_refuses_offers() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    let hub = rig.server.hub().clone();
    let sdp = offer().await.sdp;
    let second = Duration::from_secs(1);
    let drained = tokio::spawn(async move { hub.drain(second, second).await });
    assert_eq!(peer.frame().await, json!(["goaway", 1_000]));
    let refused = rig.post_offer(&sdp, None).await;
    assert_eq!(refused.status(), 503);
    let close = peer.frame().await;
    assert_eq!((&close[0], &close[1]), (&json!("close"), &json!(4503)));
    assert_eq!(peer.unit().await, json!([["closed"]]));
    drained.await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_tells_its_peers() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    let gone = tokio::spawn(rig.server.drain());
    assert_eq!(peer.frame().await, json!(["goaway", 1_000]));
    assert_eq!(peer.frame().await[1], 4503);
    assert_eq!(peer.unit().await, json!([["closed"]]));
    gone.await.unwrap();
}

/// D10
#[tokio::test]
async fn who_opens_no_channel_is_forgotten() {
    let rig = Rig::with(|config| config.rtc.opening = Duration::from_millis(50)).await;
    let sdp = offer().await.sdp;
    assert_eq!(rig.post_offer(&sdp, None).await.status(), 201);
    rig.without_peers().await;
}

#[tokio::test]
async fn without_datagrams_there_are_no_offers() {
    let rig = Rig::with(|config| config.rtc.udp = Udp::Off).await;
    assert!(rig.server.datagrams().is_none());
    let sdp = offer().await.sdp;
    assert_eq!(rig.post_offer(&sdp, None).await.status(), 404);
    assert_eq!(rig.get("/api/rtc").await.status(), 404);
}

#[tokio::test]
async fn pages_learn_of_turn_servers_and_the_time() {
    use throughline_core::codec::Secret;
    use throughline_server::turn::TurnConfig;
    let rig = Rig::start().await;
    let none: Value = rig.get("/api/ice-servers").await.json().await.unwrap();
    assert_eq!(none, json!({ "iceServers": [] }));
    let time: Value = rig.get("/api/time").await.json().await.unwrap();
    assert!(time["ms"].as_u64().unwrap() > 1_700_000_000_000);
    let rig = Rig::with(|config| {
        config.tokens_required = true;
        config.turn = Some(TurnConfig {
            urls: vec!["turn:127.0.0.1:3478".into()],
            secret: Secret::new("north"),
        });
    })
    .await;
    assert_eq!(rig.get("/api/ice-servers").await.status(), 401);
    let token: Value = rig
        .post("/api/token", &json!({}))
        .await
        .json()
        .await
        .unwrap();
    let request = rig.http.get(rig.url("/api/ice-servers"));
    let request = request.bearer_auth(token["token"].as_str().unwrap());
    let servers: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(servers["ttl"], 3_600);
    let server = &servers["iceServers"][0];
    assert_eq!(server["urls"], json!(["turn:127.0.0.1:3478"]));
    assert!(server["username"].as_str().unwrap().ends_with(":guest"));
}

/// A page of another origin may read what it needs.
#[tokio::test]
async fn pages_elsewhere_may_negotiate() {
    let rig = Rig::start().await;
    let origin = "http://127.0.0.1:1";
    let preflight = rig
        .http
        .request(reqwest::Method::OPTIONS, rig.url("/realtime/rtc/x"))
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "PATCH")
        .header("Access-Control-Request-Headers", "content-type,if-match");
    let preflight = preflight.send().await.unwrap();
    let allowed = |name: &str| preflight.headers()[name].to_str().unwrap().to_lowercase();
    assert!(allowed("access-control-allow-methods").contains("patch"));
    assert!(allowed("access-control-allow-headers").contains("if-match"));
    let offer = rig
        .http
        .post(rig.url("/realtime"))
        .header("Origin", origin)
        .header("Content-Type", "application/sdp; charset=utf-8")
        .body(offer().await.sdp);
    let answer = offer.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let exposed = answer.headers()["access-control-expose-headers"].to_str();
    let exposed = exposed.unwrap().to_lowercase();
    for name in ["location", "etag", "link", "retry-after"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}
