//! A client: the core's own half, over real sockets and requests.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::{Value, json};
use throughline_core::codec::{Body, Payload, decode_unit, encode_unit};
use throughline_core::{
    AttemptId, Cause, Config, Ending, Event, Frame, Input, Millis, Nonce, Outcome, Output, Report,
    Session, StateKind, Ticket, Transport,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{random, until};

/// What the application of a client sees.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Types and payloads of messages, in order; replies have an empty type.
    pub(crate) messages: Vec<(String, Value)>,
    pub(crate) sent: usize,
    /// Sends whose fate nobody knows.
    pub(crate) unknown: usize,
    pub(crate) gaps: usize,
    pub(crate) links: usize,
    state: Option<StateKind>,
}

pub(crate) struct Client {
    seen: Arc<Mutex<Seen>>,
    sends: UnboundedSender<(String, Value, Option<u32>)>,
    running: JoinHandle<()>,
}

impl Client {
    /// Connects to `address` by these transports.
    pub(crate) fn start(address: SocketAddr, transports: &[Transport]) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let (sends, receiver) = mpsc::unbounded_channel();
        let mut config = Config {
            transports: transports.iter().copied().collect(),
            outbox_messages: 100_000,
            ..Config::default()
        };
        config.timing.backoff = [50, 100, 200, 400];
        let page = Page::new(address, config, seen.clone());
        Self {
            seen,
            sends,
            running: tokio::spawn(page.run(receiver)),
        }
    }

    pub(crate) async fn connected(address: SocketAddr, transport: Transport) -> Self {
        let client = Self::start(address, &[transport]);
        until("connected", async || client.is_connected()).await;
        client
    }

    pub(crate) fn send(&self, kind: &str, payload: Value) {
        self.sends.send((kind.to_owned(), payload, None)).unwrap();
    }

    pub(crate) fn request(&self, id: u32, kind: &str, payload: Value) {
        self.sends
            .send((kind.to_owned(), payload, Some(id)))
            .unwrap();
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.seen().state == Some(StateKind::Connected)
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// How many gaps there were, and sends whose fate nobody knows.
    pub(crate) fn losses(&self) -> (usize, usize) {
        let seen = self.seen();
        (seen.gaps, seen.unknown)
    }

    /// The payloads of messages of that type.
    pub(crate) fn heard(&self, kind: &str) -> Vec<Value> {
        let seen = self.seen();
        let messages = seen.messages.iter().filter(|(other, _)| other == kind);
        messages.map(|(_, payload)| payload.clone()).collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// What a transport tells the page.
enum Told {
    Report(AttemptId, Report<Body>),
    Unit(AttemptId, Vec<Frame<Body>>, usize),
    Probed(u16),
}

/// A wire's way up; dropping it ends the wire.
struct Wire {
    up: UnboundedSender<String>,
    running: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.running.abort();
    }
}

struct Page {
    core: Session<Body>,
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    wires: HashMap<AttemptId, Wire>,
    tell: UnboundedSender<Told>,
    told: UnboundedReceiver<Told>,
    began: Instant,
}

impl Page {
    fn new(address: SocketAddr, config: Config, seen: Arc<Mutex<Seen>>) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self {
            core: Session::new(config, random().to_ne_bytes()),
            address,
            seen,
            wires: HashMap::new(),
            tell,
            told,
            began: Instant::now(),
        }
    }

    async fn run(mut self, mut sends: UnboundedReceiver<(String, Value, Option<u32>)>) {
        self.turn(Input::Connect);
        let mut ticket = 0;
        loop {
            let due = self.core.poll_timeout().map_or(1_000, |at| at - self.now());
            tokio::select! {
                Some(told) = self.told.recv() => self.hear(told),
                Some((kind, payload, request)) = sends.recv() => {
                    ticket += 1;
                    let body = Body::json(&kind, &payload).unwrap();
                    let bytes = body.size() as u32;
                    self.turn(Input::Send { ticket: Ticket(ticket), request, body, bytes, ttl: None, replaces: None });
                }
                () = tokio::time::sleep(Duration::from_millis(due)) => self.turn(Input::Timeout),
            }
        }
    }

    fn now(&self) -> Millis {
        Millis(self.began.elapsed().as_millis() as u64)
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Report(id, report) => self.turn(Input::Report(id, report)),
            Told::Probed(status) => self.turn(Input::SideProbe {
                status,
                retry_after: None,
            }),
            Told::Unit(id, frames, bytes) => {
                let mut soon = self.core.heard(id, bytes);
                for frame in frames {
                    match frame {
                        Frame::Message { n, body } | Frame::Reply { n, body, .. } => {
                            let verdict = self.core.accept(id, n) as u8;
                            soon |= verdict & 2 != 0;
                            if verdict & 1 != 0 {
                                self.deliver(&body);
                            }
                        }
                        frame => self.turn(Input::Report(id, Report::Frame(frame))),
                    }
                }
                if soon {
                    self.turn(Input::Timeout);
                }
            }
        }
    }

    fn deliver(&self, body: &Body) {
        let payload = match &body.payload {
            Payload::Json(json) => serde_json::from_str(json.get()).unwrap(),
            Payload::Bytes(bytes) => json!(&**bytes),
        };
        let message = (body.kind.to_string(), payload);
        self.seen.lock().unwrap().messages.push(message);
    }

    fn turn(&mut self, input: Input<Body>) {
        self.core.handle(input, self.now());
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Open {
                    attempt,
                    transport,
                    link,
                } => {
                    let wire = self.open(attempt, transport, link);
                    self.wires.insert(attempt, wire);
                }
                Output::Transmit { attempt, frames } => {
                    let unit = encode_unit(&frames).unwrap();
                    // The wire's task may have ended, and says so.
                    let _ = self.wires[&attempt].up.send(unit);
                }
                Output::Drop { attempt } => drop(self.wires.remove(&attempt)),
                Output::NeedToken(_) => panic!("there are no tokens here"),
                Output::Mend { .. } => panic!("there is no WebRTC here"),
                Output::Note(_) => {}
                Output::SideProbe => {
                    let (tell, address) = (self.tell.clone(), self.address);
                    tokio::spawn(async move {
                        let answer = reqwest::get(format!("http://{address}/realtime")).await;
                        let status = answer.map_or(0, |answer| answer.status().as_u16());
                        let _ = tell.send(Told::Probed(status));
                    });
                }
                Output::Event(event) => self.note(event),
            }
        }
    }

    fn note(&self, event: Event) {
        let mut seen = self.seen.lock().unwrap();
        match event {
            Event::State { to, ending, .. } => {
                assert_ne!(to, StateKind::Failed, "{ending:?}");
                seen.state = Some(to);
            }
            Event::Transport { to: Some(_), .. } => seen.links += 1,
            Event::Settled(_, Outcome::Sent) => seen.sent += 1,
            Event::Settled(_, Outcome::Unknown) => seen.unknown += 1,
            Event::Gap { .. } => seen.gaps += 1,
            _ => {}
        }
    }

    fn open(&self, attempt: AttemptId, transport: Transport, link: Nonce) -> Wire {
        let (up, units) = mpsc::unbounded_channel();
        let wire = Ends {
            attempt,
            tell: self.tell.clone(),
        };
        let url = format!("http://{}/realtime", self.address);
        let running = match transport {
            Transport::WebSocket => tokio::spawn(websocket(wire, url.replace("http", "ws"), units)),
            Transport::Sse => {
                let url = format!("{url}?link={}", link.to_hex());
                tokio::spawn(async move {
                    tokio::join!(sse(&wire, &url), posts(&wire, &url, units));
                })
            }
            Transport::WebRtc => panic!("there is no WebRTC here"),
            Transport::LongPoll => {
                let url = format!("{url}?link={}", link.to_hex());
                tokio::spawn(async move {
                    tokio::join!(polls(&wire, &url), posts(&wire, &url, units));
                })
            }
        };
        Wire { up, running }
    }
}

