//! Sound: in packets over WebRTC, in messages elsewhere, and an interviewer who speaks (annex D).

use std::f64::consts::TAU;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use throughline_core::Transport;
use tokio::time::{interval, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{Link, PATIENCE, Rig, eventually, hello, resume};
use crate::rtc::client::Peer;

/// The first question, and how it sounds.
const QUESTION: &[u8] = include_bytes!("../../assets/voice/1.ul");

fn decode(code: u8) -> i16 {
    let code = !code;
    let value = (((i32::from(code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
    (if code & 128 == 0 { value } else { -value }) as i16
}

/// By search, so that no slip is made twice.
fn encode(sample: i16) -> u8 {
    let off = |code: &u8| (i32::from(decode(*code)) - i32::from(sample)).abs();
    (0..=255).min_by_key(off).unwrap()
}

fn question() -> Vec<i16> {
    QUESTION.iter().map(|code| decode(*code)).collect()
}

fn tone(rate: u32, count: usize) -> Vec<i16> {
    let step = TAU * 440.0 / f64::from(rate);
    let wave = (0..count).map(|i| (8_000.0 * (step * i as f64).sin()) as i16);
    wave.collect()
}

/// How much of the loudness is at 440 Hz, 1 being all.
fn purity(samples: &[i16], rate: u32) -> f64 {
    let step = TAU * 440.0 / f64::from(rate);
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let (sample, angle) = (f64::from(*sample), step * i as f64);
        re += sample * angle.cos();
        im += sample * angle.sin();
        all += sample * sample;
    }
    2.0 * (re * re + im * im) / (all * samples.len() as f64)
}

fn pcm(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    let pairs = bytes.chunks_exact(2);
    pairs
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// The samples of a message, on whichever transport.
fn sound_of(frame: &Value) -> Option<Vec<i16>> {
    match (frame[0].as_str(), frame[2].as_str()) {
        (Some("bytes"), Some("audio")) => {
            let bytes = frame[3].as_array().unwrap().iter();
            let bytes: Vec<u8> = bytes.map(|byte| byte.as_u64().unwrap() as u8).collect();
            Some(samples(&bytes))
        }
        (Some("bin"), Some("audio")) => Some(samples(
            &STANDARD.decode(frame[3].as_str().unwrap()).unwrap(),
        )),
        _ => None,
    }
}

/// Collects sound until there are `count` samples.
async fn collect(link: &mut Link, count: usize) -> Vec<i16> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let frame = link.message().await;
        assert_ne!(frame[0], "closed");
        heard.extend(sound_of(&frame).unwrap_or_default());
    }
    heard
}

/// Reads until a message of this type, and returns its payload.
async fn until(link: &mut Link, kind: &str) -> Value {
    loop {
        let frame = link.message().await;
        assert_ne!(frame[0], "closed");
        if frame[1] == kind {
            return frame[2].clone();
        }
    }
}

async fn peer_until(peer: &mut Peer, kind: &str) -> Value {
    loop {
        let frame = peer.frame().await;
        if frame[1] == kind {
            return frame[2].clone();
        }
    }
}

/// D7, D15
#[tokio::test]
async fn packets_come_back_as_they_were_spoken() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    peer.send(json!([[1, "audio:mode", { "mode": "echo" }]]));
    let mut clock = interval(Duration::from_millis(20));
    let spoken = [vec![0; 10 * 160], tone(8_000, 40 * 160)].concat();
    for frame in spoken.chunks(160) {
        clock.tick().await;
        peer.speak(frame.iter().map(|s| encode(*s)).collect());
    }
    let start = peer_until(&mut peer, "audio:start").await;
    assert_eq!(
        start,
        json!({ "stream": 1, "rate": 8_000, "from": 0, "rtp": true })
    );
    assert_eq!(peer_until(&mut peer, "speech").await["speaking"], true);
    let mut heard = Vec::new();
    while heard.len() < 30 * 160 {
        heard.extend(peer.sound().await.into_iter().map(decode));
    }
    let settled = &heard[15 * 160..];
    assert!(purity(settled, 8_000) > 0.95);
}

/// D7
#[tokio::test]
async fn sound_before_the_channel_is_open_ends_nothing() {
    let rig = Rig::start().await;
    let mut peer = rig.peer_that_blurts(vec![vec![0; 160]; 20]).await;
    peer.send(json!([["hello", hello()]]));
    assert_eq!(peer.frame().await[0], "ready");
    let mode = json!({ "mode": "echo" });
    peer.send(json!([
        ["take", 1, 0],
        [1, "audio:mode", mode],
        [2, "ECHO", 1]
    ]));
    peer_until(&mut peer, "ECHO").await;
    for _ in 0..5 {
        peer.speak(vec![0xff; 160]);
    }
    let start = peer_until(&mut peer, "audio:start").await;
    assert_eq!((&start["stream"], &start["rtp"]), (&json!(1), &json!(true)));
    while peer.sound().await != vec![0xff; 160] {}
}

/// D11, D12
#[tokio::test]
async fn messages_come_back_as_they_were_spoken() {
    let rig = Rig::start().await;
    for (transport, rate) in [
        (Transport::WebSocket, 16_000),
        (Transport::Sse, 24_000),
        (Transport::LongPoll, 8_000),
    ] {
        let (mut link, _) = rig.take(transport, hello(), 1).await;
        let mode = json!({ "mode": "echo", "rate": rate, "burst_ms": 50 });
        let start = json!({ "stream": 1, "rate": rate });
        link.send(json!([[1, "audio:mode", mode], [2, "audio:start", start]]))
            .await;
        let wave = tone(rate, rate as usize);
        for (n, chunk) in (3..).zip(wave.chunks(rate as usize / 10)) {
            link.send_bytes(n, "audio", &pcm(chunk)).await;
        }
        let begun = until(&mut link, "audio:start").await;
        assert_eq!(
            begun,
            json!({ "stream": 1, "rate": rate, "from": 0 }),
            "{transport:?}"
        );
        let heard = collect(&mut link, rate as usize / 2).await;
        let settled = &heard[rate as usize / 20..];
        assert!(purity(settled, rate) > 0.95, "{transport:?}");
        link.send(json!([[13, "audio:stop", { "stream": 1 }]]))
            .await;
        assert_eq!(until(&mut link, "audio:end").await, json!({ "stream": 1 }));
    }
}

#[tokio::test]
async fn a_guest_speaks_in_json() {
    let rig = Rig::start().await;
    let url = rig.url("/json");
    let mut socket = crate::rig::websocket(&url, &[]).await.unwrap();
    let audio = STANDARD.encode(pcm(&tone(16_000, 3_200)));
    for message in [
        json!({ "type": "audio:mode", "mode": "echo", "rate": 16_000 }),
        json!({ "type": "audio:start", "stream": 1, "rate": 16_000 }),
        json!({ "type": "audio", "audio": audio }),
    ] {
        socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 2_880 {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else {
            continue;
        };
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["type"] == "audio" {
            let bytes = STANDARD.decode(message["audio"].as_str().unwrap()).unwrap();
            heard.extend(samples(&bytes));
        }
    }
    assert!(purity(&heard[800..], 16_000) > 0.95);
}

#[tokio::test]
async fn a_tone_tells_the_time_by_its_pitch() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    let mode = json!({ "mode": "tone", "rate": 8_000, "burst_ms": 200 });
    link.send(json!([[1, "audio:mode", mode]])).await;
    let heard = collect(&mut link, 1_600).await;
    assert_eq!(heard.len() % 1_600, 0, "bursts of 200 ms");
    let crossings = heard[..1_600].windows(2).filter(|w| w[0] < 0 && w[1] >= 0);
    assert!((79..=81).contains(&crossings.count()), "400 Hz");
}

/// D12, D13, D14
#[tokio::test]
async fn the_interviewer_asks_is_interrupted_and_goes_on() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    let start =
        json!([[1, "audio:start", { "stream": 1, "rate": 8_000 }], [2, "START_INTERVIEW", {}]]);
    link.send(start).await;
    let asked = until(&mut link, "AI_MESSAGE").await;
    let caption = until(&mut link, "caption").await;
    assert_eq!(caption["text"], asked["text"]);
    assert_eq!(caption["who"], "agent");
    let begun = until(&mut link, "audio:start").await;
    assert_eq!(begun, json!({ "stream": 1, "rate": 8_000, "from": 0 }));
    let heard = collect(&mut link, 1_600).await;
    assert_eq!(heard, question()[..heard.len()]);
    // The user speaks, which stops the prompt, and is silent, which ends the turn.
    let words = [vec![0; 1_600], tone(8_000, 4_000), vec![0; 8_000]].concat();
    for (n, chunk) in (3..).zip(words.chunks(800)) {
        link.send_bytes(n, "audio", &pcm(chunk)).await;
    }
    // Messages of the server's come in order: nothing of the stream is said after the flush.
    let mut flushed = false;
    loop {
        let frame = link.message().await;
        match frame[1].as_str() {
            Some("speech") if frame[2]["speaking"] == true => assert!(!flushed),
            Some("audio:flush") => {
                assert_eq!(frame[2], json!({ "stream": 1 }));
                flushed = true;
            }
            Some("speech") => break,
            _ => assert!(!flushed || sound_of(&frame).is_none(), "{frame}"),
        }
    }
    assert!(flushed);
    let caption = until(&mut link, "caption").await;
    assert_eq!(caption["who"], "user");
    assert_eq!(caption["text"], "(spoke for 0.5 s)");
    let next = until(&mut link, "AI_MESSAGE").await;
    assert_ne!(next["text"], asked["text"]);
    assert_eq!(until(&mut link, "audio:start").await["stream"], 2);
    link.send(json!([[20, "audio:interrupt", { "stream": 2, "played": 80 }]]))
        .await;
    assert_eq!(
        until(&mut link, "audio:flush").await,
        json!({ "stream": 2 })
    );
}

#[tokio::test]
async fn a_question_is_said_to_its_end() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    link.send(json!([[1, "START_INTERVIEW", { "voice": true }]]))
        .await;
    let mut heard = Vec::new();
    loop {
        let frame = link.message().await;
        heard.extend(sound_of(&frame).unwrap_or_default());
        if frame[1] == "audio:end" {
            break;
        }
    }
    assert_eq!(heard, question());
}

