//! A WebRTC client: a peer on a socket of its own, driven by a task.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use reqwest::{Client, Response};
use serde_json::{Value, json};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{Direction, Frequency, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{sleep_until, timeout};

use crate::rig::{PATIENCE, Rig};

/// What a peer is told to do.
enum Say {
    Text(String),
    Bytes(Vec<u8>),
    /// 20 ms of G.711.
    Sound(Vec<u8>),
    Answer(SdpPendingOffer, String),
    /// Asks for an offer that begins ICE anew.
    Restart(tokio::sync::oneshot::Sender<(SdpOffer, SdpPendingOffer)>),
    /// Says this before anything else: sound may flow before the data channel is open.
    Blurt(Vec<Vec<u8>>),
    Leave,
}

/// What a peer heard.
#[derive(Debug)]
pub(crate) enum Heard {
    Open,
    Text(String),
    Bytes(Vec<u8>),
    Sound(Vec<u8>),
    Connected,
    Blurted,
    Closed,
}

pub(crate) struct Peer {
    says: UnboundedSender<Say>,
    hears: UnboundedReceiver<Heard>,
    pub(crate) location: String,
    pub(crate) etag: String,
    http: Client,
    /// Units that came in parts.
    joined: Vec<u8>,
    frames: VecDeque<Value>,
    /// Sound that came while something else was waited for.
    pub(crate) sounds: Vec<Vec<u8>>,
}

/// An offer, and the peer that made it.
pub(crate) struct Offered {
    pub(crate) sdp: String,
    pending: SdpPendingOffer,
    rtc: Rtc,
    socket: UdpSocket,
    mid: Mid,
}

pub(crate) async fn offer() -> Offered {
    str0m::crypto::from_feature_flags().install_process_default();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut rtc = RtcConfig::new()
        .clear_codecs()
        .enable_pcmu(true, false)
        .build(Instant::now());
    let address = socket.local_addr().unwrap();
    rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
    let mut api = rtc.sdp_api();
    let mid = api.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
    api.add_channel("throughline".into());
    let (offer, pending) = api.apply().unwrap();
    Offered {
        sdp: offer.to_sdp_string(),
        pending,
        rtc,
        socket,
        mid,
    }
}

impl Rig {
    pub(crate) async fn post_offer(&self, sdp: &str, token: Option<&str>) -> Response {
        let mut request = self
            .http
            .post(self.url("/realtime"))
            .header("Content-Type", "application/sdp");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.body(sdp.to_owned()).send().await.unwrap()
    }

    /// Connects a peer and waits for its data channel.
    pub(crate) async fn peer(&self) -> Peer {
        let mut peer = self.dial().await;
        peer.until(|heard| matches!(heard, Heard::Open)).await;
        peer
    }

    /// Connects a peer that has said all this before its data channel is open.
    pub(crate) async fn peer_that_blurts(&self, g711: Vec<Vec<u8>>) -> Peer {
        let mut peer = self.dial_with(Some(Say::Blurt(g711))).await;
        peer.until(|heard| {
            assert!(!matches!(heard, Heard::Open), "the channel was first");
            matches!(heard, Heard::Blurted)
        })
        .await;
        peer.until(|heard| matches!(heard, Heard::Open)).await;
        peer
    }

    /// Offers, and starts the peer with the answer.
    pub(crate) async fn dial(&self) -> Peer {
        self.dial_with(None).await
    }

    async fn dial_with(&self, first: Option<Say>) -> Peer {
        let offered = offer().await;
        let answer = self.post_offer(&offered.sdp, None).await;
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers()["content-type"], "application/sdp");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let (location, etag) = (header("location"), header("etag"));
        let sdp = answer.text().await.unwrap();
        let mut peer = self.connect(offered, sdp, first);
        peer.location = self.url(&location);
        peer.etag = etag;
        peer
    }

    /// Starts the peer that made an offer with the answer to it.
    pub(crate) fn connect_peer(&self, offered: Offered, sdp: String) -> Peer {
        self.connect(offered, sdp, None)
    }

    fn connect(&self, offered: Offered, sdp: String, first: Option<Say>) -> Peer {
        let (says, orders) = mpsc::unbounded_channel();
        let (tells, hears) = mpsc::unbounded_channel();
        for say in first.into_iter().chain([Say::Answer(offered.pending, sdp)]) {
            let _ = says.send(say);
        }
        tokio::spawn(drive(
            offered.rtc,
            offered.socket,
            offered.mid,
            orders,
            tells,
        ));
        Peer {
            says,
            hears,
            location: String::new(),
            etag: String::new(),
            http: self.http.clone(),
            joined: Vec::new(),
            frames: VecDeque::new(),
            sounds: Vec::new(),
        }
    }

    /// Connects a peer, says `hello`, takes the session, and returns `ready`'s object.
    pub(crate) async fn take_rtc(&self, hello: Value, fence: u32) -> (Peer, Value) {
        let mut peer = self.peer().await;
        let received = hello["received"].clone();
        peer.send(json!([["hello", hello]]));
        let ready = peer.frame().await;
        assert_eq!(ready[0], "ready", "{ready}");
        peer.send(json!([["take", fence, received]]));
        (peer, ready[1].clone())
    }
}

