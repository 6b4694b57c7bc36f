//! A server on a free port, and links to it that speak in frames.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use throughline_core::Transport;
use throughline_server::{Profile, Server, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// What a test waits for at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) http: Client,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// Starts a server whose script has no delays.
    pub(crate) async fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig {
            profile: Profile::Tests,
            delay_scale: 0.0,
            ..ServerConfig::default()
        };
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        Self {
            server,
            http: Client::new(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.addr())
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.http
            .post(self.url(path))
            .json(body)
            .send()
            .await
            .unwrap()
    }

    /// Opens a link and says `hello`.
    pub(crate) async fn greet(&self, transport: Transport, hello: Value) -> Link {
        let mut link = self.open(transport).await;
        link.send(json!([["hello", hello]])).await;
        link
    }

    /// Opens a link, says `hello`, takes the session, and returns `ready`'s object.
    pub(crate) async fn take(
        &self,
        transport: Transport,
        hello: Value,
        fence: u32,
    ) -> (Link, Value) {
        let received = hello["received"].clone();
        let mut link = self.greet(transport, hello).await;
        let ready = link.ready().await;
        link.send(json!([["take", fence, received]])).await;
        (link, ready)
    }

    pub(crate) async fn open(&self, transport: Transport) -> Link {
        let name = format!("{:032x}", rand_u128());
        let way = match transport {
            Transport::WebSocket => {
                let url = self.url("/realtime").replace("http", "ws");
                Way::WebSocket(Box::new(connect_async(url).await.unwrap().0))
            }
            Transport::Sse => {
                let address = self.url(&format!("/realtime?link={name}"));
                let request = self
                    .http
                    .get(&address)
                    .header("Accept", "text/event-stream");
                let http = self.http.clone();
                let stream = request.send().await.unwrap();
                assert_eq!(stream.headers()["content-type"], "text/event-stream");
                Way::Sse {
                    http,
                    address,
                    stream: Some(stream),
                    text: String::new(),
                }
            }
            Transport::WebRtc => panic!("this rig speaks HTTP alone"),
            Transport::LongPoll => {
                let address = self.url(&format!("/realtime?link={name}"));
                // The first poll makes the link; its answer comes with the first frames.
                let first = tokio::spawn(self.http.get(&address).send());
                Way::Poll {
                    http: self.http.clone(),
                    address,
                    first: Some(first),
                }
            }
        };
        Link {
            way,
            name,
            frames: VecDeque::new(),
        }
    }
}

pub(crate) struct Link {
    way: Way,
    pub(crate) name: String,
    frames: VecDeque<Value>,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

enum Way {
    WebSocket(Box<Socket>),
    Sse {
        http: Client,
        address: String,
        stream: Option<Response>,
        text: String,
    },
    Poll {
        http: Client,
        address: String,
        first: Option<tokio::task::JoinHandle<reqwest::Result<Response>>>,
    },
}

impl Link {
    /// Sends a unit; a POST's answer is read like any other unit.
    pub(crate) async fn send(&mut self, unit: Value) {
        let answer = match &mut self.way {
            Way::WebSocket(socket) => {
                return socket.send(Message::text(unit.to_string())).await.unwrap();
            }
            Way::Sse { http, address, .. } | Way::Poll { http, address, .. } => {
                http.post(&*address).json(&unit).send().await.unwrap()
            }
        };
        assert_eq!(answer.status(), 200, "{unit}");
        self.keep(&answer.text().await.unwrap());
    }

    pub(crate) async fn send_bytes(&mut self, n: u64, kind: &str, bytes: &[u8]) {
        let unit = throughline_core::codec::encode_binary(n, kind, bytes, None).unwrap();
        let answer = match &mut self.way {
            Way::WebSocket(socket) => return socket.send(Message::binary(unit)).await.unwrap(),
            Way::Sse { http, address, .. } | Way::Poll { http, address, .. } => {
                let post = http
                    .post(&*address)
                    .header("Content-Type", "application/octet-stream");
                post.body(unit).send().await.unwrap()
            }
        };
        assert_eq!(answer.status(), 200);
        self.keep(&answer.text().await.unwrap());
    }

    /// Sends a unit as it stands, good or not. A POST's answer is the caller's to read.
    pub(crate) async fn send_raw(&mut self, unit: Message) -> Option<Response> {
        let (http, address) = match &mut self.way {
            Way::WebSocket(socket) => {
                socket.send(unit).await.unwrap();
                return None;
            }
            Way::Sse { http, address, .. } | Way::Poll { http, address, .. } => (http, address),
        };
        let kind = match unit {
            Message::Binary(_) => "application/octet-stream",
            _ => "application/json",
        };
        let post = http.post(&*address).header("Content-Type", kind);
        Some(post.body(unit.into_data()).send().await.unwrap())
    }