#[tokio::test]
async fn nobody_talks_to_a_peer_that_has_left() {
    let rig = Rig::with(|config| config.delay_scale = 1.0).await;
    let conversations = async || {
        let report: Value = rig.get("/api/rtc").await.json().await.unwrap();
        report["conversations"].as_u64().unwrap()
    };
    let (mut leaver, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    let start = json!([[1, "START_INTERVIEW", { "voice": true }]]);
    leaver.send(start.clone()).await;
    until(&mut leaver, "SESSION_CREATED").await;
    leaver.send(json!([["close", 1000]])).await;
    let hub = rig.server.hub();
    eventually("the session is gone", || hub.session_count() == 0).await;
    // The question to whoever starts later is asked later.
    let (mut writer, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    writer.send(json!([[1, "START_INTERVIEW", {}]])).await;
    until(&mut writer, "AI_MESSAGE").await;
    assert_eq!(conversations().await, 0);
    let (mut speaker, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    speaker.send(start).await;
    until(&mut speaker, "audio:start").await;
    assert_eq!(conversations().await, 1);
    speaker.send(json!([["close", 1000]])).await;
    eventually("the speaker is gone", || hub.session_count() == 1).await;
    let ended = async { while conversations().await > 0 {} };
    timeout(PATIENCE, ended).await.expect("it goes on");
}

/// D15: the prompt goes on at the sample where it was, on every rung in turn.
#[tokio::test]
async fn a_change_of_rung_in_a_sentence_loses_nothing_and_repeats_nothing() {
    let rig = Rig::start().await;
    let hello = hello();
    let (mut link, ready) = rig.take(Transport::WebSocket, hello.clone(), 1).await;
    link.send(json!([[1, "START_INTERVIEW", { "voice": true }]]))
        .await;
    collect(&mut link, 3_200).await;
    let (mut peer, _) = rig.take_rtc(resume(&hello, &ready, 0), 2).await;
    // What had been sent to the old link comes again, for it was not acknowledged.
    let mut heard = Vec::new();
    loop {
        let frame = peer.frame().await;
        heard.extend(sound_of(&frame).unwrap_or_default());
        if frame[1] == "audio:start" && frame[2]["rtp"] == true {
            assert_eq!(frame[2]["from"], heard.len());
            assert_eq!(frame[2]["stream"], 1);
            break;
        }
    }
    for _ in 0..20 {
        heard.extend(peer.sound().await.into_iter().map(decode));
    }
    let (mut link, _) = rig.take(Transport::Sse, resume(&hello, &ready, 0), 3).await;
    let from = loop {
        let start = until(&mut link, "audio:start").await;
        if start["from"].as_u64().unwrap() > 3_200 && start["rtp"] != true {
            break start["from"].as_u64().unwrap() as usize;
        }
    };
    let rest = collect(&mut link, 3_200).await;
    let off = from as i64 - heard.len() as i64;
    assert!((0..=3 * 160).contains(&off), "{off}");
    assert_eq!(heard, question()[..heard.len()]);
    assert_eq!(rest, question()[from..from + rest.len()]);
}

/// What went out on a path that had died unseen is said again.
#[tokio::test]
async fn a_dead_path_swallows_no_words() {
    let rig = Rig::start().await;
    let hello = hello();
    let (mut peer, ready) = rig.take_rtc(hello.clone(), 1).await;
    peer.send(json!([[1, "START_INTERVIEW", { "voice": true }]]));
    let mut heard = Vec::new();
    while heard.len() < 20 * 160 {
        heard.extend(peer.sound().await.into_iter().map(decode));
        // Its microphone is on.
        peer.speak(vec![0xff; 160]);
    }
    rig.post("/api/rtc", &json!({ "udp": "drop" })).await;
    // A path that is silent for so long is known to be dead.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let (mut link, _) = rig
        .take(Transport::WebSocket, resume(&hello, &ready, 0), 2)
        .await;
    let from = loop {
        let start = until(&mut link, "audio:start").await;
        if start["rtp"] != true {
            break start["from"].as_u64().unwrap() as usize;
        }
    };
    while let Ok(sound) = timeout(Duration::from_millis(50), peer.sound()).await {
        heard.extend(sound.into_iter().map(decode));
    }
    let off = from as i64 - heard.len() as i64;
    assert!(off.abs() <= 4 * 160, "{off}");
    let rest = collect(&mut link, 3_200).await;
    assert_eq!(rest, question()[from..from + rest.len()]);
}

#[tokio::test]
async fn what_makes_no_sense_is_told_so() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    for (n, (kind, payload)) in (1..).zip([
        ("audio", json!({ "audio": "?" })),
        ("audio", json!(7)),
        ("audio:start", json!({ "rate": 1 })),
        ("audio:start", json!({ "rate": 47_999 })),
        ("audio:interrupt", json!(null)),
        ("audio:mode", json!({ "mode": "sing" })),
        ("audio:mode", json!({ "mode": "echo", "rate": 8_001 })),
        ("audio:nonsense", json!({})),
    ]) {
        link.send(json!([[n, kind, payload]])).await;
        assert_eq!(link.message().await[1], "ERROR", "{kind}");
    }
    link.send_bytes(9, "audio", &[1, 2, 3]).await;
    assert_eq!(link.message().await[1], "ERROR");
}

/// D11
#[tokio::test]
async fn sound_comes_and_goes_at_six_rates() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    let rates = [8_000, 16_000, 24_000, 32_000, 44_100, 48_000];
    for (n, rate) in (1..).step_by(4).zip(rates) {
        let mode = json!({ "mode": "echo", "rate": rate });
        let start = json!({ "stream": n, "rate": rate });
        link.send(json!([
            [n, "audio:mode", mode],
            [n + 1, "audio:start", start]
        ]))
        .await;
        let wave = tone(rate, rate as usize / 2);
        link.send_bytes(n + 2, "audio", &pcm(&wave)).await;
        assert_eq!(until(&mut link, "audio:start").await["rate"], rate);
        let heard = collect(&mut link, rate as usize / 5).await;
        assert!(purity(&heard[rate as usize / 50..], rate) > 0.95, "{rate}");
        link.send(json!([[n + 3, "audio:stop", { "stream": n }]]))
            .await;
        until(&mut link, "audio:end").await;
    }
}