impl Peer {
    pub(crate) fn send(&self, unit: Value) {
        self.say(Say::Text(unit.to_string()));
    }

    pub(crate) fn send_text(&self, text: &str) {
        self.say(Say::Text(text.into()));
    }

    pub(crate) fn send_bytes(&self, bytes: Vec<u8>) {
        self.say(Say::Bytes(bytes));
    }

    /// Sends a unit in parts.
    pub(crate) fn send_unit(&self, is_binary: bool, unit: &[u8]) {
        let count = unit.len().div_ceil(60_000);
        for (i, chunk) in unit.chunks(60_000).enumerate() {
            let last = u8::from(i + 1 == count);
            let text = if is_binary { 0 } else { 2 };
            self.send_bytes([&[0, 0, last | text], chunk].concat());
        }
    }

    pub(crate) fn speak(&self, g711: Vec<u8>) {
        self.say(Say::Sound(g711));
    }

    pub(crate) fn leave(&self) {
        self.say(Say::Leave);
    }

    fn say(&self, say: Say) {
        let _ = self.says.send(say);
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        let heard = timeout(PATIENCE, self.hears.recv()).await;
        heard.expect("nothing was heard").unwrap_or(Heard::Closed)
    }

    pub(crate) async fn until(&mut self, wanted: impl Fn(&Heard) -> bool) {
        loop {
            let heard = self.hear().await;
            if wanted(&heard) {
                return;
            }
            assert!(!matches!(heard, Heard::Closed), "closed");
            if let Heard::Sound(sound) = heard {
                self.sounds.push(sound);
            }
        }
    }

    /// The next unit: text as it is, bytes as `["bytes", n, type, [..]]`, the end as `["closed"]`.
    pub(crate) async fn unit(&mut self) -> Value {
        loop {
            match self.hear().await {
                Heard::Text(text) => return serde_json::from_str(&text).unwrap(),
                Heard::Bytes(bytes) if bytes.starts_with(&[0, 0]) => {
                    let (flags, part) = (bytes[2], &bytes[3..]);
                    assert!(part.len() <= 60_000);
                    self.joined.extend(part);
                    if flags & 1 == 1 {
                        let whole = std::mem::take(&mut self.joined);
                        return match flags & 2 {
                            2 => serde_json::from_slice(&whole).unwrap(),
                            _ => json!([crate::rig::bytes(&whole)]),
                        };
                    }
                }
                Heard::Bytes(bytes) => return json!([crate::rig::bytes(&bytes)]),
                Heard::Sound(sound) => self.sounds.push(sound),
                Heard::Closed => return json!([["closed"]]),
                Heard::Open | Heard::Connected | Heard::Blurted => {}
            }
        }
    }

    /// The next frame that is neither an ack nor a heartbeat.
    pub(crate) async fn frame(&mut self) -> Value {
        loop {
            while let Some(frame) = self.frames.pop_front() {
                if frame[0] != "ack" && frame != json!(["ping", 0]) {
                    return frame;
                }
            }
            let unit = self.unit().await;
            self.frames.extend(unit.as_array().unwrap().clone());
        }
    }

    /// The next 20 ms of sound, in G.711. Frames that come before it wait.
    pub(crate) async fn sound(&mut self) -> Vec<u8> {
        loop {
            if !self.sounds.is_empty() {
                return self.sounds.remove(0);
            }
            match self.hear().await {
                Heard::Sound(sound) => return sound,
                Heard::Text(text) => {
                    let unit: Vec<Value> = serde_json::from_str(&text).unwrap();
                    self.frames.extend(unit);
                }
                heard => panic!("{heard:?}"),
            }
        }
    }

    pub(crate) async fn patch(&self, etag: &str, fragment: &str) -> Response {
        let request = self
            .http
            .patch(&self.location)
            .header("Content-Type", "application/trickle-ice-sdpfrag")
            .header("If-Match", etag);
        request.body(fragment.to_owned()).send().await.unwrap()
    }

    pub(crate) async fn delete(&self) -> Response {
        self.http.delete(&self.location).send().await.unwrap()
    }

    /// Begins ICE anew, and waits until it has found its way.
    pub(crate) async fn restart(&mut self) {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.say(Say::Restart(tell));
        let (offer, pending) = told.await.unwrap();
        let sdp = offer.to_sdp_string();
        let kept = ["a=ice-ufrag", "a=ice-pwd", "a=candidate", "a=mid"];
        let fragment: String = sdp
            .lines()
            .filter(|line| kept.iter().any(|kept| line.starts_with(kept)))
            .map(|line| format!("{line}\r\n"))
            .collect();
        let answer = self.patch("\"*\"", &fragment).await;
        assert_eq!(answer.status(), 200);
        let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
        assert_ne!(etag, self.etag);
        self.etag = etag;
        let fragment = answer.text().await.unwrap();
        let find = |prefix: &str| {
            let line = fragment.lines().find(|line| line.starts_with(prefix));
            line.unwrap_or_else(|| panic!("no {prefix} in {fragment}"))
                .to_owned()
        };
        let (ufrag, password) = (find("a=ice-ufrag:"), find("a=ice-pwd:"));
        find("a=candidate:");
        self.say(Say::Answer(pending, format!("{ufrag}\r\n{password}\r\n")));
        self.until(|heard| matches!(heard, Heard::Connected)).await;
    }
}