/// What a wire's task has of the page.
struct Ends {
    attempt: AttemptId,
    tell: UnboundedSender<Told>,
}

impl Ends {
    fn report(&self, report: Report<Body>) {
        let _ = self.tell.send(Told::Report(self.attempt, report));
    }

    fn unit(&self, text: &str) {
        let frames = decode_unit(text)
            .unwrap_or_else(|error| panic!("{error}: {text}"))
            .frames;
        let _ = self.tell.send(Told::Unit(self.attempt, frames, text.len()));
    }

    fn end(&self, cause: Cause, code: u16, status: u16, retry_after: Option<u32>) {
        self.report(Report::Ended(Ending {
            code,
            status,
            retry_after,
            ..Ending::of(cause)
        }));
    }

    fn refused(&self, answer: &reqwest::Response) {
        let retry = answer.headers().get("retry-after");
        let retry = retry.map(|value| value.to_str().unwrap().parse::<u32>().unwrap() * 1_000);
        self.end(Cause::Status, 0, answer.status().as_u16(), retry);
    }
}

async fn websocket(wire: Ends, url: String, mut units: UnboundedReceiver<String>) {
    let Ok((socket, _)) = connect_async(url).await else {
        return wire.end(Cause::Refused, 0, 0, None);
    };
    wire.report(Report::Opened);
    let (mut sink, mut stream) = socket.split();
    let write = async {
        while let Some(unit) = units.recv().await {
            if sink.send(Message::text(unit)).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let read = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Text(text))) => wire.unit(&text),
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(1005, |frame| u16::from(frame.code));
                    let told = code != 1005 && code != 1006;
                    let cause = if told { Cause::Closed } else { Cause::Lost };
                    return wire.end(cause, if told { code } else { 0 }, 0, None);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return wire.end(Cause::Lost, 0, 0, None),
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}

