//! The peer in the shapes of OpenAI's Realtime API: keys, calls over WebRTC, sessions over WebSocket.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use reqwest::Response;
use serde_json::{Value, json};
use throughline_server::openai::{Names, OpenAiConfig, Script};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::rig::{PATIENCE, Rig};
use crate::rtc::client::{Heard, Peer, offer};

/// G.711 of 20 ms of a loud square wave, and of silence.
const LOUD: [u8; 4] = [0x90, 0x90, 0x10, 0x10];
const QUIET: u8 = 0xff;

async fn rig(change: impl FnOnce(&mut OpenAiConfig)) -> Rig {
    let mut config = OpenAiConfig {
        speed: 4.0,
        ..OpenAiConfig::default()
    };
    change(&mut config);
    Rig::with(|server| server.openai = Some(config)).await
}

impl Rig {
    async fn mint(&self, body: Value) -> Response {
        let url = self.url("/openai/v1/realtime/client_secrets");
        let request = self.http.post(url).bearer_auth("sk-any").json(&body);
        request.send().await.unwrap()
    }

    async fn key(&self, session: Value) -> String {
        let minted = self.mint(json!({ "session": session })).await;
        assert_eq!(minted.status(), 200);
        let minted: Value = minted.json().await.unwrap();
        minted["value"].as_str().unwrap().to_owned()
    }

    async fn post_call(&self, key: &str, sdp: &str) -> Response {
        let request = self
            .http
            .post(self.url("/openai/v1/realtime/calls?model=gpt-realtime"))
            .header("Content-Type", "application/sdp")
            .bearer_auth(key);
        request.body(sdp.to_owned()).send().await.unwrap()
    }

    /// Calls, and returns the peer with where its call is.
    async fn call(&self, key: &str) -> (Peer, String) {
        let offered = offer().await;
        let answer = self.post_call(key, &offered.sdp).await;
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers()["content-type"], "application/sdp");
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let sdp = answer.text().await.unwrap();
        (self.connect_peer(offered, sdp), self.url(&location))
    }

    async fn socket(&self, protocols: &str) -> Result<Socket, Error> {
        let url = self
            .url("/openai/v1/realtime?model=m")
            .replace("http", "ws");
        let mut request = url.into_client_request().unwrap();
        let protocols = protocols.parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocols);
        let (socket, answer) = connect_async(request).await?;
        assert_eq!(answer.headers()["sec-websocket-protocol"], "realtime");
        Ok(Socket(socket))
    }
}

impl Peer {
    /// Reads events until one of this type, which comes last.
    async fn events_until(&mut self, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            match self.hear().await {
                Heard::Text(text) => {
                    let event: Value = serde_json::from_str(&text).unwrap();
                    let is_last = event["type"] == kind;
                    events.push(event);
                    if is_last {
                        return events;
                    }
                }
                Heard::Sound(sound) => self.sounds.push(sound),
                Heard::Closed => panic!("closed before {kind}"),
                Heard::Open | Heard::Connected | Heard::Blurted | Heard::Bytes(_) => {}
            }
        }
    }

    /// Says 20 ms so many times, without waiting: what is said tells its own time.
    fn speak_for(&self, frames: usize, of: &[u8]) {
        for _ in 0..frames {
            self.speak(of.iter().copied().cycle().take(160).collect());
        }
    }
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn send(&mut self, event: Value) {
        self.0.send(Message::text(event.to_string())).await.unwrap();
    }

    /// The next event; a close as `{closed, reason}`.
    async fn event(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next())
                .await
                .expect("no event came");
            match message.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(Some(frame)) => {
                    return json!({ "closed": u16::from(frame.code), "reason": frame.reason.as_str() });
                }
                _ => {}
            }
        }
    }

    async fn events_until(&mut self, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await;
            assert_eq!(event.get("closed"), None, "{event} before {kind}");
            let is_last = event["type"] == kind;
            events.push(event);
            if is_last {
                return events;
            }
        }
    }
}

fn of<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let found = events.iter().find(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {events:?}"))
}