async fn drive(
    mut rtc: Rtc,
    socket: UdpSocket,
    mid: Mid,
    mut orders: UnboundedReceiver<Say>,
    tells: UnboundedSender<Heard>,
) {
    let local = socket.local_addr().unwrap();
    let mut channel: Option<ChannelId> = None;
    let mut buffer = vec![0; 2_048];
    let mut answered = String::new();
    let mut samples = 0;
    let mut held: Option<(bool, Vec<u8>)> = None;
    let mut blurts: Option<VecDeque<Vec<u8>>> = None;
    loop {
        if let (Some(id), Some((binary, bytes))) = (channel, held.take())
            && let Some(mut open) = rtc.channel(id)
            && !open.write(binary, &bytes).unwrap_or(true)
        {
            held = Some((binary, bytes));
        }
        let due = loop {
            match rtc.poll_output() {
                Ok(Output::Timeout(due)) => break due,
                Ok(Output::Transmit(out)) => {
                    let _ = socket.send_to(&out.contents, out.destination).await;
                }
                Ok(Output::Event(event)) => {
                    let heard = match event {
                        Event::ChannelOpen(id, _) => {
                            channel = Some(id);
                            Heard::Open
                        }
                        Event::ChannelData(data) if data.binary => Heard::Bytes(data.data),
                        Event::ChannelData(data) => {
                            Heard::Text(String::from_utf8(data.data).unwrap())
                        }
                        Event::MediaData(data) => Heard::Sound(data.data.to_vec()),
                        Event::ChannelClose(_) => Heard::Closed,
                        Event::IceConnectionStateChange(
                            IceConnectionState::Connected | IceConnectionState::Completed,
                        ) => Heard::Connected,
                        _ => continue,
                    };
                    if tells.send(heard).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        };
        if !rtc.is_alive() {
            return;
        }
        // Nothing is read meanwhile, and so the channel cannot open.
        if rtc.is_connected()
            && let Some(sounds) = &mut blurts
        {
            match sounds.pop_front() {
                Some(sound) => samples += speak(&mut rtc, mid, samples, sound),
                None => {
                    blurts = None;
                    let _ = tells.send(Heard::Blurted);
                }
            }
            continue;
        }
        tokio::select! {
            order = orders.recv(), if held.is_none() => match order {
                Some(Say::Text(text)) => held = Some((false, text.into_bytes())),
                Some(Say::Bytes(bytes)) => held = Some((true, bytes)),
                Some(Say::Sound(sound)) => {
                    samples += speak(&mut rtc, mid, samples, sound);
                }
                Some(Say::Blurt(sounds)) => blurts = Some(sounds.into()),
                Some(Say::Answer(pending, text)) => {
                    if text.starts_with("v=0") {
                        answered = text;
                    } else {
                        answered = merge(&answered, &text);
                    }
                    let answer = SdpAnswer::from_sdp_string(&answered).unwrap();
                    rtc.sdp_api().accept_answer(pending, answer).unwrap();
                }
                Some(Say::Restart(tell)) => {
                    let mut api = rtc.sdp_api();
                    api.ice_restart(true);
                    let _ = tell.send(api.apply().unwrap());
                }
                Some(Say::Leave) => {
                    let _ = rtc.close();
                }
                None => return,
            },
            received = socket.recv_from(&mut buffer) => {
                let (length, source) = received.unwrap();
                let source: SocketAddr = source;
                if let Ok(received) = Receive::new(Protocol::Udp, source, local, &buffer[..length])
                    && rtc.handle_input(Input::Receive(Instant::now(), received)).is_err()
                {
                    return;
                }
            }
            () = sleep_until(due.into()) => {
                if rtc.handle_input(Input::Timeout(Instant::now())).is_err() {
                    return;
                }
            }
        }
    }
}

/// Says sound that begins after so many samples. Returns how many it has.
fn speak(rtc: &mut Rtc, mid: Mid, at: u64, sound: Vec<u8>) -> u64 {
    let writer = rtc.writer(mid).unwrap();
    let pt = writer.payload_params().next().unwrap().pt();
    let at = MediaTime::new(at, Frequency::EIGHT_KHZ);
    let count = sound.len() as u64;
    let _ = writer.write(pt, Instant::now(), at, sound);
    count
}

/// The answer with the credentials of a fragment.
fn merge(answer: &str, fragment: &str) -> String {
    let mut lines = fragment.lines();
    let (ufrag, password) = (lines.next().unwrap(), lines.next().unwrap());
    let line = |line: &str| match line {
        line if line.starts_with("a=ice-ufrag:") => ufrag.to_owned(),
        line if line.starts_with("a=ice-pwd:") => password.to_owned(),
        line => line.to_owned(),
    };
    answer.lines().map(|old| line(old) + "\r\n").collect()
}