/// A client whose every request has a connection of its own: the proxy spreads requests, too.
fn requests() -> reqwest::Client {
    reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
}

async fn sse(wire: &Ends, url: &str) {
    let request = requests().get(url).header("Accept", "text/event-stream");
    let Ok(mut answer) = request.send().await else {
        return wire.end(Cause::Refused, 0, 0, None);
    };
    if answer.status() != StatusCode::OK {
        return wire.refused(&answer);
    }
    wire.report(Report::Opened);
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        text.extend_from_slice(&chunk);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event = String::from_utf8(text.drain(..end + 2).collect()).unwrap();
            if let Some(data) = event.trim_end().strip_prefix("data: ") {
                wire.unit(data);
            }
        }
    }
    wire.end(Cause::Lost, 0, 0, None);
}

async fn polls(wire: &Ends, url: &str) {
    let client = requests();
    let mut opened = false;
    loop {
        let poll = client.get(url).send();
        if !opened {
            opened = true;
            wire.report(Report::Opened);
        }
        let Ok(answer) = poll.await else {
            return wire.end(Cause::Lost, 0, 0, None);
        };
        if answer.status() != StatusCode::OK {
            return wire.refused(&answer);
        }
        match answer.text().await {
            Ok(text) => wire.unit(&text),
            Err(_) => return wire.end(Cause::Lost, 0, 0, None),
        }
    }
}

async fn posts(wire: &Ends, url: &str, mut units: UnboundedReceiver<String>) {
    let client = requests();
    while let Some(unit) = units.recv().await {
        let post = client
            .post(url)
            .header("Content-Type", "application/json")
            .body(unit);
        let Ok(answer) = post.send().await else {
            return wire.end(Cause::Lost, 0, 0, None);
        };
        if answer.status() != StatusCode::OK {
            return wire.refused(&answer);
        }
        match answer.text().await {
            Ok(text) => wire.unit(&text),
            Err(_) => return wire.end(Cause::Lost, 0, 0, None),
        }
        wire.report(Report::Written);
    }
}
