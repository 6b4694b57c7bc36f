//! A real server behind a fault proxy, and clients that look at the bytes.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use futures_util::stream;
use throughline_server::fault::{Fault, FaultProxy, ProxyConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) type Ws = WebSocketStream<TcpStream>;

/// What the server has seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) websockets: i32,
    pub(crate) streams: i32,
    pub(crate) polls: i32,
    pub(crate) posts: i32,
    pub(crate) sse_bytes: usize,
}

pub(crate) struct Rig {
    pub(crate) proxy: FaultProxy,
    pub(crate) seen: watch::Receiver<Seen>,
    pub(crate) upstream: SocketAddr,
    server: JoinHandle<()>,
}

impl Rig {
    pub(crate) async fn start(faults: Vec<Fault>) -> Self {
        let (seen, watched) = watch::channel(Seen::default());
        let app = Router::new()
            .route("/ws", get(echo))
            .route("/sse", get(events))
            .route("/realtime/poll", get(poll))
            .route("/realtime/now", get(async || "now"))
            .route("/post", post(post_echo))
            .route("/static", get(async || "static"))
            .with_state(Arc::new(seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let proxy = FaultProxy::start(ProxyConfig::before(upstream))
            .await
            .unwrap();
        proxy.faults().set(faults);
        Self {
            proxy,
            seen: watched,
            upstream,
            server,
        }
    }

    pub(crate) async fn ws(&self) -> Ws {
        self.try_ws().await.unwrap()
    }

    pub(crate) async fn try_ws(&self) -> Result<Ws, tokio_tungstenite::tungstenite::Error> {
        let stream = TcpStream::connect(self.proxy.addr()).await.unwrap();
        within(client_async("ws://127.0.0.1/ws", stream))
            .await
            .map(|(ws, _)| ws)
    }

    pub(crate) async fn http(&self) -> Http {
        Http::connect(self.proxy.addr()).await
    }

    /// Opens the SSE stream and reads the head of its answer.
    pub(crate) async fn sse(&self) -> Http {
        let mut http = self.http().await;
        http.send("GET", "/sse", &[("accept", "text/event-stream")], "")
            .await;
        assert!(http.head().await.starts_with("HTTP/1.1 200"));
        http
    }

    pub(crate) async fn wait_seen(&self, is_so: impl FnMut(&Seen) -> bool) {
        within(self.seen.clone().wait_for(is_so)).await.unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An HTTP/1.1 client on one connection.
pub(crate) struct Http {
    pub(crate) stream: TcpStream,
    pub(crate) read: Vec<u8>,
}

impl Http {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let read = Vec::new();
        Self { stream, read }
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method != "GET" {
            head += &format!("content-length: {}\r\n", body.len());
        }
        let request = format!("{head}\r\n{body}");
        within(self.stream.write_all(request.as_bytes()))
            .await
            .unwrap();
    }

    /// Asks and returns the head and the body of an answer with a length.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (String, String) {
        self.send(method, path, headers, body).await;
        let head = self.head().await;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        while self.read.len() < length {
            assert_ne!(
                within(self.more()).await.unwrap(),
                0,
                "cut short after {head}"
            );
        }
        let body = self.read.drain(..length).collect();
        (head, String::from_utf8(body).unwrap())
    }

    /// Reads one head, lower-cased but for its first line.
    pub(crate) async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            assert_ne!(
                within(self.more()).await.unwrap(),
                0,
                "no head: {:?}",
                self.read
            );
        }
    }

    /// Reads some bytes; 0 at the end.
    pub(crate) async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.read).await
    }

    /// Reads until the connection breaks.
    pub(crate) async fn broken(&mut self) -> io::ErrorKind {
        within(async {
            loop {
                match self.more().await {
                    Ok(0) => return io::ErrorKind::UnexpectedEof,
                    Ok(_) => {}
                    Err(error) => return error.kind(),
                }
            }
        })
        .await
    }

    /// Tells whether nothing at all comes for `duration`.
    pub(crate) async fn is_silent(&mut self, duration: Duration) -> bool {
        timeout(duration, self.more()).await.is_err()
    }
}

/// Awaits what must not take long.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("not within ten seconds")
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

type Told = State<Arc<watch::Sender<Seen>>>;

/// Counts something as live until dropped.
struct Guard(Arc<watch::Sender<Seen>>, fn(&mut Seen) -> &mut i32);

impl Guard {
    fn new(seen: &Arc<watch::Sender<Seen>>, field: fn(&mut Seen) -> &mut i32) -> Self {
        seen.send_modify(|seen| *field(seen) += 1);
        Self(seen.clone(), field)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.send_modify(|seen| *(self.1)(seen) -= 1);
    }
}

async fn echo(State(seen): Told, upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(async move |mut socket| {
        let _guard = Guard::new(&seen, |seen| &mut seen.websockets);
        while let Some(Ok(message)) = socket.recv().await {
            match message {
                Message::Text(text) if text.as_str() == "close" => return,
                Message::Text(_) | Message::Binary(_) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
            }
        }
    })
}

/// Sends an event of a little over a kilobyte every five milliseconds.
async fn events(State(seen): Told) -> impl IntoResponse {
    let guard = Guard::new(&seen, |seen| &mut seen.streams);
    Sse::new(stream::unfold((guard, seen), async |(guard, seen)| {
        tokio::time::sleep(ms(5)).await;
        seen.send_modify(|seen| seen.sse_bytes += 1024);
        let event = Event::default().data("x".repeat(1024));
        Some((Ok::<_, Infallible>(event), (guard, seen)))
    }))
}

async fn poll(State(seen): Told) -> &'static str {
    let _guard = Guard::new(&seen, |seen| &mut seen.polls);
    std::future::pending().await
}

async fn post_echo(State(seen): Told, body: Bytes) -> (StatusCode, Bytes) {
    seen.send_modify(|seen| seen.posts += 1);
    (StatusCode::ACCEPTED, body)
}