async fn code_of(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["type"], "invalid_request_error");
    (status, body["error"]["code"].clone())
}

#[tokio::test]
async fn a_key_is_made_for_a_session_of_these_settings() {
    let rig = rig(|_| ()).await;
    let session = json!({ "type": "realtime", "model": "mine", "instructions": "Ask." });
    let after = json!({ "anchor": "created_at", "seconds": 60 });
    let minted = rig
        .mint(json!({ "expires_after": after, "session": session }))
        .await;
    let minted: Value = minted.json().await.unwrap();
    let key = minted["value"].as_str().unwrap();
    assert!(key.starts_with("ek_") && key.len() > 40);
    assert_eq!(minted["session"]["instructions"], "Ask.");
    for _ in 0..2 {
        let mut socket = rig
            .socket(&format!("realtime, openai-insecure-api-key.{key}"))
            .await
            .unwrap();
        let created = socket.event().await;
        assert_eq!(
            (&created["type"], &created["session"]["model"]),
            (&json!("session.created"), &json!("mine"))
        );
    }
    for (body, code) in [
        (json!([]), "invalid_json"),
        (
            json!({ "expires_after": { "seconds": 9 } }),
            "invalid_value",
        ),
        (json!({ "session": 7 }), "invalid_type"),
        (json!({ "session": {} }), "missing_required_parameter"),
    ] {
        assert_eq!(code_of(rig.mint(body).await).await, (400, json!(code)));
    }
}

#[tokio::test]
async fn nobody_calls_without_a_key_or_with_what_is_no_offer() {
    let rig = rig(|config| config.key_life = Duration::ZERO).await;
    let sdp = offer().await.sdp;
    let stale = rig.key(json!({ "type": "realtime" })).await;
    for (key, code) in [
        ("", "missing_api_key"),
        ("ek_none", "invalid_api_key"),
        (&stale, "token_expired"),
    ] {
        assert_eq!(
            code_of(rig.post_call(key, &sdp).await).await,
            (401, json!(code))
        );
    }
    assert_eq!(
        code_of(rig.post_call("sk-any", "v=1").await).await,
        (400, json!("invalid_offer"))
    );
    let calls = rig.url("/openai/v1/realtime/calls");
    let request = rig.http.post(&calls).bearer_auth("sk-any");
    let answer = request.json(&json!({})).send().await.unwrap();
    assert_eq!(
        code_of(answer).await,
        (400, json!("unsupported_content_type"))
    );
    let request = rig
        .http
        .post(&calls)
        .bearer_auth("sk-any")
        .header("OpenAI-Beta", "realtime=v1");
    let answer = request.body(sdp).send().await.unwrap();
    assert_eq!(
        code_of(answer).await,
        (400, json!("beta_api_shape_disabled"))
    );
    let hangup = rig
        .http
        .post(format!("{calls}/rtc_00/hangup"))
        .bearer_auth("sk-any");
    assert_eq!(
        code_of(hangup.send().await.unwrap()).await,
        (404, json!("call_id_not_found"))
    );
}

#[tokio::test]
async fn it_is_not_there_unless_it_is_asked_for() {
    let rig = Rig::start().await;
    assert_eq!(rig.mint(json!({})).await.status(), 404);
    assert_eq!(
        rig.post_call("sk-any", &offer().await.sdp).await.status(),
        404
    );
}