    /// The next frame; bytes as `["bytes", n, type, [..]]`, a WebSocket's close as
    /// `["closed", code]`, the end of a stream as `["end"]`.
    pub(crate) async fn frame(&mut self) -> Value {
        timeout(PATIENCE, self.read()).await.expect("no frame came")
    }

    /// The next frame that is neither an ack nor a heartbeat.
    pub(crate) async fn message(&mut self) -> Value {
        loop {
            let frame = self.frame().await;
            if frame[0] != "ack" && frame != json!(["ping", 0]) {
                return frame;
            }
        }
    }

    pub(crate) async fn ready(&mut self) -> Value {
        let frame = self.frame().await;
        assert_eq!(frame[0], "ready", "{frame}");
        frame[1].clone()
    }

    /// Waits for the end of the link, and returns its code and hint.
    pub(crate) async fn closed(&mut self) -> (u64, Option<u64>) {
        let mut retry = None;
        loop {
            let frame = self.frame().await;
            match frame[0].as_str() {
                Some("closed") => return (frame[1].as_u64().unwrap(), retry),
                Some("close") if matches!(self.way, Way::WebSocket(_)) => retry = frame[2].as_u64(),
                Some("close") => return (frame[1].as_u64().unwrap(), frame[2].as_u64()),
                _ => {}
            }
        }
    }

    fn keep(&mut self, unit: &str) {
        let frames: Vec<Value> = serde_json::from_str(unit).unwrap_or_else(|_| panic!("{unit:?}"));
        self.frames.extend(frames);
    }

    async fn read(&mut self) -> Value {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return frame;
            }
            match &mut self.way {
                Way::WebSocket(socket) => match socket.next().await {
                    Some(Ok(Message::Text(text))) => self.keep(&text),
                    Some(Ok(Message::Binary(unit))) => return bytes(&unit),
                    Some(Ok(Message::Close(frame))) => {
                        return json!(["closed", frame.map_or(1005, |frame| frame.code.into())]);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return json!(["closed", 1006]),
                },
                Way::Sse { stream, text, .. } => {
                    while let Some((event, rest)) = text.split_once("\n\n") {
                        let event = event.to_owned();
                        *text = rest.to_owned();
                        if let Some(data) = event.strip_prefix("data: ") {
                            self.frames
                                .extend(serde_json::from_str::<Vec<Value>>(data).unwrap());
                            break;
                        }
                        assert!(event.starts_with(':'), "{event:?}");
                    }
                    if self.frames.is_empty() {
                        match stream.as_mut().unwrap().chunk().await {
                            Ok(Some(chunk)) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                            Ok(None) | Err(_) => return json!(["end"]),
                        }
                    }
                }
                Way::Poll {
                    http,
                    address,
                    first,
                } => {
                    let answer = match first {
                        Some(first) => first.await.unwrap(),
                        None => http.get(&*address).send().await,
                    };
                    let answer = answer.unwrap();
                    *first = None;
                    if answer.status() != 200 {
                        return json!(["end"]);
                    }
                    if answer.headers()["content-type"] == "application/octet-stream" {
                        return bytes(&answer.bytes().await.unwrap());
                    }
                    self.keep(&answer.text().await.unwrap());
                }
            }
        }
    }
}

pub(crate) fn bytes(unit: &[u8]) -> Value {
    use throughline_core::Frame;
    use throughline_core::codec::{Payload, decode_binary};
    let Frame::Message { n, body } = decode_binary(unit).unwrap() else {
        panic!()
    };
    let Payload::Bytes(payload) = body.payload else {
        panic!()
    };
    json!(["bytes", n, &*body.kind, &*payload])
}

/// Opens a WebSocket with further headers; an error has the answer's status.
pub(crate) async fn websocket(url: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
    use tokio_tungstenite::tungstenite::Error;
    use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
    let mut request = url
        .replace("http://", "ws://")
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request
            .headers_mut()
            .insert(name, HeaderValue::from_str(value).unwrap());
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn hello() -> Value {
    let (connect, instance) = (format!("{:032x}", rand_u128()), format!("{:032x}", 7));
    json!({ "version": 1, "connect": connect, "instance": instance, "received": 0 })
}

/// The `hello` that goes on with a session.
pub(crate) fn resume(hello: &Value, ready: &Value, received: u64) -> Value {
    let mut hello = hello.clone();
    hello["session"] = ready["session"].clone();
    hello["received"] = received.into();
    hello
}

pub(crate) fn rand_u128() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    u128::from_ne_bytes(bytes)
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}