#[tokio::test]
async fn a_call_is_a_conversation_in_sound() {
    let rig = rig(|_| ()).await;
    let transcription = json!({ "input": { "transcription": { "model": "whisper-1" } } });
    let key = rig
        .key(json!({ "type": "realtime", "audio": transcription }))
        .await;
    let (mut peer, location) = rig.call(&key).await;
    let first = peer.events_until("session.created").await;
    assert_eq!(first.len(), 1);
    // The user speaks first, and is answered.
    peer.speak_for(25, &[QUIET]);
    peer.speak_for(25, &LOUD);
    peer.speak_for(30, &[QUIET]);
    let events = peer.events_until("output_audio_buffer.stopped").await;
    let item = &of(&events, "input_audio_buffer.speech_started")["item_id"];
    assert_eq!(
        &of(&events, "input_audio_buffer.committed")["item_id"],
        item
    );
    let said = of(
        &events,
        "conversation.item.input_audio_transcription.completed",
    );
    assert_eq!(&said["item_id"], item);
    assert_eq!(
        of(&events, "response.done")["response"]["status"],
        "completed"
    );
    let is_loud = |sound: &Vec<u8>| sound.iter().any(|code| *code != QUIET);
    assert!(peer.sounds.len() >= 10 && peer.sounds.iter().any(is_loud));
    // The end is the client's or the backend's.
    let hangup = rig
        .http
        .post(format!("{location}/hangup"))
        .bearer_auth(&key);
    assert_eq!(hangup.send().await.unwrap().status(), 200);
    peer.until(|heard| matches!(heard, Heard::Closed)).await;
}

#[tokio::test]
async fn whoever_cuts_in_hears_no_more() {
    // At its own pace the question takes seconds.
    let rig = rig(|config| config.speed = 1.0).await;
    let (mut peer, _) = rig.call("sk-any").await;
    peer.events_until("session.created").await;
    peer.speak_for(25, &[QUIET]);
    peer.send(json!({ "type": "response.create" }));
    peer.events_until("output_audio_buffer.started").await;
    peer.speak_for(10, &LOUD);
    let events = peer.events_until("conversation.item.truncated").await;
    of(&events, "output_audio_buffer.cleared");
    let response = &of(&events, "response.done")["response"];
    assert_eq!(response["status_details"]["reason"], "turn_detected");
    assert_eq!(response["output"][0]["status"], "incomplete");
}

#[tokio::test]
async fn by_the_names_of_before_keys_and_offers_are_made_as_they_were() {
    let rig = rig(|config| config.names = Names::Older).await;
    let request = rig
        .http
        .post(rig.url("/openai/v1/realtime/sessions"))
        .bearer_auth("sk-any");
    let request = request.json(&json!({ "model": "mine", "voice": "echo" }));
    let minted: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(minted["voice"], "echo");
    let key = minted["client_secret"]["value"].as_str().unwrap();
    rig.key(json!({ "voice": "echo" })).await;
    let offered = offer().await;
    let request = rig
        .http
        .post(rig.url("/openai/v1/realtime?model=mine"))
        .bearer_auth(key);
    let request = request
        .header("Content-Type", "application/sdp")
        .header("OpenAI-Beta", "realtime=v1");
    let answer = request.body(offered.sdp.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let mut peer = rig.connect_peer(offered, answer.text().await.unwrap());
    let created = peer.events_until("session.created").await;
    assert_eq!(created[0]["session"]["voice"], "echo");
}

#[tokio::test]
async fn what_is_no_event_is_refused_on_a_channel_that_stays_open() {
    let rig = rig(|_| ()).await;
    let (mut peer, _) = rig.call("sk-any").await;
    peer.events_until("session.created").await;
    let deep = "[".repeat(50_000);
    for wrong in [
        "{",
        "7",
        &deep,
        r#"{"type":"session.update","session":{"type":"realtime","audio":{"input":[]}}}"#,
    ] {
        peer.send_text(wrong);
        peer.events_until("error").await;
    }
    peer.send_bytes(vec![0xff, 0, 0x80]);
    peer.events_until("error").await;
    peer.send(json!({ "type": "nothing", "event_id": "mine" }));
    let refused = peer.events_until("error").await;
    assert_eq!(refused[0]["error"]["event_id"], "mine");
    peer.send(
        json!({ "type": "session.update", "session": { "type": "realtime", "instructions": "x" } }),
    );
    let updated = peer.events_until("session.updated").await;
    assert_eq!(updated[0]["session"]["instructions"], "x");
}

#[tokio::test]
async fn a_socket_is_a_conversation_in_messages() {
    let rig = rig(|_| ()).await;
    let url = rig.url("/openai/v1/realtime?model=m").replace("http", "ws");
    let mut request = url.into_client_request().unwrap();
    request
        .headers_mut()
        .insert("authorization", "Bearer sk-any".parse().unwrap());
    let mut socket = Socket(connect_async(request).await.unwrap().0);
    assert_eq!(socket.event().await["session"]["model"], "m");
    let append = |ms: usize, level: i16| {
        let samples = (0..24 * ms).map(|i| if i % 24 < 12 { level } else { -level });
        let bytes: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
        json!({ "type": "input_audio_buffer.append", "audio": STANDARD.encode(bytes) })
    };
    for (ms, level) in [(500, 0), (500, 6_000), (700, 0)] {
        socket.send(append(ms, level)).await;
    }
    let events = socket.events_until("response.done").await;
    of(&events, "input_audio_buffer.speech_stopped");
    let sound = events
        .iter()
        .filter(|event| event["type"] == "response.output_audio.delta");
    let sound = sound.map(|event| {
        STANDARD
            .decode(event["delta"].as_str().unwrap())
            .unwrap()
            .len()
    });
    assert!(sound.sum::<usize>() >= 24 * 2 * 200);
    let text = events
        .iter()
        .filter(|event| event["type"] == "response.output_audio_transcript.delta");
    let text: String = text.map(|event| event["delta"].as_str().unwrap()).collect();
    assert_eq!(
        of(&events, "response.output_audio_transcript.done")["transcript"],
        text
    );
}

#[tokio::test]
async fn a_page_is_told_on_its_socket_why_it_gets_none() {
    let rig = rig(|_| ()).await;
    let key = rig.key(json!({ "type": "realtime" })).await;
    for (protocols, code, closed) in [
        (
            "realtime, openai-insecure-api-key.ek_none".to_owned(),
            "invalid_api_key",
            3_000,
        ),
        (
            format!("realtime, openai-insecure-api-key.{key}, openai-beta.realtime-v1"),
            "beta_api_shape_disabled",
            4_000,
        ),
    ] {
        let mut socket = rig.socket(&protocols).await.unwrap();
        assert_eq!(socket.event().await["error"]["code"], code);
        assert_eq!(socket.event().await["closed"], closed);
    }
    let refused = rig.socket("realtime").await.err().unwrap();
    assert!(matches!(refused, Error::Http(answer) if answer.status() == 401));
}

#[tokio::test]
async fn a_session_that_has_lasted_long_enough_says_so_and_closes() {
    let rig = rig(|config| config.session = Duration::from_millis(50)).await;
    let key = rig.key(json!({ "type": "realtime" })).await;
    let mut socket = rig
        .socket(&format!("realtime, openai-insecure-api-key.{key}"))
        .await
        .unwrap();
    let events = socket.events_until("error").await;
    assert_eq!(of(&events, "error")["error"]["code"], "session_expired");
    assert_eq!(
        socket.event().await,
        json!({ "closed": 1_001, "reason": "session_expired" })
    );
    let (mut peer, _) = rig.call(&key).await;
    peer.events_until("error").await;
    peer.until(|heard| matches!(heard, Heard::Closed)).await;
}

#[tokio::test]
async fn a_script_is_played_as_it_stands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../www/servers/d-events.json");
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (names, list) in [(Names::Ga, "ga"), (Names::Older, "older")] {
        let rig = rig(|config| {
            config.names = names;
            config.script = Some(Script::read(&path, names).unwrap());
            config.speed = 100.0;
        })
        .await;
        let wanted: Vec<&Value> = file[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| &line["event"])
            .collect();
        let (mut peer, _) = rig.call("sk-any").await;
        let mut played = Vec::new();
        while played.len() < wanted.len() {
            played.push(peer.unit().await);
        }
        assert_eq!(played.iter().collect::<Vec<_>>(), wanted);
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_server() {
    let rig = rig(|_| ()).await;
    let key = rig.key(json!({ "type": "realtime" })).await;
    let mut socket = rig
        .socket(&format!("realtime, openai-insecure-api-key.{key}"))
        .await
        .unwrap();
    socket.event().await;
    drop(rig);
    assert_eq!(socket.event().await["closed"], 1_001);
}
